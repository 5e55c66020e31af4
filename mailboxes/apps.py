"""The room of the addresses that exist."""

from functools import partial

from django.apps import AppConfig


class MailboxesConfig(AppConfig):
    name = "mailboxes"

    def ready(self) -> None:
        from dns_records.expected import register_client_hosts
        from domains.guards import register_delimiter_watcher, register_follower, register_guard
        from mailboxes import history_words, jobs  # noqa: F401
        from mailboxes.default_aliases import add_default_aliases
        from mailboxes.loops import no_loop_through
        from mailboxes.relinking import linking_texts_in
        from mailboxes.server_names import host_by_service

        register_guard(linking_texts_in)
        register_guard(no_loop_through)
        register_follower(partial(add_default_aliases, is_new=True))
        register_client_hosts(host_by_service)
        register_delimiter_watcher(jobs.after_another_delimiter)
