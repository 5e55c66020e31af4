"""The Lookup page: what Postfix will do with an address, with a link to whatever decided and who changed it last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe
from pghistory.core import event_models

from accounts.models import User
from accounts.pages import PersonRequest, asked, person_required
from domains.models import Domain, MailSettings
from mailboxes.destinations import split_address
from mailboxes.models import Address, Alias, Mailbox
from mailboxes.parsing import parse_address
from mailservers.lookup import ENDINGS, Lookup, Node, Station, look_up

MOST_ADDRESSES = 5  # at a time
CONFIGURATION = "/etc/postfix/mailadmin"


@dataclass(frozen=True)
class Found:
    """What stands behind an address: a mailbox, an alias or a domain, and the last change to it."""

    url: str
    who: str = ""
    at: datetime | None = None


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
    children: list["Branch"]


@dataclass(frozen=True)
class Answer:
    """One looked-up address; `sentence` is said instead if it cannot be looked up."""

    typed: str
    sentence: str = ""
    lookup: Lookup | None = None
    summary: str = ""
    found: Found | None = None
    stops: list[Stop] = field(default_factory=list)
    tree: Branch | None = None


@person_required
@require_safe
def lookup(request: PersonRequest) -> HttpResponse:
    typed = [word for word in asked(request, "a").replace(",", " ").split() if word][:MOST_ADDRESSES]
    answers = [_answer(word, request.user) for word in typed]
    found = _found([answer.lookup for answer in answers if answer.lookup])
    context = {
        "typed": ", ".join(typed),
        "answers": [_shown(answer, found) if answer.lookup else answer for answer in answers],
        "keys_asked": sum(
            len(station.asked) for answer in answers if answer.lookup for station in _stations(answer.lookup)
        ),
    }
    return render(request, "mailservers/lookup.html", context)


def _shown(answer: Answer, found: Mapping[str, Found]) -> Answer:
    assert answer.lookup  # noqa: S101  the caller asked
    result = answer.lookup
    return replace(
        answer,
        summary=_summary(result),
        found=found.get(result.address),
        stops=[_stop(station, result, found) for station in result.door],
        tree=_branch(result.tree, found) if result.tree else None,
    )


def _stop(station: Station, result: Lookup, found: Mapping[str, Found]) -> Stop:
    is_last = station is result.door[-1]
    kind = "ok" if station.hit else "bad" if is_last and not result.is_accepted else "none"
    behind = found.get(station.hit.key) if station.hit else None
    rows = [(one.key, ", ".join(one.results), found.get(one.key) if one.results else None) for one in station.asked]
    return Stop(station.parameter, kind, _outcome(station, kind), rows, _proof(station), behind)


def _outcome(station: Station, kind: str) -> str:
    if not station.hit:
        return _("Not found, so it is refused") if kind == "bad" else _("Not found")
    if station.parameter == "virtual_alias_maps":
        number = len(station.hit.results)
        return ngettext("%d destination", "%d destinations", number) % number
    return {
        "mydestination": _("Ours, a local domain"),
        "virtual_alias_domains": _("Ours, virtual alias or alias domain"),
        "virtual_mailbox_domains": _("Ours, a virtual mailbox domain"),
        "virtual_mailbox_maps": _("Known"),
    }.get(station.parameter, _("Found"))


def _branch(node: Node, found: Mapping[str, Found]) -> Branch:
    return Branch(
        address=node.address,
        found=found.get(node.address),
        end=node.end,
        words=ENDINGS[node.end]() if node.end else "",
        mail_path=node.mail_path,
        is_mbox=not node.mail_path.endswith("/"),
        children=[_branch(child, found) for child in node.children],
    )


def _answer(text: str, user: User) -> Answer:
    try:
        return Answer(text, lookup=look_up_for(user, text))
    except ValidationError as error:
        return Answer(text, sentence=" ".join(error.messages))


def look_up_for(user: User, text: str) -> Lookup:
    """A domain admin asks about the own domains; where the mail goes beyond them is cut off. Raises ValidationError."""
    domain = parse_address(text).domain
    visible = None if user.is_superuser else set(Domain.objects.visible_to(user).values_list("name", flat=True))
    for name in _asked_about(domain):
        if visible is not None and name not in visible:
            raise ValidationError(_("%(domain)s is not one of your domains.") % {"domain": name})
    found = look_up(text)
    return found if visible is None else replace(found, tree=_within(found.tree, visible))


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
    if not found.is_accepted:
        return _("is refused, %(code)s") % {"code": " ".join(found.reply.split()[:2])}
    ends = [node.end for node in found.destinations]
    if set(ends) == {"mailbox"}:
        return ngettext("reaches %d mailbox", "reaches %d mailboxes", len(ends)) % len(ends)
    arriving = sum(end in ("mailbox", "outside", "local") for end in ends)
    if arriving < len(ends):
        return _("reaches %(arriving)d of %(number)d destinations") % {"arriving": arriving, "number": len(ends)}
    return ngettext("reaches %d destination", "reaches %d destinations", len(ends)) % len(ends)


def _proof(station: Station) -> str:
    """The command by which Postfix itself answers."""
    key = (station.hit or station.asked[-1]).key
    quoted = f"'{key}'" if any(mark in key for mark in "\"' $`\\&;|<>()*?") and "'" not in key else key
    return f"postmap -q {quoted} pgsql:{CONFIGURATION}/{station.parameter}.cf"


def _stations(found: Lookup) -> Iterable[Station]:
    yield from found.door
    nodes = [found.tree] if found.tree else []
    while nodes:
        node = nodes.pop()
        if node.station:
            yield node.station
        nodes += node.children


def _found(lookups: list[Lookup]) -> dict[str, Found]:
    """Key or address -> what stands behind it, in a handful of statements."""
    keys = {one.key for found in lookups for station in _stations(found) for one in station.asked}
    rows = _rows_behind({key for key in keys if "@" in key})
    domains = {
        domain.name: domain for domain in Domain.objects.filter(name__in={key.rpartition("@")[2] for key in keys})
    }
    changed = _last_changes([*rows.values(), *domains.values()])
    named = {key: rows[key] for key in keys if key in rows} | {key: domains[key] for key in keys if key in domains}
    return {
        key: Found(row.get_absolute_url(), *changed.get((type(row), row.pk), ("", None))) for key, row in named.items()
    }


def _rows_behind(keys: set[str]) -> dict[str, Alias | Mailbox]:
    """The alias or mailbox of an address: its own, through an alias domain, without the extension, or the catch-all."""
    delimiters = MailSettings.current().recipient_delimiter
    candidates: dict[str, list[tuple[str, str]]] = {}
    parsed = {key: parse_address(key, may_be_whole_domain=True) for key in keys}
    names = {one.domain for one in parsed.values()}
    answering = {
        one.name: one.answers_for.name for one in Domain.objects.filter(name__in=names).select_related("target")
    }
    for key, one in parsed.items():
        domain = answering.get(one.domain, one.domain)
        base, _extension = split_address(one.local_part, delimiters)
        candidates[key] = [(domain, local_part) for local_part in dict.fromkeys((one.local_part, base, ""))]
    wanted = Q(pk__in=[])
    for domain, local_part in {pair for pairs in candidates.values() for pair in pairs}:
        wanted |= Q(domain__name=domain, local_part=local_part)
    addresses = Address.objects.filter(wanted).select_related("domain", "alias", "mailbox")
    by_name = {(one.domain.name, one.local_part): one for one in addresses}
    behind: dict[str, Alias | Mailbox] = {}
    for key, pairs in candidates.items():
        address = next((by_name[pair] for pair in pairs if pair in by_name), None)
        if address:
            thing = getattr(address, "alias", None) or getattr(address, "mailbox", None)
            if thing:
                thing.address = address
                behind[key] = thing
    return behind


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
