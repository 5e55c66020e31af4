"""The Lookup page: what Postfix will do with an address, with a link to whatever decided and who changed it last."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.pages import PersonRequest, asked, person_required
from domains.fields import shown
from domains.models import Domain
from lookup_tables.main_cf import all_parameters
from mailboxes.parsing import parse_address, several
from mailboxes.relay import named
from mailservers.behind import Behind, refused_in, what_is_behind, why_refused
from mailservers.lookup import ENDINGS, Lookup, Node, Station, asked_ahead, look_up, stations_of
from mailservers.rows_behind import Found, Key, found_behind
from mailservers.stations import Maps

MOST_ADDRESSES = 5  # at a time
MOST_BRANCHES = 200  # of one tree
ENDS_BY_TRANSPORT = ("routed", "discarded", "waits", "refused")  # or by a relocated address


@dataclass(frozen=True)
class Stop:
    """A station as the page shows it. `rows` are (key, results, URL of what answered), `behind` all that answered."""

    parameter: str
    kind: str  # ok, bad or none
    outcome: str
    rows: list[tuple[str, str, str]]
    proof: str
    behind: list[Found]


@dataclass(frozen=True)
class Branch:
    """An address of the expansion as the page shows it. Without recursion, since a chain may have a hundred levels:
    a list `opens` below it, or as many lists as `closes` has numbers end behind it."""

    address: str
    url: str
    taken: str
    end: str
    words: str
    mail_path: str
    is_mbox: bool
    why: str
    way: str
    way_url: str
    proof: str
    opens: bool
    closes: range


@dataclass(frozen=True)
class Tree:
    """The first branches of an expansion, and of how many."""

    branches: list[Branch]
    number: int


@dataclass(frozen=True)
class Answer:
    """One looked-up address; `sentence` is said instead if it cannot be looked up."""

    typed: str
    sentence: str = ""
    lookup: Lookup | None = None
    refused: frozenset[str] = frozenset()  # without a table that says so itself
    by_table: bool = False  # a table that the person does not see has a say
    summary: str = ""
    why: str = ""
    url: str = ""  # of what decides
    stops: list[Stop] = field(default_factory=list)
    access: list[Stop] = field(default_factory=list)
    tree: Tree | None = None
    copies: list[Tree] = field(default_factory=list)
    copied_by: list[Stop] = field(default_factory=list)
    senders: Stop | None = None
    logins: list[str] = field(default_factory=list)
    other_logins: int = 0  # of domains that the person does not manage


@person_required
@require_safe
def lookup(request: PersonRequest) -> HttpResponse:
    typed = several(request.GET.get("a", "").replace("\0", ""))
    visible = _visible_to(request.user)
    sender, login = (asked(request, name) if request.user.is_superuser else "" for name in ("from", "login"))
    answers = _answers(typed[:MOST_ADDRESSES], visible, sender, login)
    lookups = [answer.lookup for answer in answers if answer.lookup]
    stations = [station for one in lookups for station in stations_of(one)]
    refused = {address for answer in answers for address in answer.refused}
    behind = what_is_behind(refused | {key.key for station in stations for key in station.asked})
    found, why = found_behind(stations, behind), why_refused(_told(refused, behind, visible), behind)
    context = {
        "typed": ", ".join(typed),
        "notes": list(_notes(typed, sender, login)),
        "sender": sender,
        "login": login,
        "from": _from(answers, found),
        "answers": [_shown(answer, found, why, behind) if answer.lookup else answer for answer in answers],
        "keys_asked": sum(len(station.asked) for station in stations),
    }
    return render(request, "mailservers/lookup.html", context)


def _notes(typed: list[str], sender: str, login: str) -> Iterator[str]:
    """What of the question is not answered."""
    if left_out := typed[MOST_ADDRESSES:]:
        yield ngettext(
            "Lookup takes %(most)d addresses at a time. This one was left out: %(addresses)s.",
            "Lookup takes %(most)d addresses at a time. These were left out: %(addresses)s.",
            len(left_out),
        ) % {"most": MOST_ADDRESSES, "addresses": named(list(map(shown, left_out)))}
    if login and not sender:
        yield _("Type a sender as well: only then it can be said whether %(login)s may send as it.") % {
            "login": shown(login)
        }


def _from(answers: list[Answer], found: Mapping[Key, list[Found]]) -> dict[str, Any] | None:
    """What concerns the sender: the same for all answers."""
    result = next((answer.lookup for answer in answers if answer.lookup and answer.lookup.sender), None)
    if result is None or result.sender is None:
        return None
    return {"sender": result.sender, "stops": [_stop(station, result, found) for station in result.sender.stations]}


def _shown(answer: Answer, found: Mapping[Key, list[Found]], why: Mapping[str, str], behind: Behind) -> Answer:
    assert answer.lookup  # noqa: S101  the caller asked
    result = answer.lookup
    return replace(
        answer,
        summary=_summary(result),
        why=why.get(result.address, ""),
        url="" if answer.by_table else _url_of_what_decides(result, found, behind),
        stops=[_stop(station, result, found) for station in result.door],
        access=[_stop(station, result, found) for station in result.access],
        tree=_tree(result.tree, found, why) if result.tree else None,
        copies=[_tree(copy, found, why) for copy in result.copies],
        copied_by=[_stop(station, result, found) for station in result.bcc],
        senders=_stop(result.senders, result, found) if result.senders else None,
    )


def _url_of_what_decides(result: Lookup, found: Mapping[Key, list[Found]], behind: Behind) -> str:
    """The row that answered last at the door; where none did, what is at the address and takes no mail."""
    last = result.door[-1]
    if last.hit:
        return next((one.url for one in _found_by(last, found)), "")
    address = behind.addresses.get(result.address)
    thing = getattr(address, "alias", None) or getattr(address, "mailbox", None) if address else None
    if not address or not thing or result.is_accepted:
        return ""
    thing.address = address
    return str(thing.get_absolute_url())


def _found_by(station: Station | None, found: Mapping[Key, list[Found]]) -> list[Found]:
    return found.get((station.parameter, station.hit.key), []) if station and station.hit else []


def _stop(station: Station, result: Lookup, found: Mapping[Key, list[Found]]) -> Stop:
    is_last = station is result.door[-1]
    kind = "ok" if station.hit else "bad" if is_last and result.is_unknown else "none"
    if station.hit and result.is_put_off and is_last:
        kind = "bad"
    behind = _found_by(station, found)
    rows = [
        (one.key, ", ".join(one.results), behind[0].url if one is station.hit and behind else "")
        for one in station.asked
    ]
    return Stop(station.parameter, kind, _outcome(station, kind), rows, station.proof, behind)


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


def _tree(root: Node, found: Mapping[Key, list[Found]], why: Mapping[str, str]) -> Tree:
    nodes, waiting = [], [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        nodes.append((node, depth))
        waiting += [(child, depth + 1) for child in reversed(node.children)]
    first = nodes[:MOST_BRANCHES]
    following = [*(depth for _node, depth in first[1:]), 0]
    pairs = zip(first, following, strict=True)
    return Tree([_branch(node, depth, then, found, why) for (node, depth), then in pairs], len(nodes))


def _branch(
    node: Node, depth: int, next_depth: int, found: Mapping[Key, list[Found]], why: Mapping[str, str]
) -> Branch:
    by = next(iter(_found_by(node.station, found)), None)
    url, is_about_way = by.url if by else "", node.end in ENDS_BY_TRANSPORT
    return Branch(
        address=node.address,
        url="" if is_about_way else url,
        taken=by.taken if by else "",
        end=node.end,
        words=ENDINGS[node.end]() if node.end else "",
        mail_path=node.mail_path,
        is_mbox=not node.mail_path.endswith("/"),
        why=why.get(node.address, "") if node.end == "refused" else "",
        way=node.way,
        way_url=url if is_about_way else "",
        proof=node.station.proof if node.station else "",
        opens=next_depth > depth,
        closes=range(depth - next_depth),
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


def _answers(typed: list[str], visible: set[str] | None, sender: str, login: str) -> list[Answer]:
    """In the order in which they were typed; the maps are asked for all of them together."""
    sentences = {}
    for text in typed:
        try:
            _refuse_others(text, visible)
        except ValidationError as error:
            sentences[text] = " ".join(error.messages)
    maps = (
        asked_ahead((text for text in typed if text not in sentences), sender) if len(sentences) < len(typed) else None
    )
    return [
        Answer(text, sentence=sentences[text]) if text in sentences else _answer(text, visible, sender, login, maps)
        for text in typed
    ]


def _answer(text: str, visible: set[str] | None, sender: str, login: str, maps: Maps | None) -> Answer:
    try:
        found = look_up(text, sender=sender, login=login if sender else "", maps=maps)
    except ValidationError as error:
        return Answer(text, sentence=" ".join(error.messages))
    own = [one for one in found.logins if visible is None or one.rpartition("@")[2] in visible]
    return Answer(
        text,
        lookup=_as_seen(found, visible),
        refused=frozenset(refused_in([found])),
        by_table=visible is not None and any(station.hit and is_of_flat_table(station) for station in found.door),
        logins=own,
        other_logins=len(found.logins) - len(own),
    )


def _refuse_others(text: str, visible: set[str] | None) -> None:
    """A domain admin asks about the own domains."""
    name = parse_address(text).domain
    if visible is None:
        return
    for one in _asked_about(name):
        if one not in visible:
            raise ValidationError(_("%(domain)s is not one of your domains.") % {"domain": one})


def _as_seen(found: Lookup, visible: set[str] | None) -> Lookup:
    """Where the mail goes beyond the own domains is cut off, and so is who gets copies and what flat tables and access
    tables say: these are for superusers."""
    if visible is None:
        return found
    door = tuple(station for station in found.door if not is_of_flat_table(station))
    return replace(found, door=door, tree=_within(found.tree, visible), copies=(), bcc=(), senders=None, access=())


def is_of_flat_table(station: Station) -> bool:
    return station.parameter in all_parameters()


def _asked_about(name: str) -> list[str]:
    """The domain, and the target of an alias domain, whose addresses would be told."""
    domain = Domain.objects.select_related("target").filter(name=name).first()
    return [name, domain.answers_for.name] if domain else [name]


def _within(node: Node | None, domains: set[str]) -> Node | None:
    if node is None:
        return None
    if node.address.rpartition("@")[2] not in domains:
        return Node(node.address, end="outside")
    if node.station and is_of_flat_table(node.station):
        return Node(node.address, end=node.end or "rewritten")
    return replace(node, way="", children=tuple(child for one in node.children if (child := _within(one, domains))))


def _summary(found: Lookup) -> str:
    """The answer in three words, behind the address."""
    if found.is_put_off:
        return _("is put off, %(code)s") % {"code": " ".join(found.reply.split()[:2])}
    if not found.is_accepted:
        return _("is refused, %(code)s") % {"code": " ".join(found.reply.split()[:2])}
    ends = [node.end for node in found.destinations]
    if set(ends) == {"mailbox"}:
        return ngettext("reaches %d mailbox", "reaches %d mailboxes", len(ends)) % len(ends)
    arriving = sum(end in ("mailbox", "outside", "relayed", "routed", "local", "rewritten") for end in ends)
    if arriving < len(ends):
        return _("reaches %(arriving)d of %(number)d destinations") % {"arriving": arriving, "number": len(ends)}
    return ngettext("reaches %d destination", "reaches %d destinations", len(ends)) % len(ends)
