"""The work of the worker about DKIM keys."""

from typing import Any

from domains.dkim_services import GENERATE, generate_dkim_key
from jobs.models import Job
from jobs.services import in_the_name_of, job_kind


@job_kind(GENERATE)
def generate(job: Job) -> dict[str, Any]:
    """In the name of the person who asked for it."""
    key = generate_dkim_key(job, by=in_the_name_of(job))
    return {"key": str(key), "domain": key.domain.name, "selector": key.selector}
