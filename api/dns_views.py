"""DNS as work: what is expected, what became of it, a check, a plan and its publishing, each of the latter a job."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import actor_of
from api.noun import OF_DOMAIN, domain_seen_by
from api.problems import BadQuestion
from api.questions import asked, one_page
from api.schema import list_parameters, page_of
from api.views import LIST_WORDS, HouseView
from api.work_views import refuse_for_some_domains, started, work
from dns_records.beside import expected_for, seen_row
from dns_records.changes import change_row, record_changes
from dns_records.jobs import start_dns_check, start_dns_plan, start_dns_publish
from dns_records.record_models import DNSSEC_STATES
from dns_records.zone_text import zone_text
from domains.models import Domain

A_DOMAIN = OpenApiParameter("domain", str, "query", required=True, description=OF_DOMAIN)


class ExpectedRecordSerializer(serializers.Serializer[Any]):
    """What is expected, beside what the last check saw of it; `state` is null where nobody has asked yet."""

    purpose = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    type = serializers.CharField(read_only=True)
    values = serializers.ListField(child=serializers.CharField(), read_only=True)
    reason = serializers.CharField(read_only=True)
    state = serializers.CharField(read_only=True, allow_null=True)
    published = serializers.ListField(child=serializers.CharField(), read_only=True)
    why = serializers.CharField(read_only=True)
    since = serializers.DateTimeField(read_only=True, allow_null=True)


class ExpectedHostRecordsSerializer(serializers.Serializer[Any]):
    """The records of the mail hosts, in whichever zones they are, and the same as lines of a zone file."""

    checked_at = serializers.DateTimeField(read_only=True, allow_null=True)
    records = ExpectedRecordSerializer(many=True, read_only=True)
    zone = serializers.CharField(read_only=True)


class ExpectedRecordsSerializer(serializers.Serializer[Any]):
    """The records that a domain should have, the same as lines of a zone file, and what the last check saw: when, at
    which servers, and whether DNSSEC is signed, unsigned, broken or unknown."""

    domain = serializers.CharField(read_only=True)
    checked_at = serializers.DateTimeField(read_only=True, allow_null=True)
    dnssec = serializers.ChoiceField(list(DNSSEC_STATES), read_only=True, allow_null=True)
    servers = serializers.ListField(child=serializers.CharField(), read_only=True)
    records = ExpectedRecordSerializer(many=True, read_only=True)
    zone = serializers.CharField(read_only=True)


class ExpectedRecords(HouseView):
    resource, tag = "domains", "dns-records"
    described = {
        "GET": {
            "operation": "show_expected_dns_records",
            "summary": _("Show which DNS records a domain should have, with their reasons"),
            "answers": {200: ExpectedRecordsSerializer},
            "parameters": [A_DOMAIN],
        }
    }

    def get(self, request: Request) -> Response:
        domain = _domain(request, asked(request, ["domain"]))
        return Response(seen_row(domain) | {"zone": zone_text(domain, expected_for(domain))})


class ExpectedHostRecords(HouseView):
    resource, tag, only_superusers = "dns", "dns-records", True
    described = {
        "GET": {
            "operation": "show_expected_dns_records_of_mail_hosts",
            "summary": _("Show which DNS records the mail hosts should have, with their reasons"),
            "answers": {200: ExpectedHostRecordsSerializer},
        }
    }

    def get(self, request: Request) -> Response:
        asked(request, [])
        return Response(seen_row(None) | {"zone": zone_text(None, expected_for(None))})


class RecordChangeSerializer(serializers.Serializer[Any]):
    """A record was seen in another state than before."""

    at = serializers.DateTimeField(read_only=True)
    purpose = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    type = serializers.CharField(read_only=True)
    before = serializers.CharField(read_only=True)
    after = serializers.CharField(read_only=True)
    published = serializers.ListField(child=serializers.CharField(), read_only=True)
    why = serializers.CharField(read_only=True)


RECORD_CHANGES = {200: page_of("RecordChange", RecordChangeSerializer)}


class RecordChanges(HouseView):
    resource, tag = "domains", "dns-records"
    described = {
        "GET": {
            "operation": "list_dns_record_changes",
            "summary": _("List what became of each DNS record of a domain, the last first"),
            "answers": RECORD_CHANGES,
            "parameters": [A_DOMAIN, *list_parameters(["-at", "at"])],
        }
    }

    def get(self, request: Request) -> Response:
        words = asked(request, [*LIST_WORDS, "domain"])
        return _changes(_domain(request, words), request, words)


class HostRecordChanges(HouseView):
    resource, tag, only_superusers = "dns", "dns-records", True
    described = {
        "GET": {
            "operation": "list_dns_record_changes_of_mail_hosts",
            "summary": _("List what became of each DNS record of the mail hosts, the last first"),
            "answers": RECORD_CHANGES,
            "parameters": list_parameters(["-at", "at"]),
        }
    }

    def get(self, request: Request) -> Response:
        return _changes(None, request, asked(request, LIST_WORDS))


class DnsCheck(HouseView):
    resource, tag = "domains", "dns-records"
    described = {
        "POST": work(
            "check_dns_records", _("Ask the authoritative name servers of a domain now"), parameters=[A_DOMAIN]
        )
    }

    def post(self, request: Request) -> Response:
        domain = _domain(request, asked(request, ["domain"]))
        refuse_for_some_domains(request)
        return started(request, lambda: start_dns_check(domain, by=actor_of(request)))


class DnsHostCheck(HouseView):
    resource, tag, only_superusers = "dns", "dns-records", True
    described = {
        "POST": work("check_dns_records_of_mail_hosts", _("Ask for the DNS records of the mail hosts now")),
    }

    def post(self, request: Request) -> Response:
        asked(request, [])
        return started(request, lambda: start_dns_check(hosts=True, by=actor_of(request)))


class DnsPlan(HouseView):
    resource, tag, only_superusers = "dns", "update-servers", True
    described = {
        "POST": work(
            "plan_dns_records",
            _("Make a plan of what an update would change; its mark is in the result of the job"),
            parameters=[A_DOMAIN],
        )
    }

    def post(self, request: Request) -> Response:
        domain = _domain(request, asked(request, ["domain"]))
        return started(request, lambda: start_dns_plan(domain, by=actor_of(request)))


class DnsPublish(HouseView):
    resource, tag, only_superusers = "dns", "update-servers", True
    described = {
        "POST": work(
            "publish_dns_records",
            _("Publish the records of a domain as its plan says"),
            parameters=[
                A_DOMAIN,
                OpenApiParameter("mark", str, "query", required=True, description=_("The mark of the plan.")),
            ],
        )
    }

    def post(self, request: Request) -> Response:
        words = asked(request, ["domain", "mark"])
        domain = _domain(request, words)
        if not words.get("mark"):
            raise BadQuestion(gettext("Say which plan: “mark” is in the result of its job."))
        return started(request, lambda: start_dns_publish(domain, words["mark"], by=actor_of(request)))


def _changes(domain: Domain | None, request: Request, words: dict[str, str]) -> Response:
    found, around = one_page(record_changes(domain), request, {"ordering": "-at"} | words, {"at": ("id",)})
    return Response({**around, "results": list(map(change_row, found))})


def _domain(request: Request, words: dict[str, str]) -> Domain:
    try:
        return domain_seen_by(request.user, words.get("domain", ""))
    except ValidationError as error:
        raise BadQuestion(" ".join(error.messages)) from error
