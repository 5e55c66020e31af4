"""Adding a mailbox."""

import pytest
from django.db import connection

from domains.models import AddressClass, Domain
from domains.services import add_domain, change_mail_settings
from mailboxes.credentials import is_password
from mailboxes.models import Mailbox
from mailboxes.services import add_alias, add_mailbox
from tests.services.checks import TESTER, addresses, one_change_set, refusal

pytestmark = pytest.mark.django_db
PASSWORD = "let me read my mail"


def test_it_works(domain: Domain) -> None:
    with one_change_set("Added mailbox jean@example.org"):
        add_mailbox(domain, "Jean", password=PASSWORD, name="Jean D.", quota_bytes=10 * 2**30, by=TESTER)
    mailbox = Mailbox.objects.get()
    assert (str(mailbox), mailbox.name, mailbox.quota_bytes) == ("jean@example.org", "Jean D.", 10 * 2**30)
    assert (mailbox.mail_path, mailbox.mail_format, mailbox.active) == ("example.org/jean/", "maildir", True)
    assert is_password(PASSWORD, mailbox.credential.hash)


def test_without_a_password_nobody_can_sign_in(jean: Mailbox) -> None:
    assert not hasattr(jean, "credential")


def test_the_history_holds_no_hash(domain: Domain) -> None:
    mailbox = add_mailbox(domain, "jean", password=PASSWORD, by=TESTER)
    tables = [name for name in connection.introspection.table_names() if name.endswith("event")]
    with connection.cursor() as cursor:
        for table in [*tables, "pghistory_context"]:
            cursor.execute(f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s", [f"%{mailbox.credential.hash}%"])  # noqa: S608
            assert cursor.fetchone() == (0,), table


@pytest.mark.parametrize("again", ["jean", "JEAN", " jean ", '"jean"', '"je\\an"'])
def test_an_address_is_there_once(domain: Domain, jean: Mailbox, again: str) -> None:
    with refusal("jean@example.org is a mailbox already", field="local_part"):
        add_mailbox(domain, again, by=TESTER)


def test_the_address_of_an_alias_is_taken(domain: Domain) -> None:
    add_alias(domain, "info", ["a@elsewhere.example"], by=TESTER)
    with refusal("info@example.org is an alias already", field="local_part"):
        add_mailbox(domain, "info", by=TESTER)


def test_the_same_name_in_another_domain_is_another_address(jean: Mailbox, other: Domain) -> None:
    add_mailbox(other, "jean", by=TESTER)
    assert addresses() == {"jean@example.org", "jean@example.com"}


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ('"john doe"', '"john doe"@example.org'),
        ("o'brien", "o'brien@example.org"),
        ("a..b", '"a..b"@example.org'),
        (".dots.", '".dots."@example.org'),
        ('"a\\"b"', '"a\\"b"@example.org'),
        ("x" * 64, "x" * 64 + "@example.org"),
        ("+plus", "+plus@example.org"),
    ],
)
def test_unusual_addresses_are_taken(domain: Domain, typed: str, address: str) -> None:
    assert str(add_mailbox(domain, typed, by=TESTER)) == address


@pytest.mark.parametrize(
    "local_part",
    [
        "",
        "  ",
        '""',
        '"',
        '"a',
        'a"b',
        "a b",
        '" a"',
        '"a "',
        "a@b",
        '"a@b"',
        "a%b",
        "a!b",
        "jean\0",
        "je\nan",
        "je\x7fan",
        '"je\tan"',
        "jéan",
        "ｊｅａｎ",
        "日本",
        "jean\udc80",
        "x" * 65,
        "x" * 100_000,
        "-jean",
        "|jean",
        "/jean",
        ":include:x",
        '"|jean"',
        "a,b",
        "a;b",
        "<jean>",
        "a\\b",
    ],
)
def test_what_is_no_local_part_is_refused(domain: Domain, local_part: str) -> None:
    with refusal(field="local_part"):
        add_mailbox(domain, local_part, by=TESTER)


def test_an_address_is_no_longer_than_mail_can_carry(db: None) -> None:
    name = ".".join(["d" * 49] * 4)  # 199
    long = add_domain(f"{name}.org", by=TESTER)
    assert len(str(add_mailbox(long, "x" * (254 - 204), by=TESTER))) == 254
    with refusal("254 at most", field="local_part"):
        add_mailbox(long, "y" * 51, by=TESTER)


@pytest.mark.parametrize("address_class", [AddressClass.VIRTUAL_ALIAS, AddressClass.LOCAL, AddressClass.ALIAS_DOMAIN])
def test_other_classes_have_no_mailboxes(domain: Domain, address_class: str) -> None:
    target = domain if address_class == AddressClass.ALIAS_DOMAIN else None
    other = add_domain("example.net", address_class=address_class, target=target, by=TESTER)
    with refusal("has no mailboxes", field="local_part"):
        add_mailbox(other, "jean", by=TESTER)


def test_a_pattern_is_no_mailbox(domain: Domain) -> None:
    with refusal("A mailbox has one address", field="local_part"):
        add_mailbox(domain, "sales-*", by=TESTER)


def test_a_domain_that_is_gone_gets_none(domain: Domain) -> None:
    Domain.objects.filter(pk=domain.pk).delete()
    with refusal("deleted meanwhile"):
        add_mailbox(domain, "jean", by=TESTER)


@pytest.mark.parametrize("quota", [0, -1, 2**63, "lots"])
def test_a_quota_is_more_than_nothing(domain: Domain, quota: int) -> None:
    with refusal():
        add_mailbox(domain, "jean", quota_bytes=quota, by=TESTER)


def test_the_largest_quota_is_what_postgresql_holds(domain: Domain) -> None:
    assert add_mailbox(domain, "jean", quota_bytes=2**63 - 1, by=TESTER).quota_bytes == 2**63 - 1


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "..",
        "../other/",
        "a/../../b/",
        "a/..",
        "a/./b/",
        "./a",
        ".",
        "a//b/",
        "a b/",
        "a\0b/",
        "a\nb/",
        "é/",
        "x" * 501,
    ],
)
def test_a_mail_path_stays_below_the_base(domain: Domain, path: str) -> None:
    with refusal():
        add_mailbox(domain, "jean", mail_path=path, by=TESTER)


@pytest.mark.parametrize("path", ["jean/", "jean", "a/.b/...c/", "org/example/j/jean.mbox"])
def test_a_mail_path_is_kept_as_it_is(domain: Domain, path: str) -> None:
    assert add_mailbox(domain, "jean", mail_path=path, by=TESTER).mail_path == path


def test_two_mailboxes_do_not_share_a_path(domain: Domain, jean: Mailbox) -> None:
    with refusal("Another mailbox is stored there already"):
        add_mailbox(domain, "laure", mail_path=jean.mail_path, by=TESTER)


@pytest.mark.parametrize(
    ("local_part", "path"),
    [
        ('"a/b"', "example.org/a%2fb"),
        ("..", "example.org/%2e."),
        ("a'b", "example.org/a%27b"),
        ('"a b"', "example.org/a%20b"),
    ],
)
def test_the_template_makes_one_file_name_of_a_local_part(domain: Domain, local_part: str, path: str) -> None:
    assert add_mailbox(domain, local_part, mail_format="mbox", by=TESTER).mail_path == path


def test_the_template_of_the_settings_is_used(domain: Domain) -> None:
    change_mail_settings(mail_path_template="v/{initial}/{local_part}@{domain}", by=TESTER)
    assert add_mailbox(domain, "jean", by=TESTER).mail_path == "v/j/jean@example.org/"


@pytest.mark.parametrize("password", ["", "short", "x" * 73, "é" * 37, "long enough\0"])
def test_a_password_that_cannot_be_kept_is_refused(domain: Domain, password: str) -> None:
    with refusal(field="password"):
        add_mailbox(domain, "jean", password=password, by=TESTER)


@pytest.mark.parametrize("name", ["Je\0an", "x" * 201])
def test_a_name_fits(domain: Domain, name: str) -> None:
    with refusal(field="name"):
        add_mailbox(domain, "jean", name=name, by=TESTER)


def test_it_can_deliver_elsewhere_too(domain: Domain) -> None:
    mailbox = add_mailbox(domain, '"jean d"', also_deliver_to=["jean@elsewhere.example"], by=TESTER)
    assert [str(destination) for destination in mailbox.address.alias.destinations.all()] == ["jean@elsewhere.example"]


def test_where_the_alias_is_refused_there_is_no_mailbox(domain: Domain) -> None:
    with refusal("has no address nobody@example.org", field="destinations"):
        add_mailbox(domain, "jean", also_deliver_to=["nobody@example.org"], by=TESTER)
