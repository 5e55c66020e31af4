"""From what people type as destinations to rows."""

from collections.abc import Iterable, Iterator, Sequence

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from domains.models import AddressClass, Domain, MailSettings
from mailboxes.models import Address, AliasDestination
from mailboxes.parsing import ParsedAddress, external_form, parse_address, split_address

MOST_DESTINATIONS = 1000  # virtual_alias_expansion_limit, postconf(5)
ALIAS_GRAPH_LOCK = 0x414C4941  # "ALIA", an advisory lock: who changes what points where goes one after the other


def lock_alias_graph() -> None:
    """Held until the end of the transaction: two halves of a loop must not be saved side by side."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ALIAS_GRAPH_LOCK])


def fitting_pattern(local_part: str, patterns: Iterable[str]) -> str:
    """The longest of the patterns (`sales-*`) that takes a local part; empty if none does."""
    return max((one for one in patterns if local_part.startswith(one[:-1])), key=len, default="")


def resolve(
    texts: Iterable[str], *, for_address: Address, has_mailbox: bool, known: "Known | None" = None
) -> list[AliasDestination]:
    """Unsaved rows for what was typed, in order and without repetition. Raises ValidationError with a sentence for
    each destination that cannot be, under the key `destinations`. Who resolves for many aliases fetches once what is
    `known` of all their destinations."""
    faults: list[str] = []
    parsed: list[tuple[str, ParsedAddress]] = []
    for text in texts:
        try:
            parsed.append((text, parse_address(text, may_be_whole_domain=True)))
        except ValidationError as error:
            faults += error.messages
    known = known or Known([address for _text, address in parsed])
    rows: dict[str, AliasDestination] = {}
    for text, address in parsed:
        try:
            row = _row_for(text, address, known, for_address)
        except ValidationError as error:
            faults += error.messages
            continue
        if row.address_id == for_address.pk and row.address_id and not row.extension and has_mailbox:
            continue  # the mailbox keeps its copy anyway
        rows.setdefault(str(row), row)
    faults = faults or _faults_of_number(rows, has_mailbox)
    if faults:
        raise ValidationError({"destinations": faults})
    return list(rows.values())


def resolved_anew(rows: Sequence[AliasDestination]) -> Iterator[tuple[AliasDestination, AliasDestination]]:
    """Of destinations that are text, those that would be ours if they were typed now, each with what it would be."""
    parsed = [parse_address(row.text, may_be_whole_domain=True) for row in rows]
    known = Known(parsed)
    for row, typed in zip(rows, parsed, strict=True):
        try:
            anew = _row_for(row.text, typed, known, row.alias.address)
        except ValidationError:
            continue  # it stays as it was typed, and leads nowhere; the report says so
        if anew.is_ours and anew.address_id != row.alias.address_id:
            yield row, anew


def _faults_of_number(rows: Sequence[str] | dict[str, AliasDestination], has_mailbox: bool) -> list[str]:
    if not rows and has_mailbox:
        return [_("The mailbox keeps its own copy already. Type where else the mail goes.")]
    if not rows:
        return [_("Type at least one destination.")]
    if len(rows) > MOST_DESTINATIONS:
        sentence = _("These are %(number)d destinations. Postfix delivers to %(most)d at most; use a mailing list.")
        return [sentence % {"number": len(rows), "most": MOST_DESTINATIONS}]
    return []


class Known:
    """What we have of the domains and addresses that were typed, fetched in a few statements."""

    def __init__(self, typed: Sequence[ParsedAddress]) -> None:
        self.delimiters = MailSettings.current().recipient_delimiter
        names = {address.domain for address in typed}
        self.domains = {
            domain.name: domain for domain in Domain.objects.filter(name__in=names).select_related("target")
        }
        wanted: dict[int, set[str]] = {}  # local parts by domain
        for address in typed:
            if domain := self.domains.get(address.domain):
                base = split_address(address.local_part, self.delimiters)[0]
                wanted.setdefault(domain.answers_for.pk, set()).update(("", address.local_part, base))
        self.patterns: dict[int, list[str]] = {}
        for domain_id, pattern in Address.objects.patterns_in(wanted):
            self.patterns.setdefault(domain_id, []).append(pattern)
        self.addresses = {
            (address.domain_id, address.local_part): address
            for address in Address.objects.at_any_of(wanted).select_related("domain")
        }

    def is_taken_without_address(self, domain: Domain, local_part: str) -> bool:
        return (domain.pk, "") in self.addresses or bool(fitting_pattern(local_part, self.patterns.get(domain.pk, ())))


def _row_for(text: str, typed: ParsedAddress, known: Known, for_address: Address) -> AliasDestination:
    domain = known.domains.get(typed.domain)
    if not typed.local_part and for_address.local_part:
        raise ValidationError(
            _("“%(text)s” is a whole domain. Only a catch-all can deliver to one; type a name before the @."),
            params={"text": typed},
        )
    if domain is None:
        elsewhere = str(parse_address(text, may_be_whole_domain=True, keep_case=True))
        if elsewhere.lstrip('"')[0] in "-|/:":
            raise ValidationError(
                _("“%(text)s” would be read as a command or a file. Postfix refuses it."), params={"text": typed}
            )
        return AliasDestination(text=elsewhere)
    if not typed.local_part:
        return _row_for_whole_domain(domain, for_address)
    return _row_for_ours(typed, domain.answers_for, known)


def _row_for_whole_domain(domain: Domain, for_address: Address) -> AliasDestination:
    if domain.address_class == AddressClass.LOCAL:
        raise ValidationError(
            _("%(domain)s is a local domain; its users are not known here. Name each destination."),
            params={"domain": domain},
        )
    if domain.answers_for.pk == for_address.domain_id:
        raise ValidationError(
            _("@%(domain)s would deliver to itself, over and over. Choose another destination."),
            params={"domain": domain},
        )
    return AliasDestination(domain=domain)


def _row_for_ours(typed: ParsedAddress, domain: Domain, known: Known) -> AliasDestination:
    address = known.addresses.get((domain.pk, typed.local_part))
    if address:
        return AliasDestination(address=address)
    base, extension = split_address(typed.local_part, known.delimiters)
    address = known.addresses.get((domain.pk, base)) if base else None
    if address:
        return AliasDestination(address=address, extension=extension)
    # local(8) knows the users of the host, and the server of a relay domain its own.
    is_known_elsewhere = domain.address_class == AddressClass.LOCAL or domain.any_recipient
    if is_known_elsewhere or known.is_taken_without_address(domain, typed.local_part):
        return AliasDestination(domain=domain, text=typed.local_part)
    raise ValidationError(
        _("%(domain)s is ours, but has no address %(address)s. Add it first, or correct the destination."),
        params={"domain": domain, "address": external_form(typed.local_part, domain.name)},
    )
