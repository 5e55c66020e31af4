"""The page that tries the restrictions with a session: each reply of smtpd, the rule that decided, and every step."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.pages import PersonRequest, asked, superuser_required
from mailservers import simulation_words as words
from mailservers.simulation import WORDS_OF_SESSION, Row, question_of, verdict_on
from restrictions.engine.verdict import Answer, Step


@dataclass(frozen=True)
class ShownStep:
    """A step as the page shows it; `url` leads to the entry of the list."""

    where: str
    what: str
    outcome: str
    outcome_words: str
    why: str
    reply: str
    url: str
    is_deciding: bool


@dataclass(frozen=True)
class ShownAnswer:
    answer: Answer
    decided_by: str
    steps: list[ShownStep]


@superuser_required
@require_safe
def simulate(request: PersonRequest) -> HttpResponse:
    typed = {name: asked(request, name) for name in WORDS_OF_SESSION}
    context: dict[str, Any] = {"typed": typed, "sender": typed["from"]}
    if typed["client"] or typed["to"]:
        try:
            verdict = verdict_on(question_of(typed))
        except ValidationError as error:
            context["sentences"] = error.messages
        else:
            context |= {
                "answers": [_shown(one) for one in verdict.answers if one.steps or one.address or not one.is_accepted],
                "assumed": [(one, words.answer_of(one)) for one in verdict.assumed],
                "is_complete": verdict.is_complete,
            }
    return render(request, "mailservers/simulate.html", context)


def _shown(answer: Answer) -> ShownAnswer:
    steps = [_shown_step(step, is_deciding=step is answer.decided) for step in answer.steps]
    return ShownAnswer(answer, words.decided_by(answer), steps)


def _shown_step(step: Step, *, is_deciding: bool) -> ShownStep:
    rows = [place.entry.row.entry for place in step.places if place.entry and isinstance(place.entry.row, Row)]
    return ShownStep(
        where=words.where(step),
        what=words.what(step),
        outcome=step.outcome,
        outcome_words=str(words.OUTCOMES[step.outcome]),
        why=words.why(step),
        reply=step.reply if step.outcome == "warn" else "",
        url=rows[-1].get_absolute_url() if rows else "",
        is_deciding=is_deciding,
    )
