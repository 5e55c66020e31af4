"""If-Match: whatever changes what is shown changes the ETag, so that nobody overwrites what was not seen."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from accounts.models import User
from dns_records.record_models import HeldPolicy
from domains.dkim_hosts import SigningHost
from domains.dkim_keys import generate
from domains.dkim_models import DkimKeyOnHost
from domains.dkim_services import add_dkim_key
from domains.models import Domain
from mailboxes.services import add_alias
from tests.api.conftest import Api
from tests.plugins.example_mail import TESTER


@pytest.fixture(autouse=True)
def world(api: Api, falcot: Domain, alice: User) -> None:
    api("POST", "mailboxes/", {"address": "new@falcot.org"})
    api("POST", "aliases/", {"address": "al@falcot.org", "destinations": ["new@falcot.org"]})


def test_a_destination_that_is_renamed(api: Api) -> None:
    seen = api("GET", "aliases/al@falcot.org/")
    api("PATCH", "mailboxes/new@falcot.org/", {"address": "newer@falcot.org", "keep_old": True})
    now = api("GET", "aliases/al@falcot.org/")
    assert (seen.json["destinations"], now.json["destinations"]) == (["new@falcot.org"], ["newer@falcot.org"])
    assert now.headers["ETag"] != seen.headers["ETag"]
    sent = {"If_Match": seen.headers["ETag"]}
    assert api("PUT", "aliases/al@falcot.org/", {"destinations": ["new@falcot.org"]}, **sent).status == 412
    assert api("PATCH", "aliases/al@falcot.org/", {"comment": "x"}, **sent).status == 412
    assert api("DELETE", "aliases/al@falcot.org/", **sent).status == 412
    operation = {"method": "DELETE", "noun": "aliases", "key": "al@falcot.org", "if_match": seen.headers["ETag"]}
    assert api("POST", "changes/", {"operations": [operation]}).status == 412
    assert api("GET", "aliases/al@falcot.org/").json == now.json
    fresh = {"If_Match": now.headers["ETag"]}
    assert api("PATCH", "aliases/al@falcot.org/", {"comment": "x"}, **fresh).status == 200


def test_a_mailbox_beside_it_that_goes(api: Api, falcot: Domain) -> None:
    add_alias(falcot, "new", ["new@falcot.org", "x@elsewhere.example"], by=TESTER)
    seen = api("GET", "aliases/new@falcot.org/")
    api("DELETE", "mailboxes/new@falcot.org/")
    now = api("GET", "aliases/new@falcot.org/")
    assert (seen.json["keeps_copy"], now.json["keeps_copy"]) == (True, False)
    assert now.headers["ETag"] != seen.headers["ETag"]


def test_what_is_as_it_was_keeps_its_mark(api: Api) -> None:
    seen = api("GET", "aliases/al@falcot.org/").headers["ETag"]
    assert api("GET", "aliases/al@falcot.org/").headers["ETag"] == seen
    assert api("PUT", "aliases/al@falcot.org/", {"destinations": ["new@falcot.org"]}).headers["ETag"] == seen


def test_mail_that_comes_meanwhile_stops_no_change(api: Api) -> None:
    seen = api("GET", "mailboxes/new@falcot.org/")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO dovecot.quota (username, bytes) VALUES ('new@falcot.org', 900)")
    now = api("GET", "mailboxes/new@falcot.org/")
    assert (seen.json["used_bytes"], now.json["used_bytes"]) == (None, 900)
    assert now.headers["ETag"] == seen.headers["ETag"]


def test_a_put_looks_once_for_what_is_there(api: Api) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert api("PUT", "domains/falcot.org/", {"description": "here"}).status == 200
    looks = [
        one["sql"] for one in asked if one["sql"].endswith("ASC LIMIT 1") and "\"name\" = 'falcot.org'" in one["sql"]
    ]
    assert len(looks) == 1, looks


def moved(api: Api, path: str, seen: Any) -> set[str]:
    """The fields that say something else, and the mark is the same."""
    now = api("GET", path)
    assert now.headers["ETag"] == seen.headers["ETag"]
    return {name for name, value in now.json.items() if value != seen.json[name]}


def test_who_signs_in_meanwhile(api: Api, alice: User) -> None:
    seen = api("GET", "people/alice/")
    User.objects.filter(pk=alice.pk).update(last_login=now())
    assert moved(api, "people/alice/", seen) == {"last_sign_in_at"}


def test_a_policy_that_senders_ask_for_meanwhile(api: Api, falcot: Domain) -> None:
    seen = api("GET", "dns-settings/")
    HeldPolicy.objects.create(domain=falcot, until=now() + timedelta(days=1))
    assert moved(api, "dns-settings/", seen) == {"sts_held_until"}


def test_a_host_that_signs_and_falls_silent(api: Api, falcot: Domain) -> None:
    key, path = add_dkim_key(falcot, "s1", generate("ed25519"), by=TESTER), "dkim-keys/falcot.org/s1/"
    api("PATCH", path, {"state": "published", "reason": "These servers are inside only"})
    seen = api("GET", path)
    DkimKeyOnHost.objects.create(host="mx1.falcot.org", key=key, path="/keys/1")
    assert moved(api, path, seen) == {"to_do", "waits_for", "hosts"}
    SigningHost.objects.create(name="mx1.falcot.org", reported_at=now())
    seen = api("GET", "signing-hosts/mx1.falcot.org/")
    SigningHost.objects.update(reported_at=now() - timedelta(days=3))
    assert moved(api, "signing-hosts/mx1.falcot.org/", seen) == {"reported_at", "is_silent"}
