"""Addresses as text, and whether Python and PostgreSQL agree about them."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domains.models import Domain, MailSettings
from domains.services import add_domain
from mailboxes.models import Address
from mailboxes.parsing import (
    LONGEST_LOCAL_PART,
    external_form,
    fault_of_local_part,
    normalised_local_part,
    parse_address,
    split_address,
    written_local_part,
)
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db
many = settings(
    max_examples=400,
    derandomize=True,  # the same on every machine
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# Letters near every rule: what is special to Postfix, to SQL, to regular expressions and to quotes.
tricky = st.sampled_from(list("ab-+.|/:@%! \"'\\_*?^$[]{}~,;<>()#&=`") + ["\0", "\n", "\x7f", "A", "é", "日", "İ", "ß"])
local_parts = st.text(tricky, min_size=1, max_size=12) | st.text(min_size=1, max_size=80)
good_local_parts = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64).filter(
    lambda text: text == text.lower() and not fault_of_local_part(text)
)


@pytest.fixture
def domain(db: None) -> Domain:
    return add_domain("example.org", by=TESTER)


@many
@given(good_local_parts)
@example('"')
@example("\\")
@example('a\\"b')
@example("..")
@example("'")
def test_it_works(local_part: str) -> None:
    """What is written down is read back as the same."""
    parsed = parse_address(external_form(local_part, "example.org"))
    assert (parsed.local_part, parsed.domain) == (local_part, "example.org")
    assert normalised_local_part(written_local_part(local_part)) == local_part


@many
@given(local_parts)
def test_what_is_taken_is_written_and_read_as_the_same(typed: str) -> None:
    try:
        parsed = parse_address(f"{typed}@example.org")
    except ValidationError:
        return
    assert parse_address(str(parsed)) == parsed


@many
@given(good_local_parts)
def test_postgresql_writes_it_as_python_does(local_part: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mail_map.external_form(%s, 'x.org'), mail_map.unquoted(%s)",
            [local_part, external_form(local_part, "").removesuffix("@")],
        )
        assert cursor.fetchone() == (external_form(local_part, "x.org"), local_part)


@many
@given(local_parts)
@example("-a")
@example("a ")
@example("a\n")
@example("\x7f")
@example("~")
@example("x" * 64)
def test_what_python_takes_the_database_takes(domain: Domain, local_part: str) -> None:
    if not fault_of_local_part(local_part.lower()):
        assert is_stored(domain, local_part.lower())


@many
@given(local_parts.filter(lambda text: "\0" not in text and len(text) <= LONGEST_LOCAL_PART))
@example("a\n")
@example("Ä")
def test_what_python_refuses_the_database_refuses(domain: Domain, local_part: str) -> None:
    """Constraints stand behind the services: a bulk load or a colleague's SQL is held to the same rules."""
    if fault_of_local_part(local_part):
        assert not is_stored(domain, local_part)


def is_stored(domain: Domain, local_part: str) -> bool:
    try:
        with transaction.atomic():
            Address.objects.create(domain=domain, local_part=local_part).delete()
    except IntegrityError:
        return False
    return True


@many
@given(
    st.text(st.sampled_from("ab+-."), max_size=12)
    | st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "owner-", "postmaster", "mailer-daemon", "double-bounce", "a"]),
            st.text(st.sampled_from("a+-"), max_size=4),
            st.sampled_from(["", "-request"]),
        ),
    ),
    st.sampled_from([delimiters for delimiters, _label in MailSettings.DELIMITERS]),
)
@example("-request", "-")
@example("-request", "+-")
@example("a-request", "-")
@example("a+b-request", "+-")
@example("owner-", "-")
@example("a+", "+")
@example("+a+b", "+")
@example("postmaster+x", "+")
def test_postgresql_splits_as_python_does(local_part: str, delimiters: str) -> None:
    base, extension = split_address(local_part, delimiters)
    with connection.cursor() as cursor:
        cursor.execute("SELECT mail_map.base_of(%s, %s)", [local_part, delimiters])
        assert cursor.fetchone()[0] == (base or None)
    assert not base or base + extension == local_part


@pytest.mark.parametrize(
    ("typed", "local_part"),
    [
        ("Jean@Example.ORG", "jean"),
        (" jean@example.org ", "jean"),
        ('"Jean D."@example.org', "jean d."),
        (r'"a\"b\\c"@example.org', r'a"b\c'),
        ("o'brien@example.org", "o'brien"),
        ("a..b.@example.org", "a..b."),
    ],
)
def test_an_address_is_read(typed: str, local_part: str) -> None:
    assert parse_address(typed).local_part == local_part


@pytest.mark.parametrize("typed", ["@example.org", '""@example.org', "@", "jean", "jean@", '"@example.org'])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        parse_address(typed)


def test_a_whole_domain_must_be_asked_for() -> None:
    assert parse_address("@example.org", may_be_whole_domain=True).local_part == ""
    with pytest.raises(ValidationError):
        parse_address('""@example.org', may_be_whole_domain=True)


@pytest.mark.parametrize("typed", ["İ", "ſ", "\N{KELVIN SIGN}"])
def test_letters_that_become_ascii_in_lower_case_do_not_slip_through(typed: str) -> None:
    with pytest.raises(ValidationError, match="beyond ASCII"):
        normalised_local_part(typed)
