"""The pages of the lookup tables: the list, a row, and what is said about main.cf."""

import pytest
from django.test import Client

from lookup_tables.demo import load_demo
from lookup_tables.models import Bcc, Relocated, SenderRelay, TlsPolicy, Transport
from lookup_tables.nouns import NOUNS, Noun
from lookup_tables.services import add_entry, change_entry
from mailboxes.models import AppPassword, Mailbox, RecoveryAddress
from tests.plugins.example_mail import TESTER
from tests.plugins.people import words_of

AGAIN = "Write the configuration again on the mail host"
BASE = "/mail-servers"


def test_it_works(alice_client: Client) -> None:
    row = {"key": "Example.org", "result": "smtp:[mx.example.org]", "comment": "By the old road", "active": "on"}
    response = alice_client.post(f"{BASE}/transports/add/", row, follow=True)
    assert response.redirect_chain == [(f"{BASE}/transports/", 302)]
    words = words_of(response)
    assert "Added example.org. It works at once" in words
    assert AGAIN in words
    assert "example.org smtp:[mx.example.org] By the old road Active" in words


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.name)
def test_an_empty_table_offers_the_first_row(alice_client: Client, noun: Noun) -> None:
    words = words_of(alice_client.get(f"{BASE}/{noun.slug}/"))
    assert "Nothing here yet" in words
    assert str(noun.lead) in words
    assert all(parameter in words for parameter in noun.model.parameters.values())


def test_a_second_row_needs_no_new_configuration(alice_client: Client) -> None:
    add_entry(Transport, "a.example", "smtp:", by=TESTER)
    response = alice_client.post(
        f"{BASE}/transports/add/", {"key": "b.example", "result": "smtp:", "active": "on"}, follow=True
    )
    assert AGAIN not in words_of(response)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"key": ""}, "This cannot be empty."),
        ({"key": "a b"}, "is not a domain name"),
        ({"result": "nowhere"}, "“nowhere” is no transport."),
        ({"key": "there.example"}, "There is a transport for this already."),
    ],
)
def test_what_is_refused(alice_client: Client, typed: dict[str, str], sentence: str) -> None:
    add_entry(Transport, "there.example", "smtp:", by=TESTER)
    row = {"key": "new.example", "result": "smtp:", "active": "on"}
    words = words_of(alice_client.post(f"{BASE}/transports/add/", row | typed))
    assert "Not added yet" in words
    assert sentence in words
    assert Transport.objects.count() == 1


def test_filters_and_pages(alice_client: Client) -> None:
    for number in range(60):
        add_entry(Bcc, f"a{number:02}@example.org", "b@example.org", applies_to="sender", by=TESTER)
    add_entry(Bcc, "a00@example.org", "b@example.org", by=TESTER)
    first = alice_client.get(f"{BASE}/bcc/")
    second = alice_client.get(f"{BASE}/bcc/?after={first.context['page'].next}")
    assert len(first.context["page"].rows) + len(second.context["page"].rows) == 61
    only = alice_client.get(f"{BASE}/bcc/?applies_to=recipient&q=A0&state=active")
    assert [row.key for row in only.context["page"].rows] == ["a00@example.org"]


def test_nobody_overwrites_a_colleague(alice_client: Client) -> None:
    policy = add_entry(TlsPolicy, "example.org", "may", by=TESTER)
    row = {"key": "example.org", "result": "encrypt", "active": "on", "version": "0"}
    assert "Somebody else changed this" in words_of(alice_client.post(policy.get_absolute_url(), row))


def test_a_password_is_never_shown(alice_client: Client) -> None:
    relay = add_entry(SenderRelay, "@example.org", "[mx.example.net]", username="us", password="our secret", by=TESTER)
    page = alice_client.get(relay.get_absolute_url()).content.decode()
    assert 'value="us"' in page
    assert "our secret" not in page
    wrong = {"key": "", "result": "[mx.example.net]", "username": "us", "password": "our secret"}
    assert "our secret" not in alice_client.post(relay.get_absolute_url(), wrong).content.decode()


def test_the_question_before_it_is_deleted(alice_client: Client) -> None:
    gone = add_entry(Relocated, "ann@example.org", "ann@example.net", by=TESTER)
    url = f"{gone.get_absolute_url()}delete/"
    assert "Postfix no longer finds ann@example.net for ann@example.org." in words_of(alice_client.get(url))
    words = words_of(alice_client.post(url, follow=True))
    assert "Deleted ann@example.org." in words
    assert AGAIN in words
    assert not Relocated.objects.exists()


def test_what_somebody_else_changed_meanwhile_stays(alice_client: Client) -> None:
    seen = add_entry(Relocated, "ann@example.org", "ann@example.net", by=TESTER)
    url = f"{seen.get_absolute_url()}delete/"
    assert f'name="version" value="{seen.version}"' in alice_client.get(url).content.decode()
    change_entry(seen, comment="Why it stays", by=TESTER)
    words = words_of(alice_client.post(url, {"version": str(seen.version)}))
    assert "Somebody else changed this" in words
    assert Relocated.objects.exists()


def test_the_history_reads_in_words(alice_client: Client) -> None:
    add_entry(Bcc, "ann@example.org", "box@example.org", applies_to="sender", by=TESTER)
    words = words_of(alice_client.get("/history/"))
    assert "Added a BCC of the mail of ann@example.org" in words
    assert "mail from it" in words


def test_the_demonstration_has_a_row(db: None) -> None:
    assert load_demo(by=TESTER)
    assert not load_demo(by=TESTER)
    assert Relocated.objects.get().key == "pierre@falcot.org"
    assert [str(one.mailbox) for one in AppPassword.objects.all()] == ["laure@falcot.org"]
    assert [str(one.mailbox) for one in RecoveryAddress.objects.exclude(confirmed_at=None)] == ["laure@falcot.org"]
    assert [str(one) for one in Mailbox.objects.in_state("stopped")] == ["roland@falcot.org"]
