"""Where mail programs ask by themselves: autoconfig and autodiscover, and the names of the servers."""

import xml.etree.ElementTree as ET

import pytest
from django.test import Client

from domains.models import Domain
from domains.services import change_domain
from mailboxes.server_names import change_server_names
from tests.plugins.example_mail import TESTER
from tests.plugins.people import words_of

AUTOCONFIG = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
AUTODISCOVER = "/autodiscover/autodiscover.xml"
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
QUESTION = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request><EMailAddress>{}</EMailAddress><AcceptableResponseSchema>x</AcceptableResponseSchema></Request>
</Autodiscover>"""


@pytest.fixture
def told(falcot: Domain) -> None:
    change_server_names(imap_host="imap.falcot.org", submission_host="mail.falcot.org", by=TESTER)


def servers_in(text: str) -> list[tuple[str | None, ...]]:
    return [
        (server.get("type"), *(server.findtext(name) for name in ("hostname", "port", "socketType", "username")))
        for server in ET.fromstring(text).iter()  # noqa: S314  our own answer
        if server.tag in ("incomingServer", "outgoingServer")
    ]


@pytest.mark.parametrize("path", [AUTOCONFIG, WELL_KNOWN])
def test_autoconfig(client: Client, told: None, path: str) -> None:
    answer = client.get(path, {"emailaddress": "Sophie@falcot.org"}, headers={"host": "autoconfig.falcot.org"})
    assert answer["Content-Type"].startswith("application/xml")
    assert servers_in(answer.content.decode()) == [
        ("imap", "imap.falcot.org", "993", "SSL", "sophie@falcot.org"),
        ("smtp", "mail.falcot.org", "465", "SSL", "sophie@falcot.org"),
        ("smtp", "mail.falcot.org", "587", "STARTTLS", "sophie@falcot.org"),
    ]


def test_it_does_not_tell_who_is_there(client: Client, told: None) -> None:
    there = client.get(AUTOCONFIG, {"emailaddress": "sophie@falcot.org"}).content.decode()
    nobody = client.get(AUTOCONFIG, {"emailaddress": "nobody@falcot.org"}).content.decode()
    assert there.replace("sophie", "nobody") == nobody
    known = client.post(AUTODISCOVER, QUESTION.format("sophie@falcot.org"), content_type="text/xml").content.decode()
    unknown = client.post(AUTODISCOVER, QUESTION.format("nobody@falcot.org"), content_type="text/xml").content.decode()
    assert known.replace("sophie", "nobody") == unknown


@pytest.mark.parametrize(
    ("host", "username"),
    [
        ("autoconfig.falcot.org", "%EMAILADDRESS%"),
        ("falcot.org:8443", "%EMAILADDRESS%"),
        ("autoconfig.falcot.com", "%EMAILLOCALPART%@falcot.org"),
    ],
)
def test_the_host_names_the_domain(client: Client, told: None, host: str, username: str) -> None:
    answer = client.get(AUTOCONFIG, headers={"host": host})
    assert {server[4] for server in servers_in(answer.content.decode())} == {username}


def test_an_alias_domain_has_the_login_of_its_target(client: Client, told: None) -> None:
    answer = client.get(AUTOCONFIG, {"emailaddress": "sophie@falcot.com"})
    assert {server[4] for server in servers_in(answer.content.decode())} == {"sophie@falcot.org"}


@pytest.mark.parametrize(
    "address",
    [
        "a@elsewhere.example",
        "a@falcotsbrand.com",
        "nonsense",
        "@falcot.org",
        "a@b@falcot.org",
        "\0@falcot.org",
        "x" * 999,
    ],
)
def test_of_others_nothing_is_known(client: Client, told: None, address: str) -> None:
    assert client.get(AUTOCONFIG, {"emailaddress": address}).status_code == 404
    assert client.post(AUTODISCOVER, QUESTION.format(address), content_type="text/xml").status_code == 404


def test_what_is_typed_is_escaped(client: Client, told: None) -> None:
    address = '"<x>&amp;"@falcot.org'
    (first, *_others) = servers_in(client.get(AUTOCONFIG, {"emailaddress": address}).content.decode())
    assert first[4] == address


def test_an_inactive_domain_and_no_server_are_not_told(client: Client, told: None, falcot: Domain) -> None:
    change_domain(falcot, active=False, by=TESTER)
    assert client.get(AUTOCONFIG, {"emailaddress": "sophie@falcot.org"}).status_code == 404
    change_domain(Domain.objects.get(pk=falcot.pk), active=True, by=TESTER)
    change_server_names(imap_host="", submission_host="", by=TESTER)
    assert client.get(AUTOCONFIG, {"emailaddress": "sophie@falcot.org"}).status_code == 404


@pytest.mark.parametrize("path", [AUTODISCOVER, "/Autodiscover/Autodiscover.xml", "/AutoDiscover/AutoDiscover.xml"])
def test_autodiscover(told: None, path: str) -> None:
    outlook = Client(enforce_csrf_checks=True)
    question = QUESTION.format("sophie@falcot.org")
    answer = outlook.post(path, question, content_type="text/xml", headers={"host": "autodiscover.falcot.org"})
    protocols = [
        tuple(one.findtext(OUTLOOK + name) for name in ("Type", "Server", "Port", "LoginName", "SSL"))
        for one in ET.fromstring(answer.content).iter(f"{OUTLOOK}Protocol")  # noqa: S314  our own answer
    ]
    assert protocols == [
        ("IMAP", "imap.falcot.org", "993", "sophie@falcot.org", "on"),
        ("SMTP", "mail.falcot.org", "465", "sophie@falcot.org", "on"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<EMailAddress>",
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + QUESTION.format("&a;"),
        '<!DOCTYPE x [<!ENTITY a "sophie@falcot.org">]>' + QUESTION.format("&a;"),
        " " * 20_000 + QUESTION.format("sophie@falcot.org"),
        "\xff\xfe",
    ],
)
def test_hostile_xml_gets_nothing(client: Client, told: None, body: str) -> None:
    assert client.post(AUTODISCOVER, body, content_type="text/xml").status_code == 404


def test_elsewhere_a_foreign_host_is_still_refused(client: Client, told: None) -> None:
    assert client.get("/sign-in/", headers={"host": "autoconfig.falcot.org"}).status_code == 400
    assert client.post(AUTOCONFIG).status_code == 405
    assert client.get(AUTODISCOVER).status_code == 405


class TestServerNames:
    def test_it_works(self, alice_client: Client) -> None:
        typed = {"imap_host": "IMAP.bücher.example.", "pop_host": "", "submission_host": "mail.example.org"}
        words = words_of(alice_client.post("/settings/server-names/", typed, follow=True))
        assert "Saved the server names." in words
        assert "imap.xn--bcher-kva.example" in words

    def test_what_is_no_name_is_refused(self, alice_client: Client) -> None:
        response = alice_client.post("/settings/server-names/", {"imap_host": "mail:993", "pop_host": "a b"})
        assert {"imap_host", "pop_host"} <= set(response.context["form"].errors)
