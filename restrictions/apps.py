"""The room of restrictions: who may send what to whom, stage by stage of an SMTP session."""

from django.apps import AppConfig


class RestrictionsConfig(AppConfig):
    name = "restrictions"

    def ready(self) -> None:
        from mailboxes.forwarding import register_closed
        from mailboxes.removal import register_losses
        from restrictions import access_history_words, history_words  # noqa: F401
        from restrictions.protection import lost_with_domain, protected_of

        register_closed(protected_of)
        register_losses(lost_with_domain)
