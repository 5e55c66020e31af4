"""Adding a mailbox on its page."""

import pytest
from django.test import Client

from domains.models import Domain
from mailboxes.credentials import is_password
from mailboxes.models import Alias, Mailbox
from tests.plugins.people import mailbox_of, words_of

URL = "/domains/falcot.org/mailboxes/add/"
WANTED = {
    "local_part": "pierre",
    "name": "Pierre",
    "quota": "1.5",
    "quota_unit": "GB",
    "mail_format": "maildir",
    "active": "on",
    "receives": "on",
    "sends": "on",
    "imap": "on",
    "pop": "on",
}


def test_it_works(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post(URL, WANTED | {"password": "a good long one"}, follow=True)
    assert response.redirect_chain == [("/mailboxes/pierre@falcot.org/", 302)]
    assert "Added mailbox pierre@falcot.org. Mail arrives at once: Postfix reads the database." in words_of(response)
    mailbox = mailbox_of("pierre@falcot.org")
    assert (mailbox.name, mailbox.quota_bytes, mailbox.mail_path) == ("Pierre", 1_610_612_736, "falcot.org/pierre/")
    assert is_password("a good long one", mailbox.credential.hash)


def test_without_quota_and_password(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(URL, {"local_part": "pierre", "mail_format": "mbox", "active": "on"})
    mailbox = mailbox_of("pierre@falcot.org")
    assert (mailbox.quota_bytes, mailbox.mail_format, hasattr(mailbox, "credential")) == (None, "mbox", False)


def test_copies_may_go_on(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(URL, WANTED | {"also_deliver_to": "laure@falcot.org, pierre@example.net"})
    alias = Alias.objects.get(address__local_part="pierre")
    assert [str(destination) for destination in alias.destinations.with_targets()] == [
        "laure@falcot.org",
        "pierre@example.net",
    ]


def test_the_whole_address_means_the_same(bob_client: Client, falcot: Domain) -> None:
    bob_client.post(URL, WANTED | {"local_part": "Pierre@Falcot.org"})
    assert mailbox_of("pierre@falcot.org").name == "Pierre"


def test_and_start_another(bob_client: Client, falcot: Domain) -> None:
    assert bob_client.post(URL, WANTED | {"again": "1"})["Location"] == URL


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"local_part": ""}, "This cannot be empty."),
        (
            {"local_part": "jean"},
            "jean@falcot.org is a mailbox already. Choose another local part, or change the mailbox.",
        ),
        ({"local_part": "JEAN"}, "jean@falcot.org is a mailbox already."),
        ({"local_part": "a b"}, "“a b” is not an address. Put the part before the @ in quotes if you mean it."),
        ({"local_part": "pierre@example.org"}, "This adds an address of falcot.org. Type the part before the @ only."),
        ({"local_part": '"a@b"'}, "holds one of @ % !"),
        ({"local_part": "|/bin/sh"}, "begins with one of - | / :"),
        ({"local_part": "josé"}, "holds letters beyond ASCII"),
        ({"local_part": "a\0b"}, "Null characters are not allowed."),
        ({"local_part": "x" * 65}, "has 65 characters. 64 are allowed."),
        ({"local_part": "x" * 4000}, "Ensure this value has at most 320 characters"),
        ({"quota": "much"}, "This is not a number. Type one, for example 10 or 1.5."),
        ({"quota": "-1"}, "Ensure this value is greater than or equal to 0."),
        ({"quota": "99999999999"}, "Ensure that there are no more than 9 digits before the decimal point."),
        ({"quota": "NaN"}, "This is not a number."),
        ({"quota": "1e300"}, "Ensure that there are no more than"),
        ({"quota": "0.0000001", "quota_unit": "MB"}, "Ensure that there are no more than 3 decimal places."),
        ({"quota_unit": "PB"}, "Select a valid choice."),
        ({"password": "short"}, "This password has 5 characters. Choose one with 8 or more."),
        ({"password": "with a \0 in it"}, "Null characters are not allowed."),
        ({"password": "ü" * 40}, "This password takes 80 bytes."),
        ({"also_deliver_to": "jean@"}, "“jean@” has no domain."),
        ({"also_deliver_to": "nobody@falcot.org"}, "has no address nobody@falcot.org"),
        ({"mail_format": "mh"}, "Select a valid choice."),
    ],
)
def test_what_does_not_do_is_a_sentence(
    bob_client: Client, falcot: Domain, typed: dict[str, str], sentence: str
) -> None:
    response = bob_client.post(URL, WANTED | typed)
    assert response.status_code == 200
    assert sentence in words_of(response)
    assert "<title>Error:" in response.content.decode()
    assert Mailbox.objects.count() == 3


def test_a_superuser_may_choose_the_path(alice_client: Client, falcot: Domain) -> None:
    alice_client.post(URL, WANTED | {"mail_path": "old/place/pierre/"})
    assert mailbox_of("pierre@falcot.org").mail_path == "old/place/pierre/"


def test_a_domain_admin_may_not(bob_client: Client, falcot: Domain) -> None:
    assert "Mail path" not in words_of(bob_client.get(URL))
    bob_client.post(URL, WANTED | {"mail_path": "falcot.org/jean/"})
    assert mailbox_of("pierre@falcot.org").mail_path == "falcot.org/pierre/"


def test_a_virtual_alias_domain_has_none(alice_client: Client, falcot: Domain) -> None:
    response = alice_client.post("/domains/falcotsbrand.com/mailboxes/add/", WANTED)
    assert "falcotsbrand.com is of the class “virtual alias”, which has no mailboxes." in words_of(response)
    assert "No mailboxes here" in words_of(alice_client.get("/domains/falcotsbrand.com/mailboxes/"))


def test_a_form_of_10_megabytes_is_refused_with_a_sentence(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post(URL, WANTED | {"name": "x" * 10_000_000})
    assert response.status_code == 413
    assert "A form may hold 2 MB and 1,000 fields. Nothing was changed." in words_of(response)
    assert Mailbox.objects.count() == 3
