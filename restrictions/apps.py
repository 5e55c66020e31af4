"""The room of restrictions: who may send what to whom, stage by stage of an SMTP session."""

from django.apps import AppConfig


class RestrictionsConfig(AppConfig):
    name = "restrictions"

    def ready(self) -> None:
        from restrictions import access_history_words, history_words  # noqa: F401
