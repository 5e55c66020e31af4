"""What the Restrictions page says of all lists together: what is odd about them, and what main.cf will have."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.questions import asked
from api.views import HouseView
from restrictions.lists import Lists
from restrictions.main_cf import all_parameters
from restrictions.page import everything
from restrictions.relaying import fault_of_relaying


class OdditySerializer(serializers.Serializer[Any]):
    where = serializers.CharField(read_only=True)
    entry = serializers.CharField(read_only=True)
    sentence = serializers.CharField(read_only=True)


class RestrictionReportSerializer(serializers.Serializer[Any]):
    """What is legal and odd, as `check_restrictions` says it. `open_relay` is a sentence if the lists were one."""

    open_relay = serializers.CharField(read_only=True)
    oddities = OdditySerializer(many=True, read_only=True)


class RestrictionReport(HouseView):
    resource, tag, only_superusers = "restrictions", "restrictions", True
    described = {
        "GET": {
            "operation": "show_restriction_report",
            "summary": _("What is odd in the restriction lists and classes"),
            "answers": {200: RestrictionReportSerializer},
        }
    }

    def get(self, request: Request) -> Response:
        asked(request, ())
        lists, found, _chosen = everything()
        said = [{"where": one.where, "entry": str(one.entry or ""), "sentence": one.sentence} for one in found]
        return Response({"open_relay": fault_of_relaying(lists) or "", "oddities": said})


class ParameterSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(read_only=True)
    value = serializers.CharField(read_only=True)
    reason = serializers.CharField(read_only=True)


class RestrictionPreviewSerializer(serializers.Serializer[Any]):
    """What `postfix_config` will write of lists and classes, those too that the panel makes. `{directory}` is where the
    files are on the mail host."""

    parameters = ParameterSerializer(many=True, read_only=True)


class RestrictionPreview(HouseView):
    resource, tag, only_superusers = "restrictions", "restrictions", True
    described = {
        "GET": {
            "operation": "show_restriction_preview",
            "summary": _("What main.cf will have of the restriction lists and classes"),
            "answers": {200: RestrictionPreviewSerializer},
        }
    }

    def get(self, request: Request) -> Response:
        asked(request, ())
        return Response({"parameters": [one._asdict() for one in all_parameters(Lists.current())]})
