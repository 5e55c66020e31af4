"""Every service leaves exactly one change set, which holds all that it did and reads in words."""

import importlib
import inspect
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from django.db import connection
from django.utils import timezone
from pghistory.core import event_models

from accounts import services as accounts
from accounts.actors import Actor, Door
from accounts.models import ChangeSet, User
from api import services as api
from api.models import Token
from dns_records import services as dns
from dns_records.models import DomainDns, UpdateServer
from domains import dkim_hosts
from domains import dkim_services as dkim
from domains import services as domains
from domains.dkim_hosts import SigningHost
from domains.dkim_keys import generate, pem_of
from domains.dkim_models import DkimKey
from domains.models import Domain
from lookup_tables import services as tables
from lookup_tables.models import SenderRelay, Transport
from mailboxes import (
    app_passwords,
    broadcasts,
    counting,
    default_aliases,
    forwarding,
    imports,
    local_users,
    mailing_settings,
    out_of_office,
    password_settings,
    quarantine,
    recovery,
    relay,
    removal,
    renaming,
    senders,
    server_names,
    sessions,
    stopping,
    undo,
    welcome,
)
from mailboxes import services as mailboxes
from mailboxes.models import (
    Alias,
    AppPassword,
    Broadcast,
    DefaultAlias,
    Import,
    Mailbox,
    OutOfOffice,
    PasswordLink,
    QuarantinedAddress,
    RecoveryAddress,
    RelayRecipient,
)
from restrictions import access_services as access
from restrictions import services as restrictions
from restrictions.access_models import AccessRule, AccessTable
from restrictions.models import Restriction, RestrictionClass

CHECKOUT = Path(__file__).resolve().parents[2]
BY = Actor(door=Door.API, name="somebody", host="192.0.2.1")
BCRYPT = "$2y$05$HSNP/gR1jd1f5P684CwgJ.Ra7tncReCqKKyz9B4O2BYlW1u76gbx."
LINK = {"url": "http://panel.example/", "language": "en"}
TSIG_SECRET = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="
ELSEWHERE = ["someone@elsewhere.example"]


class House(NamedTuple):
    """One of everything for a service to work on."""

    person: User
    domain: Domain
    admin: User
    jean: Mailbox
    laure: Mailbox
    stopped: Mailbox
    alias: Alias
    transport: Transport
    relay: Domain
    default: DefaultAlias
    rule: AccessRule
    table: AccessTable
    token: Token
    app_password: AppPassword
    recovery: RecoveryAddress
    entry: Restriction
    strict: RestrictionClass
    dkim_key: DkimKey
    signing_host: SigningHost
    update_server: UpdateServer
    own_dns: DomainDns
    broadcast: Broadcast


@pytest.fixture
def house(db: None) -> House:
    domain = domains.add_domain("example.org", by=BY)
    admin = accounts.add_user("admin", by=BY)
    domains.add_domain_admin(domain, admin, by=BY)
    jean = mailboxes.add_mailbox(domain, "jean", password="let me read my mail", by=BY)
    mailboxes.owner_of(jean, by=BY)
    stopped = mailboxes.add_mailbox(domain, "stopped", by=BY)
    stopping.stop_mailboxes([stopped], by=BY)
    access.allow_actions(["WARN"], by=BY)
    senders.permit_senders(jean, ["press@example.org"], by=BY)
    out_of_office.set_out_of_office(jean, text="Away", by=BY)
    relay_domain = domains.add_domain("relay.example", address_class="relay", by=BY)
    relay.add_relay_recipients(relay_domain, ["ann"], by=BY)
    QuarantinedAddress.objects.create(
        domain_name="example.org", local_part="former", former_mailbox_id=0, until=timezone.now()
    )
    return House(
        person=accounts.add_user("helper", by=BY),
        domain=domain,
        admin=admin,
        jean=jean,
        laure=mailboxes.add_mailbox(domain, "laure", by=BY),
        stopped=stopped,
        alias=mailboxes.add_alias(domain, "info", ["jean@example.org", "laure@example.org"], by=BY),
        transport=tables.add_entry(Transport, "example.com", "discard:", by=BY),
        relay=relay_domain,
        default=default_aliases.set_default_aliases(["noc"], ELSEWHERE[0], by=BY)[0],
        rule=access.add_rule("sender", "spam.example", "REJECT", by=BY),
        table=access.add_table("partners", "client", by=BY),
        token=api.add_token(admin, "script", scopes=["domains:read"], by=BY)[0],
        recovery=RecoveryAddress.objects.create(
            mailbox=jean, address="jean@elsewhere.example", confirmed_at=timezone.now()
        ),
        app_password=app_passwords.add_app_password(jean, "Phone", by=BY)[0],
        entry=restrictions.set_list("helo", [{"name": "permit_mynetworks"}, {"name": "reject"}], by=BY)[1],
        strict=restrictions.add_class("strict", [{"name": "reject_non_fqdn_sender"}], by=BY),
        signing_host=SigningHost.objects.create(name="mx.example.org", reported_at=timezone.now()),
        dkim_key=dkim.add_dkim_key(domain, "s1", generate("ed25519"), by=BY),
        update_server=dns.add_update_server("panel", "192.0.2.53", TSIG_SECRET, by=BY),
        own_dns=dns.change_domain_dns(domain, dmarc_policy="none", by=BY),
        broadcast=broadcasts.start_broadcast("News", "There is none.", by=BY),
    )


def token(house: House, purpose: str) -> str:
    """What opens a link that was sent to the recovery address."""
    about = {"mailbox": house.jean, "address": house.recovery.address, "purpose": purpose}
    return recovery.new_token(PasswordLink.objects.create(**about, expires_at=timezone.now() + timedelta(hours=1)))


def staged(kind: str, text: str) -> Import:
    return imports.stage_import(kind, BytesIO(text.encode()), label="people.csv", key=b"", by=BY)


# Each service, how it is called, and how its change set reads.
Call = Callable[[House], Any]
TABLE: dict[str, tuple[Call, str]] = {
    "accounts.services.add_user": (
        lambda house: accounts.add_user("new", password="a long one for us", by=BY),
        "Added person new",
    ),
    "accounts.services.change_user": (
        lambda house: accounts.change_user(house.person, name="Helping hand", by=BY),
        "Changed person helper",
    ),
    "accounts.services.set_user_password": (
        lambda house: accounts.set_user_password(house.person, "a long one for us", by=BY),
        "Changed the password of helper",
    ),
    "accounts.services.delete_user": (
        lambda house: accounts.delete_user(house.admin, by=BY),
        "Deleted person admin",
    ),
    "domains.services.add_domain": (
        lambda house: domains.add_domain("example.net", by=BY),
        "Added domain example.net",
    ),
    "domains.services.change_domain": (
        lambda house: domains.change_domain(house.domain, active=False, by=BY),
        "Changed domain example.org",
    ),
    "domains.services.add_person": (
        lambda house: domains.add_person("new", domains=[house.domain], by=BY),
        "Added person new",
    ),
    "domains.services.add_domain_admin": (
        lambda house: domains.add_domain_admin(house.domain, house.person, by=BY),
        "Added a domain admin: example.org, helper",
    ),
    "domains.services.remove_domain_admin": (
        lambda house: domains.remove_domain_admin(house.domain, house.admin, by=BY),
        "Removed a domain admin: example.org, admin",
    ),
    "domains.services.change_mail_settings": (
        lambda house: domains.change_mail_settings(recipient_delimiter="-", by=BY),
        "Changed the mail settings",
    ),
    "mailboxes.services.add_mailbox": (
        lambda house: mailboxes.add_mailbox(
            house.domain, "new", password="a long one", also_deliver_to=ELSEWHERE, by=BY
        ),
        "Added mailbox new@example.org",
    ),
    "mailboxes.services.change_mailbox": (
        lambda house: mailboxes.change_mailbox(house.jean, active=False, also_deliver_to=ELSEWHERE, by=BY),
        "Changed mailbox jean@example.org",
    ),
    "mailboxes.services.set_mailbox_password": (
        lambda house: mailboxes.set_mailbox_password(house.jean, "another password", by=BY),
        "Changed the password of mailbox jean@example.org",
    ),
    "mailboxes.services.delete_mailbox": (
        lambda house: mailboxes.delete_mailbox(house.jean, by=BY),
        "Deleted mailbox jean@example.org",
    ),
    "mailboxes.services.delete_mailboxes": (
        lambda house: mailboxes.delete_mailboxes([house.jean, house.laure], by=BY),
        "Deleted mailboxes: jean@example.org, laure@example.org",
    ),
    "mailboxes.services.set_mailboxes_active": (
        lambda house: mailboxes.set_mailboxes_active([house.jean, house.laure], False, by=BY),
        "Deactivated mailboxes: jean@example.org, laure@example.org",
    ),
    "mailboxes.stopping.stop_mailboxes": (
        lambda house: stopping.stop_mailboxes([house.jean, house.laure], by=BY),
        "Stopped mailboxes: jean@example.org, laure@example.org",
    ),
    "mailboxes.stopping.release_mailboxes": (
        lambda house: stopping.release_mailboxes([house.stopped], by=BY),
        "Released mailboxes: stopped@example.org",
    ),
    "mailboxes.quarantine.delete_ended_quarantines": (
        lambda house: quarantine.delete_ended_quarantines(by=BY),
        "Deleted quarantines that had ended: 1",
    ),
    "mailboxes.services.add_alias": (
        lambda house: mailboxes.add_alias(house.domain, "", ELSEWHERE, by=BY),
        "Added alias @example.org",
    ),
    "mailboxes.services.change_alias": (
        lambda house: mailboxes.change_alias(house.alias, destinations=ELSEWHERE, comment="Away", by=BY),
        "Changed alias info@example.org",
    ),
    "mailboxes.services.delete_alias": (
        lambda house: mailboxes.delete_alias(house.alias, by=BY),
        "Deleted alias info@example.org",
    ),
    "mailboxes.services.owner_of": (
        lambda house: mailboxes.owner_of(house.laure, by=BY),
        "First sign-in of the owner of laure@example.org",
    ),
    "mailboxes.renaming.rename_address": (
        lambda house: renaming.rename_address(house.jean.address, house.domain, "john", keep_old=True, by=BY),
        "Renamed mailbox jean@example.org → john@example.org",
    ),
    "mailboxes.undo.undo_change_set": (
        lambda house: undo.undo_change_set(ChangeSet.objects.get(metadata__noun="alias"), by=BY),
        "Undid: Added alias info@example.org",
    ),
    "restrictions.access_services.add_rule": (
        lambda house: access.add_rule("sender", "junk.example", "DISCARD", domain=house.domain, by=BY),
        "Added access rule sender junk.example",
    ),
    "restrictions.access_services.add_rules": (
        lambda house: access.add_rules("helo", [{"key": "bad.example", "action": "REJECT"}], by=BY),
        "Added access rules to helo",
    ),
    "restrictions.access_services.change_rule": (
        lambda house: access.change_rule(house.rule, active=False, by=BY),
        "Changed access rule sender spam.example",
    ),
    "restrictions.access_services.delete_rule": (
        lambda house: access.delete_rule(house.rule, by=BY),
        "Deleted access rule sender spam.example",
    ),
    "restrictions.access_services.add_table": (
        lambda house: access.add_table("friends", "sender", by=BY),
        "Added access table friends",
    ),
    "restrictions.access_services.change_table": (
        lambda house: access.change_table(house.table, comment="Who works with us", by=BY),
        "Changed access table partners",
    ),
    "restrictions.access_services.delete_table": (
        lambda house: access.delete_table(house.table, by=BY),
        "Deleted access table partners",
    ),
    "restrictions.access_services.allow_actions": (
        lambda house: access.allow_actions(["REJECT"], by=BY),
        "Changed what domain admins may choose in access rules: REJECT",
    ),
    "restrictions.access_services.allow_action": (
        lambda house: access.allow_action("DEFER", by=BY),
        "Changed what domain admins may choose in access rules: DEFER",
    ),
    "restrictions.access_services.forbid_action": (
        lambda house: access.forbid_action("WARN", by=BY),
        "Domain admins may no longer choose in access rules: WARN",
    ),
    "restrictions.access_services.choose_class": (
        lambda house: access.choose_class(house.domain, "strict", by=BY),
        "Chose the restriction class of example.org",
    ),
    "restrictions.access_services.protect_alias": (
        lambda house: access.protect_alias(house.alias, "members", ["boss@example.net"], by=BY),
        "Changed who may write to info@example.org",
    ),
    "lookup_tables.services.add_entry": (
        lambda house: tables.add_entry(
            SenderRelay, "@example.org", "[mx.example.net]", username="us", password="a long one for us", by=BY
        ),
        "Added the relay of sender @example.org",
    ),
    "lookup_tables.services.add_again": (
        lambda house: tables.add_again(house.transport, "example.net", by=BY),
        "Added transport example.net",
    ),
    "lookup_tables.services.change_entry": (
        lambda house: tables.change_entry(house.transport, result="smtp:", comment="Anew", by=BY),
        "Changed transport example.com",
    ),
    "lookup_tables.services.delete_entry": (
        lambda house: tables.delete_entry(house.transport, by=BY),
        "Deleted transport example.com",
    ),
    "mailboxes.relay.add_relay_recipients": (
        lambda house: relay.add_relay_recipients(house.relay, ["bob", "eve@relay.example"], by=BY),
        "Added relay recipients: bob@relay.example, eve@relay.example",
    ),
    "mailboxes.relay.delete_relay_recipients": (
        lambda house: relay.delete_relay_recipients(house.relay, list(RelayRecipient.objects.all()), by=BY),
        "Deleted relay recipients: ann@relay.example",
    ),
    "mailboxes.password_settings.change_password_settings": (
        lambda house: password_settings.change_password_settings(grace_days=7, by=BY),
        "Changed the password settings",
    ),
    "mailboxes.recovery.set_recovery_address": (
        lambda house: recovery.set_recovery_address(house.laure, "laure@elsewhere.example", **LINK, by=BY),
        "Set the recovery address of laure@example.org",
    ),
    "mailboxes.recovery.delete_recovery_address": (
        lambda house: recovery.delete_recovery_address(house.recovery, by=BY),
        "Deleted the recovery address of jean@example.org",
    ),
    "mailboxes.recovery.confirm_recovery_address": (
        lambda house: recovery.confirm_recovery_address(token(house, "confirm"), by=BY),
        "Confirmed the recovery address of jean@example.org",
    ),
    "mailboxes.recovery.ask_for_reset": (
        lambda house: recovery.ask_for_reset("jean@example.org", **LINK, by=BY),
        "A new password of jean@example.org was asked for by a link",
    ),
    "mailboxes.recovery.reset_password": (
        lambda house: recovery.reset_password(token(house, "reset"), "another password for us", by=BY),
        "Set the password of jean@example.org by a link",
    ),
    "mailboxes.app_passwords.add_app_password": (
        lambda house: app_passwords.add_app_password(house.jean, "Laptop", by=BY),
        "Added app password jean@example.org, Laptop",
    ),
    "mailboxes.app_passwords.revoke_app_password": (
        lambda house: app_passwords.revoke_app_password(house.app_password, by=BY),
        "Revoked app password jean@example.org, Phone",
    ),
    "mailboxes.senders.permit_senders": (
        lambda house: senders.permit_senders(house.laure, ["info@example.org", "@example.com"], by=BY),
        "Permitted to send: laure@example.org → info@example.org, @example.com",
    ),
    "mailboxes.senders.forbid_senders": (
        lambda house: senders.forbid_senders(house.jean, list(house.jean.permitted_senders.all()), by=BY),
        "Forbade to send: jean@example.org → press@example.org",
    ),
    "mailboxes.mailing_settings.change_mailing_settings": (
        lambda house: mailing_settings.change_mailing_settings(welcomes=True, by=BY),
        "Changed the mailing settings",
    ),
    "mailboxes.broadcasts.start_broadcast": (
        lambda house: broadcasts.start_broadcast("Maintenance", "On Sunday.", by=BY),
        "Started the broadcast “Maintenance”",
    ),
    "mailboxes.broadcasts.stop_broadcast": (
        lambda house: broadcasts.stop_broadcast(house.broadcast, by=BY),
        "Stopped the broadcast “News”",
    ),
    "mailboxes.server_names.change_server_names": (
        lambda house: server_names.change_server_names(imap_host="imap.example.org", by=BY),
        "Changed the server names",
    ),
    "mailboxes.forwarding.set_forwarding": (
        lambda house: forwarding.set_forwarding(house.jean, ELSEWHERE, keeps_copy=False, by=BY),
        "Changed the forwarding of jean@example.org",
    ),
    "mailboxes.out_of_office.set_out_of_office": (
        lambda house: out_of_office.set_out_of_office(house.laure, text="Away", by=BY),
        "Set the out-of-office answer of laure@example.org",
    ),
    "mailboxes.out_of_office.delete_out_of_office": (
        lambda house: out_of_office.delete_out_of_office(house.jean.out_of_office, by=BY),
        "Deleted the out-of-office answer of jean@example.org",
    ),
    "mailboxes.out_of_office.add_out_of_office_answers": (
        lambda house: out_of_office.add_out_of_office_answers([OutOfOffice(mailbox=house.laure, text="Away")], by=BY),
        "Imported out-of-office answers: 1",
    ),
    "mailboxes.default_aliases.set_default_aliases": (
        lambda house: default_aliases.set_default_aliases(["abuse", "postmaster"], "jean@example.org", by=BY),
        "Changed the default aliases: abuse, postmaster",
    ),
    "mailboxes.default_aliases.delete_default_alias": (
        lambda house: default_aliases.delete_default_alias(house.default, by=BY),
        "Deleted the default alias noc",
    ),
    "mailboxes.default_aliases.add_default_aliases": (
        lambda house: default_aliases.add_default_aliases(house.relay, by=BY),
        "Added the default aliases of relay.example",
    ),
    "mailboxes.local_users.import_local_users": (
        lambda house: local_users.import_local_users({"root": 0, "ann": 1000}, by=BY),
        "Imported local users: ann, root",
    ),
    "mailboxes.imports.write_import": (
        lambda house: imports.write_import(staged("mailboxes", f"address,hash\nnew@example.org,{BCRYPT}\n"), by=BY),
        "Imported mailboxes from people.csv (1)",
    ),
    "api.services.add_token": (
        lambda house: api.add_token(house.person, "script", scopes=["domains:read"], by=BY),
        "Added API token helper, script",
    ),
    "api.services.revoke_token": (
        lambda house: api.revoke_token(house.token, by=BY),
        "Revoked API token admin, script",
    ),
    "restrictions.services.add_restriction": (
        lambda house: restrictions.add_restriction("sender", "strict", by=BY),
        "Added restriction smtpd_sender_restrictions: strict",
    ),
    "restrictions.services.change_restriction": (
        lambda house: restrictions.change_restriction(house.entry, warn_only=True, by=BY),
        "Changed restriction smtpd_helo_restrictions: reject",
    ),
    "restrictions.services.move_restriction": (
        lambda house: restrictions.move_restriction(house.entry, 1, by=BY),
        "Moved restriction smtpd_helo_restrictions: reject",
    ),
    "restrictions.services.delete_restriction": (
        lambda house: restrictions.delete_restriction(house.entry, by=BY),
        "Deleted restriction smtpd_helo_restrictions: reject",
    ),
    "restrictions.services.set_list": (
        lambda house: restrictions.set_list("helo", [{"name": "defer"}], by=BY),
        "Set restriction list smtpd_helo_restrictions",
    ),
    "restrictions.services.set_lists": (
        lambda house: restrictions.set_lists({"data": [{"name": "reject_unauth_pipelining"}], "sender": []}, by=BY),
        "Set restriction list smtpd_data_restrictions, smtpd_sender_restrictions",
    ),
    "restrictions.services.load_recommended": (
        lambda house: restrictions.load_recommended(by=BY),
        "Loaded the recommended restriction lists",
    ),
    "restrictions.services.add_class": (
        lambda house: restrictions.add_class("greylisting", [{"name": "strict"}], by=BY),
        "Added restriction class greylisting",
    ),
    "restrictions.services.change_class": (
        lambda house: restrictions.change_class(house.strict, name="stricter", entries=[{"name": "reject"}], by=BY),
        "Changed restriction class strict",
    ),
    "restrictions.services.delete_class": (
        lambda house: restrictions.delete_class(house.strict, by=BY),
        "Deleted restriction class strict",
    ),
    "domains.dkim_services.add_dkim_key": (
        lambda house: dkim.add_dkim_key(house.domain, "s2", generate("ed25519"), by=BY),
        "Added DKIM key s2._domainkey.example.org",
    ),
    "domains.dkim_services.import_dkim_key": (
        lambda house: dkim.import_dkim_key(house.domain, "s2", pem_of(generate("ed25519")), by=BY),
        "Added DKIM key s2._domainkey.example.org",
    ),
    "domains.dkim_services.generate_dkim_key": (
        lambda house: dkim.generate_dkim_key(dkim.start_generation(house.domain, "s2", "ed25519", by=BY), by=BY),
        "Added DKIM key s2._domainkey.example.org",
    ),
    "domains.dkim_services.move_dkim_key": (
        lambda house: dkim.move_dkim_key(house.dkim_key, "published", is_seen=True, by=BY),
        "Published DKIM key s1._domainkey.example.org",
    ),
    "domains.dkim_services.change_dkim_key": (
        lambda house: dkim.change_dkim_key(house.dkim_key, local_parts="newsletter", by=BY),
        "Changed DKIM key s1._domainkey.example.org",
    ),
    "domains.dkim_services.export_dkim_key": (
        lambda house: dkim.export_dkim_key(house.dkim_key, by=BY),
        "Exported the private key of DKIM key s1._domainkey.example.org",
    ),
    "domains.dkim_services.reseal_dkim_keys": (
        lambda house: dkim.reseal_dkim_keys(by=BY),
        "Encrypted all private keys of DKIM with the first line of dkim_sealing_keys",
    ),
    "domains.dkim_services.delete_dkim_key": (
        lambda house: dkim.delete_dkim_key(house.dkim_key, by=BY),
        "Deleted DKIM key s1._domainkey.example.org",
    ),
    "domains.dkim_hosts.report_host": (
        lambda house: dkim_hosts.report_host("mx2.example.org", by=BY),
        "Host mx2.example.org reported for the first time",
    ),
    "domains.dkim_hosts.forget_host": (
        lambda house: dkim_hosts.forget_host(house.signing_host, by=BY),
        "Forgot host mx.example.org, which signed",
    ),
    "dns_records.services.change_dns_settings": (
        lambda house: dns.change_dns_settings(hosts="mx.example.org 192.0.2.25", by=BY),
        "Changed the DNS settings",
    ),
    "dns_records.services.change_domain_dns": (
        lambda house: dns.change_domain_dns(house.domain, dmarc_policy="reject", by=BY),
        "Changed the DNS settings of example.org",
    ),
    "dns_records.services.forget_domain_dns": (
        lambda house: dns.forget_domain_dns(house.own_dns, by=BY),
        "example.org follows the DNS settings again",
    ),
    "dns_records.services.add_update_server": (
        lambda house: dns.add_update_server("other", "192.0.2.53", TSIG_SECRET, by=BY),
        "Added update server other",
    ),
    "dns_records.services.change_update_server": (
        lambda house: dns.change_update_server(house.update_server, port=5353, by=BY),
        "Changed update server panel",
    ),
    "dns_records.services.delete_update_server": (
        lambda house: dns.delete_update_server(house.update_server, by=BY),
        "Deleted update server panel",
    ),
    "mailboxes.removal.delete_domain": (
        lambda house: removal.delete_domain(house.domain, by=BY),
        "Deleted domain example.org with its addresses",
    ),
}

# Public functions that stand beside services and leave nothing in the history, each with the reason.
LEAVES_NOTHING = {
    "dns_records.services.server_named": "It reads.",
    "dns_records.services.what_is_lost_with_server": "It reads.",
    "domains.dkim_hosts.reported_at": "It reads.",
    "domains.dkim_hosts.said_of_hosts": "It reads.",
    "domains.dkim_hosts.what_is_lost_with_host": "It reads.",
    "domains.dkim_services.start_generation": "A job is no change; what it changes is written by the service it calls.",
    "domains.dkim_services.next_states": "It reads.",
    "domains.dkim_services.doubt_about": "It reads.",
    "domains.dkim_services.what_is_lost_with_key": "It reads.",
    "domains.services.refuse_unfitting_class": "Part of a service.",
    "domains.services.locked_version": "It locks a row for the service that calls it.",
    "jobs.services.in_the_name_of": "It reads.",
    "jobs.services.job_kind": "It registers a function.",
    "mailboxes.forwarding.closed_of": "It reads.",
    "mailboxes.forwarding.register_closed": "It registers a function.",
    "mailboxes.server_names.host_by_service": "It reads.",
    "mailboxes.broadcasts.preview_of_broadcast": "It reads.",
    "mailboxes.broadcasts.go_on": "Mail is no change of what is stored; how far it is stands in the progress.",
    "mailboxes.welcome.welcome_later": "A part of add_mailbox; the row is a mail that waits.",
    "mailboxes.welcome.send_welcome_mails": "Mail is no change of what is stored.",
    "mailboxes.welcome.mail_of": "It reads.",
    "jobs.services.start_job": "A job is no change; what it changes is written by the services it calls.",
    "jobs.services.wake_worker": "It tells the worker.",
    "jobs.services.run_job": "A job is no change; what it changes is written by the services it calls.",
    "jobs.services.sweep": "It keeps the jobs going.",
    "jobs.services.worker_is_alive": "It reads.",
    "jobs.services.show_progress": "Progress is no change.",
    "mailboxes.app_passwords.bring_back_secrets": "Part of an undo.",
    "mailboxes.app_passwords.forget_revoked": "Part of a service.",
    "mailboxes.app_passwords.remove_app_passwords": "Part of a service.",
    "mailboxes.app_passwords.what_is_lost": "It reads.",
    "mailboxes.sessions.sessions_to_end": "It reads.",
    "mailboxes.sessions.silent_hosts": "It reads.",
    "mailboxes.sessions.forget_host": "What a host says of itself has no history.",
    "mailboxes.sessions.now_by_the_database": "It reads.",
    "mailboxes.sessions.end_panel_sessions": "Part of a service.",
    "mailboxes.recovery.link_of": "It reads.",
    "mailboxes.recovery.what_is_lost": "It is a sentence.",
    "mailboxes.recovery.new_token": "Part of the sending of a link.",
    "mailboxes.recovery.forget_old_links": "What is too old changes nothing.",
    "mailboxes.counting.recount": "Counts are no change: they say what is there.",
    "mailboxes.imports.stage_import": "What is staged changes nothing yet.",
    "mailboxes.imports.stage_rows": "What is staged changes nothing yet.",
    "mailboxes.imports.stage_upload": "What is staged changes nothing yet.",
    "mailboxes.imports.faults_of_line": "It reads.",
    "mailboxes.imports.refusal_of": "It is a sentence.",
    "mailboxes.imports.judge_import": "It rolls back all that it does.",
    "mailboxes.imports.faulty": "It reads.",
    "mailboxes.imports.faults_of": "It reads.",
    "mailboxes.imports.forget_import": "What is staged changes nothing yet.",
    "mailboxes.imports.forget_old_imports": "What is staged changes nothing yet.",
    "lookup_tables.services.check_delimiter": "Part of a service.",
    "lookup_tables.services.check_undone": "Part of a service.",
    "lookup_tables.services.what_is_lost": "It reads.",
    "restrictions.access_services.asked_in": "It reads.",
    "restrictions.access_services.version_of_choice": "It reads.",
    "restrictions.services.version_of_list": "It reads.",
    "restrictions.access_services.what_is_lost": "It reads.",
    "restrictions.access_services.what_is_lost_with": "It reads.",
    "restrictions.access_services.check_undone": "Part of a service.",
    "restrictions.services.check_undone": "Part of a service.",
    "restrictions.services.what_is_lost": "It reads.",
    "restrictions.services.what_is_lost_with": "It reads.",
    "mailboxes.default_aliases.add_all_default_aliases": "It calls the service for each domain.",
    "mailboxes.default_aliases.missing_default_aliases": "It reads.",
    "mailboxes.relay.named": "It makes a sentence.",
    "mailboxes.removal.remove_addresses": "Part of a service.",
    "mailboxes.removal.remove_aliases": "Part of a service.",
    "mailboxes.removal.known_only_to": "It reads.",
    "mailboxes.removal.register_left": "It registers a function.",
    "mailboxes.removal.register_losses": "It registers a function.",
    "mailboxes.removal.remove_mailboxes": "Part of a service.",
    "mailboxes.removal.retire_credentials": "Part of a service.",
    "mailboxes.removal.what_is_lost": "It reads.",
    "mailboxes.quarantine.quarantine": "Part of a service.",
    "mailboxes.quarantine.quarantine_former": "Part of a service.",
    "mailboxes.quarantine.refuse_quarantined": "Part of a service.",
    "mailboxes.quarantine.take_back": "Part of a service.",
    "mailboxes.renaming.name_owners_anew": "Part of a service.",
    "mailboxes.renaming.register_follower": "It registers a function.",
    "mailboxes.local_users.difference_to": "It reads.",
    "mailboxes.senders.follow_address": "Part of a service.",
    "mailboxes.undo.is_long_work": "It reads.",
    "mailboxes.undo.preview_of_undo": "It rolls back all that it does.",
}


def modules_with_services() -> list[ModuleType]:
    rooms = sorted(path.parent.name for path in CHECKOUT.glob("*/services.py"))
    return [importlib.import_module(f"{room}.services") for room in rooms] + [
        app_passwords,
        default_aliases,
        dkim,
        dkim_hosts,
        removal,
        counting,
        forwarding,
        imports,
        password_settings,
        quarantine,
        recovery,
        local_users,
        broadcasts,
        mailing_settings,
        welcome,
        out_of_office,
        relay,
        renaming,
        senders,
        server_names,
        sessions,
        stopping,
        undo,
        access,
    ]


def public_functions(module: ModuleType) -> list[str]:
    return [
        f"{module.__name__}.{name}"
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    ]


FOUND = [name for module in modules_with_services() for name in public_functions(module)]


@pytest.mark.parametrize("name", FOUND)
def test_every_service_stands_in_the_table(name: str) -> None:
    assert (name in TABLE) != (name in LEAVES_NOTHING), (
        f"{name} is new. Write into TABLE how it is called and how its change set reads, or into LEAVES_NOTHING why "
        "it leaves none."
    )


@pytest.mark.parametrize("name", sorted({*TABLE, *LEAVES_NOTHING}))
def test_nothing_in_the_table_is_gone(name: str) -> None:
    assert name in FOUND, f"{name} is gone. Take it out of the table."


@pytest.mark.parametrize("name", TABLE)
def test_who_acts_comes_last_and_by_name(name: str) -> None:
    module, _dot, function = name.rpartition(".")
    by = inspect.signature(getattr(importlib.import_module(module), function)).parameters.get("by")
    assert by is not None, f"{name} does not say who acts: it needs a parameter `by`."
    assert by.kind is inspect.Parameter.KEYWORD_ONLY
    assert by.default is inspect.Parameter.empty, f"{name} can be called without saying who acts."


@pytest.mark.parametrize("name", TABLE)
def test_a_service_leaves_one_change_set(house: House, name: str) -> None:
    act, sentence = TABLE[name]
    before, last_events = set(ChangeSet.objects.values_list("pk", flat=True)), last_event_ids()
    act(house)
    found = list(ChangeSet.objects.exclude(pk__in=before))
    assert len(found) == 1, f"{name} left {len(found)} change sets: {[str(change_set) for change_set in found]}"
    (change_set,) = found
    assert change_set.sentence == sentence
    assert set(change_set.metadata) - {"undid"} == {"who", "user", "door", "host", "verb", "noun", "label", "domain"}
    assert (change_set.value("who"), change_set.value("door")) == ("somebody", "api")
    assert contexts_of_events_after(last_events) == {change_set.pk}, f"{name} wrote events outside its change set."
    assert tables_with_a_hash() == []


def test_a_service_in_a_service_joins_its_change_set(house: House) -> None:
    """`also_deliver_to` adds an alias: one thing that a person did is one change set."""
    before = ChangeSet.objects.count()
    mailboxes.add_mailbox(house.domain, "new", also_deliver_to=ELSEWHERE, by=BY)
    assert ChangeSet.objects.count() == before + 1


def test_a_service_that_refuses_leaves_none(house: House) -> None:
    before = ChangeSet.objects.count()
    with pytest.raises(Exception, match="already"):
        mailboxes.add_mailbox(house.domain, "jean", by=BY)
    assert ChangeSet.objects.count() == before


def tables_with_a_hash() -> list[str]:
    """Tables of the history that hold a hash of a mailbox, a person or a token."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hash FROM mailboxes_mailboxcredential UNION SELECT password FROM accounts_user "
            "UNION SELECT digest FROM api_token UNION SELECT digest FROM mailboxes_apppasswordsecret "
            "UNION SELECT digest FROM mailboxes_passwordlink WHERE digest IS NOT NULL"
        )
        secrets = [row[0] for row in cursor.fetchall()]
        for table in [model._meta.db_table for model in event_models()] + ["pghistory_context"]:
            cursor.execute(f"SELECT string_agg(event::text, ' ') FROM {table} AS event")  # noqa: S608
            text = cursor.fetchone()[0] or ""
            found += [table for secret in secrets if secret in text]
    return found


def last_event_ids() -> dict[str, int]:
    return {
        model._meta.label: model._default_manager.order_by("-pgh_id").values_list("pgh_id", flat=True).first() or 0
        for model in event_models()
    }


def contexts_of_events_after(last_ids: dict[str, int]) -> set[Any]:
    return {
        context
        for model in event_models()
        for context in model._default_manager.filter(pgh_id__gt=last_ids[model._meta.label]).values_list(
            "pgh_context_id", flat=True
        )
    }
