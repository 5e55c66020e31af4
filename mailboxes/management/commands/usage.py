"""What is stored, from the shell."""

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, stream
from domains.commands import domain_named
from mailboxes.domain_use import days_of, fullness_of, nearly_full_of, use_of


class Command(NounCommand):
    help = _("Show what mailboxes store, as Dovecot says it.")

    def add_verbs(self) -> None:
        domain = self.verb("domain", _("Show what the mailboxes of a domain store."))
        domain.add_argument("domain", metavar="DOMAIN")
        full = self.verb("full", _("List mailboxes that store 80 percent of their quota or more, the fullest first."))
        full.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))
        full.add_argument("--limit", type=int, default=100, metavar="N", help=_("At most so many; 0 for all."))

    def do_domain(self, options: Options) -> None:
        domain = domain_named(options["domain"])
        row: dict[str, Any] = {"domain": domain.name, **asdict(use_of(domain))}
        if options["json"]:
            row["days"] = [{"day": day, "bytes": octets} for day, octets in days_of(domain)]
        else:
            row |= dict(fullness_of(domain))
        self.card(row, options)

    def do_full(self, options: Options) -> None:
        rows = nearly_full_of(domain_named(options["domain"]) if options["domain"] else None)
        found = (
            {
                "address": str(row.mailbox),
                "percent": row.percent,
                "used_bytes": row.bytes,
                "quota_bytes": row.mailbox.quota_bytes,
                "owner_was_told": row.owner_was_told,
                "warning_refusal": row.warning_refusal,
            }
            for row in stream(rows, options["limit"])
        )
        self.table(found, {"address": 40, "percent": 8, "used_bytes": 14, "quota_bytes": 0}, options)
