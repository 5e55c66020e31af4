"""Changing a mailbox, and what it also delivers to."""

from typing import Any

import pytest

from accounts.actors import Actor, Door
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain_admin
from mailboxes.models import Alias, Mailbox
from mailboxes.services import add_mailbox, change_mailbox, delete_mailbox
from tests.services.checks import TESTER, destinations_of, one_change_set, refusal

pytestmark = pytest.mark.django_db


def test_it_works(jean: Mailbox) -> None:
    with one_change_set("Changed mailbox jean@example.org"):
        change_mailbox(jean, name="Jean", quota_bytes=5, mail_path="j/jean", active=False, version=1, by=TESTER)
    jean.refresh_from_db()
    assert (jean.name, jean.quota_bytes, jean.mail_path, jean.active) == ("Jean", 5, "j/jean", False)
    assert (jean.mail_format, jean.version) == ("mbox", 2)


def test_a_quota_can_go(jean: Mailbox) -> None:
    change_mailbox(jean, quota_bytes=5, by=TESTER)
    assert change_mailbox(jean, quota_bytes=None, by=TESTER).quota_bytes is None


def test_nobody_overwrites_a_colleague(jean: Mailbox) -> None:
    change_mailbox(jean, name="First", version=1, by=TESTER)
    with refusal("Somebody else changed this"):
        change_mailbox(jean, name="Second", version=1, by=TESTER)


def test_what_is_gone_cannot_be_changed(jean: Mailbox) -> None:
    delete_mailbox(Mailbox.objects.get(), by=TESTER)
    with refusal("deleted meanwhile"):
        change_mailbox(jean, name="x", by=TESTER)


def test_two_mailboxes_do_not_share_a_path(jean: Mailbox, laure: Mailbox) -> None:
    with refusal("Another mailbox is stored there already"):
        change_mailbox(laure, mail_path=jean.mail_path, by=TESTER)


@pytest.mark.parametrize(
    "changes",
    [{"mail_path": ""}, {"mail_path": "../jean/"}, {"mail_path": "/jean/"}, {"quota_bytes": 0}, {"name": "\0"}],
)
def test_the_rules_of_a_new_mailbox_hold(jean: Mailbox, changes: dict[str, Any]) -> None:
    with refusal():
        change_mailbox(jean, **changes, by=TESTER)


def test_the_address_is_no_field(jean: Mailbox) -> None:
    with pytest.raises(TypeError, match="no field address"):
        change_mailbox(jean, address=None, by=TESTER)


def test_only_a_superuser_chooses_where_mail_is_stored(domain: Domain, jean: Mailbox) -> None:
    helper = add_user("helper", by=TESTER)
    add_domain_admin(domain, helper, by=TESTER)
    by = Actor(user=helper, door=Door.PAGE)
    with refusal("Only a superuser", field="mail_path"):
        change_mailbox(jean, mail_path="someone/else/", by=by)
    with refusal("Only a superuser", field="mail_path"):
        add_mailbox(domain, "mine", mail_path="someone/else/", by=by)


def test_it_can_deliver_elsewhere_too(domain: Domain) -> None:
    mailbox = add_mailbox(domain, '"jean d"', by=TESTER)
    with one_change_set('Changed mailbox "jean d"@example.org'):
        change_mailbox(mailbox, also_deliver_to=["a@elsewhere.example"], by=TESTER)
    assert destinations_of(Alias.objects.get()) == ["a@elsewhere.example"]
    change_mailbox(mailbox, also_deliver_to=["b@elsewhere.example"], by=TESTER)
    assert destinations_of(Alias.objects.get()) == ["b@elsewhere.example"]
    change_mailbox(mailbox, also_deliver_to=[], by=TESTER)
    assert not Alias.objects.exists()
    assert Mailbox.objects.exists()
