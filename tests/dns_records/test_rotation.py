"""DKIM keys move on as the real name servers show their records, and each wait says what it is for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import ChangeSet
from dns_records.rotation import follow_keys, is_record_of, start_due_rotations
from domains.dkim_hosts import SigningHost, forget_host, report_host
from domains.dkim_keys import generate, public_text
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from domains.dkim_rotation import keys_to_rotate, next_selector, start_look, start_rotation
from domains.dkim_services import add_dkim_key, delete_dkim_key, move_dkim_key
from domains.dkim_waits import DkimWait, to_do
from domains.models import Domain
from domains.services import add_domain, change_mail_settings
from jobs.models import Job
from jobs.services import run_job
from mailboxes.undo import undo_change_set
from tests.plugins.name_servers import NameServers
from tests.services.checks import TESTER, refusal

pytestmark = pytest.mark.django_db
State, Reason = DkimKey.State, DkimWait.Reason
CLOCK = Actor.from_task("DKIM rotation")
BOTH = ("ns1", "ns2")


@pytest.fixture
def domain() -> Domain:
    return add_domain("example.org", by=TESTER)


def made(domain: Domain, selector: str = "s1", **options: Any) -> DkimKey:
    return add_dkim_key(domain, selector, generate("ed25519"), by=TESTER, **options)


def publish(servers: NameServers, *keys: DkimKey, at: Sequence[str] = BOTH, more: str = "") -> None:
    """The zone example.org with the records of these keys, as the panel says them."""
    servers.zone("example.org", "\n".join([*(key.zone_line for key in keys), more]), at=at)


def look(*keys: DkimKey, later: timedelta = timedelta()) -> list[str]:
    """What the keys are after the clock struck, `later` than it is; and why."""
    if later:
        DkimKey.objects.filter(retiring_at__isnull=False).update(retiring_at=timezone.now() - later)
    DkimWait.objects.filter(ask_again_at__isnull=False).update(ask_again_at=timezone.now())
    follow_keys(by=CLOCK)
    found = []
    for key in DkimKey.objects.filter(pk__in=[key.pk for key in keys]).select_related("wait", "domain").order_by("pk"):
        wait = getattr(key, "wait", None)
        found.append(f"{key.state}: {wait.reason}" if wait else str(key.state))
    return found


def why(key: DkimKey) -> str:
    return DkimWait.objects.get(pk=key.pk).why


def sign(key: DkimKey) -> DkimKey:
    key = move_dkim_key(key, State.PUBLISHED, is_seen=True, by=TESTER)
    return move_dkim_key(key, State.SIGNING, reason="No host runs in this test", by=TESTER)


def give(key: DkimKey, host: str = "mx.example.net") -> None:
    """As if this host had written its file."""
    DkimKeyOnHost.objects.create(host=host, key=key, path=f"/keys/{key.pk}")


def test_a_rotation(domain: Domain, name_servers: NameServers) -> None:
    old = sign(made(domain))
    give(old)
    publish(name_servers, old)
    run_job(start_rotation(domain, by=TESTER).pk)
    new = DkimKey.objects.exclude(pk=old.pk).get()
    assert (new.state, new.algorithm, new.signs_by_itself) == (State.PREPARED, "ed25519", True)
    assert to_do(new) == f"Publish the record of {new}."

    assert look(new, old) == ["signing", "prepared: missing"]
    assert why(new) == f"ns1.servers.test does not have {new} yet."
    publish(name_servers, old, new, at=["ns1"])
    assert look(new, old) == ["signing", "prepared: missing"]
    assert why(new) == f"ns2.servers.test does not have {new} yet."

    publish(name_servers, old, new)
    assert look(new, old) == ["signing", "published: host"]
    assert "mx.example.net has no file" in why(new)
    give(new)
    assert look(new, old) == ["retiring: kept", "signing"]
    assert DkimPrivateKey.objects.filter(key=old).exists()

    assert look(old, later=timedelta(days=6)) == ["retiring: kept"]
    assert look(old, later=timedelta(days=8)) == ["retiring: still_there"]
    old.refresh_from_db()
    assert to_do(old) == f"Remove the record of {old} from the DNS."
    publish(name_servers, new, at=["ns1"])
    assert look(old) == ["retiring: still_there"]
    assert why(old) == f"ns2.servers.test still has {old}."
    publish(name_servers, new)
    assert look(old, new) == ["gone", "signing"]
    assert not DkimPrivateKey.objects.filter(key=old).exists()
    history = ChangeSet.objects.filter(metadata__door="task").order_by("pk").values_list("metadata__verb", flat=True)
    assert sorted(history) == ["add", "publish", "sign", "take_out"]


def test_a_host_that_is_gone(domain: Domain, name_servers: NameServers) -> None:
    """Each host that signs with the old key must have the file of the new one, until somebody says that it is gone."""
    old, new = sign(made(domain)), made(domain, "s2", signs_by_itself=True)
    for host in ("mx1.example.net", "mx2.example.net"):
        DkimKeyOnHost.objects.create(host=host, key=old, path="/keys/1")
    report_host("mx1.example.net", by=TESTER)
    gone = SigningHost.objects.create(name="mx2.example.net", reported_at=timezone.now() - timedelta(days=3))
    publish(name_servers, old, new)
    assert look(new) == ["published: host"]
    assert "mx1.example.net has no file of it yet. Run" in why(new)
    DkimKeyOnHost.objects.create(host="mx1.example.net", key=new, path="/keys/2")
    assert look(new) == ["published: host"]
    assert why(new) == (
        "mx2.example.net has no file of it yet, and had not reported for 3\xa0days. Run opendkim_sync there, or forget "
        "that host if it is gone."
    )
    assert DkimWait.objects.filter(ask_again_at__gt=timezone.now()).exists()
    forget_host(gone, by=TESTER)
    follow_keys(by=CLOCK)
    assert look(old, new) == ["retiring: kept", "signing"]


def test_what_is_wrong_with_a_record_is_said(domain: Domain, name_servers: NameServers) -> None:
    key, other = made(domain), made(domain, "s2")
    wrong = other.zone_line.replace("s2.", "s1.")
    publish(name_servers, more=wrong)
    assert look(key) == ["prepared: different"]
    assert other.public_key in why(key)
    key.refresh_from_db()
    assert to_do(key) == f"Correct the record of {key}."
    publish(name_servers, key, more=wrong)
    assert look(key) == ["prepared: several"]
    name_servers.zone("example.org", key.zone_line, ns=["ns1", "dead"])
    assert look(key) == ["prepared: no_answer"]
    assert "dead.servers.test (127.0.53.66) does not answer." in why(key)


def test_a_key_that_does_not_sign_by_itself_waits_for_a_person(domain: Domain, name_servers: NameServers) -> None:
    key = made(domain)
    publish(name_servers, key)
    assert look(key) == ["published: by_hand"]
    assert to_do(DkimKey.objects.get()).startswith(f"Let a host write the file of {key}")
    give(key)
    assert to_do(DkimKey.objects.get()) == f"Sign with {key}."


def test_a_first_key_waits_for_a_host(domain: Domain, name_servers: NameServers) -> None:
    """Else it would be called signing while all mail leaves unsigned."""
    key = made(domain, signs_by_itself=True)
    publish(name_servers, key)
    assert look(key) == ["published: no_host"]
    assert why(key) == "No host has its file yet. Run opendkim_sync where mail is signed, or sign by hand."
    key.refresh_from_db()
    assert to_do(key) == f"Let a host write the file of {key}: run opendkim_sync where mail is signed."
    give(key)
    assert look(key) == ["signing"]


def test_where_no_host_reports_a_person_starts_each_key(domain: Domain, name_servers: NameServers) -> None:
    """Rspamd signs, with what `dkim export` wrote: the panel cannot know when it has the next one."""
    old, new = sign(made(domain)), made(domain, "s2", signs_by_itself=True)
    publish(name_servers, old, new)
    assert look(old, new) == ["signing", "published: no_host"]
    move_dkim_key(new, State.SIGNING, reason="rspamd has it", by=TESTER)
    assert look(old, new) == ["retiring: kept", "signing"]


def test_alias_domains_are_asked_too(domain: Domain, name_servers: NameServers) -> None:
    add_domain("brand.example", address_class="alias_domain", target=domain, by=TESTER)
    key = made(domain, for_alias_domains=True, signs_by_itself=True)
    publish(name_servers, key)
    name_servers.zone("brand.example", "")
    assert look(key) == ["prepared: missing"]
    assert "have s1._domainkey.brand.example yet" in why(key)
    give(key)
    name_servers.zone("brand.example", "s1._domainkey CNAME s1._domainkey.example.org.")
    assert look(key) == ["signing"]


def test_a_revoked_key(domain: Domain, name_servers: NameServers) -> None:
    key = sign(made(domain))
    publish(name_servers, key)
    key = move_dkim_key(key, State.REVOKED, by=TESTER)
    assert look(key) == ["revoked: still_there"]
    assert to_do(DkimKey.objects.get()) == f"Empty the p= in the record of {key}, or remove it."
    publish(name_servers, key)
    assert look(key) == ["revoked: emptied"]
    assert to_do(DkimKey.objects.get()) == ""
    publish(name_servers)
    assert look(key) == ["gone"]


def test_one_dead_server_does_not_hold_up_the_others(domain: Domain, name_servers: NameServers) -> None:
    stuck = {f"dead{number}.example": "" for number in range(30)}
    name_servers.zones(stuck, ns=["dead"])
    for name in stuck:
        made(add_domain(name, by=TESTER))
    keys = {f"d{number}.example": made(add_domain(f"d{number}.example", by=TESTER)) for number in range(100)}
    name_servers.zones({name: key.zone_line for name, key in keys.items()})
    begin = timezone.now()
    assert set(look(*keys.values())) == {"published: by_hand"}
    assert DkimWait.objects.filter(reason=Reason.NO_ANSWER, key__domain__name__in=stuck).count() == len(stuck)
    assert timezone.now() - begin < timedelta(seconds=60), "one after the other it takes 4 seconds for each of 30"


class TestTroubleOfOneKey:
    """It is said at that key; the others go on."""

    def look(self, key: DkimKey, name_servers: NameServers) -> str:
        good = made(add_domain("good.example", by=TESTER))
        assert good.pk > key.pk, "it comes after the other"
        name_servers.zone("good.example", good.zone_line)
        (found,) = look(key)
        good.refresh_from_db()
        assert good.state == State.PUBLISHED
        wait = DkimWait.objects.get(key=key)
        assert wait.ask_again_at
        assert wait.ask_again_at > timezone.now(), "it is not asked for in the same run again"
        return found

    def test_a_record_with_a_nul(self, domain: Domain, name_servers: NameServers) -> None:
        key = made(domain)
        publish(name_servers, more=r's1._domainkey TXT "x\000y"')
        assert self.look(key, name_servers) == "prepared: different"
        assert why(key).endswith(r"has another record at s1._domainkey.example.org: x\000y")

    def test_a_name_that_is_too_long(self, name_servers: NameServers) -> None:
        """It is refused now; one that is there, for an alias domain that came later or from before, waits."""
        domain = add_domain(".".join(["a" * 60] * 3 + ["b" * 45, "example"]), by=TESTER)
        with refusal("has 264 characters; a name in the DNS has 253 at most."):
            made(domain, "s2026-newsletter")
        key = made(domain)
        DkimKey.objects.filter(pk=key.pk).update(selector="s2026-newsletter")
        assert self.look(key, name_servers) == "prepared: no_answer"
        assert why(key).startswith("It is not known whether it is everywhere: "), why(key)
        assert why(key).endswith("or it is longer than 253.")

    def test_a_rule_stands_in_the_way(self, domain: Domain, name_servers: NameServers) -> None:
        key = made(domain, signs_by_itself=True)
        DkimPrivateKey.objects.all().delete()
        publish(name_servers, key)
        assert self.look(key, name_servers) == "prepared: failed"
        assert why(key).endswith("The private key of s1 is gone. Make a new key.")

    def test_whatever_it_is(self, domain: Domain, name_servers: NameServers, caplog: pytest.LogCaptureFixture) -> None:
        """Here a trigger of the database."""
        key = made(domain)
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE disk_full USING MESSAGE = 'no more space'; END $$; "
                "CREATE TRIGGER no_more BEFORE UPDATE ON domains_dkimkey "
                f"FOR EACH ROW WHEN (NEW.id = {key.pk}) EXECUTE FUNCTION no_more()"
            )
        publish(name_servers, key)
        assert self.look(key, name_servers) == "prepared: failed"
        assert why(key) == "The panel fails at it, and tries again. Its log says why."
        assert "no more space" in caplog.text


def test_who_waits_long_is_asked_seldom(domain: Domain, name_servers: NameServers) -> None:
    key = made(domain)
    publish(name_servers)
    look(key)
    wait = DkimWait.objects.get()
    assert wait.asked_at
    assert wait.ask_again_at
    assert timedelta(seconds=59) < wait.ask_again_at - timezone.now() <= timedelta(minutes=1)
    DkimWait.objects.update(since=timezone.now() - timedelta(days=2))
    look(key)
    later = DkimWait.objects.get().ask_again_at
    assert later
    assert timedelta(minutes=59) < later - timezone.now() <= timedelta(hours=1)
    assert follow_keys(by=CLOCK) == 0, "nobody's time has come"


def test_at_once(domain: Domain, name_servers: NameServers) -> None:
    key = made(domain)
    publish(name_servers, key)
    job = start_look(domain, by=TESTER)
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result) == (Job.State.DONE, {"keys": 1})
    key.refresh_from_db()
    assert key.state == State.PUBLISHED


def test_what_an_undo_brought_back_is_looked_for_again(domain: Domain, name_servers: NameServers) -> None:
    delete_dkim_key(made(domain), by=TESTER)
    assert not DkimWait.objects.exists()
    undo_change_set(ChangeSet.objects.get(metadata__verb="delete"), by=TESTER)
    key = DkimKey.objects.get()
    publish(name_servers, key)
    assert look(key) == ["published: by_hand"]


def test_who_takes_back_that_a_key_signs_says_when_it_does(domain: Domain, name_servers: NameServers) -> None:
    old, new = sign(made(domain)), made(domain, "s2", signs_by_itself=True)
    give(new)
    publish(name_servers, old, new)
    assert look(old, new) == ["retiring: kept", "signing"]
    number = undo_change_set(ChangeSet.objects.get(metadata__verb="sign", metadata__label=str(new)), by=TESTER)
    assert look(old, new) == ["signing", "published: by_hand"]
    assert look(old, new) == ["signing", "published: by_hand"]
    assert to_do(DkimKey.objects.get(pk=new.pk)) == f"Sign with {new}."
    undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)
    assert look(old, new) == ["retiring: kept", "signing"]


def test_the_schedule(domain: Domain) -> None:
    key = sign(made(domain, local_parts="newsletter"))
    sign(made(add_domain("young.example", by=TESTER)))
    DkimKey.objects.filter(pk=key.pk).update(signing_at=timezone.now() - timedelta(days=190))
    assert start_due_rotations(by=CLOCK) == 0, "off, unless somebody sets it"
    change_mail_settings(dkim_rotation_months=6, by=TESTER)
    assert start_due_rotations(by=CLOCK) == 1
    assert start_due_rotations(by=CLOCK) == 0, "the worker makes it already"
    run_job(Job.objects.get().pk)
    new = DkimKey.objects.filter(domain=domain).exclude(pk=key.pk).get()
    assert (new.local_parts, new.signs_by_itself) == ("newsletter", True)
    assert start_due_rotations(by=CLOCK) == 0, "it is on its way"


def test_keys_that_get_no_successor_do_not_stand_before_the_others(
    domain: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [sign(made(one)) for one in (domain, *(add_domain(f"d{number}.example", by=TESTER) for number in range(3)))]
    for days, key in enumerate(reversed(keys)):  # the first is due for the longest time
        DkimKey.objects.filter(pk=key.pk).update(signing_at=timezone.now() - timedelta(days=300 + days))
    change_mail_settings(dkim_rotation_months=6, by=TESTER)
    monkeypatch.setattr("dns_records.rotation.MOST_ROTATIONS", 1)
    start_rotation(domain, by=TESTER)  # the worker does not come to it
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE disk_full USING MESSAGE = 'no more space'; END $$; "
            "CREATE TRIGGER no_more BEFORE INSERT ON jobs_job FOR EACH ROW "
            f"WHEN (NEW.arguments ->> 'domain' = '{keys[1].domain_id}') EXECUTE FUNCTION no_more()"
        )
    assert start_due_rotations(by=CLOCK) == 1
    assert Job.objects.filter(arguments__domain=keys[2].domain_id).exists()
    assert start_due_rotations(by=CLOCK) == 1
    assert Job.objects.filter(arguments__domain=keys[3].domain_id).exists()
    assert start_due_rotations(by=CLOCK) == 0


def test_which_key_is_meant(domain: Domain) -> None:
    run_job(start_rotation(domain, by=TESTER).pk)
    first = DkimKey.objects.get()
    assert (first.algorithm, first.signs_by_itself) == ("rsa-2048", True)
    with refusal("on its way"):
        start_rotation(domain, by=TESTER)
    sign(first)
    sign(made(domain, "s2"))
    with refusal("Several keys"):
        start_rotation(domain, by=TESTER)
    with refusal("No key s9"):
        start_rotation(domain, "s9", by=TESTER)
    start_rotation(domain, first.selector, by=TESTER)
    with refusal("already"):
        start_rotation(domain, first.selector, by=TESTER)


def test_the_next_selector_is_new_for_alias_domains_too(domain: Domain) -> None:
    alias = add_domain("brand.example", address_class="alias_domain", target=domain, by=TESTER)
    first = next_selector(alias)
    made(alias, first)
    assert next_selector(domain) == f"{first}b"
    made(domain, f"{first}b")
    assert next_selector(alias) == f"{first}c"
    assert next_selector(add_domain("example.net", by=TESTER)) == first


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        ("v=DKIM1; k=ed25519; p={p}", True),
        ("p={p}; k=ed25519", True),
        ("v=DKIM1;k=ed25519;h=sha1:sha256;s=*;t=s;p= {p} ", True),
        ("v=DKIM1; p={p}", False),
        ("v=DKIM1; k=ed25519; p=", False),
        ("v=DKIM1; k=ed25519; h=sha1; p={p}", False),
        ("v=DKIM1; k=ed25519; s=tlsrpt; p={p}", False),
        ("v=DMARC1; p={p}", False),
        ("", False),
    ],
)
def test_what_a_verifier_takes_for_the_key(domain: Domain, text: str, is_it: bool) -> None:
    key = made(domain)
    assert is_record_of(key, text.format(p=key.public_key)) == is_it


def test_due_keys_are_found_by_an_index(domain: Domain) -> None:
    now = timezone.now()
    domains = Domain.objects.bulk_create(Domain(name=f"many.{number}.example") for number in range(3000))
    text = generate("ed25519")
    keys = DkimKey.objects.bulk_create(
        DkimKey(
            domain=one,
            selector="s1",
            algorithm="ed25519",
            public_key=public_text(text),
            state="signing",
            signing_at=now,
        )
        for one in domains
    )
    later = now + timedelta(hours=1)
    DkimWait.objects.bulk_create(DkimWait(key=key, state="prepared", ask_again_at=later) for key in keys)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE domains_dkimwait, domains_dkimkey, domains_domain")
    due = DkimWait.objects.filter(ask_again_at__lte=now).order_by("ask_again_at")
    assert "dkim_waits_by_time" in due.values_list("pk", flat=True)[:500].explain()
    assert "dkim_keys_that_sign" in keys_to_rotate(now - timedelta(days=30))[:100].explain()
