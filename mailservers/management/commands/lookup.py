"""What Postfix will do with an address, for the shell."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.commands import PanelCommand
from mailboxes.times import in_words
from mailservers.behind import how_it_is_taken, refused_in, what_is_behind, why_refused
from mailservers.lookup import (
    ENDINGS,
    Lookup,
    Node,
    Sender,
    Station,
    look_up,
    sentence_if_lists_decide,
    stations_of,
)
from mailservers.rows_behind import Found, Key, found_behind, station_as_json


class Command(PanelCommand):
    help = _(
        "Ask the maps what Postfix will do with an address: each key, what it found, the reply, where the mail ends, "
        "and who may send as it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", nargs="+")
        parser.add_argument(
            "--from", dest="sender", default="", metavar="SENDER", help=_("What happens to mail from this sender.")
        )
        parser.add_argument(
            "--login", default="", metavar="LOGIN", help=_("Whether this mailbox may send as SENDER, once signed in.")
        )
        parser.add_argument("--json", action="store_true", help=_("Print JSON."))

    def handle(self, *args: Any, **options: Any) -> None:
        sender, login = options["sender"], options["login"]
        if login and not sender:
            raise CommandError(_("Name the sender too: --from SENDER --login LOGIN."), returncode=2)
        try:
            found = [look_up(address, sender=sender, login=login) for address in options["address"]]
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        refused = refused_in(found)
        stations = [station for one in found for station in stations_of(one)]
        behind = what_is_behind(refused | {key.key for station in stations for key in station.asked})
        self.found = found_behind(stations, behind)
        self.proved: set[str] = set()
        self.why = why_refused(refused, behind)
        self.taken = {key: said for key, address in behind.addresses.items() if (said := how_it_is_taken(address))}
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(one, self.why, self.found) for one in found], indent=2))
            return
        if found[0].sender:
            self._show_sender(found[0].sender)
        for one in found:
            self._show(one)

    def _show_sender(self, sender: Sender) -> None:
        self.stdout.write(_("From %(sender)s") % {"sender": sender.address})
        for station in sender.stations:
            self._show_station(station)
        if sender.becomes != sender.address:
            self.stdout.write("  " + _("rewritten to %(address)s") % {"address": sender.becomes})
        if sender.login:
            self.stdout.write(f"  {sender.login}: {sender.reply}")

    def _show(self, found: Lookup) -> None:
        self.stdout.write(f"{found.address}: {found.reply}")
        if not found.is_accepted and found.address in self.why:
            self.stdout.write(f"  {self.why[found.address]}")
        for station in (*found.access, *found.door):
            self._show_station(station)
        if said := sentence_if_lists_decide(found):
            self.stdout.write(f"  {said}")
        if found.tree:
            self._show_node(found.tree, 1)
        for station in found.bcc:
            self._show_station(station)
        for copy in found.copies:
            self._show_node(copy, 1)
        if found.senders:
            self._show_station(found.senders)

    def _show_station(self, station: Station) -> None:
        for one in station.asked:
            answer = ", ".join(one.results) or _("not found")
            self.stdout.write(f"  {station.parameter}: {one.key} -> {answer}")
        self._prove(station, "    ")

    def _prove(self, station: Station, indented: str) -> None:
        """The rows that answered and the command that proves it, once for each key of a map."""
        if station.proof in self.proved:
            return
        self.proved.add(station.proof)
        for row in self.found.get((station.parameter, station.hit.key), []) if station.hit else ():
            words = {"row": row.name, "who": row.who, "when": in_words(row.at) if row.at else ""}
            self.stdout.write(
                indented + (_("%(row)s, last changed by %(who)s, %(when)s") % words if row.at else row.name)
            )
        self.stdout.write(indented + station.proof)

    def _show_node(self, node: Node, depth: int) -> None:
        end = f" {ENDINGS[node.end]()}" if node.end else ""
        detail = node.mail_path or node.way
        why = f". {self.why[node.address]}" if node.end == "refused" and node.address in self.why else ""
        taken = f" {self.taken[node.address]}" if node.children and node.address in self.taken else ""
        self.stdout.write(f"{'  ' * depth}{node.address}{taken}{end}" + (f" ({detail})" if detail else "") + why)
        if node.station:
            self._prove(node.station, "  " * (depth + 1))
        for child in node.children:
            self._show_node(child, depth + 1)


def _plain(value: Any, found: Mapping[Key, list[Found]]) -> Any:
    if isinstance(value, Station):
        return station_as_json(value, found) | {"file": value.file}
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name), found) for one in fields(value)}
    return [_plain(one, found) for one in value] if isinstance(value, tuple) else value


def _as_json(found: Lookup, why: dict[str, str], rows: Mapping[Key, list[Found]]) -> dict[str, Any]:
    return {
        **_plain(found, rows),
        "why": "" if found.is_accepted else why.get(found.address, ""),
        "lists_decide": found.lists_decide,
        "logins": found.logins,
        "destinations": [
            {"address": node.address, "end": node.end, "mail_path": node.mail_path, "way": node.way}
            for node in found.destinations
        ],
        "proofs": list(dict.fromkeys(station.proof for station in stations_of(found))),
    }
