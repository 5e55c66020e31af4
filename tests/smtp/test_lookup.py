"""The lookup says what a real Postfix then does: the reply to RCPT, and where each copy ends."""

import contextlib
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from domains.models import Domain
from domains.services import change_mail_settings
from lookup_tables.models import Bcc, Canonical, Entry, Relocated, Transport
from lookup_tables.services import add_entry
from mailboxes import services as mailboxes
from mailboxes.models import Address, Alias, Mailbox
from mailboxes.relay import add_relay_recipients
from mailboxes.ways import LONGEST_CHAIN
from mailservers.lookup import Lookup, Node, look_up, stations_of
from mailservers.stations import CONFIGURATION
from restrictions.access_services import add_rule, choose_class, protect_alias
from restrictions.services import add_class, set_list
from tests.conftest import empty_rooms
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import OUTSIDE, Postfix

DAY_AGO, TOMORROW = (timezone.now() + timedelta(days=days) for days in (-1, 1))
SEED = os.environ.get("LOOKUP_SEED", "luck")  # another one plays other addresses
NAMES = ("ann", "bob", "sales", "info", "a-b", "a+b", "ann+x", "owner-ann", '"j d"', "o'neil", "postmaster")
PATTERNS = ("a*", "sales*", "ann+*", "ann-*")
DOMAINS = ("one.example", "two.example", "brand.example", "other.example", "resting.example", "relay.example")
SENDERS = ("someone@example.net", "ann@one.example", "bob+x@one.example", "info@two.example", "x@inside.example")
WELL: list[dict[str, Any]] = [{}] * 6
STATES_OF_MAILBOX = [*WELL, {"active": False}, {"expires_at": DAY_AGO}, {"receives": False}]
STATES_OF_ALIAS = [*WELL, {"active": False}, {"ends_at": DAY_AGO}, {"starts_at": TOMORROW}]
TRANSPORTS = (
    "error:5.1.2 It is closed",
    "error:closed",
    "error:",
    "retry:4.4.0 Later",
    "retry:later",
    "retry:",
    "discard:gone",
)
REWRITTEN = ("ann@one.example", "bob@two.example", "info@brand.example", "@two.example", "far@elsewhere.example")
TABLES: list[tuple[type[Entry], tuple[str, ...]]] = [
    (Transport, TRANSPORTS),
    (Canonical, REWRITTEN),
    (Bcc, REWRITTEN[:3] + REWRITTEN[4:]),
    (Relocated, ("another town",)),
]
FOR_A_SHELL = (
    '"x\'$(touch stolen)"',
    '"$(touch stolen)"',
    "o'neil",
    "#ann",
    "`touch$`",
    "~ann",
    '"a;b"',
    '"a\\\\b\\"c"',
)
EXTENSIONS = ("", "", "", "+x", "-y", "+x-y", "+")


def make_world(luck: random.Random) -> None:
    """Domains of all classes, addresses in every state and all flat tables; what the services refuse is left out."""
    add_domain("one.example")
    add_domain("two.example")
    add_domain("brand.example", "virtual_alias")
    add_domain("other.example", "alias_domain", target="one.example")
    add_domain("resting.example", active=False)
    add_domain("relay.example", "relay")
    for _number in range(24):
        domain, name = luck.choice(("one.example", "two.example", "resting.example")), luck.choice(NAMES)
        state = luck.choice(STATES_OF_MAILBOX)
        try_to(mailboxes.add_mailbox, domain_named(domain), name, **state)
    for _number in range(12):
        try_to(add_relay_recipients, domain_named("relay.example"), [luck.choice(NAMES)])
    for _number in range(45):
        domain = luck.choice(("one.example", "two.example", "brand.example", "relay.example"))
        name = luck.choice((*NAMES, *PATTERNS, ""))
        state = luck.choice(STATES_OF_ALIAS)
        to = destinations(luck, is_catch_all=not name)
        try_to(mailboxes.add_alias, domain_named(domain), name, to, **state)
    for _number in range(14):
        add_row(luck)
    restrict(luck)


def restrict(luck: random.Random) -> None:
    """Rules, classes and protected aliases, and a list that asks for them."""
    add_class("soft", by=TESTER)
    names = [{"name": f"check_{kind}_access"} for kind in ("recipient", "sender")]
    set_list("recipient", [{"name": "reject_unauth_destination"}, *names], by=TESTER)
    for _number in range(6):
        kind, domain = luck.choice(("recipient", "sender")), luck.choice(DOMAINS)
        key = f"{luck.choice(NAMES)}@{domain}"
        within = domain_named(domain) if luck.random() < 0.5 else None
        try_to(add_rule, kind, key, luck.choice(("REJECT", "DUNNO", "WARN")), domain=within)
    for address in luck.sample(list(Address.objects.order_by("pk")), 3):
        try_to(choose_class, address, "soft")
    for alias in luck.sample(list(Alias.objects.with_destinations().order_by("pk")), 3):
        try_to(protect_alias, alias, "members", ["someone@example.net"])


def add_row(luck: random.Random) -> None:
    """One row of a flat table; rewriting, copies and transports may hit the same address."""
    model, results = luck.choice(TABLES)
    key = f"{luck.choice((*NAMES, 'nobody', ''))}@{luck.choice((*DOMAINS, 'elsewhere.example'))}"
    if model is Transport:
        key = luck.choice((key, luck.choice((*DOMAINS, "elsewhere.example")), ".example")).removeprefix("@")
    kinds = list(model.parameters)
    values = {"applies_to": luck.choice(kinds)} if len(kinds) > 1 else {}
    if model is Bcc and values["applies_to"] == "sender":
        key = luck.choice((key, *SENDERS))
    try_to(add_entry, model, key, luck.choice(results), **values, active=luck.random() < 0.85)


def try_to(add: Callable[..., Any], *words: Any, **state: Any) -> None:
    with contextlib.suppress(ValidationError):
        add(*words, **state, by=TESTER)


def domain_named(name: str) -> Domain:
    return Domain.objects.get(name=name)


def destinations(luck: random.Random, *, is_catch_all: bool) -> list[str]:
    whole = [f"@{luck.choice(DOMAINS)}"] if is_catch_all and luck.random() < 0.5 else []
    named = [
        f"{luck.choice(NAMES)}@{luck.choice((*DOMAINS, 'elsewhere.example'))}" for _one in range(luck.randint(1, 2))
    ]
    return whole or named


def recipients(luck: random.Random, number: int) -> list[str]:
    found: set[str] = set()
    while len(found) < number:
        name, extension = luck.choice((*NAMES, "nobody")), luck.choice(EXTENSIONS)
        name = f'{name[:-1]}{extension}"' if name.endswith('"') else name + extension
        found.add(f"{name}@{luck.choice((*DOMAINS, 'elsewhere.example'))}")
    return sorted(found)


def ends_in_words(found: Lookup) -> list[tuple[str, str]]:
    """(address, status) as the log shows it."""
    return sorted((node.address, status_of(node)) for node in found.destinations)


def status_of(node: Node) -> str:
    """Here all that leaves is thrown away too, and a relay domain has no server: tests/smtp/test_relay_domains.py."""
    return {"refused": "bounced", "waits": "deferred"}.get(node.end, "sent")


@pytest.mark.parametrize("delimiters", ["+", "-", "+-", ""])
def test_several_hundred_random_addresses(postfix: Postfix, committed: None, delimiters: str) -> None:
    luck = random.Random(f"{SEED} {delimiters}")
    change_mail_settings(recipient_delimiter=delimiters, by=TESTER)
    make_world(luck)
    postfix.configure(relay_transport="discard:to the relay domain")
    assert Mailbox.objects.count() > 3
    assert Alias.objects.count() > 5
    checked, delivered, decided, plain = 0, 0, 0, 0
    for recipient in recipients(luck, 90):
        sender = luck.choice(SENDERS)
        predicted = look_up(recipient, sender=sender)
        reply = postfix.rcpt(recipient, sender=sender)
        checked += 1
        for station in predicted.access:
            said = postfix.ask(station.file, station.asked[0].key)
            assert (() if said == "DUNNO" else (said,)) == station.asked[0].results, (station, state_of_world())
            decided += station.hit is not None
        if predicted.lists_decide:
            continue
        plain += 1
        assert f"{reply.code} {reply.text}" == predicted.reply, (recipient, state_of_world())
        if reply.code == 250 and delivered < 25 and not any(node.end == "loop" for node in predicted.destinations):
            queue_id = postfix.accept(recipient, sender=sender, client=OUTSIDE)
            deliveries = sorted((one.to, one.status) for one in postfix.deliveries(queue_id))
            assert deliveries == ends_in_words(predicted), (recipient, sender, state_of_world())
            assert predicted.sender
            assert f"{queue_id}: from=<{predicted.sender.becomes}>" in postfix.log(), (sender, state_of_world())
            delivered += 1
    assert checked == 90
    assert decided >= 5
    assert plain >= 30
    assert delivered >= 5


def state_of_world() -> list[str]:
    """For the message of a failing test."""
    aliases = [
        f"{alias} -> {', '.join(map(str, alias.destinations.all()))} {'' if alias.active else '(inactive)'}"
        for alias in Alias.objects.with_destinations()
    ]
    mailboxes = [f"{box} {'' if box.active else '(inactive)'}" for box in Mailbox.objects.with_address()]
    rows = [
        f"{row.parameter} {row.key} -> {row.result} {'' if row.active else '(inactive)'}"
        for model, _results in TABLES
        for row in model._default_manager.all()
    ]
    return aliases + mailboxes + rows + [str(Address.objects.count())]


@pytest.fixture(autouse=True)
def settings_as_before(postfix: Postfix, committed: None) -> Iterator[None]:
    empty_rooms()
    yield
    change_mail_settings(recipient_delimiter="+", by=TESTER)
    postfix.configure()


def as_postfix_does(postfix: Postfix, recipient: str) -> Lookup:
    predicted = look_up(recipient)
    assert sorted((one.to, one.status) for one in postfix.send(recipient)) == ends_in_words(predicted)
    return predicted


def test_two_mailboxes_that_send_each_other_copies(postfix: Postfix) -> None:
    add_domain("one.example")
    for name in ("ann", "bob"):
        add_mailbox(f"{name}@one.example")
    add_alias("ann@one.example", "bob@one.example")
    add_alias("bob@one.example", "ann@one.example")
    assert len(as_postfix_does(postfix, "ann@one.example").destinations) == 2


def test_many_ways_to_the_same_few_places_are_walked_once(postfix: Postfix) -> None:
    """Ten levels of two aliases each, all pointing at both of the next: 1,024 ways, two mailboxes."""
    add_domain("one.example")
    below = ["left0@one.example", "right0@one.example"]
    for address in below:
        add_mailbox(address)
    for level in range(1, 9):
        here = [f"{side}{level}@one.example" for side in ("left", "right")]
        for address in here:
            add_alias(address, *below)
        below = here
    found = as_postfix_does(postfix, below[0])
    assert [node.address for node in found.destinations] == ["left0@one.example", "right0@one.example"]


def test_a_shell_takes_each_proof_as_it_stands(postfix: Postfix, tmp_path: Path) -> None:
    """Whoever may add a mailbox chooses what stands in a line that an administrator copies."""
    add_domain("one.example")
    for name in FOR_A_SHELL:
        add_mailbox(f"{name}@one.example")
    add_entry(Transport, "elsewhere.example", "discard:gone", by=TESTER)
    postfix.configure()
    environment = os.environ | {"MAIL_CONFIG": str(postfix.conf)}
    for name in FOR_A_SHELL:
        for station in stations_of(look_up(f"{name}@one.example")):
            line = station.proof.replace(CONFIGURATION, str(postfix.maps))
            said = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True)
            expected = ",".join(station.hit.results) if station.hit else ""
            assert (said.stdout.removesuffix("\n"), said.stderr) == (expected, ""), station.proof
    assert list(tmp_path.iterdir()) == []


def test_an_extension_that_makes_a_name_long(postfix: Postfix) -> None:
    add_domain("one.example")
    name = "n" * 60
    add_mailbox(f"{name}@one.example")
    add_alias("sales@one.example", f"{name}@one.example")
    found = as_postfix_does(postfix, "sales+newsletter@one.example")
    assert [(node.address, node.end) for node in found.destinations] == [(f"{name}+newsletter@one.example", "mailbox")]


def test_the_longest_chain_that_can_be_saved(postfix: Postfix) -> None:
    add_domain("one.example")
    add_mailbox("c0@one.example")
    for number in range(1, LONGEST_CHAIN + 1):
        add_alias(f"c{number}@one.example", f"c{number - 1}@one.example")
    found = as_postfix_does(postfix, f"c{LONGEST_CHAIN}@one.example")
    assert [(node.address, node.end) for node in found.destinations] == [("c0@one.example", "mailbox")]


def test_a_copy_has_a_thousand_destinations_of_its_own(postfix: Postfix) -> None:
    add_domain("one.example")
    for name in ("big", "copy"):
        add_alias(f"{name}@one.example", *(f"{name}{number}@elsewhere.example" for number in range(600)))
    add_entry(Bcc, "big@one.example", "copy@one.example", applies_to="recipient", by=TESTER)
    postfix.configure()
    assert {node.end for node in as_postfix_does(postfix, "big@one.example").destinations} == {"outside"}
