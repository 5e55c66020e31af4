"""Adding and removing the domain admins of a domain."""

import pytest

from accounts.models import User
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain_admin, remove_domain_admin
from mailboxes.models import Mailbox
from mailboxes.services import owner_of
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db


@pytest.fixture
def helper(db: None) -> User:
    return add_user("helper", by=TESTER)


def test_it_works(domain: Domain, helper: User) -> None:
    with one_change_set("Added a domain admin: example.org, helper"):
        add_domain_admin(domain, helper, by=TESTER)
    assert list(Domain.objects.visible_to(helper)) == [domain]
    with one_change_set("Removed a domain admin: example.org, helper"):
        remove_domain_admin(domain, helper, by=TESTER)
    assert not Domain.objects.visible_to(helper)


def test_once_is_enough(domain: Domain, helper: User) -> None:
    add_domain_admin(domain, helper, by=TESTER)
    with refusal("already", field="user"):
        add_domain_admin(domain, helper, by=TESTER)


def test_a_superuser_needs_no_rights(domain: Domain) -> None:
    chef = add_user("chef", is_superuser=True, by=TESTER)
    with refusal("manages every domain", field="user"):
        add_domain_admin(domain, chef, by=TESTER)


def test_a_mailbox_owner_gets_none(domain: Domain, jean: Mailbox) -> None:
    owner = owner_of(jean, by=TESTER)
    with refusal("mailbox owner", field="user"):
        add_domain_admin(domain, owner, by=TESTER)


def test_who_is_gone_gets_none(domain: Domain, helper: User) -> None:
    User.objects.filter(pk=helper.pk).delete()
    with refusal("deleted meanwhile", field="user"):
        add_domain_admin(domain, helper, by=TESTER)


def test_a_domain_that_is_gone_gets_none(domain: Domain, helper: User) -> None:
    Domain.objects.filter(pk=domain.pk).delete()
    with refusal("deleted meanwhile"):
        add_domain_admin(domain, helper, by=TESTER)
