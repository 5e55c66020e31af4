"""Hashes: which are taken, which are made anew, and what they cost."""

import re
from time import process_time

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.test import Client
from passlib.hash import argon2, bcrypt, sha512_crypt

from accounts.models import ChangeSet
from mailboxes.credentials import better_hash, hash_password, hash_with_scheme, is_password
from mailboxes.models import Mailbox, MailboxCredential
from mailboxes.services import owner_of
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
        (
            "$argon2id$v=19$m=4194304,t=3,p=1$BnpLPeq1eQLfbnCFbSVvjQ$uwXdCoRv5SVu1B1uo2qyk7LMn0VFxIs04kEKJT6ySKg",
            "no pass",
        ),
    ],
)
def test_a_hash_that_nobody_can_check_is_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(sentence)) as caught:
        hash_with_scheme(text)
    assert "secret" not in caught.value.messages[0]
