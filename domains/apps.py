"""The room of the domains that are served."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    name = "domains"

    def ready(self) -> None:
        from domains import history_words  # noqa: F401
