"""Who gets the mail for an address once its mailbox is gone, or once it is no relay recipient any more."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from domains.models import MailSettings
from mailboxes.models import Address, AliasDestination
from mailboxes.parsing import external_form, split_address

MOST_NAMED = 3  # destinations in a sentence
GoesOn = dict[int, list[AliasDestination]]  # by the alias


def who_gets_mail_after(leaving: Sequence[Address]) -> dict[int, str]:
    """A sentence for each of these addresses of which something takes the mail when all of them are left, by their ids.
    Mail to the others is refused then. In the order of postfix.virtual_alias_maps."""
    ids, delimiters = {address.pk for address in leaving}, ""
    if any("+" in address.local_part or "-" in address.local_part for address in leaving):
        delimiters = MailSettings.current().recipient_delimiter
    candidates = {address.pk: _candidates(address.local_part, delimiters) for address in leaving}
    there = Address.objects.filter(
        domain__in={address.domain_id for address in leaving},
        local_part__in={local_part for found in candidates.values() for local_part in found},
    ).select_related("domain", "alias")
    by_name = {(one.domain_id, one.local_part): one for one in there if one.pk not in ids or hasattr(one, "alias")}
    goes_on = _destinations_from([one.alias.pk for one in by_name.values() if hasattr(one, "alias")], ids)
    sentences = {}
    for address in leaving:
        names = [(address.domain_id, local_part) for local_part in candidates[address.pk]]
        taker, sentence = next((by_name[name] for name in names if name in by_name), None), ""
        if taker:
            sentence = _sentence(address, taker, _left_destinations(taker, ids, goes_on))
        if not sentence and address.domain.any_recipient:
            sentence = _("Mail to %(address)s still goes on to its server: %(domain)s takes any recipient.")
            sentence %= {"address": address, "domain": address.domain}
        if sentence and address.domain.active:
            sentences[address.pk] = sentence
    return sentences


def what_becomes_of_mail(address: Address) -> str:
    """The same for one address, also if its mail is refused then."""
    return who_gets_mail_after([address]).get(address.pk) or refused_from_then_on(address)


def refused_from_then_on(address: Address) -> str:
    return _("Mail to %(address)s is refused from then on.") % {"address": address}


def what_becomes_of_the_mail_of_many(leaving: Sequence[Address], taken: dict[int, str]) -> str:
    """One sentence over a list that shows, beside the addresses, what `who_gets_mail_after` said of them."""
    refused = len(leaving) - len(taken)
    if not taken:
        return _("Mail to these addresses is refused from then on.")
    if not refused:
        return _("Mail to these addresses is still taken. Who gets it stands below.")
    sentence = ngettext(
        "Mail to %(number)d of these addresses is refused from then on. Who gets the other mail stands below.",
        "Mail to %(number)d of these addresses is refused from then on. Who gets the other mail stands below.",
        refused,
    )
    return sentence % {"number": refused}


def how_long_in_quarantine() -> list[str]:
    """What is said before mailboxes are deleted; nothing without quarantine."""
    days = MailSettings.current().quarantine_days
    if not days:
        return []
    sentence = ngettext(
        "For %(number)d day nobody else gets the address, unless a superuser gives it.",
        "For %(number)d days nobody else gets the address, unless a superuser gives it.",
        days,
    )
    return [sentence % {"number": days}]


def _candidates(local_part: str, delimiters: str) -> list[str]:
    """What may take the mail, of which the first that is there does: itself, its base, patterns from the longest on,
    the catch-all."""
    base, _extension = split_address(local_part, delimiters)
    patterns = [f"{local_part[:length]}*" for length in range(len(local_part), 0, -1)]
    return [local_part, *filter(None, [base]), *patterns, ""]


def _sentence(address: Address, taker: Address, left: list[AliasDestination]) -> str:
    """Empty if the mail is refused."""
    words: dict[str, object] = {"address": address, "taker": taker}
    if taker.local_part and taker.pk != address.pk and not taker.local_part.endswith("*"):
        return _("Mail to %(address)s goes where mail to %(taker)s goes from then on.") % words
    if not left or taker.alias.state != "active":
        return ""
    words["destinations"] = _named(left, address.local_part)
    if taker.pk == address.pk:
        return _("Mail to %(address)s still goes on to %(destinations)s: its alias stays.") % words
    if taker.local_part:
        return _("Mail to %(address)s goes to %(destinations)s from then on, by the pattern %(taker)s.") % words
    return _("Mail to %(address)s goes to %(destinations)s from then on, by the catch-all.") % words


def _named(destinations: list[AliasDestination], local_part: str) -> str:
    first = ", ".join(_where(one, local_part) for one in destinations[:MOST_NAMED])
    more = len(destinations) - MOST_NAMED
    if more < 1:
        return first
    sentence = ngettext("%(first)s and %(number)d more", "%(first)s and %(number)d more", more)
    return sentence % {"first": first, "number": more}


def _where(destination: AliasDestination, local_part: str) -> str:
    """A whole domain keeps the part before the @."""
    text = str(destination)
    return external_form(local_part, text[1:]) if text.startswith("@") else text


def _left_destinations(taker: Address, leaving: set[int], goes_on: GoesOn) -> list[AliasDestination]:
    """Those of its alias that stay: who delivered only to what goes, goes too."""
    alias = getattr(taker, "alias", None)
    return [row for row in goes_on[alias.pk] if _is_left(row, leaving, goes_on, {alias.pk})] if alias else []


def _is_left(destination: AliasDestination, leaving: set[int], goes_on: GoesOn, seen: set[int]) -> bool:
    address = destination.address
    if address is None or _stays(address, leaving):
        return True
    alias = getattr(address, "alias", None)
    if alias is None or alias.pk in seen:
        return False
    seen.add(alias.pk)
    return any(_is_left(row, leaving, goes_on, seen) for row in goes_on[alias.pk])


def _stays(address: Address, leaving: set[int]) -> bool:
    return address.pk not in leaving and (hasattr(address, "mailbox") or hasattr(address, "relay_recipient"))


def _destinations_from(aliases: Iterable[int], leaving: set[int]) -> GoesOn:
    """Of these aliases, and of all to which they lead and which may go with them: a question for each step."""
    found: GoesOn = {}
    ahead = set(aliases)
    while ahead:
        found |= {alias: [] for alias in ahead}
        rows = AliasDestination.objects.filter(alias__in=ahead).with_targets()
        ahead = set()
        for row in rows.select_related(
            "address__domain", "address__mailbox", "address__relay_recipient", "address__alias", "domain"
        ):
            found[row.alias_id].append(row)
            alias = getattr(row.address, "alias", None) if row.address else None
            if alias and row.address and not _stays(row.address, leaving) and alias.pk not in found:
                ahead.add(alias.pk)
    return found
