"""What access tables and restriction classes say about an address: which rule or class applies, and the row behind it.

Only what a list or a class asks is asked here too. What smtpd makes of the answers, the lists decide: a verdict on a
whole session is in mailservers/simulation.py."""

from collections.abc import Iterator

from django.db import connection
from django.db.models import Model, QuerySet
from django.utils import timezone

from domains.models import Domain
from mailservers.stations import Asked, Maps, Station
from restrictions import access_main_cf as access
from restrictions.access_models import AccessRule, AccessTable, AppliesTo, ProtectedAlias, RecipientClass

NOTHING = "DUNNO"


def access_stations(recipient: str, sender: str, maps: Maps) -> tuple[Station, ...]:
    """The tables in the order in which smtpd asks them in the recipient list: those of the panel first."""
    return tuple(_stations(recipient.lower(), sender.lower(), maps))


def _stations(recipient: str, sender: str, maps: Maps) -> Iterator[Station]:
    classes, entries = maps.access
    for one in classes.maps_before_all:
        first = _asked(one, recipient)
        yield first
        chosen = first.hit.results[0].split(", ") if first.hit and sender else []
        yield from (_asked(asked, sender) for name, asked in classes.made if name in chosen)
    keys = {f"check_{AppliesTo.RECIPIENT}_access": recipient, f"check_{AppliesTo.SENDER}_access": sender}
    seen = set()
    for entry in entries:
        asked = classes.map_asked_by(entry)
        if keys[entry.name] and (asked, entry.name) not in seen:
            seen.add((asked, entry.name))
            yield _asked(asked, keys[entry.name])


def _asked(one: access.AccessMap, key: str) -> Station:
    statement = f"SELECT * FROM postfix.{one.call.replace(chr(39) + '%s' + chr(39), '%s')}"  # noqa: S608  our own names
    with connection.cursor() as cursor:
        cursor.execute(statement, [one.key(key)])
        results = tuple(row[0] for row in cursor.fetchall() if row[0] != NOTHING)
    return Station(one.name.partition("-")[0], (Asked(one.key(key), results),), one.name)


def row_behind(station: Station) -> Model | None:
    """The rule, the class of a recipient, the protected alias or the domain that makes a table of these answer."""
    if not station.hit:
        return None
    key, name = station.hit.key, station.parameter
    rules = AccessRule.objects.select_related("domain", "table")
    if name == "check_recipient_access":
        return _row_about_recipient(key)
    if name == "recipient_classes":
        made, _line, number = station.hit.results[0].partition(",")[0].partition("_")
        return _protected(number) if made == "Writers" else Domain.objects.filter(pk=number).first()
    if name in ("writers", "senders"):
        number, _blank, key = key.partition(" ")
        if name == "writers":
            return _protected(number)
        return _first_of(rules.filter(domain=int(number), applies_to=AppliesTo.SENDER), key)
    table = name.removeprefix("access_table_")
    if table != name:
        return _first_of(rules.filter(table__in=AccessTable.objects.filter(name=table)), key)
    return _first_of(rules.filter(table=None, domain=None, applies_to=name.split("_")[1]), key)


def _protected(number: str) -> ProtectedAlias | None:
    return ProtectedAlias.objects.filter(pk=number).select_related("alias__address__domain").first()


def _row_about_recipient(key: str) -> Model | None:
    known = list(access.names_by_people())
    with connection.cursor() as cursor:
        cursor.execute("SELECT rule_id, met_id FROM mail_map.recipient_access(%s, %s)", [key, known])
        rule, met = cursor.fetchone() or (None, None)
    if rule:
        return AccessRule.objects.select_related("domain", "table").get(pk=rule)
    rows = RecipientClass.objects.select_related("address__domain", "domain")
    return rows.filter(pk=met).first() if met else None


def _first_of(rules: QuerySet[AccessRule], key: str) -> AccessRule | None:
    """The first key that has a rule wins, as in mail_map.access."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT mail_map.access_keys(%s)", [key])
        keys = cursor.fetchone()[0]
    acting = [rule for rule in rules.filter(key__in=keys) if rule.acts_at(timezone.now())]
    return min(acting, key=lambda rule: keys.index(rule.key), default=None)
