"""Long work about the DNS, by the names under which jobs are started."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.actors import Actor
from dns_records.alarm import tell_what_broke
from dns_records.checks import check_domains
from dns_records.publishing import Plan, plan_for, publish, server_for
from domains.models import Domain
from jobs.models import Job
from jobs.services import in_the_name_of, job_kind, show_progress, start_job

DNS_CHECK, DNS_PLAN, DNS_PUBLISH = "dns_check", "dns_plan", "dns_publish"


@job_kind(DNS_CHECK)
def dns_check(job: Job) -> dict[str, Any]:
    """Of one domain, of the mail hosts alone, or of all that are to be checked. Done twice it only looks twice."""
    if job.arguments.get("domain") is not None:
        domains = [_domain_of(job)]
    else:
        domains = [] if job.arguments.get("hosts") else domains_to_check()
    changed = check_domains(domains, show=lambda done, total: show_progress(job, done, total))
    return {"domains": len(domains), "changed": changed, "mails": tell_what_broke()}


def domains_to_check() -> list[Domain]:
    """Active domains with a name in the DNS, unless their own settings say no."""
    asked = Domain.objects.filter(Q(dns__is_checked=True) | Q(dns=None), active=True, name__contains=".")
    return list(asked.select_related("target").order_by("name"))


def start_dns_check(domain: Domain | None = None, *, hosts: bool = False, by: Actor) -> Job:
    """All domains where none is named, or with `hosts` the mail hosts alone. What is about to be asked anyway for the
    same person is not asked twice."""
    label, arguments = gettext_noop("Check of the DNS records"), {}
    if domain:
        label, arguments = gettext_noop("Check of the DNS records of a domain"), {"domain": domain.pk}
    elif hosts:
        label, arguments = gettext_noop("Check of the DNS records of the mail hosts"), {"hosts": True}
    unfinished = Job.objects.filter(kind=DNS_CHECK, state=Job.State.WAITING, started_by=by.user)
    if by.user and (there := unfinished.filter(arguments=arguments).first()):
        return there
    return start_job(DNS_CHECK, by=by, label=label, **arguments)


@job_kind(DNS_PLAN)
def dns_plan(job: Job) -> dict[str, Any]:
    """What an update would change. Nothing is changed."""
    return plan_row(plan_for(_domain_of(job)))


@job_kind(DNS_PUBLISH)
def dns_publish(job: Job) -> dict[str, Any]:
    """In the name of the person who saw the plan. Done twice it finds all records there. Afterwards all authoritative
    servers are asked."""
    domain = _domain_of(job)
    plan = plan_for(domain)
    if plan.to_do and plan.mark != job.arguments["mark"]:
        raise ValidationError(_("The plan is another one by now. Nothing was published; look at it again."))
    unseen = publish(domain, plan, by=in_the_name_of(job)) if plan.to_do else []
    check_domains([domain])
    tell_what_broke()
    return plan_row(plan) | {"unseen": unseen}


def plan_row(plan: Plan) -> dict[str, Any]:
    left_alone = [
        {
            "name": step.name,
            "type": step.rdtype,
            "why": step.left_alone,
            "value": step.value,
            "sentence": step.sentence,
        }
        for step in plan.left_alone
    ]
    return {
        "domain": plan.domain.name,
        "server": plan.server.name,
        "address": plan.server.address,
        "zone": plan.zone,
        "lines": plan.lines,
        "left_alone": left_alone,
        "mark": plan.mark,
    }


def start_dns_plan(domain: Domain, *, by: Actor) -> Job:
    server_for(domain)  # it says so at once where there is none
    return start_job(DNS_PLAN, by=by, label=gettext_noop("Plan for publishing DNS records"), domain=domain.pk)


def start_dns_publish(domain: Domain, mark: str, *, by: Actor) -> Job:
    """`mark` is that of the plan that the person saw."""
    label = gettext_noop("Publishing of DNS records")
    return start_job(DNS_PUBLISH, by=by, label=label, domain=domain.pk, mark=mark, who=by.label)


def _domain_of(job: Job) -> Domain:
    domain = Domain.objects.filter(pk=job.arguments["domain"]).select_related("target").first()
    if domain is None:
        raise ValidationError(_("The domain was deleted meanwhile. Nothing was asked."))
    return domain
