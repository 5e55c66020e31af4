"""The limits of a domain: how many mailboxes and aliases, and how much quota."""

from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.actors import Actor, Door
from accounts.models import ChangeSet, User
from accounts.services import add_user
from domains.models import Domain, DomainCount
from domains.services import add_domain, add_domain_admin, change_domain
from mailboxes.counting import recount
from mailboxes.models import Address, Alias, Mailbox
from mailboxes.removal import delete_domain
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    delete_mailboxes,
    set_mailboxes_active,
)
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = ["someone@elsewhere.example"]
GIB = 2**30


def limited(**limits: Any) -> Domain:
    return add_domain("small.example", **limits, by=TESTER)


def counts(domain: Domain) -> tuple[int, int, int, int]:
    row = DomainCount.objects.get(domain=domain)
    return row.mailboxes, row.aliases, int(row.quota_bytes), row.without_quota


def test_it_works() -> None:
    domain = limited(max_mailboxes=2)
    add_mailbox(domain, "ann", by=TESTER)
    bob = add_mailbox(domain, "bob", active=False, by=TESTER)
    with refusal("small.example has 2 of 2 mailboxes. Delete one first", "raise the limit", field="local_part"):
        add_mailbox(domain, "eve", by=TESTER)
    delete_mailbox(bob, by=TESTER)
    add_mailbox(domain, "eve", by=TESTER)
    assert counts(domain) == (2, 0, 0, 2)


def test_nothing_is_a_limit_too() -> None:
    domain = limited(max_mailboxes=0, max_aliases=0)
    with refusal("small.example may not have mailboxes"):
        add_mailbox(domain, "ann", by=TESTER)
    with refusal("small.example may not have aliases"):
        add_alias(domain, "info", ELSEWHERE, by=TESTER)


def test_an_empty_limit_is_none() -> None:
    domain = limited()
    for name in ("ann", "bob"):
        add_mailbox(domain, name, quota_bytes=GIB, by=TESTER)
    assert counts(domain) == (2, 0, 2 * GIB, 0)


def test_whatever_is_an_alias_counts() -> None:
    domain = limited(max_aliases=3)
    add_alias(domain, "", ELSEWHERE, by=TESTER)
    add_alias(domain, "sales-*", ELSEWHERE, active=False, by=TESTER)
    ann = add_mailbox(domain, "ann", also_deliver_to=ELSEWHERE, by=TESTER)
    with refusal("small.example has 3 of 3 aliases. Delete one first", field="local_part"):
        add_alias(domain, "postmaster", ELSEWHERE, by=TESTER)
    with refusal("3 of 3 aliases"):
        add_mailbox(domain, "bob", also_deliver_to=ELSEWHERE, by=TESTER)
    change_mailbox(ann, also_deliver_to=[], by=TESTER)
    add_alias(domain, "postmaster", ELSEWHERE, by=TESTER)
    assert counts(domain)[:2] == (1, 3)


def test_quotas_add_up_to_the_limit() -> None:
    domain = limited(max_total_quota_bytes=10 * GIB)
    ann = add_mailbox(domain, "ann", quota_bytes=6 * GIB, active=False, by=TESTER)
    with refusal("add up to 6.0\xa0GB of 10.0\xa0GB, and 5.0\xa0GB more are too many", field="quota_bytes"):
        add_mailbox(domain, "bob", quota_bytes=5 * GIB, by=TESTER)
    bob = add_mailbox(domain, "bob", quota_bytes=4 * GIB, by=TESTER)
    with refusal("add up to 10.0\xa0GB of 10.0\xa0GB, and 1\xa0byte more"):
        change_mailbox(bob, quota_bytes=4 * GIB + 1, by=TESTER)
    change_mailbox(ann, quota_bytes=GIB, by=TESTER)
    change_mailbox(bob, quota_bytes=9 * GIB, by=TESTER)
    assert counts(domain) == (2, 0, 10 * GIB, 0)


@pytest.mark.parametrize("limit", ["max_total_quota_bytes", "max_quota_bytes"])
def test_a_mailbox_needs_a_quota_where_quotas_have_a_limit(limit: str) -> None:
    domain = limited(**{limit: 10 * GIB})
    with refusal("A mailbox of small.example needs a quota", field="quota_bytes"):
        add_mailbox(domain, "ann", by=TESTER)
    ann = add_mailbox(domain, "ann", quota_bytes=GIB, by=TESTER)
    with refusal("A mailbox of small.example needs a quota", field="quota_bytes"):
        change_mailbox(ann, quota_bytes=None, by=TESTER)


def test_a_quota_has_a_largest() -> None:
    domain = limited(max_quota_bytes=5 * GIB)
    with refusal("has a quota of 5.0\xa0GB at most", field="quota_bytes"):
        add_mailbox(domain, "ann", quota_bytes=5 * GIB + 1, by=TESTER)
    ann = add_mailbox(domain, "ann", quota_bytes=5 * GIB, by=TESTER)
    with refusal("has a quota of 5.0\xa0GB at most", field="quota_bytes"):
        change_mailbox(ann, quota_bytes=6 * GIB, by=TESTER)


class TestBelowWhatIsThere:
    """A limit may come later, and be lower than what is there."""

    def test_what_is_there_stays(self) -> None:
        domain = limited()
        ann, bob, eve = (add_mailbox(domain, name, quota_bytes=5 * GIB, by=TESTER) for name in ("ann", "bob", "eve"))
        change_domain(
            domain, max_mailboxes=1, max_total_quota_bytes=6 * GIB, max_quota_bytes=2 * GIB, max_aliases=0, by=TESTER
        )
        change_mailbox(ann, name="Ann", active=False, by=TESTER)
        set_mailboxes_active([ann, bob], True, by=TESTER)
        rename_address(ann.address, domain, "anna", by=TESTER)
        delete_mailbox(eve, by=TESTER)
        assert counts(domain) == (2, 0, 10 * GIB, 0)

    def test_nothing_is_added_until_there_is_room(self) -> None:
        domain = limited()
        ann, bob = (add_mailbox(domain, name, quota_bytes=GIB, by=TESTER) for name in ("ann", "bob"))
        change_domain(domain, max_mailboxes=1, by=TESTER)
        for leaving in (ann, bob):
            with refusal("of 1 mailboxes"):
                add_mailbox(domain, "new", by=TESTER)
            delete_mailbox(leaving, by=TESTER)
        add_mailbox(domain, "new", by=TESTER)

    def test_a_quota_may_shrink(self) -> None:
        domain = limited()
        ann = add_mailbox(domain, "ann", quota_bytes=9 * GIB, by=TESTER)
        change_domain(domain, max_total_quota_bytes=5 * GIB, by=TESTER)
        change_mailbox(ann, quota_bytes=7 * GIB, by=TESTER)
        with refusal("add up to 7.0\xa0GB of 5.0\xa0GB"):
            change_mailbox(ann, quota_bytes=8 * GIB, by=TESTER)

    def test_a_mailbox_without_a_quota_stays(self) -> None:
        domain = limited()
        ann = add_mailbox(domain, "ann", by=TESTER)
        change_domain(domain, max_total_quota_bytes=5 * GIB, by=TESTER)
        change_mailbox(ann, name="Ann", by=TESTER)
        change_mailbox(ann, quota_bytes=5 * GIB, by=TESTER)


class TestMove:
    """A mailbox or alias that comes from another domain is one more there, and one less here."""

    @pytest.mark.parametrize(
        ("limits", "words"),
        [
            ({"max_mailboxes": 0}, "small.example may not have mailboxes"),
            ({"max_aliases": 0}, "small.example may not have aliases"),
            ({"max_total_quota_bytes": GIB}, "and 2.0\xa0GB more are too many"),
            ({"max_quota_bytes": GIB}, "a quota of 1.0\xa0GB at most"),
        ],
        ids=lambda value: "".join(value) if isinstance(value, dict) else "",
    )
    def test_into_a_full_domain(self, domain: Domain, limits: dict[str, int], words: str) -> None:
        small = limited(**limits)
        jean = add_mailbox(domain, "jean", quota_bytes=2 * GIB, also_deliver_to=ELSEWHERE, by=TESTER)
        with refusal(words):
            rename_address(jean.address, small, "jean", by=TESTER)

    def test_without_a_quota(self, domain: Domain) -> None:
        small = limited(max_total_quota_bytes=GIB)
        jean = add_mailbox(domain, "jean", by=TESTER)
        with refusal("needs a quota"):
            rename_address(jean.address, small, "jean", by=TESTER)

    def test_there_is_room(self, domain: Domain) -> None:
        small = limited(max_mailboxes=1, max_aliases=1, max_total_quota_bytes=GIB)
        jean = add_mailbox(domain, "jean", quota_bytes=GIB, also_deliver_to=ELSEWHERE, by=TESTER)
        rename_address(jean.address, small, "jean", by=TESTER)
        assert (counts(domain), counts(small)) == ((0, 0, 0, 0), (1, 1, GIB, 0))

    def test_a_full_domain_renames_within_itself(self) -> None:
        small = limited(max_mailboxes=1, max_aliases=0, max_total_quota_bytes=GIB)
        ann = add_mailbox(small, "ann", quota_bytes=GIB, by=TESTER)
        rename_address(ann.address, small, "anna", by=TESTER)
        with refusal("small.example may not have aliases"):
            rename_address(ann.address, small, "annette", keep_old=True, by=TESTER)


class TestUndo:
    """An undo is held to the limits as they are now."""

    def test_what_was_deleted_does_not_come_back_into_a_full_domain(self) -> None:
        domain = limited(max_mailboxes=1)
        ann = add_mailbox(domain, "ann", by=TESTER)
        deletion = delete_mailbox(ann, by=TESTER)
        bob = add_mailbox(domain, "bob", by=TESTER)
        with refusal("small.example has 1 of 1 mailboxes"):
            undo_change_set(ChangeSet.objects.get(pk=deletion), by=TESTER)
        delete_mailbox(bob, by=TESTER)
        undo_change_set(ChangeSet.objects.get(pk=deletion), by=TESTER)
        assert counts(domain) == (1, 0, 0, 1)

    def test_limits_come_back(self) -> None:
        domain = limited(max_mailboxes=1, max_total_quota_bytes=GIB)
        change_domain(domain, max_mailboxes=None, max_total_quota_bytes=2 * GIB, by=TESTER)
        undo_change_set(ChangeSet.objects.get(metadata__verb="change"), by=TESTER)
        domain.refresh_from_db()
        assert (domain.max_mailboxes, domain.max_total_quota_bytes) == (1, GIB)

    def test_a_domain_comes_back_with_its_counts(self) -> None:
        domain = limited(max_mailboxes=2)
        add_mailbox(domain, "ann", quota_bytes=GIB, also_deliver_to=ELSEWHERE, by=TESTER)
        deletion = delete_domain(domain, by=TESTER)
        assert not DomainCount.objects.exists()
        undo_change_set(ChangeSet.objects.get(pk=deletion), by=TESTER)
        assert counts(Domain.objects.get()) == (1, 1, GIB, 0)


class TestWhoSetsThem:
    """A domain admin sees the limits and lives within them."""

    @pytest.fixture
    def admin(self, domain: Domain) -> Actor:
        person: User = add_user("helper", by=TESTER)
        add_domain_admin(domain, person, by=TESTER)
        return Actor(door=Door.PAGE, name="helper", host="192.0.2.1", user=person)

    def test_not_a_domain_admin(self, domain: Domain, admin: Actor) -> None:
        with refusal("Only a superuser sets the limits"):
            change_domain(domain, max_mailboxes=100, by=admin)
        change_domain(domain, description="Ours", by=admin)

    def test_they_hold_for_superusers_too(self, domain: Domain) -> None:
        chef = Actor(door=Door.PAGE, name="chef", host="", user=add_user("chef", is_superuser=True, by=TESTER))
        change_domain(domain, max_mailboxes=0, by=chef)
        with refusal("may not have mailboxes"):
            add_mailbox(domain, "jean", by=chef)
        change_domain(domain, max_mailboxes=1, by=chef)
        add_mailbox(domain, "jean", by=chef)

    @pytest.mark.parametrize("limit", ["max_mailboxes", "max_aliases", "max_quota_bytes", "max_total_quota_bytes"])
    @pytest.mark.parametrize("value", [-1, 2**63])
    def test_a_limit_is_a_number(self, domain: Domain, limit: str, value: int) -> None:
        with refusal(field=limit):
            change_domain(domain, **{limit: value}, by=TESTER)


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for no deferred check
        for statement in statements:
            cursor.execute(statement)


ADDRESS = "INSERT INTO mailboxes_address (id, domain_id, local_part) "
MAILBOX = """
    INSERT INTO mailboxes_mailbox
        (address_id, name, quota_bytes, mail_path, active, receives, sends, imap, pop, version, created_at, changed_at)
"""
A_MAILBOX = "'', 5, id::text, true, true, true, true, true, 1, now(), now()"


class TestSql:
    """The counts are true whoever writes, and in how many statements."""

    @pytest.fixture(autouse=True)
    def rows(self, domain: Domain, other: Domain) -> None:
        """Three mailboxes in one domain; one of them is an alias too."""
        for name in ("ann", "bob", "eve"):
            add_mailbox(domain, name, quota_bytes=100, by=TESTER)
        add_alias(domain, "ann", ELSEWHERE, by=TESTER)

    @pytest.mark.parametrize(
        ("statements", "here", "there"),
        [
            (["UPDATE mailboxes_mailbox SET name = 'x'"], (3, 1, 300, 0), (0, 0, 0, 0)),
            (["UPDATE mailboxes_mailbox SET quota_bytes = 7"], (3, 1, 21, 0), (0, 0, 0, 0)),
            (["UPDATE mailboxes_mailbox SET quota_bytes = NULL"], (3, 1, 0, 3), (0, 0, 0, 0)),
            (["UPDATE mailboxes_address SET local_part = local_part || 'x'"], (3, 1, 300, 0), (0, 0, 0, 0)),
            (["UPDATE mailboxes_address SET domain_id = {there}"], (0, 0, 0, 0), (3, 1, 300, 0)),
            (
                ["UPDATE mailboxes_address SET domain_id = {there} WHERE local_part <> 'ann'"],
                (1, 1, 100, 0),
                (2, 0, 200, 0),
            ),
            (
                [
                    ADDRESS + "VALUES (900, {there}, 'new')",
                    "UPDATE mailboxes_mailbox SET address_id = 900, quota_bytes = 3 WHERE mail_path LIKE '%bob%'",
                ],
                (2, 1, 200, 0),
                (1, 0, 3, 0),
            ),
            (
                [
                    ADDRESS + "SELECT 1000000000 + n, {here}, 'n' || n FROM generate_series(1, 5) n",
                    ADDRESS + "SELECT 2000000000 + n, {there}, 'n' || n FROM generate_series(1, 5) n",
                    f"{MAILBOX} SELECT id, {A_MAILBOX} FROM mailboxes_address WHERE id > 1000000000",
                ],
                (8, 1, 325, 0),
                (5, 0, 25, 0),
            ),
            (
                [
                    f"WITH new AS ({ADDRESS} VALUES (900, {{there}}, 'n') RETURNING id)"
                    f"{MAILBOX} SELECT id, {A_MAILBOX} FROM new"
                ],
                (3, 1, 300, 0),
                (1, 0, 5, 0),
            ),
            (["DELETE FROM mailboxes_mailbox"], (0, 1, 0, 0), (0, 0, 0, 0)),
            (
                ["DELETE FROM mailboxes_aliasdestination", "DELETE FROM mailboxes_alias"],
                (3, 0, 300, 0),
                (0, 0, 0, 0),
            ),
            (["TRUNCATE mailboxes_mailbox CASCADE"], (0, 1, 0, 0), (0, 0, 0, 0)),
            (["TRUNCATE mailboxes_alias CASCADE"], (3, 0, 300, 0), (0, 0, 0, 0)),
        ],
    )
    def test_it_works(
        self,
        domain: Domain,
        other: Domain,
        statements: list[str],
        here: tuple[int, ...],
        there: tuple[int, ...],
    ) -> None:
        run(*(text.format(here=domain.pk, there=other.pk) for text in statements))
        assert (counts(domain), counts(other)) == (here, there)
        assert list(recount(Domain.objects.all())) == []

    def test_what_was_there_before_it_was_counted(self, domain: Domain) -> None:
        DomainCount.objects.update(mailboxes=0, aliases=0, quota_bytes=0)
        run(import_module("mailboxes.migrations.0010_count_what_is_there").COUNT_ALL)
        assert counts(domain) == (3, 1, 300, 0)
        assert list(recount(Domain.objects.all())) == []

    def test_what_cannot_be_counted_is_refused(self) -> None:
        """A statement that takes an address away together with its mailbox: nobody could say in which domain it was."""
        both = (
            "WITH gone AS (DELETE FROM mailboxes_mailbox RETURNING address_id) DELETE FROM mailboxes_address USING gone"
        )
        with pytest.raises(IntegrityError, match="domain_id|mailboxes_alias_address_id"), transaction.atomic():
            run(f"{both} WHERE id = address_id")

    def test_a_domain_goes_by_sql(self, other: Domain) -> None:
        run(f"DELETE FROM domains_domain WHERE id = {other.pk}")
        assert DomainCount.objects.count() == 1


class TestRecount:
    """Somebody has switched triggers off, or has typed counts."""

    def test_it_works(self, domain: Domain, other: Domain) -> None:
        add_mailbox(domain, "ann", quota_bytes=100, also_deliver_to=ELSEWHERE, by=TESTER)
        DomainCount.objects.filter(domain=domain).update(mailboxes=7, quota_bytes=-3)
        found = [(one.domain, one.counted, one.was, one.found) for one in recount(Domain.objects.all())]
        assert found == [("example.org", "mailboxes", 7, 1), ("example.org", "quota_bytes", -3, 100)]
        assert counts(domain) == (1, 1, 100, 0)
        assert list(recount(Domain.objects.all())) == []

    def test_counts_that_are_gone_come_back(self, domain: Domain) -> None:
        DomainCount.objects.all().delete()
        add_mailbox(domain, "ann", by=TESTER)
        list(recount(Domain.objects.all()))
        assert counts(domain) == (1, 0, 0, 1)

    def test_it_is_held_to_no_limit(self, domain: Domain) -> None:
        add_mailbox(domain, "ann", by=TESTER)
        change_domain(domain, max_mailboxes=0, by=TESTER)
        DomainCount.objects.update(mailboxes=0)
        list(recount(Domain.objects.all()))
        assert counts(domain) == (1, 0, 0, 1)


def test_a_wrong_count_keeps_nobody_from_deleting(domain: Domain) -> None:
    mailboxes: list[Any] = [add_mailbox(domain, name, by=TESTER) for name in ("ann", "bob")]
    alias = add_alias(domain, "info", ELSEWHERE, by=TESTER)
    DomainCount.objects.update(mailboxes=0, aliases=0)
    delete_alias(alias, by=TESTER)
    delete_mailboxes(mailboxes, by=TESTER)
    assert (Mailbox.objects.count(), Alias.objects.count(), Address.objects.count()) == (0, 0, 0)
