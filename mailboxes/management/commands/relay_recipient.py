"""Recipients of relay domains from the shell."""

import sys
from collections import defaultdict
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, delete_arguments, list_arguments, stream
from domains.commands import domain_named
from mailboxes.afterwards import refused_from_then_on, who_gets_mail_after
from mailboxes.commands import listed, quarantine_argument
from mailboxes.models import RelayRecipient
from mailboxes.parsing import parse_address
from mailboxes.relay import add_relay_recipients, delete_relay_recipients


class Command(NounCommand):
    help = _("Add, delete and list the addresses of relay domains whose mail is taken.")

    def add_verbs(self) -> None:
        add = self.verb("add", _("Add recipients; those that are there already stay."))
        add.add_argument("addresses", nargs="*", metavar="ADDRESS")
        add.add_argument("--stdin", action="store_true", help=_("Read addresses from standard input, one a line."))
        quarantine_argument(add)

        delete = self.verb("delete", _("Delete recipients."))
        delete.add_argument("addresses", nargs="+", metavar="ADDRESS")
        delete_arguments(delete)

        recipients = self.verb("list", _("List recipients."))
        recipients.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))
        list_arguments(recipients, after="ADDRESS", search=_("Addresses that begin like this."))

    def do_add(self, options: Options) -> None:
        typed = list(options["addresses"])
        if options["stdin"]:
            typed += [line for line in map(str.strip, sys.stdin) if line]
        if not typed:
            self.wrong_usage(_("Name at least one address, or use --stdin."))
        by_domain: dict[str, list[str]] = defaultdict(list)
        for text in typed:
            by_domain[parse_address(text).domain].append(text)
        domains = {name: domain_named(name) for name in by_domain}
        despite = options["despite_quarantine"]
        number = sum(
            add_relay_recipients(domains[name], texts, despite_quarantine=despite, by=self.by)
            for name, texts in by_domain.items()
        )
        self.done(_("Added %(number)d relay recipients.") % {"number": number}, {"added": number}, options)

    def do_delete(self, options: Options) -> None:
        found = [self._found(text) for text in options["addresses"]]
        addresses = [one.address for one in found]
        taken = who_gets_mail_after(addresses)
        self.make_sure(
            _("Delete %(number)d relay recipients?") % {"number": len(found)},
            [taken.get(one.pk) or refused_from_then_on(one) for one in addresses],
            options,
        )
        for domain in {one.address.domain for one in found}:
            delete_relay_recipients(domain, [one for one in found if one.address.domain == domain], by=self.by)
        names = [str(one) for one in found]
        self.done(_("Deleted %(number)d relay recipients.") % {"number": len(names)}, {"deleted": names}, options)

    def do_list(self, options: Options) -> None:
        recipients = listed(RelayRecipient.objects.with_address(), options)
        self.table((_row(one) for one in stream(recipients, options["limit"])), {"address": 0}, options)

    def _found(self, text: str) -> RelayRecipient:
        typed = parse_address(text)
        recipients = RelayRecipient.objects.with_address()
        one = recipients.filter(address__domain__name=typed.domain, address__local_part=typed.local_part).first()
        if one is None:
            raise ValidationError(_("There is no relay recipient %(address)s.") % {"address": typed})
        return one


def _row(recipient: RelayRecipient) -> dict[str, Any]:
    return {"address": str(recipient), "created_at": recipient.created_at}
