"""The answer to an update gets lost on its way: what is true then, and whose the records are."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError

from dns_records.publishing import plan_for, publish
from dns_records.record_models import PublishedRecord, SentRecord
from dns_records.services import add_update_server, change_dns_settings
from domains.models import Domain
from tests.dns_records.conftest import Place
from tests.dns_records.test_publish import published
from tests.plugins.name_servers import ADDRESSES, TSIG_NAME, TSIG_SECRET
from tests.services.checks import TESTER

WAY = "127.0.53.77"


class Way:
    """Stands before ns1: an update reaches it, and its answer comes back only if `answers`. Questions, by UDP, are
    answered until an update has come, if not `asked_afterwards`."""

    def __init__(self, port: int) -> None:
        self.port, self.answers, self.asked_afterwards, self.updated = port, False, True, False
        self.tcp = socket.create_server((WAY, port))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((WAY, port))
        self.is_over = self.refuses = False
        self.threads = [threading.Thread(target=one) for one in (self.updates, self.questions)]
        for thread in self.threads:
            thread.start()

    def updates(self) -> None:
        self.tcp.settimeout(0.2)
        while not self.is_over and not self.refuses:
            with suppress(OSError):
                client, _address = self.tcp.accept()
                with client, socket.create_connection((ADDRESSES["ns1"], self.port)) as server:
                    server.sendall(client.recv(65_535, 0))
                    answer = server.recv(65_535)
                    self.updated = True
                    if self.answers:
                        client.sendall(answer)

    def questions(self) -> None:
        self.udp.settimeout(0.2)
        while not self.is_over:
            with suppress(TimeoutError):
                question, client = self.udp.recvfrom(4096)
                if self.updated and not self.asked_afterwards:
                    continue
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
                    server.sendto(question, (ADDRESSES["ns1"], self.port))
                    self.udp.sendto(server.recv(65_535), client)

    def refuse(self) -> None:
        self.refuses = True
        self.tcp.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self.is_over = True
        for thread in self.threads:
            thread.join()
        self.tcp.close()
        self.udp.close()


@pytest.fixture
def way(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    monkeypatch.setattr("dns_records.publishing.TIMEOUT", 1.0)
    place.servers.zone("example.org", "www A 192.0.2.80", at=["ns1"], ns=["ns1"])
    add_update_server(TSIG_NAME, WAY, TSIG_SECRET, port=place.servers.port, for_all=True, by=TESTER)
    way = Way(place.servers.port)
    try:
        yield way
    finally:
        way.end()


def put(place: Place) -> list[str]:
    domain = Domain.objects.get(pk=place.domain.pk)
    return publish(domain, plan_for(domain), by=TESTER)


def test_the_server_shows_that_it_is_done(place: Place, way: Way) -> None:
    """Then it is done."""
    assert put(place) == []
    assert PublishedRecord.objects.filter(rdtype="MX").count() == 2
    assert not SentRecord.objects.exists()


def test_the_server_is_silent_afterwards(place: Place, way: Way) -> None:
    """Nobody knows what became of it. If it turns out to be there, it is ours, and goes when another one comes."""
    way.asked_afterwards = False
    with pytest.raises(
        ValidationError, match="but its answer did not come: .* Nobody knows whether the zone is changed"
    ):
        put(place)
    assert not PublishedRecord.objects.exists()
    way.asked_afterwards = way.answers = True
    assert plan_for(place.domain).to_do == []
    change_dns_settings(dmarc_policy="reject", by=TESTER)
    assert plan_for(place.domain).left_alone == []
    assert put(place) == []
    assert published("_dmarc.example.org", "TXT") == ['"v=DMARC1; p=reject; rua=mailto:dmarc@example.net"']
    assert not SentRecord.objects.filter(name="_dmarc.example.org").exists()
    assert SentRecord.objects.filter(rdtype="MX").exists()  # still ours


def test_nobody_takes_the_update(place: Place, way: Way) -> None:
    way.refuse()
    with pytest.raises(ValidationError, match="did not take the update: .*refused.* Nothing was changed."):
        put(place)
    assert not SentRecord.objects.exists()
