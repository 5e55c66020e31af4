"""The lookup says what a real Postfix then does: the reply to RCPT, and where each copy ends."""

import os
import random
from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError

from domains.services import change_mail_settings
from mailboxes.models import Address, Alias, Mailbox
from mailservers.lookup import Lookup, Node, look_up
from tests.conftest import empty_rooms
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix

SEED = os.environ.get("LOOKUP_SEED", "luck")  # another one plays other addresses
NAMES = ("ann", "bob", "sales", "info", "a-b", "a+b", "ann+x", "owner-ann", '"j d"', "o'neil", "postmaster")
DOMAINS = ("one.example", "two.example", "brand.example", "other.example", "resting.example")
EXTENSIONS = ("", "", "", "+x", "-y", "+x-y", "+")


def make_world(luck: random.Random) -> None:
    """Domains of all classes, and addresses in every state; what the services refuse is left out."""
    add_domain("one.example")
    add_domain("two.example")
    add_domain("brand.example", "virtual_alias")
    add_domain("other.example", "alias_domain", target="one.example")
    add_domain("resting.example", active=False)
    for _number in range(24):
        domain, name = luck.choice(("one.example", "two.example", "resting.example")), luck.choice(NAMES)
        try_to(add_mailbox, f"{name}@{domain}", active=luck.random() < 0.75)
    for _number in range(45):
        domain = luck.choice(("one.example", "two.example", "brand.example"))
        name = luck.choice((*NAMES, ""))
        try_to(add_alias, f"{name}@{domain}", *destinations(luck, is_catch_all=not name), active=luck.random() < 0.8)


def try_to(add: object, *words: str, **state: bool) -> None:
    try:
        add(*words, **state)  # type: ignore[operator]
    except ValidationError:
        return


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


def ends_in_words(found: Lookup) -> list[tuple[str, bool]]:
    """(address, whether it is delivered) as the log shows it."""
    return sorted((node.address, is_delivered(node)) for node in found.destinations)


def is_delivered(node: Node) -> bool:
    return node.end in ("mailbox", "outside")


@pytest.mark.parametrize("delimiters", ["+", "-", "+-", ""])
def test_several_hundred_random_addresses(postfix: Postfix, committed: None, delimiters: str) -> None:
    luck = random.Random(f"{SEED} {delimiters}")
    change_mail_settings(recipient_delimiter=delimiters, by=TESTER)
    make_world(luck)
    postfix.configure()
    assert Mailbox.objects.count() > 3
    assert Alias.objects.count() > 5
    checked, delivered = 0, 0
    for recipient in recipients(luck, 90):
        predicted = look_up(recipient)
        reply = postfix.rcpt(recipient)
        assert f"{reply.code} {reply.text}" == predicted.reply, (recipient, state_of_world())
        checked += 1
        if reply.code == 250 and delivered < 25 and not any(node.end == "loop" for node in predicted.destinations):
            deliveries = sorted((one.to, one.status == "sent") for one in postfix.send(recipient))
            assert deliveries == ends_in_words(predicted), (recipient, state_of_world())
            delivered += 1
    assert checked == 90
    assert delivered >= 5


def state_of_world() -> list[str]:
    """For the message of a failing test."""
    aliases = [
        f"{alias} -> {', '.join(map(str, alias.destinations.all()))} {'' if alias.active else '(inactive)'}"
        for alias in Alias.objects.with_destinations()
    ]
    mailboxes = [f"{box} {'' if box.active else '(inactive)'}" for box in Mailbox.objects.with_address()]
    return aliases + mailboxes + [str(Address.objects.count())]


@pytest.fixture(autouse=True)
def settings_as_before(postfix: Postfix, committed: None) -> Iterator[None]:
    empty_rooms()
    yield
    change_mail_settings(recipient_delimiter="+", by=TESTER)
    postfix.configure()


def as_postfix_does(postfix: Postfix, recipient: str) -> Lookup:
    predicted = look_up(recipient)
    assert sorted((one.to, one.status == "sent") for one in postfix.send(recipient)) == ends_in_words(predicted)
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
