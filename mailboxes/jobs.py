"""Long work of this room, by the names under which jobs are started."""

from typing import Any

from django.utils.translation import gettext_noop

from accounts.actors import Actor
from jobs.models import Job
from jobs.services import job_kind, start_job
from mailboxes.credentials_purge import purge_credentials
from mailboxes.loops import refuse_loop_by_delimiter
from mailboxes.report import check_aliases

ALIAS_REPORT = "alias_report"


@job_kind(ALIAS_REPORT)
def alias_report(job: Job) -> dict[str, Any]:
    purge_credentials()
    return check_aliases(job)


def after_another_delimiter(by: Actor) -> None:
    """No loop that is found at once is saved; what else leads elsewhere now is for the check of all aliases to say."""
    refuse_loop_by_delimiter()
    start_alias_report(by=by)


def start_alias_report(*, by: Actor) -> Job:
    return start_job(ALIAS_REPORT, by=by, label=gettext_noop("Check of all aliases"))
