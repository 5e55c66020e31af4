"""The room of the REST API and its tokens: the doors of programs to what pages and commands do."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        from api import history_words  # noqa: F401
