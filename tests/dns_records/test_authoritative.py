"""Each authoritative server is asked by itself: real Knots on loopback, one of them dead."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dns_records.authoritative import Asker, Said
from tests.plugins.name_servers import ADDRESSES, NameServers

LONG = " ".join(f'"{letter * 250}"' for letter in "abcdefgh")


def test_it_works(name_servers: NameServers) -> None:
    name_servers.zone("example.org", f'@ TXT "v=spf1 " "-all"\nlong TXT {LONG}')
    first, second = Asker().ask_all("example.org", "TXT")
    assert (first.server, first.address, first.said) == ("ns1.servers.test", ADDRESSES["ns1"], Said.RECORDS)
    assert (second.server, second.texts) == ("ns2.servers.test", ["v=spf1 -all"])
    assert first.records == ['"v=spf1 " "-all"']
    assert [len(one.texts[0]) for one in Asker().ask_all("long.example.org", "TXT")] == [2000, 2000]  # by TCP


def test_what_is_not_there(name_servers: NameServers) -> None:
    name_servers.zone("example.org", "www A 192.0.2.1")
    assert [one.said for one in Asker().ask_all("www.example.org", "TXT")] == [Said.NO_RECORDS] * 2
    assert [one.said for one in Asker().ask_all("no.example.org", "TXT")] == [Said.NO_NAME] * 2


def test_one_server_is_behind(name_servers: NameServers) -> None:
    name_servers.zone("example.org", "www A 192.0.2.1")
    name_servers.zone("example.org", "mail A 192.0.2.2", at=["ns2"])
    first, second = Asker().ask_all("www.example.org", "A")
    assert (first.said, second.said) == (Said.RECORDS, Said.NO_NAME)
    assert second.words == "ns2.servers.test (127.0.53.2) says that there is no such name."


def test_a_server_that_refuses_is_named(name_servers: NameServers) -> None:
    name_servers.zone("example.org", "www A 192.0.2.1", at=["ns1"])
    _first, second = Asker().ask_all("www.example.org", "A")
    assert (second.said, second.reason) == (Said.REFUSED, "REFUSED")


def test_a_dead_server_costs_one_time_out_a_run(name_servers: NameServers) -> None:
    name_servers.zone("example.org", "www A 192.0.2.1", ns=["ns1", "dead", "nowhere"])
    asker, begin = Asker(timeout=1), time.monotonic()
    dead, nowhere, first = asker.ask_all("www.example.org", "A")
    assert (dead.said, first.said) == (Said.TIMEOUT, Said.RECORDS)
    assert nowhere.words == "nowhere.servers.test has no address."
    for number in range(20):
        assert asker.ask_all(f"{number}.example.org", "A")[0].said == Said.TIMEOUT
    assert 1 <= time.monotonic() - begin < 2


def test_a_delegated_zone_has_servers_of_its_own(name_servers: NameServers) -> None:
    name_servers.zone("example.org", "sub NS ns2.servers.test.", at=["ns1"], ns=["ns1"])
    name_servers.zone("sub.example.org", "www A 192.0.2.2", at=["ns2"], ns=["ns2"])
    asker = Asker()
    assert [one.server for one in asker.ask_all("example.org", "NS")] == ["ns1.servers.test"]
    (answer,) = asker.ask_all("www.sub.example.org", "A")
    assert (answer.server, answer.records) == ("ns2.servers.test", ["192.0.2.2"])


def test_an_alias_is_followed_to_the_servers_of_its_target(name_servers: NameServers) -> None:
    name_servers.zone("alias.test", "s1._domainkey CNAME s1._domainkey.example.org.", at=["ns1"], ns=["ns1"])
    name_servers.zone("example.org", 's1._domainkey TXT "v=DKIM1"', at=["ns2"], ns=["ns2"])
    (answer,) = Asker().ask_all("s1._domainkey.alias.test", "TXT")
    assert (answer.server, answer.texts) == ("ns2.servers.test", ["v=DKIM1"])
    assert answer.aliases == ("s1._domainkey.example.org",)


def test_a_name_that_nobody_serves(name_servers: NameServers) -> None:
    (answer,) = Asker().ask_all("example.com", "A")  # the resolver of the tests knows its own zones only
    assert (answer.server, answer.said, answer.reason) == ("resolver", Said.REFUSED, "REFUSED")


def test_no_resolver_answers(name_servers: NameServers, settings: object) -> None:
    name_servers.zone("example.org", "www A 192.0.2.1")
    good = settings.DNS_RESOLVERS  # type: ignore[attr-defined]
    settings.DNS_RESOLVERS = [(ADDRESSES["dead"], name_servers.port)]  # type: ignore[attr-defined]
    (answer,) = Asker(timeout=0.5).ask_all("www.example.org", "A")
    assert answer.words.startswith("The resolver 127.0.53.66 does not answer, so no name server could be asked.")
    settings.DNS_RESOLVERS = [(ADDRESSES["dead"], name_servers.port), *good]  # type: ignore[attr-defined]
    assert [one.said for one in Asker(timeout=0.5).ask_all("www.example.org", "A")] == [Said.RECORDS] * 2


def test_control_characters_are_escaped(name_servers: NameServers) -> None:
    name_servers.zone("example.org", r'@ TXT "a\000b\127" "\194\155c\195\164"')
    assert Asker().ask_all("example.org", "TXT")[0].texts == [r"a\000b\127\194\155cä"]


def test_a_name_that_is_none_is_an_answer(name_servers: NameServers) -> None:
    for name in ("a..example.org", f"{'a' * 64}.example.org", ".".join(["a" * 60] * 5), "\x80.example"):
        (answer,) = Asker().ask_all(name, "TXT")
        assert (answer.is_answer, answer.nobody, Asker().servers_of(name)) == (False, "no name", ("", []))


@contextmanager
def losing(name_servers: NameServers, settings: Any) -> Iterator[Callable[[float], None]]:
    """A resolver on a bad line: it loses as many of the next questions as it is told."""
    real, address = settings.DNS_RESOLVERS[0], ("127.0.53.54", name_servers.port)
    lost, is_over = [0.0], threading.Event()

    def pass_on() -> None:
        while not is_over.is_set():
            try:
                question, asker = here.recvfrom(4096)
            except TimeoutError:
                continue
            lost[0] -= 1
            if lost[0] < 0:
                there.sendto(question, real)
                here.sendto(there.recv(4096), asker)

    def lose(number: float) -> None:
        lost[0] = number

    with socket.socket(type=socket.SOCK_DGRAM) as here, socket.socket(type=socket.SOCK_DGRAM) as there:
        here.bind(address)
        here.settimeout(0.2)
        there.settimeout(5)
        thread = threading.Thread(target=pass_on)
        thread.start()
        settings.DNS_RESOLVERS = [address]
        try:
            yield lose
        finally:
            is_over.set()
            thread.join()


def test_a_lost_question_costs_one_answer(name_servers: NameServers, settings: Any) -> None:
    """Both packets of it; a resolver that goes away for good still costs three time-outs a run at most."""
    for zone in ("a.example", "b.example", "c.example"):
        name_servers.zone(zone, "@ A 192.0.2.1", at=["ns1"], ns=["ns1"])
    with losing(name_servers, settings) as lose:
        asker = Asker(timeout=1)

        def says(name: str) -> Said:
            return asker.ask_all(name, "A")[0].said

        assert says("a.example") == Said.RECORDS
        lose(2)
        assert says("b.example") == Said.TIMEOUT
        assert says("c.example") == Said.RECORDS
        lose(float("inf"))
        begin = time.monotonic()
        assert {says(f"{number}.example") for number in range(20)} == {Said.TIMEOUT}
        assert time.monotonic() - begin < 5
