"""Mail through the real Postfix is signed by a real OpenDKIM, and dkimpy verifies it with the record of the panel."""

import shutil
import subprocess
from base64 import b64decode
from collections.abc import Callable, Generator
from pathlib import Path
from stat import S_IMODE

import dkim
import psycopg2
import pytest
from django.core.management import CommandError, call_command

from bench.namespace import Namespace
from domains.dkim_keys import unsealed
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from domains.dkim_services import change_dkim_key, delete_dkim_key, move_dkim_key
from mailadmin.launch.cluster import Cluster
from mailservers.mail_servers import OPENDKIM
from mailservers.management.commands.opendkim_config import milter_of
from restrictions.engine.policy import Records
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, eventually
from tests.plugins.open_dkim import HERE, HOST, OpenDkim, State, generate, move, records, signatures
from tests.services.checks import refusal

ED25519 = "signed.example edward ed25519-sha256"


@pytest.fixture(scope="module")
def opendkim(postfix: Postfix, committed: None, cluster: Cluster) -> Generator[OpenDkim, None, None]:
    instance = OpenDkim(cluster)
    try:
        postfix.empty_mail()
        add_domain("home.example")
        add_mailbox("alice@home.example")
        add_domain("signed.example")
        add_domain("brand.example", "alias_domain", target="signed.example")
        instance.sync()
        instance.start()
        postfix.configure(smtpd_milters=instance.milters, milter_default_action="tempfail")
        yield instance
    finally:
        instance.stop()
        shutil.rmtree(instance.base)
        postfix.configure()


@pytest.fixture
def send(postfix: Postfix, opendkim: OpenDkim) -> Callable[[str], bytes]:
    """A message from an address to alice, as it was delivered."""

    def deliver(sender: str) -> bytes:
        postfix.empty_mail()
        postfix.send("alice@home.example", sender=sender, client=HERE)
        (path,) = (postfix.base / "mail/home.example/alice/new").iterdir()
        return path.read_bytes()

    return deliver


def test_it_works(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    key = generate("first")
    assert signatures(send("ann@signed.example")) == []

    key = move(key, State.PUBLISHED)
    opendkim.sync()
    assert signatures(send("ann@signed.example")) == []

    move(key, State.SIGNING)
    message = send("ann@signed.example")
    assert signatures(message) == ["signed.example first rsa-sha256"]
    assert not dkim.verify(message.replace(b"Hello", b"Hallo"), dnsfunc=records)
    path = opendkim.file_of(key)
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert path.owner() == "opendkim"


def test_rotation_needs_no_signal(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    move(generate("second", "rsa-1024"), State.PUBLISHED)
    second = DkimKey.objects.get(selector="second")
    with refusal(f"{HOST} has no file of {second}"):
        move_dkim_key(second, State.SIGNING, by=TESTER)
    move(second, State.SIGNING)
    assert DkimKey.objects.get(selector="first").state == State.RETIRING
    assert signatures(send("ann@signed.example")) == [], "who says why may do it, and nothing is deferred"
    opendkim.sync()
    assert signatures(send("ann@signed.example")) == ["signed.example second rsa-sha256"]


def test_rsa_and_ed25519_side_by_side(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    move(generate("edward", "ed25519"), State.PUBLISHED, State.SIGNING)
    opendkim.sync()
    assert signatures(send("ann@signed.example")) == [
        "signed.example edward ed25519-sha256",
        "signed.example second rsa-sha256",
    ]


def test_subdomains_and_alias_domains(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    assert signatures(send("ann@brand.example")) == []
    assert signatures(send("ann@sub.signed.example")) == []
    wide = generate("wide", "rsa-2048", for_subdomains=True, for_alias_domains=True)
    move(wide, State.PUBLISHED, State.SIGNING)
    opendkim.sync()
    assert signatures(send("ann@brand.example")) == ["brand.example wide rsa-sha256"]
    assert signatures(send("ann@deep.sub.signed.example")) == ["signed.example wide rsa-sha256"]
    assert signatures(send("ann@elsewhere.example")) == []


def test_a_key_for_some_addresses_goes_before_that_of_the_domain(
    opendkim: OpenDkim, send: Callable[[str], bytes]
) -> None:
    bulk = generate("bulk", "rsa-1024", local_parts="newsletter@, Billing", for_subdomains=True, for_alias_domains=True)
    assert bulk.senders == ["billing", "newsletter"]
    move(bulk, State.PUBLISHED, State.SIGNING)
    opendkim.sync()
    assert DkimKey.objects.get(selector="wide").state == State.SIGNING, "it signs for the others as before"
    for sender in ("newsletter@signed.example", "billing@signed.example", "newsletter@Signed.Example"):
        assert signatures(send(sender)) == ["signed.example bulk rsa-sha256", ED25519], sender
    # OpenDKIM compares the local part as it was typed.
    assert signatures(send("Newsletter@signed.example")) == [ED25519, "signed.example wide rsa-sha256"]
    assert "signed.example wide rsa-sha256" in signatures(send("ann@signed.example"))
    assert signatures(send("newsletter@sub.signed.example")) == ["signed.example bulk rsa-sha256"]
    assert signatures(send("ann@sub.signed.example")) == ["signed.example wide rsa-sha256"]
    assert signatures(send("newsletter@brand.example")) == ["brand.example bulk rsa-sha256"]
    assert signatures(send("ann@brand.example")) == ["brand.example wide rsa-sha256"]
    change_dkim_key(bulk, local_parts="billing", by=TESTER)
    assert "signed.example wide rsa-sha256" in signatures(send("newsletter@signed.example"))
    move(bulk, State.REVOKED)
    assert "signed.example wide rsa-sha256" in signatures(send("billing@signed.example"))


def test_opendkim_testkey_agrees(opendkim: OpenDkim) -> None:
    """With the record of the panel in a DNS of its own; with another one it does not."""
    key = DkimKey.objects.select_related("domain").get(selector="wide")
    path = opendkim.file_of(key)

    def test_key(record: str) -> subprocess.CompletedProcess[str]:
        with Namespace({key.record_name.removesuffix("."): Records(words=record)}) as network:
            # Without this it would begin at the root, with the trust anchor of Debian's opendkim.conf.
            (opendkim.base / "testkey.conf").write_text("Nameservers 127.0.0.1\n")
            tested = ["opendkim-testkey", "-x", str(opendkim.base / "testkey.conf"), "-vvv"]
            tested += ["-d", "signed.example", "-s", "wide", "-k", str(path)]
            return subprocess.run([*network.command(opendkim.base), *tested], capture_output=True, text=True)

    right = test_key(key.record_text)
    assert right.returncode == 0, right.stderr
    assert "key OK" in right.stdout
    wrong = test_key(DkimKey.objects.get(selector="first").record_text)
    assert wrong.returncode != 0
    assert "key OK" not in wrong.stdout


def test_what_is_revoked_or_deleted_signs_nothing(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    move(DkimKey.objects.get(selector="edward"), State.REVOKED)
    wide = move(DkimKey.objects.get(selector="wide"), State.REVOKED)
    assert wide.record_text.endswith("; p=")
    assert signatures(send("ann@signed.example")) == []
    assert "Removed" in opendkim.sync()
    assert not opendkim.file_of(wide).exists()
    delete_dkim_key(move(wide, State.GONE), by=TESTER)
    assert signatures(send("ann@signed.example")) == []
    assert not DkimKeyOnHost.objects.filter(key_id=wide.pk).exists()


def test_no_private_key_by_sql(opendkim: OpenDkim, cluster: Cluster) -> None:
    """The role of OpenDKIM reads its two views, and no table or other view there is."""
    login = {"user": OPENDKIM.role, "password": OPENDKIM.password}
    session = psycopg2.connect(host=HERE, port=cluster.port, dbname="test_mailadmin", **login)
    session.autocommit = True
    cursor = session.cursor()
    cursor.execute(
        "SELECT format('%I.%I', nspname, relname), nspname || '.' || relname FROM pg_class JOIN pg_namespace "
        "ON relnamespace = pg_namespace.oid WHERE relkind IN ('r', 'v', 'm', 'p', 'f') "
        "AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
    )
    tables = cursor.fetchall()
    assert len(tables) > 50
    read = []
    for quoted, name in tables:
        try:
            cursor.execute(f"SELECT * FROM {quoted}")
        except psycopg2.errors.InsufficientPrivilege:
            continue
        read.append(name)
        assert not [piece for piece in pieces_of_private_keys() if piece in str(cursor.fetchall())]
    assert sorted(read) == ["opendkim.key_table", "opendkim.signing_table"]
    session.close()


def test_a_dump_of_the_database_has_no_private_key(opendkim: OpenDkim, cluster: Cluster) -> None:
    generate("dumped", "rsa-1024")
    command = [str(cluster.programs / "pg_dump"), f"--host={HERE}", f"--port={cluster.port}", "--username=mailadmin"]
    dump = subprocess.run(
        [*command, "test_mailadmin"], capture_output=True, text=True, check=True, env={"PGPASSWORD": cluster.password}
    ).stdout
    assert "dumped" in dump
    assert DkimKey.objects.get(selector="dumped").public_key in dump
    found = [piece for piece in pieces_of_private_keys() if piece in dump]
    assert not found
    assert "PRIVATE KEY" not in dump


def pieces_of_private_keys() -> list[str]:
    """The lines of each PEM, in base64 and in hexadecimal, but for those that the public half has too."""
    texts = [unsealed(private) for private in DkimPrivateKey.objects.all()]
    assert texts
    lines = [line for text in texts for line in text.splitlines()[1:-1]]
    public = "".join(DkimKey.objects.values_list("public_key", flat=True))
    return [
        piece
        for line in lines
        for piece in (line, b64decode(line + "=" * (-len(line) % 4)).hex())
        if line not in public
    ]


def test_files_instead_of_sql(opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    opendkim.stop()
    opendkim.sync("--tables")
    opendkim.start("--tables", str(opendkim.keys))
    pids = [part for algorithm in opendkim.sockets for part in ("--pid-file", str(opendkim.base / f"{algorithm}.pid"))]
    assert signatures(send("ann@signed.example")) == []
    move(DkimKey.objects.get(selector="first"), State.SIGNING)
    opendkim.sync("--tables", *pids)
    eventually(
        lambda: signatures(send("ann@signed.example")) == ["signed.example first rsa-sha256"],
        "OpenDKIM to read its tables again",
    )
    move(generate("news", local_parts="newsletter"), State.PUBLISHED, State.SIGNING)
    opendkim.sync("--tables", *pids)
    eventually(
        lambda: signatures(send("newsletter@signed.example")) == ["signed.example news rsa-sha256"],
        "the key for one address",
    )
    assert signatures(send("ann@signed.example")) == ["signed.example first rsa-sha256"]
    key = move(DkimKey.objects.get(selector="first"), State.REVOKED)
    opendkim.sync("--tables", *pids)
    eventually(lambda: signatures(send("ann@signed.example")) == [], f"{key} to sign no longer")


def test_no_mail_is_deferred_while_a_key_goes(
    postfix: Postfix, opendkim: OpenDkim, send: Callable[[str], bytes]
) -> None:
    """OpenDKIM with tables learns of it by the signal, and for who is connected not even then."""
    pids = [part for algorithm in opendkim.sockets for part in ("--pid-file", str(opendkim.base / f"{algorithm}.pid"))]
    going = move(generate("going"), State.PUBLISHED, State.SIGNING)
    opendkim.sync("--tables", *pids)
    signed = ["signed.example going rsa-sha256"]
    eventually(lambda: signatures(send("ann@signed.example")) == signed, "the key to sign")
    move(going, State.REVOKED)
    assert "Send OpenDKIM the signal" in opendkim.sync("--tables")
    assert b"s=going" in send("ann@signed.example"), "it does not know yet, and has the file"
    with postfix.session(HERE) as session:
        session.mail("ann@signed.example")
        session.rcpt("alice@home.example")
        assert opendkim.sync("--tables", *pids) == ""
        eventually(lambda: signatures(send("ann@signed.example")) == [], "the others to have new tables")
        code, answer = session.data("From: ann@signed.example\nSubject: Hello\n\nHello\n")
        assert code == 250, answer
    assert opendkim.file_of(going).exists()
    assert f"Removed {opendkim.file_of(going).name}.\n" in opendkim.sync("--tables", *pids)


def test_a_unix_socket(postfix: Postfix, opendkim: OpenDkim, send: Callable[[str], bytes]) -> None:
    opendkim.stop()
    sockets = opendkim.base / "sockets"
    sockets.mkdir()
    shutil.chown(sockets, "opendkim", "postfix")
    path = sockets / "opendkim.sock"
    opendkim.sockets["rsa"] = f"local:{path}"
    opendkim.start()
    assert S_IMODE(path.stat().st_mode) == 0o770
    shutil.chown(path, group="postfix")  # as if postfix were in the group opendkim
    assert f"unix:{path}" in opendkim.milters
    postfix.configure(smtpd_milters=opendkim.milters, milter_default_action="tempfail")
    assert signatures(send("newsletter@signed.example")) == ["signed.example news rsa-sha256"]


@pytest.mark.parametrize(
    ("socket", "milter"),
    [
        ("local:/run/opendkim/opendkim.sock", "unix:/run/opendkim/opendkim.sock"),
        ("unix:/run/opendkim/opendkim.sock", "unix:/run/opendkim/opendkim.sock"),
        ("local:/var/spool/postfix/opendkim/opendkim.sock", "unix:opendkim/opendkim.sock"),
        ("inet:8891@localhost", "inet:localhost:8891"),
        ("inet:8891", "inet:127.0.0.1:8891"),
        ("inet6:8891@::1", "inet:[::1]:8891"),
        ("inet6:8891@[::1]", "inet:[::1]:8891"),
        ("inet6:8891", "inet:[::1]:8891"),
    ],
)
def test_how_postfix_calls_a_socket(socket: str, milter: str) -> None:
    assert milter_of(socket) == milter


@pytest.mark.parametrize(
    "socket", ["", "8891@127.0.0.1", "local:", "local:run/x", "local:/a b", "local:/a,b", "inet:x@y"]
)
def test_what_is_no_socket(tmp_path: Path, socket: str) -> None:
    with pytest.raises(CommandError, match="is no socket of OpenDKIM"):
        call_command("opendkim_config", "--output", str(tmp_path), "--socket", socket)
    assert list(tmp_path.iterdir()) == []
