"""Aliases that every domain has, and what a domain admin may do with them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor, Door
from accounts.history_reading import events_of
from accounts.models import ChangeSet
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain, add_domain_admin
from jobs.services import run_job
from mailboxes.default_aliases import (
    add_all_default_aliases,
    delete_default_alias,
    missing_default_aliases,
    set_default_aliases,
)
from mailboxes.jobs import start_default_aliases
from mailboxes.models import Alias, DefaultAlias, Mailbox
from mailboxes.relay import add_relay_recipients
from mailboxes.removal import delete_domain, what_is_lost
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_alias,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    delete_mailboxes,
    set_mailboxes_active,
)
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, addresses, destinations_of, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"
LATER = datetime(2998, 1, 1, tzinfo=UTC)


@pytest.fixture
def defaults(jean: Mailbox) -> None:
    set_default_aliases(["abuse", "postmaster"], "jean@example.org", by=TESTER)


def alias_at(address: str) -> Alias:
    local_part, _at, domain = address.rpartition("@")
    return Alias.objects.with_destinations().get(address__local_part=local_part, address__domain__name=domain)


def test_it_works(jean: Mailbox) -> None:
    with one_change_set("Changed the default aliases: abuse, postmaster"):
        set_default_aliases(["Abuse", "postmaster", "abuse"], "Jean@Example.org", by=TESTER)
    with one_change_set("Added domain example.net"):
        add_domain("example.net", by=TESTER)
    assert destinations_of(alias_at("abuse@example.net")) == ["jean@example.org"]
    assert alias_at("postmaster@example.net").state == "active"
    set_default_aliases(["abuse"], "noc@elsewhere.example", by=TESTER)
    assert dict(DefaultAlias.objects.values_list("local_part", "destination")) == {
        "abuse": "noc@elsewhere.example",
        "postmaster": "jean@example.org",
    }
    assert destinations_of(alias_at("abuse@example.net")) == ["jean@example.org"]


@pytest.mark.parametrize(
    ("local_parts", "destination", "field", "words"),
    [
        ([], "jean@example.org", "local_parts", "at least one"),
        (["a b"], "jean@example.org", "local_parts", "is not an address"),
        (["sales-*"], "jean@example.org", "", "letters, digits, dots"),
        (["a@b"], "jean@example.org", "local_parts", "@"),
        (["abuse"], "nobody@example.org", "destination", "has no address nobody@example.org"),
        (["abuse"], "@example.org", "destination", "whole domain"),
        (["abuse"], "jean", "destination", "no domain"),
        (["abuse"], "", "destination", ""),
        (["abuse"], "|sh@elsewhere.example", "destination", "is a program or a file"),
    ],
)
def test_what_is_refused(jean: Mailbox, local_parts: list[str], destination: str, field: str, words: str) -> None:
    with refusal(words, field=field):
        set_default_aliases(local_parts, destination, by=TESTER)


def test_which_domains_get_them(defaults: None) -> None:
    main = add_domain("main.example", by=TESTER)
    for address_class in ("virtual_alias", "relay", "local"):
        add_domain(f"{address_class.replace('_', '-')}.example", address_class=address_class, by=TESTER)
    add_domain("other.example", address_class="alias_domain", target=main, by=TESTER)
    found = sorted(address for address in addresses() if address.startswith("abuse@"))
    assert found == ["abuse@main.example", "abuse@relay.example", "abuse@virtual-alias.example"]


def test_what_is_no_longer_named_is_not_added(defaults: None) -> None:
    delete_default_alias(DefaultAlias.objects.get(local_part="abuse"), by=TESTER)
    add_domain("example.net", by=TESTER)
    assert addresses() == {"jean@example.org", "postmaster@example.net"}


def test_a_domain_is_not_added_without_them(defaults: None) -> None:
    delete_mailbox(Mailbox.objects.get(), by=TESTER)
    with refusal("The default alias abuse@example.net cannot be added: example.org is ours, but has no address"):
        add_domain("example.net", by=TESTER)


def test_a_new_name_of_the_destination(defaults: None, domain: Domain) -> None:
    jean = Mailbox.objects.get()
    with one_change_set("Renamed mailbox jean@example.org → jean.b@example.org"):
        rename_address(jean.address, domain, "jean.b", by=TESTER)
    add_domain("example.net", by=TESTER)
    assert destinations_of(alias_at("abuse@example.net")) == ["jean.b@example.org"]


def test_the_question_before_its_destination_goes(defaults: None, domain: Domain) -> None:
    words = "The default aliases abuse, postmaster of new domains go here."
    for thing in (Mailbox.objects.get(), domain):
        assert any(sentence.startswith(words) for sentence in what_is_lost(thing))
    assert not any("default alias" in sentence for sentence in what_is_lost(add_mailbox(domain, "laure", by=TESTER)))


def test_the_domain_of_the_destination_comes_later(db: None) -> None:
    set_default_aliases(["abuse", "postmaster"], "abuse@example.org", by=TESTER)
    domain = add_domain("example.org", by=TESTER)
    assert addresses() == set()
    assert missing_default_aliases() == {domain.pk: ["postmaster"]}
    add_mailbox(domain, "abuse", by=TESTER)
    add_all_default_aliases(by=TESTER)
    assert destinations_of(alias_at("postmaster@example.org")) == ["abuse@example.org"]


class TestMissing:
    def test_it_works(self, defaults: None, domain: Domain) -> None:
        relay = add_domain("relay.example", address_class="relay", by=TESTER)
        for alias in Alias.objects.filter(address__domain=relay):
            delete_alias(alias, by=TESTER)
        add_relay_recipients(relay, ["abuse"], by=TESTER)
        set_default_aliases(["abuse", "postmaster"], "noc@elsewhere.example", by=TESTER)
        missing = {domain.pk: ["abuse", "postmaster"], relay.pk: ["postmaster"]}
        assert missing_default_aliases() == missing
        seen: list[tuple[int, int]] = []
        with_change_sets = ChangeSet.objects.count()
        result = add_all_default_aliases(show=lambda done, total: seen.append((done, total)), by=TESTER)
        assert result == {"added": 3, "domains": 2, "faults": []}
        assert seen == [(0, 2), (1, 2), (2, 2)]
        assert ChangeSet.objects.count() == with_change_sets + 2
        assert missing_default_aliases() == {}
        assert destinations_of(alias_at("postmaster@relay.example")) == ["noc@elsewhere.example"]

    def test_a_domain_that_cannot_have_them_does_not_stop_the_others(self, domain: Domain, jean: Mailbox) -> None:
        other = add_domain("example.net", by=TESTER)
        add_alias(other, "", ["@example.org"], by=TESTER)
        set_default_aliases(["abuse"], "abuse@example.net", by=TESTER)
        result = add_all_default_aliases(by=TESTER)
        assert result["added"] == 0
        assert "abuse@example.org cannot be added: This would be a loop" in result["faults"][0]

    def test_as_a_job(self, domain: Domain, jean: Mailbox) -> None:
        set_default_aliases(["abuse"], "jean@example.org", by=TESTER)
        other = add_domain("example.net", by=TESTER)
        delete_alias(alias_at("abuse@example.net"), by=TESTER)
        chef = add_user("chef", is_superuser=True, by=TESTER)
        job = start_default_aliases(by=Actor(user=chef, door=Door.PAGE))
        run_job(job.pk)
        run_job(job.pk)
        job.refresh_from_db()
        assert (job.state, job.result) == ("done", {"added": 2, "domains": 2, "faults": []})
        ours = {"metadata__verb": "add", "metadata__noun": "default_aliases", "metadata__domain": other.name}
        change_set = ChangeSet.objects.get(**ours)
        assert (change_set.metadata["who"], change_set.metadata["door"]) == ("chef", "task")
        assert events_of([change_set.pk])


class TestDomainAdmin:
    @pytest.fixture
    def admin(self, domain: Domain, jean: Mailbox, laure: Mailbox) -> Actor:
        """Of example.org, which has abuse@ to jean; and example.net, which is not theirs, has it too."""
        set_default_aliases(["abuse"], "jean@example.org", by=TESTER)
        add_domain("example.net", by=TESTER)
        add_alias(domain, "abuse", ["laure@example.org"], by=TESTER)
        add_alias(domain, "desk", ["laure@example.org", "jean@example.org"], by=TESTER)
        user = add_user("admin", by=TESTER)
        add_domain_admin(domain, user, by=TESTER)
        return Actor(user=user, door=Door.PAGE)

    WAYS: dict[str, Callable[[Actor], Any]] = {
        "delete": lambda by: delete_alias(alias_at("abuse@example.org"), by=by),
        "deactivate": lambda by: change_alias(alias_at("abuse@example.org"), active=False, by=by),
        "begin later": lambda by: change_alias(alias_at("abuse@example.org"), starts_at=LATER, by=by),
        "end": lambda by: change_alias(alias_at("abuse@example.org"), ends_at=LATER, by=by),
        "rename": lambda by: rename_address(
            alias_at("abuse@example.org").address, Domain.objects.get(name="example.org"), "trash", by=by
        ),
        "delete where it goes": lambda by: delete_mailbox(mailbox_at("laure"), by=by),
        "delete where one elsewhere goes": lambda by: delete_mailboxes([mailbox_at("jean")], by=by),
    }

    @pytest.mark.parametrize("way", WAYS)
    def test_what_is_refused(self, admin: Actor, way: str) -> None:
        with refusal("is an alias that every domain has. Only a superuser deletes, renames or deactivates it"):
            self.WAYS[way](admin)

    @pytest.mark.parametrize("way", WAYS)
    def test_a_superuser_may(self, admin: Actor, way: str) -> None:
        self.WAYS[way](TESTER)

    def test_it_may_go_elsewhere(self, admin: Actor) -> None:
        alias = change_alias(
            alias_at("abuse@example.org"), destinations=["jean@example.org"], comment="Ours", active=True, by=admin
        )
        assert destinations_of(alias) == ["jean@example.org"]
        delete_mailbox(mailbox_at("laure"), by=admin)

    def test_copies_of_a_mailbox_of_that_name_may_not_end(self, admin: Actor, domain: Domain) -> None:
        set_default_aliases(["noc"], "jean@example.org", by=TESTER)
        noc = add_mailbox(domain, "noc", also_deliver_to=["laure@example.org"], by=admin)
        with refusal("noc@example.org is an alias that every domain has"):
            change_mailbox(noc, also_deliver_to=[], by=admin)

    def test_another_alias_is_theirs(self, admin: Actor) -> None:
        change_alias(alias_at("desk@example.org"), active=False, ends_at=LATER, by=admin)
        delete_alias(alias_at("desk@example.org"), by=admin)

    def test_no_undo_takes_it_away(self, admin: Actor, domain: Domain) -> None:
        for act in (
            lambda: add_all_default_aliases(by=TESTER),
            lambda: change_alias(alias_at("abuse@example.org"), ends_at=LATER, by=TESTER),
            lambda: rename_address(alias_at("desk@example.org").address, domain, "noc", by=TESTER),
        ):
            set_default_aliases(["abuse", "noc"], "jean@example.org", by=TESTER)
            before = set(ChangeSet.objects.values_list("pk", flat=True))
            act()
            last = ChangeSet.objects.exclude(pk__in=before).get(metadata__domain="example.org")
            with refusal("is an alias that every domain has"):
                undo_change_set(last, by=admin)
            undo_change_set(last, by=TESTER)

    DEAD_ENDS: dict[str, Callable[[Actor], Any]] = {
        "it goes to what is inactive": lambda by: change_alias(
            alias_at("abuse@example.org"), destinations=["old@example.org"], by=by
        ),
        "its mailbox is inactive": lambda by: change_mailbox(mailbox_at("laure"), active=False, by=by),
        "its mailbox takes no mail": lambda by: change_mailbox(mailbox_at("laure"), receives=False, by=by),
        "its mailbox has expired": lambda by: change_mailbox(mailbox_at("laure"), expires_at=timezone.now(), by=by),
        "one of many": lambda by: set_mailboxes_active([mailbox_at("sophie"), mailbox_at("laure")], False, by=by),
    }

    @pytest.mark.parametrize("way", DEAD_ENDS)
    def test_it_goes_on_delivering(self, admin: Actor, domain: Domain, way: str) -> None:
        add_alias(domain, "old", [ELSEWHERE], active=False, by=TESTER)
        add_mailbox(domain, "sophie", by=TESTER)
        with refusal("abuse@example.org is an alias that every domain has, and would deliver nowhere then"):
            self.DEAD_ENDS[way](admin)
        self.DEAD_ENDS[way](TESTER)

    def test_over_other_aliases_it_does_too(self, admin: Actor, domain: Domain) -> None:
        team = add_alias(domain, "team", ["laure@example.org"], by=admin)
        change_alias(alias_at("abuse@example.org"), destinations=["team+abuse@example.org"], by=admin)
        for stopped in ({"active": False}, {"starts_at": LATER}):
            with refusal("would deliver nowhere then"):
                change_alias(team, **stopped, by=admin)  # type: ignore[arg-type]
        change_alias(alias_at("abuse@example.org"), destinations=["team@example.org", ELSEWHERE], by=admin)
        change_alias(team, active=False, by=admin)

    def test_what_is_left_of_its_destinations_delivers(self, admin: Actor, domain: Domain) -> None:
        add_alias(domain, "old", [ELSEWHERE], active=False, by=TESTER)
        team = add_alias(domain, "team", [ELSEWHERE], by=TESTER)
        for name in ("laure", "team"):
            change_alias(
                alias_at("abuse@example.org"), destinations=[f"{name}@example.org", "old@example.org"], by=admin
            )
            with refusal("would deliver nowhere then"):
                delete_mailbox(mailbox_at("laure"), by=admin) if name == "laure" else delete_alias(team, by=admin)

    def test_one_that_a_superuser_left_dead_is_no_obstacle(self, admin: Actor) -> None:
        change_mailbox(mailbox_at("laure"), active=False, by=TESTER)
        change_alias(alias_at("abuse@example.org"), comment="Who reads this?", active=True, by=admin)

    def test_no_undo_stops_what_it_leads_to(self, admin: Actor) -> None:
        change_mailbox(mailbox_at("laure"), active=False, by=TESTER)
        before = set(ChangeSet.objects.values_list("pk", flat=True))
        change_mailbox(mailbox_at("laure"), active=True, by=TESTER)
        last = ChangeSet.objects.exclude(pk__in=before).get()
        with refusal("would deliver nowhere then"):
            undo_change_set(last, by=admin)
        undo_change_set(last, by=TESTER)

    def test_a_domain_with_them_is_deleted_as_any(self, admin: Actor, domain: Domain) -> None:
        delete_domain(domain, by=TESTER)
        assert addresses() == set()


def mailbox_at(local_part: str) -> Mailbox:
    return Mailbox.objects.with_address().get(address__local_part=local_part)
