"""A mailbox is deleted while its owner signs in for the first time or gets a password: the one waits for the other."""

from collections.abc import Callable

import pytest

from domains.models import Domain
from mailboxes.models import Mailbox, MailboxCredential, MailboxOwner
from mailboxes.removal import delete_domain
from mailboxes.services import add_mailbox, delete_mailbox, delete_mailboxes, owner_of, set_mailbox_password
from tests.services.checks import TESTER
from tests.services.test_at_once import while_the_first_is_not_done

pytestmark = pytest.mark.django_db(transaction=True)

Act = Callable[[Mailbox], object]
DELETIONS: list[Act] = [
    lambda mailbox: delete_mailbox(mailbox, by=TESTER),
    lambda mailbox: delete_mailboxes([mailbox], by=TESTER),
    lambda mailbox: delete_domain(mailbox.address.domain, by=TESTER),
]
APPEARANCES: list[Act] = [
    lambda mailbox: set_mailbox_password(mailbox, "correct horse", by=TESTER),
    lambda mailbox: owner_of(mailbox, by=TESTER),
]


@pytest.fixture
def mailbox(domain: Domain) -> Mailbox:
    return add_mailbox(domain, "jean", by=TESTER)


@pytest.mark.parametrize("delete", DELETIONS, ids=["one", "many", "domain"])
@pytest.mark.parametrize("appear", APPEARANCES, ids=["password", "owner"])
def test_the_deletion_takes_along_what_just_appeared(mailbox: Mailbox, appear: Act, delete: Act) -> None:
    assert while_the_first_is_not_done(lambda: appear(mailbox), lambda: delete(mailbox)) == ""
    assert not Mailbox.objects.exists()
    assert not MailboxOwner.objects.exists()
    assert not MailboxCredential.objects.filter(retired_at=None).exists()


@pytest.mark.parametrize("delete", DELETIONS, ids=["one", "many", "domain"])
@pytest.mark.parametrize("appear", APPEARANCES, ids=["password", "owner"])
def test_what_comes_too_late_reads_why(mailbox: Mailbox, appear: Act, delete: Act) -> None:
    read = while_the_first_is_not_done(lambda: delete(mailbox), lambda: appear(mailbox))
    assert "deleted meanwhile" in read
