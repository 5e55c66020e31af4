"""Whatever is saved and deleted in whatever order: no mail that Postfix asks about goes round."""

import contextlib

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domains.models import AddressClass, Domain
from domains.services import add_domain, change_domain
from mailboxes.models import Alias, Mailbox
from mailboxes.services import add_alias, add_mailbox, change_alias, change_mailbox, delete_alias, delete_mailbox
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db

LOCAL_PARTS = ("x", "x", "x", "y", "", "", "", "x+y", "y+y", "x+y+y")
DOMAINS = ("a.example", "b.example", "c.example")
LOCAL = ("here.example", "there.example")
NEW = "new.example"
places = st.tuples(st.sampled_from((*LOCAL_PARTS, "x*", "x+*")), st.sampled_from([*DOMAINS[:2] * 3, *LOCAL]))
destinations = st.builds(
    "{}@{}".format, st.sampled_from(LOCAL_PARTS), st.sampled_from([*DOMAINS[:2] * 3, DOMAINS[2], NEW, *LOCAL])
)
verbs = ["alias"] * 10 + ["mailbox"] * 3 + ["delete alias"] * 2 + ["delete mailbox", "stop mailbox", "stop alias"]
verbs += ["serve new.example", "alias domain new.example", "local domain new.example", "other target", "no target"]
acts = st.tuples(st.sampled_from(verbs), places, st.lists(destinations, min_size=1, max_size=1))


def alias(local_part: str, domain: str, destination: str) -> tuple[str, tuple[str, str], list[str]]:
    return "alias", (local_part, domain), [destination]


def other(verb: str, local_part: str = "", domain: str = "a.example") -> tuple[str, tuple[str, str], list[str]]:
    return verb, (local_part, domain), []


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([alias("", "a.example", "x@b.example"), alias("x", "b.example", "x@a.example")])
@example(
    [
        alias("", "a.example", "y@new.example"),
        alias("x", "b.example", "x@a.example"),
        alias("", "a.example", "@b.example"),
    ]
)
@example(
    [
        alias("x", "b.example", "y@new.example"),
        alias("y", "b.example", "x@new.example"),
        ("alias domain new.example", ("", "b.example"), []),
    ]
)
@example(
    [
        alias("", "a.example", "@new.example"),
        alias("x", "b.example", "x@a.example"),
        ("alias domain new.example", ("", "b.example"), []),
    ]
)
@example(
    [
        alias("", "a.example", "@b.example"),
        alias("y", "b.example", "x@a.example"),
        ("mailbox", ("x", "a.example"), []),
        alias("", "a.example", "y@b.example"),
        ("delete mailbox", ("x", "a.example"), []),
    ]
)
@example([alias("y", "a.example", "x@a.example"), alias("x+y", "a.example", "y+y@a.example")])
@example([alias("x+y", "a.example", "y+y@a.example"), alias("y", "a.example", "x@a.example")])
@example([alias("x+y", "a.example", "y+y@a.example"), alias("y", "a.example", "x@c.example")])
@example(
    [
        alias("x+*", "a.example", "y+y@a.example"),
        alias("", "a.example", "e@b.example"),
        alias("y", "a.example", "x@a.example"),
    ]
)
@example(
    [
        alias("", "a.example", "z@elsewhere.example"),
        alias("x+y", "b.example", "y+y@b.example"),
        alias("y", "b.example", "x@a.example"),
        alias("", "a.example", "@b.example"),
    ]
)
@example(
    [
        alias("", "a.example", "z@elsewhere.example"),
        alias("x+y+y", "b.example", "y+y@b.example"),
        alias("y", "b.example", "x+y@a.example"),
        alias("", "a.example", "@b.example"),
    ]
)
@example(
    [
        alias("x+y", "a.example", "z@elsewhere.example"),
        alias("y", "a.example", "x+y@a.example"),
        alias("x", "a.example", "y@a.example"),
        other("delete alias", "x+y"),
    ]
)
@example(
    [
        alias("x+y", "a.example", "z@elsewhere.example"),
        alias("y", "a.example", "x+y@a.example"),
        alias("x", "a.example", "y@a.example"),
        other("stop alias", "x+y"),
    ]
)
@example([alias("x", LOCAL[0], f"x@{LOCAL[1]}")])
@example([alias("x", LOCAL[0], f"x+y@{LOCAL[1]}")])
@example([alias("y", LOCAL[0], "x@a.example"), alias("x", "a.example", f"y@{LOCAL[1]}")])
@example([alias("x", LOCAL[0], f"x@{NEW}"), other(f"local domain {NEW}")])
@given(st.lists(acts, min_size=2, max_size=12))
def test_it_works(db: None, steps: list[tuple[str, tuple[str, str], list[str]]]) -> None:
    with transaction.atomic():
        a, _b = (add_domain(name, by=TESTER) for name in DOMAINS[:2])
        add_domain(DOMAINS[2], address_class=AddressClass.ALIAS_DOMAIN, target=a, by=TESTER)
        for name in LOCAL:
            add_domain(name, address_class=AddressClass.LOCAL, by=TESTER)
        for number, (act, (local_part, name), typed) in enumerate(steps):
            with contextlib.suppress(ValidationError):
                do(act, local_part, Domain.objects.get(name=name), [*typed, "elsewhere@elsewhere.example"])
            loop = a_loop()
            assert not loop, f"after {steps[: number + 1]}: {' → '.join(loop)}"
        transaction.set_rollback(True)


def do(act: str, local_part: str, domain: Domain, typed: list[str]) -> None:
    alias = Alias.objects.filter(address__domain=domain, address__local_part=local_part).first()
    mailbox = Mailbox.objects.filter(address__domain=domain, address__local_part=local_part).first()
    if act == "alias" and alias:
        change_alias(alias, destinations=typed, by=TESTER)
    elif act == "alias":
        add_alias(domain, local_part, typed, by=TESTER)
    elif act == "mailbox":
        add_mailbox(domain, local_part, by=TESTER)
    elif act == "delete alias" and alias:
        delete_alias(alias, by=TESTER)
    elif act == "stop alias" and alias:
        change_alias(alias, active=False, by=TESTER)
    elif act == "stop mailbox" and mailbox:
        change_mailbox(mailbox, active=False, by=TESTER)
    elif act == "delete mailbox" and mailbox:
        delete_mailbox(mailbox, by=TESTER)
    elif act == "serve new.example":
        add_domain(NEW, by=TESTER)
    elif act == "local domain new.example":
        add_domain(NEW, address_class=AddressClass.LOCAL, by=TESTER)
    elif act == "alias domain new.example":
        add_domain(NEW, address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    elif act == "other target":
        change_domain(Domain.objects.get(name=DOMAINS[2]), target=domain, by=TESTER)
    elif act == "no target":
        change_domain(Domain.objects.get(name=DOMAINS[2]), address_class=AddressClass.VIRTUAL_ALIAS, by=TESTER)


def a_loop() -> list[str]:
    """Asks as Postfix does, address by address. cleanup(8) does not expand an address again that expanded into itself:
    mail that comes back to one does not go round. An extension that grows and grows never comes back."""
    ways: dict[str, list[str]] = {}

    def follow(address: str, path: list[str]) -> list[str]:
        if address in path:
            loop = [*path[path.index(address) :], address]
            return [] if any(name in ways[name] for name in loop) else loop
        if len(address) > LONGEST:
            return [*path, address]
        for there in ways.setdefault(address, expanded(address)):
            loop = follow(there, [*path, address]) if there != address else []
            if loop:
                return loop
        return []

    for domain in [*DOMAINS, NEW, *LOCAL]:
        for local_part in ("x", "y", "z", "x+y", "y+y", "x+z", "y+z", "x+y+y"):
            loop = follow(f"{local_part}@{domain}", [])
            if loop:
                return loop
    return []


LONGEST = 120


def expanded(address: str) -> list[str]:
    """mail_addr_map(), and deliver_alias() of local(8): the address, then without its extension, which cleanup(8)
    appends to what is found (propagate_unmatched_extensions)."""
    local_part, domain = address.split("@")
    base, delimiter, extension = local_part.partition("+")
    is_local = Domain.objects.filter(name=domain, address_class=AddressClass.LOCAL).exists()
    found = said(address, is_local)
    if found or not extension:
        return found
    theres = (there.split("@") for there in said(f"{base}@{domain}", is_local))
    return [f"{name}{'' if is_local else delimiter + extension}@{place}" for name, place in theres]


def said(address: str, is_local: bool) -> list[str]:
    local_part, domain = address.split("@")
    with connection.cursor() as cursor:
        if is_local:
            cursor.execute("SELECT * FROM postfix.alias_maps(%s)", [local_part])
        else:
            cursor.execute("SELECT * FROM postfix.virtual_alias_maps(%s, %s)", [local_part, domain])
        return [in_one_local_domain(row[0].lower()) for row in cursor.fetchall()]


def in_one_local_domain(address: str) -> str:
    local_part, domain = address.split("@")
    is_local = Domain.objects.filter(name=domain, address_class=AddressClass.LOCAL).exists()
    return f"{local_part}@{LOCAL[0]}" if is_local else address
