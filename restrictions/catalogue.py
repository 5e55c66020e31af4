"""The restrictions that smtpd(8) knows, as one table: where each belongs, what it takes, what it does in a sentence.

Source: postconf(5) of Postfix 3.7, smtpd_client_restrictions to smtpd_end_of_data_restrictions. A name that is not here
is refused: Postfix would answer "451 4.3.5 Server configuration error" to whoever meets it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Stage(models.TextChoices):
    """The lists of smtpd in the order in which it walks them (smtpd_delay_reject = yes, SMTPD_ACCESS_README)."""

    CLIENT = "client", _("client")
    HELO = "helo", _("HELO")
    SENDER = "sender", _("sender")
    RELAY = "relay", _("relay")
    RECIPIENT = "recipient", _("recipient")
    DATA = "data", _("data")
    END_OF_DATA = "end_of_data", _("end of data")


STAGES: tuple[str, ...] = tuple(Stage.values)


# smtpd takes mail when neither refuses, so one of them must refuse strangers who want to send elsewhere.
GUARDING = (Stage.RELAY, Stage.RECIPIENT)


def parameter_of(stage: str) -> str:
    """The parameter of main.cf that holds the list of a stage."""
    return f"smtpd_{stage}_restrictions"


# What an argument looks like, for Python and for PostgreSQL alike.
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_RANGE = rf"{_OCTET}(\.\.{_OCTET})?"
_PART = rf"({_OCTET}|\[{_RANGE}(;{_RANGE})*\])"
IS_ZONE = rf"^{_LABEL}(\.{_LABEL})+(={_PART}\.{_PART}\.{_PART}\.{_PART})?$"
_PORT = r"(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
_HOST = r"([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_SERVER = rf"(inet:{_HOST}:{_PORT}|unix:/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*)"
_OPTION = (
    r"(default_action=(DUNNO|DEFER|DEFER_IF_PERMIT|DEFER_IF_REJECT|REJECT)"
    r"|(timeout|max_idle|max_ttl|retry_delay)=[1-9][0-9]{0,5}[smhdw]?"
    r"|(try_limit|request_limit)=[1-9][0-9]{0,5}"
    r"|policy_context=[A-Za-z0-9_.-]+)"
)
IS_SERVICE = rf"^{_SERVER}(, {_OPTION})*$"
IS_SECONDS = r"^([1-9]|[1-5][0-9]|60)$"


class Argument(models.TextChoices):
    """What stands behind a name."""

    NONE = "none", _("nothing")
    ZONE = "zone", _("a DNS list")
    SERVICE = "service", _("a policy service")
    SECONDS = "seconds", _("seconds")
    TABLE = "table", _("an access table")


# The shape of each as text. An access table is a row of its own, not text.
SHAPES = {
    Argument.NONE: r"^$",
    Argument.ZONE: IS_ZONE,
    Argument.SERVICE: IS_SERVICE,
    Argument.SECONDS: IS_SECONDS,
    Argument.TABLE: r"^$",
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """A restriction that smtpd knows."""

    name: str
    stage: str  # from which on smtpd has what it looks at
    sentence: StrOrPromise
    argument: str = Argument.NONE
    since: str = "2.0"  # the version of Postfix that brought it, as postconf(5) says; 2.0 where it names none
    ends: bool = False  # decides about everybody: nothing behind it is reached
    refuses_relay: bool = False  # refuses every stranger who wants to send elsewhere
    may_permit: bool = False  # may let a stranger send elsewhere
    permits: bool = False  # can only permit or go on
    at_any_stage: bool = False  # looks at nothing that comes with a stage

    @property
    def stages(self) -> tuple[str, ...]:
        """The lists where it works as it reads. In an earlier list it works only while smtpd_delay_reject is on; what
        looks at the recipient says nothing about a message with several of them in the data stages."""
        if self.at_any_stage:
            return STAGES
        last = STAGES.index(Stage.RECIPIENT) + 1 if self.stage == Stage.RECIPIENT else len(STAGES)
        first = STAGES.index(Stage.RELAY if self.stage == Stage.RECIPIENT else self.stage)
        return STAGES[first:last]


def _client(name: str, sentence: StrOrPromise, **more: object) -> Known:
    return Known(name=name, stage=Stage.CLIENT, sentence=sentence, **more)  # type: ignore[arg-type]


def _helo(name: str, sentence: StrOrPromise, **more: object) -> Known:
    return Known(name=name, stage=Stage.HELO, sentence=sentence, **more)  # type: ignore[arg-type]


def _sender(name: str, sentence: StrOrPromise, **more: object) -> Known:
    return Known(name=name, stage=Stage.SENDER, sentence=sentence, **more)  # type: ignore[arg-type]


def _recipient(name: str, sentence: StrOrPromise, **more: object) -> Known:
    return Known(name=name, stage=Stage.RECIPIENT, sentence=sentence, **more)  # type: ignore[arg-type]


def _data(name: str, sentence: StrOrPromise, **more: object) -> Known:
    return Known(name=name, stage=Stage.DATA, sentence=sentence, **more)  # type: ignore[arg-type]


def _generic(name: str, sentence: StrOrPromise, **more: object) -> Known:
    return Known(name=name, stage=Stage.CLIENT, sentence=sentence, at_any_stage=True, **more)  # type: ignore[arg-type]


TABLE, ZONE = Argument.TABLE, Argument.ZONE

CATALOGUE: dict[str, Known] = {
    known.name: known
    for known in (
        # Any stage
        _generic("permit", _("Permits."), ends=True, may_permit=True, permits=True),
        _generic("reject", _("Refuses."), ends=True, refuses_relay=True),
        _generic("defer", _("Puts off: the client is to try again later."), ends=True, refuses_relay=True),
        _generic("defer_if_permit", _("Puts off what a later rule would permit."), since="2.1"),
        _generic("defer_if_reject", _("Puts off what a later rule would refuse."), since="2.1"),
        _generic(
            "check_policy_service",
            _("Asks a policy service and does what it answers."),
            argument=Argument.SERVICE,
            since="2.1",
            may_permit=True,
        ),
        _generic("sleep", _("Waits some seconds, then goes on."), argument=Argument.SECONDS, since="2.3"),
        _generic("reject_plaintext_session", _("Refuses while the session is not encrypted."), since="2.3"),
        _generic("reject_unauth_pipelining", _("Refuses clients that send commands before they may."), since="2.0"),
        # Client
        _client("permit_mynetworks", _("Permits clients in mynetworks."), permits=True),
        _client("permit_sasl_authenticated", _("Permits who has signed in."), permits=True),
        _client("permit_inet_interfaces", _("Permits the addresses of this host itself."), permits=True),
        _client(
            "permit_tls_clientcerts",
            _("Permits clients whose certificate is listed in relay_clientcerts."),
            since="2.2",
            permits=True,
        ),
        _client(
            "permit_tls_all_clientcerts",
            _("Permits any client with a certificate that a trusted authority has signed."),
            since="2.2",
            permits=True,
            may_permit=True,
        ),
        _client(
            "permit_dnswl_client",
            _("Permits clients that are on a DNS allow list, to domains of ours."),
            argument=ZONE,
            since="2.8",
            permits=True,
        ),
        _client(
            "permit_rhswl_client",
            _("Permits clients whose host name is on a DNS allow list, to domains of ours."),
            argument=ZONE,
            since="2.8",
            permits=True,
        ),
        _client("reject_rbl_client", _("Refuses clients that are on a DNS block list."), argument=ZONE),
        _client("reject_rhsbl_client", _("Refuses clients whose host name is on a DNS block list."), argument=ZONE),
        _client(
            "reject_rhsbl_reverse_client",
            _("Refuses clients whose reverse name, verified or not, is on a DNS block list."),
            argument=ZONE,
            since="2.8",
        ),
        _client(
            "reject_unknown_client_hostname",
            _("Refuses clients whose address and host name do not lead to each other."),
            since="2.3",
        ),
        _client("reject_unknown_reverse_client_hostname", _("Refuses clients without a reverse name."), since="2.3"),
        _client(
            "check_client_access",
            _("Looks up the host name, address and networks of the client in an access table."),
            argument=TABLE,
            may_permit=True,
        ),
        _client(
            "check_client_a_access",
            _("Looks up the addresses of the client's host name in an access table."),
            argument=TABLE,
            since="3.0",
        ),
        _client(
            "check_client_mx_access",
            _("Looks up the MX hosts of the client's host name in an access table."),
            argument=TABLE,
            since="2.7",
        ),
        _client(
            "check_client_ns_access",
            _("Looks up the name servers of the client's host name in an access table."),
            argument=TABLE,
            since="2.7",
        ),
        _client(
            "check_reverse_client_hostname_access",
            _("Looks up the reverse name of the client, verified or not, in an access table."),
            argument=TABLE,
            since="2.6",
        ),
        _client(
            "check_reverse_client_hostname_a_access",
            _("Looks up the addresses of the client's reverse name in an access table."),
            argument=TABLE,
            since="3.0",
        ),
        _client(
            "check_reverse_client_hostname_mx_access",
            _("Looks up the MX hosts of the client's reverse name in an access table."),
            argument=TABLE,
            since="2.7",
        ),
        _client(
            "check_reverse_client_hostname_ns_access",
            _("Looks up the name servers of the client's reverse name in an access table."),
            argument=TABLE,
            since="2.7",
        ),
        _client(
            "check_ccert_access",
            _("Looks up the fingerprint of the client's certificate in an access table, of main.cf only."),
            argument=TABLE,
            since="2.2",
        ),
        _client(
            "check_sasl_access",
            _("Looks up who has signed in, in an access table of senders: a login is an address."),
            argument=TABLE,
            since="2.11",
        ),
        # HELO
        _helo("reject_invalid_helo_hostname", _("Refuses a HELO name that is malformed."), since="2.3"),
        _helo("reject_non_fqdn_helo_hostname", _("Refuses a HELO name that is not fully qualified."), since="2.3"),
        _helo("reject_unknown_helo_hostname", _("Refuses a HELO name without an A or MX record."), since="2.3"),
        _helo("reject_rhsbl_helo", _("Refuses a HELO name that is on a DNS block list."), argument=ZONE),
        _helo("check_helo_access", _("Looks up the HELO name in an access table."), argument=TABLE, may_permit=True),
        _helo(
            "check_helo_a_access",
            _("Looks up the addresses of the HELO name in an access table."),
            argument=TABLE,
            since="3.0",
        ),
        _helo(
            "check_helo_mx_access",
            _("Looks up the MX hosts of the HELO name in an access table."),
            argument=TABLE,
            since="2.1",
        ),
        _helo(
            "check_helo_ns_access",
            _("Looks up the name servers of the HELO name in an access table."),
            argument=TABLE,
            since="2.1",
        ),
        # Sender
        _sender("reject_non_fqdn_sender", _("Refuses a sender whose domain is not fully qualified.")),
        _sender("reject_unknown_sender_domain", _("Refuses a sender whose domain has no A or MX record.")),
        _sender("reject_unlisted_sender", _("Refuses a sender in a domain of ours who is not there."), since="2.1"),
        _sender(
            "reject_unverified_sender", _("Refuses a sender whose own server would take no mail for it."), since="2.1"
        ),
        _sender("reject_rhsbl_sender", _("Refuses a sender whose domain is on a DNS block list."), argument=ZONE),
        _sender(
            "reject_sender_login_mismatch",
            _("Refuses a sender address that belongs to somebody else, or to somebody who has not signed in."),
        ),
        _sender(
            "reject_authenticated_sender_login_mismatch",
            _("Refuses who has signed in and sends as somebody else."),
            since="2.1",
        ),
        _sender(
            "reject_known_sender_login_mismatch",
            _("Refuses a sender address that is known to belong to somebody else."),
            since="2.11",
        ),
        _sender(
            "reject_unauthenticated_sender_login_mismatch",
            _("Refuses a sender address that belongs to somebody, from who has not signed in."),
            since="2.1",
        ),
        _sender(
            "check_sender_access",
            _("Looks up the sender, its domain and local part in an access table."),
            argument=TABLE,
            may_permit=True,
        ),
        _sender(
            "check_sender_a_access",
            _("Looks up the addresses of the sender's domain in an access table."),
            argument=TABLE,
            since="3.0",
        ),
        _sender(
            "check_sender_mx_access",
            _("Looks up the MX hosts of the sender's domain in an access table."),
            argument=TABLE,
            since="2.1",
        ),
        _sender(
            "check_sender_ns_access",
            _("Looks up the name servers of the sender's domain in an access table."),
            argument=TABLE,
            since="2.1",
        ),
        # Recipient
        _recipient(
            "reject_unauth_destination",
            _("Refuses recipients in domains that are not ours: no open relay."),
            refuses_relay=True,
        ),
        _recipient(
            "defer_unauth_destination",
            _("Puts off recipients in domains that are not ours: no open relay."),
            since="2.10",
            refuses_relay=True,
        ),
        _recipient("permit_auth_destination", _("Permits recipients in domains of ours."), permits=True),
        _recipient(
            "permit_mx_backup",
            _("Permits recipients in domains of which this host is a backup MX."),
            permits=True,
            may_permit=True,
        ),
        _recipient("reject_non_fqdn_recipient", _("Refuses a recipient whose domain is not fully qualified.")),
        _recipient(
            "reject_unknown_recipient_domain", _("Refuses a recipient elsewhere whose domain has no A or MX record.")
        ),
        _recipient(
            "reject_unlisted_recipient", _("Refuses a recipient in a domain of ours who is not there."), since="2.1"
        ),
        _recipient(
            "reject_unverified_recipient",
            _("Refuses a recipient whose own server would take no mail for it."),
            since="2.1",
        ),
        _recipient(
            "reject_rhsbl_recipient", _("Refuses a recipient whose domain is on a DNS block list."), argument=ZONE
        ),
        _recipient(
            "check_recipient_access",
            _("Looks up the recipient, its domain and local part in an access table."),
            argument=TABLE,
            may_permit=True,
        ),
        _recipient(
            "check_recipient_a_access",
            _("Looks up the addresses of the recipient's domain in an access table."),
            argument=TABLE,
            since="3.0",
        ),
        _recipient(
            "check_recipient_mx_access",
            _("Looks up the MX hosts of the recipient's domain in an access table."),
            argument=TABLE,
            since="2.1",
        ),
        _recipient(
            "check_recipient_ns_access",
            _("Looks up the name servers of the recipient's domain in an access table."),
            argument=TABLE,
            since="2.1",
        ),
        # Data
        _data(
            "reject_multi_recipient_bounce",
            _("Refuses a bounce, mail from nobody, to several recipients."),
            since="2.1",
        ),
    )
}

NAMES: tuple[str, ...] = tuple(CATALOGUE)

# smtpd still knows these, by the name of Postfix 2.2 or older (postconf(5)); it may forget them.
OLD_NAMES = {
    "reject_unknown_client": "reject_unknown_client_hostname",
    "reject_invalid_hostname": "reject_invalid_helo_hostname",
    "reject_unknown_hostname": "reject_unknown_helo_hostname",
    "reject_non_fqdn_hostname": "reject_non_fqdn_helo_hostname",
    "reject_unknown_address": "reject_unknown_sender_domain",
    "check_recipient_maps": "reject_unlisted_recipient",
    "check_relay_domains": "reject_unauth_destination",
    "reject_maps_rbl": "reject_rbl_client",
    "permit_naked_ip_address": "permit_mynetworks",
}


def found_in_catalogue(*, stage: str = "", part: str = "") -> list[Known]:
    """Those that fit the list of this stage, and have this in their names; in the order of the catalogue. "" asks for
    nothing."""
    part = part.strip().lower()
    return [known for known in CATALOGUE.values() if part in known.name and (not stage or stage in known.stages)]


def row_of_known(known: Known) -> dict[str, Any]:
    """What programs get of it."""
    return {
        "name": known.name,
        "stages": list(known.stages),
        "argument": str(known.argument),
        "since": known.since,
        "sentence": str(known.sentence),
    }


def named(argument: str) -> list[str]:
    """The names that take this kind of argument."""
    return [known.name for known in CATALOGUE.values() if known.argument == argument]


# Whom a table must be about (AppliesTo) to have the keys that a restriction asks for. A login is an address, as senders
# have it. What is not here, as check_helo_mx_access, asks for names and addresses of hosts, as clients have them.
KINDS_ASKED = {
    "check_helo_access": "helo",
    "check_sender_access": "sender",
    "check_sasl_access": "sender",
    "check_recipient_access": "recipient",
}
ASKS_FOR_FINGERPRINTS = "check_ccert_access"  # which no table has


def kind_asked_by(name: str) -> str:
    """Whom a table must be about to have the keys that this restriction asks for."""
    return KINDS_ASKED.get(name, "client")


# Whoever owns a name chooses what it leads to, so smtpd takes a permission by these for a mistake: 451 4.3.5.
WITHOUT_PERMISSION = tuple(
    name for name in NAMES if re.fullmatch("check_reverse_client_hostname_access|check_.+_(a|mx|ns)_access", name)
)

# Names of classes. A class is a parameter of main.cf, and what access tables answer: the name of a parameter would
# change that, and the name of a restriction or an action of access(5) would be taken for it.
IS_CLASS_NAME = r"^[a-z][a-z0-9_]{0,62}$"
ACTIONS = (
    "ok", "relay", "reject", "defer", "defer_if_reject", "defer_if_permit", "bcc", "discard", "dunno", "filter", "hold",
    "ignore", "info", "prepend", "redirect", "warn", "strip", "replace", "delay", "warn_if_reject",
    "check_etrn_access",
)  # fmt: skip
# postconf -d of Postfix 3.7, less what stands only in newer or older versions.
PARAMETERS = tuple((Path(__file__).parent / "parameters.txt").read_text().split())
RESERVED = tuple(sorted({*NAMES, *OLD_NAMES, *ACTIONS, *PARAMETERS}))


def is_reserved(name: str) -> bool:
    """Whether Postfix uses this word itself."""
    return name in RESERVED


def fault_of_argument(name: str, argument: str) -> StrOrPromise | None:
    """What is wrong with an argument, or None."""
    kind = CATALOGUE[name].argument
    if re.fullmatch(SHAPES[Argument(kind)].removeprefix("^").removesuffix("$"), argument) is None:
        return _FAULTS[Argument(kind)]
    if kind == ZONE and any(int(low) > int(high) for low, high in re.findall(r"([0-9]+)\.\.([0-9]+)", argument)):
        return _("A range goes from the lower number to the higher one, as in 127.0.0.[2..11].")
    return None


_FAULTS: dict[Argument, StrOrPromise] = {
    Argument.NONE: _("This restriction takes no argument."),
    Argument.TABLE: _("This restriction takes an access table, and no text."),
    Argument.ZONE: _(
        "This is no DNS list. Type its zone in ASCII, and if you like the answers that count: "
        "zen.spamhaus.org=127.0.0.[2..11]."
    ),
    Argument.SERVICE: _(
        "This is no policy service. Type inet:HOST:PORT or unix:PATH, and if you like options behind it: "
        "inet:127.0.0.1:10023, timeout=10s, default_action=DUNNO."
    ),
    Argument.SECONDS: _("Type a number of seconds from 1 to 60."),
}
