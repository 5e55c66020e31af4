"""What came over from another panel: the takeovers, the rows that are kept, and the log that was written there."""

from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.problems import BadQuestion
from api.questions import asked, one_page
from api.schema import list_parameters, page_of
from api.views import LIST_WORDS, HouseView
from takeover.kept_models import ForeignLogEntry, KeptRow, Takeover
from takeover.kept_restriction_words import said_of_kept
from takeover.kept_words import details_of, subject_of
from takeover.postfixadmin_words import is_refusal, said


class TakeoverSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True)
    source = serializers.CharField(read_only=True, help_text=_("Without a password."))
    who = serializers.CharField(read_only=True)
    host = serializers.CharField(read_only=True)
    at = serializers.DateTimeField(read_only=True)
    change_sets = serializers.ListField(child=serializers.UUIDField(), read_only=True)


class CountSerializer(serializers.Serializer[Any]):
    """How much of one kind came."""

    new = serializers.IntegerField(read_only=True)
    there = serializers.IntegerField(read_only=True, help_text=_("Was here already."))
    left_out = serializers.IntegerField(read_only=True)


class SaidSerializer(serializers.Serializer[Any]):
    """A sentence of the report, with a code for programs."""

    code = serializers.CharField(read_only=True)
    thing = serializers.CharField(read_only=True)
    sentence = serializers.CharField(read_only=True)


class WholeTakeoverSerializer(TakeoverSerializer):
    counts = serializers.DictField(child=CountSerializer(), read_only=True, help_text=_("By kind."))
    left_out = SaidSerializer(many=True, read_only=True, help_text=_("What could not come as it was."))
    remarks = SaidSerializer(many=True, read_only=True, help_text=_("What came and was strange."))
    kept = SaidSerializer(many=True, read_only=True, help_text=_("Restrictions and what was kept."))


class KeptRowSerializer(serializers.Serializer[Any]):
    """A secret is in it under no name, only that there is one."""

    id = serializers.IntegerField(read_only=True)
    source = serializers.CharField(read_only=True)
    kind = serializers.ChoiceField(choices=KeptRow.Kind.values, read_only=True)
    subject = serializers.SerializerMethodField(help_text=_("The address, domain or person that it belongs to."))
    domain = serializers.CharField(source="domain_name", read_only=True)
    details = serializers.SerializerMethodField(help_text=_("By the names that they had there."))
    has_secret = serializers.SerializerMethodField()
    kept_at = serializers.DateTimeField(read_only=True)

    def get_subject(self, row: KeptRow) -> str:
        return subject_of(row)

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_details(self, row: KeptRow) -> dict[str, Any]:
        return details_of(row)

    def get_has_secret(self, row: KeptRow) -> bool:
        return bool(row.secret)


class LogLineSerializer(serializers.ModelSerializer[ForeignLogEntry]):
    domain = serializers.CharField(source="domain_name", read_only=True)

    class Meta:
        model = ForeignLogEntry
        fields = ["id", "source", "at", "who", "ip", "domain", "action", "what"]
        read_only_fields = fields


class Takeovers(HouseView):
    resource, tag, only_superusers = "history", "takeovers", True
    orderings = {"id": ("id",)}
    described = {
        "GET": {
            "operation": "list_takeovers",
            "summary": _("List what came over from other panels, the last first"),
            "answers": {200: page_of("Takeover", TakeoverSerializer)},
            "parameters": list_parameters(["-id", "id"]),
        }
    }

    def get(self, request: Request) -> Response:
        words = {"ordering": "-id"} | asked(request, LIST_WORDS)
        rows = Takeover.objects.visible_to(request.user)
        found, around = one_page(rows, request, words, self.orderings)
        return Response({**around, "results": TakeoverSerializer(found, many=True).data})


class OneTakeover(HouseView):
    resource, tag, only_superusers = "history", "takeovers", True
    described = {
        "GET": {
            "operation": "show_takeover",
            "summary": _("Show a takeover: what came, what was left out, what was strange"),
            "answers": {200: WholeTakeoverSerializer},
            "parameters": [OpenApiParameter("id", int, "path")],
        }
    }

    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        asked(request, ())
        one = get_object_or_404(Takeover.objects.visible_to(request.user), pk=id)
        shown = {name: getattr(one, name) for name in ("id", "source", "who", "host", "at", "change_sets", "counts")}
        shown["left_out"] = [said(remark) for remark in one.remarks if is_refusal(remark)]
        shown["remarks"] = [said(remark) for remark in one.remarks if not is_refusal(remark)]
        shown["kept"] = [said_of_kept(thing) for thing in one.kept]
        return Response(WholeTakeoverSerializer(shown).data)


class KeptRows(HouseView):
    resource, tag = "mailboxes", "takeovers"
    orderings = {"kind": ("kind", "id")}
    described = {
        "GET": {
            "operation": "list_kept_rows",
            "summary": _("List what another panel had and this one has no place for yet"),
            "answers": {200: page_of("KeptRow", KeptRowSerializer)},
            "parameters": [
                *list_parameters(["kind", "-kind"]),
                OpenApiParameter("kind", str, "query", enum=KeptRow.Kind.values, description=_("Only of this kind.")),
                OpenApiParameter("domain", str, "query", description=_("Only of this domain, as it was called there.")),
            ],
        }
    }

    def get(self, request: Request) -> Response:
        words = asked(request, [*LIST_WORDS, "kind", "domain"])
        rows = KeptRow.objects.visible_to(request.user)
        if "kind" in words:
            if words["kind"] not in KeptRow.Kind.values:
                known = ", ".join(KeptRow.Kind.values)
                raise BadQuestion(gettext("“kind” is one of: %(known)s.") % {"known": known})
            rows = rows.filter(kind=words["kind"])
        if "domain" in words:
            rows = rows.filter(domain_name=words["domain"].lower())
        found, around = one_page(rows, request, words, self.orderings)
        return Response({**around, "results": KeptRowSerializer(found, many=True).data})


class HistoryBefore(HouseView):
    resource, tag = "history", "history"
    orderings = {"at": ("at", "id")}
    described = {
        "GET": {
            "operation": "list_history_before",
            "summary": _("List the log of another panel, the last first"),
            "answers": {200: page_of("LogLine", LogLineSerializer)},
            "parameters": [
                *list_parameters(["-at", "at"]),
                OpenApiParameter("domain", str, "query", description=_("Only of this domain, as it was called there.")),
                OpenApiParameter("since", OpenApiTypes.DATETIME, "query", description=_("From this time on.")),
                OpenApiParameter("until", OpenApiTypes.DATETIME, "query", description=_("Before this time.")),
            ],
        }
    }

    def get(self, request: Request) -> Response:
        words = {"ordering": "-at"} | asked(request, [*LIST_WORDS, "domain", "since", "until"])
        rows = ForeignLogEntry.objects.visible_to(request.user)
        if "domain" in words:
            rows = rows.filter(domain_name=words["domain"].lower())
        if "since" in words:
            rows = rows.filter(at__gte=_moment(words, "since"))
        if "until" in words:
            rows = rows.filter(at__lt=_moment(words, "until"))
        found, around = one_page(rows, request, words, self.orderings)
        return Response({**around, "results": LogLineSerializer(found, many=True).data})


def _moment(words: dict[str, str], name: str) -> datetime:
    try:
        found = parse_datetime(words[name])
    except ValueError:
        found = None
    if found is None or is_naive(found):
        raise BadQuestion(gettext("“%(name)s” is a time as RFC 3339 has it: 2026-01-31T12:00:00Z.") % {"name": name})
    return found
