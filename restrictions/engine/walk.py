"""One list of restrictions after the other, as smtpd(8) walks them: generic_checks() and what is around it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import takewhile
from typing import Any

from restrictions.engine.policy import Assumptions, Entry, Policy, Session
from restrictions.engine.verdict import Assumed, Place, Step

CLIENT, REVERSE_CLIENT = "Client host", "Unverified Client host"
HELO, SENDER, RECIPIENT = "Helo command", "Sender address", "Recipient address"
DATA, END_OF_DATA, LOGIN = "Data command", "End-of-data", "SASL login name"
CERTIFICATE = "Client certificate"

LONGEST_REPLY = 510  # octets (RFC 5321, 4.5.3.1.5)
DEEPEST = 100  # lists in lists, where an access table names one more; classes that name classes have no such end


class Outcome(IntEnum):
    """PERMIT and REFUSE end a list; PASS goes on with its next restriction."""

    PASS = 0
    PERMIT = 1
    REFUSE = 2


# Each restriction by its name; restrictions.engine.rules fills it.
RULES: dict[str, Callable[["Walk", Entry], Outcome]] = {}

# A class that smtpd brings along.
OWN_CLASSES = {
    "reject_sender_login_mismatch": (
        Entry("reject_authenticated_sender_login_mismatch"),
        Entry("reject_unauthenticated_sender_login_mismatch"),
    )
}

NOT_SIMULATED = ("check_etrn_access",)  # no session here says ETRN


class Stop(Exception):
    """Ends every list at once: smtpd cannot go on, 451 4.3.5."""


@dataclass(frozen=True)
class Refusal:
    """A reply without its warnings and turns, and the step that asked for it."""

    code: int
    status: str
    words: str
    step: Step


@dataclass
class Walk:
    """What smtpd keeps in mind during a session."""

    policy: Policy
    session: Session
    assumptions: Assumptions

    command: str = "CONNECT"
    helo: str = ""
    sender: str | None = None
    recipient: str | None = None
    accepted: int = 0  # recipients so far

    is_discarded: bool = False
    has_checked_recipient: bool = False
    has_checked_sender: bool = False
    defer_if_permit: Refusal | None = None
    defer_if_reject: Refusal | None = None
    of_stage: dict[str, Refusal | None] = field(default_factory=dict)  # defer_if_permit as the stages left it

    depth: int = 0
    warns_since: int = 0  # the depth at which warn_if_reject stands, 0 for nowhere
    said_of: tuple[str, str] = ("", "")  # what a general restriction names in its reply: "<it>: CLASS rejected: ..."

    places: list[Place] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    reply: str = ""
    decided: Step | None = None
    assumed: dict[str, Assumed] = field(default_factory=dict)

    # Lists

    def begin(self, *, goes_on: bool) -> None:
        """Nothing of the list before holds on, but defer_if_permit; and defer_if_reject if this one goes on with it."""
        self.depth = self.warns_since = 0
        self.defer_if_reject = self.defer_if_reject if goes_on else None
        self.places.clear()
        self.decided = self.decided if self.is_discarded else None

    def run(self, place: Place, entries: tuple[Entry, ...], said_of: tuple[str, str]) -> Outcome:
        """Walks a list; `place` says which."""
        before, depth = self.said_of, self.depth
        self.said_of, self.depth = said_of, depth + 1
        outcome = Outcome.PASS
        for position, entry in enumerate(entries, start=1):
            if self.is_discarded:
                break
            if entry.warn_only and not self.warns_since:
                self.warns_since = self.depth
            with self.at(Place(place.kind, place.name, position, entry)):
                outcome = self._apply(entry)
            self._end_warning()
            if outcome or (self.defer_if_permit and self.defer_if_reject):
                break
        self.said_of, self.depth = before, depth
        self._end_warning()
        return outcome

    def _apply(self, entry: Entry) -> Outcome:
        """One restriction or class."""
        if function := RULES.get(entry.name):
            return function(self, entry)
        if entry.name in NOT_SIMULATED:
            return self.passes("not_simulated", name=entry.name)
        entries = self.policy.classes.get(entry.name, OWN_CLASSES.get(entry.name))
        if entries is None:
            raise self.stop("unknown_restriction", name=entry.name)
        if any(place.name == entry.name for place in takewhile(_is_of_class, reversed(self.places))):
            raise self.stop("too_deep", name=entry.name)  # smtpd itself would go round until it dies
        return self.run(Place("class", entry.name), entries, self.said_of)

    def _end_warning(self) -> None:
        if self.warns_since >= self.depth:
            self.warns_since = 0

    @contextmanager
    def at(self, place: Place) -> Iterator[None]:
        self.places.append(place)
        try:
            yield
        finally:
            if self.places:
                self.places.pop()

    # What a restriction may say

    def permit(self, why: str, **about: str) -> Outcome:
        self.decided = self._step("permit", why, about)
        return Outcome.PERMIT

    def passes(self, why: str, **about: str) -> Outcome:
        self._step("pass", why, about)
        return Outcome.PASS

    def refuse(self, code: int, status: str, words: str, why: str, **about: str) -> Outcome:
        """smtpd_check_reject(): the reply, or only a line of the log behind warn_if_reject."""
        if not 400 <= code <= 599:
            code, status, words = 450, "4.7.1", "Service unavailable"
        reply = self._written(f"{code} {status} {words}")
        if self.warns_since:
            self._step("warn", why, about, reply)
            return Outcome.PASS
        return self._end_with(Refusal(code, status, words, self._step("refuse", why, about, reply)))

    def _end_with(self, refusal: Refusal) -> Outcome:
        """What is refused for good becomes what was put off for such a case."""
        if self.defer_if_reject and refusal.code >= 500:
            refusal, self.defer_if_reject = self.defer_if_reject, None
        self.reply = self._written(f"{refusal.code} {refusal.status} {refusal.words}")
        self.decided = refusal.step
        return Outcome.REFUSE

    def refuse_if_taken(self, code: int, status: str, words: str, why: str, **about: str) -> Outcome:
        """DEFER_IF_PERMIT: whoever permits the mail later on puts it off instead."""
        if self.warns_since:
            return self.refuse(code, status, words, why, **about)
        step = self._step("defer", why, about, self._written(f"{code} {status} {words}"))
        self.defer_if_permit = self.defer_if_permit or Refusal(code, status, words, step)
        return Outcome.PASS

    def refuse_for_now(self, action: str, code: int, status: str, words: str, why: str, **about: str) -> Outcome:
        """What a *_tempfail_action asks for: `defer` at once, or `defer_if_permit`."""
        refuse = self.refuse if action == "defer" else self.refuse_if_taken
        return refuse(code, status, words, why, **about)

    def refuse_softly(self, code: int, status: str, words: str, why: str, **about: str) -> Outcome:
        """DEFER_IF_REJECT: whoever refuses the mail for good later on puts it off instead."""
        step = self._step("defer", why, about, self._written(f"{code} {status} {words}"))
        self.defer_if_reject = self.defer_if_reject or Refusal(code, status, words, step)
        return Outcome.PASS

    def stop(self, why: str, **about: str) -> Stop:
        """To be raised: a mistake of the configuration, which warn_if_reject does not soften."""
        self.reply = "451 4.3.5 Server configuration error"
        self.decided = self._step("refuse", why, about, self.reply)
        return Stop()

    def put_off_at_the_end(self) -> Outcome:
        """What defer_if_permit has left to say once a list has nothing against the mail."""
        held = self.defer_if_permit
        return Outcome.PASS if held is None else self._end_with(held)

    def _written(self, reply: str) -> str:
        reply = reply[:LONGEST_REPLY]
        first = "4" if reply[0] == "5" and self.setting("soft_bounce") else reply[0]
        status, _blank, words = reply[4:].partition(" ")
        return f"{first}{reply[1:4]}{first}{status[1:]} {words}"

    def _step(self, outcome: str, why: str, about: Mapping[str, str], reply: str = "") -> Step:
        self.steps.append(Step(tuple(self.places), outcome, why, dict(about), reply))
        return self.steps[-1]

    # The world

    def setting(self, name: str, *, matters: bool = True) -> Any:
        """A parameter of main.cf by its name; if it `matters` to the verdict, the verdict tells it."""
        value = getattr(self.policy.settings, name)
        if matters and name not in self.policy.written:
            is_of_host = isinstance(value, tuple)  # addresses and networks, for which Postfix has no one default
            said = Assumed(name, _in_main_cf(value), name in self.assumptions.settings, is_setting=not is_of_host)
            self.assumed.setdefault(name, said)
        return value

    def qualified(self, address: str) -> str:
        """trivial-rewrite(8) appends $myorigin to a bare name; what is said in a reply stays as it was typed."""
        return address if "@" in address else f"{address}@{self.policy.settings.myorigin}"

    def domain_of(self, address: str) -> str:
        return self.qualified(address).rpartition("@")[2].lower()

    def is_ours(self, address: str) -> bool:
        return bool(self.policy.addresses.address_class(self.domain_of(address)))

    def take_for_granted(self, question: str, answer: str, *, is_stated: bool) -> None:
        self.assumed.setdefault(question, Assumed(question, answer, is_stated))


def _is_of_class(place: Place) -> bool:
    return place.kind == "class"


def _in_main_cf(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
