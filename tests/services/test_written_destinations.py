"""A destination as Postfix gets it, which the database keeps beside each destination."""

import pytest
from django.apps import apps
from django.db import InternalError, connection, transaction
from hypothesis import given

from domains.models import Domain
from mailboxes.models import AliasDestination, Mailbox
from mailboxes.parsing import external_form
from mailboxes.renaming import rename_address
from mailboxes.services import add_alias
from tests.services.checks import TESTER
from tests.services.test_parsing import good_local_parts, many

pytestmark = pytest.mark.django_db


def written() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT written FROM mailboxes_aliasdestination ORDER BY alias_id, position")
        return [row[0] for row in cursor.fetchall()]


def test_each_kind(domain: Domain, other: Domain, jean: Mailbox) -> None:
    add_alias(other, "", ["@example.org", "@elsewhere.example", "jean@example.org"], by=TESTER)
    add_alias(domain, "info", ["someone@elsewhere.example", "jean+lists@example.org", "any@example.com"], by=TESTER)
    assert written() == [
        "",
        "",
        "jean@example.org",
        "someone@elsewhere.example",
        "jean+lists@example.org",
        "any@example.com",
    ]


def test_it_follows_a_rename(domain: Domain, other: Domain, jean: Mailbox) -> None:
    add_alias(domain, "info", ["jean+lists@example.org"], by=TESTER)
    rename_address(jean.address, other, "john", by=TESTER)
    assert written() == ["john+lists@example.com"]
    history = apps.get_model("mailboxes", "AliasDestinationEvent").objects
    assert not history.filter(pgh_label="changed").exists(), "only the address has changed"


def test_it_follows_whoever_does_it(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "info", ["jean@example.org"], by=TESTER)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE mailboxes_address SET local_part = 'a b' WHERE id = %s", [jean.address_id])
        assert written() == ['"a b"@example.org']
        cursor.execute("UPDATE mailboxes_aliasdestination SET extension = '+x', written = 'wrong'")
        assert written() == ['"a b+x"@example.org']


@many
@given(good_local_parts)
def test_it_is_written_as_python_does(local_part: str) -> None:
    with transaction.atomic():
        domain = Domain.objects.create(name="written.example", address_class="virtual_mailbox")
        alias = add_alias(domain, "info", ["a@elsewhere.example"], by=TESTER)
        AliasDestination.objects.create(alias=alias, position=1, domain=domain, text=local_part)
        assert written()[1] == external_form(local_part, "written.example")
        transaction.set_rollback(True)


def test_a_domain_keeps_its_name(domain: Domain) -> None:
    with pytest.raises(InternalError, match="Cannot update"), connection.cursor() as cursor:
        cursor.execute("UPDATE domains_domain SET name = 'example.net'")
