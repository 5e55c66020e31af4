"""The room of coming over: what another panel or a hand-written configuration holds, how it comes in, and the proof that
the maps still say the same."""

from django.apps import AppConfig


class TakeoverConfig(AppConfig):
    name = "takeover"
