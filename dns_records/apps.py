"""The room of DNS: what the servers say, what should stand there, and what is published."""

from django.apps import AppConfig


class DnsRecordsConfig(AppConfig):
    name = "dns_records"

    def ready(self) -> None:
        from dns_records import history_words, jobs, rotation  # noqa: F401
