"""The flat lookup tables through the real smtpd, cleanup and smtp: what a sender hears, and where the mail goes."""

import subprocess
from collections.abc import Generator
from io import StringIO
from pathlib import Path
from stat import S_IMODE

import pytest
from django.core.management import call_command

from lookup_tables.models import Bcc, Canonical, Entry, Relocated, SenderRelay, TlsPolicy, Transport
from lookup_tables.services import add_entry, change_entry, delete_entry
from mailboxes.renaming import rename_address
from mailservers.lookup import look_up
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, decoded
from tests.smtp.relays import HERE, Relay


@pytest.fixture(scope="module")
def relay() -> Generator[Relay, None, None]:
    relay = Relay()
    yield relay
    relay.server.close()


def add(model: type[Entry], key: str, result: str, **values: str) -> Entry:
    return add_entry(model, key, result, **values, by=TESTER)


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None, relay: Relay) -> Postfix:
    postfix.empty_mail()
    add_domain("home.example")
    for name in ("alice", "bob", "boss", "moved"):
        add_mailbox(f"{name}@home.example")
    add(Transport, "thrown-away.example", "discard:nobody misses it")
    add(Transport, ".thrown-away.example", "discard:nor this")
    add(Transport, "müller.example", "discard:by its U-label")
    add(Bcc, "@müller.example", "boss@home.example", applies_to="recipient")
    add(Transport, "closed.example", "error:5.1.2 This domain is closed")
    add(Transport, "later.example", "retry:4.4.0 Come back later")
    add(Transport, "bob@home.example", "discard:one address")
    add(TlsPolicy, f"[{HERE}]:{relay.port}", "none")
    sign_in = {"username": "us", "password": "only the relay and we"}
    add(SenderRelay, "@signs-in.example", f"[{HERE}]:{relay.port}", **sign_in)
    add(SenderRelay, "@müller.example", f"[{HERE}]:{relay.port}", **sign_in)
    add(SenderRelay, "plain@home.example", f"[{HERE}]:{relay.port}")
    add(Relocated, "moved@home.example", "moved@elsewhere.example")
    add(Relocated, "gone@home.example", "gone@elsewhere.example")
    add(Relocated, "@moved.example", "another town")
    add(Bcc, "alice@home.example", "boss@home.example", applies_to="recipient")
    add(Bcc, "@watched.example", "boss@home.example", applies_to="sender")
    add(Canonical, "a.lice@home.example", "alice@home.example", applies_to="recipient")
    add(Canonical, "@inside.example", "@home.example", applies_to="sender")
    postfix.configure(default_transport="smtp")  # a relay is asked for only by it
    return postfix


@pytest.mark.parametrize(
    ("recipient", "text"),
    [
        ("anybody@thrown-away.example", "nobody misses it"),
        ("anybody@below.thrown-away.example", "nor this"),
        ("bob@home.example", "one address"),
        ("bob+x@home.example", "one address"),
    ],
)
def test_a_transport(mail: Postfix, recipient: str, text: str) -> None:
    (delivery,) = mail.send(recipient, client=HERE)
    assert (delivery.to, delivery.relay, delivery.status, delivery.text) == (recipient, "none", "sent", text)


@pytest.mark.parametrize("name", ["müller.example", "xn--mller-kva.example"])
def test_a_transport_and_a_copy_by_either_name(mail: Postfix, name: str) -> None:
    """Of a domain that is not ours, named as an SMTPUTF8 client may name it (RFC 6531)."""
    with mail.session(client=HERE) as smtp:
        smtp.command_encoding = "utf-8"
        smtp.docmd("MAIL", "FROM:<alice@home.example> SMTPUTF8")
        smtp.docmd("RCPT", f"TO:<anybody@{name}>")
        code, answer = decoded(smtp.data("Subject: Grüße\r\n\r\nHello\r\n".encode()))
    assert code == 250, answer
    found = {(one.to.partition("@")[0], one.status, one.text) for one in mail.deliveries(answer.rsplit(" ", 1)[1])}
    assert ("anybody", "sent", "by its U-label") in found
    assert {name for name, _status, _text in found} == {"anybody", "boss"}


def test_a_transport_that_refuses(mail: Postfix) -> None:
    reply = mail.rcpt("anybody@closed.example", client=HERE)
    assert reply.code == 550
    assert "5.1.2" in reply.text
    assert "This domain is closed" in reply.text


def test_a_transport_that_defers(mail: Postfix) -> None:
    reply = mail.rcpt("anybody@later.example", client=HERE)
    assert reply.code == 450
    assert "4.4.0" in reply.text
    assert "Come back later" in reply.text


def test_an_archive_goes_on_after_a_rename(mail: Postfix) -> None:
    carla = add_mailbox("carla@home.example")
    add(Bcc, "carla@home.example", "boss@home.example", applies_to="recipient")
    rename_address(carla.address, carla.address.domain, "carla.new", keep_old=True, by=TESTER)
    for address in ("carla@home.example", "carla.new@home.example"):
        assert {copy.to for copy in mail.send(address)} == {"boss@home.example", "carla.new@home.example"}


@pytest.mark.parametrize(
    ("recipient", "place"),
    [("gone@home.example", "gone@elsewhere.example"), ("GONE+x@home.example", "gone@elsewhere.example"),
     ("anybody@moved.example", "another town")],
)  # fmt: skip
def test_a_relocated_address(mail: Postfix, recipient: str, place: str) -> None:
    reply = mail.rcpt(recipient, client=HERE)
    assert reply.code == 550
    assert reply.text.startswith("5.1.6 ")
    assert reply.text.endswith(f"User has moved to {place}")


@pytest.mark.parametrize("recipient", ["gone@home.example", "gone+x@home.example", "alice@home.example"])
def test_the_lookup_knows_who_has_moved(mail: Postfix, recipient: str) -> None:
    found, reply = look_up(recipient), mail.rcpt(recipient)
    assert (found.code, found.reply) == (reply.code, f"{reply.code} {reply.text}")


def test_an_alias_to_somebody_who_has_moved(mail: Postfix) -> None:
    """smtpd takes it, because it is an alias; then the mail comes back."""
    add_alias("to-gone@home.example", "alice@home.example", "moved@home.example")
    found, sent = look_up("to-gone@home.example"), mail.send("to-gone@home.example")
    assert found.code == 250
    assert [(node.address, node.end) for node in found.destinations] == [
        ("alice@home.example", "mailbox"),
        ("moved@home.example", "refused"),
    ]
    bounced = next(delivery for delivery in sent if delivery.to == "moved@home.example")
    assert bounced.status == "bounced"
    assert "User has moved to moved@elsewhere.example" in bounced.text


def test_a_copy_of_what_arrives(mail: Postfix) -> None:
    assert [delivery.to for delivery in mail.send("alice@home.example")] == ["alice@home.example", "boss@home.example"]


def test_a_copy_of_what_leaves(mail: Postfix) -> None:
    sent = mail.send("anybody@thrown-away.example", sender="spy@watched.example", client=HERE)
    assert [delivery.to for delivery in sent] == ["anybody@thrown-away.example", "boss@home.example"]


def test_a_canonical_recipient(mail: Postfix) -> None:
    assert "alice@home.example" in [delivery.to for delivery in mail.send("a.lice@home.example", client=HERE)]


def test_a_canonical_sender_keeps_the_local_part(mail: Postfix) -> None:
    queue_id = mail.accept("x@thrown-away.example", sender="pete@inside.example", client=HERE)
    mail.deliveries(queue_id)
    assert f"{queue_id}: from=<pete@home.example>" in mail.log()


def test_a_sender_with_a_relay(mail: Postfix, relay: Relay) -> None:
    relay.heard.clear()
    (delivery,) = mail.send("far@elsewhere.example", sender="plain@home.example", client=HERE)
    assert delivery.status == "sent"
    assert delivery.relay == f"{HERE}[{HERE}]:{relay.port}"
    assert not [line for line in relay.heard if line.startswith("AUTH")]


def test_the_lookup_knows_the_relay_of_a_sender(mail: Postfix, relay: Relay) -> None:
    add_alias("to-far@home.example", "far@elsewhere.example")
    found = look_up("to-far@home.example", sender="plain@home.example")
    assert [(node.address, node.end, node.way) for node in found.destinations] == [
        ("far@elsewhere.example", "outside", f"[{HERE}]:{relay.port}")
    ]
    (delivery,) = mail.send("to-far@home.example", sender="plain@home.example", client=HERE)
    assert (delivery.to, delivery.relay) == ("far@elsewhere.example", f"{HERE}[{HERE}]:{relay.port}")


def test_the_lookup_knows_what_a_sender_becomes(mail: Postfix) -> None:
    found = look_up("alice@home.example", sender="pete@inside.example").sender
    assert found
    assert found.becomes == "pete@home.example"


def test_the_lookup_knows_the_copies_of_what_somebody_sends(mail: Postfix) -> None:
    found = look_up("bob@home.example", sender="spy@watched.example")
    sent = mail.send("bob@home.example", sender="spy@watched.example")
    assert sorted(node.address for node in found.destinations) == [delivery.to for delivery in sent]


def test_only_root_reads_the_passwords(mail: Postfix) -> None:
    file = mail.maps / "sasl_passwd"
    assert (file.stat().st_uid, S_IMODE(file.stat().st_mode)) == (0, 0o600)
    others = [path for path in mail.maps.iterdir() if path != file]
    for name in ("signs-in.example", "xn--mller-kva.example", "müller.example"):  # each as a sender may be named
        assert f"@{name} us:only the relay and we\n" in file.read_text()
    assert not [path.name for path in others if b"only the relay and we" in path.read_bytes()]


def test_a_change_counts_at_once(mail: Postfix) -> None:
    transport = Transport.objects.get(key="thrown-away.example")
    change_entry(transport, result="discard:said anew", by=TESTER)
    (delivery,) = mail.send("anybody@thrown-away.example", client=HERE)
    assert delivery.text == "said anew"
    change_entry(transport, result="discard:nobody misses it", by=TESTER)


def test_a_table_of_the_hosts_own_stays(mail: Postfix, tmp_path: Path) -> None:
    """install-commands in a main.cf of another host, which does not run here."""
    ours, policy = f"proxy:pgsql:{mail.maps}", TlsPolicy.objects.get()
    own = "inline:{ a.example=discard: } static:x"
    main_cf = tmp_path / "main.cf"
    main_cf.write_text(
        f"compatibility_level = 3.6\ntransport_maps = {own}\n"
        f"smtp_tls_policy_maps = static:may, {ours}/smtp_tls_policy_maps.cf\n"
    )
    (tmp_path / "master.cf").touch()
    TlsPolicy.objects.filter(pk=policy.pk).delete()
    try:
        call_command("postfix_config", output=str(mail.maps), stdout=StringIO())
        commands = (mail.maps / "install-commands").read_text().partition("postfix check")[0]
        environment = {"MAIL_CONFIG": str(tmp_path), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        for _again in range(2):  # the second time changes nothing
            subprocess.run(["sh", "-c", commands], env=environment, check=True, stdin=subprocess.DEVNULL, timeout=60)
            says = main_cf.read_text()
            assert f"\ntransport_maps = {own}, {ours}/transport_maps.cf\n" in says
            assert "\nsmtp_tls_policy_maps = static:may\n" in says
    finally:
        policy.save(force_insert=True)
        mail.configure()


def test_a_table_that_is_empty_again_leaves_main_cf(mail: Postfix) -> None:
    """install-commands takes out what no row needs, and nothing that the host has in its place."""
    policy = TlsPolicy.objects.get()
    for relay in SenderRelay.objects.exclude(username=""):
        delete_entry(relay, by=TESTER)
    delete_entry(policy, by=TESTER)
    assert "smtp_tls_policy_maps" in (mail.conf / "main.cf").read_text()
    says = mail.install()
    assert "transport_maps" in says
    assert "smtp_tls_policy_maps" not in says
    assert "smtp_sasl" not in says
    assert "only the relay and we" not in (mail.maps / "sasl_passwd").read_text()
    mail.configure()
