"""Long work of this room, by the names under which jobs are started."""

from typing import Any

from django.utils.translation import gettext_noop

from accounts.actors import Actor
from jobs.models import Job
from jobs.services import job_kind, start_job
from mailboxes.credentials_purge import purge_credentials
from mailboxes.quarantine import delete_ended_quarantines
from mailboxes.report import check_aliases

ALIAS_REPORT = "alias_report"


@job_kind(ALIAS_REPORT)
def alias_report(job: Job) -> dict[str, Any]:
    purge_credentials()
    delete_ended_quarantines(by=Actor.from_task("the nightly check"))
    return check_aliases(job)


def start_alias_report(*, by: Actor) -> Job:
    return start_job(ALIAS_REPORT, by=by, label=gettext_noop("Check of all aliases"))
