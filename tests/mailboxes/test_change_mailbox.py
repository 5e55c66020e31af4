"""A mailbox: its page, its password, its end."""

import re

import pytest
from django.test import Client

from domains.models import Domain
from mailboxes.credentials import is_password
from mailboxes.models import Alias, Mailbox, RecoveryAddress
from mailboxes.services import add_mailbox
from tests.plugins.example_mail import TESTER, add_alias
from tests.plugins.people import mailbox_of, words_of

URL = "/mailboxes/jean@falcot.org/"
AS_IT_IS = {
    "name": "Jean Falcot",
    "quota": "10",
    "quota_unit": "GB",
    "active": "on",
    "receives": "on",
    "sends": "on",
    "imap": "on",
    "pop": "on",
    "version": "1",
    "also_deliver_to": "",
}
NEW = "several other words"


def test_it_works(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post(URL, AS_IT_IS | {"quota": "512", "quota_unit": "MB", "name": "Jean"}, follow=True)
    assert "Saved mailbox jean@falcot.org." in words_of(response)
    mailbox = mailbox_of("jean@falcot.org")
    assert (mailbox.name, mailbox.quota_bytes, mailbox.active) == ("Jean", 512 * 1024**2, True)


def test_what_is_not_changed_stays_to_the_byte(bob_client: Client, falcot: Domain) -> None:
    Mailbox.objects.filter(address__local_part="jean").update(quota_bytes=1_234_567)
    form = bob_client.get(URL).context["form"]
    bob_client.post(URL, {name: form.initial[name] or "" for name in form.fields} | {"name": "Jean"})
    assert mailbox_of("jean@falcot.org").quota_bytes == 1_234_567


def test_what_a_colleague_changed_meanwhile_is_not_overwritten(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(URL, AS_IT_IS | {"name": "First"})
    response = bob_client.post(URL, AS_IT_IS | {"name": "Second"})
    assert "Somebody else changed this while you were typing." in words_of(response)
    assert mailbox_of("jean@falcot.org").name == "First"


def test_copies_are_added_changed_and_ended_here(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(URL, AS_IT_IS | {"also_deliver_to": "jean@example.net"})
    assert "jean@example.net" in bob_client.get(URL).content.decode()
    alias = Alias.objects.get(address__local_part="jean", address__domain=falcot)
    assert [str(destination) for destination in alias.destinations.all()] == ["jean@example.net"]
    bob_client.post(URL, AS_IT_IS | {"version": "2"})
    assert not Alias.objects.filter(pk=alias.pk).exists()


def test_who_delivers_here_is_shown(bob_client: Client, falcot: Domain) -> None:
    add_alias("desk@falcot.org", "jean@falcot.org")
    assert "Aliases that deliver here webmaster@falcotsbrand.com desk@falcot.org" in words_of(bob_client.get(URL))


def test_a_new_password(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post(f"{URL}password/", {"password": NEW, "again": NEW}, follow=True)
    assert "The password of jean@falcot.org was changed." in words_of(response)
    assert is_password(NEW, mailbox_of("jean@falcot.org").credential.hash)


def test_the_recovery_address_is_shown_and_goes_with_the_password(bob_client: Client, falcot: Domain) -> None:
    recovery = RecoveryAddress.objects.create(mailbox=mailbox_of("jean@falcot.org"), address="j@elsewhere.example")
    assert "Recovery address j@elsewhere.example not confirmed yet" in words_of(bob_client.get(URL))
    assert "The recovery address j@elsewhere.example is deleted" in words_of(bob_client.get(f"{URL}password/"))
    bob_client.post(f"{URL}password/", {"password": NEW, "again": NEW})
    assert not RecoveryAddress.objects.filter(pk=recovery.pk).exists()
    assert "Recovery address none" in words_of(bob_client.get(URL))


def test_two_different_passwords_are_none(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post(f"{URL}password/", {"password": NEW, "again": "something else"})
    assert "The two passwords differ. Type the same one twice." in words_of(response)
    assert not hasattr(mailbox_of("jean@falcot.org"), "credential")


def test_deleting_it_names_what_is_lost(bob_client: Client, falcot: Domain) -> None:
    words = words_of(bob_client.get(f"{URL}delete/"))
    assert "Mail to jean@falcot.org is refused from then on." in words
    assert "The files at falcot.org/jean/ stay where they are." in words
    assert Mailbox.objects.filter(address__local_part="jean").exists()
    response = bob_client.post(f"{URL}delete/", follow=True)
    assert "Deleted mailbox jean@falcot.org." in words_of(response)
    assert not Mailbox.objects.filter(address__local_part="jean").exists()


@pytest.mark.parametrize(
    "local_part", ['"a b"', "a/b", "a/../b", "~1", "o'brien", "100#?&=", '"qu\\"ote"', "+plus", "a.b"]
)
def test_every_address_has_a_url_that_leads_back(alice_client: Client, falcot: Domain, local_part: str) -> None:
    quoted = f'"{local_part}"' if ".." in local_part else local_part
    mailbox = add_mailbox(falcot, quoted, by=TESTER)
    url = mailbox.get_absolute_url()
    assert "/../" not in url
    assert alice_client.get(url).context["mailbox"] == mailbox
    assert alice_client.get(f"{url}delete/").context["mailbox"] == mailbox


def test_a_slash_may_be_typed_as_it_is(alice_client: Client, falcot: Domain) -> None:
    mailbox = add_mailbox(falcot, "a/b", by=TESTER)
    assert alice_client.get("/mailboxes/a/b@falcot.org/").context["mailbox"] == mailbox


@pytest.mark.parametrize(
    "address", ["nobody@falcot.org", "a%00b@falcot.org", "jean", "@falcot.org", "a%20b@falcot.org", "x" * 900]
)
def test_what_is_not_there_is_not_found(alice_client: Client, falcot: Domain, address: str) -> None:
    assert alice_client.get(f"/mailboxes/{address}/").status_code == 404


@pytest.mark.parametrize("tab", ["", "password/", "delete/"])
def test_a_stranger_finds_nothing(charlie_client: Client, falcot: Domain, tab: str) -> None:
    assert charlie_client.get(f"{URL}{tab}").status_code == 404
    assert charlie_client.post(f"{URL}{tab}").status_code == 404
    assert Mailbox.objects.count() == 3


def test_the_answer_of_somebody_else_does_not_say_you(bob_client: Client, falcot: Domain) -> None:
    words = words_of(bob_client.get(f"{URL}out-of-office/"))
    assert "Whoever writes to this mailbox gets it." in words
    assert not {"you", "yours"} & set(re.findall("[a-z]+", words.lower()))
