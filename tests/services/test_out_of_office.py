"""Out-of-office answers: one a mailbox, text only, for a time; and the Sieve script that Dovecot gets."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import ChangeSet
from domains.models import Domain
from domains.services import add_domain
from mailboxes.models import Mailbox, OutOfOffice
from mailboxes.out_of_office import delete_out_of_office, set_out_of_office
from mailboxes.removal import delete_domain
from mailboxes.services import add_alias, delete_mailbox
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, one_change_set, refusal
from tests.services.test_parsing import many

pytestmark = pytest.mark.django_db


def test_it_works(jean: Mailbox) -> None:
    with one_change_set("Set the out-of-office answer of jean@example.org"):
        answer = set_out_of_office(jean, text="Away.\r\nSorry.\r\n", subject=" Away ", by=TESTER)
    assert (answer.text, answer.subject, answer.days, answer.state) == ("Away.\nSorry.", "Away", 7, "active")


def test_a_second_one_is_a_change(jean: Mailbox) -> None:
    first = set_out_of_office(jean, text="Away", by=TESTER)
    second = set_out_of_office(jean, active=False, version=first.version, by=TESTER)
    assert (second.pk, second.text, second.version, second.state) == (first.pk, "Away", 2, "inactive")
    with refusal("Somebody else changed this"):
        set_out_of_office(jean, active=True, version=first.version, by=TESTER)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"text": ""}, "This field cannot be blank."),
        ({"text": "\n \n"}, "This field cannot be blank."),
        ({"text": "\t"}, "Type text only"),
        ({"text": "bell \x07"}, "Type text only"),
        ({"text": "nul \0"}, "NUL"),
        ({"subject": "Away\nBcc: all@example.org"}, "Type text only"),
        ({"text": "x" * 5001}, "at most 5000 characters"),
        ({"days": 0}, "Choose 1 to 30 days."),
        ({"days": 31}, "Choose 1 to 30 days."),
        ({"starts_at": timezone.now(), "ends_at": timezone.now() - timedelta(days=1)}, "ends after it starts"),
    ],
)
def test_what_is_no_answer_is_refused(jean: Mailbox, values: dict[str, Any], sentence: str) -> None:
    with refusal(sentence):
        set_out_of_office(jean, **{"text": "Away", **values}, by=TESTER)


def test_it_goes_and_comes_back_with_its_mailbox(domain: Domain, jean: Mailbox) -> None:
    set_out_of_office(jean, text="Away", by=TESTER)
    change_set = delete_mailbox(jean, by=TESTER)
    assert not OutOfOffice.objects.exists()
    undo_change_set(ChangeSet.objects.get(pk=change_set), by=TESTER)
    assert OutOfOffice.objects.get().text == "Away"
    delete_domain(domain, by=TESTER)
    assert not OutOfOffice.objects.exists()


def test_a_change_and_a_deletion_are_undone(jean: Mailbox) -> None:
    set_out_of_office(jean, text="Away", by=TESTER)
    before = list(ChangeSet.objects.values_list("pk", flat=True))
    answer = set_out_of_office(jean, text="Still away", by=TESTER)
    undo_change_set(ChangeSet.objects.exclude(pk__in=before).get(), by=TESTER)
    answer.refresh_from_db()
    assert answer.text == "Away"
    change_set = delete_out_of_office(answer, by=TESTER)
    undo_change_set(ChangeSet.objects.get(pk=change_set), by=TESTER)
    assert OutOfOffice.objects.get().text == "Away"


# The script


def script_of(answer: OutOfOffice) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT script FROM dovecot.sieve WHERE id = %s", [answer.pk])
        row = cursor.fetchone()
    return row[0] if row else ""


def test_it_names_all_addresses_that_lead_here(domain: Domain, other: Domain, jean: Mailbox) -> None:
    add_domain("twin.example", address_class="alias_domain", target=domain, by=TESTER)
    add_alias(domain, "info", ["jean@example.org"], by=TESTER)
    add_alias(other, "desk", ["info@example.org"], by=TESTER)
    add_alias(other, "off", ["jean@example.org"], active=False, by=TESTER)
    add_alias(other, "x-*", ["jean@example.org"], by=TESTER)
    add_alias(domain, "", ["jean@example.org"], by=TESTER)
    addresses = re.findall(r'"(\S+@\S+)"', script_of(set_out_of_office(jean, text="Away", by=TESTER)).split("[")[2])
    assert set(addresses) == {
        *("jean@example.org", "jean@twin.example", "info@example.org", "info@twin.example", "desk@example.com"),
    }


def test_there_is_none_outside_its_time(jean: Mailbox) -> None:
    now = timezone.now()
    answer = set_out_of_office(jean, text="Away", ends_at=now + timedelta(hours=1), by=TESTER)
    assert script_of(answer)
    assert not script_of(set_out_of_office(jean, starts_at=now + timedelta(minutes=9), by=TESTER))
    past: dict[str, Any] = {"starts_at": None, "ends_at": now - timedelta(minutes=9)}
    assert not script_of(set_out_of_office(jean, **past, by=TESTER))
    assert not script_of(set_out_of_office(jean, ends_at=None, active=False, by=TESTER))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where sieve-test, which gives up the rights of root, may read."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o777)  # it keeps the compiled script
        lines = ["mail_location = maildir:/nowhere", "mail_uid = nobody", "mail_gid = nogroup", "first_valid_uid = 1"]
        (path / "dovecot.conf").write_text("\n".join([*lines, "plugin {", "  sieve = file:/nowhere", "}", ""]))
        (path / "message").write_text("From: ann@else.example\nTo: jean@example.org\nSubject: Lunch\n\nHello\n")
        yield path


def what_pigeonhole_does(script: str, folder: Path) -> str:
    (folder / "script.sieve").write_text(script, newline="")
    people = ["-f", "ann@else.example", "-r", "jean@example.org", "-a", "jean@example.org"]
    command = ["sieve-test", "-c", str(folder / "dovecot.conf"), *people, "script.sieve", "message"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


HEAD = "\nPerformed actions:\n\n * send vacation message:\n    => seconds : "
TAIL = "\nEND MESSAGE\n\nImplicit keep:\n\n * store message in folder: INBOX\n\n"
CONTROLS = "".join(map(chr, [*range(32), 127]))
lines_of_text = st.text(
    st.one_of(
        st.sampled_from('"\\\n;[]{}$.#/*\t '), st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS)
    ),
    max_size=80,
).filter(lambda text: re.search(r"[^\s]", text, re.ASCII) and text.strip("\n "))
subjects = st.text(
    st.one_of(st.sampled_from('"\\;${}'), st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS)),
    max_size=40,
)


@settings(many, max_examples=150)
@given(text=lines_of_text, subject=subjects, days=st.integers(1, 30))
def test_no_text_breaks_out_of_the_script(jean: Mailbox, folder: Path, text: str, subject: str, days: int) -> None:
    """Whatever is typed, the real Pigeonhole compiles the script, and answers exactly this."""
    answer = set_out_of_office(jean, text=text, subject=subject, days=days, by=TESTER)
    done = what_pigeonhole_does(script_of(answer), folder)
    subject_line = f"    => subject : {answer.subject}\n" if answer.subject else ""
    assert done.startswith(f"{HEAD}{days * 86400}\n{subject_line}    => from    : jean@example.org\n")
    assert done.replace("\r\n", "\n").endswith(f"\nSTART MESSAGE\n{answer.text}{TAIL}")
