"""The pages about app passwords: the owner adds and revokes, a domain admin sees and revokes."""

import re

import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.utils import timezone

from mailboxes.credentials import is_password
from mailboxes.models import AppPassword, Mailbox, MailboxCredential, RecoveryAddress
from mailboxes.services import change_mailbox
from mailboxes.stopping import stop_mailboxes
from tests.plugins import household as people
from tests.plugins.example_mail import TESTER
from tests.plugins.household import DOMAIN_ADMIN, OWNER
from tests.plugins.people import words_of

pytestmark = pytest.mark.django_db
ADD = "/my-mailbox/app-passwords/add/"
LAPTOP = {"name": "Laptop", "imap": "on", "current": people.PASSWORDS[OWNER]}


@pytest.fixture
def owner(db: None) -> Client:
    people.move_in()
    return people.signed_in(OWNER)


def test_it_works(owner: Client) -> None:
    page = owner.post(ADD, LAPTOP).content.decode()
    found = re.search(r"<code>([a-z2-9-]{31})</code>", page)
    assert found
    one = AppPassword.objects.get(name="Laptop")
    assert (one.imap, one.pop, one.sends, one.expires_at) == (True, False, False, None)
    page = owner.get("/my-mailbox/app-passwords/").content.decode()
    assert "Laptop" in page
    assert found[1] not in page
    owner.post(f"/my-mailbox/app-passwords/{one.pk}/revoke/")
    assert not AppPassword.objects.filter(name="Laptop").exists()


def test_what_is_refused_is_said_at_its_field(owner: Client) -> None:
    page = owner.post(ADD, LAPTOP | {"name": "Phone"}).content.decode()
    assert "There is an app password of this name already." in page
    page = owner.post(ADD, LAPTOP | {"imap": ""}).content.decode()
    assert "Choose at least one thing that the app password is for." in page


@pytest.mark.parametrize(
    ("url", "form"),
    [
        (ADD, LAPTOP),
        ("/my-mailbox/recovery-address/", {"address": "jean@other.example"}),
        ("/my-mailbox/password/", {"password": "jean has a better one", "again": "jean has a better one"}),
    ],
)
def test_whoever_found_an_open_session_has_ten_guesses(owner: Client, url: str, form: dict[str, str]) -> None:
    for number in range(9):
        page = owner.post(url, form | {"current": f"guess {number}"})
        assert "This is not your current password." in words_of(page)
    for current in ("guess 9", people.PASSWORDS[OWNER]):
        page = owner.post(url, form | {"current": current})
        assert (page.status_code, "Too many attempts" in words_of(page)) == (429, True)
    assert owner.get("/my-mailbox/").status_code == 200
    assert is_password(people.PASSWORDS[OWNER], MailboxCredential.objects.get().hash)
    assert not AppPassword.objects.filter(name="Laptop").exists()
    assert RecoveryAddress.objects.get().address == "jean@elsewhere.example"
    assert not any("guess" in attempt.post_data for attempt in AccessAttempt.objects.all())


def test_it_is_added_from_wherever_the_session_is(owner: Client) -> None:
    """A session outlives what an administrator allows for the next sign-in."""
    change_mailbox(Mailbox.objects.get(address__local_part="jean"), allowed_networks=["192.0.2.0/24"], by=TESTER)
    owner.post(ADD, LAPTOP)
    assert AppPassword.objects.filter(name="Laptop").exists()


def test_it_opens_no_page(owner: Client) -> None:
    page = owner.post(ADD, LAPTOP).content.decode()
    text = re.search(r"<code>([a-z2-9-]{31})</code>", page)[1]  # type: ignore[index]
    answer = Client().post("/sign-in/", {"username": "jean@falcot.org", "password": text})
    assert "do not belong together" in answer.content.decode()


def test_a_domain_admin_sees_and_revokes(owner: Client) -> None:
    one = AppPassword.objects.get(name="Phone")
    claire = people.signed_in(DOMAIN_ADMIN)
    assert "Phone" in claire.get("/mailboxes/jean@falcot.org/app-passwords/").content.decode()
    assert claire.post(f"/mailboxes/jean@falcot.org/app-passwords/{one.pk}/revoke/").status_code == 302
    assert not Mailbox.objects.get(address__local_part="jean").app_passwords.exists()


def test_who_releases_a_mailbox_is_told_of_them(owner: Client) -> None:
    admin = people.signed_in(DOMAIN_ADMIN)
    mailbox = Mailbox.objects.get(app_passwords__name="Phone")
    stop_mailboxes([mailbox], by=TESTER)
    sentence = "1 app password is valid again from the release on."
    assert sentence in words_of(admin.get(mailbox.get_absolute_url()))
    mailbox.app_passwords.update(expires_at=timezone.now())
    assert "from the release on" not in words_of(admin.get(mailbox.get_absolute_url()))
