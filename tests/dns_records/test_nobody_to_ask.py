"""Without a resolver that knows the DNS nobody can be asked. It is said once, with the way out, and is no success."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest
from django.test import Client

from dns_records.authoritative import Asker
from dns_records.checks import check_domains
from dns_records.record_models import Record
from dns_records.rotation import look_for
from domains.dkim_keys import generate
from domains.dkim_services import add_dkim_key
from tests.commands.conftest import Shell
from tests.dns_records.conftest import Place
from tests.plugins.name_servers import ADDRESSES
from tests.plugins.people import words_of
from tests.services.checks import TESTER

DEAD = ADDRESSES["dead"]
SILENT = f"The resolver {DEAD} does not answer, so no name server could be asked. Set MAILADMIN_DNS_RESOLVERS to one"


@pytest.fixture
def shell(db: None, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


@pytest.fixture
def dead(place: Place, settings: Any) -> Place:
    settings.DNS_RESOLVERS = [(DEAD, place.servers.port)]
    return place


@contextmanager
def resolver_without_names(place: Place, settings: Any, *authority: dns.rrset.RRset) -> Iterator[str]:
    """To it no name is there; `authority` says according to which zone."""
    address = ("127.0.53.54", place.servers.port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(address)
        one.settimeout(0.2)
        is_over = threading.Event()

        def answer() -> None:
            while not is_over.is_set():
                try:
                    question, asker = one.recvfrom(4096)
                except TimeoutError:
                    continue
                reply = dns.message.make_response(dns.message.from_wire(question))
                reply.set_rcode(dns.rcode.NXDOMAIN)
                reply.authority = list(authority)
                one.sendto(reply.to_wire(), asker)

        thread = threading.Thread(target=answer)
        thread.start()
        settings.DNS_RESOLVERS = [address]
        try:
            yield address[0]
        finally:
            is_over.set()
            thread.join()


def test_the_page_says_it_once(place: Place, alice_client: Client, settings: Any) -> None:
    place.publish()
    place.publish_hosts()
    check_domains([place.domain], timeout=1)
    settings.DNS_RESOLVERS = [(DEAD, place.servers.port)]
    check_domains([place.domain], timeout=0.5)
    words = words_of(alice_client.get("/domains/example.org/dns/"))
    records, _headline, changes = words.partition("What changed")
    assert records.count(SILENT) == 1
    assert changes.count(SILENT) == 1
    assert f"{Record.objects.filter(domain=place.domain).count()} records" in changes
    assert words_of(alice_client.get("/dns/")).count(SILENT) == 1  # about the mail hosts
    assert "No answer: resolver" not in words


def test_one_record_is_said_where_it_stands(place: Place, alice_client: Client) -> None:
    place.publish()
    check_domains([place.domain], timeout=0.5)  # the zone of the hosts is not there
    page = words_of(alice_client.get("/domains/example.org/dns/"))
    refuses = f"The resolver {ADDRESSES['resolver']} refuses with REFUSED, so no name server could be asked."
    assert page.count(refuses) == Record.objects.filter(domain=place.domain, why="resolver refuses").count() > 0


def test_the_command_says_it_once_and_fails(dead: Place, shell: Shell) -> None:
    ended = shell("dns", "check", "example.org")
    assert ended.code == 1
    assert ended.err.count(SILENT) == 1
    assert ended.err.endswith("Nothing is known of the records of example.org.\n")
    ended = shell("dns", "check")
    assert ended.code == 1
    assert ended.lines == ["Domains asked for: 1. With records to look at: 0. Without any answer: 1."]
    assert ended.err.count(SILENT) == 1
    ended = shell("dns", "check", "example.org", "--json")
    assert ended.code == 1


def test_a_resolver_that_finds_nothing_proves_nothing(place: Place, shell: Shell, settings: Any) -> None:
    """As some networks have it."""
    key = add_dkim_key(place.domain, "s2", generate("ed25519"), by=TESTER)
    with resolver_without_names(place, settings) as blind:
        look_for([key], asker=Asker(timeout=0.5), by=TESTER)
        assert shell("dns", "check", "example.org").code == 1
    said = shell("dkim", "to-do").out
    assert f"The resolver {blind} finds no zone at all" in said
    assert "it is not in the DNS" not in said


def test_the_root_says_that_a_name_is_not_there(place: Place, settings: Any) -> None:
    root = dns.rrset.from_text(".", 60, "IN", "SOA", "a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 60")
    with resolver_without_names(place, settings, root):
        (answer,) = Asker(timeout=0.5).ask_all("www.example.invalid", "A")
    assert answer.words == "No name server serves this name: it is not in the DNS."
