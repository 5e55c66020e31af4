"""What beat starts; the work is in mailboxes/report.py, mailboxes/quota_warnings.py and mailboxes/welcome.py."""

from celery import shared_task

from accounts.actors import Actor
from mailboxes.jobs import start_alias_report
from mailboxes.quota_warnings import warn_owners
from mailboxes.welcome import send_welcome_mails


@shared_task(name="mailboxes.start_alias_report")
def start_daily_alias_report() -> None:
    start_alias_report(by=Actor.from_task("the nightly check"))


@shared_task(name="mailboxes.warn_owners")
def warn_owners_of_full_mailboxes() -> None:
    warn_owners()


@shared_task(name="mailboxes.send_welcome_mails")
def send_waiting_welcome_mails() -> None:
    send_welcome_mails()
