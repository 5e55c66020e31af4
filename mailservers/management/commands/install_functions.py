"""Puts the SQL functions that Postfix asks in place; `migrate` does the same."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _

from accounts.commands import PanelCommand
from mailservers.functions import install, outdated, sql_for_superuser
from mailservers.rights import wrong_rights


class Command(PanelCommand):
    help = _("Put the SQL functions for Postfix in place and give its role the right to call them, and no other.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help=_("Do it even if everything is as it should be."))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changed = install(force=options["force"])
        except DatabaseError as error:
            sentence = _(
                "This could not be done: %(reason)s. Let a superuser of the database run, then try again:\n%(sql)s"
            )
            raise CommandError(sentence % {"reason": str(error).strip(), "sql": sql_for_superuser()}) from error
        faults = outdated() + wrong_rights()
        if faults:
            raise CommandError("\n".join(faults))
        self.stdout.write(_("The functions are in place.") if changed else _("The functions were in place already."))
