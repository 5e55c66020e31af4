"""What is legal and odd in access tables, beside what restrictions/oddities.py says of the lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from restrictions.access_actions import Action
from restrictions.access_main_cf import sentence_of_unasked
from restrictions.access_models import AccessRule, AppliesTo
from restrictions.catalogue import Argument, Stage, kind_asked_by, named, parameter_of
from restrictions.class_use import Chosen
from restrictions.lists import Lists
from restrictions.oddities import DEAD_ZONES, Oddity, inside, of_dead_zone

MOST_SAID = 20  # rules that ask dead DNS lists


def oddities_of_access(lists: Lists, chosen: Mapping[str, Chosen]) -> Iterator[Oddity]:
    yield from _of_unasked_tables(lists, chosen)
    yield from _of_dead_zones()
    yield from _of_late_headers(lists)


def _of_unasked_tables(lists: Lists, chosen: Mapping[str, Chosen]) -> Iterator[Oddity]:
    """Rules and chosen classes that no list asks about."""
    entries = [entry for some in (*lists.stages.values(), *lists.classes.values()) for entry in some if entry.active]
    asked = {entry.name for entry in entries if entry.access_table is None}
    of_server = AccessRule.objects.filter(table=None, domain=None).order_by()
    kinds = set(of_server.values_list("applies_to", flat=True).distinct())
    if AppliesTo.RECIPIENT not in kinds and f"check_{AppliesTo.RECIPIENT}_access" not in asked:
        of_domains = AccessRule.objects.filter(domain__isnull=False, applies_to=AppliesTo.RECIPIENT)
        if any(one.by_recipients for one in chosen.values()) or of_domains.exists():
            kinds.add(AppliesTo.RECIPIENT)
    for kind in AppliesTo.values:
        if kind in kinds and f"check_{kind}_access" not in asked:
            yield Oddity(f"check_{kind}_access", sentence_of_unasked(f"check_{kind}_access"))


def _of_dead_zones() -> Iterator[Oddity]:
    """Rules that answer with restrictions, one of which asks a DNS list that is dead."""
    dead = "|".join(map(re.escape, DEAD_ZONES))
    rules = _acting().filter(action=Action.LIST, of_class=None, text__regex=rf"[ .]({dead})(=|,|$)")
    for rule in rules.select_related("table", "domain").order_by("pk")[:MOST_SAID]:
        for one in rule.text.split(", "):
            sentence = of_dead_zone(one, one.partition(" ")[2])
            if sentence:
                yield Oddity(_called(rule), sentence)


def _called(rule: AccessRule) -> str:
    words = [f"check_{rule.applies_to}_access", rule.table, rule.key, rule.domain and f"({rule.domain})"]
    return " ".join(str(word) for word in words if word)


def _of_late_headers(lists: Lists) -> Iterator[Oddity]:
    """access(5): a header is put before a message that is still to come. One statement, if a table is asked there."""
    entries = lists.stages.get(Stage.END_OF_DATA, ())
    asking = [(entry, one) for entry in entries for one in inside(lists, entry) if one.name in named(Argument.TABLE)]
    if not asking:
        return
    kinds = {kind_asked_by(one.name) for _entry, one in asking if one.access_table is None}
    by_itself = Q(table=None, applies_to__in=kinds) & (Q(domain=None) | Q(applies_to=AppliesTo.RECIPIENT))
    of_table = Q(table__in=[one.access_table for _entry, one in asking if one.access_table])
    rules = _acting().filter(by_itself | of_table, action=Action.PREPEND)
    first = rules.order_by("table_id", "applies_to", "key").distinct("table_id", "applies_to")
    found = {rule.table_id or rule.applies_to: rule for rule in first}
    for entry, one in asking:
        rule = found.get(one.access_table_id or kind_asked_by(one.name))
        if rule:
            sentence = _("%(entry)s comes too late for PREPEND (%(key)s): smtpd adds no header to what has come.")
            yield Oddity(parameter_of(Stage.END_OF_DATA), sentence % {"entry": one, "key": rule}, entry)


def _acting() -> QuerySet[AccessRule]:
    """Rules that have not ended."""
    return AccessRule.objects.filter(active=True).exclude(ends_at__lte=timezone.now())
