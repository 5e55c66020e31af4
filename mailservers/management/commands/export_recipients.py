"""Prints every address this server takes, for the relay_recipient_maps of a secondary server."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.commands import PanelCommand
from domains.commands import domain_named
from mailservers.recipients import lines_for_secondary


class Command(PanelCommand):
    help = _(
        "Print every address that is taken here, a line each, for relay_recipient_maps = texthash:FILE of a secondary "
        "mail server. @domain stands for a whole domain: one with a catch-all, or a relay domain for any recipient."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name = domain_named(options["domain"]).name if options["domain"] else ""
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        for line, remark in lines_for_secondary(name):
            if remark:
                self.stderr.write(remark, style_func=str)
            else:
                self.stdout.write(line)
