"""Links for a new password: where they lead, what they outlive, and who asked. tests/dovecot really sends them."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.models import ChangeSet
from dns_records.services import change_dns_settings
from domains.models import Domain
from jobs.models import Job
from mailboxes.models import Mailbox, PasswordLink, RecoveryAddress
from mailboxes.recovery import delete_recovery_address, link_of, new_token, set_recovery_address
from mailboxes.services import add_alias
from tests.plugins.example_mail import TESTER
from tests.plugins.people import mailbox_with_password, words_of

JEAN = "jean@falcot.org"


@pytest.fixture
def jean(falcot: Domain) -> Mailbox:
    jean = mailbox_with_password(JEAN)
    RecoveryAddress.objects.create(mailbox=jean, address="jean@elsewhere.example", confirmed_at=timezone.now())
    return jean


def asked(**headers: str) -> Job:
    """The job that sends the link."""
    assert Client(headers=headers).post("/sign-in/forgotten/", {"address": JEAN}).status_code == 302
    return Job.objects.get(kind="password_link")


def test_it_leads_to_the_panel_of_the_settings(jean: Mailbox, settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["panel.falcot.org", "testserver"]
    change_dns_settings(panel_host="panel.falcot.org", by=TESTER)
    assert asked().arguments["url"].startswith("http://panel.falcot.org/sign-in/")


@pytest.mark.parametrize("panel_host", ["", "refused-here.falcot.org"])
def test_else_to_where_the_panel_was_reached(jean: Mailbox, settings: LazySettings, panel_host: str) -> None:
    settings.ALLOWED_HOSTS = ["panel.falcot.org"]
    change_dns_settings(panel_host=panel_host, by=TESTER)
    assert asked(host="panel.falcot.org").arguments["url"].startswith("http://panel.falcot.org/sign-in/")


def test_who_asks_is_not_known(jean: Mailbox) -> None:
    asked()
    change_set = ChangeSet.objects.get(metadata__verb="ask_reset")
    assert (change_set.value("who"), change_set.value("host")) == ("somebody who is not signed in", "127.0.0.1")


@pytest.mark.parametrize("is_deleted", [True, False])
def test_a_link_does_not_outlive_the_address_it_was_sent_to(jean: Mailbox, is_deleted: bool) -> None:
    about = {"mailbox": jean, "address": "jean@elsewhere.example", "purpose": "reset"}
    token = new_token(PasswordLink.objects.create(**about, expires_at=timezone.now() + timedelta(hours=1)))
    if is_deleted:
        delete_recovery_address(RecoveryAddress.objects.get(), by=TESTER)
    else:
        set_recovery_address(jean, "jean@other.example", url="https://panel.example/", language="en", by=TESTER)
    with pytest.raises(ValidationError, match="no longer good"):
        link_of(token, "reset")
    assert PasswordLink.objects.filter(used_at=None).count() == (0 if is_deleted else 1)


@pytest.mark.parametrize(
    "text",
    [
        "Jean@falcot.com",
        "jean+me@falcot.org",
        "webmaster@falcotsbrand.com",
        "jean@falcotsbrand.com",
        "back@falcot.org",
    ],
)
def test_no_spelling_of_the_mailbox_itself_is_taken(jean: Mailbox, falcot: Domain, text: str) -> None:
    add_alias(falcot, "back", ["webmaster@falcotsbrand.com"], by=TESTER)
    with pytest.raises(ValidationError, match="This is the mailbox itself"):
        set_recovery_address(jean, text, url="https://panel.example/", language="en", by=TESTER)


@pytest.mark.parametrize("text", ["laure@falcot.com", "team@falcot.org", "nobody@falcot.org", "jean@example.net"])
def test_what_somebody_else_reads_as_well_is_taken(jean: Mailbox, falcot: Domain, text: str) -> None:
    add_alias(falcot, "team", ["jean@falcot.org", "laure@falcot.org"], by=TESTER)
    set_recovery_address(jean, text, url="https://panel.example/", language="en", by=TESTER)
    assert RecoveryAddress.objects.get().address == text


def test_an_administrator_deletes_it(jean: Mailbox, bob_client: Client) -> None:
    assert "jean@elsewhere.example" in words_of(bob_client.get(f"/mailboxes/{JEAN}/"))
    url = f"/mailboxes/{JEAN}/recovery-address/delete/"
    assert "Delete jean@elsewhere.example?" in words_of(bob_client.get(url))
    assert "Deleted the recovery address of jean@falcot.org." in words_of(bob_client.post(url, follow=True))
    assert not RecoveryAddress.objects.exists()
    assert bob_client.get(url).status_code == 404


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_who_stops_a_mailbox_is_told_that_it_stays(jean: Mailbox, bob_client: Client, is_confirmed: bool) -> None:
    sentence = "From the release on jean@elsewhere.example gets links for a new password again."
    if not is_confirmed:
        RecoveryAddress.objects.update(confirmed_at=None)
    assert (sentence in words_of(bob_client.get(f"/mailboxes/{JEAN}/stop/"))) is is_confirmed
    bob_client.post(f"/mailboxes/{JEAN}/stop/")
    assert (sentence in words_of(bob_client.get(f"/mailboxes/{JEAN}/"))) is is_confirmed
