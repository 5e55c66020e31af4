"""What holds for every noun: each verb, each rehearsal, each list. A new noun is a line in EXAMPLES."""

import re
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ChangeSet, User
from api.nouns import BY_SLUG, NOUNS
from domains import services as domains
from domains.dkim_hosts import SigningHost, report_host
from domains.dkim_keys import generate, pem_of
from domains.dkim_services import add_dkim_key
from domains.models import Domain
from lookup_tables import nouns as tables
from mailboxes.local_users import import_local_users
from mailboxes.models import SessionCheck, SignIn
from mailboxes.services import add_alias, add_mailbox
from restrictions.access_services import add_table
from restrictions.services import add_class
from tests.api.conftest import Api
from tests.plugins.example_mail import TESTER


class Example(NamedTuple):
    """`added` is a POST, `key` where it then is; `changes` is a PATCH, and a POST of `wrong` is refused at `field`."""

    key: str
    added: dict[str, Any]
    changes: dict[str, Any]
    wrong: dict[str, Any]
    field: str
    other: str  # the key of another one


EXAMPLES = {
    "domains": Example("example.org", {"name": "Example.org"}, {"active": False}, {"name": "a b"}, "name", "b.example"),
    "domain-admins": Example(
        "falcot.org/charlie",
        {"domain": "falcot.org", "username": "Charlie"},
        {},
        {"domain": "falcot.org", "username": "nobody"},
        "username",
        "falcot.com/charlie",
    ),
    "dkim-keys": Example(
        "falcot.org/s2",
        {"domain": "Falcot.org", "selector": "S2", "private_key": pem_of(generate("ed25519"))},
        {"for_subdomains": True, "local_parts": ["billing", "newsletter"]},
        {"domain": "falcot.org", "selector": "s3", "private_key": "hello"},
        "private_key",
        "falcot.com/s2",
    ),
    "people": Example(
        "claire",
        {"username": "Claire", "language": "ja", "password": "tends to two gardens"},
        {"name": "Claire Roy", "active": False},
        {"username": "claire", "password": "short"},
        "password",
        "zoe@example.org",
    ),
    "mailboxes": Example(
        "new@falcot.org",
        {"address": "New@FALCOT.org", "quota_bytes": 1024, "password": "let me read it"},
        {"name": "New", "quota_bytes": None},
        {"address": "new@falcot.com"},
        "address",
        "z@falcot.org",
    ),
    "aliases": Example(
        "new@falcot.org",
        {"address": "new@falcot.org", "destinations": ["jean@falcot.com", "Somebody@elsewhere.example"]},
        {"destinations": ["jean@falcot.org"], "ends_at": "2036-01-01T00:00:00Z"},
        {"address": "new@falcot.org", "destinations": ["nobody@falcot.org"]},
        "destinations",
        "z@falcot.org",
    ),
    "relay-recipients": Example(
        "ann@relay.example",
        {"address": "ann@relay.example"},
        {},
        {"address": "ann@falcot.org"},
        "address",
        "z@relay.example",
    ),
    "permitted-senders": Example(
        "jean@falcot.org/info@elsewhere.example",
        {"mailbox": "Jean@falcot.org", "sender": "info@Elsewhere.example"},
        {},
        {"mailbox": "jean@falcot.org", "sender": "jean@falcot.org"},
        "sender",
        "jean@falcot.org/@elsewhere.example",
    ),
    "out-of-office": Example(
        "jean@falcot.org",
        {"mailbox": "Jean@falcot.org", "text": "I am away.", "ends_at": "2036-01-01T00:00:00Z"},
        {"subject": "Away", "days": 3, "active": False},
        {"mailbox": "jean@falcot.org", "text": "x", "days": 31},
        "days",
        "sophie@falcot.org",
    ),
    "default-aliases": Example(
        "abuse",
        {"local_part": "Abuse", "destination": "jean@falcot.org"},
        {"destination": "someone@elsewhere.example"},
        {"local_part": "abuse", "destination": "nobody@falcot.org"},
        "destination",
        "hostmaster",
    ),
    "transports": Example(
        "*",
        {"key": "*", "result": "smtp:[mx.example.net]"},
        {"active": False},
        {"key": "*", "result": "!"},
        "result",
        "z.example",
    ),
    "tls-policies": Example(
        "[mx.example.org]:587",
        {"key": "[mx.example.org]:587", "result": "encrypt"},
        {"result": "secure"},
        {"key": "a b", "result": "encrypt"},
        "key",
        "z.example",
    ),
    "sender-relays": Example(
        "@falcot.org",
        {"key": "@falcot.org", "result": "[relay.example.net]", "username": "us", "password": "a long one"},
        {"result": "[relay.example.com]", "comment": "Anew"},
        {"key": "@a.example", "result": "[relay.example.net]", "username": "us"},
        "password",
        "z@falcot.org",
    ),
    "bcc": Example(
        "sender/info@falcot.org",
        {"applies_to": "sender", "key": "info@falcot.org", "result": "archive@falcot.org"},
        {"result": "other@falcot.org"},
        {"applies_to": "sender", "key": "a@b.example", "result": "a@b.example"},
        "",
        "sender/z@falcot.org",
    ),
    "relocated": Example(
        "gone@falcot.org",
        {"key": "gone@falcot.org", "result": "away"},
        {"comment": "x"},
        {"key": "x", "result": "y"},
        "key",
        "z@falcot.org",
    ),
    "canonical": Example(
        "all/j@falcot.org",
        {"applies_to": "all", "key": "j@falcot.org", "result": "jean@falcot.org"},
        {"key": "jj@falcot.org", "comment": "x"},
        {"applies_to": "all", "key": "a@b.example", "result": "x"},
        "result",
        "recipient/z@falcot.org",
    ),
    "domain-dns": Example(
        "falcot.org",
        {"domain": "Falcot.org", "dmarc_policy": "reject", "spf_senders": "  include:_spf.example.net "},
        {"is_checked": False, "dmarc_policy": ""},
        {"domain": "falcot.org", "spf_senders": "nonsense"},
        "spf_senders",
        "falcot.com",
    ),
    "update-servers": Example(
        "panel",
        {"name": "Panel.", "address": "192.0.2.53", "password": "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="},
        {"port": 5353, "for_all": True},
        {"name": "other", "address": "192.0.2.53", "password": "short"},
        "password",
        "other.key",
    ),
    "restriction-lists": Example(
        "helo",
        {"stage": "helo", "entries": [{"name": "permit_mynetworks"}, {"name": "sleep", "argument": "1"}]},
        {"entries": [{"name": "reject", "argument": "", "warn_only": True, "active": False, "comment": "Not yet"}]},
        {"stage": "helo", "entries": [{"name": "reject_typo"}]},
        "entries",
        "data",
    ),
    "access-rules": Example(
        "sender/spam.example",
        {"applies_to": "sender", "key": "spam.example", "action": "REJECT", "code": "550", "text": "5.7.1 No"},
        {"text": "5.7.1 Never", "ends_at": "2036-01-01T00:00:00Z"},
        {"applies_to": "client", "key": "192.0.2.1/24", "action": "REJECT"},
        "key",
        "sender/z.example",
    ),
    "access-tables": Example(
        "partners",
        {"name": "partners", "applies_to": "client"},
        {"comment": "Who works with us"},
        {"name": "sender", "applies_to": "sender"},
        "name",
        "friends",
    ),
    "access-table-rules": Example(
        "members/192.0.2.7",
        {"table": "members", "key": "192.0.2.7", "action": "OK"},
        {"action": "REJECT", "text": "5.7.1 No more"},
        {"table": "nobody", "key": "192.0.2.7", "action": "OK"},
        "table",
        "members/192.0.2.0/28",
    ),
    "domain-access-rules": Example(
        "falcot.org/sender/spam.example",
        {"domain": "Falcot.org", "applies_to": "sender", "key": "spam.example", "action": "REJECT"},
        {"action": "CLASS", "of_class": "soft"},
        {"domain": "falcot.org", "applies_to": "recipient", "key": "ann@elsewhere.example", "action": "REJECT"},
        "key",
        "falcot.org/recipient/jean@falcot.org",
    ),
    "allowed-actions": Example("WARN", {"action": "WARN"}, {}, {"action": "HOLE"}, "action", "OK"),
    "recipient-classes": Example(
        "jean@falcot.org",
        {"recipient": "Jean@falcot.org", "of_class": "soft"},
        {"of_class": "hard"},
        {"recipient": "nobody@falcot.org", "of_class": "soft"},
        "recipient",
        "*",
    ),
    "protected-aliases": Example(
        "staff@falcot.org",
        {"address": "staff@falcot.org", "writers": "members", "named": ["boss@elsewhere.example"]},
        {"writers": "named"},
        {"address": "staff@falcot.org", "writers": "named"},
        "named",
        "webmaster@falcotsbrand.com",
    ),
    "restriction-classes": Example(
        "strict",
        {"name": "strict", "entries": [{"name": "reject_non_fqdn_sender", "warn_only": True}]},
        {"comment": "For some", "entries": []},
        {"name": "permit"},
        "name",
        "stricter",
    ),
}
EVERY = pytest.mark.parametrize("slug", EXAMPLES)
CHANGEABLE = pytest.mark.parametrize("slug", [slug for slug, example in EXAMPLES.items() if example.changes])


@pytest.fixture(autouse=True)
def world(falcot: Domain, charlie: User) -> None:
    furnish(falcot)


def furnish(falcot: Domain) -> None:
    """What the examples hang on."""
    domains.add_domain("relay.example", address_class="relay", by=TESTER)
    add_alias(falcot, "staff", ["jean@falcot.org"], by=TESTER)
    add_table("members", "client", by=TESTER)
    for name in ("soft", "hard"):
        add_class(name, by=TESTER)


def place(slug: str, key: str = "") -> str:
    return f"{slug}/{quote(key or EXAMPLES[slug].key, safe='')}/"


def put_body(slug: str) -> dict[str, Any]:
    keys = BY_SLUG[slug].key_values(EXAMPLES[slug].key)
    return {name: value for name, value in EXAMPLES[slug].added.items() if name not in keys}


def test_every_noun_has_an_example() -> None:
    assert set(EXAMPLES) == {
        noun.slug for noun in NOUNS if not (noun.is_single or noun.is_read_only or noun.is_only_deleted)
    }


@EVERY
def test_from_birth_to_death(api: Api, slug: str) -> None:
    added = api("POST", f"{slug}/", EXAMPLES[slug].added)
    assert added.status == 201, added
    assert added.headers["Location"] == "http://testserver/api/v1/" + added.headers["Location"].split("/api/v1/")[1]
    assert api.get(added.headers["Location"].removeprefix("http://testserver")) == added.json
    assert api.get(place(slug)) == added.json
    assert added.json in api.get(f"{slug}/")["results"]
    gone = api("DELETE", place(slug))
    assert (gone.status, gone.json) == (204, None)
    assert api("GET", place(slug)).status == 404
    assert added.change_set != gone.change_set
    assert "password" not in added.json


@EVERY
def test_put_twice_is_once(api: Api, slug: str) -> None:
    first = api("PUT", place(slug), put_body(slug))
    assert first.status == 201, first
    changes = ChangeSet.objects.count()
    again = api("PUT", place(slug), put_body(slug))
    assert (again.status, again.json, again.change_set) == (200, first.json, None)
    assert ChangeSet.objects.count() == changes


@CHANGEABLE
def test_change(api: Api, slug: str) -> None:
    added = api("POST", f"{slug}/", EXAMPLES[slug].added)
    seen = {"If_Match": added.headers["ETag"]}
    changed = api("PATCH", place(slug), EXAMPLES[slug].changes, **seen)
    assert changed.status == 200, changed
    expected = {name: added.json[name] for name in added.json} | EXAMPLES[slug].changes
    different = {name for name in expected if changed.json[name] != expected[name]}
    assert different <= {"version", "changed_at"}
    assert api("DELETE", place(slug), **seen).status in (404, 412)


@CHANGEABLE
def test_what_is_shown_can_be_sent_back(api: Api, slug: str) -> None:
    shown = api("POST", f"{slug}/", EXAMPLES[slug].added).json
    for method in ("PUT", "PATCH"):
        answer = api(method, place(slug), shown)
        assert (answer.status, answer.change_set) == (200, None), answer
    name = "changed_at" if "changed_at" in shown else "created_at"
    answer = api("PATCH", place(slug), {name: "2026-01-01T00:00:00Z"})
    assert answer.faults() == {name: "read_only"}


@EVERY
def test_a_rehearsal_leaves_nothing(api: Api, slug: str) -> None:
    answer = api("POST", f"{slug}/?dry_run=true", EXAMPLES[slug].added)
    assert answer.status == 200
    assert "added" in {change["kind"] for change in answer.json["changes"]}
    assert api("GET", place(slug)).status == 404
    api("POST", f"{slug}/", EXAMPLES[slug].added)
    answer = api("DELETE", place(slug) + "?dry_run=true")
    assert "deleted" in {change["kind"] for change in answer.json["changes"]}
    assert api("GET", place(slug)).status == 200


NOT_SHOWN = {"position", "applies_to"}  # of an entry, and of a rule that has them from its table


@EVERY
def test_the_history_has_its_names_and_values(api: Api, slug: str) -> None:
    added = api("POST", f"{slug}/", EXAMPLES[slug].added)
    shown = api.get(place(slug))
    changes = api.get(f"history/{added.change_set}/")["changes"]
    stored = {one["name"]: one["after"] for change in changes if change["noun"] == slug for one in change["fields"]}
    assert stored
    for name, value in stored.items():
        if name not in NOT_SHOWN:
            places = [one for one in (shown, *shown.get("entries", [])) if name in one]
            assert any(value == one[name] or (type(one[name]) is list and value in one[name]) for one in places), name


@EVERY
def test_a_refusal_is_a_sentence_at_its_field(api: Api, slug: str) -> None:
    lines = ChangeSet.objects.count()
    answer = api("POST", f"{slug}/", EXAMPLES[slug].wrong)
    assert answer.status == 422
    assert set(answer.faults()) == {EXAMPLES[slug].field}
    assert answer.json["detail"].endswith((".", "?"))
    assert ChangeSet.objects.count() == lines


@EVERY
def test_the_same_key_twice(api: Api, slug: str) -> None:
    api("POST", f"{slug}/", EXAMPLES[slug].added)
    assert api("POST", f"{slug}/", EXAMPLES[slug].added).status == 422


BODIES = [[], "text", 5, None, {"no_such_field": 1}, b"{", b"\xff", b'{"a": NaN}', b'{"a": 1e400}', b"[" * 5000]


@EVERY
def test_a_body_that_cannot_be(api: Api, slug: str) -> None:
    lines = ChangeSet.objects.count()
    for body in BODIES:
        for method, path in [("POST", f"{slug}/"), ("PUT", place(slug))]:
            if method == "PUT" and body is None:
                continue  # some are nothing but their key
            assert api(method, path, body).status in (400, 422), (method, body)
    assert ChangeSet.objects.count() == lines


STRANGE = ["\0", "a" * 3000, "ü@ü", "<script>", "%00", "a/b/c", " ", "@", "..", "sender/", "\U0001f600", "a\nb"]
STRANGE += ["falcot.org/\0", "jean@falcot.org/a\0b"]  # in the second part of a key


@EVERY
def test_a_key_that_cannot_be(api: Api, slug: str) -> None:
    for key in STRANGE:
        path = f"{slug}/{quote(key, safe='', errors='surrogatepass')}/"
        assert api("GET", path).status == 404, key
        assert api("DELETE", path).status == 404, key
        if (slug, key) not in PLAIN_NAMES:
            assert api("PUT", path, put_body(slug)).status in (404, 422), key


BEGINS_WITH = {"domains": "name", "people": "username", "access-rules": "key"}
BEGINS_WITH |= {"access-table-rules": "key", "domain-access-rules": "key"}
BEGINS_WITH |= {table.slug: "key" for table in tables.NOUNS}
PLAIN_NAMES = [("people", "@"), ("people", "..")]
DOMAIN_OF = {"relay-recipients": "relay.example"}
BAD_QUESTIONS = [
    "serch=x",
    "limit=0",
    "limit=501",
    "limit=x",
    "ordering=x",
    "count=yes",
    "cursor=x",
    "cursor=bnVsbA",
    "active=1",
    "domain=a%00b",
    "domain=no.example",
    "limit=1&limit=2",
]
BAD_QUESTIONS.append("search=" + "x" * 400)


class TestLists:
    @EVERY
    def test_pages(self, api: Api, slug: str) -> None:
        """Forwards and backwards, page by page, everything once."""
        api("PUT", place(slug), put_body(slug))
        api("PUT", place(slug, EXAMPLES[slug].other), put_body(slug))
        within = f"&domain={DOMAIN_OF.get(slug, 'falcot.org')}" if BY_SLUG[slug].ordered_in_domain else ""
        whole = api.get(f"{slug}/?limit=500{within}")["results"]
        assert len(whole) >= 2
        for ordering in BY_SLUG[slug].orderings:
            forwards = self.all_pages(api, f"{slug}/?limit=1&ordering={ordering}{within}")
            backwards = self.all_pages(api, f"{slug}/?limit=1&ordering=-{ordering}{within}")
            assert forwards == backwards[::-1]
            assert sorted(map(str, forwards)) == sorted(map(str, whole))

    def all_pages(self, api: Api, path: str) -> list[Any]:
        found = []
        while path:
            page = api.get(path)
            found += page["results"]
            path = (page["next"] or "").removeprefix("http://testserver")
        return found

    @EVERY
    def test_an_index_stands_behind_each_ordering(self, api: Api, slug: str) -> None:
        """Nothing is sorted but what comes sorted out of an index: then the first page of millions is quick."""
        noun, alice = BY_SLUG[slug], User.objects.get(username="alice")
        for ordering, key in noun.orderings.items():
            for sign in ("", "-"):
                rows = noun.listed(alice).order_by(*(sign + name for name in key))
                if ordering == noun.ordered_in_domain:
                    rows = noun.filtered(rows, "domain", "falcot.org", alice)
                rows = rows[:51]
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL enable_seqscan = off")
                    cursor.execute("SET LOCAL enable_sort = off")
                    cursor.execute("SET LOCAL enable_hashjoin = off")
                    cursor.execute("SET LOCAL enable_mergejoin = off")
                    cursor.execute("SET LOCAL enable_bitmapscan = off")
                plan = rows.explain()
                assert not re.search(r"->  Sort", plan), plan

    @EVERY
    def test_counted_where_asked(self, api: Api, slug: str) -> None:
        api("PUT", place(slug), put_body(slug))
        page = api.get(f"{slug}/?limit=1&count=exact")
        assert page["count"] == len(api.get(f"{slug}/?limit=500")["results"])
        assert "count" not in api.get(f"{slug}/")

    @EVERY
    def test_filters_and_search(self, api: Api, slug: str) -> None:
        added = api("PUT", place(slug), put_body(slug)).json
        noun = BY_SLUG[slug]
        values = {"domain": DOMAIN_OF.get(slug, "falcot.org"), "username": "charlie"}
        values |= {"active": "true", "suspended": "false", "is_superuser": "false"}
        values |= {"applies_to": added.get("applies_to", ""), "target": "falcot.org"}
        values |= {"table": added.get("table", ""), "of_class": added.get("of_class", "")}
        values |= {"to_do": "true", "address_class": "virtual_mailbox", "mailbox": added.get("mailbox", "")}
        for name in noun.filters:
            found = api.get(f"{slug}/?{name}={values[name]}")["results"]
            assert added in found or (slug, name) == ("domains", "target"), name
        if noun.searches:
            beginning = quote(added[BEGINS_WITH.get(slug, "address")][:3])
            assert added in api.get(f"{slug}/?search={beginning}")["results"]
            assert api.get(f"{slug}/?search=qqq")["results"] == []

    @pytest.mark.parametrize("question", BAD_QUESTIONS)
    def test_questions_that_cannot_be(self, api: Api, question: str) -> None:
        assert api("GET", f"mailboxes/?{question}").status == 400

    def test_a_cursor_of_another_ordering(self, api: Api) -> None:
        cursor = re.search("cursor=([^&]+)", api.get("mailboxes/?limit=1")["next"])
        assert cursor
        answer = api("GET", f"mailboxes/?ordering=-added&cursor={cursor[1]}")
        assert answer.json["detail"] == "This cursor belongs to another ordering. Begin again without it."


def test_the_dkim_keys(api: Api) -> None:
    """Only their public half."""
    add_dkim_key(domains.add_domain("example.org", by=TESTER), "s1", generate("ed25519"), by=TESTER)
    shown = api.get("dkim-keys/Example.org/S1/")
    assert (shown["state"], shown["record_name"]) == ("prepared", "s1._domainkey.example.org.")
    assert shown["record"].startswith("v=DKIM1; h=sha256; k=ed25519; s=email; p=")
    assert api.get("dkim-keys/?domain=example.org")["results"] == [shown]
    assert "PRIVATE" not in str(shown)


def test_the_hosts_that_sign(api: Api) -> None:
    """opendkim_sync says that they are there; here they are only forgotten."""
    report_host("mx1.falcot.org", by=TESTER)
    SigningHost.objects.create(name="mx2.falcot.org", reported_at=timezone.now() - timedelta(days=3))
    found = api.get("signing-hosts/")["results"]
    assert [(host["name"], host["is_silent"]) for host in found] == [
        ("mx1.falcot.org", False),
        ("mx2.falcot.org", True),
    ]
    assert api.get("signing-hosts/?search=mx2")["results"] == [api.get("signing-hosts/mx2.falcot.org/")]
    assert api("PUT", "signing-hosts/mx3.falcot.org/", {}).status == 405
    gone = api("DELETE", "signing-hosts/mx2.falcot.org/")
    assert ChangeSet.objects.get(pk=str(gone.change_set)).sentence == "Forgot host mx2.falcot.org, which signed"
    assert api("GET", "signing-hosts/mx2.falcot.org/").status == 404


def test_the_local_users(api: Api) -> None:
    """They come from the mail host, so nothing is written here."""
    import_local_users({"root": 0, "ada": 1000}, by=TESTER)
    assert api.get("local-users/?search=a")["results"] == [{"name": "ada", "uid": 1000}]
    assert api.get("local-users/ADA/") == {"name": "ada", "uid": 1000}
    for method, path in [("POST", "local-users/"), ("PUT", "local-users/ada/"), ("DELETE", "local-users/ada/")]:
        assert api(method, path, {}).status == 405
    operations = [{"method": "DELETE", "noun": "local-users", "key": "ada"}]
    assert api("POST", "changes/", {"operations": operations}).status == 422


def test_the_sign_ins_and_the_hosts_that_end_sessions(api: Api, falcot: Domain) -> None:
    """Dovecot writes the one, end_sessions the other."""
    jean = add_mailbox(falcot, "zoe", by=TESTER)
    SignIn.objects.create(mailbox=jean, username=str(jean), service="imap", remote_ip="2001:db8::7")
    shown = api.get("sign-ins/zoe@falcot.org/imap/2001:db8::7/")
    assert (shown["mailbox"], shown["service"], shown["remote_ip"]) == ("zoe@falcot.org", "imap", "2001:db8::7")
    assert api.get("sign-ins/?mailbox=zoe@falcot.org")["results"] == [shown]
    assert api("DELETE", "sign-ins/zoe@falcot.org/imap/2001:db8::7/", {}).status == 405
    SessionCheck.objects.create(host="mx1.example.net", looked_at=timezone.now())
    assert [host["host"] for host in api.get("dovecot-hosts/")["results"]] == ["mx1.example.net"]
    assert api("DELETE", "dovecot-hosts/mx1.example.net/", {}).status == 204
    assert api.get("dovecot-hosts/")["results"] == []


class TestPeople:
    def test_another_name_and_password_are_one_change(self, api: Api) -> None:
        answer = api("PATCH", "people/charlie/", {"username": "charles", "password": "rides a long way"})
        assert (answer.status, answer.json["has_password"]) == (200, True)
        assert ChangeSet.objects.get(pk=str(answer.change_set)).sentence == "Changed person charlie"
        assert User.objects.get(username="charles").check_password("rides a long way")
        again = api("PATCH", "people/charles/", {"password": "rides a long way"})
        assert (again.status, again.change_set) == (200, None)

    def test_the_last_superuser_stays(self, api: Api) -> None:
        assert api("PUT", "people/alice/", {"name": "Alice"}).status == 422
        assert api("DELETE", "people/alice/").status == 422

    def test_a_mailbox_owner_is_nobody_here(self, api: Api, sophie: User) -> None:
        assert api("GET", f"people/{sophie.username}/").status == 404
        assert set(api("PUT", f"people/{sophie.username}/", {}).faults()) == {"username"}


def test_the_server_names(api: Api) -> None:
    before = api("GET", "server-names/")
    changed = api("PATCH", "server-names/", {"imap_host": "IMAP.falcot.org"}, If_Match=before.headers["ETag"])
    assert changed.json["imap_host"] == "imap.falcot.org"
    assert api("PUT", "server-names/", {}).json["imap_host"] == ""
    assert api("PATCH", "server-names/", {"pop_host": "mail:995"}).faults().keys() == {"pop_host"}


def test_the_mail_settings(api: Api) -> None:
    before = api("GET", "mail-settings/")
    changed = api("PATCH", "mail-settings/", {"recipient_delimiter": "-"}, If_Match=before.headers["ETag"])
    assert changed.json["recipient_delimiter"] == "-"
    assert api("PUT", "mail-settings/", {}).json["recipient_delimiter"] == "+"
    assert api("PUT", "mail-settings/", {}).change_set is None
    assert api("PATCH", "mail-settings/", {"quarantine_days": 4000}).faults().keys() <= {"quarantine_days", ""}
    assert api("DELETE", "mail-settings/").status == 405
