"""What the engine answers: a reply for each command, the rule that decided, and every step on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from restrictions.engine.policy import Entry


@dataclass(frozen=True)
class Place:
    """Where a restriction stands. `kind` is one of stage, class, table, policy_service and setting; `name` which one;
    `position` counts from 1 in the list, or is 0 for what stands in none."""

    kind: str
    name: str
    position: int = 0
    entry: Entry | None = None


@dataclass(frozen=True)
class Step:
    """One restriction that was tried. `outcome` is permit, refuse, warn (it would have refused), defer (if the mail is
    taken, or refused, later on) or pass. `why` is a code, `about` what its sentence speaks of, `reply` what was or
    would have been said. `places` lead from the stage down to the restriction."""

    places: tuple[Place, ...]
    outcome: str
    why: str
    about: Mapping[str, str] = field(default_factory=dict)
    reply: str = ""

    @property
    def place(self) -> Place:
        return self.places[-1]

    @property
    def stage(self) -> str:
        return self.places[0].name


@dataclass(frozen=True)
class Answer:
    """What smtpd says to one command: CONNECT, HELO, MAIL, RCPT, DATA or END-OF-MESSAGE, as it names them in its log.
    `decided` is the rule that decided; none if no list had anything against it."""

    command: str
    reply: str
    steps: tuple[Step, ...] = ()
    decided: Step | None = None
    address: str = ""

    @property
    def code(self) -> int:
        return int(self.reply[:3])

    @property
    def is_accepted(self) -> bool:
        return self.code < 400

    @property
    def is_put_off(self) -> bool:
        return 400 <= self.code < 500

    @property
    def warnings(self) -> tuple[Step, ...]:
        """What is only logged."""
        return tuple(step for step in self.steps if step.outcome == "warn")


@dataclass(frozen=True)
class Assumed:
    """A question to the world outside, and the answer that was taken for granted; or a parameter of main.cf that had
    a part in the verdict, and its value."""

    question: str
    answer: str
    is_stated: bool
    is_setting: bool = False


@dataclass(frozen=True)
class Verdict:
    """The whole session, up to the first command after which a client gives up."""

    answers: tuple[Answer, ...]
    assumed: tuple[Assumed, ...] = ()

    @property
    def recipients(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if answer.command == "RCPT")

    @property
    def refused(self) -> tuple[Answer, ...]:
        return tuple(answer for answer in self.answers if not answer.is_accepted)

    @property
    def is_complete(self) -> bool:
        """Whether each restriction on the way could be simulated."""
        return all(step.why != "not_simulated" for answer in self.answers for step in answer.steps)

    @property
    def is_accepted(self) -> bool:
        """Whether any recipient gets the message."""
        return any(answer.is_accepted for answer in self.recipients) and self.answers[-1].is_accepted
