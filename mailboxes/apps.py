"""The room of the addresses that exist."""

from functools import partial

from django.apps import AppConfig


class MailboxesConfig(AppConfig):
    name = "mailboxes"

    def ready(self) -> None:
        from domains.guards import register_follower, register_guard
        from mailboxes import history_words, jobs  # noqa: F401
        from mailboxes.default_aliases import add_default_aliases
        from mailboxes.loops import no_loop_through

        register_guard(no_loop_through)
        register_follower(partial(add_default_aliases, is_new=True))
