"""Loads the demonstration data of `script/server --demo`."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.commands import PanelCommand
from takeover.demo import load_demo


class Command(PanelCommand):
    help = _("Load Falcot's domains, mailboxes and aliases. The mailboxes have no passwords yet.")

    def handle(self, *args: Any, **options: Any) -> None:
        if load_demo(by=Actor.from_command()):
            self.stdout.write(_("Loaded falcot.org, falcot.com and falcotsbrand.com."))
        else:
            self.stdout.write(_("The demonstration data is here already."))
