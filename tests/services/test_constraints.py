"""What the database itself refuses, whoever writes: a service, a bulk load or a colleague's SQL."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, Value
from django.utils import timezone

from accounts.models import User
from api.models import KeptAnswer, Token
from dns_records.models import DnsSettings, DomainDns, UpdateSecret, UpdateServer
from dns_records.record_models import PublishedRecord, Record, ZoneCheck
from domains.dkim_hosts import SigningHost
from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey
from domains.dkim_waits import DkimWait
from domains.models import Domain, DomainAdmin, DomainCount, MailSettings
from jobs.models import WorkerBeat
from lookup_tables.models import (
    Bcc,
    Canonical,
    Entry,
    RelayPassword,
    Relocated,
    SenderRelay,
    TlsPolicy,
    Transport,
)
from mailboxes.models import (
    Address,
    Alias,
    AliasDestination,
    AppPassword,
    AppPasswordSecret,
    Broadcast,
    BroadcastRecipient,
    DefaultAlias,
    DomainUse,
    LocalUser,
    Mailbox,
    MailboxCredential,
    MailingSettings,
    OutOfOffice,
    PasswordLink,
    PasswordSettings,
    PermittedSender,
    QuarantinedAddress,
    RecoveryAddress,
    RelayRecipient,
    ServerNames,
    SignIn,
    Usage,
)
from restrictions.access_models import (
    AccessRule,
    AccessTable,
    AllowedAction,
    NamedWriter,
    ProtectedAlias,
    RecipientClass,
)
from restrictions.models import Restriction, RestrictionClass
from takeover.models import ForeignLogEntry, KeptRow

pytestmark = pytest.mark.django_db


class Rows:
    """Rows written past the services; what is not named is well."""

    def __init__(self) -> None:
        self.domain = Domain.objects.create(name="example.org")
        self.user = User.objects.create(username="chef")
        self.address_row = Address.objects.create(domain=self.domain, local_part="jean")
        self.mailbox_row = Mailbox.objects.create(address=self.address_row, mail_path="jean/")
        self.alias_row = Alias.objects.create(address=self.address_row)
        self.destination(position=0, text="someone@elsewhere.example")

    def address(self, local_part: str) -> None:
        Address.objects.create(domain=self.domain, local_part=local_part)

    def use(self) -> DomainUse:
        return DomainUse.objects.create(domain=self.domain, day=NOW.date(), bytes=1, messages=1, mailboxes=1)

    def mailbox(self, **values: Any) -> None:
        address = Address.objects.create(domain=self.domain, local_part="laure")
        Mailbox.objects.create(**({"address": address, "mail_path": "laure/"} | values))

    def alias(self) -> None:
        Alias.objects.create(address=Address.objects.create(domain=self.domain, local_part="info"))

    def limited(self, **limits: int) -> "Rows":
        Domain.objects.update(**limits)
        return self

    def permitted(self, **values: str) -> PermittedSender:
        here = {"domain_name": "example.com", "local_part": "info"} | values
        return PermittedSender.objects.create(mailbox=self.mailbox_row, **here)

    def away(self, **values: Any) -> OutOfOffice:
        return OutOfOffice.objects.create(**({"mailbox": self.mailbox_row, "text": "Away"} | values))

    def credential(self, **values: Any) -> None:
        MailboxCredential.objects.create(**({"mailbox": self.mailbox_row, "hash": "{BLF-CRYPT}$2y$11$x"} | values))

    def destination(self, **values: Any) -> None:
        AliasDestination.objects.create(**({"alias": self.alias_row, "position": 7} | values))


HASH, TOKEN, NOW = "{BLF-CRYPT}$2y$11$x", "gAAAAABx", timezone.now()


def _app_password(rows: Rows, name: str = "Phone", **values: bool) -> AppPassword:
    return AppPassword.objects.create(mailbox=rows.mailbox_row, name=name, **values)


def _secret(rows: Rows, name: str = "Phone", digest: str = "0" * 64) -> AppPasswordSecret:
    return AppPasswordSecret.objects.create(app_password=_app_password(rows, name), digest=digest)


def _recipient(rows: Rows) -> BroadcastRecipient:
    broadcast, _is_new = Broadcast.objects.get_or_create(subject="a", text="b")
    return BroadcastRecipient.objects.create(broadcast=broadcast, mailbox=rows.mailbox_row)


def _recovery(rows: Rows) -> RecoveryAddress:
    return RecoveryAddress.objects.create(mailbox=rows.mailbox_row, address="jean@elsewhere.example")


def _link(rows: Rows, digest: str = "0" * 64) -> PasswordLink:
    about = {"purpose": "reset", "address": "jean@elsewhere.example", "expires_at": NOW}
    return PasswordLink.objects.create(mailbox=rows.mailbox_row, digest=digest, **about)


def _rule(**values: Any) -> AccessRule:
    usual = {"applies_to": "sender", "key": "spam.example", "action": "REJECT"}
    return AccessRule.objects.create(**(usual | values))


def _access_table(name: str = "partners", applies_to: str = "sender") -> AccessTable:
    return AccessTable.objects.create(name=name, applies_to=applies_to)


def _met(name: str = "strict", **place: Any) -> RecipientClass:
    return RecipientClass.objects.create(of_class=_class(name), **place)


def _protected(rows: Rows, writers: str = "members") -> ProtectedAlias:
    return ProtectedAlias.objects.create(alias=rows.alias_row, writers=writers)


REFUSED: list[tuple[str, str, Callable[[Rows], Any]]] = [
    ("username_is_plain", "upper case", lambda rows: User.objects.create(username="Chef")),
    ("username_is_plain", "a blank", lambda rows: User.objects.create(username="two words")),
    ("username_is_plain", "an owner rules", lambda rows: User.objects.create(username="mailbox:1", is_superuser=True)),
    ("accounts_user_username_key", "twice", lambda rows: User.objects.create(username="chef")),
    ("a_person_names_a_token_once", "twice", lambda rows: [_token(rows, digest="0" * 64), _token(rows)]),
    ("a_token_is_there_once", "twice", lambda rows: [_token(rows, name="one"), _token(rows, name="two")]),
    ("a_token_is_stored_as_its_sha256", "plain text", lambda rows: _token(rows, digest="mailadmin_x")),
    ("a_token_may_do_something", "nothing", lambda rows: _token(rows, scopes=[])),
    ("an_idempotency_key_is_used_once", "twice", lambda rows: _kept(_token(rows), "a" * 64, "b" * 64)),
    ("a_request_is_kept_as_its_sha256", "plain text", lambda rows: _kept(_token(rows), "{}")),
    ("a_mailbox_names_an_app_password_once", "twice", lambda rows: [_app_password(rows), _app_password(rows)]),
    (
        "an_app_password_is_for_something",
        "nothing",
        lambda rows: _app_password(rows, imap=False, pop=False, sends=False),
    ),
    ("an_app_password_is_there_once", "twice", lambda rows: [_secret(rows, "one"), _secret(rows, "two")]),
    ("an_app_password_is_stored_as_its_sha256", "plain text", lambda rows: _secret(rows, digest="a word")),
    ("one_row_of_password_settings", "a second row", lambda rows: PasswordSettings.objects.create(id=2)),
    ("password_settings_are_within_reason", "short", lambda rows: PasswordSettings.objects.update(least_length=7)),
    ("password_settings_are_within_reason", "no days", lambda rows: PasswordSettings.objects.update(valid_days=0)),
    ("mailboxes_recoveryaddress_mailbox_id_key", "twice", lambda rows: [_recovery(rows), _recovery(rows)]),
    ("a_link_is_there_once", "twice", lambda rows: [_link(rows), _link(rows)]),
    ("a_link_is_stored_as_its_sha256", "plain text", lambda rows: _link(rows, "a word")),
    ("a_class_name_is_used_once", "twice", lambda rows: [_class("strict"), _class("strict")]),
    ("a_class_name_is_what_postfix_takes", "upper case", lambda rows: _class("Strict")),
    ("a_class_name_is_what_postfix_takes", "a blank", lambda rows: _class("two words")),
    ("a_class_name_is_what_postfix_takes", "not ASCII", lambda rows: _class("sévère")),
    ("a_class_name_is_no_word_of_postfix", "a restriction", lambda rows: _class("permit_mynetworks")),
    ("a_class_name_is_no_word_of_postfix", "an old name", lambda rows: _class("reject_maps_rbl")),
    ("a_class_name_is_no_word_of_postfix", "an action", lambda rows: _class("discard")),
    ("a_class_name_is_no_word_of_postfix", "a parameter", lambda rows: _class("virtual_alias_maps")),
    ("a_restriction_stands_in_one_list", "in none", lambda rows: _restriction(stage=None)),
    ("a_restriction_stands_in_one_list", "in two", lambda rows: _restriction(in_class=_class("strict"))),
    ("a_restriction_stands_in_one_list", "an unknown stage", lambda rows: _restriction(stage="etrn")),
    ("a_place_in_a_stage_is_taken_once", "twice", lambda rows: _at_once(_restriction(), _restriction())),
    (
        "a_place_in_a_class_is_taken_once",
        "twice",
        lambda rows: _at_once(*[_restriction(stage=None, in_class=one) for one in [_class("strict")] * 2]),
    ),
    ("a_restriction_is_known", "a slip of the pen", lambda rows: _restriction(name="reject_typo")),
    ("a_restriction_is_known", "nothing", lambda rows: _restriction(name="")),
    ("a_restriction_is_known", "a name and a class", lambda rows: _restriction(of_class=_class("strict"))),
    ("an_argument_is_what_the_restriction_takes", "one too many", lambda rows: _restriction(argument="now")),
    (
        "an_argument_is_what_the_restriction_takes",
        "no zone",
        lambda rows: _restriction(name="reject_rbl_client", argument="zen.example=127.0.0.256"),
    ),
    (
        "an_argument_is_what_the_restriction_takes",
        "no service",
        lambda rows: _restriction(name="check_policy_service", argument="127.0.0.1:10023"),
    ),
    ("an_argument_is_what_the_restriction_takes", "no time", lambda rows: _restriction(name="sleep", argument="0")),
    ("a_class_does_not_name_itself", "itself", lambda rows: _circle(1)),
    ("lists_are_no_open_relay", "permit", lambda rows: _at_once(_restriction(stage="relay", name="permit"))),
    ("a_class_leads_not_back_to_itself", "over another", lambda rows: _at_once(_circle(3))),
    ("a_class_leads_not_back_to_itself", "over a table", lambda rows: _at_once(_circle_over("recipient"))),
    ("a_class_leads_not_back_to_itself", "over a class of recipients", lambda rows: _at_once(_circle_over(""))),
    ("smtpd_permits_only_where_it_may", "OK", lambda rows: _at_once(_permission())),
    ("one_worker_beat", "a second beat", lambda rows: WorkerBeat.objects.create(id=2, at=NOW)),
    ("a_name_is_served_once", "twice", lambda rows: Domain.objects.create(name="example.org")),
    (
        "a_u_label_is_served_once",
        "twice",
        lambda rows: [
            Domain.objects.create(name=name, u_label="bücher.example") for name in ("a.example", "b.example")
        ],
    ),
    ("a_u_label_is_served_once", "beside ss", lambda rows: [_domain("strasse.example"), _sharp_s()]),
    ("a_u_label_is_served_once", "before ss", lambda rows: [_sharp_s(), _domain("strasse.example")]),
    (
        "a_u_label_is_served_once",
        "another target",
        lambda rows: [
            _domain("strasse.example", address_class="alias_domain", target=rows.domain),
            _sharp_s(address_class="alias_domain", target=rows.domain),
            Domain.objects.filter(name="strasse.example").update(address_class="virtual_mailbox", target=None),
        ],
    ),
    ("a_u_label_is_folded", "ß", lambda rows: _domain("xn--strae-oqa.example", u_label="straße.example")),
    ("a_u_label_is_folded", "ς", lambda rows: _domain("xn--jxap1b0a.example", u_label="ζωής.example")),
    ("domain_name_is_a_domain", "upper case", lambda rows: _name("Example.org")),
    ("domain_name_is_a_domain", "a U-label", lambda rows: _name("bücher.example")),
    ("domain_name_is_a_domain", "an address", lambda rows: _name("192.0.2.1")),
    ("domain_name_is_a_domain", "a line end", lambda rows: _name("example.net\n")),
    ("domain_name_is_a_domain", "a dot at the end", lambda rows: _name("example.net.")),
    ("only_a_local_domain_has_one_label", "localhost", lambda rows: _domain("localhost")),
    ("an_alias_domain_has_a_target", "none", lambda rows: _domain("b.example", address_class="alias_domain")),
    ("an_alias_domain_has_a_target", "another class", lambda rows: _domain("b.example", target=rows.domain)),
    (
        "a_domain_is_not_its_own_target",
        "itself",
        lambda rows: Domain.objects.update(address_class="alias_domain", target=rows.domain),
    ),
    ("only_a_relay_domain_takes_any_recipient", "another", lambda rows: _domain("b.example", any_recipient=True)),
    ("a_row_is_kept_once", "twice", lambda rows: _kept_rows(2)),
    ("a_kept_secret_is_encrypted", "in plain text", lambda rows: _kept_rows(secret="let me read")),
    ("a_line_of_a_log_is_there_once", "twice", lambda rows: _lines_of_log(2)),
    ("a_person_is_domain_admin_once", "twice", lambda rows: [_admin(rows), _admin(rows)]),
    ("one_row_of_mail_settings", "a second row", lambda rows: MailSettings.objects.create(id=2)),
    ("recipient_delimiter_is_known", "=", lambda rows: MailSettings.objects.update(recipient_delimiter="=")),
    ("quarantine_ends_within_ten_years", "a century", lambda rows: MailSettings.objects.update(quarantine_days=3651)),
    ("an_address_is_in_quarantine_once", "twice", lambda rows: [_quarantine(), _quarantine()]),
    ("an_address_is_there_once", "twice", lambda rows: rows.address("jean")),
    ("local_part_is_plain_lower_case_ascii", "upper case", lambda rows: rows.address("Jean")),
    ("local_part_is_plain_lower_case_ascii", "beyond ASCII", lambda rows: rows.address("jéan")),
    ("local_part_is_plain_lower_case_ascii", "a line end", lambda rows: rows.address("jean\n")),
    ("local_part_is_plain_lower_case_ascii", "a route", lambda rows: rows.address("a%b")),
    ("local_part_is_no_command_file_or_option", "a command", lambda rows: rows.address("|sh")),
    ("local_part_is_no_command_file_or_option", "a file", lambda rows: rows.address("/etc/passwd")),
    ("local_part_is_no_command_file_or_option", "an option", lambda rows: rows.address("-f")),
    ("local_part_is_no_command_file_or_option", "a blank at the end", lambda rows: rows.address("jean ")),
    ("a_star_stands_at_the_end", "in the middle", lambda rows: rows.address("a*b")),
    ("a_star_stands_at_the_end", "alone", lambda rows: rows.address("*")),
    (
        "an_alias_ends_after_it_starts",
        "at once",
        lambda rows: Alias.objects.update(starts_at=NOW, ends_at=NOW),
    ),
    ("a_mail_path_belongs_to_one_mailbox", "twice", lambda rows: rows.mailbox(mail_path="jean/")),
    ("mail_path_stays_below_the_base", "out of it", lambda rows: rows.mailbox(mail_path="a/../../b/")),
    ("mail_path_stays_below_the_base", "absolute", lambda rows: rows.mailbox(mail_path="/etc/")),
    ("mail_path_stays_below_the_base", "empty", lambda rows: rows.mailbox(mail_path="")),
    ("mail_path_stays_below_the_base", "a line end", lambda rows: rows.mailbox(mail_path="a/\n")),
    ("a_login_stores_once", "twice", lambda rows: _one_login_for_two(rows)),
    ("a_day_is_there_once", "twice", lambda rows: [rows.use(), rows.use()]),
    ("a_sender_is_permitted_once", "twice", lambda rows: [rows.permitted(), rows.permitted()]),
    ("one_row_of_mailing_settings", "a second", lambda rows: MailingSettings.objects.create(id=2)),
    ("a_welcome_mail_is_text", "a line end", lambda rows: MailingSettings.objects.update(welcome_subject="a\nBcc: b")),
    ("a_welcome_mail_is_text", "blanks", lambda rows: MailingSettings.objects.update(welcome_text=" \n")),
    ("a_broadcast_has_a_speed", "none", lambda rows: MailingSettings.objects.update(mails_per_minute=0)),
    ("a_broadcast_has_a_speed", "too fast", lambda rows: MailingSettings.objects.update(mails_per_minute=6001)),
    ("a_broadcast_is_text", "a line end", lambda rows: Broadcast.objects.create(subject="a\nBcc: b", text="a")),
    ("a_broadcast_is_text", "nothing", lambda rows: Broadcast.objects.create(subject="a", text="")),
    ("a_broadcast_is_text", "blanks", lambda rows: Broadcast.objects.create(subject=" ", text="a")),
    ("a_mailbox_gets_a_broadcast_once", "twice", lambda rows: [_recipient(rows), _recipient(rows)]),
    ("one_row_of_server_names", "a second", lambda rows: ServerNames.objects.create(id=2)),
    ("a_server_name_is_a_domain", "an address", lambda rows: ServerNames.objects.update(imap_host="a@b")),
    ("a_server_name_is_a_domain", "upper case", lambda rows: ServerNames.objects.update(pop_host="Mail.example")),
    ("a_server_name_is_a_domain", "a port", lambda rows: ServerNames.objects.update(submission_host="mail:465")),
    (
        "a_sign_in_is_kept_once_a_service_and_address",
        "twice",
        lambda rows: [
            SignIn.objects.create(
                mailbox=rows.mailbox_row, username="jean@example.org", service="imap", remote_ip="::1"
            )
            for _twice in range(2)
        ],
    ),
    ("mailboxes_outofoffice_mailbox_id_key", "twice", lambda rows: [rows.away(), rows.away()]),
    ("an_answer_ends_after_it_starts", "before", lambda rows: rows.away(starts_at=NOW, ends_at=NOW)),
    ("an_answer_is_given_once_in_1_to_30_days", "never", lambda rows: rows.away(days=0)),
    ("an_answer_is_given_once_in_1_to_30_days", "too rarely", lambda rows: rows.away(days=31)),
    ("an_answer_is_text", "nothing", lambda rows: rows.away(text="")),
    ("an_answer_is_text", "blanks", lambda rows: rows.away(text=" \n\t ")),
    ("an_answer_is_text", "a control character", lambda rows: rows.away(text="a\x07")),
    ("an_answer_is_text", "a second header", lambda rows: rows.away(subject="Away\nBcc: all@example.org")),
    ("a_permitted_sender_is_what_postfix_asks_for", "upper case", lambda rows: rows.permitted(local_part="Info")),
    ("a_permitted_sender_is_what_postfix_asks_for", "a pattern", lambda rows: rows.permitted(local_part="sales-*")),
    ("a_permitted_sender_is_what_postfix_asks_for", "no domain", lambda rows: rows.permitted(domain_name="b_.c")),
    (
        "a_local_user_is_there_once",
        "twice",
        lambda rows: [LocalUser.objects.create(name="ann", uid=uid) for uid in (1000, 1001)],
    ),
    (
        "a_local_user_is_what_postfix_asks_for",
        "upper case",
        lambda rows: LocalUser.objects.create(name="Ann", uid=1000),
    ),
    ("quota_is_empty_or_more_than_nothing", "zero", lambda rows: rows.mailbox(quota_bytes=0)),
    ("allowed_networks_are_networks", "a word", lambda rows: rows.mailbox(allowed_networks=["home"])),
    ("allowed_networks_are_networks", "two in one", lambda rows: rows.mailbox(allowed_networks=["10.0.0.0/8,::/0"])),
    ("a_domain_has_its_most_mailboxes", "one more", lambda rows: rows.limited(max_mailboxes=1).mailbox()),
    (
        "a_domain_has_its_most_aliases",
        "one more",
        lambda rows: rows.limited(max_aliases=1).alias(),
    ),
    (
        "a_domain_has_its_largest_sum_of_quotas",
        "a byte more",
        lambda rows: rows.limited(max_total_quota_bytes=9).mailbox(quota_bytes=10),
    ),
    (
        "a_quota_is_one_that_its_domain_allows",
        "a byte more",
        lambda rows: rows.limited(max_quota_bytes=9).mailbox(quota_bytes=10),
    ),
    (
        "a_quota_is_one_that_its_domain_allows",
        "none",
        lambda rows: rows.limited(max_quota_bytes=9).mailbox(quota_bytes=None),
    ),
    (
        "counts_are_of_a_domain",
        "of none",
        lambda rows: DomainCount.objects.create(domain_id=rows.domain.pk + 1),
    ),
    ("mailboxes_mailbox_address_id_key", "two", lambda rows: rows.mailbox(address=rows.address_row)),
    ("mailboxes_alias_address_id_key", "two", lambda rows: Alias.objects.create(address=rows.address_row)),
    (
        "mailboxes_relayrecipient_address_id_key",
        "two",
        lambda rows: [RelayRecipient.objects.create(address=rows.address_row) for _time in "ab"],
    ),
    ("a_default_alias_is_there_once", "twice", lambda rows: [_default(), _default()]),
    ("a_default_alias_has_a_plain_name", "upper case", lambda rows: _default(local_part="Abuse")),
    ("a_default_alias_has_a_plain_name", "a pattern", lambda rows: _default(local_part="abuse-*")),
    ("a_default_alias_has_a_plain_name", "a catch-all", lambda rows: _default(local_part="")),
    ("a_default_alias_has_a_plain_name", "an option", lambda rows: _default(local_part="-f")),
    ("a_default_alias_has_a_plain_name", "a line end", lambda rows: _default(local_part="abuse\n")),
    ("a_default_alias_goes_to_an_address", "a name", lambda rows: _default(destination="someone")),
    ("a_default_alias_goes_to_an_address", "a whole domain", lambda rows: _default(destination="@b.example")),
    ("a_default_alias_goes_to_an_address", "a command", lambda rows: _default(destination="|sh@b.example")),
    ("a_default_alias_goes_to_an_address", "beyond ASCII", lambda rows: _default(destination="é@b.example")),
    ("a_default_alias_goes_to_an_address", "a line end", lambda rows: _default(destination="a@b.example\n")),
    ("a_hash_names_its_scheme", "no scheme", lambda rows: rows.credential(hash="$2y$11$x")),
    ("a_hash_names_its_scheme", "a password", lambda rows: rows.credential(hash="my password")),
    ("a_credential_has_or_had_a_mailbox", "none", lambda rows: rows.credential(mailbox=None)),
    ("a_credential_has_or_had_a_mailbox", "both", lambda rows: rows.credential(former_mailbox_id=1, retired_at=NOW)),
    ("a_position_holds_one_destination", "two", lambda rows: rows.destination(position=0, text="b@elsewhere.example")),
    ("a_destination_is_of_one_kind", "none", lambda rows: rows.destination()),
    ("a_destination_is_of_one_kind", "no address", lambda rows: rows.destination(text="someone")),
    (
        "a_destination_is_of_one_kind",
        "two",
        lambda rows: rows.destination(address=rows.address_row, text="b@elsewhere.example"),
    ),
    ("a_destination_is_of_one_kind", "nowhere", lambda rows: rows.destination(domain=rows.domain, extension="+x")),
    ("a_destination_is_ascii_and_no_command", "a command", lambda rows: rows.destination(text="|sh@b.example")),
    ("a_destination_is_ascii_and_no_command", "quoted", lambda rows: rows.destination(text='"|sh x"@b.example')),
    ("a_destination_is_ascii_and_no_command", "a file", lambda rows: rows.destination(text="/etc/x@b.example")),
    ("a_destination_is_ascii_and_no_command", "an include", lambda rows: rows.destination(text=":include:x@b.example")),
    ("a_destination_is_ascii_and_no_command", "beyond ASCII", lambda rows: rows.destination(text="é@b.example")),
    ("a_destination_is_ascii_and_no_command", "a line end", lambda rows: rows.destination(text="a@b.example\nc@d.e")),
    ("a_transport_key_is_there_once", "twice", lambda rows: [_entry(Transport), _entry(Transport)]),
    ("a_transport_key_is_what_postfix_asks_for", "There.example", lambda rows: _entry(Transport, key="There.example")),
    (
        "a_transport_key_is_what_postfix_asks_for",
        "a@@b@c.example",
        lambda rows: _entry(Transport, key="a@@b@c.example"),
    ),
    (
        "a_transport_key_is_what_postfix_asks_for",
        "there.example and a line end",
        lambda rows: _entry(Transport, key="there.example\n"),
    ),
    ("a_transport_result_is_what_postfix_takes", "smtp", lambda rows: _entry(Transport, result="smtp")),
    ("a_transport_result_is_what_postfix_takes", "smtp:[mx] 25", lambda rows: _entry(Transport, result="smtp:[mx] 25")),
    ("a_transport_result_is_what_postfix_takes", "smtp:|sh", lambda rows: _entry(Transport, result="smtp:|sh")),
    ("a_transport_result_is_what_postfix_takes", "error:bücher", lambda rows: _entry(Transport, result="error:bücher")),
    ("a_tls_policy_key_is_there_once", "twice", lambda rows: [_entry(TlsPolicy), _entry(TlsPolicy)]),
    ("a_tls_policy_key_is_what_postfix_asks_for", "[MX]:587", lambda rows: _entry(TlsPolicy, key="[MX]:587")),
    ("a_tls_policy_key_is_what_postfix_asks_for", "[mx] 587", lambda rows: _entry(TlsPolicy, key="[mx] 587")),
    ("a_tls_policy_result_is_what_postfix_takes", "high", lambda rows: _entry(TlsPolicy, result="high")),
    ("a_tls_policy_result_is_what_postfix_takes", "may match", lambda rows: _entry(TlsPolicy, result="may match")),
    (
        "a_tls_policy_result_is_what_postfix_takes",
        "secure match=ü",
        lambda rows: _entry(TlsPolicy, result="secure match=ü"),
    ),
    ("a_sender_relay_key_is_there_once", "twice", lambda rows: [_entry(SenderRelay), _entry(SenderRelay)]),
    (
        "a_sender_relay_key_is_what_postfix_asks_for",
        "there.example",
        lambda rows: _entry(SenderRelay, key="there.example"),
    ),
    (
        "a_sender_relay_key_is_what_postfix_asks_for",
        "A@there.example",
        lambda rows: _entry(SenderRelay, key="A@there.example"),
    ),
    ("a_sender_relay_result_is_what_postfix_takes", "[mx]:25 x", lambda rows: _entry(SenderRelay, result="[mx]:25 x")),
    ("a_sender_relay_result_is_what_postfix_takes", "nothing", lambda rows: _entry(SenderRelay, result="")),
    ("a_bcc_key_is_there_once", "twice", lambda rows: [_entry(Bcc), _entry(Bcc)]),
    (
        "a_bcc_key_is_what_postfix_asks_for",
        "bücher@there.example",
        lambda rows: _entry(Bcc, key="bücher@there.example"),
    ),
    (
        "a_bcc_result_is_what_postfix_takes",
        "a@b.example, c@d.example",
        lambda rows: _entry(Bcc, result="a@b.example, c@d.example"),
    ),
    ("a_bcc_result_is_what_postfix_takes", "|sh", lambda rows: _entry(Bcc, result="|sh")),
    ("a_relocated_key_is_there_once", "twice", lambda rows: [_entry(Relocated), _entry(Relocated)]),
    (
        "a_relocated_key_is_what_postfix_asks_for",
        "a@there..example",
        lambda rows: _entry(Relocated, key="a@there..example"),
    ),
    ("a_relocated_result_is_what_postfix_takes", "nothing", lambda rows: _entry(Relocated, result="")),
    (
        "a_relocated_result_is_what_postfix_takes",
        "away and a line end",
        lambda rows: _entry(Relocated, result="away\n"),
    ),
    ("a_relocated_result_is_what_postfix_takes", "büro", lambda rows: _entry(Relocated, result="büro")),
    ("a_canonical_key_is_there_once", "twice", lambda rows: [_entry(Canonical), _entry(Canonical)]),
    (
        "a_canonical_key_is_what_postfix_asks_for",
        "a@there.example and a line end",
        lambda rows: _entry(Canonical, key="a@there.example\n"),
    ),
    ("a_canonical_result_is_what_postfix_takes", "elsewhere", lambda rows: _entry(Canonical, result="elsewhere")),
    (
        "a_canonical_result_is_what_postfix_takes",
        "a@b.example and a line end",
        lambda rows: _entry(Canonical, result="a@b.example\n"),
    ),
    ("a_relay_username_is_plain", "a colon", lambda rows: _entry(SenderRelay, username="a:b")),
    (
        "a_relay_password_is_no_comment",
        "# first",
        lambda rows: _entry(SenderRelay, key="#a@there.example", username="us"),
    ),
    ("a_relay_username_is_plain", "a line end", lambda rows: _entry(SenderRelay, username="a\n")),
    ("a_selector_names_one_key", "twice", lambda rows: [_dkim_key(rows), _dkim_key(rows)]),
    (
        "one_rsa_key_signs",
        "two lengths",
        lambda rows: [
            _dkim_key(rows, state="signing"),
            _dkim_key(rows, selector="s2", state="signing", algorithm="rsa-4096"),
        ],
    ),
    (
        "one_ed25519_key_signs",
        "two",
        lambda rows: [
            _dkim_key(rows, selector=selector, state="signing", algorithm="ed25519") for selector in ("s1", "s2")
        ],
    ),
    ("a_dkim_name_holds_one_key", "of an alias domain", lambda rows: [_wide_key(rows), _key_of_alias(rows)]),
    ("a_dkim_name_holds_one_key", "of the target", lambda rows: [_key_of_alias(rows), _wide_key(rows)]),
    (
        "a_dkim_name_holds_one_key",
        "of a new target",
        lambda rows: [
            _wide_key(rows),
            _dkim_key(rows, domain=_domain("brand.example")),
            Domain.objects.filter(name="brand.example").update(address_class="alias_domain", target=rows.domain),
        ],
    ),
    ("a_selector_is_a_name_in_the_dns", "S1", lambda rows: _dkim_key(rows, selector="S1")),
    ("a_selector_is_a_name_in_the_dns", "a blank", lambda rows: _dkim_key(rows, selector="s 1")),
    ("a_dkim_algorithm_is_known", "dsa", lambda rows: _dkim_key(rows, algorithm="dsa")),
    ("a_dkim_state_is_known", "lost", lambda rows: _dkim_key(rows, state="lost")),
    ("a_key_signs_for_local_parts", "an address", lambda rows: _dkim_key(rows, local_parts="news@example.org")),
    ("a_key_signs_for_local_parts", "two blanks", lambda rows: _dkim_key(rows, local_parts="news  billing")),
    (
        "a_dkim_wait_has_a_known_reason",
        "no reason",
        lambda rows: DkimWait.objects.create(key=_dkim_key(rows), state="prepared", reason="mood"),
    ),
    ("an_old_dkim_record_stays_for_a_while", "no day", lambda rows: MailSettings.objects.update(dkim_retiring_days=0)),
    (
        "an_old_dkim_record_stays_for_a_while",
        "a year",
        lambda rows: MailSettings.objects.update(dkim_retiring_days=366),
    ),
    ("dkim_keys_rotate_within_five_years", "61", lambda rows: MailSettings.objects.update(dkim_rotation_months=61)),
    ("a_public_key_is_base64", "a PEM file", lambda rows: _dkim_key(rows, public_key="-----BEGIN PUBLIC KEY-----")),
    (
        "a_private_key_is_encrypted",
        "plain",
        lambda rows: DkimPrivateKey.objects.create(key=_dkim_key(rows), token="-----BEGIN PRIVATE KEY-----"),
    ),
    ("a_tsig_key_has_a_name", "a blank", lambda rows: _update_server(name="a key")),
    ("dns_records_updateserver_name_key", "twice", lambda rows: [_update_server(), _update_server()]),
    ("a_tsig_algorithm_is_known", "md5", lambda rows: _update_server(algorithm="hmac-md5")),
    ("an_update_server_has_a_port", "0", lambda rows: _update_server(port=0)),
    (
        "one_update_server_for_all",
        "two",
        lambda rows: [_update_server(name=name, for_all=True) for name in ("one", "two")],
    ),
    (
        "a_tsig_secret_is_encrypted",
        "in plain text",
        lambda rows: UpdateSecret.objects.create(server=_update_server(), token="MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="),
    ),
    ("one_row_of_dns_settings", "two", lambda rows: DnsSettings.objects.create(id=2)),
    ("a_dmarc_policy_is_known", "block", lambda rows: DnsSettings.objects.update(dmarc_policy="block")),
    ("a_percentage_ends_at_100", "101", lambda rows: DnsSettings.objects.update(dmarc_percent=101)),
    ("an_mta_sts_mode_is_known", "maybe", lambda rows: DnsSettings.objects.update(sts_mode="maybe")),
    (
        "an_mta_sts_policy_is_kept_for_a_year_at_most",
        "two years",
        lambda rows: DnsSettings.objects.update(sts_days=730),
    ),
    (
        "a_dmarc_policy_of_a_domain_is_known",
        "block",
        lambda rows: DomainDns.objects.create(domain=rows.domain, dmarc_policy="block"),
    ),
    (
        "dns_records_domaindns_domain_id_key",
        "twice",
        lambda rows: [DomainDns.objects.create(domain=rows.domain) for _time in range(2)],
    ),
    (
        "one_check_of_a_domain",
        "twice for the hosts",
        lambda rows: [ZoneCheck.objects.create(checked_at=timezone.now()) for _time in range(2)],
    ),
    ("a_record_is_expected_once", "twice", lambda rows: [_record(rows), _record(rows)]),
    ("a_record_is_put_once", "twice", lambda rows: [_put(rows), _put(rows)]),
    ("a_host_has_a_key_once", "twice", lambda rows: _on_host(_dkim_key(rows), "/a", "/b")),
    ("domains_signinghost_name_key", "twice", lambda rows: [_signing_host(), _signing_host()]),
    ("a_key_file_has_a_whole_path", "no path", lambda rows: _on_host(_dkim_key(rows), "MIIEvQ")),
    ("a_relay_password_is_encrypted", "plain", lambda rows: _relay_password("my password")),
    ("lookup_tables_relaypassword_relay_id_key", "two", lambda rows: _relay_password(TOKEN, TOKEN)),
    ("a_bcc_is_known", "all", lambda rows: _entry(Bcc, applies_to="all")),
    ("a_bcc_is_not_for_itself", "itself", lambda rows: _entry(Bcc, key="a@b.example")),
    ("a_canonical_is_known", "none", lambda rows: _entry(Canonical, applies_to="")),
    ("an_access_rule_is_there_once", "twice", lambda rows: [_rule(), _rule()]),
    (
        "an_access_rule_of_a_table_is_there_once",
        "twice",
        lambda rows: [_rule(table=table) for table in [_access_table()] * 2],
    ),
    (
        "an_access_rule_of_a_domain_is_there_once",
        "twice",
        lambda rows: [_rule(domain=rows.domain), _rule(domain=rows.domain)],
    ),
    ("an_access_key_is_what_postfix_asks_for", "upper case", lambda rows: _rule(key="Spam.example")),
    ("an_access_key_is_what_postfix_asks_for", "a dot", lambda rows: _rule(key=".spam.example")),
    ("an_access_key_is_what_postfix_asks_for", "a bounce to", lambda rows: _rule(applies_to="recipient", key="<>")),
    ("an_access_key_is_what_postfix_asks_for", "nobody", lambda rows: _rule(applies_to="etrn")),
    ("an_action_has_the_text_that_it_takes", "none", lambda rows: _rule(action="REDIRECT", text="")),
    (
        "an_action_has_the_text_that_it_takes",
        "a map",
        lambda rows: _rule(action="LIST", text="check_sender_access x:y"),
    ),
    ("an_action_has_the_text_that_it_takes", "unknown", lambda rows: _rule(action="PERMIT")),
    ("an_action_has_the_code_that_it_takes", "250", lambda rows: _rule(code="250", text="x")),
    ("an_action_has_the_code_that_it_takes", "without text", lambda rows: _rule(code="554")),
    ("an_access_rule_names_a_class_that_is_there", "none", lambda rows: _rule(action="CLASS")),
    ("an_access_rule_names_a_class_that_is_there", "one too many", lambda rows: _rule(of_class=_class("strict"))),
    (
        "an_access_rule_of_a_domain_is_about_its_mail",
        "clients",
        lambda rows: _rule(domain=rows.domain, applies_to="client"),
    ),
    ("an_access_rule_ends_after_it_starts", "at once", lambda rows: _rule(starts_at=NOW, ends_at=NOW)),
    ("an_access_table_is_there_once", "twice", lambda rows: [_access_table(), _access_table()]),
    ("an_access_table_has_a_plain_name", "a blank", lambda rows: _access_table(name="a b")),
    ("an_access_table_is_none_of_the_four", "sender", lambda rows: _access_table(name="sender")),
    ("an_access_table_is_about_somebody", "etrn", lambda rows: _access_table(applies_to="etrn")),
    (
        "an_action_is_allowed_once",
        "twice",
        lambda rows: [AllowedAction.objects.create(action=action) for action in ("OK", "OK")],
    ),
    ("an_allowed_action_is_of_one_recipient", "PERMIT", lambda rows: AllowedAction.objects.create(action="PERMIT")),
    (
        "only_a_lookup_names_an_access_table",
        "permit",
        lambda rows: Restriction.objects.create(
            stage="client", position=1, name="permit", access_table=_access_table()
        ),
    ),
    ("a_class_is_met_by_one_recipient", "two", lambda rows: _met(address=rows.address_row, domain=rows.domain)),
    ("there_is_one_default_class", "two", lambda rows: [_met(), _met(name="other")]),
    (
        "restrictions_recipientclass_address_id_key",
        "two",
        lambda rows: [_met(address=rows.address_row), _met(address=rows.address_row, name="other")],
    ),
    (
        "restrictions_recipientclass_domain_id_key",
        "two",
        lambda rows: [_met(domain=rows.domain), _met(domain=rows.domain, name="other")],
    ),
    ("restrictions_protectedalias_alias_id_key", "two", lambda rows: [_protected(rows), _protected(rows)]),
    ("writers_are_known", "friends", lambda rows: _protected(rows, writers="friends")),
    (
        "a_writer_is_named_once",
        "twice",
        lambda rows: [NamedWriter.objects.create(protected=one, key="@example.org") for one in [_protected(rows)] * 2],
    ),
    (
        "a_writer_is_an_address_or_a_domain",
        "a name",
        lambda rows: NamedWriter.objects.create(protected=_protected(rows), key="boss"),
    ),
]


@pytest.mark.parametrize(
    ("constraint", "write"),
    [pytest.param(constraint, write, id=f"{constraint}-{what}") for constraint, what, write in REFUSED],
)
def test_the_database_refuses(constraint: str, write: Callable[[Rows], Any]) -> None:
    rows = Rows()
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        write(rows)
    assert caught.value.__cause__.diag.constraint_name.startswith(constraint.removesuffix("_key"))  # type: ignore[union-attr]


def test_it_works() -> None:
    """The rows that each of these tests begins with are taken, and so are the other kinds of destinations."""
    rows = Rows()
    rows.mailbox(quota_bytes=1)
    rows.credential()
    MailboxCredential.objects.create(hash=HASH, former_mailbox_id=7, retired_at=NOW)
    rows.destination(address=rows.address_row, extension="+x")
    _default(local_part="first.last_2-3", destination='"j d"@b.example')
    rows.destination(position=8, domain=rows.domain)
    rows.destination(position=9, domain=rows.domain, text="anybody")
    for model in set(GOOD) - {SenderRelay}:
        _entry(model)
    _relay_password(TOKEN)
    key = _dkim_key(rows, state="signing")
    _dkim_key(rows, selector="s2.mx", state="signing", algorithm="ed25519")
    _dkim_key(rows, selector="s3", state="signing", local_parts="billing news.letter")
    brand = _domain("brand.example", address_class="alias_domain", target=rows.domain)
    _dkim_key(rows, selector="s4", for_alias_domains=True, state="gone")
    _dkim_key(rows, selector="s4", domain=brand)
    _dkim_key(rows, selector="s3", domain=brand, for_alias_domains=True)
    DkimWait.objects.create(key=key, state="prepared", reason="missing")
    DkimPrivateKey.objects.create(key=key, token=TOKEN)
    _on_host(key, "/etc/dkimkeys/mailadmin/1.private")


def _update_server(**values: Any) -> UpdateServer:
    return UpdateServer.objects.create(**({"name": "panel", "address": "192.0.2.53"} | values))


def _record(rows: Rows) -> Record:
    return Record.objects.create(
        domain=rows.domain, purpose="mx", name="example.org", rdtype="MX", expected=[], since=timezone.now()
    )


def _put(rows: Rows) -> PublishedRecord:
    return PublishedRecord.objects.create(domain=rows.domain, name="example.org", rdtype="MX", value="10 mx.")


def _dkim_key(rows: Rows, **values: Any) -> DkimKey:
    good = {"domain": rows.domain, "selector": "s1", "algorithm": "rsa-2048", "public_key": "MIIB"}
    return DkimKey.objects.create(**(good | values))


def _wide_key(rows: Rows) -> DkimKey:
    return _dkim_key(rows, for_alias_domains=True)


def _key_of_alias(rows: Rows) -> DkimKey:
    return _dkim_key(rows, domain=_domain("brand.example", address_class="alias_domain", target=rows.domain))


def _on_host(key: DkimKey, *paths: str) -> None:
    for path in paths:
        DkimKeyOnHost.objects.create(host="mx.example.org", key=key, path=path)


def _signing_host() -> SigningHost:
    return SigningHost.objects.create(name="mx.example.org", reported_at=timezone.now())


def _sharp_s(**values: Any) -> Domain:
    return _domain("xn--strae-oqa.example", u_label="strasse.example", **values)


def _domain(name: str, **values: Any) -> Domain:
    return Domain.objects.create(name=name, **values)


def _name(name: str) -> None:
    """Past the field, which makes a domain name of what it gets."""
    Domain.objects.bulk_create([Domain(name=Value(name, output_field=CharField()))])


def _class(name: str) -> RestrictionClass:
    return RestrictionClass.objects.create(name=name)


def _restriction(**values: Any) -> Restriction:
    return Restriction.objects.create(**({"stage": "client", "position": 1, "name": "permit_mynetworks"} | values))


def _at_once(*rows: Any) -> None:
    """What is deferred to the end of the transaction is looked at now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _circle(length: int) -> list[RestrictionClass]:
    classes = [_class(f"class_{number}") for number in range(length)]
    for number, one in enumerate(classes):
        _restriction(stage=None, in_class=one, name="", of_class=classes[(number + 1) % length])
    return classes


def _circle_over(kind: str) -> RestrictionClass:
    one = _class("strict")
    _restriction(stage=None, in_class=one, name="check_recipient_access")
    if kind:
        _rule(applies_to=kind, action="CLASS", of_class=one)
    else:
        RecipientClass.objects.create(of_class=one)
    return one


def _permission() -> AccessTable:
    table = _access_table(applies_to="client")
    _rule(applies_to="client", action="OK", table=table)
    _restriction(name="check_sender_mx_access", access_table=table)
    return table


def _one_login_for_two(rows: Rows) -> None:
    rows.mailbox()
    for name in ("jean", "laure"):
        Usage.objects.bulk_create([Usage(mailbox_id=0, domain_id=0, username=f"{name}@example.org")])
    Usage.objects.update(username="jean@example.org")


def _quarantine() -> QuarantinedAddress:
    return QuarantinedAddress.objects.create(
        domain_name="example.org", local_part="jean", former_mailbox_id=1, until=NOW
    )


def _default(**values: Any) -> DefaultAlias:
    return DefaultAlias.objects.create(**({"local_part": "abuse", "destination": "a@b.example"} | values))


def _token(rows: Rows, **values: Any) -> Token:
    good = {"user": rows.user, "name": "script", "digest": "a" * 64, "scopes": ["domains:read"]}
    return Token.objects.create(**(good | values))


def _kept(token: Token, *digests: str) -> None:
    for digest in digests:
        KeptAnswer.objects.create(token=token, key="one", request_digest=digest)


def _admin(rows: Rows) -> DomainAdmin:
    return DomainAdmin.objects.create(domain=rows.domain, user=rows.user)


def _kept_rows(number: int = 1, secret: str = "") -> None:
    for _n in range(number):
        KeptRow.objects.create(source="sqlite:///pfa.db", kind="totp", key="mailbox jean@example.org", secret=secret)


def _lines_of_log(number: int) -> None:
    for _n in range(number):
        ForeignLogEntry.objects.create(source="sqlite:///pfa.db", key="1", at=timezone.now(), action="create_alias")


GOOD: dict[type[Entry], tuple[str, str]] = {
    Transport: ("there.example", "smtp:"),
    TlsPolicy: ("there.example", "may"),
    SenderRelay: ("@there.example", "[mx]:25"),
    Bcc: ("@there.example", "a@b.example"),
    Relocated: ("@there.example", "away"),
    Canonical: ("@there.example", "@b.example"),
}


def _entry(model: type[Any], **values: Any) -> Any:
    key, result = GOOD[model]
    return model.objects.create(**({"key": key, "result": result} | values))


def _relay_password(*tokens: str) -> None:
    relay = _entry(SenderRelay)
    for token in tokens:
        RelayPassword.objects.create(relay=relay, token=token)
