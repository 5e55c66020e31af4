"""What beat starts; the work is in dns_records/checks.py and dns_records/rotation.py."""

from celery import shared_task

from accounts.actors import Actor
from dns_records.jobs import start_dns_check
from dns_records.rotation import follow_keys, start_due_rotations


@shared_task(name="dns_records.follow_dkim_keys")
def follow_dkim_keys() -> None:
    follow_keys(by=Actor.from_task("DKIM rotation"))


@shared_task(name="dns_records.rotate_dkim_keys")
def rotate_dkim_keys() -> None:
    start_due_rotations(by=Actor.from_task("DKIM rotation"))


@shared_task(name="dns_records.start_check")
def start_nightly_dns_check() -> None:
    start_dns_check(by=Actor.from_task("the nightly check"))
