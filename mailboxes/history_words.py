"""How changes to mailboxes and aliases read in the history."""

from collections.abc import Iterable

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import (
    Namer,
    Names,
    Reading,
    Row,
    in_words,
    latest_events,
    latest_value,
    register_namer,
    register_reading,
)
from domains.models import Domain
from mailboxes.models import (
    Address,
    Alias,
    AliasDestination,
    AppPassword,
    Broadcast,
    DefaultAlias,
    LocalUser,
    Mailbox,
    MailingSettings,
    OutOfOffice,
    PasswordSettings,
    PermittedSender,
    QuarantinedAddress,
    RecoveryAddress,
    RelayRecipient,
    ServerNames,
)
from mailboxes.parsing import external_form

register_sentences(
    {
        ("add", "mailbox"): _("Added mailbox %(label)s"),
        ("change", "mailbox"): _("Changed mailbox %(label)s"),
        ("rename", "mailbox"): _("Renamed mailbox %(label)s"),
        ("rename", "alias"): _("Renamed alias %(label)s"),
        ("delete", "mailbox"): _("Deleted mailbox %(label)s"),
        ("change_password", "mailbox"): _("Changed the password of mailbox %(label)s"),
        ("activate", "mailboxes"): _("Activated mailboxes: %(label)s"),
        ("deactivate", "mailboxes"): _("Deactivated mailboxes: %(label)s"),
        ("delete", "mailboxes"): _("Deleted mailboxes: %(label)s"),
        ("stop", "mailboxes"): _("Stopped mailboxes: %(label)s"),
        ("release", "mailboxes"): _("Released mailboxes: %(label)s"),
        ("add", "alias"): _("Added alias %(label)s"),
        ("change", "alias"): _("Changed alias %(label)s"),
        ("delete", "alias"): _("Deleted alias %(label)s"),
        ("set", "default_aliases"): _("Changed the default aliases: %(label)s"),
        ("delete", "default_aliases"): _("Deleted the default alias %(label)s"),
        ("add", "default_aliases"): _("Added the default aliases of %(label)s"),
        ("add", "relay_recipients"): _("Added relay recipients: %(label)s"),
        ("delete", "relay_recipients"): _("Deleted relay recipients: %(label)s"),
        ("change", "password_settings"): _("Changed the password settings"),
        ("set", "recovery_address"): _("Set the recovery address of %(label)s"),
        ("delete", "recovery_address"): _("Deleted the recovery address of %(label)s"),
        ("confirm", "recovery_address"): _("Confirmed the recovery address of %(label)s"),
        ("ask_reset", "mailbox"): _("A new password of %(label)s was asked for by a link"),
        ("reset_password", "mailbox"): _("Set the password of %(label)s by a link"),
        ("add", "app_password"): _("Added app password %(label)s"),
        ("revoke", "app_password"): _("Revoked app password %(label)s"),
        ("permit", "sender"): _("Permitted to send: %(label)s"),
        ("forbid", "sender"): _("Forbade to send: %(label)s"),
        ("change", "server_names"): _("Changed the server names"),
        ("change", "mailing_settings"): _("Changed the mailing settings"),
        ("start", "broadcast"): _("Started the broadcast “%(label)s”"),
        ("stop", "broadcast"): _("Stopped the broadcast “%(label)s”"),
        ("forward", "mailbox"): _("Changed the forwarding of %(label)s"),
        ("set", "out_of_office"): _("Set the out-of-office answer of %(label)s"),
        ("delete", "out_of_office"): _("Deleted the out-of-office answer of %(label)s"),
        ("import", "out_of_office"): _("Imported out-of-office answers: %(label)s"),
        ("import", "local_users"): _("Imported local users: %(label)s"),
        ("delete", "domain_with_addresses"): _("Deleted domain %(label)s with its addresses"),
        ("import", "mailboxes"): _("Imported mailboxes from %(label)s"),
        ("import", "aliases"): _("Imported aliases from %(label)s"),
        ("import", "domains"): _("Imported domains from %(label)s"),
        ("delete", "ended_quarantines"): _("Deleted quarantines that had ended: %(label)s"),
        ("load", "demo"): _("Loaded the demonstration data"),
    }
)


FLAGS = ("receives", "sends", "imap", "pop", "expires_at", "stopped_at")


def _names_of_addresses(ids: Iterable[int]) -> dict[int, str]:
    rows = latest_events(Address, ids, "local_part", domain_name=latest_value(Domain, "domain_id", "name"))
    return {pk: external_form(local_part, domain_name or "?") for pk, (local_part, domain_name) in rows.items()}


def _names_by_address(model: type[Alias | Mailbox]) -> Namer:
    """What hangs on an address is called by it."""

    def names(ids: Iterable[int]) -> dict[int, str]:
        rows = latest_events(
            model,
            ids,
            local_part=latest_value(Address, "address_id", "local_part"),
            domain_name=latest_value(Address, "address_id", latest_value(Domain, "domain_id", "name")),
        )
        return {
            pk: external_form(local_part or "", domain_name or "?") for pk, (local_part, domain_name) in rows.items()
        }

    return names


def _address(row: Row, names: Names) -> str:
    return names.get((Address, row["address_id"]), "")


MAILBOX = ("name", "mail_path", "active", *FLAGS)


def _values_of_mailbox(row: Row, names: Names) -> dict[str, str]:
    quota = Mailbox._meta.get_field("quota_bytes").verbose_name
    values = in_words(Mailbox, *MAILBOX)(row, names)
    networks = str(Mailbox._meta.get_field("allowed_networks").verbose_name)
    values[networks] = ", ".join(row.get("allowed_networks") or []) or str(_("anywhere"))
    return {**values, str(quota): filesizeformat(row["quota_bytes"]) if row["quota_bytes"] else str(_("no quota"))}


def _destination(row: Row, names: Names) -> str:
    if row["address_id"]:
        local_part, _at, domain = names.get((Address, row["address_id"]), "?@?").rpartition("@")
        return f"{local_part}{row['extension']}@{domain}"
    if row["domain_id"]:
        return external_form(row["text"], names.get((Domain, row["domain_id"]), "?"))
    return str(row["text"])


def _values_of_destination(row: Row, names: Names) -> dict[str, str]:
    return {str(AliasDestination._meta.verbose_name): _destination(row, names)}


def _values_of_changed_destination(row: Row, names: Names) -> dict[str, str]:
    """It was elsewhere when it was typed, and became ours, or the other way round: the words are the same."""
    words = _("of ours") if row["address_id"] or row["domain_id"] else _("elsewhere")
    return {name: f"{text} ({words})" for name, text in _values_of_destination(row, names).items()}


def _values_of_broadcast(row: Row, names: Names) -> dict[str, str]:
    domains = str(Broadcast._meta.get_field("domain_names").verbose_name)
    values = in_words(Broadcast, "subject", "text", "sender", "stopped_at")(row, names)
    return values | {domains: ", ".join(row["domain_names"]) or str(_("all domains"))}


def _name_of_address(row: Row, names: Names) -> str:
    return external_form(row["local_part"], names.get((Domain, row["domain_id"]), "?"))


register_reading(
    Address,
    Reading(
        subject=_name_of_address,
        values=lambda row, names: {str(Address._meta.verbose_name): _name_of_address(row, names)},
        only_changes=True,
        stored=lambda row, names: {"address": _name_of_address(row, names)},
    ),
)
register_reading(
    Mailbox,
    Reading(
        subject=_address,
        values=_values_of_mailbox,
        stored=in_words(Mailbox, *MAILBOX, "allowed_networks", "quota_bytes").stored,
    ),
)
register_reading(Alias, Reading(subject=_address, values=in_words(Alias, "comment", "active", "starts_at", "ends_at")))
register_reading(
    AliasDestination,
    Reading(
        subject=lambda row, names: names.get((Alias, row["alias_id"]), ""),
        values=_values_of_destination,
        changed_values=_values_of_changed_destination,
        stored=lambda row, names: {"destinations": _destination(row, names)},
    ),
)
register_reading(
    QuarantinedAddress,
    Reading(
        subject=lambda row, names: external_form(row["local_part"], row["domain_name"]),
        values=in_words(QuarantinedAddress, "until"),
    ),
)
register_reading(
    PermittedSender,
    Reading(
        subject=lambda row, names: names.get((Mailbox, row["mailbox_id"]), ""),
        values=lambda row, names: {
            str(PermittedSender._meta.verbose_name): external_form(row["local_part"], row["domain_name"])
        },
        stored=lambda row, names: {"sender": external_form(row["local_part"], row["domain_name"])},
    ),
)
register_reading(
    AppPassword,
    Reading(
        subject=lambda row, names: names.get((Mailbox, row["mailbox_id"]), ""),
        values=in_words(AppPassword, "name", "imap", "pop", "sends", "expires_at"),
    ),
)
register_reading(
    PasswordSettings,
    Reading(
        subject=lambda row, names: str(_("Password settings")),
        values=in_words(PasswordSettings, "least_length", "least_strength", "valid_days", "grace_days"),
    ),
)
register_reading(
    RecoveryAddress,
    Reading(
        subject=lambda row, names: names.get((Mailbox, row["mailbox_id"]), ""),
        values=in_words(RecoveryAddress, "address", "confirmed_at"),
    ),
)
register_reading(
    OutOfOffice,
    Reading(
        subject=lambda row, names: names.get((Mailbox, row["mailbox_id"]), ""),
        values=in_words(OutOfOffice, "subject", "text", "starts_at", "ends_at", "days", "active"),
    ),
)
register_reading(
    ServerNames,
    Reading(subject=lambda row, names: "", values=in_words(ServerNames, "imap_host", "pop_host", "submission_host")),
)
register_reading(
    MailingSettings,
    Reading(
        subject=lambda row, names: "",
        values=in_words(MailingSettings, "welcomes", "welcome_subject", "welcome_text", "mails_per_minute"),
    ),
)
register_reading(
    Broadcast,
    Reading(
        subject=lambda row, names: row["subject"],
        values=_values_of_broadcast,
        stored=in_words(Broadcast, "subject", "text", "sender", "stopped_at", "domain_names").stored,
    ),
)
register_reading(
    DefaultAlias, Reading(subject=lambda row, names: row["local_part"], values=in_words(DefaultAlias, "destination"))
)
register_reading(LocalUser, Reading(subject=lambda row, names: row["name"], values=in_words(LocalUser, "uid")))
register_reading(
    RelayRecipient,
    Reading(
        subject=_address,
        values=lambda row, names: {str(_("address")): _address(row, names)},
        stored=lambda row, names: {"address": _address(row, names)},
    ),
)
register_namer(Address, _names_of_addresses)
register_namer(Alias, _names_by_address(Alias))
register_namer(Mailbox, _names_by_address(Mailbox))
