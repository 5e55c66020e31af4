"""Random domains, addresses, states and delimiters: the functions say what a plain model of virtual(5) says, asked
directly and by the real postmap."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domains.models import AddressClass, Domain, MailSettings
from mailboxes.models import Address, Alias, AliasDestination, Mailbox, PermittedSender
from tests.conftest import empty_rooms
from tests.maps.virtual import Place, Served, To, World, path_of, written
from tests.plugins.mail_stack import Postfix

NAMES = ("ann", "bob", "a-b", "a+b", "ann+x", "ann-x", "+x", "owner-ann", "ann-request", "j d", "o'neil", "postmaster")
PATTERNS = ("", "a*", "ann*", "ann-*", "ann+*")
ASKED = (*NAMES, "ann+x-y", "ann-x+y", "a", "nobody", "anna", "bob+", "ann-", "j d+x", "postmaster+x", "a*")
ONES = ("one.example", "two.example", "brand.example", "other.example")
ELSEWHERE = "elsewhere.example"
BY_ADDRESS = ("virtual_alias_maps", "virtual_mailbox_maps")

states = st.sampled_from([None, True, True, False])
alias_names = st.sampled_from((*NAMES, *PATTERNS))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    domains = {name: Served(name, active=draw(st.sampled_from([True, True, True, False]))) for name in ONES}
    domains["brand.example"].has_mailboxes = False
    domains["other.example"].target = draw(st.sampled_from(["one.example", "brand.example"]))
    own = [domain for domain in domains.values() if not domain.target]
    for domain in own:
        for name in draw(st.sets(st.sampled_from(NAMES), max_size=5)) if domain.has_mailboxes else ():
            takes, sends = draw(st.sampled_from([True, True, False])), draw(st.sampled_from([True, True, False]))
            domain.places[name] = Place(mailbox=takes, sends=sends)
        for name in draw(st.sets(alias_names, max_size=5)):
            domain.places.setdefault(name, Place()).alias = draw(st.sampled_from([True, True, False]))
    known = [(domain.name, name) for domain in own for name in domain.places if name]
    for domain in own:
        for name, place in domain.places.items():
            if place.alias is not None:
                place.destinations = draw(destinations(known, is_catch_all=not name))
    return World(domains, draw(st.sampled_from(["+", "-", "+-", ""])), draw(permissions(own)))


def permissions(own: list[Served]) -> st.SearchStrategy[list[tuple[tuple[str, str], tuple[str, str]]]]:
    logins = [(name, one.name) for one in own for name, place in one.places.items() if place.mailbox is not None]
    if not logins:
        return st.just([])
    senders = st.tuples(st.sampled_from(("", "ann", "a-b", "ann+x", "nobody")), st.sampled_from((*ONES, ELSEWHERE)))
    return st.lists(st.tuples(st.sampled_from(logins), senders), max_size=4, unique=True)


def destinations(known: list[tuple[str, str]], *, is_catch_all: bool) -> st.SearchStrategy[list[To]]:
    kinds = [st.sampled_from([To(text=f"Some.One@{ELSEWHERE}"), To(domain="two.example", local_part="only-there")])]
    if known:
        extensions = st.sampled_from(["", "", "+x", "-x"])
        kinds.append(st.builds(lambda at, more: To(at[0], at[1], more), st.sampled_from(known), extensions))
    if is_catch_all:
        kinds.append(st.sampled_from(ONES).map(lambda name: To(domain=name)))
        kinds.append(st.sampled_from((*ONES, ELSEWHERE)).map(lambda name: To(text=f"@{name}")))
    return st.lists(st.one_of(kinds), min_size=1, max_size=3)


def write(world: World) -> None:
    """Rows past the services: what a service refuses, a loop for instance, the functions must bear too."""
    MailSettings.objects.update(recipient_delimiter=world.delimiters)
    rows: dict[str, Domain] = {}
    for one in sorted(world.domains.values(), key=lambda one: bool(one.target)):
        rows[one.name] = Domain.objects.create(
            name=one.name, active=one.active, target=rows.get(one.target), address_class=address_class(one)
        )
    addresses = {
        (one.name, name): Address.objects.create(domain=rows[one.name], local_part=name)
        for one in world.domains.values()
        for name in one.places
    }
    for one in world.domains.values():
        for number, (name, place) in enumerate(one.places.items()):
            write_place(place, addresses[one.name, name], path_of(name, one.name), number)
    for one in world.domains.values():
        for name, place in one.places.items():
            if place.alias is not None:
                write_destinations(place, addresses[one.name, name], addresses, rows)
    for (login, domain), (local_part, domain_name) in world.permitted:
        mailbox = addresses[domain, login].mailbox
        PermittedSender.objects.create(mailbox=mailbox, local_part=local_part, domain_name=domain_name)


def address_class(one: Served) -> str:
    if one.target:
        return AddressClass.ALIAS_DOMAIN
    return AddressClass.VIRTUAL_MAILBOX if one.has_mailboxes else AddressClass.VIRTUAL_ALIAS


def write_place(place: Place, address: Address, path: str, number: int) -> None:
    """What takes no mail, or sends none, does so for a different reason each time."""
    day_ago = timezone.now() - timedelta(days=1)
    if place.mailbox is not None:
        reasons: list[dict[str, Any]] = [{"active": False}, {"expires_at": day_ago}]
        if place.mailbox or place.sends:
            reasons = [{"receives": place.mailbox, "sends": place.sends}]
        Mailbox.objects.create(address=address, mail_path=path, **reasons[number % len(reasons)])
    if place.alias is not None:
        tomorrow = timezone.now() + timedelta(days=1)
        reasons = [{"active": False}, {"ends_at": day_ago}, {"starts_at": tomorrow}]
        Alias.objects.create(address=address, **({} if place.alias else reasons[number % 3]))


def write_destinations(
    place: Place, address: Address, addresses: dict[tuple[str, str], Address], rows: dict[str, Domain]
) -> None:
    for position, to in enumerate(place.destinations):
        there = addresses.get((to.domain, to.local_part)) if to.local_part else None
        AliasDestination.objects.create(
            alias=address.alias,
            position=position,
            address=there,
            extension=to.extension,
            domain=rows[to.domain] if to.domain and not there else None,
            text=to.text or ("" if there else to.local_part),
        )


def asked() -> list[tuple[str, str]]:
    return [(name, domain) for name in ASKED for domain in (*ONES, ELSEWHERE)]


def expected(world: World) -> dict[tuple[str, str, str], list[str]]:
    return {
        (parameter, name, domain): getattr(world, parameter)(name, domain)
        for parameter in BY_ADDRESS
        for name, domain in asked()
    }


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_the_functions_agree_with_the_model(world: World) -> None:
    with taken_back():
        write(world)
        with connection.cursor() as cursor:
            for (parameter, name, domain), answer in expected(world).items():
                cursor.execute(f"SELECT * FROM postfix.{parameter}(%s, %s)", [written(name, "")[:-1], domain])
                assert [row[0] for row in cursor.fetchall()] == answer, (parameter, name, domain)
            for name, domain in asked():
                assert logins_for(cursor, world, name, domain) == world.may_send_as(name, domain), (name, domain)
            for parameter in ("virtual_mailbox_domains", "virtual_alias_domains"):
                for domain in (*ONES, ELSEWHERE):
                    cursor.execute(f"SELECT * FROM postfix.{parameter}(%s)", [domain])
                    assert [row[0] for row in cursor.fetchall()] == getattr(world, parameter)(domain)


def logins_for(cursor: Any, world: World, name: str, domain: str) -> set[str]:
    """smtpd asks for the address, then without the extension (check_mail_addr_find())."""
    for part in (name, world.base_of(name)):
        if part is not None:
            arguments = [written(part, "")[:-1], domain]
            cursor.execute("SELECT * FROM postfix.smtpd_sender_login_maps(%s, %s)", arguments)
            found = [row[0] for row in cursor.fetchall()]
            if found:
                assert len(set(found)) == len(found)
                return set(found) - {"<>"}
    return set()


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_postmap_agrees_with_the_model(postfix: Postfix, committed: None, world: World) -> None:
    empty_rooms()
    write(world)
    wanted = expected(world)
    for parameter in BY_ADDRESS:
        keys = {written(name, domain): (parameter, name, domain) for name, domain in asked()}
        for key, found in postfix.ask_many(parameter, keys).items():
            assert (found or "") == ",".join(wanted[keys[key]]), key
    senders = {written(name, domain): (name, domain) for name, domain in asked()}
    answers = postfix.ask_many("smtpd_sender_login_maps", senders)
    for key, (name, domain) in senders.items():
        base = world.base_of(name)
        said = answers[key] or (answers.get(written(base, domain)) if base is not None else None) or ""
        assert {login for login in said.split(",") if login} - {"<>"} == world.may_send_as(name, domain), key
