"""Tells what Postfix will do with an address."""

import json
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from mailservers.behind import refused_in, what_is_behind, why_refused
from mailservers.lookup import ENDINGS, Lookup, Node, Station, look_up


class Command(BaseCommand):
    help = _(
        "Ask the maps what Postfix will do with an address: each key, what it found, the reply, where the mail ends."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", nargs="+")
        parser.add_argument("--json", action="store_true", help=_("Print JSON."))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = [look_up(address) for address in options["address"]]
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        refused = refused_in(found)
        self.why = why_refused(refused, what_is_behind(refused))
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(one, self.why) for one in found], indent=2))
            return
        for one in found:
            self._show(one)

    def _show(self, found: Lookup) -> None:
        self.stdout.write(f"{found.address}: {found.reply}")
        if not found.is_accepted and found.address in self.why:
            self.stdout.write(f"  {self.why[found.address]}")
        for station in found.door:
            self._show_station(station)
        if found.tree:
            self._show_node(found.tree, 1)

    def _show_station(self, station: Station) -> None:
        for one in station.asked:
            answer = ", ".join(one.results) or _("not found")
            self.stdout.write(f"  {station.parameter}: {one.key} -> {answer}")

    def _show_node(self, node: Node, depth: int) -> None:
        end = f" {ENDINGS[node.end]()}" if node.end else ""
        path = f" ({node.mail_path})" if node.mail_path else ""
        why = f". {self.why[node.address]}" if node.end == "refused" and node.address in self.why else ""
        self.stdout.write(f"{'  ' * depth}{node.address}{end}{path}{why}")
        for child in node.children:
            self._show_node(child, depth + 1)


def _as_json(found: Lookup, why: dict[str, str]) -> dict[str, Any]:
    return {
        **asdict(found),
        "why": "" if found.is_accepted else why.get(found.address, ""),
        "destinations": [
            {"address": node.address, "end": node.end, "mail_path": node.mail_path} for node in found.destinations
        ],
    }
