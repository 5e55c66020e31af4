"""Random policies played by a real smtpd(8): a service of master.cf for each, all in a network of their own."""

import re
import smtplib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import policies
from bench.namespace import Namespace
from bench.policies import Case
from bench.postfix import Postfix
from mailboxes.parsing import external_form
from restrictions.engine.policy import Entry, Session
from restrictions.engine.settings import ACTIONS, CODES, SWITCHES
from restrictions.engine.verdict import Step, Verdict

FIRST_SERVICE = 20001
# postscreen(8) aside, smtpd is told by the stages what main.cf calls so.
PARAMETERS = {
    "client": "smtpd_client_restrictions",
    "helo": "smtpd_helo_restrictions",
    "sender": "smtpd_sender_restrictions",
    "relay": "smtpd_relay_restrictions",
    "recipient": "smtpd_recipient_restrictions",
    "data": "smtpd_data_restrictions",
    "end_of_data": "smtpd_end_of_data_restrictions",
}
STAGE_IN_LOG = {
    "client": "Client host",
    "helo": "Helo command",
    "sender": "Sender address",
    "relay": "Recipient address",
    "recipient": "Recipient address",
    "data": "Data command",
    "end_of_data": "End-of-data",
}
OUTCOMES = {"permit": 1, "refuse": 2}
WITH_PARENTS = "relay_domains, smtpd_access_maps"

MAIN_CF = """
inet_protocols = all
myhostname = {hostname}
myorigin = $myhostname
mydestination = $myhostname, local.example
mynetworks = {networks}
recipient_delimiter = {delimiter}
append_dot_mydomain = no
local_recipient_maps = texthash:{conf}/known
virtual_alias_domains = brand.example
virtual_alias_maps = texthash:{conf}/aliases
virtual_mailbox_domains = home.example
virtual_mailbox_maps = texthash:{conf}/known
relay_domains = relay.example
relay_recipient_maps = texthash:{conf}/known
smtpd_sender_login_maps = texthash:{conf}/logins
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_error_sleep_time = 0
smtpd_junk_command_limit = 1000
smtpd_hard_error_limit = 1000
service_throttle_time = 1s
address_verify_map =
address_verify_poll_delay = 1s
transport_maps = inline:{{ {transports} }}
default_transport = discard:
relay_transport = discard:
local_transport = discard:
"""


@dataclass(frozen=True)
class Said:
    """One reply of smtpd."""

    command: str
    reply: str


def in_main_cf(entries: Sequence[Entry], folder: Path) -> str:
    """Access tables stand in files of a folder."""
    return ", ".join(
        str(
            replace(entry, argument=f"texthash:{folder}/{entry.argument}")
            if entry.argument.startswith("table")
            else entry
        )
        for entry in entries
    )


class RealSmtpd(Postfix):
    """Services for many cases; `session` speaks to one of them."""

    def __init__(self, base: Path, cases: Sequence[Case], network: Namespace) -> None:
        conf = base / "conf"
        parameters = MAIN_CF.format(
            conf=conf,
            hostname=policies.HOSTNAME,
            networks=", ".join(policies.NETWORKS),
            delimiter=policies.DELIMITER,
            transports=", ".join(f"{{ {one} = {to} }}" for one, to in policies.TRANSPORTS.items()),
        )
        services = "".join(self._service(number, case, conf) for number, case in enumerate(cases))
        super().__init__(base, parameters, services=services, within=network)
        self.cases = cases

    def _service(self, number: int, case: Case, conf: Path) -> str:
        values = self._values(number, case, conf) | {"syslog_name": f"case{number}"}
        options = "".join(f"  -o {{ {name} = {value} }}\n" for name, value in values.items())
        return f"127.0.0.1:{FIRST_SERVICE + number} inet n - n - 1 smtpd -v\n{options}"

    def _values(self, number: int, case: Case, conf: Path) -> dict[str, str]:
        """The parameters of a case: settings, lists and classes. Written for every service once, each as -o; what is
        the same for all stands in main.cf."""
        settings, policy = case.policy.settings, case.policy
        values = {name: "yes" if getattr(settings, name) else "no" for name in SWITCHES}
        values |= {name: str(getattr(settings, name)) for name in (*CODES, *ACTIONS)}
        values["parent_domain_matches_subdomains"] = (
            WITH_PARENTS if settings.parents_match_subdomains else "relay_domains"
        )
        lists = {PARAMETERS[stage]: entries for stage, entries in policy.stages.items()} | dict(policy.classes)
        values |= {name: in_main_cf(entries, conf / str(number)) for name, entries in lists.items()}
        values["smtpd_restriction_classes"] = ", ".join(policy.classes)
        return values

    def _make_folders(self) -> None:
        super()._make_folders()
        for number, case in enumerate(self.cases):
            (self.conf / str(number)).mkdir()
            for name, rows in case.rows.items():
                self._write(f"{number}/{name}", "".join(f"{key}\t{result}\n" for key, result in rows.items()))
        known = [f"{name}@{domain}" for domain, names in policies.KNOWN.items() for name in names]
        known += [f"{name}@{policies.HOSTNAME}" for name in policies.KNOWN["local.example"]]
        aliases = [f"{name}@brand.example" for name in policies.KNOWN["brand.example"]]
        self._write("known", "".join(f"{one}\tx\n" for one in known if one not in aliases))
        self._write("aliases", "".join(f"{one}\tann@home.example\n" for one in aliases))
        logins = policies.LOGINS.items()
        self._write("logins", "".join(f"{one}\t{', '.join(owners)}\n" for one, owners in logins))

    def play(self, number: int, session: Session) -> list[Said]:
        """The replies, up to the first after which nothing more is asked."""
        with self.network():
            smtp = smtplib.SMTP(timeout=10, source_address=(policies.PLAYER, 0))
            try:
                greeting = smtp.connect("127.0.0.1", FIRST_SERVICE + number)
            except (OSError, smtplib.SMTPException) as error:
                complaints = [line for line in self.log().splitlines() if "fatal:" in line]
                raise SystemExit("\n".join([f"smtpd does not greet: {error}", *complaints])) from error
        assert greeting[0] == 220, greeting
        with smtp:
            return list(_conversation(smtp, session))

    def log_of(self, number: int) -> str:
        return "".join(line for line in self.log().splitlines(keepends=True) if f" case{number}/smtpd[" in line)


MESSAGE = "Subject: x\r\n\r\nx\r\n."


def _conversation(smtp: smtplib.SMTP, session: Session) -> Iterator[Said]:
    def ask(command: str) -> str:
        smtp.send(f"{command}\r\n")
        return answer()

    def answer() -> str:
        code, text = smtp.getreply()
        return f"{code} {text.decode()}"

    # No EHLO before XCLIENT: what its list has put off would stay put off.
    hello = [("HELO", f"EHLO {session.helo}")] if session.helo else []
    connect = ("CONNECT", f"XCLIENT {' '.join(_attributes(session))}")
    for name, command in [connect, *hello, ("MAIL", f"MAIL FROM:<{in_command(session.sender)}>")]:
        reply = ask(command)
        yield Said(name, reply)
        if not reply.startswith("2"):
            return
    replies = [ask(f"RCPT TO:<{in_command(recipient)}>") for recipient in session.recipients]
    yield from (Said("RCPT", reply) for reply in replies)
    if not any(reply.startswith("250") for reply in replies):
        return
    reply = ask(f"DATA\r\n{MESSAGE}" if session.pipelines else "DATA")
    yield Said("DATA", reply)
    if reply.startswith("354"):
        yield Said("END-OF-MESSAGE", answer() if session.pipelines else ask(MESSAGE))


def _attributes(session: Session) -> list[str]:
    missing = "[TEMPUNAVAIL]" if session.lookup_failed else "[UNAVAILABLE]"
    client = f"IPV6:{session.client}" if ":" in session.client else session.client
    words = [f"NAME={session.name or missing}", f"REVERSE_NAME={session.reverse_name or missing}", f"ADDR={client}"]
    return [*words, *([f"LOGIN={session.login}"] if session.login else [])]


def in_command(address: str) -> str:
    local_part, at, domain = address.rpartition("@")
    return external_form(local_part, domain) if at else address


# The log of smtpd -v

LINE = re.compile(r" case\d+/smtpd\[\d+\]: (.*)$")
BEGINS, RESULT = re.compile(r"generic_checks: name=(\S+)$"), re.compile(r"generic_checks: name=(\S+) status=(-?\d+)$")
LIST = re.compile(r">>> START (.*) RESTRICTIONS <<<$")


def ways_in(log: str) -> list[tuple[str, tuple[str, ...], int]]:
    """Each restriction that did not lead to another list, in order."""
    ways: list[tuple[str, tuple[str, ...], int]] = []
    names: list[str] = []
    stage, is_leaf = "", False
    for line in log.splitlines():
        text = match[1] if (match := LINE.search(line)) else ""
        if match := RESULT.match(text):
            if is_leaf:
                ways.append((stage, tuple(names), int(match[2])))
            names.pop()
            is_leaf = False
        elif (match := BEGINS.match(text)) and match[1] != "warn_if_reject":
            names.append(match[1])
            is_leaf = True
        elif (match := LIST.match(text)) and not names:
            stage = match[1]
    return ways


def sessions_in(log: str) -> list[str]:
    """The log of one service, cut at the end of each session, and without what went before XCLIENT."""
    parts = re.split(r"^.* disconnect from .*\n", log, flags=re.MULTILINE)
    return [part.partition(": XCLIENT NAME=")[2] for part in parts[:-1]]


def warnings_in(log: str) -> list[str]:
    return re.findall(r": reject_warning: \S+ from \S+: (.*?); (?:from=<|to=<|proto=)", log)


# What the engine says, in the same words


def ways_of(verdict: Verdict) -> list[tuple[str, tuple[str, ...], int]]:
    steps = [step for answer in verdict.answers for step in answer.steps]
    return [
        (STAGE_IN_LOG[step.stage], names_of(step), OUTCOMES.get(step.outcome, 0))
        for step in steps
        if step.places[0].kind == "stage"
    ]


def names_of(step: Step) -> tuple[str, ...]:
    return tuple(place.entry.name for place in step.places if place.entry)
