"""If-Match: whatever changes what is shown changes the ETag, so that nobody overwrites what was not seen."""

import pytest
from django.db import connection

from accounts.models import User
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
