"""What beat starts; the work is in mailboxes/report.py."""

from celery import shared_task

from accounts.actors import Actor
from mailboxes.jobs import start_alias_report


@shared_task(name="mailboxes.start_alias_report")
def start_daily_alias_report() -> None:
    start_alias_report(by=Actor.from_task("the nightly check"))
