"""DKIM keys and used space of a PostfixAdmin have their place here. What has none stays kept, with a sentence."""

from typing import Any

import pytest

from accounts.models import ChangeSet
from domains.dkim_keys import generate, pem_of, public_text, read_pem, unsealed
from domains.dkim_models import DkimKey, DkimPrivateKey
from domains.dkim_services import move_dkim_key
from mailboxes.models import Mailbox
from mailboxes.quota_warnings import DUE
from mailboxes.usage import Usage
from takeover.kept import ToKeep, keep_rows
from takeover.models import KeptRow
from tests.commands.conftest import Shell
from tests.services.checks import TESTER, nothing_changes
from tests.takeover.conftest import Foreign
from tests.takeover.test_import_postfixadmin import label
from tests.takeover.test_strange_things import come

pytestmark = pytest.mark.django_db

TABLES = """
    CREATE TABLE dkim (id serial PRIMARY KEY, domain_name varchar(255), description varchar(255),
        selector varchar(63), private_key text, public_key text, created timestamptz, modified timestamptz);
    CREATE TABLE dkim_signing (id serial PRIMARY KEY, author varchar(255), dkim_id int);
"""  # revision 1848 of PostfixAdmin 4
KEY = "INSERT INTO dkim (domain_name, selector, private_key, public_key) VALUES %s"
ENTRY = "INSERT INTO dkim_signing (author, dkim_id) VALUES %s"
PEM, OTHER = pem_of(generate("rsa-2048")), pem_of(generate("ed25519"))


@pytest.fixture
def signing(foreign: Foreign) -> Foreign:
    """PostfixAdmin 4 with one key, which signs for the whole domain."""
    foreign.sql(TABLES)
    foreign.sql(KEY, [("falcot.org", "S2024", PEM + "\n", f'"v=DKIM1; k=rsa; " "p={public_text(read_pem(PEM))}"')])
    foreign.sql(ENTRY, [("falcot.org", 1)])
    return foreign


def said(found: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: one["sentence"] for one in found["remarks"]}


def kept(kind: str) -> list[str]:
    return list(KeptRow.objects.filter(kind=kind).order_by("key").values_list("key", flat=True))


def test_a_key_is_prepared_and_signs_when_its_record_is_seen(shell: Shell, signing: Foreign) -> None:
    with nothing_changes():
        tried = come(shell, signing, "--dry-run")
    sentence = (
        "s2024._domainkey.falcot.org signs there already. Here it is prepared, and signs by itself as soon as all name "
        "servers have its record."
    )
    assert said(tried)["key_comes"] == sentence
    found = come(shell, signing)
    assert (found["remarks"], found["counts"]) == (tried["remarks"], tried["counts"])
    key = DkimKey.objects.get()
    assert (str(key), key.state, key.local_parts, key.signs_by_itself) == (
        "s2024._domainkey.falcot.org",
        "prepared",
        "",
        True,
    )
    assert unsealed(DkimPrivateKey.objects.get(key=key)) == PEM
    assert found["counts"]["dkim_keys"] == {"new": 1, "there": 0, "left_out": 0}
    assert (kept("dkim_key"), kept("dkim_signing")) == ([], [])
    with nothing_changes():
        again = shell("import_postfixadmin", signing.url)
    assert again.lines[-1] == "Everything is here already. Nothing was changed."
    for secret in PEM.splitlines()[1:3]:
        assert secret not in str(found) + again.out + again.err + str(list(DkimPrivateKey.objects.values()))


def test_it_is_undone_with_the_mail(shell: Shell, signing: Foreign) -> None:
    """Also when it signs by then."""
    come(shell, signing)
    key = move_dkim_key(DkimKey.objects.get(), "published", is_seen=True, by=TESTER)
    move_dkim_key(key, "signing", reason="It signs there", by=TESTER)
    mail = ChangeSet.objects.get(metadata__verb="import", metadata__noun="postfixadmin")
    undone = shell("history", "undo", str(mail.pk), "--yes")
    assert undone.code == 0, undone
    assert not DkimKey.objects.exists()
    come(shell, signing)
    assert DkimKey.objects.get().state == "prepared"


def test_what_was_only_kept_has_its_place_now(shell: Shell, signing: Foreign) -> None:
    rows = [(KeptRow.Kind.DKIM_KEY, "falcot.org S2024 1", PEM), (KeptRow.Kind.DKIM_SIGNING, "1", "")]
    keep_rows(label(signing), [ToKeep(kind, key, {}, secret) for kind, key, secret in rows])
    come(shell, signing)
    assert (kept("dkim_key"), kept("dkim_signing")) == ([], [])


# The authors of a key, for whom it signs here, whether it does so by itself, and whose entries stay kept.
AUTHORS: list[tuple[list[str], str, bool, list[str]]] = [
    (["falcot.org", "jean@falcot.org"], "", True, []),
    (["@Falcot.org"], "", True, []),
    (["*@falcot.org"], "", True, []),
    (["jean@falcot.org", "News@falcot.org"], "jean news", True, []),
    (["jean@falcot.org", "falcot.com"], "jean", True, ["falcot.com"]),
    (["*"], "", True, ["*"]),
    ([".falcot.org", "o'neil@falcot.org"], "", False, [".falcot.org", "o'neil@falcot.org"]),
    ([], "", False, []),
]


@pytest.mark.parametrize(("authors", "local_parts", "by_itself", "stay"), AUTHORS, ids=[str(row[0]) for row in AUTHORS])
def test_who_signs_with_it(
    shell: Shell, signing: Foreign, authors: list[str], local_parts: str, by_itself: bool, stay: list[str]
) -> None:
    signing.sql("DELETE FROM dkim_signing")
    if authors:
        signing.sql(ENTRY, [(author, 1) for author in authors])
    found = come(shell, signing)
    key = DkimKey.objects.get()
    assert (key.local_parts, key.signs_by_itself) == (local_parts, by_itself)
    assert ("key_comes" in said(found), "key_waits" in said(found)) == (by_itself, not by_itself)
    assert [one["thing"] for one in found["remarks"] if one["code"] == "entry_stays"] == stay
    assert sorted(row.payload["author"] for row in KeptRow.objects.filter(kind="dkim_signing")) == sorted(stay)
    with nothing_changes():
        come(shell, signing)


# A key, the code of the remark, and its sentence.
KEPT: list[tuple[str, tuple[str, str, str, str], str, str]] = [
    (
        "no key",
        ("falcot.org", "two", "secret", ""),
        "bad_key",
        "cannot be used: it is no private key. It is kept anyway.",
    ),
    (
        "another public key",
        ("falcot.org", "two", OTHER, public_text(read_pem(PEM))),
        "bad_key",
        "cannot be used: the public key beside it belongs to another one. It is kept anyway.",
    ),
    ("no domain", ("no.example", "two", OTHER, ""), "key_without_domain", "belongs to a domain that is not here."),
    ("a selector", ("falcot.org", "a_b", OTHER, ""), "key_stays", "does not come: A selector has letters, digits"),
    (
        "the same selector",
        ("falcot.org", "s2024", OTHER, ""),
        "key_differs",
        "s2024._domainkey.falcot.org is here already",
    ),
]


@pytest.mark.parametrize(("what", "row", "code", "sentence"), KEPT, ids=[row[0] for row in KEPT])
def test_it_stays_kept(
    shell: Shell, signing: Foreign, what: str, row: tuple[str, str, str, str], code: str, sentence: str
) -> None:
    signing.sql(KEY, [row])
    signing.sql(ENTRY, [("jean@falcot.org", 2)])
    found = come(shell, signing)
    assert sentence in said(found)[code]
    assert DkimKey.objects.count() == 1
    assert (len(kept("dkim_key")), len(kept("dkim_signing"))) == (1, 1)
    assert OTHER.splitlines()[1] not in str(found) + str(list(KeptRow.objects.values()))
    with nothing_changes():
        come(shell, signing)


def test_an_entry_without_its_key(shell: Shell, signing: Foreign) -> None:
    signing.sql(ENTRY, [("jean@falcot.org", 7)])
    sentence = "The DKIM signing entry of jean@falcot.org names a key that is not there. It is kept."
    assert said(come(shell, signing))["entry_without_key"] == sentence
    assert kept("dkim_signing") == ["2"]


def test_one_key_signs_for_an_address(shell: Shell, signing: Foreign) -> None:
    """The newer one waits for a person; an Ed25519 key stands beside."""
    third = pem_of(generate("rsa-2048"))
    signing.sql(KEY, [("falcot.org", "two", third, ""), ("falcot.org", "ed", OTHER, "")])
    signing.sql(ENTRY, [("*@falcot.org", 2), ("@falcot.org", 3)])
    sentence = (
        "two._domainkey.falcot.org is prepared and does not sign by itself: s2024._domainkey.falcot.org signs for the "
        "same addresses."
    )
    assert said(come(shell, signing))["key_beside"] == sentence
    by_itself = dict(DkimKey.objects.values_list("selector", "signs_by_itself"))
    assert by_itself == {"s2024": True, "two": False, "ed": True}


QUOTA = "INSERT INTO quota2 (username, bytes, messages) VALUES %s"


def test_used_space(shell: Shell, foreign: Foreign) -> None:
    foreign.sql(QUOTA, [("jean@falcot.org", 98_000_000, 700), ("Remy@falcot.org", -1, 0), ("old@falcot.org", 5, 1)])
    foreign.sql("INSERT INTO quota (username, path, current) VALUES ('laure@falcot.org', 'quota/storage', 9)")
    found = come(shell, foreign)
    assert found["counts"]["usage"] == {"new": 3, "there": 0, "left_out": 0}
    used = {row.username: (row.mailbox_id, row.bytes, row.messages) for row in Usage.objects.all()}
    ids = dict(Mailbox.objects.values_list("address__local_part", "pk"))
    assert used == {
        "jean@falcot.org": (ids["jean"], 98_000_000, 700),
        "remy@falcot.org": (ids["remy"], 0, 0),
        "laure@falcot.org": (ids["laure"], 9, 0),
    }
    assert Usage.objects.get(username="jean@falcot.org").percent == 95
    assert not Usage.objects.filter(DUE).exists(), "A takeover sends no mail."
    assert kept("quota_used") == ["old@falcot.org"]


def test_dovecot_knows_better(shell: Shell, foreign: Foreign) -> None:
    come(shell, foreign)
    jean = Mailbox.objects.get(address__local_part="jean")
    Usage.objects.create(mailbox=jean, domain_id=0, username="jean@falcot.org", bytes=7, messages=1)
    foreign.sql(QUOTA, [("jean@falcot.org", 5, 5)])
    with nothing_changes():
        found = come(shell, foreign)
    assert found["counts"]["usage"] == {"new": 0, "there": 1, "left_out": 0}
    assert Usage.objects.get().bytes == 7
    assert kept("quota_used") == []
