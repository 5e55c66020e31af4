"""The page that publishes: first the plan, then the button. The worker makes both."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.pages import PersonRequest, say, superuser_required
from dns_records.jobs import DNS_PLAN, start_dns_plan, start_dns_publish
from dns_records.words import LEFT_ALONE
from domains.views import domain_head, domain_of_page
from jobs.models import Job


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dns_publish(request: PersonRequest, name: str) -> HttpResponse:
    """Shows the last plan. A POST with the mark of a plan publishes it, one without lets the worker make a plan."""
    domain = domain_of_page(request, name)
    if request.method == "POST":
        try:
            by, mark = Actor.from_request(request), request.POST.get("plan", "")[:64]
            return redirect(start_dns_publish(domain, mark, by=by) if mark else start_dns_plan(domain, by=by))
        except ValidationError as error:
            say(request, " ".join(error.messages), level=messages.WARNING)
            return redirect("dns_publish", domain.name)
    job = Job.objects.filter(kind=DNS_PLAN, arguments={"domain": domain.pk}).order_by("-id").first()
    plan = (job.result or {}) if job else {}
    left_alone = [(step, LEFT_ALONE[step["why"]] % step) for step in plan.get("left_alone", [])]
    context = domain_head(domain) | {"job": job, "plan": plan, "left_alone": left_alone}
    return render(request, "dns_records/dns_publish.html", context)
