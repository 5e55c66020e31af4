"""Pages about long work: the list, and one job with its progress."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.pages import PersonRequest, chosen, list_page, number, person_required, superuser_required
from jobs.models import Job
from jobs.services import worker_is_alive


@superuser_required
@require_safe
def job_list(request: PersonRequest) -> HttpResponse:
    states = [("", _("All")), ("unfinished", _("Not finished")), ("done", _("Done")), ("failed", _("Failed"))]
    state = chosen(request, "state", _("State"), states)
    jobs = Job.objects.visible_to(request.user).select_related("started_by")
    if state.current == "unfinished":
        jobs = jobs.filter(state__in=[Job.State.WAITING, Job.State.RUNNING])
    elif state.current:
        jobs = jobs.filter(state=state.current)
    page = list_page(jobs.defer("result", "arguments"), request, key=("pk",), descending=True, read=(number,))
    context = {"page": page, "filters": [state], "worker_is_alive": worker_is_alive()}
    return render(request, "jobs/job_list.html", context)


@person_required
@require_safe
def job(request: PersonRequest, pk: int) -> HttpResponse:
    """With htmx, only what changes while the job runs."""
    job = get_object_or_404(Job.objects.visible_to(request.user).select_related("started_by"), pk=pk)
    context = {"job": job, "is_stuck": not job.is_finished and not worker_is_alive()}
    return render(request, "jobs/_progress.html" if request.htmx else "jobs/job.html", context)
