"""Adding an alias."""

import pytest

from domains.models import AddressClass, Domain
from domains.services import add_domain
from mailboxes.models import Alias, Mailbox
from mailboxes.services import add_alias, add_mailbox, delete_alias
from tests.services.checks import TESTER, addresses, destinations_of, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"


def test_it_works(domain: Domain, jean: Mailbox) -> None:
    with one_change_set("Added alias info@example.org"):
        add_alias(domain, "Info", ["jean@example.org", ELSEWHERE], comment="The desk", by=TESTER)
    alias = Alias.objects.get()
    assert (str(alias), alias.comment, alias.active, alias.version) == ("info@example.org", "The desk", True, 1)
    assert destinations_of(alias) == ["jean@example.org", ELSEWHERE]
    assert not alias.is_catch_all


def test_an_empty_local_part_is_the_catch_all(domain: Domain) -> None:
    alias = add_alias(domain, "", [ELSEWHERE], by=TESTER)
    assert alias.is_catch_all
    assert str(alias) == "@example.org"


@pytest.mark.parametrize("again", ["info", "INFO", " info", '"info"'])
def test_an_address_is_there_once(domain: Domain, again: str) -> None:
    add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    with refusal("info@example.org is an alias already", field="local_part"):
        add_alias(domain, again, ["other@elsewhere.example"], by=TESTER)


def test_there_is_one_catch_all(domain: Domain) -> None:
    add_alias(domain, "", [ELSEWHERE], by=TESTER)
    with refusal("@example.org is an alias already", field="local_part"):
        add_alias(domain, "", [ELSEWHERE], by=TESTER)


def test_at_a_mailbox_the_mailbox_keeps_a_copy(domain: Domain, jean: Mailbox) -> None:
    alias = add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    assert alias.has_mailbox
    assert addresses() == {"jean@example.org"}


def test_at_a_mailbox_there_is_one_alias(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "jean", [ELSEWHERE], by=TESTER)
    with refusal("jean@example.org is an alias already", field="local_part"):
        add_alias(domain, "jean", [ELSEWHERE], by=TESTER)


def test_the_copy_of_a_mailbox_is_no_destination(domain: Domain, jean: Mailbox) -> None:
    alias = add_alias(domain, "jean", ["jean@example.org", ELSEWHERE], by=TESTER)
    assert destinations_of(alias) == [ELSEWHERE]
    delete_alias(alias, by=TESTER)
    with refusal("keeps its own copy already", field="destinations"):
        add_alias(domain, "jean", ["jean@example.org"], by=TESTER)


@pytest.mark.parametrize(
    "local_part", ["a b", '""', "a@b", "a\0b", "é", "x" * 65, "|cmd", "/file", ":include:", "-f", "a%b", "a!b", '"']
)
def test_what_is_no_local_part_is_refused(domain: Domain, local_part: str) -> None:
    with refusal(field="local_part"):
        add_alias(domain, local_part, [ELSEWHERE], by=TESTER)


def test_an_alias_domain_has_none(domain: Domain) -> None:
    alias_domain = add_domain("example.net", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
    with refusal("it answers for example.org. Add the alias there.", field="local_part"):
        add_alias(alias_domain, "info", [ELSEWHERE], by=TESTER)


def test_a_domain_that_is_gone_gets_none(domain: Domain) -> None:
    Domain.objects.filter(pk=domain.pk).delete()
    with refusal("deleted meanwhile"):
        add_alias(domain, "info", [ELSEWHERE], by=TESTER)


@pytest.mark.parametrize("comment", ["nul\0", "x" * 501])
def test_a_comment_fits(domain: Domain, comment: str) -> None:
    with refusal(field="comment"):
        add_alias(domain, "info", [ELSEWHERE], comment=comment, by=TESTER)


class TestLocal:
    """aliases(5): names without a domain."""

    @pytest.fixture
    def local(self, db: None) -> Domain:
        return add_domain("mail.example.org", address_class=AddressClass.LOCAL, by=TESTER)

    def test_it_works(self, local: Domain) -> None:
        alias = add_alias(local, "root", ["admin@mail.example.org", ELSEWHERE], by=TESTER)
        assert destinations_of(alias) == ["admin@mail.example.org", ELSEWHERE]

    def test_it_has_no_catch_all(self, local: Domain) -> None:
        with refusal("A local domain has no catch-all", field="local_part"):
            add_alias(local, "", [ELSEWHERE], by=TESTER)

    def test_a_name_is_the_same_in_all_local_domains(self, local: Domain) -> None:
        add_alias(local, "root", [ELSEWHERE], by=TESTER)
        second = add_domain("localhost", address_class=AddressClass.LOCAL, by=TESTER)
        with refusal("root@mail.example.org is there already", field="local_part"):
            add_alias(second, "root", [ELSEWHERE], by=TESTER)

    @pytest.mark.parametrize(
        "destination", ['"|/bin/sh"@elsewhere.example', "|/bin/sh", "/etc/passwd", ":include:/etc/x", '"/x"@a.example']
    )
    def test_no_destination_is_a_command_or_a_file(self, local: Domain, destination: str) -> None:
        with refusal(field="destinations"):
            add_alias(local, "root", [destination], by=TESTER)


def test_a_mailbox_beside_a_catch_all_is_its_own(domain: Domain) -> None:
    add_alias(domain, "", [ELSEWHERE], by=TESTER)
    add_mailbox(domain, "jean", by=TESTER)
    assert addresses() == {"@example.org", "jean@example.org"}
