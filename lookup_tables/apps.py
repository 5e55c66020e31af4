"""The room of the flat lookup tables: where mail is routed, rewritten, copied, and what has moved."""

from django.apps import AppConfig


class LookupTablesConfig(AppConfig):
    name = "lookup_tables"

    def ready(self) -> None:
        from domains.guards import register_delimiter_watcher
        from lookup_tables import history_words  # noqa: F401
        from lookup_tables.following import follow_address, left_with_address, left_with_domain
        from lookup_tables.services import check_delimiter
        from mailboxes.removal import register_left, register_losses
        from mailboxes.renaming import register_follower

        register_delimiter_watcher(check_delimiter)
        register_follower(follow_address)
        register_left(left_with_address)
        register_losses(left_with_domain)
