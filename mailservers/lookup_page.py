"""The Lookup page: what Postfix will do with an address, with a link to whatever decided and who changed it last."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from pghistory.core import event_models

from accounts.models import User
from accounts.pages import PersonRequest, asked, person_required
from domains.models import Domain
from mailboxes.models import Address, Alias, Mailbox
from mailboxes.parsing import parse_address
from mailservers.access_lookup import row_behind
from mailservers.behind import Behind, how_it_is_taken, refused_in, what_is_behind, why_refused
from mailservers.lookup import ENDINGS, Lookup, Node, Station, look_up, stations_of

MOST_ADDRESSES = 5  # at a time


@dataclass(frozen=True)
class Found:
    """What stands behind an address: a mailbox, an alias or a domain, and the last change to it."""

    url: str
    who: str = ""
    at: datetime | None = None
    taken: str = ""  # by which pattern or catch-all


@dataclass(frozen=True)
class Stop:
    """A station as the page shows it. `rows` are (key, results, what stands behind them)."""

    parameter: str
    kind: str  # ok, bad or none
    outcome: str
    rows: list[tuple[str, str, Found | None]]
    proof: str
    found: Found | None


@dataclass(frozen=True)
class Branch:
    """An address of the expansion as the page shows it."""

    address: str
    found: Found | None
    end: str
    words: str
    mail_path: str
    is_mbox: bool
    why: str
    way: str
    children: list["Branch"]


@dataclass(frozen=True)
class Answer:
    """One looked-up address; `sentence` is said instead if it cannot be looked up."""

    typed: str
    sentence: str = ""
    lookup: Lookup | None = None
    summary: str = ""
    why: str = ""
    found: Found | None = None
    stops: list[Stop] = field(default_factory=list)
    access: list[Stop] = field(default_factory=list)
    tree: Branch | None = None
    copies: list[Branch] = field(default_factory=list)
    copied_by: list[Stop] = field(default_factory=list)
    senders: Stop | None = None
    logins: list[str] = field(default_factory=list)
    other_logins: int = 0  # of domains that the person does not manage


@person_required
@require_safe
def lookup(request: PersonRequest) -> HttpResponse:
    typed = [word for word in asked(request, "a").replace(",", " ").split() if word][:MOST_ADDRESSES]
    visible = _visible_to(request.user)
    sender, login = (asked(request, name) if request.user.is_superuser else "" for name in ("from", "login"))
    answers = [_answer(word, visible, sender, login) for word in typed]
    lookups = [answer.lookup for answer in answers if answer.lookup]
    refused, keys = refused_in(lookups), _keys_of(lookups)
    behind = what_is_behind(refused | keys)
    found, why = _found(keys, behind), why_refused(_told(refused, behind, visible), behind)
    context = {
        "typed": ", ".join(typed),
        "sender": sender,
        "login": login,
        "from": _from(answers, found),
        "answers": [_shown(answer, found, why) if answer.lookup else answer for answer in answers],
        "keys_asked": sum(
            len(station.asked) for answer in answers if answer.lookup for station in stations_of(answer.lookup)
        ),
    }
    return render(request, "mailservers/lookup.html", context)


def _from(answers: list[Answer], found: Mapping[str, Found]) -> dict[str, Any] | None:
    """What concerns the sender: the same for all answers."""
    result = next((answer.lookup for answer in answers if answer.lookup and answer.lookup.sender), None)
    if result is None or result.sender is None:
        return None
    return {"sender": result.sender, "stops": [_stop(station, result, found) for station in result.sender.stations]}


def _shown(answer: Answer, found: Mapping[str, Found], why: Mapping[str, str]) -> Answer:
    assert answer.lookup  # noqa: S101  the caller asked
    result = answer.lookup
    return replace(
        answer,
        summary=_summary(result),
        why=why.get(result.address, ""),
        found=found.get(result.address),
        stops=[_stop(station, result, found) for station in result.door],
        access=_access_stops(result),
        tree=_branch(result.tree, found, why) if result.tree else None,
        copies=[_branch(copy, found, why) for copy in result.copies],
        copied_by=[_stop(station, result, found) for station in result.bcc],
        senders=_stop(result.senders, result, found) if result.senders else None,
    )


def _stop(station: Station, result: Lookup, found: Mapping[str, Found]) -> Stop:
    is_last = station is result.door[-1]
    kind = "ok" if station.hit else "bad" if is_last and not result.is_accepted else "none"
    if station.hit and result.is_put_off and is_last:
        kind = "bad"
    behind = found.get(station.hit.key) if station.hit else None
    rows = [(one.key, ", ".join(one.results), found.get(one.key) if one.results else None) for one in station.asked]
    return Stop(station.parameter, kind, _outcome(station, kind), rows, station.proof, behind)


def _access_stops(result: Lookup) -> list[Stop]:
    """What access tables say, each with the rule or class that says it."""
    rows = {station: row for station in result.access if (row := row_behind(station))}
    changed = _last_changes(list(rows.values()))
    stops = []
    for station in result.access:
        row, found = rows.get(station), {}
        if row is not None and station.hit:
            who = changed.get((type(row), row.pk), ("", None))
            found = {station.hit.key: Found(row.get_absolute_url(), *who)}  # type: ignore[attr-defined]
        stops.append(_stop(station, result, found))
    return stops


def _outcome(station: Station, kind: str) -> str:
    if not station.hit:
        if station.parameter == "suspended_domains":
            return _("Not suspended")
        return _("Not found, so it is refused") if kind == "bad" else _("Not found")
    if station.parameter == "virtual_alias_maps":
        number = len(station.hit.results)
        return ngettext("%d destination", "%d destinations", number) % number
    return {
        "mydestination": _("Ours, a local domain"),
        "virtual_alias_domains": _("Ours, virtual alias or alias domain"),
        "virtual_mailbox_domains": _("Ours, a virtual mailbox domain"),
        "virtual_mailbox_maps": _("Known"),
        "suspended_domains": _("Suspended, so its mail is put off"),
        "recipient_canonical_maps": _("Rewritten, so it is taken"),
        "canonical_maps": _("Rewritten"),
        "sender_canonical_maps": _("Rewritten"),
        "smtpd_sender_login_maps": _("May send as it"),
        "recipient_classes": _("A class of the panel"),
    }.get(station.parameter, _("Found"))


def _branch(node: Node, found: Mapping[str, Found], why: Mapping[str, str]) -> Branch:
    return Branch(
        address=node.address,
        found=found.get(node.address),
        end=node.end,
        words=ENDINGS[node.end]() if node.end else "",
        mail_path=node.mail_path,
        is_mbox=not node.mail_path.endswith("/"),
        way=node.way,
        why=why.get(node.address, "") if node.end == "refused" else "",
        children=[_branch(child, found, why) for child in node.children],
    )


def _visible_to(user: User) -> set[str] | None:
    """The names of the domains that may be asked about; None for all."""
    return None if user.is_superuser else set(Domain.objects.visible_to(user).values_list("name", flat=True))


def _told(refused: set[str], behind: Behind, visible: set[str] | None) -> set[str]:
    """The addresses of which one may hear what stands behind them: that may be in the target of an alias domain."""
    answering = {name: domain.answers_for.name for name, domain in behind.domains.items()}
    names = {address: address.rpartition("@")[2] for address in refused}
    return {one for one, name in names.items() if visible is None or answering.get(name, name) in visible}


def look_up_for(user: User, text: str, *, sender: str = "", login: str = "") -> Lookup:
    """What this person may see of it; about a sender only superusers ask. Raises ValidationError with a sentence."""
    visible = _visible_to(user)
    _refuse_others(text, visible)
    if sender and visible is not None:
        raise ValidationError(_("Only a superuser asks about a sender."))
    return _as_seen(look_up(text, sender=sender, login=login), visible)


def _answer(text: str, visible: set[str] | None, sender: str = "", login: str = "") -> Answer:
    try:
        _refuse_others(text, visible)
        found = look_up(text, sender=sender, login=login if sender else "")
    except ValidationError as error:
        return Answer(text, sentence=" ".join(error.messages))
    own = [one for one in found.logins if visible is None or one.rpartition("@")[2] in visible]
    return Answer(text, lookup=_as_seen(found, visible), logins=own, other_logins=len(found.logins) - len(own))


def _refuse_others(text: str, visible: set[str] | None) -> None:
    """A domain admin asks about the own domains."""
    for name in _asked_about(parse_address(text).domain):
        if visible is not None and name not in visible:
            raise ValidationError(_("%(domain)s is not one of your domains.") % {"domain": name})


def _as_seen(found: Lookup, visible: set[str] | None) -> Lookup:
    """Where the mail goes beyond the own domains is cut off, and so is who gets copies and what access tables say: flat
    tables and restrictions are for superusers."""
    if visible is None:
        return found
    return replace(found, tree=_within(found.tree, visible), copies=(), bcc=(), senders=None, access=())


def _asked_about(name: str) -> list[str]:
    """The domain, and the target of an alias domain, whose addresses would be told."""
    domain = Domain.objects.select_related("target").filter(name=name).first()
    return [name, domain.answers_for.name] if domain else [name]


def _within(node: Node | None, domains: set[str]) -> Node | None:
    if node is None:
        return None
    if node.address.rpartition("@")[2] not in domains:
        return Node(node.address, end="outside")
    return replace(node, children=tuple(child for one in node.children if (child := _within(one, domains))))


def _summary(found: Lookup) -> str:
    """The answer in three words, behind the address."""
    if found.is_put_off:
        return _("is put off, %(code)s") % {"code": " ".join(found.reply.split()[:2])}
    if not found.is_accepted:
        return _("is refused, %(code)s") % {"code": " ".join(found.reply.split()[:2])}
    ends = [node.end for node in found.destinations]
    if set(ends) == {"mailbox"}:
        return ngettext("reaches %d mailbox", "reaches %d mailboxes", len(ends)) % len(ends)
    arriving = sum(end in ("mailbox", "outside", "relayed", "routed", "local") for end in ends)
    if arriving < len(ends):
        return _("reaches %(arriving)d of %(number)d destinations") % {"arriving": arriving, "number": len(ends)}
    return ngettext("reaches %d destination", "reaches %d destinations", len(ends)) % len(ends)


def _keys_of(lookups: list[Lookup]) -> set[str]:
    return {one.key for found in lookups for station in stations_of(found) for one in station.asked}


def _found(keys: set[str], behind: Behind) -> dict[str, Found]:
    """Key or address -> what stands behind it, in a handful of statements."""
    rows, domains = _things(behind.addresses), behind.domains
    changed = _last_changes([*rows.values(), *domains.values()])
    named = {key: rows[key] for key in keys if key in rows} | {key: domains[key] for key in keys if key in domains}
    found = {}
    for key, row in named.items():
        who, at = changed.get((type(row), row.pk), ("", None))
        found[key] = Found(row.get_absolute_url(), who, at, how_it_is_taken(behind.addresses.get(key)))
    return found


def _things(behind: Mapping[str, Address]) -> dict[str, Alias | Mailbox]:
    """The alias or mailbox on each address."""
    things: dict[str, Alias | Mailbox] = {}
    for key, address in behind.items():
        thing = getattr(address, "alias", None) or getattr(address, "mailbox", None)
        if thing:
            thing.address = address
            things[key] = thing
    return things


def _last_changes(rows: list[Any]) -> dict[tuple[type[Model], int], tuple[str, datetime]]:
    """Who changed each row last, and when; one statement for each kind of row."""
    changes: dict[tuple[type[Model], int], tuple[str, datetime]] = {}
    for event_model in event_models():
        model = event_model.pgh_tracked_model  # type: ignore[attr-defined]
        ids = {row.pk for row in rows if type(row) is model}
        if ids:
            newest = event_model._default_manager.filter(pgh_obj_id__in=ids).order_by("pgh_obj_id", "-pgh_id")
            for pk, metadata, at in newest.distinct("pgh_obj_id").values_list(
                "pgh_obj_id", "pgh_context__metadata", "pgh_created_at"
            ):
                changes[model, pk] = ((metadata or {}).get("who", ""), at)
    return changes
