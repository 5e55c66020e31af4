"""Says what is odd in the restriction lists, as the page does."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from accounts.commands import REFUSED, PanelCommand, as_json
from restrictions.page import everything
from restrictions.relaying import fault_of_relaying


class Command(PanelCommand):
    help = _("Say what is odd in the restriction lists and classes. Exit status 1: they would be an open relay.")
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help=_("Print JSON, with stable keys."))

    def handle(self, *args: Any, **options: Any) -> None:
        lists, found, _chosen = everything()
        fault = fault_of_relaying(lists)  # no service saves this, but SQL can
        if options["json"]:
            said = [{"where": one.where, "entry": str(one.entry or ""), "sentence": one.sentence} for one in found]
            self.stdout.write(as_json({"open_relay": fault or "", "oddities": said}))
        else:
            for one in found:
                self.stdout.write(str(one))
            if not found and not fault:
                self.stdout.write(_("Nothing is odd."))
            if fault:
                self.stderr.write(fault)
        if fault:
            raise SystemExit(REFUSED)
