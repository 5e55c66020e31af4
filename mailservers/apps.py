"""The room of what the mail servers read; the SQL functions are put in place after the migrations."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MailserversConfig(AppConfig):
    name = "mailservers"

    def ready(self) -> None:
        from mailservers.functions import install_after_migrate

        post_migrate.connect(install_after_migrate, sender=self)
