"""Long work of this room, by the names under which jobs are started."""

from typing import Any

from django.utils.translation import gettext_noop

from accounts.actors import Actor, Door
from jobs.models import Job
from jobs.services import job_kind, show_progress, start_job
from mailboxes.credentials_purge import purge_credentials
from mailboxes.default_aliases import add_all_default_aliases
from mailboxes.report import check_aliases

ALIAS_REPORT, DEFAULT_ALIASES = "alias_report", "default_aliases"


@job_kind(ALIAS_REPORT)
def alias_report(job: Job) -> dict[str, Any]:
    purge_credentials()
    return check_aliases(job)


@job_kind(DEFAULT_ALIASES)
def default_aliases(job: Job) -> dict[str, Any]:
    by = Actor(user=job.started_by, door=Door.TASK) if job.started_by else Actor.from_task(DEFAULT_ALIASES)
    return add_all_default_aliases(show=lambda done, total: show_progress(job, done, total), by=by)


def start_default_aliases(*, by: Actor) -> Job:
    return start_job(DEFAULT_ALIASES, by=by, label=gettext_noop("Adding of default aliases"))


def start_alias_report(*, by: Actor) -> Job:
    return start_job(ALIAS_REPORT, by=by, label=gettext_noop("Check of all aliases"))
