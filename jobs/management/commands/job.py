"""Long work from the shell: what waits, runs and came of it."""

import argparse
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, at_least_one, stream
from jobs.models import Job


class Command(NounCommand):
    help = _("List jobs or show one with its result.")

    def add_verbs(self) -> None:
        self.verb("show", _("Show a job with its result.")).add_argument("id", type=_job_id, metavar="ID")
        jobs = self.verb("list", _("List jobs, the last first."))
        jobs.add_argument("--state", choices=Job.State.values, help=_("Jobs in this state only."))
        jobs.add_argument("--limit", type=at_least_one, default=50, metavar="N", help=_("This many at most."))

    def do_show(self, options: Options) -> None:
        job = Job.objects.select_related("started_by").filter(pk=options["id"]).first()
        if job is None:
            raise ValidationError(_("There is no job %(id)d.") % {"id": options["id"]})
        self.card(_row(job) | {"arguments": job.arguments, "result": job.result}, options)

    def do_list(self, options: Options) -> None:
        jobs = Job.objects.select_related("started_by").defer("result", "arguments").order_by("-pk")
        if options["state"]:
            jobs = jobs.filter(state=options["state"])
        columns = {"id": 6, "state": 8, "created_at": 23, "label": 0}
        self.table((_row(job) for job in stream(jobs, options["limit"])), columns, options)


def _row(job: Job) -> dict[str, Any]:
    keys = ("kind", "label", "state", "done", "total", "error", "tries")
    times = ("created_at", "run_after", "started_at", "finished_at")
    return {
        "id": job.pk,
        **{key: getattr(job, key) for key in keys},
        **{key: getattr(job, key) for key in times},
        "started_by": job.started_by.username if job.started_by else None,
    }


def _job_id(text: str) -> int:
    number = at_least_one(text)
    if number >= 2**63:
        raise argparse.ArgumentTypeError(_("There is no job with so large a number."))
    return number
