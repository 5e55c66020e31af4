"""The words of each table, for its pages and its command: one grammar for all."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lookup_tables.models import Bcc, Canonical, Entry, Relocated, SenderRelay, TlsPolicy, Transport

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, kw_only=True)
class Noun:
    """One table as people meet it. `slug` stands in its URLs."""

    model: type[Entry]
    slug: str
    lead: "StrOrPromise"
    key: "StrOrPromise"
    key_help: "StrOrPromise"
    result: "StrOrPromise"
    result_help: "StrOrPromise"
    example: tuple[str, str]

    @property
    def name(self) -> str:
        """In the names of URLs, in the history, and as a command."""
        return self.model.noun

    @property
    def words(self) -> str:
        return str(self.model._meta.verbose_name)

    @property
    def title(self) -> str:
        words = str(self.model._meta.verbose_name_plural)
        return words[:1].upper() + words[1:]

    @property
    def has(self) -> set[str]:
        """The columns that not every table has."""
        return {field.name for field in self.model._meta.fields} & {"applies_to", "username"}

    @property
    def rows(self) -> Any:
        return self.model._default_manager.all()

    @property
    def applies_to(self) -> Any:
        """The column that says which mail a row is about; only some tables have it."""
        fields: Any = self.model._meta
        return fields.get_field("applies_to")

    def found_by(self) -> str:
        """How Postfix calls this table in main.cf."""
        return ", ".join(self.model.parameters.values())

    def sentence_add(self) -> str:
        return _("Add %(noun)s") % {"noun": self.words}


ADDRESS_HELP = gettext_lazy("name@example.org, or @example.org for every other address of the domain.")

NOUNS = [
    Noun(
        model=Transport,
        slug="transports",
        lead=gettext_lazy("By which program, and to which next hop, mail for an address or a domain goes."),
        key=gettext_lazy("Address or domain"),
        key_help=gettext_lazy(
            "name@example.org, example.org alone, .example.org for all domains below it, or * for everything else."
        ),
        result=gettext_lazy("Transport"),
        result_help=gettext_lazy(
            "A name of master.cf, a colon, and the next hop. Brackets ask for no MX record. "
            "error:TEXT refuses the mail and retry:TEXT defers it, both with this text."
        ),
        example=("example.org", "smtp:[mx.example.org]:25"),
    ),
    Noun(
        model=TlsPolicy,
        slug="tls-policies",
        lead=gettext_lazy("How well mail to a next hop must be encrypted before it leaves."),
        key=gettext_lazy("Next hop"),
        key_help=gettext_lazy(
            "As it is written where mail is routed, with brackets and port; .example.org for all domains below it."
        ),
        result=gettext_lazy("TLS policy"),
        result_help=gettext_lazy(
            "none, may, encrypt, dane, dane-only, fingerprint, verify or secure, and attributes behind it: "
            "match=, protocols=, ciphers=, exclude=, servername=, connection_reuse=. dane and dane-only believe a "
            "resolver of the mail host that validates DNSSEC."
        ),
        example=("[mx.example.org]:587", "secure match=.example.org"),
    ),
    Noun(
        model=SenderRelay,
        slug="sender-relays",
        lead=gettext_lazy("Through which relay the mail of a sender leaves, and as whom Postfix signs in there."),
        key=gettext_lazy("Sender"),
        key_help=ADDRESS_HELP,
        result=gettext_lazy("Relay"),
        result_help=gettext_lazy("[mx.example.org]:587. Without brackets, Postfix asks for MX records."),
        example=("@example.org", "[relay.example.net]:587"),
    ),
    Noun(
        model=Bcc,
        slug="bcc",
        lead=gettext_lazy("One address that gets a copy of the mail of another, unseen by sender and recipient."),
        key=gettext_lazy("Mail of"),
        key_help=ADDRESS_HELP,
        result=gettext_lazy("Copy to"),
        result_help=gettext_lazy("One address. Tell the people whose mail it is, where the law asks for that."),
        example=("info@example.org", "archive@example.org"),
    ),
    Noun(
        model=Relocated,
        slug="relocated",
        lead=gettext_lazy("Who has gone, and where: Postfix refuses the mail with 550 and says the new address."),
        key=gettext_lazy("Old address"),
        key_help=ADDRESS_HELP,
        result=gettext_lazy("New address or place"),
        result_help=gettext_lazy("What follows “User has moved to” in the answer to the sender. ASCII, one line."),
        example=("ann@example.org", "ann@example.net"),
    ),
    Noun(
        model=Canonical,
        slug="canonical",
        lead=gettext_lazy("Addresses that Postfix rewrites in envelopes and headers, before anything else."),
        key=gettext_lazy("Address"),
        key_help=ADDRESS_HELP,
        result=gettext_lazy("Becomes"),
        result_help=gettext_lazy("An address, or @example.org to keep what stands before the @."),
        example=("ann@mx.example.org", "ann.example@example.org"),
    ),
]
BY_NAME = {noun.name: noun for noun in NOUNS}
