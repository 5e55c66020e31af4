"""What is wrong with a line, kept until somebody reads it: in each language of the panel, since nobody knows in which
one that will be, and the functions that refuse give sentences and not their words."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language, override

Fault = dict[str, Any]


def in_each_language(say: Callable[[], Sequence[str]]) -> list[Fault]:
    """The sentences that `say` gives, each once. It is asked again for each language, and must answer the same."""
    found = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            found[language] = [str(sentence) for sentence in say()]
    together = dict.fromkeys(zip(*found.values(), strict=True))
    return [{"sentence": dict(zip(found, sentences, strict=True))} for sentences in together]


def refusals_in_each_language(act: Callable[[], object]) -> list[Fault]:
    """Why `act` is refused, which has just been refused and is again."""

    def say() -> list[str]:
        try:
            act()
        except ValidationError as error:
            return error.messages
        return []

    return in_each_language(say)


def in_the_language_of_the_reader(fault: Fault) -> str:
    said: dict[str, str] = fault["sentence"]
    return said.get(get_language() or "") or said[settings.LANGUAGE_CODE]
