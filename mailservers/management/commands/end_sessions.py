"""Ends the sessions of those who may not sign in any more; runs all the time on each host with Dovecot."""

import argparse
import socket
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError, close_old_connections
from django.utils.translation import gettext as _

from accounts.commands import PanelCommand
from mailservers.dovecot_sessions import Dovecot, DovecotByRoot, DovecotHere, end_sessions
from mailservers.root import Root, RootIsGone


class Command(PanelCommand):
    help = _(
        "End the Dovecot sessions of those who may not sign in any more: mailboxes that were stopped, deactivated, "
        "deleted or have expired, which have got another password, whose app passwords were revoked or have expired, "
        "or whose allowed networks have become fewer. Run it on each host with Dovecot, as root."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every",
            type=int,
            metavar="SECONDS",
            help=_("Go on, and look again after so many seconds; /health/ says so if it does not."),
        )
        parser.add_argument(
            "--host", default=socket.gethostname(), metavar="NAME", help=_("The name of this host in the panel.")
        )
        parser.add_argument("--conf", metavar="FILE", help=_("dovecot.conf, if it is not where Dovecot expects it."))
        # Said by script/manage where it was started by root: standard input leads to root, who asks Dovecot.
        parser.add_argument("--by-root", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        every = options["every"]
        if every is not None and every < 1:
            raise CommandError(_("Look every second at most."))
        dovecot: Dovecot = DovecotHere(options["conf"])
        if options["by_root"]:
            dovecot = DovecotByRoot(Root(socket.socket(fileno=0)))
        while True:
            try:
                for login in end_sessions(host=options["host"], dovecot=dovecot, goes_on=every is not None):
                    self.stdout.write(_("Ended the sessions of %(login)s.") % {"login": login})
            except RootIsGone:
                return
            except (OSError, OperationalError) as error:
                sentence = _("Sessions could not be ended: %(reason)s.") % {"reason": str(error).strip().rstrip(".")}
                if every is None:
                    raise CommandError(sentence) from error
                self.stderr.write(sentence)
            if every is None:
                return
            close_old_connections()
            time.sleep(every)
