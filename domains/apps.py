"""The room of the domains that are served."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "domains"

    def ready(self) -> None:
        from domains import dkim_history_words, dkim_jobs, history_words  # noqa: F401
