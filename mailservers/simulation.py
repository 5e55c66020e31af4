"""The restrictions of the panel as the engine takes them, and what people say of a session and of the world."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from domains.fields import normalised_domain, shown
from mailboxes.parsing import ParsedAddress, external_form, parse_address, several
from mailservers.lookup import address_class_of, ask_map, fault_of
from mailservers.stations import Maps
from mailservers.submission import QUOTA_STATUS
from restrictions import access_main_cf as access
from restrictions.catalogue import Argument
from restrictions.engine.actions import entries_of
from restrictions.engine.policy import Assumptions, Entry, Fault, Policy, Records, Session, Settings, Table
from restrictions.engine.settings import (
    ACTIONS,
    CODES,
    HANGS_UP,
    KNOWN,
    OF_VERIFICATION,
    REJECT_TEMPFAIL_ACTION,
    SWITCHES,
    TAKES_IT,
    WHAT_TO_DO,
    codes_of,
)
from restrictions.engine.simulate import simulate
from restrictions.engine.verdict import Verdict
from restrictions.lists import Entries, Lists
from restrictions.main_cf import HELO_REQUIRED
from restrictions.models import Restriction

OWN_NETWORKS = ("127.0.0.0/8", "::1/128")
# A class without entries, and what smtpd does where the panel has no list (postconf(5)).
NOTHING = Entry("check_client_access", "static:DUNNO")
BY_DEFAULT = {
    "relay": tuple(map(Entry, ("permit_mynetworks", "permit_sasl_authenticated", "defer_unauth_destination")))
}
SUBMISSION = {
    "sender": (Entry("check_sasl_access", "check_sasl_access"), Entry("reject_sender_login_mismatch")),
    "relay": (Entry("permit_sasl_authenticated"), Entry("reject")),
    "recipient": (
        Entry("check_policy_service", QUOTA_STATUS),
        Entry("permit_sasl_authenticated"),
        Entry("reject"),
    ),
}
STATES = ("ok", "bounce", "defer")
SIGN_IN = "smtpd_sasl_auth_enable"


class Row(NamedTuple):
    """Where an entry of the engine is from: what is inactive counts too, as on the page and in `restriction list`."""

    entry: Restriction
    number: int  # in its list, from 1


@dataclass(frozen=True, kw_only=True)
class Question:
    """What people type. `dns` is NAME=ANSWER, `policy_services` SERVICE=ACTION, `verified` ADDRESS=ok|bounce|defer.
    `reverse_name` is one that does not point back; with `submission` it is where people sign in, and not port 25."""

    client: str
    client_name: str = ""
    reverse_name: str = ""
    helo: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    login: str = ""
    submission: bool = False
    tls: bool = False
    certificate: str = ""  # the fingerprint of one that the host knows
    networks: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    policy_services: tuple[str, ...] = ()
    verified: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()  # PARAMETER=VALUE, as in main.cf


# What the page and the API call it. Recipients and networks have blanks or commas between them; assumptions stand on
# lines of their own, or have semicolons between them.
WORDS_OF_SESSION = (
    "client",
    "client_name",
    "reverse_name",
    "helo",
    "from",
    "to",
    "sasl",
    "submission",
    "tls",
    "certificate",
    "network",
    "dns",
    "policy",
    "verify",
    "set",
)


def question_of(words: Mapping[str, str]) -> Question:
    def lines(name: str) -> tuple[str, ...]:
        return tuple(line.strip() for line in words.get(name, "").replace(";", "\n").splitlines() if line.strip())

    return Question(
        client=words.get("client", ""),
        client_name=words.get("client_name", ""),
        reverse_name=words.get("reverse_name", ""),
        helo=words.get("helo", ""),
        sender=words.get("from", ""),
        recipients=tuple(several(words.get("to", ""))),
        login=words.get("sasl", ""),
        submission=_is_yes(words, "submission"),
        tls=_is_yes(words, "tls"),
        certificate=words.get("certificate", ""),
        networks=tuple(several(words.get("network", ""))),
        dns=lines("dns"),
        policy_services=lines("policy"),
        verified=lines("verify"),
        parameters=lines("set"),
    )


def _is_yes(words: Mapping[str, str], name: str) -> bool:
    said = words.get(name, "").strip().lower()
    if said not in ("", "yes", "true", "on", "no", "false"):
        raise ValidationError({name: _("“%(text)s” is neither yes nor no.") % {"text": shown(said)}})
    return said in ("yes", "true", "on")


def verdict_on(question: Question) -> Verdict:
    """Raises ValidationError with a sentence about what cannot be."""
    session, stated = _session(question), _stated(question)
    policy = policy_of_database(_settings(question, stated), submission=question.submission, stated=stated)
    said = {**stated, **({"mynetworks": ""} if question.networks else {}), **({SIGN_IN: ""} if session.login else {})}
    return simulate(policy, session, replace(_assumptions(question), settings=frozenset(said)))


def policy_of_database(settings: Settings, *, submission: bool = False, stated: Collection[str] = ()) -> Policy:
    """The active entries of all lists and classes; access tables are asked through the functions that Postfix asks.
    With `submission` the lists that its services have in place of those of port 25 (mailservers/submission.py). What
    the panel writes into main.cf beside the lists holds, unless it was `stated` otherwise."""
    lists = Lists.current()
    tables = {"static:DUNNO": _always_dunno, "suspended_domains": _asked_by_address("suspended_domains")}
    stages = {stage: _entries(entries, lists.defined, tables) for stage, entries in lists.stages.items()}
    classes = {name: _entries(entries, lists.defined, tables) or (NOTHING,) for name, entries in lists.classes.items()}
    first = [Entry("check_recipient_access", "suspended_domains")]
    first += [_asks("check_recipient_access", one, tables) for one in lists.defined.maps_before_all]
    for name, one in lists.defined.made:
        classes[name] = (_asks("check_sender_access", one, tables),)
    classes[access.SIGNED_IN] = entries_of(access.SIGNED_IN_FIRST)
    is_helo_required = bool(stages.get("helo"))
    if submission:
        tables["check_sasl_access"] = _asked_by_address("check_sasl_access")
        stages |= dict.fromkeys(("client", "helo"), ()) | SUBMISSION
    stages["recipient"] = (*first, *stages.get("recipient", ()))
    written = {SIGN_IN} if submission else set()
    if is_helo_required and HELO_REQUIRED not in stated:
        settings = replace(settings, smtpd_helo_required=True)
        written.add(HELO_REQUIRED)
    return Policy(BY_DEFAULT | stages, DatabaseAddresses(), classes, tables, settings, frozenset(written))


def _entries(entries: Entries, defined: access.Classes, tables: dict[str, Table]) -> tuple[Entry, ...]:
    return tuple(_entry(Row(one, number), defined, tables) for number, one in enumerate(entries, 1) if one.active)


def _entry(row: Row, defined: access.Classes, tables: dict[str, Table]) -> Entry:
    one, argument = row.entry, row.entry.argument
    if one.known and one.known.argument == Argument.TABLE:
        argument = _asks(one.name, defined.map_asked_by(one), tables).argument
    return Entry(one.called, argument, one.warn_only, row)


def _asks(name: str, asked: access.AccessMap, tables: dict[str, Table]) -> Entry:
    """The map goes by its name without the stamp."""
    shown_name = asked.name.partition("-")[0] + ("" if asked.number is None else f"_{asked.number}")
    tables[shown_name] = _table(asked)
    return Entry(name, shown_name)


def _table(asked: access.AccessMap) -> Table:
    """The query of its .cf."""
    statement = f"SELECT * FROM postfix.{asked.call.replace(chr(39) + '%s' + chr(39), '%s')}"  # noqa: S608  our own names

    def ask(key: str) -> str | None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [asked.key(key)])
            return ",".join(row[0] for row in cursor.fetchall()) or None

    return ask


def _always_dunno(_key: str) -> str:
    return "DUNNO"


def _asked_by_address(parameter: str) -> Table:
    return lambda key: ",".join(ask_map(parameter, key)) or None


@dataclass
class DatabaseAddresses:
    """The maps of addresses, asked as Lookup asks them."""

    maps: Maps = field(default_factory=Maps)

    def address_class(self, domain: str) -> str:
        return address_class_of(domain, self.maps) if domain else ""

    def fault(self, address: str) -> Fault | None:
        try:
            found = fault_of(_parsed(address), self.maps)
        except ValidationError:
            return None  # no address that could be here
        if not found:
            return None
        code, status, words = found.split(" ", 2)
        is_of_table = words.startswith("User unknown in ") and "virtual alias" not in words
        return Fault(int(code), words, "" if is_of_table else status)

    def logins(self, address: str) -> tuple[str, ...]:
        try:
            station, _extension = self.maps.find("smtpd_sender_login_maps", _parsed(address))
        except ValidationError:
            return ()
        return station.hit.results if station.hit else ()


def _parsed(address: str) -> ParsedAddress:
    local_part, _at, domain = address.rpartition("@")
    return parse_address(external_form(local_part, domain))


# What people say


def _session(question: Question) -> Session:
    client = question.client.strip()
    try:
        ip_address(client)
    except ValueError as error:
        raise ValidationError(
            {
                "client": _("“%(text)s” is no IP address. Write it as 192.0.2.7 or 2001:db8::7.")
                % {"text": shown(client)}
            }
        ) from error
    if not question.recipients:
        raise ValidationError({"recipients": _("Name at least one recipient.")})
    return Session(
        client=client,
        name=_a_label(question.client_name.strip(), "client_name"),
        reverse_name=_a_label(question.reverse_name.strip(), "reverse_name"),
        helo=_a_label(question.helo.strip(), "helo"),
        sender=_as_smtpd_has_it(question.sender, "sender"),
        recipients=tuple(_as_smtpd_has_it(one, "recipients") for one in question.recipients),
        login=_a_label(question.login.strip(), "login"),
        certificate=question.certificate.strip(),
        is_encrypted=question.tls or question.submission or bool(question.certificate.strip()),
    )


def _as_smtpd_has_it(text: str, name: str) -> str:
    """Unquoted, in the case in which it was typed; `<>` and nothing are the null sender."""
    word = _a_label(text.strip().removeprefix("<").removesuffix(">"), name)
    if not word or "@" not in word:
        return word
    try:
        local_part = parse_address(word).local_part
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from error
    typed, _at, domain = word.rpartition("@")
    return f"{local_part if typed.startswith(chr(34)) else typed}@{domain}"


def _a_label(text: str, name: str) -> str:
    """A name, or the one behind the @, as mail servers write it to those that do not know SMTPUTF8. What is ASCII is
    left as it was typed: a HELO may be wrong."""
    before, at, domain = text.rpartition("@")
    if domain.isascii():
        return text
    try:
        return f"{before}{at}{normalised_domain(domain)}"
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from error


def _stated(question: Question) -> dict[str, Any]:
    """The settings that people stated, each as the engine has it."""
    found = _pairs(question.parameters, "parameters")
    if REJECT_TEMPFAIL_ACTION in found:
        found = dict.fromkeys(ACTIONS, found[REJECT_TEMPFAIL_ACTION]) | found
        del found[REJECT_TEMPFAIL_ACTION]
    try:
        return {name: _value_of(name, text) for name, text in found.items()}
    except ValidationError as error:
        raise ValidationError({"parameters": error.messages}) from error


def _value_of(name: str, text: str) -> Any:
    """What main.cf may have for a parameter, as far as smtpd starts with it and stays in the session."""
    words = {"name": shown(name), "text": shown(text)}
    if name in SWITCHES:
        if text.lower() not in ("yes", "no"):
            raise ValidationError(_("“%(text)s” is neither yes nor no.") % words)
        return text.lower() == "yes"
    if name in ACTIONS:
        if text not in WHAT_TO_DO:
            raise ValidationError(_("“%(text)s” is no action for %(name)s. Write defer_if_permit or defer.") % words)
        return text
    if name not in CODES:
        known = ", ".join((*KNOWN, REJECT_TEMPFAIL_ACTION))
        sentence = _("A simulation does not know what %(name)s changes. It knows: %(known)s.")
        raise ValidationError(sentence % (words | {"known": known}))
    least, most = codes_of(name)
    code = int(text) if re.fullmatch("[0-9]{3}", text, re.ASCII) else 0
    if name in OF_VERIFICATION and code == TAKES_IT:
        return code
    if not least <= code <= most or code in HANGS_UP:
        sentence = _("“%(text)s” is no code for %(name)s. Write one from %(least)d to %(most)d, not 421 and not 521.")
        raise ValidationError(sentence % (words | {"least": least, "most": most}))
    return code


def _settings(question: Question, stated: Mapping[str, Any]) -> Settings:
    maps = Maps()
    for network in question.networks:
        try:
            ip_network(network, strict=False)
        except ValueError as error:
            sentence = _("“%(text)s” is no network. Write it as 192.0.2.0/24 or 2001:db8::/32.")
            raise ValidationError({"networks": sentence % {"text": shown(network)}}) from error
    signs_in = question.submission or stated.get(SIGN_IN, bool(question.login))
    return Settings(
        mynetworks=(*OWN_NETWORKS, *question.networks),
        recipient_delimiter=maps.settings.recipient_delimiter,
        **{**stated, SIGN_IN: signs_in},
    )


def _assumptions(question: Question) -> Assumptions:
    dns = {_a_label(name, "dns").lower(): _records(answer) for name, answer in _pairs(question.dns, "dns").items()}
    stated = _pairs(question.verified, "verified")
    verified = {_a_label(address, "verified").lower(): answer for address, answer in stated.items()}
    for answer in verified.values():
        if answer.split()[0] not in STATES:
            sentence = _("“%(text)s” is no answer of a verification. Write ok, bounce or defer.")
            raise ValidationError({"verified": sentence % {"text": shown(answer)}})
    return Assumptions(dns, _pairs(question.policy_services, "policy_services"), verified)


def _pairs(texts: Iterable[str], name: str) -> dict[str, str]:
    found = {}
    for text in texts:
        before, equals, after = text.partition("=")
        if not equals or not before.strip() or not after.strip():
            sentence = _("“%(text)s” is no assumption. Write what is asked, an equals sign and the answer.")
            raise ValidationError({name: sentence % {"text": shown(text)}})
        found[before.strip()] = after.strip()
    return found


def _records(answer: str) -> Records:
    words = answer.lower()
    if words in ("none", "down", "nullmx"):
        return Records(is_down=words == "down", mail_servers=(".",) if words == "nullmx" else ())
    parts = words.replace(",", " ").split()
    addresses = tuple(part for part in parts if part[:3] not in ("mx:", "ns:"))
    mail_servers, name_servers = (
        tuple(part[3:] for part in parts if part[:3] == kind and part[3:]) for kind in ("mx:", "ns:")
    )
    try:
        for one in addresses:
            ip_address(one)
    except ValueError as error:
        sentence = _("“%(text)s” is no answer of the DNS. Write addresses, mx:NAME, ns:NAME, none, down or nullmx.")
        raise ValidationError({"dns": sentence % {"text": shown(answer)}}) from error
    return Records(addresses, mail_servers, name_servers=name_servers)
