"""DKIM keys through the API: imported, made by the worker, moved on, and never shown in private."""

from domains.dkim_keys import generate, pem_of, public_text
from domains.dkim_models import DkimKey, DkimKeyOnHost
from domains.dkim_services import add_dkim_key
from domains.models import Domain
from jobs.services import run_job
from tests.api.conftest import Api
from tests.services.checks import TESTER

PATH = "dkim-keys/falcot.org/s1/"


def made(api: Api, **values: object) -> dict[str, object]:
    started = api("POST", "dkim-generations/", {"domain": "falcot.org", "selector": "s1"} | values)
    assert started.status == 202, started
    assert started.headers["Location"].endswith(f"/api/v1/jobs/{started.json['id']}/")
    run_job(started.json["id"])
    job = api.get(f"jobs/{started.json['id']}/")
    assert job["result"] == {"key": "s1._domainkey.falcot.org", "domain": "falcot.org", "selector": "s1"}
    return dict(api.get(PATH))


def test_it_works(api: Api, falcot: Domain) -> None:
    shown = made(api, algorithm="ed25519", local_parts=["newsletter", "billing"])
    assert (shown["algorithm"], shown["state"]) == ("ed25519", "prepared")
    assert shown["local_parts"] == ["billing", "newsletter"]
    assert shown["to_do"] == "Publish the record of s1._domainkey.falcot.org."
    assert api.get("dkim-keys/?to_do=true")["results"] == [shown]
    refused = api("PATCH", PATH, {"state": "published"})
    assert (refused.status, set(refused.faults())) == (422, {"reason"})
    published = api("PATCH", PATH, {"state": "published", "reason": "These servers are inside only"}).json
    assert (published["state"], published["waits_for"]) == (
        "published",
        "No host has its file yet. Run opendkim_sync where mail is signed, or sign by hand.",
    )
    refused = api("PATCH", PATH, {"state": "signing"})
    assert (refused.status, set(refused.faults())) == (422, {"reason"})
    DkimKeyOnHost.objects.create(host="mx1.example.net", key=DkimKey.objects.get(), path="/keys/1")
    assert api.get(PATH)["waits_for"] == "All name servers have the record. It signs when you say so."
    assert api("PATCH", PATH, {"state": "signing", "for_subdomains": True}).json["for_subdomains"]
    assert api.get("dkim-keys/?to_do=true")["results"] == []
    rotated = api("POST", "dkim-rotations/", {"domain": "falcot.org"})
    assert rotated.status == 202
    run_job(rotated.json["id"])
    assert DkimKey.objects.get(signs_by_itself=True).local_parts == "billing newsletter"
    assert api("PATCH", PATH, {"state": "revoked"}).json["record"].endswith("p=")
    assert api("PATCH", PATH, {"state": "prepared"}).status == 422
    assert api("DELETE", PATH).status == 204


def test_which_host_has_its_file(api: Api, falcot: Domain) -> None:
    key = add_dkim_key(falcot, "s1", generate("ed25519"), by=TESTER)
    assert api.get(PATH)["hosts"] == []
    for host in ("mx2.example.net", "mx1.example.net"):
        DkimKeyOnHost.objects.create(host=host, key=key, path="/keys/1")
    assert api.get(PATH)["hosts"] == ["mx1.example.net", "mx2.example.net"]


def test_what_cannot_be_made(api: Api, falcot: Domain) -> None:
    def faults(path: str, **values: object) -> set[str]:
        return set(api("POST", path, values).faults())

    assert faults("dkim-generations/", domain="nowhere.example", selector="s1") == {"domain"}
    assert faults("dkim-generations/", domain="falcot.org", selector="a b") == {""}
    assert faults("dkim-generations/", domain="falcot.org", selector="s1", algorithm="dsa") == {"algorithm"}
    assert faults("dkim-generations/", domain="falcot.org", selector="s1", local_parts=["a b@c"]) == {""}
    assert faults("dkim-rotations/", domain="falcot.org", selector="s9") == {"selector"}
    assert faults("dkim-keys/", domain="falcot.org", selector="s1") == {"private_key"}


def test_a_key_that_is_imported_twice(api: Api, falcot: Domain) -> None:
    key = generate("rsa-2048")
    added = api("PUT", PATH, {"private_key": pem_of(key)})
    assert added.status == 201
    assert public_text(key) in added.json["record"]
    assert "PRIVATE" not in str(added.json)
    again = api("PUT", PATH, {"private_key": pem_of(key)})
    assert (again.status, again.json) == (200, added.json)
    other = api("PUT", PATH, {"private_key": pem_of(generate("ed25519"))})
    assert (other.status, set(other.faults())) == (422, {"private_key"})


def test_the_same_post_again_makes_one_key(api: Api, falcot: Domain) -> None:
    body, key = {"domain": "falcot.org", "selector": "s1"}, {"Idempotency-Key": "once"}
    first = api("POST", "dkim-generations/", body, **key)
    assert api("POST", "dkim-generations/", body, **key).json == first.json
