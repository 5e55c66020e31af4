"""Undoing a change set: what was there before is there again, or a sentence says why not."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts import net_events
from accounts.models import ChangeSet
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain, add_domain_admin, change_domain, change_mail_settings
from lookup_tables.models import Canonical, RelayPassword, SenderRelay
from lookup_tables.relay_passwords import decrypted, purge_passwords
from lookup_tables.services import add_entry, change_entry, delete_entry
from mailboxes import undo_rules
from mailboxes.credentials import is_password
from mailboxes.credentials_purge import KEPT
from mailboxes.models import Alias, Mailbox, MailboxCredential, RelayRecipient
from mailboxes.relay import add_relay_recipients, delete_relay_recipients
from mailboxes.removal import delete_domain
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_alias,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    delete_mailboxes,
    owner_of,
    set_mailbox_password,
    set_mailboxes_active,
)
from mailboxes.undo import preview_of_undo, undo_change_set
from tests.services.checks import TESTER, addresses, destinations_of, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db
ELSEWHERE = "someone@elsewhere.example"
PASSWORD = "let me read my mail"


@pytest.fixture(autouse=True, params=[undo_rules.PIECE, 2], ids=["at once", "in pieces"])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change set that is read two rows at a time is undone like one that is read in one go."""
    monkeypatch.setattr(net_events, "AT_ONCE", request.param)
    monkeypatch.setattr(undo_rules, "PIECE", request.param)


@pytest.fixture
def relay(db: None) -> Domain:
    return add_domain("relay.example", address_class="relay", by=TESTER)


def last(sentence: str) -> ChangeSet:
    """The one change set that reads like this; within a test all happen at the same time."""
    (found,) = (one for one in ChangeSet.objects.all() if one.sentence == sentence)
    return found


def undo(sentence: str) -> None:
    with one_change_set(f"Undid: {sentence}"):
        undo_change_set(last(sentence), by=TESTER)


def alias_at(local_part: str) -> Alias:
    return Alias.objects.select_related("address__domain").get(address__local_part=local_part)


def test_it_works(domain: Domain, other: Domain, jean: Mailbox) -> None:
    """A mailbox comes back with its number, its password and all that pointed at it, in other domains, too."""
    set_mailbox_password(jean, PASSWORD, by=TESTER)
    change_mailbox(jean, quota_bytes=7, by=TESTER)
    owner_of(jean, by=TESTER)
    add_alias(domain, "chain", ["jean@example.org"], by=TESTER)
    add_alias(other, "both", ["jean+x@example.org", ELSEWHERE, "chain@example.org"], by=TESTER)
    before = Mailbox.objects.values().get()
    delete_mailbox(jean, by=TESTER)
    assert addresses() == {"both@example.com"}
    undo("Deleted mailbox jean@example.org")
    after = Mailbox.objects.values().get()
    assert {**before, "version": 0, "changed_at": 0} == {**after, "version": 0, "changed_at": 0}
    assert addresses() == {"both@example.com", "jean@example.org", "chain@example.org"}
    assert destinations_of(alias_at("both")) == ["jean+x@example.org", ELSEWHERE, "chain@example.org"]
    assert destinations_of(alias_at("chain")) == ["jean@example.org"]
    assert is_password(PASSWORD, MailboxCredential.objects.get(mailbox=jean).hash)


class TestRelayRecipients:
    def test_they_come_back_and_go(self, relay: Domain) -> None:
        add_relay_recipients(relay, ["ann", "bob"], by=TESTER)
        ann = RelayRecipient.objects.get(address__local_part="ann")
        delete_relay_recipients(relay, [ann], by=TESTER)
        undo("Deleted relay recipients: ann@relay.example")
        assert RelayRecipient.objects.get(pk=ann.pk).address_id == ann.address_id
        undo("Added relay recipients: ann@relay.example, bob@relay.example")
        assert not RelayRecipient.objects.exists()
        assert not addresses()

    def test_they_come_back_with_their_domain(self, relay: Domain) -> None:
        add_relay_recipients(relay, ["ann"], by=TESTER)
        delete_domain(relay, by=TESTER)
        undo("Deleted domain relay.example with its addresses")
        assert list(map(str, RelayRecipient.objects.with_address())) == ["ann@relay.example"]

    def test_not_into_another_class(self, relay: Domain) -> None:
        add_relay_recipients(relay, ["ann"], by=TESTER)
        delete_relay_recipients(relay, list(RelayRecipient.objects.all()), by=TESTER)
        change_domain(relay, address_class="virtual_mailbox", by=TESTER)
        with refusal("Only a relay domain has recipients"), nothing_changes():
            undo_change_set(last("Deleted relay recipients: ann@relay.example"), by=TESTER)

    def test_not_where_an_alias_is_by_now(self, relay: Domain) -> None:
        add_relay_recipients(relay, ["ann"], by=TESTER)
        delete_relay_recipients(relay, list(RelayRecipient.objects.all()), by=TESTER)
        add_alias(relay, "ann", [ELSEWHERE], by=TESTER)
        with refusal("ann@relay.example was added anew since"), nothing_changes():
            undo_change_set(last("Deleted relay recipients: ann@relay.example"), by=TESTER)


def test_a_change_goes_back(jean: Mailbox) -> None:
    change_mailbox(jean, name="Jean", quota_bytes=10, also_deliver_to=[ELSEWHERE], by=TESTER)
    undo("Changed mailbox jean@example.org")
    jean.refresh_from_db()
    assert (jean.name, jean.quota_bytes, jean.version) == ("", None, 3)
    assert not Alias.objects.exists()


def test_what_else_changed_since_stays(jean: Mailbox) -> None:
    change_mailbox(jean, name="Jean", by=TESTER)
    first = last("Changed mailbox jean@example.org")
    change_mailbox(jean, quota_bytes=10, by=TESTER)
    undo_change_set(first, by=TESTER)
    jean.refresh_from_db()
    assert (jean.name, jean.quota_bytes) == ("", 10)


def test_destinations_go_back(domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
    alias = add_alias(domain, "info", ["jean@example.org", ELSEWHERE], by=TESTER)
    change_alias(alias, destinations=["laure@example.org"], comment="New", by=TESTER)
    undo("Changed alias info@example.org")
    assert destinations_of(alias) == ["jean@example.org", ELSEWHERE]
    assert alias_at("info").comment == ""


@pytest.mark.parametrize("sentence", ["Added mailbox jean@example.org", "Added alias info@example.org"])
def test_what_was_added_goes(domain: Domain, sentence: str) -> None:
    jean = add_mailbox(domain, "jean", password=PASSWORD, by=TESTER)
    add_alias(domain, "info", [ELSEWHERE], by=TESTER)
    undo(sentence)
    assert len(addresses()) == 1
    assert MailboxCredential.objects.filter(mailbox=jean).exists() == ("mailbox" not in sentence)


def test_an_undo_is_undone(domain: Domain, jean: Mailbox) -> None:
    set_mailbox_password(jean, PASSWORD, by=TESTER)
    add_alias(domain, "info", ["jean@example.org"], by=TESTER)
    delete_mailbox(jean, by=TESTER)
    undo("Deleted mailbox jean@example.org")
    undo("Undid: Deleted mailbox jean@example.org")
    assert addresses() == set()
    undo("Undid: Undid: Deleted mailbox jean@example.org")
    assert addresses() == {"jean@example.org", "info@example.org"}
    assert is_password(PASSWORD, MailboxCredential.objects.get(mailbox=jean).hash)


def test_many_go_back_at_once(domain: Domain, jean: Mailbox, laure: Mailbox) -> None:
    add_alias(domain, "both", ["jean@example.org", "laure@example.org"], by=TESTER)
    set_mailboxes_active([jean, laure], False, by=TESTER)
    undo("Deactivated mailboxes: jean@example.org, laure@example.org")
    assert Mailbox.objects.filter(active=True).count() == 2
    delete_mailboxes([jean, laure], by=TESTER)
    undo("Deleted mailboxes: jean@example.org, laure@example.org")
    assert addresses() == {"jean@example.org", "laure@example.org", "both@example.org"}


def test_a_domain_comes_back_with_its_addresses(domain: Domain, other: Domain, jean: Mailbox) -> None:
    set_mailbox_password(jean, PASSWORD, by=TESTER)
    add_domain_admin(domain, add_user("helper", by=TESTER), by=TESTER)
    add_alias(domain, "", ["jean@example.org"], by=TESTER)
    add_alias(other, "info", ["jean@example.org", "known-to-none@example.org"], by=TESTER)
    add_alias(other, "", ["@example.org"], by=TESTER)
    before = addresses()
    delete_domain(domain, by=TESTER)
    undo("Deleted domain example.org with its addresses")
    assert addresses() == before
    assert destinations_of(alias_at("info")) == ["jean@example.org", "known-to-none@example.org"]
    assert Domain.objects.get(name="example.org").admins.count() == 1
    assert is_password(PASSWORD, MailboxCredential.objects.get(mailbox=jean).hash)


def test_domains_and_settings_go_back(domain: Domain) -> None:
    change_domain(domain, active=False, by=TESTER)
    undo("Changed domain example.org")
    domain.refresh_from_db()
    assert domain.active
    settings = change_mail_settings(recipient_delimiter="-", by=TESTER)
    undo("Changed the mail settings")
    settings.refresh_from_db()
    assert settings.recipient_delimiter == "+"


class TestRefused:
    """Nothing is changed, and a sentence says what to do."""

    def test_a_password(self, jean: Mailbox) -> None:
        set_mailbox_password(jean, PASSWORD, by=TESTER)
        self.refused("Changed the password of mailbox jean@example.org", "the old one is not kept")

    def test_people(self, db: None) -> None:
        add_user("helper", by=TESTER)
        self.refused("Added person helper", "Change the person instead")

    def test_a_first_sign_in(self, jean: Mailbox) -> None:
        owner_of(jean, by=TESTER)
        self.refused("First sign-in of the owner of jean@example.org", "nothing here")

    def test_an_address_that_was_taken_meanwhile(self, domain: Domain, jean: Mailbox) -> None:
        delete_mailbox(jean, by=TESTER)
        add_alias(domain, "jean", [ELSEWHERE], despite_quarantine=True, by=TESTER)
        self.refused("Deleted mailbox jean@example.org", "jean@example.org was added anew since")

    def test_a_mail_path_that_was_taken_meanwhile(self, domain: Domain, jean: Mailbox) -> None:
        delete_mailbox(jean, by=TESTER)
        add_mailbox(domain, "new", mail_path=jean.mail_path, by=TESTER)
        self.refused("Deleted mailbox jean@example.org", "Another mailbox is stored there already")

    def test_what_was_changed_since(self, jean: Mailbox) -> None:
        first = last("Added mailbox jean@example.org")
        change_mailbox(jean, name="Jean", by=TESTER)
        self.refused(first, "jean@example.org (mailbox) was changed since")

    def test_what_was_undone_already(self, jean: Mailbox) -> None:
        delete_mailbox(jean, by=TESTER)
        undo("Deleted mailbox jean@example.org")
        self.refused("Deleted mailbox jean@example.org", "is there again already")

    def test_what_is_used_by_now(self, domain: Domain, jean: Mailbox) -> None:
        add_alias(domain, "info", ["jean@example.org"], by=TESTER)
        self.refused("Added mailbox jean@example.org", "Alias info@example.org delivers there by now")
        self.refused("Added domain example.org", "There is more by now: ")

    def test_a_catch_all_that_others_rely_on(self, domain: Domain, jean: Mailbox) -> None:
        add_alias(domain, "", ["jean@example.org"], by=TESTER)
        add_alias(domain, "info", ["anything@example.org"], by=TESTER)
        self.refused("Added alias @example.org", "Alias info@example.org delivers there by now")

    def test_a_domain_that_is_gone(self, domain: Domain, jean: Mailbox) -> None:
        delete_mailbox(jean, by=TESTER)
        delete_domain(domain, by=TESTER)
        self.refused("Deleted mailbox jean@example.org", "example.org (domain) is gone since")

    def test_an_alias_that_is_gone(self, domain: Domain, jean: Mailbox) -> None:
        info = add_alias(domain, "info", ["jean@example.org", ELSEWHERE], by=TESTER)
        delete_mailbox(jean, by=TESTER)
        delete_alias(info, by=TESTER)
        self.refused("Deleted mailbox jean@example.org", "info@example.org (alias) was deleted since")

    def test_a_loop(self, domain: Domain, jean: Mailbox) -> None:
        x = add_alias(domain, "x", ["jean@example.org"], by=TESTER)
        y = add_alias(domain, "y", ["x@example.org"], by=TESTER)
        change_alias(y, destinations=[ELSEWHERE], by=TESTER)
        change_alias(x, destinations=["y@example.org"], by=TESTER)
        self.refused("Changed alias y@example.org", "This would be a loop")

    def test_a_class_that_has_no_mailboxes(self, domain: Domain, jean: Mailbox) -> None:
        delete_mailbox(jean, by=TESTER)
        change_domain(domain, address_class="virtual_alias", by=TESTER)
        self.refused("Deleted mailbox jean@example.org", "which has no mailboxes")

    def test_a_class_that_no_longer_fits(self, domain: Domain) -> None:
        change_domain(domain, address_class="virtual_alias", by=TESTER)
        change_domain_back = last("Changed domain example.org")
        add_domain("brand.example", address_class="alias_domain", target=domain, by=TESTER)
        undo_change_set(change_domain_back, by=TESTER)
        self.refused("Added domain example.org", "There is more by now: ")

    def refused(self, change_set: str | ChangeSet, *words: str) -> None:
        found = last(change_set) if isinstance(change_set, str) else change_set
        with nothing_changes():
            obstacles = " ".join(preview_of_undo(found, by=TESTER).obstacles)
        assert all(word in obstacles for word in words), obstacles
        with refusal(*words):
            undo_change_set(found, by=TESTER)


def test_a_preview_shows_all_and_does_nothing(domain: Domain, jean: Mailbox) -> None:
    add_alias(domain, "info", ["jean@example.org"], by=TESTER)
    delete_mailbox(jean, by=TESTER)
    with nothing_changes():
        preview = preview_of_undo(last("Deleted mailbox jean@example.org"), by=TESTER)
    assert preview.obstacles == []
    shown = {(event.noun, event.kind, event.subject) for event in preview.events}
    assert {("mailbox", "added", "jean@example.org"), ("alias", "added", "info@example.org")} <= shown
    assert "comes back without a password" in preview.remarks[0]


def test_a_destination_finds_a_place_among_new_ones(domain: Domain, jean: Mailbox) -> None:
    info = add_alias(domain, "info", ["jean@example.org", ELSEWHERE], by=TESTER)
    delete_mailbox(jean, by=TESTER)
    change_alias(info, destinations=["one@elsewhere.example", "two@elsewhere.example"], by=TESTER)
    undo("Deleted mailbox jean@example.org")
    assert destinations_of(info) == ["one@elsewhere.example", "two@elsewhere.example", "jean@example.org"]


def test_it_raises_what_the_preview_says(jean: Mailbox) -> None:
    with pytest.raises(ValidationError):
        undo_change_set(ChangeSet(metadata={}), by=TESTER)


def test_a_rename_goes_back(domain: Domain, jean: Mailbox) -> None:
    info = add_alias(domain, "info", ["jean@example.org"], by=TESTER)
    user = owner_of(jean, by=TESTER)
    rename_address(jean.address, domain, "john", keep_old=True, by=TESTER)
    assert destinations_of(info) == ["john@example.org"]
    undo("Renamed mailbox jean@example.org → john@example.org")
    assert addresses() == {"jean@example.org", "info@example.org"}
    assert destinations_of(info) == ["jean@example.org"]
    user.refresh_from_db()
    assert user.name == "jean@example.org"


def test_lookup_tables_keep_their_rules(db: None) -> None:
    add_entry(SenderRelay, "jean@example.org", "[a.example]", by=TESTER)
    undo("Added the relay of sender jean@example.org")
    first = add_entry(Canonical, "a@example.org", "b@example.org", by=TESTER)
    delete_entry(first, by=TESTER)
    add_entry(Canonical, "b@example.org", "a@example.org", by=TESTER)
    with refusal("This goes round in a circle"):
        undo_change_set(last("Deleted canonical address a@example.org"), by=TESTER)


def passwords_of_relays() -> list[str]:
    return [decrypted(one.token) for one in RelayPassword.objects.filter(retired_at=None)]


def test_a_relay_comes_back_with_its_password(db: None) -> None:
    relay = add_entry(SenderRelay, "@example.org", "[a.example]", username="us", password="a long one", by=TESTER)
    delete_entry(relay, by=TESTER)
    assert passwords_of_relays() == []
    undo("Deleted the relay of sender @example.org")
    assert passwords_of_relays() == ["a long one"]
    undo("Undid: Deleted the relay of sender @example.org")
    assert (SenderRelay.objects.count(), passwords_of_relays()) == (0, [])


def test_a_relay_signs_in_again_with_its_password(db: None) -> None:
    relay = add_entry(SenderRelay, "@example.org", "[a.example]", username="us", password="a long one", by=TESTER)
    change_entry(relay, username="", result="[b.example]", by=TESTER)
    assert passwords_of_relays() == []
    undo("Changed the relay of sender @example.org")
    assert passwords_of_relays() == ["a long one"]


def test_a_relay_does_not_come_back_when_its_password_was_purged(db: None) -> None:
    relay = add_entry(SenderRelay, "@example.org", "[a.example]", username="us", password="a long one", by=TESTER)
    delete_entry(relay, by=TESTER)
    purge_passwords()
    assert RelayPassword.objects.exists()
    RelayPassword.objects.update(retired_at=timezone.now() - KEPT - timedelta(minutes=1))
    purge_passwords()
    assert not RelayPassword.objects.exists()
    with refusal("@example.org signs in at the relay is not kept any longer"):
        undo_change_set(last("Deleted the relay of sender @example.org"), by=TESTER)
