"""The services of DKIM keys: what is kept, which steps there are, and what a killed worker leaves behind."""

import subprocess
from datetime import timedelta
from io import StringIO
from pathlib import Path
from stat import S_IMODE
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models import F

from accounts.models import ChangeSet
from domains import dkim_jobs
from domains.dkim_keys import forget_private_keys, generate, pem_of, seal_anew, unsealed
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey, LeftDkimName
from domains.dkim_rotation import next_selector
from domains.dkim_services import (
    add_dkim_key,
    change_dkim_key,
    delete_dkim_key,
    generate_dkim_key,
    import_dkim_key,
    move_dkim_key,
    start_generation,
)
from domains.models import AddressClass, Domain
from domains.services import add_domain, change_domain
from jobs.services import run_job
from mailboxes.removal import delete_domain
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, nothing_changes, one_change_set, refusal

pytestmark = pytest.mark.django_db
State = DkimKey.State


def made(domain: Domain, selector: str = "s1", algorithm: str = "ed25519") -> DkimKey:
    return add_dkim_key(domain, selector, generate(algorithm), by=TESTER)


def later(*, days: int) -> None:
    """As if names had been left earlier."""
    LeftDkimName.objects.update(left_at=F("left_at") - timedelta(days=days))


def move(key: DkimKey, *states: str) -> DkimKey:
    for state in states:
        key = move_dkim_key(key, state, reason="the test says so", by=TESTER)
    return key


@pytest.mark.parametrize("algorithm", DkimKey.Algorithm.values)
def test_it_works(domain: Domain, algorithm: str) -> None:
    job = start_generation(domain, " S2026.MX ", algorithm, by=TESTER)
    run_job(job.pk)
    key = DkimKey.objects.get()
    assert (key.selector, key.algorithm, key.state) == ("s2026.mx", algorithm, State.PREPARED)
    assert "PRIVATE KEY" in unsealed(key.private)
    assert key.record_name == "s2026.mx._domainkey.example.org."
    assert all(len(part) <= 255 for part in key.record_strings)
    assert "".join(key.record_strings) == key.record_text


@pytest.mark.parametrize("selector", ["", "a b", "-a", "a..b", "ü", "a/b", "x" * 64])
def test_a_selector_is_a_name_in_the_dns(domain: Domain, selector: str) -> None:
    with nothing_changes(), refusal("elector") if len(selector) < 64 else refusal("63"):
        start_generation(domain, selector, by=TESTER)


def test_a_selector_names_one_key(domain: Domain) -> None:
    made(domain)
    with refusal("already"):
        start_generation(domain, "s1", by=TESTER)
    start_generation(domain, "s2", by=TESTER)
    with refusal("being made"):
        start_generation(domain, "s2", by=TESTER)


class TestNames:
    """The key of a target that signs for alias domains stands in their zones too; a name there holds one key."""

    @pytest.fixture
    def brand(self, domain: Domain) -> Domain:
        return add_domain("brand.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)

    def test_a_key_of_an_alias_domain(self, domain: Domain, brand: Domain) -> None:
        add_dkim_key(domain, "s1", generate("ed25519"), for_alias_domains=True, by=TESTER)
        with refusal("s1._domainkey.brand.example holds a key of example.org already."):
            start_generation(brand, "s1", by=TESTER)
        with refusal("holds a key of example.org already"):
            made(brand)
        made(brand, "s2")

    def test_a_key_of_the_target(self, domain: Domain, brand: Domain) -> None:
        own = made(brand)
        with refusal("s1._domainkey.brand.example holds a key of brand.example already."):
            add_dkim_key(domain, "s1", generate("ed25519"), for_alias_domains=True, by=TESTER)
        key = made(domain)
        with refusal("holds a key of brand.example already"):
            change_dkim_key(key, for_alias_domains=True, by=TESTER)
        move(own, State.PUBLISHED, State.GONE)
        with refusal("s1._domainkey.brand.example had another key", field="for_alias_domains"):
            change_dkim_key(key, for_alias_domains=True, by=TESTER)
        later(days=31)
        change_dkim_key(key, for_alias_domains=True, by=TESTER)

    def test_a_new_target(self, domain: Domain) -> None:
        add_dkim_key(domain, "s1", generate("ed25519"), for_alias_domains=True, by=TESTER)
        brand = add_domain("brand.example", by=TESTER)
        own = made(brand)
        becomes: dict[str, Any] = {"address_class": AddressClass.ALIAS_DOMAIN, "target": domain}
        with refusal("would hold a key of brand.example and one of example.org", field="target"):
            change_domain(brand, **becomes, by=TESTER)
        delete_dkim_key(own, by=TESTER)
        change_domain(brand, **becomes, by=TESTER)

    def test_an_undo(self, domain: Domain, brand: Domain) -> None:
        delete_dkim_key(add_dkim_key(brand, "s1", generate("ed25519"), made_by=1, by=TESTER), by=TESTER)
        add_dkim_key(domain, "s1", generate("ed25519"), for_alias_domains=True, by=TESTER)
        with refusal("holds a key of example.org already"):
            undo_change_set(ChangeSet.objects.get(metadata__verb="delete"), by=TESTER)

    def test_a_key_that_comes_twice_is_told_by_the_job(self, domain: Domain, brand: Domain) -> None:
        """Both are asked for before either is there."""
        jobs = [start_generation(domain, "s1", "ed25519", for_alias_domains=True, by=TESTER)]
        jobs.append(start_generation(brand, "s1", "ed25519", by=TESTER))
        for job in jobs:
            run_job(job.pk)
        jobs[1].refresh_from_db()
        assert "holds a key of example.org already" in jobs[1].error
        assert DkimKey.objects.count() == 1


class TestLeftNames:
    """Where a key was, no other one stands for 30 days: a cache would say that its signatures are wrong."""

    NAME = "s1._domainkey.example.org had another key, which others may remember until "

    def free(self, domain: Domain, selector: str = "s1") -> None:
        key = made(domain, selector)
        DkimKey.objects.filter(pk=key.pk).delete()
        LeftDkimName.objects.filter(public_key=key.public_key).delete()

    @pytest.mark.parametrize("state", [State.PUBLISHED, State.RETIRING, State.REVOKED])
    def test_it_works(self, domain: Domain, state: str) -> None:
        key = move(made(domain, next_selector(domain)), State.PUBLISHED)
        DkimKey.objects.update(state=state)
        delete_dkim_key(key, by=TESTER)
        refused = f"{key} had another key, which others may remember until "
        with nothing_changes(), refusal(refused, field="selector"):
            start_generation(domain, key.selector, by=TESTER)
        with nothing_changes(), refusal(refused, field="selector"):
            import_dkim_key(domain, key.selector, pem_of(generate("ed25519")), by=TESTER)
        assert next_selector(domain) == f"{key.selector}b"
        later(days=29)
        assert next_selector(domain) == f"{key.selector}b"
        later(days=2)
        assert next_selector(domain) == key.selector
        self.free(domain, key.selector)
        assert forget_private_keys() == 0
        assert not LeftDkimName.objects.exists(), "it is forgotten at night"

    def test_what_nobody_saw_is_no_name_of_another(self, domain: Domain) -> None:
        """The worker made it, and it was never published; one that came from elsewhere may have signed there."""
        run_job(start_generation(domain, "s1", "ed25519", by=TESTER).pk)
        delete_dkim_key(DkimKey.objects.get(), by=TESTER)
        self.free(domain)
        delete_dkim_key(made(domain), by=TESTER)
        with refusal(self.NAME):
            made(domain)

    def test_the_same_key_comes_back(self, domain: Domain) -> None:
        key = move(made(domain), State.PUBLISHED)
        pem = unsealed(key.private)
        delete_dkim_key(key, by=TESTER)
        undo_change_set(ChangeSet.objects.get(metadata__verb="delete"), by=TESTER)
        delete_dkim_key(DkimKey.objects.get(), by=TESTER)
        import_dkim_key(domain, "s1", pem, by=TESTER)

    def test_its_domain_is_deleted(self, domain: Domain) -> None:
        move(made(domain), State.PUBLISHED)
        delete_domain(domain, by=TESTER)
        again = add_domain("example.org", by=TESTER)
        with refusal(self.NAME):
            made(again)

    def test_alias_domains(self, domain: Domain) -> None:
        brand = add_domain("brand.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
        first = next_selector(domain)
        key = add_dkim_key(domain, first, generate("ed25519"), for_alias_domains=True, by=TESTER)
        change_dkim_key(key, for_alias_domains=False, by=TESTER)
        with refusal(f"{first}._domainkey.brand.example had another key"):
            made(brand, first)
        assert next_selector(brand) == f"{first}b"
        delete_dkim_key(DkimKey.objects.get(), by=TESTER)
        assert set(LeftDkimName.objects.values_list("name", flat=True)) == {
            f"{first}._domainkey.{name}" for name in ("example.org", "brand.example")
        }

    @pytest.mark.parametrize("goes", ["deleted", "another target", "no alias domain any more"])
    def test_an_alias_domain_goes(self, domain: Domain, goes: str) -> None:
        other = add_domain("other.example", by=TESTER)
        brand = add_domain("brand.example", address_class=AddressClass.ALIAS_DOMAIN, target=domain, by=TESTER)
        move(add_dkim_key(domain, "s1", generate("ed25519"), for_alias_domains=True, by=TESTER), State.PUBLISHED)
        add_dkim_key(domain, "s2", generate("ed25519"), by=TESTER)
        change_domain(brand, active=False, by=TESTER)
        assert not LeftDkimName.objects.exists()
        if goes == "deleted":
            delete_domain(brand, by=TESTER)
            brand = add_domain("brand.example", by=TESTER)
        elif goes == "another target":
            change_domain(brand, target=other, by=TESTER)
        else:
            change_domain(brand, address_class=AddressClass.VIRTUAL_MAILBOX, target=None, by=TESTER)
        assert [one.name for one in LeftDkimName.objects.all()] == ["s1._domainkey.brand.example"]
        with refusal("s1._domainkey.brand.example had another key"):
            made(brand)

    def test_a_key_that_was_gone_long_before_it_is_deleted(self, domain: Domain) -> None:
        key = move(made(domain), State.PUBLISHED, State.GONE)
        later(days=31)
        delete_dkim_key(key, by=TESTER)
        self.free(domain)


def test_a_job_that_runs_twice_makes_one_key(domain: Domain) -> None:
    job = start_generation(domain, "s1", "ed25519", by=TESTER)
    first = generate_dkim_key(job, by=TESTER)
    assert generate_dkim_key(job, by=TESTER) == first
    assert dkim_jobs.generate(job)["key"] == "s1._domainkey.example.org"
    assert DkimKey.objects.count() == DkimPrivateKey.objects.count() == 1


def test_steps(domain: Domain) -> None:
    key = made(domain)
    with refusal("only prepared"):
        move(key, State.SIGNING)
    with one_change_set("Published DKIM key s1._domainkey.example.org"):
        key = move(key, State.PUBLISHED)
    with one_change_set("Signs with DKIM key s1._domainkey.example.org"):
        key = move(key, State.SIGNING)
    with refusal("Sign with another key"):
        delete_dkim_key(key, by=TESTER)
    other = move(made(domain, "s2"), State.PUBLISHED, State.SIGNING)
    key.refresh_from_db()
    assert key.state == State.RETIRING
    beside = move(made(domain, "s3", "rsa-1024"), State.PUBLISHED, State.SIGNING)
    other.refresh_from_db()
    assert (other.state, beside.state) == (State.SIGNING, State.SIGNING)
    assert move(other, State.REVOKED).record_text.endswith("p=")
    key = move(key, State.GONE)
    assert not DkimPrivateKey.objects.filter(key=key).exists()
    with refusal("cannot become"):
        move(key, State.SIGNING)


def test_who_says_that_it_is_published_says_why(domain: Domain) -> None:
    key = made(domain)
    with refusal("Say why"):
        move_dkim_key(key, State.PUBLISHED, reason="  ", by=TESTER)
    key = move_dkim_key(key, State.PUBLISHED, reason="They are inside only", by=TESTER)
    assert key.reason == "They are inside only"
    DkimKeyOnHost.objects.create(host="mx.example.net", key=key, path="/keys/1")
    assert move_dkim_key(key, State.SIGNING, by=TESTER).reason == ""
    key = move(key, State.RETIRING)
    with refusal("Say why"):
        move_dkim_key(key, State.GONE, by=TESTER)


def test_who_signs_before_the_hosts_have_its_file_says_why(domain: Domain) -> None:
    key = move(made(domain), State.PUBLISHED)
    with nothing_changes(), refusal("No host has the file of s1._domainkey.example.org", field="reason"):
        move_dkim_key(key, State.SIGNING, by=TESTER)
    DkimKeyOnHost.objects.create(host="mx1.example.net", key=key, path="/keys/1")
    move_dkim_key(key, State.SIGNING, by=TESTER)
    DkimKeyOnHost.objects.create(host="mx2.example.net", key=key, path="/keys/1")
    new = move(made(domain, "s2"), State.PUBLISHED)
    DkimKeyOnHost.objects.create(host="mx1.example.net", key=new, path="/keys/2")
    with nothing_changes(), refusal("mx2.example.net has no file of s2._domainkey.example.org", field="reason"):
        move_dkim_key(new, State.SIGNING, is_seen=True, by=TESTER)
    assert move_dkim_key(new, State.SIGNING, reason="mx2 is broken", by=TESTER).reason == "mx2 is broken"


def test_who_goes_back_to_a_retired_key_says_why(domain: Domain) -> None:
    """Its record may be gone from the DNS for months."""
    old = move(made(domain), State.PUBLISHED, State.SIGNING)
    new = move(made(domain, "s2"), State.PUBLISHED, State.SIGNING)
    old.refresh_from_db()
    with nothing_changes(), refusal("whether all name servers still have the record of s1._domainkey.example.org"):
        move_dkim_key(old, State.SIGNING, by=TESTER)
    old = move_dkim_key(old, State.SIGNING, reason="dig shows it", by=TESTER)
    new.refresh_from_db()
    assert (old.state, old.reason, new.state) == (State.SIGNING, "dig shows it", State.RETIRING)


def test_a_key_for_some_addresses(domain: Domain) -> None:
    whole = move(made(domain), State.PUBLISHED, State.SIGNING)
    news = move(made(domain, "s2"), State.PUBLISHED)
    with one_change_set("Changed DKIM key s2._domainkey.example.org"):
        news = change_dkim_key(news, local_parts="Newsletter@ billing, newsletter", by=TESTER)
    assert news.senders == ["billing", "newsletter"]
    move(news, State.SIGNING)
    whole.refresh_from_db()
    assert whole.state == State.SIGNING
    other = add_dkim_key(domain, "s3", generate("ed25519"), local_parts="billing", by=TESTER)
    other = move(other, State.PUBLISHED)
    with refusal("signs for billing already"):
        move(other, State.SIGNING)
    change_dkim_key(news, local_parts="newsletter", by=TESTER)
    move(other, State.SIGNING)
    with refusal("signs for billing already"):
        change_dkim_key(news, local_parts="newsletter billing", by=TESTER)
    next_one = add_dkim_key(domain, "s4", generate("ed25519"), local_parts="newsletter", by=TESTER)
    move(next_one, State.PUBLISHED, State.SIGNING)
    news.refresh_from_db()
    assert news.state == State.RETIRING
    for wrong in ("a b@c", "ü", "x y\nz%", "a/b"):
        with refusal("before the @"):
            change_dkim_key(next_one, local_parts=wrong, by=TESTER)


def test_undo_brings_a_deleted_key_back(domain: Domain) -> None:
    key = made(domain)
    text = unsealed(key.private)
    delete_dkim_key(key, by=TESTER)
    forget_private_keys()
    undo_change_set(ChangeSet.objects.get(metadata__verb="delete"), by=TESTER)
    assert unsealed(DkimKey.objects.get().private) == text
    forget_private_keys()
    assert DkimPrivateKey.objects.get().retired_at is None


def test_undo_of_an_added_key_and_of_that_undo(domain: Domain) -> None:
    text = unsealed(made(domain).private)
    number = undo_change_set(ChangeSet.objects.get(metadata__noun="dkim_key"), by=TESTER)
    assert not DkimKey.objects.exists()
    undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
    assert unsealed(DkimKey.objects.get().private) == text


def test_undo_of_a_new_key(domain: Domain) -> None:
    """It waits for its record already; once it moved on, its steps are taken back first."""
    key = made(domain)
    added = ChangeSet.objects.get(metadata__verb="add", metadata__noun="dkim_key")
    move(key, State.PUBLISHED)
    with refusal("was changed since"):
        undo_change_set(added, by=TESTER)
    undo_change_set(ChangeSet.objects.get(metadata__verb="publish"), by=TESTER)
    undo_change_set(added, by=TESTER)
    assert not DkimKey.objects.exists()


def test_undo_of_a_deleted_domain(domain: Domain) -> None:
    text = unsealed(made(domain).private)
    number = delete_domain(domain, by=TESTER)
    assert not DkimKey.objects.exists()
    undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
    assert unsealed(DkimKey.objects.get().private) == text


def test_undo_says_that_the_private_key_is_gone(domain: Domain) -> None:
    delete_dkim_key(made(domain), by=TESTER)
    DkimPrivateKey.objects.all().delete()
    with refusal("private key"):
        undo_change_set(ChangeSet.objects.get(metadata__verb="delete"), by=TESTER)


def test_keys_of_opendkim_genkey(domain: Domain, tmp_path: Path) -> None:
    subprocess.run(["opendkim-genkey", "-b", "1024", "-s", "old", "-d", "example.org", "-D", tmp_path], check=True)
    call_command("dkim", "import", "example.org", str(tmp_path / "old.private"), stdout=StringIO())
    key = DkimKey.objects.get(selector="old", algorithm="rsa-1024")
    written = "".join((tmp_path / "old.txt").read_text().split('"')[1::2])
    assert f"p={key.public_key}" in written
    (tmp_path / "out").mkdir()
    call_command("dkim", "export", "example.org", "old", "--output", str(tmp_path / "out"), stdout=StringIO())
    assert S_IMODE((tmp_path / "out/old.private").stat().st_mode) == 0o600
    delete_dkim_key(key, by=TESTER)
    call_command("dkim", "import", "example.org", str(tmp_path / "out/old.private"), stdout=StringIO())
    delete_dkim_key(DkimKey.objects.get(), by=TESTER)
    again = import_dkim_key(domain, "old", (tmp_path / "out/old.private").read_text(), by=TESTER)
    assert again.public_key == key.public_key


def test_what_is_no_key(domain: Domain) -> None:
    with nothing_changes(), refusal("PEM"):
        import_dkim_key(domain, "s1", "hello", by=TESTER)


def test_the_key_file_rotates(domain: Domain, settings: Any) -> None:
    key, before = made(domain), settings.DKIM_SEALING_KEYS
    text = unsealed(key.private)
    fresh = Fernet.generate_key().decode()
    settings.DKIM_SEALING_KEYS = f"{fresh}\n{before}"
    assert seal_anew() == 1
    settings.DKIM_SEALING_KEYS = fresh
    assert unsealed(DkimPrivateKey.objects.get()) == text
    settings.DKIM_SEALING_KEYS = before
    with refusal("dkim_sealing_keys"):
        seal_anew()


def test_the_key_file_is_for_the_panel_only() -> None:
    assert S_IMODE((settings.STATE / "dkim_sealing_keys").stat().st_mode) == 0o600


def test_no_private_key_is_in_the_database(domain: Domain) -> None:
    private = generate("ed25519")
    key = add_dkim_key(domain, "s1", private, by=TESTER)
    delete_dkim_key(move(key, State.PUBLISHED), by=TESTER)
    secret = pem_of(private).splitlines()[1]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT count(*) FROM "{table}" AS one WHERE one::text LIKE %s', [f"%{secret}%"])
            assert cursor.fetchone()[0] == 0, table
