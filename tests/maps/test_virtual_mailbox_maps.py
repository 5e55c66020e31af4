"""virtual_mailbox_maps: where the mail of a mailbox is stored; nothing for everybody else."""

import pytest

from mailboxes.models import Mailbox
from tests.plugins.mail_stack import Postfix

FOUND = {
    "a maildir ends in a slash": ("jean@falcot.org", "falcot.org/jean/"),
    "an mbox does not": ("sophie@falcot.org", "falcot.org/sophie"),
    "upper case is folded": ("Alice@HOME.Example", "home.example/alice/"),
    "a mailbox that has an alias too": ("copy@home.example", "home.example/copy/"),
    "a mailbox with an inactive alias": ("kept@home.example", "home.example/kept/"),
    "a mailbox beside a catch-all": ("known@all.example", "all.example/known/"),
    "a domain by its U-label": ("jean@bücher.example", "xn--bcher-kva.example/jean/"),
}

NOT_FOUND = {
    "nobody": "nobody@home.example",
    "nobody beside a catch-all": "anyone@all.example",
    "an inactive mailbox": "blocked@home.example",
    "an inactive mailbox beside a catch-all": "blocked@all.example",
    "an inactive mailbox with an active alias": "moved@home.example",
    "an alias": "team@home.example",
    "a mailbox with an extension, which Postfix asks for again": "alice+news@home.example",
    "a mailbox by its alias domain, which virtual_alias_maps rewrites": "alice@alias.example",
    "a mailbox of an inactive domain": "someone@closed.example",
    "a virtual alias domain": "jean@falcotsbrand.com",
    "a local address": "root@mx.example.net",
    "a domain that is not ours": "alice@elsewhere.example",
    "a quote in the key": "x' OR 'a'='a@home.example",
    "letters beyond ASCII": "ålice@home.example",
}

# as people write it, and as Postfix holds it inside
UNUSUAL = {
    "a blank": ('"john doe"@home.example', "john doe@home.example"),
    "an apostrophe": ("o'brien@home.example", "o'brien@home.example"),
    "a comma": ('"com,ma"@home.example', "com,ma@home.example"),
    "a backslash": (r'"back\\slash"@home.example', r"back\slash@home.example"),
    "a quote": (r'"qu\"ote"@home.example', r"qu" + '"' + "ote@home.example"),
    "the delimiter": ("a+b@home.example", "a+b@home.example"),
    "the delimiter first": ("+plus@home.example", "+plus@home.example"),
}


@pytest.mark.parametrize(("key", "path"), FOUND.values(), ids=FOUND.keys())
def test_a_mailbox_is_found(maps: Postfix, key: str, path: str) -> None:
    assert maps.ask("virtual_mailbox_maps", key) == path


@pytest.mark.parametrize("key", NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_no_mailbox_is_found(maps: Postfix, key: str) -> None:
    assert maps.ask("virtual_mailbox_maps", key) is None


@pytest.mark.parametrize(("written", "held"), UNUSUAL.values(), ids=UNUSUAL.keys())
def test_an_unusual_name_is_found_in_both_forms(maps: Postfix, written: str, held: str) -> None:
    name = held.rpartition("@")[0]
    path = Mailbox.objects.get(address__local_part=name, address__domain__name="home.example").mail_path
    assert maps.ask("virtual_mailbox_maps", written) == path
    assert maps.ask("virtual_mailbox_maps", held) == path


@pytest.mark.parametrize(("local_part", "path"), [("expired", None), ("deaf", None), ("later", "times.example/later/")])
def test_who_takes_no_mail(maps: Postfix, local_part: str, path: str | None) -> None:
    assert maps.ask("virtual_mailbox_maps", f"{local_part}@times.example") == path
