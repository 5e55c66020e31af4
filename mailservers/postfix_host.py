"""What is particular to a mail host, and which maps its Postfix asks."""

from dataclasses import dataclass, field

from lookup_tables.main_cf import parameters_in_use
from mailboxes.models import LocalUser
from restrictions.lists import Lists

# Keyed by a full address: '%u' keeps bare domains and "@domain" keys away from SQL (pgsql_table(5)).
MAPS_BY_ADDRESS = (
    "virtual_alias_maps",
    "virtual_mailbox_maps",
    "sender_dependent_relayhost_maps",
    "sender_bcc_maps",
    "recipient_bcc_maps",
    "relocated_maps",
    "canonical_maps",
    "sender_canonical_maps",
    "recipient_canonical_maps",
    "relay_recipient_maps",
    "smtpd_sender_login_maps",
    "local_recipient_maps",
    "suspended_domains",
    "check_sasl_access",
)
# Suspending a domain must act at once, so its table is asked even while no domain is suspended.
MAPS_ALWAYS = ("virtual_alias_maps", "virtual_mailbox_maps", "smtpd_sender_login_maps", "suspended_domains")
MAPS_BY_DOMAIN = ("virtual_alias_domains", "virtual_mailbox_domains")
MAPS_FOR_LOCAL_DOMAINS = ("alias_maps", "mydestination")
MAPS_FOR_RELAY_DOMAINS = ("relay_domains", "relay_recipient_maps")
MAPS_FOR_SUBMISSION = ("check_sasl_access",)

# What trivial-rewrite(8) asks to know the address class of a domain. These may be files (mailservers/domain_files.py).
LISTS_OF_DOMAINS = (*MAPS_BY_DOMAIN, "mydestination", "relay_domains")
KINDS_OF_FILES = ("cdb", "lmdb", "hash")


@dataclass(frozen=True, kw_only=True)
class PostfixHost:
    """What is particular to a host. `directory` is where Postfix will find the files."""

    directory: str
    hosts: list[str] = field(default_factory=list)  # "HOST:PORT", or "/DIRECTORY:PORT" for a Unix socket
    tls_mode: str = ""  # sslmode of libpq; empty: none on this machine, "require" elsewhere
    tls_root: str = ""
    statement_timeout: int = 5000  # milliseconds; a lookup takes about a tenth of one
    mail_base: str = "/srv/vmail"
    mail_uid: int = 5000
    mail_gid: int = 5000
    with_local: bool = False
    with_relay: bool = False
    with_local_users: bool = field(default_factory=lambda: LocalUser.objects.exists())
    with_dovecot: bool = False  # delivers, and says who may sign in to submission (mailservers/dovecot_config.py)
    domains_as: str = ""  # one of KINDS_OF_FILES; empty: asked in SQL
    lists: Lists = field(default_factory=Lists.current)  # once, so that all files speak of the same

    @property
    def knows_local_users(self) -> bool:
        return self.with_local and self.with_local_users

    @property
    def maps(self) -> list[str]:
        return [
            *MAPS_BY_DOMAIN,
            *MAPS_ALWAYS,
            *(MAPS_FOR_LOCAL_DOMAINS if self.with_local else ()),
            *(("local_recipient_maps",) if self.knows_local_users else ()),
            *(MAPS_FOR_RELAY_DOMAINS if self.with_relay else ()),
            *(MAPS_FOR_SUBMISSION if self.with_dovecot else ()),
            *parameters_in_use(),
        ]
