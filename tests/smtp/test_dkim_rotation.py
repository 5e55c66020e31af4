"""A rotation from end to end while mail flows: the real worker with its clock, Knot, OpenDKIM and Postfix. From the
first signature on, each message that was ever sent is verified by each name server at each moment, until its record
may go."""

import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.utils import timezone

from dns_records.authoritative import Asker, Server
from domains.dkim_models import DkimKey
from domains.dkim_rotation import start_rotation
from domains.dkim_services import move_dkim_key
from domains.dkim_waits import DkimWait, to_do
from domains.models import Domain
from mailadmin.launch.cluster import Cluster
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix
from tests.plugins.name_servers import ADDRESSES, NameServers
from tests.plugins.open_dkim import HERE, OpenDkim, State, signatures
from tests.plugins.worker import Worker

DOMAIN = "signed.example"


@pytest.fixture
def opendkim(postfix: Postfix, committed: None, cluster: Cluster) -> Generator[OpenDkim, None, None]:
    instance = OpenDkim(cluster)
    try:
        postfix.empty_mail()
        add_domain("home.example")
        add_mailbox("alice@home.example")
        add_domain(DOMAIN)
        instance.sync()
        instance.start()
        postfix.configure(smtpd_milters=instance.milters, milter_default_action="tempfail")
        yield instance
    finally:
        instance.stop()
        shutil.rmtree(instance.base)
        postfix.configure()


@dataclass
class Traffic:
    """Mail that flows, and what is kept of it."""

    postfix: Postfix
    opendkim: OpenDkim
    servers: NameServers
    worker: Worker
    seen: list[bytes] = field(default_factory=list)
    must_be_signed: bool = False

    def turn(self, *, sync: bool = True) -> list[str]:
        """One message, verified by each server; so is each message before it. Its signatures."""
        if sync:
            self.opendkim.sync()
        self.postfix.empty_mail()
        self.postfix.send("alice@home.example", sender=f"ann@{DOMAIN}", client=HERE)
        (path,) = (self.postfix.base / "mail/home.example/alice/new").iterdir()
        self.seen.append(path.read_bytes())
        found: list[str] = []
        for name in ("ns1", "ns2"):
            if self.must_be_signed:
                for message in self.seen:
                    found = signatures(message, self.dns(name))
                    assert found, message.decode()
        self.must_be_signed = self.must_be_signed or b"DKIM-Signature" in self.seen[-1]
        if not self.must_be_signed:
            self.seen.clear()
        return found

    def dns(self, name: str) -> Callable[..., bytes | None]:
        def ask(wanted: bytes, timeout: int = 5) -> bytes | None:
            message = Asker().message(Server(name, ADDRESSES[name]), wanted.decode(), "TXT")
            assert not isinstance(message, str), f"{name}: {message}"
            return next((b"".join(rdata.strings) for rrset in message.answer for rdata in rrset), None)

        return ask

    def until(self, look: Callable[[], bool], what: str, *, sync: bool = True) -> None:
        """Mail flows until that is so."""

        def turn() -> bool:
            self.turn(sync=sync)
            return look()

        try:
            self.worker.eventually(turn, what)
        except AssertionError as error:
            waits = [(str(wait.key), wait.state, wait.why) for wait in DkimWait.objects.select_related("key__domain")]
            raise AssertionError(f"{error}\n{waits}") from error

    def publish(self, *keys: DkimKey, at: tuple[str, ...] = ("ns1", "ns2")) -> None:
        self.servers.zone(DOMAIN, "\n".join(key.zone_line for key in keys), at=at)


def new_key(worker: Worker) -> DkimKey:
    """What the worker made at the command of a person."""
    before = set(DkimKey.objects.values_list("pk", flat=True))
    start_rotation(Domain.objects.get(name=DOMAIN), by=TESTER)
    found = lambda: DkimKey.objects.select_related("domain").exclude(pk__in=before).first()  # noqa: E731
    return worker.eventually(found, "the worker to make a key")  # type: ignore[return-value]


def is_in(key: DkimKey, state: str, reason: str = "") -> Callable[[], bool]:
    wanted = {"pk": key.pk, "state": state} | ({"wait__reason": reason} if reason else {})
    return lambda: DkimKey.objects.filter(**wanted).exists()


def test_every_message_verifies_at_every_moment(
    postfix: Postfix, opendkim: OpenDkim, name_servers: NameServers
) -> None:
    with Worker(port=name_servers.port, resolver=ADDRESSES["resolver"]) as worker:
        traffic = Traffic(postfix, opendkim, name_servers, worker)
        traffic.publish()
        first = new_key(worker)
        traffic.until(is_in(first, State.PREPARED, "missing"), "the panel to see that the record is missing")
        traffic.publish(first)
        traffic.until(lambda: traffic.must_be_signed, "the first signature")
        assert traffic.turn() == [f"{DOMAIN} {first.selector} rsa-sha256"]

        second = new_key(worker)
        assert second.selector == f"{first.selector}b"
        traffic.publish(first, second, at=("ns1",))
        seen_at_one = lambda: "ns2" in str(DkimWait.objects.get(key=second).words.get("server"))  # noqa: E731
        traffic.until(seen_at_one, "ns1 to have the new record")
        assert traffic.turn() == [f"{DOMAIN} {first.selector} rsa-sha256"], "ns2 does not have it yet"

        traffic.publish(first, second)
        waits_for_file = is_in(second, State.PUBLISHED, "host")
        traffic.until(waits_for_file, "both servers to have the record, this host not the file", sync=False)
        assert traffic.turn(sync=False) == [f"{DOMAIN} {first.selector} rsa-sha256"]
        traffic.until(is_in(second, State.SIGNING), "the new key to sign")
        assert traffic.turn() == [f"{DOMAIN} {second.selector} rsa-sha256"]

        first.refresh_from_db()
        assert (first.state, to_do(first)) == (State.RETIRING, "")
        DkimKey.objects.filter(pk=first.pk).update(retiring_at=timezone.now() - timedelta(days=8))
        DkimWait.objects.filter(pk=first.pk).update(ask_again_at=timezone.now())
        traffic.until(is_in(first, State.RETIRING, "still_there"), "the panel to say that the record may go")
        traffic.seen.clear()  # a week later, nothing is on its way
        traffic.publish(second)
        traffic.until(is_in(first, State.GONE), "the panel to see that the record is gone")
        assert traffic.turn() == [f"{DOMAIN} {second.selector} rsa-sha256"]
        assert opendkim.file_of(second).exists()
        assert not opendkim.file_of(first).exists()

        second.refresh_from_db()
        move_dkim_key(second, State.REVOKED, by=TESTER)
        traffic.must_be_signed = False
        traffic.turn(sync=False)
        assert not traffic.must_be_signed, "a revoked key signs nothing, from that moment"
