"""People of the panel: list, add, change, password, delete."""

import pytest
from django.test import Client

from accounts.models import ChangeSet, User
from domains.models import Domain
from domains.services import add_domain
from tests.plugins.example_mail import TESTER
from tests.plugins.people import words_of

NEW = "several other words together"
BOB = {"username": "bob", "name": "Bob Roy", "language": "", "is_active": "on"}


def test_it_works(alice_client: Client) -> None:
    response = alice_client.post(
        "/people/add/", {"username": "Dana@Falcot.org", "name": "Dana", "password": NEW}, follow=True
    )
    assert response.redirect_chain == [("/people/dana@falcot.org/", 302)]
    assert User.objects.get(username="dana@falcot.org").check_password(NEW)


def test_a_domain_admin_comes_with_the_domains(alice_client: Client, falcot: Domain) -> None:
    add_domain("other.example", by=TESTER)
    typed = {"username": "dana", "domains": "Falcot.org, other.example falcot.org"}
    before = ChangeSet.objects.count()
    response = alice_client.post("/people/add/", typed, follow=True)
    assert "Added dana, domain admin of falcot.org, other.example." in words_of(response)
    dana = User.objects.get(username="dana")
    assert set(dana.domains.values_list("name", flat=True)) == {"falcot.org", "other.example"}
    assert ChangeSet.objects.count() == before + 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"domains": "no.example"}, "no.example is not here yet. Add it first, or correct the name."),
        ({"domains": "falcot.org", "is_superuser": "on"}, "A superuser manages every domain. Leave this empty."),
    ],
)
def test_whom_no_domain_gets(alice_client: Client, falcot: Domain, typed: dict[str, str], sentence: str) -> None:
    response = alice_client.post("/people/add/", {"username": "dana"} | typed)
    assert response.context["form"].errors == {"domains": [sentence]}
    assert not User.objects.filter(username="dana").exists()


def test_the_next_step_is_a_link(alice_client: Client, falcot: Domain) -> None:
    """From a domain that nobody manages to a person, and back."""
    link = '<a href="/domains/falcot.org/settings/#h-admins">Add domain admin</a>'
    assert link in alice_client.get("/domains/falcot.org/").content.decode()
    link = '<a class="btn btn-quiet" href="/people/add/?domain=falcot.org">Add person</a>'
    assert link in alice_client.get("/domains/falcot.org/settings/").content.decode()
    assert 'value="falcot.org"' in alice_client.get("/people/add/?domain=falcot.org").content.decode()
    added = alice_client.post("/people/add/", {"username": "dana"}, follow=True).content.decode()
    assert 'settings page of a domain. <a href="/domains/">Choose a domain</a>' in added


def test_the_rule_of_passwords_is_said_before(alice_client: Client, bob: User) -> None:
    for url in ("/people/add/", "/people/bob/password/", "/account/"):
        assert "10 characters or more, and not easy to guess." in words_of(alice_client.get(url)), url


@pytest.mark.parametrize(
    ("username", "password", "sentence"),
    [
        ("", NEW, "This cannot be empty."),
        ("alice", NEW, "This user name is taken. Choose another one."),
        ("mailbox:7", NEW, "User names that begin with “mailbox:” belong to mailbox owners."),
        ("two words", NEW, "A user name holds lower-case letters, digits and . _ - + @ only."),
        ("a\0b", NEW, "Null characters are not allowed."),
        ("dana", "short", "This password is too short."),
    ],
)
def test_what_does_not_do_is_a_sentence(alice_client: Client, username: str, password: str, sentence: str) -> None:
    response = alice_client.post("/people/add/", {"username": username, "password": password})
    assert sentence in words_of(response)
    assert User.objects.count() == 1


def test_the_list_shows_people_not_owners(alice_client: Client, bob: User, sophie: User) -> None:
    words = words_of(alice_client.get("/people/"))
    assert "bob Bob Roy manage own domains" in words
    assert "mailbox:" not in words


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=B", ["bob"]),
        ("role=superuser", ["alice"]),
        ("role=domain_admin", ["bob"]),
        ("role=inactive", []),
        ("q=%00x", []),
    ],
)
def test_a_filter_stands_in_the_url(alice_client: Client, bob: User, query: str, names: list[str]) -> None:
    page = alice_client.get(f"/people/?{query}").context["page"]
    assert [person.username for person in page.rows] == names


def test_changing_one(alice_client: Client, bob: User) -> None:
    response = alice_client.post("/people/bob/", BOB | {"name": "Robert", "is_superuser": "on"}, follow=True)
    assert "Saved bob." in words_of(response)
    bob.refresh_from_db()
    assert (bob.name, bob.is_superuser, bob.is_active) == ("Robert", True, True)


def test_who_is_deactivated_is_out_at_once(alice_client: Client, bob_client: Client) -> None:
    alice_client.post("/people/bob/", {name: value for name, value in BOB.items() if name != "is_active"})
    assert bob_client.get("/")["Location"] == "/sign-in/?next=/"


def test_the_last_superuser_stays_one(alice_client: Client, alice: User) -> None:
    response = alice_client.post("/people/alice/", {"username": "alice", "is_active": "on"})
    assert "This is the last active superuser." in words_of(response)
    assert "This is the last active superuser." in words_of(alice_client.post("/people/alice/delete/"))
    alice.refresh_from_db()
    assert alice.is_superuser


def test_a_new_password_ends_the_sessions(alice_client: Client, bob_client: Client, bob: User) -> None:
    response = alice_client.post("/people/bob/password/", {"password": NEW, "again": NEW}, follow=True)
    assert "The password of bob was changed." in words_of(response)
    assert bob_client.get("/")["Location"] == "/sign-in/?next=/"


def test_deleting_one(alice_client: Client, bob: User) -> None:
    assert "1 domain loses this domain admin." in words_of(alice_client.get("/people/bob/delete/"))
    response = alice_client.post("/people/bob/delete/", follow=True)
    assert "Deleted bob." in words_of(response)
    assert not User.objects.filter(username="bob").exists()


@pytest.mark.parametrize(
    "url", ["/people/", "/people/add/", "/people/bob/", "/people/bob/password/", "/people/bob/delete/"]
)
def test_only_superusers_see_people(bob_client: Client, url: str) -> None:
    assert bob_client.get(url).status_code == 404
    assert bob_client.post(url).status_code == 404


def test_an_owner_is_no_person_of_the_panel(alice_client: Client, sophie: User) -> None:
    assert alice_client.get(f"/people/{sophie.username}/").status_code == 404
    assert alice_client.get("/people/a%00b/").status_code == 404
