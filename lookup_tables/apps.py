"""The room of the flat lookup tables: where mail is routed, rewritten, copied, and what has moved."""

from django.apps import AppConfig


class LookupTablesConfig(AppConfig):
    name = "lookup_tables"

    def ready(self) -> None:
        from domains.guards import register_delimiter_watcher
        from lookup_tables import history_words  # noqa: F401
        from lookup_tables.services import check_delimiter

        register_delimiter_watcher(check_delimiter)
