"""The room of the flat lookup tables: where mail is routed, rewritten, copied, and what has moved."""

from django.apps import AppConfig


class LookupTablesConfig(AppConfig):
    name = "lookup_tables"

    def ready(self) -> None:
        from lookup_tables import history_words  # noqa: F401
