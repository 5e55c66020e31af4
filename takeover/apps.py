"""The room of coming over: what other panels and hand-written configurations hold, how it comes in, and the proof that
the maps still say the same."""

from django.apps import AppConfig


class TakeoverConfig(AppConfig):
    name = "takeover"

    def ready(self) -> None:
        from takeover import history_words  # noqa: F401
