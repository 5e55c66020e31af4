"""The mail servers that ask the database: each has a schema, a role that asks there, and an owner of what it asks."""

from dataclasses import dataclass, field

from django.conf import settings

# What the maps may read; the role that owns the functions sees these columns and nothing else. The two tables that
# every lookup reads it sees whole: rights to columns are looked up one by one, each time.
WHOLE: list[str] = []
READ_BY_MAPS = {
    "domains_domain": WHOLE,
    "domains_mailsettings": ["id", "recipient_delimiter"],
    "mailboxes_address": WHOLE,
    "mailboxes_mailbox": ["id", "address_id", "mail_path", "active", "receives", "sends", "expires_at", "stopped_at"],
    "mailboxes_apppassword": ["id", "mailbox_id", "sends", "expires_at"],
    "mailboxes_endofsessions": ["mailbox_id", "sends_before"],
    "mailboxes_localuser": ["id", "name"],
    "mailboxes_permittedsender": ["id", "mailbox_id", "domain_name", "local_part"],
    "mailboxes_relayrecipient": ["id", "address_id"],
    "mailboxes_alias": ["id", "address_id", "active", "starts_at", "ends_at"],
    "mailboxes_aliasdestination": ["id", "alias_id", "position", "domain_id", "text", "written"],
    "lookup_tables_transport": ["id", "key", "own_script", "result", "active"],
    "lookup_tables_tlspolicy": ["id", "key", "own_script", "result", "active"],
    "lookup_tables_senderrelay": ["id", "key", "own_script", "result", "active"],
    "lookup_tables_bcc": ["id", "applies_to", "key", "own_script", "result", "active"],
    "lookup_tables_relocated": ["id", "key", "own_script", "result", "active"],
    "lookup_tables_canonical": ["id", "applies_to", "key", "own_script", "result", "active"],
    "restrictions_restrictionclass": ["id", "name"],
    "restrictions_accesstable": ["id", "name"],
    "restrictions_accessrule": [
        *("id", "applies_to", "table_id", "domain_id", "key", "action", "code", "text", "of_class_id"),
        *("active", "starts_at", "ends_at"),
    ],
    "restrictions_recipientclass": ["id", "address_id", "domain_id", "of_class_id"],
    "restrictions_protectedalias": ["id", "alias_id", "writers"],
    "restrictions_namedwriter": ["id", "protected_id", "key"],
}


# Another owner than that of the maps: only what asks for one address by its name sees a hash.
READ_BY_DOVECOT = {
    "domains_domain": ["id", "name", "u_label", "address_class", "target_id", "active"],
    "domains_mailsettings": ["id", "recipient_delimiter"],
    "mailboxes_address": ["id", "domain_id", "local_part"],
    "mailboxes_mailbox": [
        *("id", "address_id", "mail_path", "quota_bytes", "active", "receives", "sends", "imap", "pop", "expires_at"),
        *("stopped_at", "allowed_networks"),
    ],
    "mailboxes_mailboxcredential": ["id", "mailbox_id", "hash", "changed_at", "is_costly"],
    "mailboxes_passwordsettings": ["id", "valid_days", "grace_days"],
    "mailboxes_apppassword": ["id", "mailbox_id", "imap", "pop", "sends", "expires_at"],
    "mailboxes_apppasswordsecret": ["app_password_id", "digest", "used_at"],
    "mailboxes_usage": ["username", "bytes", "messages"],
    "mailboxes_signin": ["username", "service", "remote_ip", "seconds"],
    "mailboxes_outofoffice": ["id", "mailbox_id", "active", "starts_at", "ends_at", "subject", "text", "days"],
    "mailboxes_alias": ["id", "address_id", "active", "starts_at", "ends_at"],
    "mailboxes_aliasdestination": ["id", "alias_id", "address_id"],
}


# The views of OpenDKIM show which key signs, and where its file is.
READ_BY_OPENDKIM = {
    "domains_domain": ["id", "name", "target_id", "active"],
    "domains_dkimkey": [
        *("id", "domain_id", "selector", "algorithm", "state", "for_subdomains", "for_alias_domains", "local_parts"),
    ],
    "domains_dkimkeyonhost": ["id", "host", "key_id", "path"],
}


@dataclass(frozen=True, kw_only=True)
class View:
    """A view of a mail server, in sql/<schema>/views/. `table` is what it writes into, if it may: new rows with these
    columns, of which some may be changed."""

    name: str
    table: str = ""
    columns: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """A schema, the role that asks there, and the role without login that owns what it asks. `notes` are columns that
    its functions write."""

    schema: str
    owned_by: str
    reads: dict[str, list[str]]
    notes: dict[str, list[str]] = field(default_factory=dict)
    views: tuple[View, ...] = ()

    @property
    def role(self) -> str:
        return f"{settings.ROLE_PREFIX}{self.schema}"

    @property
    def owner(self) -> str:
        return f"{settings.ROLE_PREFIX}{self.owned_by}"

    @property
    def password(self) -> str:
        """Kept in the state directory, mode 0600; PostgreSQL gets its SCRAM verifier only."""
        return str(getattr(settings, f"{self.schema.upper()}_PASSWORD"))


POSTFIX = MailServer(schema="postfix", owned_by="mail_map_owner", reads=READ_BY_MAPS)
DOVECOT = MailServer(
    schema="dovecot",
    owned_by="dovecot_owner",
    reads=READ_BY_DOVECOT,
    notes={"mailboxes_apppasswordsecret": ["used_at"]},
    views=(
        View(
            name="quota",
            table="mailboxes_usage",
            columns=("username", "bytes", "messages"),
            changed=("bytes", "messages"),
        ),
        View(
            name="last_sign_in",
            table="mailboxes_signin",
            columns=("username", "service", "remote_ip", "seconds"),
            changed=("seconds",),
        ),
        View(name="sieve"),
    ),
)
OPENDKIM = MailServer(
    schema="opendkim",
    owned_by="opendkim_owner",
    reads=READ_BY_OPENDKIM,
    views=(View(name="key_table"), View(name="signing_table")),
)
MAIL_SERVERS = (POSTFIX, DOVECOT, OPENDKIM)
