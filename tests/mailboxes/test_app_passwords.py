"""The pages about app passwords: the owner adds and revokes, a domain admin sees and revokes."""

import re

import pytest
from django.test import Client

from mailboxes.models import AppPassword, Mailbox
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, OWNER

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(db: None) -> Client:
    people.move_in()
    return people.signed_in(OWNER)


def test_it_works(owner: Client) -> None:
    page = owner.post("/my-mailbox/app-passwords/add/", {"name": "Laptop", "imap": "on"}).content.decode()
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
    page = owner.post("/my-mailbox/app-passwords/add/", {"name": "Phone", "imap": "on"}).content.decode()
    assert "There is an app password of this name already." in page
    page = owner.post("/my-mailbox/app-passwords/add/", {"name": "Laptop"}).content.decode()
    assert "Choose at least one thing that the app password is for." in page


def test_it_opens_no_page(owner: Client) -> None:
    page = owner.post("/my-mailbox/app-passwords/add/", {"name": "Laptop", "imap": "on"}).content.decode()
    text = re.search(r"<code>([a-z2-9-]{31})</code>", page)[1]  # type: ignore[index]
    answer = Client().post("/sign-in/", {"username": "jean@falcot.org", "password": text})
    assert "do not belong together" in answer.content.decode()


def test_a_domain_admin_sees_and_revokes(owner: Client) -> None:
    one = AppPassword.objects.get(name="Phone")
    claire = people.signed_in(DOMAIN_ADMIN)
    assert "Phone" in claire.get("/mailboxes/jean@falcot.org/app-passwords/").content.decode()
    assert claire.post(f"/mailboxes/jean@falcot.org/app-passwords/{one.pk}/revoke/").status_code == 302
    assert not Mailbox.objects.get(address__local_part="jean").app_passwords.exists()
