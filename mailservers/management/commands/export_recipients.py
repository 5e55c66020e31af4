"""Prints every address this server takes, for the relay_recipient_maps of a secondary server."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.commands import PanelCommand
from domains.commands import domain_named
from mailservers.recipients import every_recipient, patterns


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
        for pattern in patterns(name):
            sentence = _("%(pattern)s cannot stand in a list of addresses; the secondary server refuses its mail.")
            self.stderr.write(sentence % {"pattern": pattern}, style_func=str)
        for recipient in every_recipient(name):
            if recipient.startswith("#"):  # a comment, postmap(1)
                sentence = _("%(address)s begins with #, which begins a comment there. It is left out.")
                self.stderr.write(sentence % {"address": recipient}, style_func=str)
                continue
            self.stdout.write(f"{recipient} OK")
