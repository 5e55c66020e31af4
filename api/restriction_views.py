"""What the Restrictions page says of all lists together: what is odd about them, and what main.cf will have."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.problems import BadQuestion
from api.questions import asked
from api.views import HouseView
from domains.fields import shown
from restrictions.catalogue import STAGES, Argument, found_in_catalogue, row_of_known
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


class KnownRestrictionSerializer(serializers.Serializer[Any]):
    """A restriction of Postfix: the lists that it fits, what it takes, the version that brought it, what it does."""

    name = serializers.CharField(read_only=True)
    stages = serializers.ListField(child=serializers.ChoiceField(STAGES), read_only=True)
    argument = serializers.ChoiceField(Argument.choices, read_only=True)
    since = serializers.CharField(read_only=True, help_text=_("A version of Postfix."))
    sentence = serializers.CharField(read_only=True)


class RestrictionCatalogueSerializer(serializers.Serializer[Any]):
    results = KnownRestrictionSerializer(many=True, read_only=True)


class RestrictionCatalogue(HouseView):
    """All at once: it is a short table of the program."""

    resource, tag, only_superusers = "restrictions", "restrictions", True
    described = {
        "GET": {
            "operation": "list_restriction_catalogue",
            "summary": _("List the restrictions that Postfix knows"),
            "answers": {200: RestrictionCatalogueSerializer},
            "parameters": [
                OpenApiParameter(
                    "stage", str, "query", enum=STAGES, description=_("Only what fits the list of this stage.")
                ),
                OpenApiParameter("search", str, "query", description=_("Names that have this in them.")),
            ],
        }
    }

    def get(self, request: Request) -> Response:
        words = asked(request, ["stage", "search"])
        stage = words.get("stage", "")
        if "stage" in words and stage not in STAGES:
            sentence = gettext("There is no stage “%(stage)s”. Known are: %(known)s.")
            raise BadQuestion(sentence % {"stage": shown(stage), "known": ", ".join(STAGES)})
        found = found_in_catalogue(stage=stage, part=words.get("search", ""))
        return Response({"results": list(map(row_of_known, found))})


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
