"""What beat starts; the work is in dns_records/checks.py."""

from celery import shared_task

from accounts.actors import Actor
from dns_records.jobs import start_dns_check


@shared_task(name="dns_records.start_check")
def start_nightly_dns_check() -> None:
    start_dns_check(by=Actor.from_task("the nightly check"))
