"""Broadcasts: one mail to each mailbox of some domains, handed to the worker; how far each is, and its end."""

from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import actor_of
from api.fields import Text, Texts, like
from api.noun import plain, refuse_unknown_fields
from api.problems import Refused, errors_of, status_of
from api.questions import asked, is_true, one_page
from api.schema import QUERY, list_parameters, page_of
from api.views import LIST_WORDS, HouseView
from api.work_views import refuse_for_some_domains
from api.writing import carry_out
from mailboxes.broadcasts import preview_of_broadcast, start_broadcast, stop_broadcast
from mailboxes.models import Broadcast, BroadcastRecipient

NUMBER = OpenApiParameter("id", int, "path")


class BroadcastSerializer(serializers.Serializer[Any]):
    """A broadcast and how far it is: sending, done, stopped or failed."""

    id = serializers.IntegerField(read_only=True)
    subject = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)
    sender = serializers.CharField(read_only=True)
    domains = serializers.ListField(child=serializers.CharField(), source="domain_names", read_only=True)
    state = serializers.ChoiceField(choices=["sending", "done", "stopped", "failed"], read_only=True)
    total = serializers.IntegerField(source="progress.total", read_only=True, allow_null=True)
    reached = serializers.IntegerField(source="progress.reached", read_only=True)
    refused = serializers.IntegerField(source="progress.refused", read_only=True)
    left_out = serializers.IntegerField(source="progress.left_out", read_only=True)
    job = serializers.IntegerField(source="progress.job_id", read_only=True, allow_null=True)
    who = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    stopped_at = serializers.DateTimeField(read_only=True, allow_null=True)
    finished_at = serializers.DateTimeField(source="progress.finished_at", read_only=True, allow_null=True)


class NewBroadcastSerializer(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        return {
            "subject": like(Broadcast, "subject"),
            "text": like(Broadcast, "text"),
            "domains": Texts(required=False, help_text=_("Only to these; else to all that you look after.")),
            "sender": Text(
                required=False, allow_blank=True, help_text=_("An address of a domain here; else the panel itself.")
            ),
        }

    def to_internal_value(self, data: Any) -> Any:
        refuse_unknown_fields(data, self.fields, self.fields)
        return super().to_internal_value(data)


class BroadcastPreviewSerializer(serializers.Serializer[Any]):
    """How many mailboxes would get it, and what one of them would get."""

    dry_run = serializers.BooleanField(read_only=True)
    mailboxes = serializers.IntegerField(read_only=True)
    domains = serializers.IntegerField(read_only=True)
    sender = serializers.CharField(read_only=True)
    to = serializers.CharField(read_only=True)
    subject = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)


class BroadcastRefusalSerializer(serializers.Serializer[Any]):
    """A mailbox that did not get it, and what the server said for good, or five times."""

    address = serializers.CharField(source="mailbox", read_only=True)
    refusal = serializers.CharField(read_only=True)


class BroadcastView(HouseView):
    """The worker sends in the name of the person, so a token for some domains is not enough."""

    resource, tag = "mailboxes", "broadcasts"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_for_some_domains(request)

    def found(self, request: Request, number: int) -> Broadcast:
        return get_object_or_404(Broadcast.objects.visible_to(request.user).with_progress(), pk=number)


class Broadcasts(BroadcastView):
    orderings = {"added": ("pk",)}
    described = {
        "GET": {
            "operation": "list_broadcasts",
            "summary": _("List broadcasts, the last first"),
            "answers": {200: page_of("Broadcast", BroadcastSerializer)},
            "parameters": list_parameters(["-added", "added"]),
        },
        "POST": {
            "operation": "start_broadcast",
            "summary": _("Send one mail to each mailbox of some domains, or of all; the worker does it"),
            "request": NewBroadcastSerializer,
            "answers": {201: BroadcastSerializer, 200: BroadcastPreviewSerializer},
            "parameters": [OpenApiParameter("dry_run", bool, QUERY, description=_("Only the preview."))],
            "is_work": True,
        },
    }

    def get(self, request: Request) -> Response:
        words = {"ordering": "-added"} | asked(request, LIST_WORDS)
        rows = Broadcast.objects.visible_to(request.user).with_progress()
        found, around = one_page(rows, request, words, self.orderings)
        return Response({**around, "results": BroadcastSerializer(found, many=True).data})

    def post(self, request: Request) -> Response:
        words, by = asked(request, ["dry_run"]), actor_of(request)
        body = NewBroadcastSerializer(data=plain(request.data))
        body.is_valid(raise_exception=True)
        values = {"domain_names" if name == "domains" else name: value for name, value in body.validated_data.items()}
        try:
            if is_true(words, "dry_run"):
                return Response({"dry_run": True, **asdict(preview_of_broadcast(**values, by=by))})
            return self._started(request, start_broadcast(**values, by=by))
        except ValidationError as error:
            raise Refused(list(errors_of(error, {"domain_names": "domains"})), status_of(error)) from error

    def _started(self, request: Request, broadcast: Broadcast) -> Response:
        location = request.build_absolute_uri(reverse("api_broadcast", args=[broadcast.pk]))
        return Response(BroadcastSerializer(broadcast).data, status=201, headers={"Location": location})


class OneBroadcast(BroadcastView):
    described = {
        "GET": {
            "operation": "show_broadcast",
            "summary": _("Show a broadcast and how far it is"),
            "answers": {200: BroadcastSerializer},
            "parameters": [NUMBER],
        }
    }

    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        asked(request, ())
        return Response(BroadcastSerializer(self.found(request, id)).data)


class StopBroadcast(BroadcastView):
    described = {
        "POST": {
            "operation": "stop_broadcast",
            "summary": _("Stop a broadcast: whoever has not got it yet gets none"),
            "answers": {200: BroadcastSerializer},
            "parameters": [NUMBER],
        }
    }

    def post(self, request: Request, id: int) -> Response:  # noqa: A002
        one, by = self.found(request, id), actor_of(request)
        return carry_out(
            request,
            lambda: stop_broadcast(one, by=by),
            lambda _nothing: Response(BroadcastSerializer(self.found(request, id)).data),
        )


class BroadcastRefusals(BroadcastView):
    orderings = {"added": ("pk",)}
    described = {
        "GET": {
            "operation": "list_broadcast_refusals",
            "summary": _("List the mailboxes that did not get a broadcast, and what the server said"),
            "answers": {200: page_of("BroadcastRefusal", BroadcastRefusalSerializer)},
            "parameters": [NUMBER, *list_parameters(["added", "-added"])],
        }
    }

    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        words, one = asked(request, LIST_WORDS), self.found(request, id)
        rows = BroadcastRecipient.objects.filter(broadcast=one).exclude(refusal="")
        found, around = one_page(rows.select_related("mailbox__address__domain"), request, words, self.orderings)
        return Response({**around, "results": BroadcastRefusalSerializer(found, many=True).data})
