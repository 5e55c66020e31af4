"""What beat starts; the work is in lookup_tables/relay_passwords.py."""

from celery import shared_task

from lookup_tables.relay_passwords import purge_passwords


@shared_task(name="lookup_tables.purge_passwords")
def purge_retired_passwords() -> None:
    purge_passwords()
