"""What an alias may deliver to, and how it is written down."""

import pytest

from domains.models import AddressClass, Domain
from domains.services import add_domain, change_mail_settings
from mailboxes.destinations import Known
from mailboxes.models import Alias, AliasDestination, Mailbox
from mailboxes.parsing import parse_address
from mailboxes.services import add_alias, add_mailbox, change_alias, delete_alias
from tests.services.checks import TESTER, destinations_of, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def add_info(domain: Domain, *destinations: str) -> Alias:
    return add_alias(domain, "info", destinations, by=TESTER)


def test_it_works(domain: Domain, jean: Mailbox) -> None:
    alias = add_info(domain, "jean@example.org", ELSEWHERE)
    ours, elsewhere = alias.destinations.with_targets()
    assert (ours.address, ours.text) == (jean.address, "")
    assert (elsewhere.address, elsewhere.domain, elsewhere.text) == (None, None, ELSEWHERE)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (" jean@example.org ", "jean@example.org"),
        ("JEAN@Example.ORG.", "jean@example.org"),
        ('"jean"@example.org', "jean@example.org"),
        ("jean+lists@example.org", "jean+lists@example.org"),
        ("Someone@Elsewhere.Example", "Someone@elsewhere.example"),
        ("someone@bücher.example", "someone@xn--bcher-kva.example"),
        ('"some one"@elsewhere.example', '"some one"@elsewhere.example'),
        ("o'brien@elsewhere.example", "o'brien@elsewhere.example"),
        ("a..b@elsewhere.example", '"a..b"@elsewhere.example'),
        ("x" * 64 + "@elsewhere.example", "x" * 64 + "@elsewhere.example"),
    ],
)
def test_it_is_kept_as_postfix_gets_it(domain: Domain, jean: Mailbox, typed: str, stored: str) -> None:
    assert destinations_of(add_info(domain, typed)) == [stored]


def test_an_extension_hangs_on_the_address(domain: Domain, jean: Mailbox) -> None:
    (row,) = add_info(domain, "jean+lists@example.org").destinations.all()
    assert (row.address_id, row.extension) == (jean.address_id, "+lists")


def test_one_of_an_alias_domain_is_the_one_of_its_target(domain: Domain, jean: Mailbox) -> None:
    add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    assert destinations_of(add_info(domain, "jean@example.net")) == ["jean@example.org"]


def test_what_is_known_is_what_was_typed(domain: Domain, jean: Mailbox) -> None:
    """Not each local part in each domain: an import of many domains would ask for far more than there is."""
    add_mailbox(add_domain("example.net", by=TESTER), "jean", by=TESTER)
    known = Known([parse_address("jean+lists@example.org"), parse_address("sales@example.net")])
    assert list(known.addresses) == [(domain.pk, "jean")]


def test_the_same_twice_is_once(domain: Domain, jean: Mailbox) -> None:
    typed = ["jean@example.org", "JEAN@example.org", ELSEWHERE, ELSEWHERE]
    assert destinations_of(add_info(domain, *typed)) == ["jean@example.org", ELSEWHERE]


def test_the_order_is_kept(domain: Domain) -> None:
    typed = [f"{name}@elsewhere.example" for name in "zbyax"]
    assert destinations_of(add_info(domain, *typed)) == typed


@pytest.mark.parametrize(
    "destination",
    [
        "nobody@example.org",
        "NOBODY@example.ORG",
        "nobody+lists@example.org",
        "jean.lists@example.org",
        "+jean@example.org",
        "nobody@example.net",
    ],
)
def test_one_of_ours_must_be_there(domain: Domain, jean: Mailbox, destination: str) -> None:
    add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    with refusal("example.org is ours, but has no address", field="destinations"):
        add_info(domain, destination)


def test_but_behind_a_catch_all_any_will_do(domain: Domain, other: Domain) -> None:
    add_alias(other, "", [ELSEWHERE], by=TESTER)
    alias = add_info(domain, "anybody+x@example.com")
    (row,) = alias.destinations.all()
    assert (row.domain, row.text, str(row)) == (other, "anybody+x", "anybody+x@example.com")


def test_an_extension_without_a_delimiter_is_another_address(domain: Domain, jean: Mailbox) -> None:
    change_mail_settings(recipient_delimiter="", by=TESTER)
    with refusal("has no address jean+lists@example.org", field="destinations"):
        add_info(domain, "jean+lists@example.org")


@pytest.mark.parametrize(
    "destination",
    [
        "",
        "   ",
        "jean",
        "@",
        "jean@",
        "@@example.org",
        "a@b@example.org",
        "a b@elsewhere.example",
        '"a@elsewhere.example',
        '""@elsewhere.example',
        "jean@exa mple.org",
        "jean@elsewhere..example",
        "jean@192.0.2.1",
        "jean@[192.0.2.1]",
        "je\0an@elsewhere.example",
        "jean@else\0where.example",
        "je\nan@elsewhere.example",
        "jean@elsewhere.example\r\nRCPT TO:<x@y.example>",
        "jéan@elsewhere.example",
        "日本@elsewhere.example",
        "jean\udc80@elsewhere.example",
        "a%b@elsewhere.example",
        "a!b@elsewhere.example",
        "-f@elsewhere.example",
        "|cmd@elsewhere.example",
        '"|cmd x"@elsewhere.example',
        "/etc/passwd@elsewhere.example",
        ":include:/etc/passwd@elsewhere.example",
        "x" * 65 + "@elsewhere.example",
        "x@" + "y" * 300 + ".example",
        "x@" + ".".join(["y" * 61] * 4) + ".example",
        "z" * 10_000_000,
        "Jean <jean@elsewhere.example>",
        "a@elsewhere.example, b@elsewhere.example",
        "mailto:jean@elsewhere.example jean",
    ],
    ids=lambda destination: ascii(destination[:30]),
)
def test_what_is_no_address_is_refused(domain: Domain, destination: str) -> None:
    with refusal(field="destinations"):
        add_info(domain, ELSEWHERE, destination)


def test_each_fault_has_its_sentence(domain: Domain) -> None:
    with refusal("nobody@example.org", "“jean” has no domain", field="destinations"):
        add_info(domain, "nobody@example.org", "jean", ELSEWHERE)


@pytest.mark.parametrize("text", ["|/bin/x", '"|/bin/x -f a@b.example"', "/var/mail/log", ":include:/etc/list"])
def test_programs_and_files_have_another_place(domain: Domain, text: str) -> None:
    with refusal("is a program or a file. These belong in /etc/aliases", field="destinations"):
        add_info(domain, text)


def test_there_is_at_least_one(domain: Domain) -> None:
    with refusal("at least one destination", field="destinations"):
        add_info(domain)


def test_there_are_a_thousand_at_most(domain: Domain) -> None:
    many = [f"a{number}@elsewhere.example" for number in range(1001)]
    with refusal("1001 destinations", field="destinations"):
        add_info(domain, *many)
    assert len(destinations_of(add_info(domain, *many[:1000]))) == 1000


class TestWholeDomain:
    """`@b`: the local part is kept."""

    def test_it_works(self, domain: Domain, other: Domain) -> None:
        alias = add_alias(domain, "", ["@example.com", "@elsewhere.example"], by=TESTER)
        assert destinations_of(alias) == ["@example.com", "@elsewhere.example"]

    def test_only_a_catch_all_delivers_to_one(self, domain: Domain, other: Domain) -> None:
        with refusal("Only a catch-all", field="destinations"):
            add_info(domain, "@example.com")
        with refusal("Only a catch-all", field="destinations"):
            add_info(domain, "@elsewhere.example")

    def test_a_local_domain_is_none(self, domain: Domain) -> None:
        add_domain("localhost", address_class=AddressClass.LOCAL, by=TESTER)
        with refusal("is a local domain", field="destinations"):
            add_alias(domain, "", ["@localhost"], by=TESTER)


def test_there_is_one_row_a_destination(domain: Domain, jean: Mailbox) -> None:
    add_mailbox(domain, "laure", by=TESTER)
    add_info(domain, "jean@example.org", "laure@example.org", ELSEWHERE)
    assert list(AliasDestination.objects.values_list("position", flat=True)) == [0, 1, 2]


class TestPattern:
    """`sales-*` takes all that begin with `sales-`: such a destination is there, as long as the pattern is."""

    def test_it_works(self, domain: Domain) -> None:
        add_alias(domain, "sales-*", [ELSEWHERE], by=TESTER)
        alias = add_alias(domain, "info", ["sales-asia@example.org"], by=TESTER)
        assert [str(row) for row in alias.destinations.all()] == ["sales-asia@example.org"]

    def test_what_begins_otherwise_is_not_there(self, domain: Domain) -> None:
        add_alias(domain, "sales-*", [ELSEWHERE], by=TESTER)
        with refusal("has no address sale@example.org", field="destinations"):
            add_alias(domain, "info", ["sale@example.org"], by=TESTER)

    def test_it_goes_with_the_pattern(self, domain: Domain) -> None:
        pattern = add_alias(domain, "sales-*", [ELSEWHERE], by=TESTER)
        add_alias(domain, "info", ["sales-asia@example.org"], by=TESTER)
        delete_alias(pattern, by=TESTER)
        assert not Alias.objects.exists()

    def test_it_stays_where_another_one_fits(self, domain: Domain) -> None:
        add_alias(domain, "s*", [ELSEWHERE], by=TESTER)
        pattern = add_alias(domain, "sales-*", [ELSEWHERE], by=TESTER)
        add_alias(domain, "info", ["sales-asia@example.org"], by=TESTER)
        delete_alias(pattern, by=TESTER)
        assert Alias.objects.filter(address__local_part="info").exists()

    def test_it_does_not_deliver_to_itself(self, domain: Domain) -> None:
        pattern = add_alias(domain, "sales-*", [ELSEWHERE], by=TESTER)
        with refusal("This would be a loop", field="destinations"):
            change_alias(pattern, destinations=["sales-asia@example.org", ELSEWHERE], by=TESTER)

    def test_nor_over_another_alias(self, domain: Domain) -> None:
        pattern = add_alias(domain, "sales-*", [ELSEWHERE], by=TESTER)
        add_alias(domain, "info", ["sales-9@example.org"], by=TESTER)
        with refusal("This would be a loop", field="destinations"):
            change_alias(pattern, destinations=["info@example.org"], by=TESTER)
