"""Five people at one house, for every test of who may see and do what, and a fingerprint of all that is stored."""

from datetime import timedelta
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.actors import Actor, Door
from accounts.models import User
from api.scopes import ALL
from api.services import add_token
from dns_records.checks import Seen, keep
from dns_records.expected import expected_of, expected_of_hosts
from dns_records.judging import RIGHT, Verdict
from dns_records.services import add_update_server, change_dns_settings, change_domain_dns
from domains import services as domains
from domains.dkim_hosts import report_host
from domains.dkim_keys import generate
from domains.dkim_services import add_dkim_key
from domains.models import Domain
from jobs.services import run_job, sweep
from lookup_tables.models import Bcc, Canonical, Entry, Relocated, SenderRelay, TlsPolicy, Transport
from lookup_tables.services import add_entry
from mailboxes import services as mailboxes
from mailboxes.app_passwords import add_app_password
from mailboxes.broadcasts import start_broadcast
from mailboxes.default_aliases import set_default_aliases
from mailboxes.demo import load_falcot
from mailboxes.imports import stage_upload
from mailboxes.jobs import start_alias_report
from mailboxes.local_users import import_local_users
from mailboxes.models import (
    Address,
    Mailbox,
    PasswordLink,
    RecoveryAddress,
    RelayRecipient,
    SessionCheck,
    SignIn,
)
from mailboxes.out_of_office import set_out_of_office
from mailboxes.recovery import new_token
from mailboxes.relay import add_relay_recipients
from mailboxes.senders import permit_senders
from mailboxes.server_names import change_server_names
from mailboxes.stopping import stop_mailboxes
from restrictions.access_services import add_rule, add_table, allow_actions, choose_class, protect_alias
from restrictions.services import add_class, set_list
from takeover.kept import ToKeep, keep_rows
from takeover.models import Comparison, ComparisonDifference, ForeignLogEntry, KeptRow, Takeover

TESTER = Actor(door=Door.COMMAND, name="tester", host="mx.example.net")

ANONYMOUS, STRANGER, OWNER, DOMAIN_ADMIN, SUPERUSER = PEOPLE = (
    "anonymous",
    "stranger",
    "owner",
    "domain_admin",
    "superuser",
)
PASSWORDS = {
    STRANGER: "mallory walks past the fence",
    OWNER: "jean keeps this one himself",
    DOMAIN_ADMIN: "claire tends to two gardens",
    SUPERUSER: "ada has every key there is",
}
TSIG_SECRET = "a2VwdCBmcm9tIGV2ZXJ5Ym9keSBlbHNl"
FILE = "address,name,password\nnew.one@falcot.org,New One,her first password\n"
SEED = "JBSWY3DPEHPK3PXP"
PASSWORD_OF_RELAY = "only the relay and we know"
# What people type to sign in. The stranger is a domain admin too, of a domain that has nothing to do with Falcot.
USERNAMES = {STRANGER: "mallory", OWNER: "jean@falcot.org", DOMAIN_ADMIN: "claire", SUPERUSER: "ada@example.net"}


def move_in() -> dict[str, object]:
    """Falcot's mail, a foreign domain, and the people; returns the numbers that stand in URLs."""
    load_falcot(by=TESTER)
    falcot = Domain.objects.get(name="falcot.org")
    jean = Mailbox.objects.with_address().get(address__local_part="jean")
    mailboxes.set_mailbox_password(jean, PASSWORDS[OWNER], by=TESTER)
    mailboxes.add_alias(falcot, "sales", ["jean@falcot.org"], comment="The shop", by=TESTER)
    domains.add_domain("mx.example.net", address_class="local", description="The machine itself", by=TESTER)
    add_dkim_key(falcot, "s1", generate("rsa-2048"), by=TESTER)
    report_host("mx.falcot.org", by=TESTER)
    name_hosts(falcot)
    relay = domains.add_domain("relay.falcot.org", address_class="relay", by=TESTER)
    add_relay_recipients(relay, ["ann"], by=TESTER)
    foreign = domains.add_domain("foreign.example", by=TESTER)
    mailboxes.add_mailbox(foreign, "mallory", by=TESTER)
    mailboxes.add_alias(foreign, "", ["mallory@foreign.example"], by=TESTER)

    superuser = accounts.add_user(
        USERNAMES[SUPERUSER], name="Ada Root", password=PASSWORDS[SUPERUSER], is_superuser=True, by=TESTER
    )
    claire = accounts.add_user("claire", name="Claire", password=PASSWORDS[DOMAIN_ADMIN], by=TESTER)
    mallory = accounts.add_user("mallory", password=PASSWORDS[STRANGER], by=TESTER)
    for domain in Domain.objects.filter(name__contains="falcot"):
        domains.add_domain_admin(domain, claire, by=TESTER)
    for domain in (foreign, domains.add_domain("relay.foreign.example", address_class="relay", by=TESTER)):
        domains.add_domain_admin(domain, mallory, by=TESTER)
    mailboxes.owner_of(jean, by=TESTER)

    sweep()  # the worker gives a sign of life
    job = start_alias_report(by=Actor(user=superuser, door=Door.PAGE))
    run_job(job.pk)
    deleted: dict[str, object] = {
        "change_set": mailboxes.delete_mailbox(mailboxes.add_mailbox(falcot, "short", by=TESTER), by=TESTER),
        "foreign_change_set": mailboxes.delete_mailbox(mailboxes.add_mailbox(foreign, "short", by=TESTER), by=TESTER),
    }
    numbers: dict[str, object] = {"job": job.pk, "mailbox": Mailbox.objects.get(address__local_part="laure").pk}
    laure = Mailbox.objects.with_address().get(address__local_part="laure")
    permit_senders(laure, ["press@falcot.org"], by=TESTER)
    stop_mailboxes([laure, mailboxes.add_mailbox(foreign, "held", by=TESTER)], by=TESTER)
    numbers["permitted_sender"] = laure.permitted_senders.get().pk
    numbers["app_password"] = add_app_password(jean, "Phone", by=TESTER)[0].pk
    SignIn.objects.create(mailbox=jean, username=str(jean), service="imap", remote_ip="192.0.2.7")
    SessionCheck.objects.create(host="mx1.example.net", looked_at=timezone.now())
    numbers |= _recovery_of(jean)
    change_server_names(imap_host="imap.falcot.org", submission_host="mail.falcot.org", by=TESTER)
    set_out_of_office(laure, subject="Away", text="I am back on Monday.", by=TESTER)
    numbers["default_alias"] = set_default_aliases(["noc"], "jean@falcot.org", by=TESTER)[0].pk
    numbers["import"] = _uploaded("mailboxes", FILE, superuser)
    numbers["import_of_claire"] = _uploaded("mailboxes", "address\nnew.two@falcot.org\n", claire)
    numbers["broadcast"] = start_broadcast("News", "From Ada.", by=Actor(user=superuser, door=Door.PAGE)).pk
    numbers["broadcast_of_claire"] = start_broadcast("News", "From C.", by=Actor(user=claire, door=Door.PAGE)).pk
    numbers["recipient"] = RelayRecipient.objects.get().pk
    import_local_users({"root": 0, "ada": 1000}, by=TESTER)
    numbers["comparison"] = _compared().pk
    numbers["restriction_class"] = add_class("greylisting", [{"name": "permit_mynetworks"}], by=TESTER).pk
    entries = [{"name": "permit_mynetworks"}, {"name": "reject_plaintext_session"}]
    numbers["restriction"] = set_list("client", entries, by=TESTER)[-1].pk
    numbers["token"] = add_token(superuser, "backup script", scopes=ALL, by=TESTER)[0].pk
    numbers["takeover"] = _took_over()
    numbers["update_server"] = add_update_server("panel", "192.0.2.53", TSIG_SECRET, for_all=True, by=TESTER).pk
    return numbers | deleted | access_rules() | {entry.noun: entry.pk for entry in lookup_table_entries()}


def _recovery_of(mailbox: Mailbox) -> dict[str, object]:
    """A confirmed recovery address, and what opens the links that were sent there."""
    address, ends = "jean@elsewhere.example", timezone.now() + timedelta(hours=1)
    RecoveryAddress.objects.create(mailbox=mailbox, address=address, confirmed_at=timezone.now())
    links = {
        purpose: PasswordLink.objects.create(mailbox=mailbox, purpose=purpose, address=address, expires_at=ends)
        for purpose in ("reset", "confirm")
    }
    return {f"{purpose}_token": new_token(link) for purpose, link in links.items()}


def name_hosts(falcot: Domain) -> None:
    """What the DNS should hold, and what a check saw of it."""
    change_dns_settings(hosts="mx1.falcot.com 192.0.2.25", dmarc_reports="dmarc@falcot.com", by=TESTER)
    change_domain_dns(falcot, dmarc_policy="quarantine", by=TESTER)
    wrong = Verdict("missing", "nothing")
    seen = [(one, RIGHT if one.purpose == "mx" else wrong) for one in expected_of(falcot)]
    keep([Seen(falcot.pk, seen, "signed", ("ns1.falcot.com",))])
    keep([Seen(None, [(one, RIGHT) for one in expected_of_hosts()])])


def _took_over() -> int:
    """Another panel came over once, with its log and a secret that is kept."""
    source = "postgresql://postfixadmin@db.example.net/postfixadmin"
    kind = KeptRow.Kind
    kept = [
        ToKeep(kind.TOTP, "mailbox jean@falcot.org", {}, SEED, about="jean@falcot.org"),
        ToKeep(kind.VACATION, "jean@falcot.org", {"subject": "Away", "body": "Not here."}, about="jean@falcot.org"),
        ToKeep(kind.VACATION, "mallory@foreign.example", {"subject": "Gone"}, about="mallory@foreign.example"),
        ToKeep(kind.FETCHMAIL, "7", {"mailbox": "jean@falcot.org", "extra_options": SEED}, SEED, "jean@falcot.org"),
        ToKeep(kind.ADMIN_MORE, "claire", {"phone": "555 0100"}),
    ]
    keep_rows(source, kept)
    ForeignLogEntry.objects.create(
        source=source,
        key="1",
        at=timezone.now(),
        who="ada",
        domain_name="falcot.org",
        action="create_alias",
        what="info",
    )
    counts = {"mailboxes": {"new": 3, "there": 0, "left_out": 0}}
    remarks = [{"code": "unsalted", "thing": "jean@falcot.org"}]
    return Takeover.objects.create(source=source, who="tester", counts=counts, remarks=remarks).pk


def _compared() -> Comparison:
    """A comparison of maps with a difference and an explanation."""
    comparison = Comparison.objects.create(
        old="/etc/postfix",
        new="/etc/postfix/mailadmin",
        host="mx.example.net",
        who="root",
        state="done",
        done=120,
        total=120,
        differences=1,
        explained={"by_another_way": 3},
        remarks=["pcre:/etc/postfix/virtual (virtual_alias_maps) cannot list its keys; name them with --keys."],
        finished_at=timezone.now(),
    )
    old, new = "/srv/vmail/falcot.org/jean/", "refused"
    ComparisonDifference.objects.create(comparison=comparison, about="recipient", key="j@falcot.org", old=old, new=new)
    return comparison


def _uploaded(kind: str, text: str, user: User) -> int:
    by = Actor(user=user, door=Door.PAGE)
    return stage_upload(kind, BytesIO(text.encode()), label="people.csv", by=by).pk


def access_rules() -> dict[str, object]:
    """A rule of the server and one of a domain, and what its admins may choose."""
    falcot = Domain.objects.get(name="falcot.org")
    partners = add_table("partners", "client", by=TESTER)
    add_rule("client", "192.0.2.7", "OK", table=partners, by=TESTER)
    add_class("patience", by=TESTER)
    choose_class(Address.objects.get(local_part="laure", domain=falcot), "patience", by=TESTER)
    protect_alias(mailboxes.add_alias(falcot, "staff", ["laure@falcot.org"], by=TESTER), "members", by=TESTER)
    allow_actions(["REJECT", "OK"], by=TESTER)
    return {
        "access_rule": add_rule("sender", "spam.example", "REJECT", by=TESTER).pk,
        "falcot_rule": add_rule("sender", "spam.example", "REJECT", domain=falcot, by=TESTER).pk,
    }


def lookup_table_entries() -> list[Entry]:
    """One row in each lookup table; the relay has a password."""
    relay = {"username": "falcot", "password": PASSWORD_OF_RELAY}
    return [
        add_entry(Transport, "there.example", "smtp:[mx.there.example]", by=TESTER),
        add_entry(TlsPolicy, "there.example", "encrypt", by=TESTER),
        add_entry(SenderRelay, "@falcot.org", "[relay.example.net]:587", **relay, by=TESTER),
        add_entry(Bcc, "laure@falcot.org", "archive@elsewhere.example", by=TESTER),
        add_entry(Relocated, "gone@falcot.org", "gone@elsewhere.example", by=TESTER),
        add_entry(Canonical, "j@falcot.org", "jean@falcot.org", by=TESTER),
    ]


def user_of(person: str) -> User | None:
    if person == ANONYMOUS:
        return None
    if person == OWNER:
        return User.objects.get(owned__mailbox__address__local_part="jean")
    return User.objects.get(username=USERNAMES[person])


def signed_in(person: str, client: Client | None = None) -> Client:
    """A client of this person, without the work of a password."""
    client = client or Client()
    user = user_of(person)
    if user:
        backends = settings.AUTHENTICATION_BACKENDS
        backend = next(name for name in backends if ("Owner" in name) == (person == OWNER) and "axes" not in name)
        client.force_login(user, backend=backend)
    return client


def text_of(response: Any) -> str:
    """What was answered, also where it is sent while it is made."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return bytes(body).decode()


def fingerprint(*, without: tuple[str, ...] = ()) -> dict[str, tuple[int, str]]:
    """Number of rows and a hash of them all, for every table: two that are equal mean that nothing was written."""
    tables = sorted(
        set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - set(without)
    )
    one = "SELECT '{0}', count(*), coalesce(md5(string_agg(row::text, ' ' ORDER BY row::text)), '') FROM \"{0}\" AS row"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(one.format(table) for table in tables))
        return {table: (count, digest) for table, count, digest in cursor.fetchall()}


def changed_tables(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> list[str]:
    return sorted(table for table in before if before[table] != after.get(table))
