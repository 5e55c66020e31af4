"""Other parameters of main.cf change the answer of the simulation as they change that of a real smtpd."""

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.policies import HOSTNAME, NETWORKS, PLAYER, Case, World
from bench.simulate import ASSUMPTIONS, Compared, play
from restrictions.engine.policy import Entry, Policy, Session, Settings
from restrictions.engine.settings import KNOWN
from restrictions.engine.simulate import simulate

ANN = "ann@home.example"
BASE = Settings(mynetworks=NETWORKS, inet_interfaces=("127.0.0.1",), myorigin=HOSTNAME, recipient_delimiter="+")
GUARD = (Entry("permit_sasl_authenticated"), Entry("reject_unauth_destination"))


@dataclass
class Tried:
    """A value of a parameter, what stands in the lists, and sessions: in one at least the value makes a difference."""

    name: str
    value: Any
    sessions: list[dict[str, Any]]
    entries: tuple[str, ...] = ()
    stage: str = "recipient"
    rows: dict[str, str] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)

    def session(self, **more: Any) -> Session:
        usual = {"client": "198.51.100.9", "name": "bulk.bad.example", "reverse_name": "bulk.bad.example"}
        usual |= {"helo": "mail.good.example", "sender": "x@good.example"}
        return Session(**({"recipients": (ANN,)} | usual | more))

    def case(self) -> Case:
        settings = replace(BASE, **{self.name: self.value}, **self.others)
        stages: dict[str, tuple[Entry, ...]] = {"relay": GUARD}
        stages[self.stage] = tuple(Entry(*words.partition(" ")[::2]) for words in self.entries)
        rows = {"table0": self.rows, "table_of_player": {PLAYER: "OK"}}
        if not settings.smtpd_delay_reject:
            stages["client"] = (Entry("check_client_access", "table_of_player"), *stages.get("client", ()))
        tables = {name: found.get for name, found in rows.items()}
        return Case(f"{self.name}={self.value}", Policy(stages, World(), {}, tables, settings), rows)


ASKS = ("check_recipient_access table0",)
UNKNOWN = [{"recipients": (one, ANN)} for one in ("no@local.example", "no@relay.example", "no@brand.example")]
NOBODY = {"recipients": ("nobody@home.example", ANN)}
FOR_ELSEWHERE = {"recipients": ("x@elsewhere.example", ANN)}
ALL = [
    Tried("smtpd_delay_reject", False, [{}, {"name": ""}], ("reject_unknown_client_hostname",), "client"),
    Tried("smtpd_helo_required", True, [{"helo": ""}, {}]),
    Tried("smtpd_sasl_auth_enable", True, [FOR_ELSEWHERE | {"login": "ann"}, FOR_ELSEWHERE]),
    Tried("smtpd_reject_unlisted_recipient", False, [NOBODY, FOR_ELSEWHERE]),
    Tried("smtpd_reject_unlisted_sender", True, [{"sender": "nobody@home.example"}, {}, {"sender": ""}]),
    Tried("smtpd_relay_before_recipient_restrictions", False, [FOR_ELSEWHERE, {}], ("reject",)),
    Tried("soft_bounce", True, [FOR_ELSEWHERE, NOBODY]),
    Tried("access_map_reject_code", 553, [{}, NOBODY], ASKS, rows={ANN: "REJECT no"}),
    Tried("access_map_defer_code", 454, [{}, NOBODY], ASKS, rows={ANN: "DEFER_IF_PERMIT no", "nobody@": "DEFER"}),
    # What is put off with 554 is itself put off where something has asked for that.
    Tried("access_map_defer_code", 554, [{}], (*ASKS, "defer_if_reject"), rows={ANN: "DEFER_IF_PERMIT no"}),
    Tried("defer_code", 454, [{}], ("defer",)),
    Tried("reject_code", 454, [{}], ("reject",)),
    Tried("relay_domains_reject_code", 550, [FOR_ELSEWHERE]),
    Tried("maps_rbl_reject_code", 454, [{}, {"client": "192.0.2.1"}], ("reject_rbl_client one.list.example",)),
    Tried(
        "invalid_hostname_reject_code", 454, [{"helo": "a..b"}, {"helo": "[1.2]"}], ("reject_invalid_helo_hostname",)
    ),
    Tried("non_fqdn_reject_code", 450, [{"sender": "x@host"}, {}], ("reject_non_fqdn_sender",)),
    Tried("unknown_address_reject_code", 550, [{"sender": "x@nowhere.example"}, {}], ("reject_unknown_sender_domain",)),
    Tried("unknown_client_reject_code", 550, [{"name": ""}, {}], ("reject_unknown_client_hostname",)),
    Tried("unknown_hostname_reject_code", 550, [{"helo": "nowhere.example"}, {}], ("reject_unknown_helo_hostname",)),
    Tried("plaintext_reject_code", 550, [{}], ("reject_plaintext_session",)),
    Tried(
        "multi_recipient_bounce_reject_code",
        450,
        [{"sender": "", "recipients": (ANN, "bob@home.example")}, {"sender": ""}],
        ("reject_multi_recipient_bounce",),
        "data",
    ),
    Tried("unknown_local_recipient_reject_code", 450, UNKNOWN),
    Tried("unknown_relay_recipient_reject_code", 450, UNKNOWN),
    Tried("unknown_virtual_alias_reject_code", 450, UNKNOWN),
    Tried("unknown_virtual_mailbox_reject_code", 450, [NOBODY, *UNKNOWN]),
    Tried(
        "unknown_address_tempfail_action",
        "defer",
        [{"sender": "x@down.example"}, {}],
        ("reject_unknown_sender_domain", "reject"),
    ),
    Tried(
        "unknown_helo_hostname_tempfail_action",
        "defer",
        [{"helo": "down.example"}, {}],
        ("reject_unknown_helo_hostname", "reject"),
    ),
    *(
        Tried(f"unverified_{what}_{kind}", value, [who], (f"reject_unverified_{what}", *more), others=LATE)
        for LATE in ({"smtpd_reject_unlisted_recipient": False},)
        for what, gone, away in (
            ("sender", {"sender": "x@refused.example"}, {"sender": "x@later.example"}),
            ("recipient", {"recipients": ("gone@relay.example",)}, {"recipients": ("away@relay.example",)}),
        )
        for kind, value, who, more in (
            ("reject_code", 550, gone, ()),
            ("reject_code", 250, gone, ()),
            ("defer_code", 454, away, ()),
            ("defer_code", 250, away, ()),
            ("tempfail_action", "defer", away, ("reject",)),
        )
    ),
]


@pytest.fixture(scope="module")
def compared() -> Compared:
    what = [(one.case(), [one.session(**more) for more in one.sessions]) for one in ALL]
    with tempfile.TemporaryDirectory(prefix="simulate", dir="/tmp") as base:
        return play(what, Path(base))


def test_each_session_goes_the_same_way(compared: Compared) -> None:
    assert not compared.disagreements, compared.disagreements[0]


@pytest.mark.parametrize("tried", ALL, ids=lambda one: f"{one.name}={one.value}")
def test_each_value_makes_a_difference_and_is_told(tried: Tried) -> None:
    policy = tried.case().policy
    usual = replace(policy, settings=replace(policy.settings, **{tried.name: getattr(BASE, tried.name)}))
    sessions = [tried.session(**more) for more in tried.sessions]
    found = [simulate(policy, session, ASSUMPTIONS) for session in sessions]
    assert [one.answers for one in found] != [simulate(usual, session, ASSUMPTIONS).answers for session in sessions]
    assert any(one.question == tried.name and one.is_setting for verdict in found for one in verdict.assumed)


def test_every_parameter_that_people_may_state_is_tried() -> None:
    assert {one.name for one in ALL} == set(KNOWN)
