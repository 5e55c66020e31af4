"""Long work: what is started here is answered with 202 and the address of its job, which says how far it is."""

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from api.access import actor_of
from api.noun import OF_DOMAIN, domain_seen_by
from api.problems import BadQuestion
from api.questions import asked, filtered, one_page
from api.schema import list_parameters, page_of
from api.views import LIST_WORDS, HouseView
from jobs.models import Job
from mailboxes.default_aliases import missing_default_aliases
from mailboxes.jobs import ALIAS_REPORT, start_alias_report, start_default_aliases
from mailboxes.models import AliasDestination
from mailboxes.report import sentence_of


class ListedJobSerializer(serializers.ModelSerializer[Job]):
    """Without its result, which may be long."""

    class Meta:
        model = Job
        fields = ["id", "kind", "label", "state", "done", "total", "error", "created_at", "started_at", "finished_at"]
        read_only_fields = fields


class JobSerializer(ListedJobSerializer):
    result = serializers.JSONField(read_only=True)

    class Meta(ListedJobSerializer.Meta):
        fields = [*ListedJobSerializer.Meta.fields, "result"]
        read_only_fields = fields


def refuse_for_some_domains(request: Request) -> None:
    """The worker has no token: it acts with all the rights of the person."""
    if request.user.limited_to is not None:
        raise PermissionDenied(gettext("A token for some domains starts no work. Take one without domains."))


def started(request: Request, start: Callable[[], Job]) -> Response:
    """202 and the job. Not started for a rehearsal: nothing would have happened by the time of the answer."""
    job = start()
    location = request.build_absolute_uri(reverse("api_job", args=[job.pk]))
    return Response(JobSerializer(job).data, status=202, headers={"Location": location})


def work(operation: str, summary: Any, **more: Any) -> dict[str, Any]:
    """How the schema describes a request that starts a job."""
    return {"operation": operation, "summary": summary, "answers": {202: JobSerializer}, "is_work": True} | more


class Jobs(HouseView):
    resource, tag = "jobs", "jobs"
    orderings = {"added": ("pk",)}
    described = {
        "GET": {
            "operation": "list_jobs",
            "summary": _("List long work, the last first"),
            "answers": {200: page_of("ListedJob", ListedJobSerializer)},
            "parameters": [
                *list_parameters(["-added", "added"]),
                OpenApiParameter("state", str, "query", enum=Job.State.values, description=_("Only what is so.")),
            ],
        }
    }

    def get(self, request: Request) -> Response:
        words = {"ordering": "-added"} | asked(request, [*LIST_WORDS, "state"])
        rows = Job.objects.visible_to(request.user).defer("result", "arguments")
        if words.get("state", Job.State.DONE) not in Job.State.values:
            raise BadQuestion(gettext("“state” is one of: %(known)s.") % {"known": ", ".join(Job.State.values)})
        if "state" in words:
            rows = rows.filter(state=words["state"])
        found, around = one_page(rows, request, words, self.orderings)
        return Response({**around, "results": ListedJobSerializer(found, many=True).data})


class OneJob(HouseView):
    resource, tag = "jobs", "jobs"
    described = {
        "GET": {
            "operation": "show_job",
            "summary": _("Show a piece of long work: how far it is, and what came of it"),
            "answers": {200: JobSerializer},
            "parameters": [OpenApiParameter("id", int, "path")],
        }
    }

    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        asked(request, ())
        return Response(JobSerializer(get_object_or_404(Job.objects.visible_to(request.user), pk=id)).data)


class FindingSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(read_only=True)
    alias = serializers.CharField(read_only=True)
    sentence = serializers.CharField(read_only=True)


class AliasReportSerializer(serializers.Serializer[Any]):
    """What the last check of all aliases found. The first of each kind stand there, all are counted."""

    job = serializers.IntegerField(read_only=True)
    finished_at = serializers.DateTimeField(read_only=True)
    checked = serializers.IntegerField(read_only=True)
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    findings = FindingSerializer(many=True, read_only=True)


class AliasReport(HouseView):
    resource, tag, only_superusers = "aliases", "aliases", True
    described = {
        "GET": {
            "operation": "show_alias_report",
            "summary": _("Show what the last check of all aliases found: dead ends, loops, too many destinations"),
            "answers": {200: AliasReportSerializer},
        },
        "POST": work("start_alias_report", _("Check all aliases now")),
    }

    def get(self, request: Request) -> Response:
        asked(request, ())
        job = Job.objects.filter(kind=ALIAS_REPORT, state=Job.State.DONE).order_by("-id").first()
        if job is None:
            raise NotFound
        result = job.result or {}
        findings = [
            {"kind": one["kind"], "alias": one["alias"], "sentence": sentence_of(one)} for one in result["findings"]
        ]
        figures = {name: result[name] for name in ("checked", "counts")}
        return Response({"job": job.pk, "finished_at": job.finished_at, **figures, "findings": findings})

    def post(self, request: Request) -> Response:
        asked(request, ())
        return started(request, lambda: start_alias_report(by=actor_of(request)))


class MissingDefaultAliasesSerializer(serializers.Serializer[Any]):
    domains = serializers.IntegerField(read_only=True)
    aliases = serializers.IntegerField(read_only=True)


class MissingDefaultAliases(HouseView):
    resource, tag, only_superusers = "mail_settings", "default-aliases", True
    described = {
        "GET": {
            "operation": "count_missing_default_aliases",
            "summary": _("Count the domains that lack default aliases, and what they lack"),
            "answers": {200: MissingDefaultAliasesSerializer},
        },
        "POST": work("add_missing_default_aliases", _("Add the default aliases that domains lack")),
    }

    def get(self, request: Request) -> Response:
        asked(request, ())
        missing = missing_default_aliases()
        return Response({"domains": len(missing), "aliases": sum(map(len, missing.values()))})

    def post(self, request: Request) -> Response:
        asked(request, ())
        return started(request, lambda: start_default_aliases(by=actor_of(request)))


class ForwardSerializer(serializers.Serializer[Any]):
    """What an alias sends out of the house."""

    alias = serializers.CharField(read_only=True)
    destination = serializers.CharField(read_only=True)


class Forwards(HouseView):
    resource, tag = "aliases", "aliases"
    orderings = {"elsewhere": ("domain_of_text", "pk")}
    orderings_of_domain = {"address": ("alias__address__local_part", "pk")}
    described = {
        "GET": {
            "operation": "list_forwards",
            "summary": _("List destinations elsewhere, by the domain that gets the mail"),
            "answers": {200: page_of("Forward", ForwardSerializer)},
            "parameters": [
                *list_parameters(["elsewhere", "-elsewhere", "address", "-address"]),
                OpenApiParameter("domain", str, "query", description=OF_DOMAIN),
                OpenApiParameter("search", str, "query", description=_("Domains elsewhere that begin like this.")),
            ],
        }
    }

    def get(self, request: Request) -> Response:
        """Of one domain of ours, by the address that it comes from: that is the way the index goes."""
        words = asked(request, [*LIST_WORDS, "domain", "search"])
        rows: Any = AliasDestination.objects.visible_to(request.user).to_outside().with_alias()
        rows = rows.select_related("address__domain", "domain")
        if "domain" in words:
            rows = filtered(rows, lambda rows: _of_domain(rows, request.user, words["domain"]), "domain")
        if words.get("search"):
            rows = rows.filter(domain_of_text__startswith=words["search"].lower().rpartition("@")[2])
        orderings = self.orderings_of_domain if "domain" in words else self.orderings
        found, around = one_page(rows, request, words, orderings)
        return Response({**around, "results": [{"alias": str(one.alias), "destination": str(one)} for one in found]})


def _of_domain(rows: Any, user: User, name: str) -> Any:
    return rows.filter(alias__address__domain=domain_seen_by(user, name))
