"""The flat tables: what Postfix asks each of them, and what it hears."""

import pytest

from lookup_tables.main_cf import TABLES, all_parameters
from lookup_tables.models import Entry
from lookup_tables.services import add_entry
from tests.plugins.example_mail import TESTER
from tests.plugins.mail_stack import Postfix

NOUNS = {model.noun: model for model in TABLES}
ROWS = """
transport    -         special@there.example      smtp:[mx.there.example]:2525
transport    -         there.example              smtp:[mx.example.org]
transport    -         .there.example             relay:
transport    -         "a b"@there.example        local:
transport    -         müller.example             smtp:[mx.example.org]
transport    -         .例え.example                relay:
transport    -         jean@ζωής.example          local:
transport    -         straße.example             smtp:[a-label.example.org]
transport    -         off.example                smtp:[off] inactive
transport    -         *                          discard:everything else
tls_policy   -         [mx.example.org]:587       secure match=mx.example.org:.example.org
tls_policy   -         example.org                encrypt
tls_policy   -         .example.org               may
tls_policy   -         müller.example             encrypt
tls_policy   -         [mx.müller.example]:587    none
tls_policy   -         .例え.example                may
tls_policy   -         off.example                none inactive
"""
BY_ADDRESS = {
    "sender_dependent_relayhost_maps": ("sender_relay", "", "[relay.one.example]:587", "[relay.two.example]"),
    "sender_bcc_maps": ("bcc", "sender", "archive@one.example", "archive@two.example"),
    "recipient_bcc_maps": ("bcc", "recipient", "box@one.example", "box@two.example"),
    "relocated_maps": ("relocated", "", "new@one.example, or call us", "all have gone"),
    "canonical_maps": ("canonical", "all", "First.Last@one.example", "@two.example"),
    "sender_canonical_maps": ("canonical", "sender", "first@one.example", "first@two.example"),
    "recipient_canonical_maps": ("canonical", "recipient", "second@one.example", "second@two.example"),
}


def add(noun: str, key: str, result: str, *, applies_to: str = "", active: bool = True) -> Entry:
    values = {"applies_to": applies_to} if applies_to else {}
    return add_entry(NOUNS[noun], key, result, active=active, **values, by=TESTER)


@pytest.fixture(scope="module")
def tables(postfix: Postfix, committed: None) -> Postfix:
    """Postfix, with all parameters written because every table has rows."""
    for line in ROWS.strip().splitlines():
        noun, key, result = line[:13].strip(), line[23:50].strip(), line[50:].strip()
        add(noun, key, result.removesuffix(" inactive"), active=not result.endswith(" inactive"))
    for noun, applies_to, of_address, of_domain in BY_ADDRESS.values():
        add(noun, "Jean@Home.example", of_address, applies_to=applies_to)
        add(noun, '"john doe"@home.example', of_address, applies_to=applies_to)
        add(noun, "x+y@home.example", of_domain, applies_to=applies_to)
        add(noun, "off@home.example", of_domain, applies_to=applies_to, active=False)
        add(noun, "@all.example", of_domain, applies_to=applies_to)
        add(noun, "jean@all.example", of_address, applies_to=applies_to)
        add(noun, "off@all.example", of_address, applies_to=applies_to, active=False)
        add(noun, "@off.example", of_domain, applies_to=applies_to, active=False)
        add(noun, "jean@bücher.example", of_address, applies_to=applies_to)
        add(noun, "@müller.example", of_domain, applies_to=applies_to)
    postfix.configure()
    return postfix


@pytest.mark.parametrize(
    ("parameter", "key", "answer"),
    [
        ("transport_maps", "special@there.example", "smtp:[mx.there.example]:2525"),
        ("transport_maps", "Special@There.Example", "smtp:[mx.there.example]:2525"),
        ("transport_maps", '"a b"@there.example', "local:"),
        ("transport_maps", '"special"@there.example', "smtp:[mx.there.example]:2525"),
        ("transport_maps", "there.example", "smtp:[mx.example.org]"),
        ("transport_maps", ".there.example", "relay:"),
        ("transport_maps", "*", "discard:everything else"),
        ("transport_maps", "other@there.example", None),
        ("transport_maps", "special+x@there.example", None),
        ("transport_maps", "off.example", None),
        ("transport_maps", "bücher.example", None),
        ("transport_maps", "'", None),
        ("transport_maps", "müller.example", "smtp:[mx.example.org]"),
        ("transport_maps", "MÜLLER.example", "smtp:[mx.example.org]"),
        ("transport_maps", "xn--mller-kva.example", "smtp:[mx.example.org]"),
        ("transport_maps", ".例え.example", "relay:"),
        ("transport_maps", ".xn--r8jz45g.example", "relay:"),
        ("transport_maps", "例え.example", None),
        ("transport_maps", "jean@ζωής.example", "local:"),
        ("transport_maps", "Jean@ΖΩΉΣ.example", "local:"),
        ("transport_maps", "jean@xn--jxap1b0a.example", "local:"),
        ("transport_maps", "xn--strae-oqa.example", "smtp:[a-label.example.org]"),
        ("transport_maps", "straße.example", None),  # asked for as that of others, strasse.example
        ("smtp_tls_policy_maps", "müller.example", "encrypt"),
        ("smtp_tls_policy_maps", "xn--mller-kva.example", "encrypt"),
        ("smtp_tls_policy_maps", "[mx.müller.example]:587", "none"),
        ("smtp_tls_policy_maps", ".例え.example", "may"),
        ("smtp_tls_policy_maps", "[mx.example.org]:587", "secure match=mx.example.org:.example.org"),
        ("smtp_tls_policy_maps", "[MX.example.org]:587", "secure match=mx.example.org:.example.org"),
        ("smtp_tls_policy_maps", "[mx.example.org]", None),
        ("smtp_tls_policy_maps", "example.org", "encrypt"),
        ("smtp_tls_policy_maps", ".example.org", "may"),
        ("smtp_tls_policy_maps", "off.example", None),
    ],
)
def test_asked_for_a_name(tables: Postfix, parameter: str, key: str, answer: str | None) -> None:
    assert tables.ask(parameter, key) == answer


@pytest.mark.parametrize("parameter", BY_ADDRESS)
class TestAskedForAnAddress:
    """`of_address` is what a row for the address says, `of_domain` that of its whole domain."""

    def test_it_works(self, tables: Postfix, parameter: str) -> None:
        _noun, _applies_to, of_address, of_domain = BY_ADDRESS[parameter]
        answers = {
            "jean@home.example": of_address,
            "JEAN@home.EXAMPLE": of_address,
            '"jean"@home.example': of_address,
            '"john doe"@home.example': of_address,
            "x+y@home.example": of_domain,
            "nobody@home.example": None,
            "o'brien@home.example": None,
            "@home.example": None,
            "home.example": None,
            '""@all.example': None,
            "@all.example": None,  # Postfix may ask; the function answers for the whole address
            "jean@all.example": of_address,
            "anybody@all.example": of_domain,
            "anybody+x@all.example": of_domain,
        }
        for key, answer in answers.items():
            assert tables.ask(parameter, key) == answer, key

    def test_the_base_of_an_extension_wins_over_its_domain(self, tables: Postfix, parameter: str) -> None:
        assert tables.ask(parameter, "jean+x@all.example") is None
        assert tables.ask(parameter, "jean+x@home.example") is None

    def test_by_the_u_label(self, tables: Postfix, parameter: str) -> None:
        """Of a domain that is nobody's here."""
        _noun, _applies_to, of_address, of_domain = BY_ADDRESS[parameter]
        for name in ("bücher.example", "BÜCHER.example", "xn--bcher-kva.example"):
            assert tables.ask(parameter, f"jean@{name}") == of_address
            assert tables.ask(parameter, f'"jean"@{name}') == of_address
            assert tables.ask(parameter, f"nobody@{name}") is None
        for name in ("müller.example", "xn--mller-kva.example"):
            assert tables.ask(parameter, f"anybody@{name}") == of_domain
            assert tables.ask(parameter, f"anybody+x@{name}") == of_domain

    def test_what_is_inactive_is_not_there(self, tables: Postfix, parameter: str) -> None:
        assert tables.ask(parameter, "off@home.example") is None
        assert tables.ask(parameter, "off@all.example") == BY_ADDRESS[parameter][3]
        assert tables.ask(parameter, "off+x@all.example") == BY_ADDRESS[parameter][3]
        assert tables.ask(parameter, "anybody@off.example") is None


def test_every_parameter_is_asked_here() -> None:
    assert set(all_parameters()) == {"transport_maps", "smtp_tls_policy_maps", *BY_ADDRESS}
