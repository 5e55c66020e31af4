"""The work of the worker about DKIM keys."""

from typing import Any

from django.core.exceptions import ValidationError

from accounts.actors import Actor, Door
from domains.dkim_services import GENERATE, generate_dkim_key
from jobs.models import Job
from jobs.services import job_kind


@job_kind(GENERATE)
def generate(job: Job) -> dict[str, Any]:
    """In the name of the person who asked for it."""
    by = Actor(user=job.started_by, door=Door.TASK, name="" if job.started_by else job.arguments["who"])
    try:
        key = generate_dkim_key(job, by=by)
    except ValidationError as error:
        raise RuntimeError(" ".join(error.messages)) from error
    return {"key": str(key), "domain": key.domain.name, "selector": key.selector}
