"""Hashes: which are taken, which are made anew, and what they cost."""

import re
from base64 import b64encode
from importlib import import_module
from time import process_time, thread_time

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.test import Client
from passlib.hash import argon2, bcrypt, des_crypt, sha512_crypt

from accounts.models import ChangeSet
from mailboxes.backends import MailboxOwnerBackend
from mailboxes.credentials import better_hash, hash_password, hash_with_scheme, is_password, takes_too_long
from mailboxes.models import Mailbox, MailboxCredential
from mailboxes.services import owner_of, set_mailbox_password
from tests.plugins.people import words_of
from tests.services.checks import TESTER

PASSWORD = "let me read my mail"
OLD = "{SHA512-CRYPT}" + sha512_crypt.using(rounds=5000).hash(PASSWORD)


@pytest.mark.parametrize("scheme", ["BLF-CRYPT", "ARGON2ID"])
def test_a_check_takes_about_a_tenth_of_a_second(settings: LazySettings, scheme: str) -> None:
    settings.PASSWORD_SCHEME = scheme
    stored = hash_password(PASSWORD)
    begun = process_time()
    assert is_password(PASSWORD, stored)
    assert 0.02 < process_time() - begun < 1


@pytest.mark.parametrize(
    "stored",
    [
        OLD,
        "{BLF-CRYPT}" + bcrypt.using(rounds=5).hash(PASSWORD),
        "{ARGON2ID}" + argon2.using(type="ID", memory_cost=1024, time_cost=1).hash(PASSWORD),
        "{CRYPT}" + bcrypt.using(rounds=11).hash(PASSWORD),
    ],
)
@pytest.mark.parametrize("scheme", ["BLF-CRYPT", "ARGON2ID"])
def test_what_is_cheaper_is_made_anew(settings: LazySettings, stored: str, scheme: str) -> None:
    settings.PASSWORD_SCHEME = scheme
    better = better_hash(PASSWORD, stored)
    assert better is not None
    assert better.startswith(f"{{{scheme}}}")
    assert is_password(PASSWORD, better)
    assert better_hash(PASSWORD, better) is None


def test_what_bcrypt_cannot_keep_stays_as_it_was(settings: LazySettings) -> None:
    assert better_hash("x" * 73, "{SHA512-CRYPT}" + sha512_crypt.hash("x" * 73)) is None
    settings.PASSWORD_SCHEME = "ARGON2ID"
    assert is_password("x" * 73, better_hash("x" * 73, "{SHA512-CRYPT}" + sha512_crypt.hash("x" * 73)) or "")


@pytest.mark.django_db
def test_the_next_sign_in_makes_it_anew_and_nobody_is_told(jean: Mailbox, client: Client) -> None:
    owner_of(jean, by=TESTER)
    credential = MailboxCredential.objects.create(mailbox=jean, hash=OLD)
    lines, session = ChangeSet.objects.count(), jean.owner.user.get_session_auth_hash()
    for password, kept in (("something else", True), (PASSWORD, False), (PASSWORD, False)):
        client.post("/sign-in/", {"username": "jean@example.org", "password": password})
        assert (MailboxCredential.objects.get().hash == OLD) is kept
    now = MailboxCredential.objects.get()
    assert now.hash.startswith("{BLF-CRYPT}$2y$11$")
    assert now.changed_at == credential.changed_at
    assert (ChangeSet.objects.count(), jean.owner.user.get_session_auth_hash()) == (lines, session)


LONG = "Sommer2024!geheim"


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["DES-CRYPT", "CRYPT", "DES-CRYPT.B64"])
def test_a_password_of_which_only_a_part_counts_stays_and_is_to_be_changed(
    jean: Mailbox, client: Client, scheme: str
) -> None:
    digest = des_crypt.hash(LONG)
    stored = f"{{{scheme}}}{b64encode(digest.encode()).decode() if '.' in scheme else digest}"
    MailboxCredential.objects.create(mailbox=jean, hash=stored)
    client.post("/sign-in/", {"username": "jean@example.org", "password": LONG[:8]})
    assert MailboxCredential.objects.get().hash == stored
    assert is_password(LONG, stored)
    assert client.get("/my-mailbox/")["Location"] == "/my-mailbox/password/"
    assert "Only the first 8 characters of this password count." in words_of(client.get("/my-mailbox/password/"))
    client.post("/my-mailbox/password/", {"current": LONG, "password": PASSWORD, "again": PASSWORD})
    assert (MailboxCredential.objects.get().must_change, client.get("/my-mailbox/").status_code) == (False, 200)


def test_what_bcrypt_has_cut_off_is_not_lost(settings: LazySettings) -> None:
    settings.PASSWORD_SCHEME = "ARGON2ID"
    stored = "{BLF-CRYPT}" + bcrypt.using(rounds=4).hash("x" * 72)
    assert better_hash("x" * 72, stored) is None
    assert better_hash("x" * 72, "{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash("x" * 72)) is not None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "stored",
    [
        "{SSHA}8c9IVH66SbTqdl0BdhPmp1X5zI54c2FsdA==",
        "{BLF-CRYPT}" + bcrypt.using(rounds=4).hash(PASSWORD),
        "{BLF-CRYPT}$2b$31$abcdefghijklmnopqrstuuKzvOQZfKPJ0uSg7rX0Yy0c1xvS1sYkO",
        "{BLF-CRYPT}no digest",
    ],
)
def test_how_long_it_takes_does_not_tell_who_is_there(jean: Mailbox, stored: str) -> None:
    MailboxCredential.objects.create(mailbox=jean, hash=stored.replace(" ", "-"))
    took = {}
    for name in ("jean@example.org", "nobody@example.org"):
        begun = thread_time()
        assert MailboxOwnerBackend().authenticate(None, username=name, password="wrong") is None
        took[name] = thread_time() - begun
    assert took["jean@example.org"] > took["nobody@example.org"] / 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{PLAIN}secret", "The scheme PLAIN hides no password."),
        ("{CRAM-MD5}d7cd2b2f2a3f3a", "is of use for challenges only"),
        ("{ROT13}frperg", "This is no password hash that is known here."),
        ("secret", "This is no password hash"),
        ("{SSHA}x", "This is no password hash"),
        ("{SHA256.HEX}abc", "This is no password hash"),
        ("{PBKDF2}$1$salt$many$abc", "This is no password hash"),
        ("{SCRAM-SHA-256}4096,abc", "This is no password hash"),
        ("{CRYPT}$y$j9T$", "This is no password hash"),
        ("{CRYPT}$y$j9T$e7zeFKcXR5ghzyMxQUNqs/", "This is no password hash"),
        ("{PBKDF2}$1$salt$-5$" + "ab" * 20, "This is no password hash"),
    ],
)
def test_a_hash_that_nobody_can_check_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(sentence)) as caught:
        hash_with_scheme(text)
    assert "secret" not in caught.value.messages[0]


# Each takes from a second to for ever, once it is stored: as much as its writer likes.
COSTLY = [
    ("{BLF-CRYPT}$2b$31$abcdefghijklmnopqrstuuKzvOQZfKPJ0uSg7rX0Yy0c1xvS1sYkO", "BLF-CRYPT is taken up to $2y$14$."),
    ("{BLF-CRYPT}$2y$15$abcdefghijklmnopqrstuuKzvOQZfKPJ0uSg7rX0Yy0c1xvS1sYkO", "$2y$14$"),
    ("{BLF-CRYPT.HEX}" + b"$2b$31$abcdefghijklmnopqrstuuKzvOQZfKPJ0uSg7rX0Yy0c1xvS1sYkO".hex(), "$2y$14$"),
    ("{CRYPT}$2b$31$abcdefghijklmnopqrstuuKzvOQZfKPJ0uSg7rX0Yy0c1xvS1sYkO", "$2y$14$"),
    (f"{{SHA512-CRYPT}}$6$rounds=999999999$saltsalt${'a' * 86}", "rounds=1000000"),
    (f"{{SHA256-CRYPT}}$5$rounds=1000001$saltsalt${'a' * 43}", "rounds=1000000"),
    (f"{{ARGON2ID}}$argon2id$v=19$m=65536,t=4000000,p=1$c29tZXNhbHRzYWx0${'A' * 43}", "m=524288, m·t=1048576, p=16"),
    (f"{{ARGON2I}}$argon2i$v=19$m=524288,t=3,p=1$c29tZXNhbHRzYWx0${'A' * 43}", "m·t=1048576"),
    (f"{{ARGON2ID}}$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHRzYWx0${'A' * 43}", "m=524288"),
    (f"{{ARGON2ID}}$argon2id$v=19$m=65536,t=1,p=8000$c29tZXNhbHRzYWx0${'A' * 43}", "p=16"),
    ("{PBKDF2}$1$salt$2000000000$" + "ab" * 20, "rounds=1000000"),
    ("{SCRAM-SHA-256}2000000000,c2FsdA==," + "A" * 43 + "=," + "A" * 43 + "=", "rounds=1000000"),
    ("{CRYPT}$y$jFT$e7zeFKcXR5ghzyMxQUNqs/$tUG8LL4uYYsLUNlmKDWQ3SAcNS8Rd5iWc9QxEk2Wyp7", "up to 128 MiB."),
    ("{CRYPT}$7$KU..../....saltsalt$H3qgmBh400x0137f2s2smcbgiBndvBylAGEcBj7jSV0", "128 MiB"),
]
DEAREST = [
    "{BLF-CRYPT}$2y$14$abcdefghijklmnopqrstuuKzvOQZfKPJ0uSg7rX0Yy0c1xvS1sYkO",
    f"{{SHA512-CRYPT}}$6$rounds=1000000$saltsalt${'a' * 86}",
    f"{{ARGON2ID}}$argon2id$v=19$m=524288,t=2,p=16$c29tZXNhbHRzYWx0${'A' * 43}",
    "{PBKDF2}$1$salt$1000000$" + "ab" * 20,
    "{CRYPT}$y$jCT$e7zeFKcXR5ghzyMxQUNqs/$36v07UZ6p5Opx0LpVYYm0v.GcFkxl5b5eHl6IhbJCxC",
    "{CRYPT}$7$DU..../....saltsalt$H3qgmBh400x0137f2s2smcbgiBndvBylAGEcBj7jSV0",
]


@pytest.mark.parametrize(("text", "most"), COSTLY)
def test_what_would_hold_up_everybody_is_refused_and_never_tried(text: str, most: str) -> None:
    with pytest.raises(ValidationError, match="takes too long") as caught:
        hash_with_scheme(text)
    assert most in caught.value.messages[0]
    begun = process_time()
    assert takes_too_long(text)
    assert not is_password("x", text)
    assert process_time() - begun < 0.1


@pytest.mark.parametrize("stored", DEAREST)
def test_what_takes_longest_takes_a_second_or_so(stored: str) -> None:
    assert hash_with_scheme(stored) == stored
    assert not takes_too_long(stored)
    begun = process_time()
    assert not is_password("y" * 20, stored)
    assert process_time() - begun < 5


@pytest.mark.django_db
def test_one_that_was_stored_before_is_found(jean: Mailbox, laure: Mailbox, alice_client: Client) -> None:
    MailboxCredential.objects.create(mailbox=laure, hash=DEAREST[0])
    MailboxCredential.objects.create(mailbox=jean, hash=COSTLY[0][0])
    import_module("mailboxes.migrations.0030_find_costly_hashes").find(apps, None)
    assert [str(mailbox) for mailbox in Mailbox.objects.with_costly_hash()] == ["jean@example.org"]
    words = words_of(alice_client.get("/"))
    assert "The password hash of 1 mailbox takes too long to check." in words
    assert "Such a password lets nobody in. Set a new one: jean@example.org" in words
    page = words_of(alice_client.get("/mailboxes/jean@example.org/"))
    assert "its hash takes too long to check: it lets nobody in until a new one is set" in page
    set_mailbox_password(jean, PASSWORD, by=TESTER)
    assert not Mailbox.objects.with_costly_hash().exists()
    assert "takes too long" not in words_of(alice_client.get("/"))
