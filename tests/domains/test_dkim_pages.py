"""The tab DKIM of a domain, and the list of what waits for people."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from domains.dkim_demo import load_dkim_keys
from domains.dkim_hosts import SigningHost, report_host
from domains.dkim_keys import generate, pem_of, public_text
from domains.dkim_models import DkimKey, DkimKeyOnHost
from domains.dkim_services import add_dkim_key, move_dkim_key
from domains.dkim_waits import DkimWait
from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job
from tests.plugins.example_mail import TESTER, add_domain
from tests.plugins.people import words_of

TAB = "/domains/falcot.org/dkim/"


@pytest.fixture
def key(falcot: Domain) -> DkimKey:
    return add_dkim_key(falcot, "s1", generate("ed25519"), by=TESTER)


def test_what_is_to_be_done_stands_on_top(alice_client: Client, key: DkimKey) -> None:
    page = alice_client.get(TAB)
    said = words_of(page)
    assert "Publish the record of s1._domainkey.falcot.org. The name servers have not been asked yet." in said
    assert said.index("Publish the record") < said.index("What comes next")
    assert f'data-copy="{key.record_name}"' in page.content.decode()
    move_dkim_key(key, "published", is_seen=True, by=TESTER)
    said = words_of(alice_client.get(TAB))
    assert "Let a host write the file of s1._domainkey.falcot.org: run opendkim_sync where mail is signed." in said
    assert "Sign with s1" not in said
    said = words_of(alice_client.post(f"{TAB}s1/move/", {"state": "signing"}, follow=True))
    assert "Run opendkim_sync where mail is signed, or say who signs without it." in said
    DkimKeyOnHost.objects.create(host="mx.falcot.org", key=key, path="/keys/1")
    assert "Sign with s1._domainkey.falcot.org." in words_of(alice_client.get(TAB))
    alice_client.post(f"{TAB}s1/move/", {"state": "signing"})
    said = words_of(alice_client.get(TAB))
    assert "signs until you rotate it" in said
    assert "To be done next" not in said


def test_a_rotation_is_a_button(alice_client: Client, falcot: Domain) -> None:
    said = words_of(alice_client.post(f"{TAB}rotate/", follow=True))
    assert "Publish its record when it is there. Show the work" in said
    run_job(Job.objects.get(kind="dkim_generate").pk)
    key = DkimKey.objects.get()
    assert key.signs_by_itself
    assert f"Publish the record of {key}." in words_of(alice_client.get(TAB))
    said = words_of(alice_client.post(f"{TAB}rotate/", follow=True))
    assert f"{key} is on its way already." in said


def test_who_moves_it_on_says_why(alice_client: Client, key: DkimKey) -> None:
    said = words_of(alice_client.post(f"{TAB}s1/move/", {"state": "published"}, follow=True))
    assert "Say why you say so." in said
    reason = "Our servers are inside only"
    said = words_of(alice_client.post(f"{TAB}s1/move/", {"state": "published", "reason": reason}, follow=True))
    assert f"Moved on by hand: {reason}" in said
    assert reason in words_of(alice_client.get("/domains/falcot.org/history/"))


def test_who_goes_back_to_a_retired_key_says_why(alice_client: Client, key: DkimKey) -> None:
    for state in ("published", "signing", "retiring"):
        move_dkim_key(key, state, reason="The test says so", by=TESTER)
    said = words_of(alice_client.post(f"{TAB}s1/move/", {"state": "signing"}, follow=True))
    assert "Say how you know." in said
    typed = {"state": "signing", "reason": "dig shows it"}
    assert "Moved on by hand: dig shows it" in words_of(alice_client.post(f"{TAB}s1/move/", typed, follow=True))


def test_for_whom_it_signs(alice_client: Client, key: DkimKey) -> None:
    form = {"local_parts": "Newsletter@", "for_subdomains": "on", "version": "1"}
    said = words_of(alice_client.post(f"{TAB}s1/change/", form, follow=True))
    assert "Changed s1._domainkey.falcot.org." in said
    assert "signs only for newsletter@" in said
    assert "Somebody else changed this" in words_of(alice_client.post(f"{TAB}s1/change/", form))
    refused = words_of(alice_client.post(f"{TAB}s1/change/", {"local_parts": "a/b", "version": "2"}))
    assert "Type what stands before the @" in refused


def test_what_waits_over_all_domains(alice_client: Client, bob_client: Client, key: DkimKey) -> None:
    other = add_dkim_key(add_domain("other.example"), "s1", generate("ed25519"), by=TESTER)
    said = words_of(alice_client.get("/dkim/"))
    assert f"Publish the record of {key}." in said
    assert f"Publish the record of {other}." in said
    assert "other.example" not in words_of(bob_client.get("/dkim/"))
    for one in (key, other):
        move_dkim_key(one, "published", is_seen=True, by=TESTER)
    assert "No host has its file yet." in words_of(alice_client.get("/dkim/"))
    for one in (key, other):
        move_dkim_key(one, "signing", reason="rspamd signs", by=TESTER)
    assert "No DKIM key waits for a person." in words_of(alice_client.get("/dkim/"))


def test_the_demo_has_keys_in_each_state(alice_client: Client, falcot: Domain) -> None:
    load_dkim_keys(by=TESTER)
    assert set(DkimKey.objects.values_list("state", flat=True)) == set(DkimKey.State.values)
    said = words_of(alice_client.get(TAB))
    assert "Sign with news2026._domainkey.falcot.org." in said
    assert "All name servers have the record with an empty p=. It may stay." in said
    assert "empty its record" not in said
    DkimWait.objects.filter(reason="emptied").update(reason="not_asked")
    assert "empty its record" in words_of(alice_client.get(TAB))


def test_many_keys(alice_client: Client, key: DkimKey) -> None:
    """The newest come first, the others on the next page."""
    named = [DkimKey(domain=key.domain, selector=f"x{number}", public_key="MIIB") for number in range(20)]
    DkimKey.objects.bulk_create(named)
    first = alice_client.get(TAB)
    assert "<li>x19</li>" in first.content.decode()
    assert "<li>s1</li>" not in first.content.decode()
    rest = alice_client.get(TAB, {"after": first.context["page"].next}).content.decode()
    assert "<li>s1</li>" in rest
    assert "<li>x0</li>" not in rest


def test_a_key_that_was_made_elsewhere(alice_client: Client, falcot: Domain) -> None:
    private = generate("rsa-1024")
    typed = {"selector": "Old", "private_key": f"{pem_of(private)}trailing", "local_parts": "a b@c"}
    refused = alice_client.post(f"{TAB}import/", typed).content.decode()
    assert "before the @" in refused
    assert pem_of(private).splitlines()[3] not in refused, "what was typed is not sent back"
    typed |= {"local_parts": ""}
    said = words_of(alice_client.post(f"{TAB}import/", typed, follow=True))
    assert "Imported old._domainkey.falcot.org." in said
    key = DkimKey.objects.get()
    assert (key.algorithm, key.state, key.public_key) == ("rsa-1024", "prepared", public_text(private))
    assert "already" in alice_client.post(f"{TAB}import/", typed).content.decode()
    assert (
        "not a private key in PEM" in alice_client.post(f"{TAB}import/", typed | {"private_key": "x"}).content.decode()
    )


def test_a_host_that_signs(alice_client: Client, key: DkimKey) -> None:
    """When it last reported; and where it is gone, how it is forgotten."""
    report_host("mx1.falcot.org", by=TESTER)
    SigningHost.objects.create(name="mx2.falcot.org", reported_at=timezone.now() - timedelta(days=3))
    for host in ("mx1.falcot.org", "mx2.falcot.org"):
        DkimKeyOnHost.objects.create(host=host, key=key, path="/keys/1")
    assert "on mx1.falcot.org, mx2.falcot.org (silent for 3 days)" in words_of(alice_client.get(TAB))
    said = words_of(alice_client.get("/dkim/hosts/"))
    assert "mx1.falcot.org just now reports Forget host mx2.falcot.org 3 days ago silent Forget host" in said
    asked = words_of(alice_client.get("/dkim/hosts/mx2.falcot.org/forget/"))
    assert "It last reported 3 days ago, with the files of DKIM keys: 1." in asked
    said = words_of(alice_client.post("/dkim/hosts/mx2.falcot.org/forget/", follow=True))
    assert "Forgot mx2.falcot.org." in said
    assert [host.name for host in SigningHost.objects.all()] == ["mx1.falcot.org"]
    assert "Forgot host mx2.falcot.org, which signed" in words_of(alice_client.get("/history/"))
    assert "on mx1.falcot.org" in words_of(alice_client.get(TAB))
