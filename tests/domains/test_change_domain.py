"""The settings of a domain, and its page."""

import pytest
from django.test import Client

from domains.models import Domain
from tests.plugins.people import words_of

URL = "/domains/falcot.org/settings/"
AS_IT_IS = {
    "address_class": "virtual_mailbox",
    "target": "",
    "description": "Falcot Corp",
    "active": "on",
    "version": "1",
}


def test_it_works(alice_client: Client, falcot: Domain) -> None:
    response = alice_client.post(URL, AS_IT_IS | {"description": "The company"}, follow=True)
    assert "Saved the settings of falcot.org." in words_of(response)
    falcot.refresh_from_db()
    assert (falcot.description, falcot.active) == ("The company", True)


def test_a_suspended_domain_says_so_everywhere(alice_client: Client, falcot: Domain) -> None:
    alice_client.post(URL, AS_IT_IS | {"suspended": "on"})
    falcot.refresh_from_db()
    assert (falcot.suspended, falcot.active) == (True, True)
    words = words_of(alice_client.get("/domains/falcot.org/"))
    assert "New mail is put off for a time falcot.org is suspended." in words
    assert "Its target falcot.org is suspended." in words_of(alice_client.get("/domains/falcot.com/"))
    assert "suspended" not in words_of(alice_client.get("/domains/falcotsbrand.com/"))
    shown = {
        state: [row.name for row in alice_client.get(f"/domains/?state={state}").context["page"].rows]
        for state in ("active", "suspended", "inactive")
    }
    assert shown == {"active": ["falcot.com", "falcotsbrand.com"], "suspended": ["falcot.org"], "inactive": []}
    assert "Corp 3 0 just now Suspended" in words_of(alice_client.get("/domains/"))
    assert "suspended no → now yes" in words_of(alice_client.get("/domains/falcot.org/history/"))
    alice_client.post(URL, AS_IT_IS | {"version": "2"})
    falcot.refresh_from_db()
    assert falcot.state == "active"


def test_a_domain_admin_does_not_suspend(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(URL, AS_IT_IS | {"suspended": "on"})
    falcot.refresh_from_db()
    assert not falcot.suspended


def test_what_a_colleague_changed_meanwhile_is_not_overwritten(alice_client: Client, falcot: Domain) -> None:
    alice_client.post(URL, AS_IT_IS | {"description": "First"})
    response = alice_client.post(URL, AS_IT_IS | {"description": "Second"})
    assert "Somebody else changed this while you were typing." in words_of(response)
    assert "Load this page anew" in words_of(response)
    falcot.refresh_from_db()
    assert falcot.description == "First"


def test_a_class_that_its_mailboxes_do_not_fit_is_refused(alice_client: Client, falcot: Domain) -> None:
    response = alice_client.post(URL, AS_IT_IS | {"address_class": "virtual_alias"})
    assert "falcot.org has mailboxes. Delete them before you change its address class." in words_of(response)


def test_a_domain_admin_changes_the_description_and_nothing_else(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(URL, {"description": "By Bob", "version": "1", "address_class": "local"})
    falcot.refresh_from_db()
    assert (falcot.description, falcot.active, falcot.address_class) == ("By Bob", True, "virtual_mailbox")


@pytest.mark.parametrize("version", ["x", "9" * 40, "-1"])
def test_a_damaged_version_changes_nothing(alice_client: Client, falcot: Domain, version: str) -> None:
    response = alice_client.post(URL, AS_IT_IS | {"description": "Oops", "version": version})
    assert response.status_code == 200
    falcot.refresh_from_db()
    assert falcot.description == "Falcot Corp"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("falcot.org", "Postfix answers 550, user unknown."),
        ("falcot.com", "Every address answers for the target"),
        ("falcotsbrand.com", "Every other address delivers to @falcot.com"),
        ("FALCOT.ORG", "How mail for falcot.org is answered"),
    ],
)
def test_the_page_says_how_mail_is_answered(alice_client: Client, falcot: Domain, name: str, sentence: str) -> None:
    assert sentence in words_of(alice_client.get(f"/domains/{name}/"))


@pytest.mark.parametrize("name", ["nowhere.example", "a%00b", "a b", "falcot.org%0a", "x" * 500])
def test_what_is_not_there_is_not_found(alice_client: Client, falcot: Domain, name: str) -> None:
    assert alice_client.get(f"/domains/{name}/").status_code == 404


@pytest.mark.parametrize("tab", ["", "settings/", "mailboxes/", "aliases/", "history/"])
def test_a_stranger_finds_nothing(charlie_client: Client, falcot: Domain, tab: str) -> None:
    assert charlie_client.get(f"/domains/falcot.org/{tab}").status_code == 404
