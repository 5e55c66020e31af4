"""The room of the addresses that exist."""

from django.apps import AppConfig


class MailboxesConfig(AppConfig):
    name = "mailboxes"

    def ready(self) -> None:
        from mailboxes import history_words, jobs  # noqa: F401
