"""The pages of an import: upload, look, start; and what the job then did."""

import csv
import io
import json
import os
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor, Door
from accounts.models import User
from domains.models import Domain, DomainAdmin
from jobs.models import Job
from jobs.services import run_job
from mailboxes.credentials import hash_password, is_password
from mailboxes.imports import forget_old_imports
from mailboxes.jobs import start_import
from mailboxes.models import Import, ImportRow, Mailbox
from tests.plugins import household as people
from tests.services.checks import TESTER

PASSWORD = "ann reads her own mail"
BCRYPT = "$2y$04$YpBzYjBeLxuM8AJ8Ex3wiuYzGs7d.YF0.YFvS6dEBkw4lYsbQVdDi"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailboxes.credentials.ROUNDS", 4)


def upload(client: Client, kind: str, text: str, **form: str) -> Any:
    file = SimpleUploadedFile("people.csv", text.encode())
    return client.post(f"/imports/add/{kind}/", {"file": file, "existing": "refuse"} | form, follow=True)


def stored() -> str:
    """All that the tables of imports and jobs hold."""
    with connection.cursor() as cursor:
        found = ""
        for table in ("mailboxes_import", "mailboxes_importrow", "jobs_job"):
            cursor.execute(f"SELECT coalesce(string_agg(row::text, ' '), '') FROM {table} AS row")  # noqa: S608
            found += cursor.fetchone()[0]
    return found


@pytest.fixture
def superuser(db: None) -> Client:
    people.move_in()
    return people.signed_in(people.SUPERUSER)


def test_it_works(superuser: Client) -> None:
    page = upload(superuser, "mailboxes", f"address,password\nann@falcot.org,{PASSWORD}\n").content.decode()
    assert "Add 1 line" in page
    one = Import.objects.latest("pk")
    key = settings.STATE / "import_keys" / str(one.pk)
    assert key.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in stored()
    assert not Mailbox.objects.filter(address__local_part="ann").exists()
    job_page = superuser.post(one.get_absolute_url(), follow=True)
    job = Job.objects.latest("pk")
    assert job_page.redirect_chain[-1][0] == job.get_absolute_url()
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error, job.done, job.total) == ("done", "", 1, 1)
    ann = Mailbox.objects.get(address__local_part="ann")
    assert job.result
    assert is_password(PASSWORD, ann.credential.hash)
    assert "Added 1, 0 were there already." in superuser.get(job.get_absolute_url()).content.decode()
    assert superuser.get(f"/history/{job.result['change_set']}/undo/").status_code == 200
    assert not key.exists()
    assert not ImportRow.objects.filter(of=one).exists()


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("domains", "/exports/domains/"),
        ("mailboxes", "/domains/falcot.org/mailboxes/export/"),
        ("aliases", "/domains/falcot.org/aliases/export/"),
    ],
)
def test_what_is_exported_can_be_imported(superuser: Client, kind: str, url: str, form: str) -> None:
    response = superuser.get(url, {"format": form})
    assert response.headers["Content-Disposition"].endswith(f'-{kind}.{form}"')
    text = people.text_of(response)
    assert text.startswith("\ufeff") == (form == "csv")
    rows = json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
    assert len(rows) > 1
    upload(superuser, kind, text, existing="skip")
    one = Import.objects.latest("pk")
    assert (one.kind, one.lines, one.there, one.refused) == (kind, len(rows), len(rows), 0)


# A file with lines that are refused (when they are read, by a rule, when they are written), and by how many sentences.
REFUSED = [
    (
        "mailboxes",
        "address,name,quota,active,password,hash\n"
        "no address,,,,,\nann@falcot.org,,,,password123,\nben@falcot.org,,,,,{PLAIN}secret\n"
        f"eve@falcot.org,{'x' * 300},much,perhaps,,\njean@falcot.org,,,,,\nann@no.example,,,,,\n",
        8,
    ),
    ("aliases", "address,destinations\none@falcot.org,nobody@falcot.org\n", 1),
    ("aliases", "address,destinations\none@falcot.org,two@falcot.org\ntwo@falcot.org,one@falcot.org\n", 2),
    (
        "domains",
        "name,address_class,target\nhost,virtual_mailbox,\nfalcot.org,virtual_mailbox,\nnew.example,,no.example\n",
        3,
    ),
]


@pytest.mark.parametrize(("kind", "text", "number"), REFUSED)
def test_faults_are_read_in_the_language_of_the_reader(superuser: Client, kind: str, text: str, number: int) -> None:
    """Not in that of the upload."""

    def faults(uploaded: str, read: str) -> list[str]:
        speak(uploaded)
        upload(superuser, kind, text)
        one = Import.objects.latest("pk")
        speak(read)
        return [fault["sentence"] for fault in superuser.get(one.get_absolute_url()).context["faults"]]

    def speak(language: str) -> None:
        User.objects.filter(username=people.USERNAMES[people.SUPERUSER]).update(language=language)

    said = {(uploaded, read): faults(uploaded, read) for uploaded in ("en", "ja") for read in ("en", "ja", "zh-hant")}
    assert len(said["en", "en"]) == number
    for read in ("en", "ja", "zh-hant"):
        assert said["en", read] == said["ja", read]
    for english, *others in zip(said["en", "en"], said["en", "ja"], said["en", "zh-hant"], strict=True):
        assert len({english, *others}) == 3, f"{english} is not translated."


def test_an_export_of_nothing_is_an_empty_list(superuser: Client) -> None:
    Domain.objects.create(name="empty.example")
    text = people.text_of(superuser.get("/domains/empty.example/mailboxes/export/", {"format": "json"}))
    assert json.loads(text) == []


def test_plain_passwords_are_hashed_on_all_processors(superuser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins when as many have begun as there are processors."""
    processors = len(os.sched_getaffinity(0))
    all_begun = Barrier(processors, timeout=60)

    def together(password: str) -> str:
        all_begun.wait()
        return hash_password(password)

    monkeypatch.setattr("mailboxes.import_passwords.hash_password", together)
    lines = [f"p{number}@falcot.org,{PASSWORD} {number}\n" for number in range(2 * processors)]
    upload(superuser, "mailboxes", "address,password\n" + "".join(lines))
    written()
    for mailbox in Mailbox.objects.filter(address__local_part__startswith="p", credential__isnull=False):
        number = mailbox.address.local_part.removeprefix("p")
        assert is_password(f"{PASSWORD} {number}", mailbox.credential.hash)
    assert Mailbox.objects.filter(address__local_part__regex=r"^p\d+$").count() == len(lines)


def written() -> int:
    """How many statements it takes to write the last upload."""
    job = start_import(Import.objects.latest("pk"), by=Actor(user=people.user_of(people.SUPERUSER), door=Door.PAGE))
    with CaptureQueriesContext(connection) as asked:
        run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("done", "")
    return len(asked)


def test_many_lines_need_no_more_statements_than_few(superuser: Client) -> None:
    found = []
    for number in (5, 100):
        lines = [f"u{n}of{number}@falcot.org,{BCRYPT}\n" for n in range(number)]
        upload(superuser, "mailboxes", "address,hash\n" + "".join(lines))
        found.append(written())
    assert found[0] == found[1]


def test_a_job_that_runs_twice_adds_once(superuser: Client) -> None:
    upload(superuser, "mailboxes", "address\nann@falcot.org\n")
    one = Import.objects.latest("pk")
    for _twice in range(2):
        superuser.post(one.get_absolute_url())
    job = Job.objects.get(kind="import")
    run_job(job.pk)
    first = Job.objects.get(pk=job.pk).result
    Job.objects.filter(pk=job.pk).update(state="waiting")
    run_job(job.pk)
    assert Job.objects.get(pk=job.pk).result == first


def test_faults_are_shown_by_line(superuser: Client) -> None:
    page = upload(superuser, "mailboxes", "address\njean@falcot.org\nann@nowhere.example\n").content.decode()
    assert "jean@falcot.org is a mailbox already." in page
    assert "nowhere.example is not here." in page
    assert "<dt>Refused</dt><dd>2</dd>" in page
    assert "Add 1 line" not in page
    one = Import.objects.latest("pk")
    faults = b"".join(superuser.get(f"{one.get_absolute_url()}faults/").streaming_content).decode()  # type: ignore[attr-defined]
    assert faults.splitlines()[1].startswith('2,jean@falcot.org,"jean@falcot.org is a mailbox already.')
    superuser.post(one.get_absolute_url())
    assert not Job.objects.filter(kind="import").exists()


def test_what_appeared_meanwhile_stops_all(superuser: Client) -> None:
    from mailboxes.services import add_mailbox

    upload(superuser, "mailboxes", f"address,password\nann@falcot.org,{PASSWORD}\nbob@falcot.org,\n")
    one = Import.objects.latest("pk")
    add_mailbox(Domain.objects.get(name="falcot.org"), "ann", by=TESTER)
    superuser.post(one.get_absolute_url())
    job = Job.objects.get(kind="import")
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "Refused lines: 1 of 2. Nothing was added.")
    assert not Mailbox.objects.filter(address__local_part="bob").exists()
    assert "ann@falcot.org is a mailbox already." in superuser.get(one.get_absolute_url()).content.decode()


def test_a_domain_admin_stays_within_the_own_domains(superuser: Client) -> None:
    claire = people.signed_in(people.DOMAIN_ADMIN)
    text = "address,mail_path\nann@foreign.example,\nann@falcot.org,elsewhere/\n"
    page = upload(claire, "mailboxes", text).content.decode()
    assert "foreign.example is not here." in page
    assert "Only a superuser chooses where mail is stored." in page


def test_who_lost_a_domain_meanwhile_imports_nothing(superuser: Client) -> None:
    claire = people.signed_in(people.DOMAIN_ADMIN)
    upload(claire, "mailboxes", "address\nann@falcot.org\n")
    claire.post(Import.objects.latest("pk").get_absolute_url())
    DomainAdmin.objects.filter(user__username="claire").delete()
    job = Job.objects.get(kind="import")
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "Refused lines: 1 of 1. Nothing was added.")


def test_who_is_gone_imports_nothing(superuser: Client) -> None:
    claire = people.signed_in(people.DOMAIN_ADMIN)
    upload(claire, "mailboxes", "address\nann@falcot.org\n")
    claire.post(Import.objects.latest("pk").get_absolute_url())
    User.objects.get(username="claire").delete()
    job = Job.objects.get(kind="import")
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "This file was forgotten meanwhile. Upload it again.")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "This file is empty."),
        (b"address\n", "There are no rows in this file."),
        (b"address,colour\na@falcot.org,red\n", "names a column “colour”, which is not known."),
        (b"name\nAnn\n", "does not name the column “address”."),
        (b"address\n\xff\xfe\n", "is not UTF-8 text."),
        (b'address\n"ann@falcot.org\n', "is no CSV"),
        (b'[{"address": "ann@falcot.org"}, 5]', "Number 2 is no object."),
        (b'[{"address": ', "This is no JSON"),
    ],
)
def test_a_file_that_cannot_be_read(content: bytes, sentence: str, superuser: Client) -> None:
    before = Import.objects.count()
    form = {"file": SimpleUploadedFile("people.csv", content), "existing": "refuse"}
    page = superuser.post("/imports/add/mailboxes/", form).content.decode()
    assert sentence in page
    assert Import.objects.count() == before


def test_a_file_that_is_too_large(superuser: Client, settings: Any) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 1000
    page = upload(superuser, "mailboxes", "address\n" + "x" * 2000).content.decode()
    assert "A page takes files of up to" in page


def test_nobody_comes_back_after_a_day(superuser: Client) -> None:
    upload(superuser, "mailboxes", f"address,password\nann@falcot.org,{PASSWORD}\n")
    one = Import.objects.latest("pk")
    key: Path = settings.STATE / "import_keys" / str(one.pk)
    assert key.exists()
    Import.objects.update(created_at="2026-01-01T00:00:00Z")
    forget_old_imports()
    assert not Import.objects.exists()
    assert not key.exists()


def test_a_key_goes_with_the_person_who_uploaded(superuser: Client) -> None:
    upload(people.signed_in(people.DOMAIN_ADMIN), "mailboxes", f"address,password\nann@falcot.org,{PASSWORD}\n")
    key: Path = settings.STATE / "import_keys" / str(Import.objects.latest("pk").pk)
    User.objects.get(username="claire").delete()
    os.utime(key, (0, 0))
    forget_old_imports()
    assert not key.exists()


def test_the_way_back_leads_to_the_domain(superuser: Client) -> None:
    assert (
        'href="/imports/add/mailboxes/?domain=falcot.org"'
        in superuser.get("/domains/falcot.org/mailboxes/").content.decode()
    )
    crumb, file = (
        '<a href="/domains/falcot.org/mailboxes/">',
        SimpleUploadedFile("people.csv", b"address\na@falcot.org\n"),
    )
    for response in (
        superuser.get("/imports/add/mailboxes/?domain=falcot.org"),
        superuser.post("/imports/add/mailboxes/?domain=falcot.org", {"file": file, "existing": "refuse"}, follow=True),
    ):
        assert crumb in response.content.decode()
    assert crumb not in superuser.get("/imports/add/mailboxes/?domain=nowhere.example").content.decode()
