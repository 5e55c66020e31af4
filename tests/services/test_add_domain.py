"""Adding a domain."""

import pytest

from accounts.models import ChangeSet
from domains.models import AddressClass, Domain
from domains.services import add_domain, change_domain
from mailboxes.removal import delete_domain
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    with one_change_set("Added domain example.org"):
        add_domain("example.org", description="An example", by=TESTER)
    domain = Domain.objects.get(name="example.org")
    assert (domain.address_class, domain.active, domain.version) == ("virtual_mailbox", True, 1)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Example.ORG", "example.org"),
        (" example.org. ", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え。テスト。", "xn--r8jz45g.xn--zckzah"),
        ("faß.example", "xn--fa-hia.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1.example", "1.example"),
        ("\N{ZERO WIDTH SPACE}example.org", "example.org"),
    ],
)
def test_a_name_is_stored_as_the_dns_has_it(typed: str, stored: str) -> None:
    assert add_domain(typed, by=TESTER).name == stored


def test_people_read_the_unicode_name() -> None:
    assert add_domain("bücher.example", by=TESTER).unicode_name == "bücher.example"


@pytest.mark.parametrize("again", ["example.org", "EXAMPLE.org", "example.org."])
def test_a_name_is_served_once(domain: Domain, again: str) -> None:
    with refusal("A name is served once", field="name"):
        add_domain(again, by=TESTER)


def test_a_unicode_name_is_served_once() -> None:
    add_domain("xn--bcher-kva.example", by=TESTER)
    with refusal("A name is served once", field="name"):
        add_domain("Bücher.example", by=TESTER)


ALIKE = [("straße.example", "strasse.example"), ("ζωής.example", "ζωήσ.example")]


@pytest.mark.parametrize(("first", "second"), [*ALIKE, *(pair[::-1] for pair in ALIKE)])
def test_a_name_that_postfix_takes_for_another(first: str, second: str) -> None:
    """No domain gets the mail of another; one that answers for it may."""
    there = add_domain(first, by=TESTER)
    with refusal(f"Postfix does not tell {second} from {first}", field="name"):
        add_domain(second, by=TESTER)
    brand = add_domain(second, address_class=AddressClass.ALIAS_DOMAIN, target=there, by=TESTER)
    change_domain(brand, description="Reads the same", by=TESTER)
    with refusal(f"Postfix does not tell {second} from {first}", field="target"):
        change_domain(brand, address_class=AddressClass.VIRTUAL_MAILBOX, by=TESTER)
    assert Domain.objects.get(pk=brand.pk).target == there


def test_an_undo_brings_back_no_name_that_postfix_takes_for_another() -> None:
    deleted = delete_domain(add_domain("straße.example", by=TESTER), by=TESTER)
    add_domain("strasse.example", by=TESTER)
    with refusal("Postfix does not tell straße.example from strasse.example"):
        undo_change_set(ChangeSet.objects.get(pk=deleted), by=TESTER)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        ".",
        "..",
        "exa mple.org",
        "exam\0ple.org",
        "example.org\nevil.org",
        "-example.org",
        "example-.org",
        "exa_mple.org",
        "example..org",
        ".example.org",
        "jean@example.org",
        "192.0.2.1",
        "[192.0.2.1]",
        "example.123",
        "a" * 64 + ".org",
        ".".join(["a" * 63] * 4) + ".org",
        "äöü" * 25 + ".org",
        "exa😀mple.org",
        "exam\udc80ple.org",
        "*.example.org",
        "example.org/..",
    ],
)
def test_what_is_no_domain_name_is_refused(name: str) -> None:
    with refusal():
        add_domain(name, by=TESTER)


def test_one_label_is_no_domain() -> None:
    with refusal("Type the whole domain name"):
        add_domain("localhost", by=TESTER)


def test_but_a_local_domain_may_be_one() -> None:
    assert add_domain("localhost", address_class=AddressClass.LOCAL, by=TESTER).name == "localhost"


def test_an_alias_domain_answers_for_its_target(domain: Domain) -> None:
    alias_domain = add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    assert alias_domain.answers_for == domain


def test_an_alias_domain_needs_a_target() -> None:
    with refusal("needs a target"):
        add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, by=TESTER)


def test_other_classes_have_no_target(domain: Domain) -> None:
    with refusal("domains of other classes have none"):
        add_domain("example.net", target=domain, by=TESTER)


@pytest.mark.parametrize("address_class", [AddressClass.LOCAL, AddressClass.ALIAS_DOMAIN])
def test_a_target_has_addresses_of_its_own(domain: Domain, address_class: str) -> None:
    target_of_target = domain if address_class == AddressClass.ALIAS_DOMAIN else None
    target = add_domain("target.example", address_class=address_class, target=target_of_target, by=TESTER)
    with refusal("Choose a virtual mailbox or virtual alias domain", field="target"):
        add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=target, by=TESTER)


def test_a_target_that_is_gone_is_refused(domain: Domain) -> None:
    Domain.objects.filter(pk=domain.pk).delete()
    with refusal("deleted meanwhile", field="target"):
        add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)


def test_a_class_that_is_not_there_is_refused() -> None:
    with refusal(field="address_class"):
        add_domain("example.org", address_class="no_class", by=TESTER)


@pytest.mark.parametrize("description", ["nul\0", "x" * 501])
def test_a_description_fits(description: str) -> None:
    with refusal(field="description"):
        add_domain("example.org", description=description, by=TESTER)
