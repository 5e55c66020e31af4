"""The rows that made the maps answer, each with who changed it last: a few statements for however many answers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse
from pghistory.core import event_models

from domains.models import AddressClass, Domain
from lookup_tables.main_cf import TABLES
from lookup_tables.models import Entry
from mailboxes.models import Address, Alias, LocalUser, PermittedSender, RelayRecipient
from mailboxes.parsing import parse_result, split_address
from mailservers.access_lookup import row_behind
from mailservers.behind import Behind, how_it_is_taken, what_is_behind
from mailservers.lookup import Lookup, stations_of
from mailservers.postfix_host import LISTS_OF_DOMAINS, MAPS_BY_ADDRESS
from mailservers.stations import Station

Key = tuple[str, str]  # the parameter and the key that it answered


@dataclass(frozen=True)
class Found:
    """A row that made a map answer, the last change to it, and by which pattern or catch-all it answers."""

    kind: str
    name: str
    url: str
    who: str = ""
    at: datetime | None = None
    taken: str = ""


def rows_of(lookups: Iterable[Lookup]) -> dict[Key, list[Found]]:
    """What made the maps answer in these lookups."""
    stations = [station for found in lookups for station in stations_of(found)]
    return found_behind(stations, what_is_behind(key.key for station in stations for key in station.asked))


def found_behind(stations: Iterable[Station], behind: Behind) -> dict[Key, list[Found]]:
    """What made each hit of these stations; `behind` knows their keys."""
    rows = rows_behind(stations, behind)
    changed = _last_changes([row for some in rows.values() for row in some])
    taken = {key: how_it_is_taken(behind.addresses.get(key[1])) for key in rows if key[0] == "virtual_alias_maps"}
    return {key: [_found_of(row, changed, taken.get(key, "")) for row in some] for key, some in rows.items()}


def station_as_json(station: Station, found: Mapping[Key, list[Found]]) -> dict[str, Any]:
    """For programs: the keys, the command that proves the answer, and the rows that made it."""
    rows = found.get((station.parameter, station.hit.key), []) if station.hit else []
    return {
        "parameter": station.parameter,
        "asked": [{"key": one.key, "results": list(one.results)} for one in station.asked],
        "proof": station.proof,
        "rows": [
            {
                "kind": row.kind,
                "name": row.name,
                "url": row.url,
                "changed_by": row.who,
                "changed_at": row.at.isoformat() if row.at else None,
            }
            for row in rows
        ],
    }


def _found_of(row: Any, changed: Mapping[tuple[type[Model], int], tuple[str, datetime]], taken: str) -> Found:
    who, at = changed.get((type(row), row.pk), ("", None))
    return Found(row._meta.model_name, str(row), _url_of(row), who, at, taken)


def _url_of(row: Any) -> str:
    if isinstance(row, RelayRecipient):
        return reverse("recipient_list", args=[row.address.domain.name])
    if isinstance(row, PermittedSender):
        return reverse("mailbox_senders", args=[row.mailbox.address])
    if isinstance(row, LocalUser):
        return reverse("local_user_list")
    return str(row.get_absolute_url())


def rows_behind(stations: Iterable[Station], behind: Behind) -> dict[Key, list[Model]]:
    """The rows by parameter and key. More than one only where several say who may send as an address."""
    hits: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    rows: dict[Key, list[Model]] = {}
    for station in stations:
        if not station.hit:
            continue
        hits[station.parameter][station.hit.key] = station.hit.results
        if station.file and (row := row_behind(station)):  # an access table
            rows[station.parameter, station.hit.key] = [row]
    for model in TABLES:
        rows |= _entries(model, hits)
    for parameter in LISTS_OF_DOMAINS:
        rows |= {(parameter, key): [behind.domains[key]] for key in hits[parameter] if key in behind.domains}
    for parameter in ("virtual_alias_maps", "virtual_mailbox_maps", "relay_recipient_maps", "suspended_domains"):
        for key in hits[parameter]:
            row = _row_at(parameter, behind.addresses.get(key), behind.domains.get(key.rpartition("@")[2]))
            rows |= {(parameter, key): [row]} if row else {}
    rows |= {("alias_maps", name): [alias] for name, alias in _local_aliases(hits["alias_maps"]).items()}
    rows |= _local_users(hits["local_recipient_maps"])
    rows |= _senders(hits["smtpd_sender_login_maps"], behind)
    return rows


def _row_at(parameter: str, address: Address | None, domain: Domain | None) -> Any:
    """What at this address answers, or at this domain where a map is about all of it."""
    if parameter == "suspended_domains":
        return next((one for one in (domain, domain.answers_for) if one.suspended), None) if domain else None
    if parameter == "relay_recipient_maps" and domain and domain.any_recipient:
        return domain
    if address is None:
        return None
    alias, mailbox, recipient = (getattr(address, name, None) for name in ("alias", "mailbox", "relay_recipient"))
    for row in (alias, mailbox, recipient):
        if row:
            row.address = address
    if parameter == "virtual_mailbox_maps":
        return mailbox
    if parameter == "relay_recipient_maps":
        return recipient
    # The address of a mailbox or of a relay recipient stands for itself where its name has a delimiter in it.
    return alias if alias and alias.state == "active" else mailbox or recipient


def _entries(model: type[Entry], hits: Mapping[str, Mapping[str, Any]]) -> dict[Key, list[Model]]:
    """Rows of a flat table: that of the key, else that of its whole domain, as mail_map.keys_of says."""
    kinds = {kind: parameter for kind, parameter in model.parameters.items() if hits.get(parameter)}
    if not kinds:
        return {}
    wanted = {key: _keys_of(key, parameter) for parameter in kinds.values() for key in hits[parameter]}
    found = model._default_manager.filter(key__in={one for some in wanted.values() for one in some}, active=True)
    by_key = {(getattr(row, "applies_to", ""), row.key): row for row in found}
    rows: dict[Key, list[Model]] = {}
    for kind, parameter in kinds.items():
        for key in hits[parameter]:
            row = next((by_key[kind, one] for one in wanted[key] if (kind, one) in by_key), None)
            rows |= {(parameter, key): [row]} if row else {}
    return rows


def _keys_of(key: str, parameter: str) -> list[str]:
    return [key, f"@{key.rpartition('@')[2]}"] if parameter in MAPS_BY_ADDRESS else [key]


def _local_aliases(names: Iterable[str]) -> dict[str, Alias]:
    """postfix.alias_maps: a name holds in all local domains, and the first alias that delivers answers."""
    names = list(names)
    if not names:
        return {}
    domains = Domain.objects.filter(address_class=AddressClass.LOCAL, active=True)
    aliases = Alias.objects.filter(address__domain__in=domains, address__local_part__in=names)
    found: dict[str, Alias] = {}
    for alias in aliases.select_related("address__domain").order_by("pk"):
        if alias.state == "active":
            found.setdefault(alias.address.local_part, alias)
    return found


def _local_users(keys: Iterable[str]) -> dict[Key, list[Model]]:
    names = {key: parse_result(key).local_part for key in keys}
    users = {user.name: user for user in LocalUser.objects.filter(name__in=names.values())} if names else {}
    return {("local_recipient_maps", key): [users[name]] for key, name in names.items() if name in users}


def _senders(hits: Mapping[str, tuple[str, ...]], behind: Behind) -> dict[Key, list[Model]]:
    """postfix.smtpd_sender_login_maps: who gets the mail of an address may send as it, and who is permitted by name."""
    if not hits:
        return {}
    named = {key: list(_names_of(key, behind)) for key in hits}
    permitted: dict[tuple[str, str], list[PermittedSender]] = defaultdict(list)
    for row in PermittedSender.objects.filter(
        domain_name__in={name for some in named.values() for name, _local_part in some},
        local_part__in={local_part for some in named.values() for _name, local_part in some},
    ).select_related("mailbox__address__domain"):
        permitted[row.domain_name, row.local_part].append(row)
    rows: dict[Key, list[Model]] = {}
    for key, logins in hits.items():
        by_name = [row for name in named[key] for row in permitted[name] if str(row.mailbox) in logins]
        others = set(logins) - {str(row.mailbox) for row in by_name}
        address = behind.addresses.get(key)
        alias, mailbox = _row_at("virtual_alias_maps", address, None), _row_at("virtual_mailbox_maps", address, None)
        receiving: list[Any] = [alias] if isinstance(alias, Alias) and others - {str(mailbox)} else []
        receiving += [mailbox] if mailbox and str(mailbox) in logins else []
        if found := [*receiving, *by_name]:
            rows["smtpd_sender_login_maps", key] = found
    return rows


def _names_of(key: str, behind: Behind) -> Iterator[tuple[str, str]]:
    """As what somebody may be permitted to send: the domain or its target, all of it, the address or its base."""
    typed, domain = parse_result(key), behind.domains.get(key.rpartition("@")[2])
    base, _extension = split_address(typed.local_part, behind.delimiters)
    for name in dict.fromkeys((typed.domain, domain.answers_for.name if domain else typed.domain)):
        yield from ((name, local_part) for local_part in dict.fromkeys(("", typed.local_part, base)))


def _last_changes(rows: Iterable[Any]) -> dict[tuple[type[Model], int], tuple[str, datetime]]:
    """Who changed each row last, and when; one statement for each kind of row."""
    changes: dict[tuple[type[Model], int], tuple[str, datetime]] = {}
    rows = list(rows)
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
