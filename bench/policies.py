"""Random restriction lists, classes, access tables and sessions: valid ones, as the panel would let them be.

They do not go through the services of the panel: one Postfix plays 25 of them side by side, in a network in which no
PostgreSQL answers, and each would take seconds to save. But they are drawn from the same catalogue, and what would be
an open relay is refused by the same judge (restrictions/relaying.py); no class leads back, and no table permits where
it must not, by the order in which they are made. tests/smtp/test_restrictions.py saves random lists, classes, tables
and rules through the services, and tests/smtp/test_import_policies.py saves these here."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailboxes.parsing import split_address
from restrictions.catalogue import GUARDING, WITHOUT_PERMISSION, Argument, named
from restrictions.engine.policy import Entry, Fault, Policy, Records, Session, Settings
from restrictions.engine.settings import ACTIONS, CODES, ONLY_FOR_NOW, WHAT_TO_DO

HOSTNAME = "mx.home.example"
DELIMITER = "+"
CLASSES = {
    "local.example": "local",
    "brand.example": "virtual_alias",
    "home.example": "virtual_mailbox",
    "relay.example": "relay",
    "sub.relay.example": "relay",  # parent_domain_matches_subdomains has relay_domains
}
KNOWN: dict[str, tuple[str, ...]] = {
    "local.example": ("lars", "postmaster"),
    "brand.example": ("info",),
    "home.example": ("ann", "bob"),
    "relay.example": ("rita",),
    "sub.relay.example": (),
}
TABLE_OF_CLASS = {
    "local": "local recipient table",
    "virtual_alias": "virtual alias table",
    "virtual_mailbox": "virtual mailbox table",
    "relay": "relay recipient table",
}
LOGINS: dict[str, tuple[str, ...]] = {
    "ann@home.example": ("ann",),
    "info@brand.example": ("ann", "bob"),
    "ceo@good.example": ("bob",),
}
# What an address verification finds out; everything else is deliverable.
TRANSPORTS = {
    "refused.example": "error:5.1.1 nobody there",
    "later.example": "retry:4.4.1 not now",
    "gone@relay.example": "error:5.1.1 nobody there",
    "away@relay.example": "retry:4.4.1 not now",
}
VERIFIED = {
    "x@refused.example": "bounce nobody there",
    "x@later.example": "defer not now",
    "gone@relay.example": "bounce nobody there",
    "away@relay.example": "defer not now",
}
PLAYER = "127.0.0.9"  # where the sessions come from, before XCLIENT says otherwise
NETWORKS = ("127.0.0.0/8", "192.0.2.64/26")

CLIENTS = (
    ("192.0.2.7", "mail.good.example"),
    ("192.0.2.7", ""),
    ("192.0.2.70", "desk.home.example"),
    ("198.51.100.9", "bulk.bad.example"),
    ("203.0.113.5", ""),
    ("203.0.113.6", "mail.good.example"),
    ("127.0.0.1", "localhost.localdomain"),
    ("2001:db8::7", "six.good.example"),
)
HELOS = (
    "mail.good.example",
    "bulk.bad.example",
    HOSTNAME,
    "localhost",
    "192.0.2.7",
    "[192.0.2.7]",
    "[1.2]",
    "a_-b.",
    "nowhere.example",
    "down.example",
    "good.example.",
    "a..b",
    "[IPv6:2001:db8::7]",
    "null.example",
    "",
)
SENDERS = (
    "",
    "ann@home.example",
    "ann+x@home.example",
    "nobody@home.example",
    "info@brand.example",
    "bare",
    "x@good.example",
    "X+y@Good.example",
    "ceo@good.example",
    "spam@bad.example",
    "x@nowhere.example",
    "x@null.example",
    "x@down.example",
    "x@host",
    "x@sub.good.example",
    "rita@relay.example",
    "no@brand.example",
    "a b@good.example",
)
RECIPIENTS = (
    "ann@home.example",
    "Bob+x@home.example",
    "nobody@home.example",
    "info@brand.example",
    "no@brand.example",
    "rita@relay.example",
    "no@relay.example",
    "lars@local.example",
    "no@local.example",
    "postmaster",
    "x@elsewhere.example",
    "x@nowhere.example",
    "lars",
    "x@sub.relay.example",
    "x@backup.example",
    "x@third.example",
    "x@first.example",
    "x@down.example",
    "postmaster@local.example",
)

BACKED_UP = ("backup.example", "third.example")  # this host is a backup MX of them

ZONES = ("one.list.example", "two.list.example=127.0.0.[2..4;9]", "down.list.example", "names.list.example")
DNS = {
    "good.example": Records(("192.0.2.1",), ("mail.good.example",), name_servers=("ns.good.example", "ns.bad.example")),
    "ns.good.example": Records(("192.0.2.53",)),
    "ns.bad.example": Records(("198.51.100.53",)),
    "sub.good.example": Records(("192.0.2.1",)),
    "mail.good.example": Records(("192.0.2.7",)),
    "six.good.example": Records(("2001:db8::7",)),
    "bulk.bad.example": Records(("198.51.100.9",)),
    "bad.example": Records((), ("bulk.bad.example", "mail.good.example"), name_servers=("ns.bad.example",)),
    "null.example": Records((), (".",)),
    "down.example": Records(is_down=True),
    "elsewhere.example": Records(("192.0.2.3",)),
    "relay.example": Records((), ("mail.good.example",)),
    "backup.example": Records((), ("mail.good.example", HOSTNAME)),
    "third.example": Records((), ("bulk.bad.example", "mail.good.example", "loop.example")),
    "first.example": Records((), ("loop.example", HOSTNAME)),
    "loop.example": Records(("127.0.0.1",)),
    HOSTNAME: Records(("192.0.2.25",)),
    "9.100.51.198.one.list.example": Records(("127.0.0.2",), words="Listed; see http://one.list.example/"),
    "5.113.0.203.one.list.example": Records(("127.0.0.2",)),
    "5.113.0.203.two.list.example": Records(("127.0.0.5",)),
    "9.100.51.198.two.list.example": Records(("127.0.0.9",), words="Nine"),
    "7.2.0.192.two.list.example": Records(("127.0.0.3",)),
    "bad.example.names.list.example": Records(("127.0.0.2",), words="A bad name"),
    "bulk.bad.example.names.list.example": Records(("127.0.0.4",)),
    "mail.good.example.names.list.example": Records(("127.0.0.2",)),
}
DNS |= {f"{octets}.down.list.example": Records(is_down=True) for octets in ("7.2.0.192", "9.100.51.198", "70.2.0.192")}

POLICY_SERVICES = {
    "inet:127.0.0.1:10041": "DUNNO",
    "inet:127.0.0.1:10042": "DEFER_IF_PERMIT 4.2.0 Greylisted",
    "inet:127.0.0.1:10043": "REJECT the service does not like it",
    "inet:127.0.0.1:10044": "OK",
    "inet:127.0.0.1:10045": "PREPEND X-Seen: by the service",
    "inet:127.0.0.1:10046": "reject_non_fqdn_helo_hostname, reject_unlisted_recipient",
    "inet:127.0.0.1:10047": "defer_if_reject",
}

# What people may choose from, by the argument that it takes.
ENDS = ("permit", "reject", "defer")
# smtpd forgets that it has checked a sender only at MAIL FROM. Before that, a session inherits what the one before it
# in the same process has left (sender_rcptmap_checked, smtpd_check.c), and there is nothing to predict.
AFTER_MAIL = ("reject_unlisted_sender",)
WAIT_FOR_PROBES = ("reject_unverified_sender", "reject_unverified_recipient")
PAST_XCLIENT = ("permit_inet_interfaces",)  # looks at the address of the connection itself
PLAIN = tuple(one for one in named(Argument.NONE) if one not in (*ENDS, *AFTER_MAIL, *WAIT_FOR_PROBES, *PAST_XCLIENT))
WITH_ZONE = tuple(named(Argument.ZONE))
ABOUT_SERVERS = tuple(one for one in WITHOUT_PERMISSION if one != "check_reverse_client_hostname_access")
WITH_TABLE = tuple(one for one in named(Argument.TABLE) if one not in ABOUT_SERVERS)

KEYS: dict[str, tuple[str, ...]] = {
    "check_client_access": (
        "192.0.2.7",
        "192.0.2",
        "203.0.113.5",
        "198",
        "good.example",
        ".good.example",
        "example",
        "unknown",
        "127.0.0.1",
        "2001:db8",
        "2001",
        "bulk.bad.example",
    ),
    "check_helo_access": (HOSTNAME, "example", "good.example", ".bad.example", "localhost", "2.7]", "b"),
    "check_sender_access": (
        "<>",
        "ann@home.example",
        "ann@",
        "x@good.example",
        "good.example",
        "example",
        "x+y@",
        "bare@mx.home.example",
        ".good.example",
        "spam@bad.example",
        "sub.good.example",
    ),
    "check_recipient_access": (
        "ann@home.example",
        "bob+x@home.example",
        "home.example",
        "x@",
        "bob@",
        "relay.example",
        "brand.example",
        "lars@mx.home.example",
        "elsewhere.example",
        "local.example",
    ),
    "check_sasl_access": ("ann", "bob"),
    "check_ccert_access": ("AA:BB:CC",),
}
KEYS["check_reverse_client_hostname_access"] = KEYS["check_client_access"]
KEYS |= dict.fromkeys(
    ABOUT_SERVERS,
    (
        "mail.good.example",
        "bulk.bad.example",
        "good.example",
        ".good.example",
        "example",
        "ns.bad.example",
        "nowhere.example",
        "192.0.2.7",
        "192.0.2",
        "198.51.100",
        "127.0.0.1",
        "2001:db8",
    ),
)
RESULTS = (
    "REJECT",
    "REJECT {0}",
    "REJECT 5.7.9 {0}",
    "REJECT 5.1.1 {0}",
    "reject 5.1.8 {0}",
    "DEFER",
    "DEFER {0}",
    "DEFER_IF_PERMIT",
    "DEFER_IF_PERMIT 4.2.0 {0}",
    "DEFER_IF_REJECT {0}",
    "450 4.7.1 {0}",
    "554 {0}",
    "550 5.1.2 {0}",
    "DUNNO",
    "dunno {0}",
    "INFO {0}",
    "WARN {0}",
    "HOLD {0}",
    "FILTER smtp:{0}",
    "REDIRECT ann@home.example",
    "BCC ann@home.example",
    "PREPEND X-Table: {0}",
    "REJECT see http://x/ {0}",
    "reject_non_fqdn_helo_hostname, reject_unlisted_recipient",
    "warn_if_reject reject_rbl_client one.list.example",
    "reject_rhsbl_sender names.list.example reject_unknown_sender_domain",
    "reject_unauth_destination",
)
PERMITTING = ("OK", "ok {0}", "20261128", "RELAY", "DISCARD", "DISCARD {0}", "permit_mynetworks, reject", "permit")


class World:
    """The addresses of the host, as the engine asks for them."""

    def address_class(self, domain: str) -> str:
        return CLASSES.get(domain, "local" if domain == HOSTNAME else "")

    def fault(self, address: str) -> Fault | None:
        local_part, _at, domain = address.lower().rpartition("@")
        address_class = self.address_class(domain)
        if not address_class:
            return None
        if address_class == "local" and local_part.startswith("postmaster"):
            return None
        names = {local_part, split_address(local_part, DELIMITER)[0]}
        if names & set(KNOWN["local.example" if domain == HOSTNAME else domain]):
            return None
        words = f"User unknown in {TABLE_OF_CLASS[address_class]}"
        return Fault(550, words, "5.1.1" if address_class == "virtual_alias" else "")

    def logins(self, address: str) -> tuple[str, ...]:
        local_part, _at, domain = address.lower().rpartition("@")
        base = split_address(local_part, DELIMITER)[0] or local_part
        return LOGINS.get(f"{local_part}@{domain}") or LOGINS.get(f"{base}@{domain}") or ()


@dataclass
class Case:
    """A policy, and its access tables as they are written into files: name -> rows."""

    seed: str
    policy: Policy
    rows: dict[str, dict[str, str]] = field(default_factory=dict)


class Maker:
    """Makes one policy. Classes, and what tables answer, name classes that were made before, so none comes back to
    itself; which is made first is chance, and main.cf has them by name."""

    results: tuple[str, ...] = RESULTS
    with_table: tuple[str, ...] = WITH_TABLE

    def __init__(self, seed: str) -> None:
        self.seed, self.luck = seed, random.Random(seed)  # noqa: S311  the same for the same seed
        self.plain: tuple[str, ...] = PLAIN
        self.rows: dict[str, dict[str, str]] = {}
        self.classes: dict[str, tuple[Entry, ...]] = {}

    def case(self) -> Case:
        luck = self.luck
        names = [f"class{number}" for number in range(luck.randint(0, 3))]
        for name in luck.sample(names, len(names)):
            self.classes[name] = self.entries(1, 3)
        settings = self.settings()
        stages = {stage: self.entries(0, 4) for stage in ("client", "helo")}
        self.plain += AFTER_MAIL
        stages |= {stage: self.entries(0, 4) for stage in ("sender", "data", "end_of_data")}
        stages |= self.guarding()
        if not settings.smtpd_delay_reject:
            # XCLIENT is a command, so our own connection must be let in first.
            self.rows["table_of_player"] = {PLAYER: "OK"}
            stages["client"] = (Entry("check_client_access", "table_of_player"), *stages["client"])
        tables = {name: rows.get for name, rows in self.rows.items()}
        classes = dict(sorted(self.classes.items()))
        return Case(self.seed, Policy(stages, World(), classes, tables, settings), self.rows)

    def guarding(self) -> dict[str, tuple[Entry, ...]]:
        """The relay and the recipient list: mostly as one expects them, else anything that is no open relay."""
        if self.luck.random() < 0.7:
            return {"relay": (*self.relay_entries(), *self.entries(0, 2)), "recipient": self.entries(0, 4)}
        while True:
            lists = {stage: list(self.entries(0, 4)) for stage in ("relay", "recipient")}
            guarded = lists[self.luck.choice(list(lists))]
            guarded.insert(self.luck.randint(0, len(guarded)), self.relay_entries()[-1])
            found = {stage: tuple(entries) for stage, entries in lists.items()}
            if not is_open_relay(found, self.classes):
                return found

    def settings(self) -> Settings:
        luck = self.luck
        codes = {
            name: luck.choice((450, 450 if name in ONLY_FOR_NOW else 554)) for name in CODES if luck.random() < 0.15
        }
        actions = {name: luck.choice(WHAT_TO_DO) for name in ACTIONS}
        return Settings(
            smtpd_delay_reject=luck.random() < 0.7,
            smtpd_helo_required=luck.random() < 0.3,
            smtpd_sasl_auth_enable=luck.random() < 0.5,
            smtpd_reject_unlisted_recipient=luck.random() < 0.8,
            smtpd_reject_unlisted_sender=luck.random() < 0.2,
            smtpd_relay_before_recipient_restrictions=luck.random() < 0.8,
            soft_bounce=luck.random() < 0.1,
            parents_match_subdomains=luck.random() < 0.7,
            mynetworks=NETWORKS,
            inet_interfaces=("127.0.0.1",),
            myorigin=HOSTNAME,
            recipient_delimiter=DELIMITER,
            **codes,  # type: ignore[arg-type]
            **actions,  # type: ignore[arg-type]
        )

    def relay_entries(self) -> Sequence[Entry]:
        permits = (Entry("permit_mynetworks"), Entry("permit_sasl_authenticated"))
        return (*permits, Entry(self.luck.choice(("reject_unauth_destination", "defer_unauth_destination"))))

    def entries(self, least: int, most: int) -> tuple[Entry, ...]:
        found = [self.entry() for _number in range(self.luck.randint(least, most))]
        if found and self.luck.random() < 0.08:
            found.append(Entry(self.luck.choice(ENDS)))
        return tuple(found)

    def entry(self) -> Entry:
        luck, warn_only = self.luck, self.luck.random() < 0.12
        kind = luck.random()
        if kind < 0.38:
            return Entry(luck.choice(self.plain), "", warn_only)
        if kind < 0.5:
            return Entry(luck.choice(WITH_ZONE), luck.choice(ZONES), warn_only)
        if kind < 0.6:
            return Entry("check_policy_service", luck.choice(list(POLICY_SERVICES)), warn_only)
        if kind < 0.7 and self.classes:
            return Entry(luck.choice(list(self.classes)), "", warn_only)
        is_usual = kind < 0.85 or self.with_table is not WITH_TABLE
        name = luck.choice(self.with_table if is_usual else ABOUT_SERVERS)
        return Entry(name, self.table(name), warn_only)

    def table(self, asks: str) -> str:
        """The name of a new table; its results name the classes that are there already."""
        name = f"table{len(self.rows)}"
        self.rows[name] = {}
        results = [*self.results, *self.classes, *self.classes]
        if asks not in WITHOUT_PERMISSION:
            results.extend(PERMITTING)
        else:
            results = [one for one in self.results if "permit" not in one.lower()]
        for key in self.luck.sample(KEYS[asks], min(len(KEYS[asks]), self.luck.randint(1, 5))):
            self.rows[name][key] = self.luck.choice(results).format(f"{name} {key}")
        return name


def is_open_relay(stages: Mapping[str, tuple[Entry, ...]], classes: Mapping[str, tuple[Entry, ...]]) -> bool:
    """What the services say of such lists (restrictions/relaying.py)."""
    from restrictions.lists import Lists
    from restrictions.models import Restriction, RestrictionClass
    from restrictions.relaying import fault_of_relaying

    def rows(entries: tuple[Entry, ...]) -> list[Restriction]:
        found = []
        for one in entries:
            of_class = RestrictionClass(name=one.name) if one.name in classes else None
            found.append(Restriction(name="" if of_class else one.name, of_class=of_class, warn_only=one.warn_only))
        return found

    lists = Lists(
        {stage: rows(stages[stage]) for stage in GUARDING}, {name: rows(entries) for name, entries in classes.items()}
    )
    return fault_of_relaying(lists) is not None


def random_case(seed: str) -> Case:
    return Maker(seed).case()


def random_session(seed: str) -> Session:
    luck = random.Random(seed)  # noqa: S311  the same for the same seed
    client, name = luck.choice(CLIENTS)
    return Session(
        client=client,
        name=name,
        reverse_name=name or luck.choice(("", "claims.bad.example")),
        lookup_failed=not name and luck.random() < 0.3,
        helo=luck.choice(HELOS),
        sender=luck.choice(SENDERS),
        recipients=tuple(luck.sample(RECIPIENTS, luck.choice((1, 1, 2, 3)))),
        login=luck.choice(("", "", "ann", "bob")),
        pipelines=luck.random() < 0.15,
    )


def _lists(case: Case) -> list[tuple[Entry, ...]]:
    return [*case.policy.stages.values(), *case.policy.classes.values()]


def strangers_destination(case: Case, session: Session) -> list[str]:
    """The recipients of a session that none but our own people may write to; nobody else may be heard."""
    trusted = session.is_in(NETWORKS) or (case.policy.settings.smtpd_sasl_auth_enable and session.login)
    foreign = [one for one in session.recipients if "@" in one and not World().address_class(one.rpartition("@")[2])]
    if any(entry.name == "permit_mx_backup" for entries in _lists(case) for entry in entries):
        foreign = [one for one in foreign if one.rpartition("@")[2] not in BACKED_UP]
    return [] if trusted else foreign
