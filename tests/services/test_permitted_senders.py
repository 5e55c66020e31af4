"""As whom a mailbox may send, beside its own address and its aliases."""

import pytest
from django.core.exceptions import ValidationError

from accounts.actors import Actor, Door
from accounts.models import ChangeSet, User
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain_admin
from mailboxes.models import Mailbox
from mailboxes.removal import delete_domain
from mailboxes.renaming import rename_address
from mailboxes.senders import MOST_SENDERS, forbid_senders, permit_senders
from mailboxes.services import add_alias, add_mailbox, delete_alias, delete_mailbox
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db


def permitted(mailbox: Mailbox) -> list[str]:
    return [str(sender) for sender in mailbox.permitted_senders.all()]


def test_it_works(jean: Mailbox) -> None:
    with one_change_set("Permitted to send: jean@example.org → info@example.org, @elsewhere.example"):
        texts = ["Info@example.org", "@Elsewhere.example", "info@EXAMPLE.org"]
        assert permit_senders(jean, texts, by=TESTER) == 2
    assert permitted(jean) == ["@elsewhere.example", "info@example.org"]
    assert permit_senders(jean, ["info@example.org"], by=TESTER) == 0


def test_by_the_u_label(jean: Mailbox) -> None:
    permit_senders(jean, ["info@bücher.example"], by=TESTER)
    assert permitted(jean) == ["info@xn--bcher-kva.example"]


def test_forbidden_again(jean: Mailbox) -> None:
    permit_senders(jean, ["info@example.org", "a@example.org"], by=TESTER)
    with one_change_set("Forbade to send: jean@example.org → info@example.org"):
        forbid_senders(jean, list(jean.permitted_senders.filter(local_part="info")), by=TESTER)
    assert permitted(jean) == ["a@example.org"]
    undo_change_set(ChangeSet.objects.get(metadata__verb="forbid"), by=TESTER)
    assert permitted(jean) == ["a@example.org", "info@example.org"]


@pytest.mark.parametrize(
    "text", ["", "info", "sales-*@example.org", "a b@example.org", "jean@example.org", "ä@example.org", "a\0@b.example"]
)
def test_what_is_no_sender_is_refused(jean: Mailbox, text: str) -> None:
    with refusal(field="senders"):
        permit_senders(jean, ["info@example.org", text], by=TESTER)


def test_there_is_at_least_one(jean: Mailbox) -> None:
    with refusal("at least one", field="senders"):
        permit_senders(jean, [], by=TESTER)


def test_there_are_a_hundred_at_most(jean: Mailbox) -> None:
    permit_senders(jean, [f"a{n}@example.org" for n in range(MOST_SENDERS)], by=TESTER)
    with refusal("100 others at most", field="senders"):
        permit_senders(jean, ["one.more@example.org"], by=TESTER)


def test_it_goes_with_the_mailbox_and_comes_back_with_it(jean: Mailbox) -> None:
    permit_senders(jean, ["info@example.org"], by=TESTER)
    change_set = delete_mailbox(jean, by=TESTER)
    undo_change_set(ChangeSet.objects.get(pk=change_set), by=TESTER)
    assert permitted(jean) == ["info@example.org"]


def test_it_goes_with_the_address(jean: Mailbox, laure: Mailbox, domain: Domain) -> None:
    """Who gets the address later does not share it with those who were permitted before."""
    alias = add_alias(domain, "info", ["laure@example.org"], by=TESTER)
    catch_all = add_alias(domain, "", ["laure@example.org"], by=TESTER)
    permit_senders(jean, ["info@example.org", "laure@example.org", "@example.org"], by=TESTER)
    delete_alias(catch_all, by=TESTER)
    delete_alias(alias, by=TESTER)
    assert permitted(jean) == ["@example.org", "laure@example.org"]
    change_set = delete_mailbox(laure, by=TESTER)
    assert permitted(jean) == ["@example.org"]
    undo_change_set(ChangeSet.objects.get(pk=change_set), by=TESTER)
    assert permitted(jean) == ["@example.org", "laure@example.org"]


def test_it_goes_with_the_domain(jean: Mailbox, other: Domain) -> None:
    permit_senders(jean, ["@example.com", "info@example.com", "info@example.org"], by=TESTER)
    permit_senders(add_mailbox(other, "ann", by=TESTER), ["info@example.org"], by=TESTER)
    delete_domain(other, by=TESTER)
    assert permitted(jean) == ["info@example.org"]


def test_it_follows_a_renamed_address(jean: Mailbox, laure: Mailbox, other: Domain) -> None:
    permit_senders(jean, ["laure@example.org", "laura@example.com"], by=TESTER)
    ann = add_mailbox(other, "ann", by=TESTER)
    permit_senders(ann, ["laure@example.org"], by=TESTER)
    rename_address(laure.address, other, "laura", by=TESTER)
    assert (permitted(jean), permitted(ann)) == (["laura@example.com"], ["laura@example.com"])


class TestDomainAdmin:
    """Claire manages example.org, where jean is, and nothing else."""

    @pytest.fixture
    def claire(self, domain: Domain) -> User:
        claire = add_user("claire", by=TESTER)
        add_domain_admin(domain, claire, by=TESTER)
        return claire

    @pytest.fixture
    def by(self, claire: User) -> Actor:
        return Actor(door=Door.PAGE, user=claire)

    def test_only_own_domains(self, jean: Mailbox, other: Domain, by: Actor) -> None:
        permit_senders(jean, ["@example.org"], by=by)
        for sender in ("info@example.com", "@elsewhere.example", "@sub.example.org"):
            with refusal("is not one of your domains", field="senders"):
                permit_senders(jean, ["info@example.org", sender], by=by)

    def test_a_superuser_any(self, jean: Mailbox) -> None:
        chef = add_user("chef", is_superuser=True, by=TESTER)
        assert permit_senders(jean, ["info@elsewhere.example"], by=Actor(door=Door.PAGE, user=chef)) == 1

    def test_an_undo_permits_nothing_elsewhere(self, jean: Mailbox, by: Actor) -> None:
        permit_senders(jean, ["boss@elsewhere.example"], by=TESTER)
        forbid_senders(jean, list(jean.permitted_senders.all()), by=TESTER)
        change_set = ChangeSet.objects.get(metadata__verb="forbid")
        with nothing_changes(), pytest.raises(ValidationError, match="A superuser can undo it"):
            undo_change_set(change_set, by=by)

    def test_an_undo_within_the_own_domains(self, jean: Mailbox, by: Actor) -> None:
        permit_senders(jean, ["info@example.org"], by=by)
        undo_change_set(ChangeSet.objects.get(metadata__verb="permit"), by=by)
        assert permitted(jean) == []


def test_the_mailbox_must_be_there(jean: Mailbox) -> None:
    delete_mailbox(jean, by=TESTER)
    with refusal("deleted"):
        permit_senders(jean, ["info@example.org"], by=TESTER)
