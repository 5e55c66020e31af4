"""Comparisons of maps, as compare_maps made them on a mail host: to look at, and to wait for."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.questions import asked, one_page
from api.schema import list_parameters, page_of
from api.views import LIST_WORDS, HouseView
from takeover.models import Comparison, ComparisonDifference


class ComparisonSerializer(serializers.ModelSerializer[Comparison]):
    explained = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    remarks = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Comparison
        fields = ["id", "old", "new", "host", "who", "state", "done", "total", "differences", "explained", "remarks"]
        fields += ["error", "started_at", "seen_at", "finished_at"]
        read_only_fields = fields


class DifferenceSerializer(serializers.ModelSerializer[ComparisonDifference]):
    class Meta:
        model = ComparisonDifference
        fields = ["about", "key", "old", "new"]
        read_only_fields = fields


class Comparisons(HouseView):
    resource, tag, only_superusers = "diagnostics", "diagnostics", True
    orderings = {"id": ("id",)}
    described = {
        "GET": {
            "operation": "list_comparisons",
            "summary": _("List comparisons of maps, the last first"),
            "answers": {200: page_of("Comparison", ComparisonSerializer)},
            "parameters": list_parameters(["-id", "id"]),
        }
    }

    def get(self, request: Request) -> Response:
        words = {"ordering": "-id"} | asked(request, LIST_WORDS)
        found, around = one_page(Comparison.objects.visible_to(request.user), request, words, self.orderings)
        return Response({**around, "results": ComparisonSerializer(found, many=True).data})


class OneComparison(HouseView):
    resource, tag, only_superusers = "diagnostics", "diagnostics", True
    described = {
        "GET": {
            "operation": "show_comparison",
            "summary": _("Show a comparison of maps: how far it is, and what it found"),
            "answers": {200: ComparisonSerializer},
            "parameters": [OpenApiParameter("id", int, "path")],
        }
    }

    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        asked(request, ())
        return Response(ComparisonSerializer(_found(request, id)).data)


class Differences(HouseView):
    resource, tag, only_superusers = "diagnostics", "diagnostics", True
    orderings = {"id": ("id",)}
    described = {
        "GET": {
            "operation": "list_differences",
            "summary": _("List the differences that a comparison of maps found"),
            "answers": {200: page_of("Difference", DifferenceSerializer)},
            "parameters": [OpenApiParameter("id", int, "path"), *list_parameters(["id", "-id"])],
        }
    }

    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        words: dict[str, Any] = {"ordering": "id"} | asked(request, LIST_WORDS)
        found, around = one_page(_found(request, id).found.all(), request, words, self.orderings)
        return Response({**around, "results": DifferenceSerializer(found, many=True).data})


def _found(request: Request, id: int) -> Comparison:  # noqa: A002
    return get_object_or_404(Comparison.objects.visible_to(request.user), pk=id)
