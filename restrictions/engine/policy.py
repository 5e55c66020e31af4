"""What the engine is told: the restrictions of a mail host, a session, and what is assumed of the world outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Protocol

# In the order in which smtpd evaluates them. With smtpd_delay_reject = yes all of the first five wait for RCPT TO.
STAGES = ("client", "helo", "sender", "relay", "recipient", "data", "end_of_data")

Table = Callable[[str], str | None]


@dataclass(frozen=True)
class Entry:
    """One restriction of a list, as main.cf has it. `row` is whatever the caller wants to find it by again."""

    name: str
    argument: str = ""
    warn_only: bool = False  # warn_if_reject
    row: object = field(default=None, compare=False)

    def __str__(self) -> str:
        return " ".join(filter(None, ("warn_if_reject" if self.warn_only else "", self.name, self.argument)))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of main.cf that change an answer, with Postfix's own defaults (postconf(5))."""

    smtpd_delay_reject: bool = True
    smtpd_helo_required: bool = False
    smtpd_sasl_auth_enable: bool = False
    smtpd_reject_unlisted_recipient: bool = True
    smtpd_reject_unlisted_sender: bool = False
    smtpd_relay_before_recipient_restrictions: bool = True
    soft_bounce: bool = False
    mynetworks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    inet_interfaces: tuple[str, ...] = ("127.0.0.1", "::1")
    myorigin: str = ""
    recipient_delimiter: str = ""
    parents_match_subdomains: bool = True  # smtpd_access_maps stands in parent_domain_matches_subdomains
    access_map_reject_code: int = 554
    access_map_defer_code: int = 450
    defer_code: int = 450
    reject_code: int = 554
    relay_domains_reject_code: int = 554
    maps_rbl_reject_code: int = 554
    invalid_hostname_reject_code: int = 501
    non_fqdn_reject_code: int = 504
    unknown_address_reject_code: int = 450
    unknown_client_reject_code: int = 450
    unknown_hostname_reject_code: int = 450
    unverified_recipient_reject_code: int = 450
    unverified_sender_reject_code: int = 450
    unverified_recipient_defer_code: int = 450
    unverified_sender_defer_code: int = 450
    plaintext_reject_code: int = 450
    multi_recipient_bounce_reject_code: int = 550
    unknown_local_recipient_reject_code: int = 550
    unknown_relay_recipient_reject_code: int = 550
    unknown_virtual_alias_reject_code: int = 550
    unknown_virtual_mailbox_reject_code: int = 550
    unknown_address_tempfail_action: str = "defer_if_permit"
    unknown_helo_hostname_tempfail_action: str = "defer_if_permit"
    unverified_recipient_tempfail_action: str = "defer_if_permit"
    unverified_sender_tempfail_action: str = "defer_if_permit"


@dataclass(frozen=True)
class Fault:
    """Why smtpd takes an address for unknown: 550, "User unknown in virtual mailbox table". A status is there only if
    the map itself says one, for a recipient."""

    code: int
    words: str
    status: str = ""


class Addresses(Protocol):
    """What the maps of addresses say. An address is in its internal form, with a domain."""

    def address_class(self, domain: str) -> str:
        """One of ADDRESS_CLASS_README, "" for a domain that is not ours."""

    def fault(self, address: str) -> Fault | None:
        """What reject_unlisted_recipient and reject_unlisted_sender find."""

    def logins(self, address: str) -> tuple[str, ...]:
        """smtpd_sender_login_maps; none: not found."""


@dataclass(frozen=True)
class Policy:
    """The restrictions of a host. A table, by what stands behind its check_*_access, is a function from a key in lower
    case to a result. `written` are the settings that nobody needs to assume."""

    stages: Mapping[str, tuple[Entry, ...]]
    addresses: Addresses
    classes: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    settings: Settings = Settings()
    written: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Session:
    """One conversation. No HELO name: the client did not say HELO. A name is "" where the client has none; `name` is
    the one that was verified (its address points back), `reverse_name` just what the address has."""

    client: str
    name: str = ""
    reverse_name: str = ""
    helo: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    login: str = ""
    is_encrypted: bool = False
    certificate: str = ""  # the fingerprint of one that the host knows and trusts
    pipelines: bool = False  # talks on after DATA without waiting for the answer
    lookup_failed: bool = False  # the server of the client's name does not answer now

    @property
    def shown_name(self) -> str:
        return self.name or "unknown"

    @property
    def shown_reverse_name(self) -> str:
        return self.reverse_name or self.name or "unknown"

    @property
    def shown_client(self) -> str:
        """As smtpd writes it into the log."""
        return f"{self.shown_name}[{self.client}]"

    def is_in(self, networks: tuple[str, ...]) -> bool:
        address = ip_address(self.client)
        return any(address in ip_network(network, strict=False) for network in networks)


@dataclass(frozen=True)
class Records:
    """What the DNS has under one name. `is_down`: its servers do not answer now."""

    addresses: tuple[str, ...] = ()
    mail_servers: tuple[str, ...] = ()  # "." is the null MX of RFC 7505
    words: str = ""  # TXT
    is_down: bool = False
    name_servers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assumptions:
    """What is assumed of the world. A policy service is found by what main.cf calls it, and answers as an access
    table does. A zone of a block list may stand for each address in it. What is not said here is assumed to be well:
    a domain exists, a list does not hold the client, a policy service has no objection, an address is deliverable.
    `settings` names those that were stated; the others stand at Postfix's defaults."""

    dns: Mapping[str, Records] = field(default_factory=dict)
    policy_services: Mapping[str, str] = field(default_factory=dict)
    verified: Mapping[str, str] = field(default_factory=dict)  # address: "ok", "bounce TEXT" or "defer TEXT"
    names_exist: bool = True
    settings: frozenset[str] = frozenset()

    def listed(self, query: str, zone: str) -> Records | None:
        """What a block list answers."""
        found = self.dns.get(query.lower(), self.dns.get(zone.lower()))
        return found if found and (found.addresses or found.is_down) else None

    def host(self, name: str) -> Records | None:
        """The records of a host or a domain, None if it does not exist."""
        found = self.dns.get(name.lower().rstrip("."))
        return found if found or not self.names_exist else Records(addresses=("192.0.2.1",))
