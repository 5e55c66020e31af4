"""Each scheme that Dovecot lists: what doveadm makes of a password, the panel and Dovecot both take for it, and nothing
else; or the panel says in a sentence why not."""

import subprocess
from collections.abc import Iterator
from importlib import import_module
from time import monotonic

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from passlib.hash import bcrypt

from mailboxes.app_passwords import add_app_password
from mailboxes.credentials import hash_password, hash_with_scheme, is_password
from mailboxes.models import MailboxCredential
from mailboxes.password_schemes import FOR_CHALLENGES, OPEN, SCHEMES
from tests.dovecot.test_read_and_send import BOB, open_doors, with_password
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox

find_costly_hashes = import_module("mailboxes.migrations.0030_find_costly_hashes").find

PASSWORD = "correct horse – batterÿ"
SHORT = "batterÿ"  # crypt(3) of old reads eight bytes


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("home.example")
    with_password(add_mailbox(BOB))
    return dovecot


@pytest.fixture
def kept(mail: Dovecot) -> Iterator[MailboxCredential]:
    credential = MailboxCredential.objects.get(mailbox__address__local_part="bob")
    before = credential.hash
    yield credential
    MailboxCredential.objects.filter(pk=credential.pk).update(hash=before)


def listed() -> list[str]:
    return subprocess.run(["doveadm", "pw", "-l"], check=True, capture_output=True, text=True).stdout.split()


def made(scheme: str, password: str) -> str:
    words = ["doveadm", "pw", "-s", scheme, "-p", password, "-u", BOB]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def signs_in(mail: Dovecot, password: str) -> bool:
    """As a mail program would; a wrong password takes half a second there."""
    words = ["doveadm", "-c", str(mail.conf / "dovecot.conf"), "auth", "test", "-x", "service=imap", BOB, password]
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert ("succeeded" in done.stdout + done.stderr) == (done.returncode == 0), done
    assert done.returncode in (0, 77), done
    return done.returncode == 0


@pytest.mark.parametrize("encoding", ["", ".HEX", ".B64"])
@pytest.mark.parametrize("scheme", [*SCHEMES])
def test_panel_and_dovecot_agree(mail: Dovecot, kept: MailboxCredential, scheme: str, encoding: str) -> None:
    right = SHORT if scheme == "DES-CRYPT" else PASSWORD
    stored = made(scheme + encoding, right)
    assert hash_with_scheme(stored) == stored
    MailboxCredential.objects.filter(pk=kept.pk).update(hash=stored)
    for password, expected in ((right, True), (right[1:], False), (right.upper(), False)):
        assert is_password(password, stored) is expected, (stored, password)
        assert signs_in(mail, password) is expected, (stored, password, mail.log()[-500:])


@pytest.mark.parametrize(
    "stored",
    [
        "{CRYPT}$y$j9T$e7zeFKcXR5ghzyMxQUNqs/$tUG8LL4uYYsLUNlmKDWQ3SAcNS8Rd5iWc9QxEk2Wyp7",
        "{CRYPT}$6$rounds=5000$saltsalt$",
    ],
)
def test_what_crypt_knows_is_read(stored: str) -> None:
    if stored.endswith("$"):
        with pytest.raises(ValidationError):
            hash_with_scheme(stored)
    else:
        assert hash_with_scheme(stored) == stored


def test_yescrypt_of_debian(mail: Dovecot, kept: MailboxCredential) -> None:
    made = subprocess.run(
        ["perl", "-e", 'print crypt("secret words", q($y$j9T$e7zeFKcXR5ghzyMxQUNqs/))'], check=True, capture_output=True
    )
    stored = hash_with_scheme(made.stdout.decode())
    assert stored.startswith("{CRYPT}$y$")
    MailboxCredential.objects.filter(pk=kept.pk).update(hash=stored)
    for password, expected in (("secret words", True), ("secret word", False)):
        assert is_password(password, stored) is expected
        assert signs_in(mail, password) is expected


def test_every_scheme_of_dovecot_has_its_place() -> None:
    assert set(listed()) <= {*SCHEMES, *OPEN, *FOR_CHALLENGES}


@pytest.mark.parametrize("scheme", sorted((OPEN | FOR_CHALLENGES) & set(listed())))
def test_what_cannot_be_taken_is_a_sentence(scheme: str) -> None:
    stored = made(scheme, "secret words")
    with pytest.raises(ValidationError) as caught:
        hash_with_scheme(stored)
    (sentence,) = caught.value.messages
    assert scheme in sentence
    assert stored.partition("}")[2] not in sentence
    assert not is_password("secret words", stored)


@pytest.mark.parametrize("scheme", ["BLF-CRYPT", "ARGON2ID"])
def test_new_hashes_of_each_kind(mail: Dovecot, kept: MailboxCredential, settings: LazySettings, scheme: str) -> None:
    settings.PASSWORD_SCHEME = scheme
    stored = hash_password(PASSWORD)
    assert stored.startswith(f"{{{scheme}}}")
    MailboxCredential.objects.filter(pk=kept.pk).update(hash=stored)
    assert (signs_in(mail, PASSWORD), signs_in(mail, f"{PASSWORD}!")) == (True, False)


def test_what_takes_too_long_to_check_lets_nobody_in(mail: Dovecot, kept: MailboxCredential) -> None:
    """One that was stored before such hashes were refused: a check of it takes minutes, and everybody would wait."""
    costly = "{BLF-CRYPT}" + bcrypt.using(rounds=5, ident="2y").hash(PASSWORD).replace("$05$", "$24$")
    MailboxCredential.objects.filter(pk=kept.pk).update(hash=costly)
    find_costly_hashes(apps, None)
    assert kept.mailbox
    _one, text = add_app_password(kept.mailbox, "laptop", by=TESTER)
    try:
        begun = monotonic()
        assert open_doors(mail, BOB, PASSWORD) == []
        assert open_doors(mail, BOB, text) == ["imap", "pop", "submission", "submissions"]
        assert authenticate(RequestFactory().post("/"), username=BOB, password=PASSWORD) is None
        assert monotonic() - begun < 20
    finally:
        MailboxCredential.objects.filter(pk=kept.pk).update(is_costly=False)
    assert "Internal login failure" not in mail.log()
