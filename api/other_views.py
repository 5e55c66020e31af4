"""What of the API is no noun: the history, questions to the maps, health, and the description itself."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.models import ChangeSet
from api.access import actor_of, need_scope
from api.history import changes_of, scopes_to_undo
from api.noun import domain_seen_by
from api.nouns import NOUNS
from api.problems import BadQuestion
from api.questions import asked, filtered, is_true, one_page
from api.schema import ChangeSerializer, description, list_parameters, page_of
from api.scopes import WRITE
from api.views import LIST_WORDS, HouseView
from api.work_views import JobSerializer, refuse_for_some_domains, started
from api.writing import carry_out
from domains.history import change_sets_of, change_sets_visible_to
from lookup_tables.main_cf import all_parameters
from mailboxes.jobs import start_undo
from mailboxes.undo import is_long_work, undo_change_set
from mailservers.lookup import Lookup, Sender, Station, ask_map, steps_of
from mailservers.lookup_page import look_up_for
from mailservers.postfix_host import (
    MAPS_BY_ADDRESS,
    MAPS_BY_DOMAIN,
    MAPS_FOR_LOCAL_DOMAINS,
    MAPS_FOR_RELAY_DOMAINS,
)
from mailservers.rows_behind import rows_of, station_as_json
from mailservers.simulation import WORDS_OF_SESSION, question_of, verdict_on
from mailservers.simulation_words import as_json

PARAMETERS = sorted(
    {*MAPS_BY_ADDRESS, *MAPS_BY_DOMAIN, *MAPS_FOR_LOCAL_DOMAINS, *MAPS_FOR_RELAY_DOMAINS, *all_parameters()}
)


# The history


class ChangeSetSerializer(serializers.Serializer[Any]):
    """What one request, page or command did."""

    id = serializers.UUIDField(read_only=True)
    at = serializers.DateTimeField(read_only=True)
    sentence = serializers.CharField(read_only=True)
    who = serializers.CharField(read_only=True)
    token = serializers.CharField(read_only=True)
    door = serializers.CharField(read_only=True)
    host = serializers.CharField(read_only=True)
    verb = serializers.CharField(read_only=True)
    noun = serializers.CharField(read_only=True)
    domain = serializers.CharField(read_only=True)
    undid = serializers.CharField(read_only=True)


class WholeChangeSetSerializer(ChangeSetSerializer):
    changes = ChangeSerializer(many=True, read_only=True)
    is_cut = serializers.BooleanField(read_only=True)


class UndoneSerializer(serializers.Serializer[Any]):
    undid = serializers.UUIDField(read_only=True)
    change_set = serializers.UUIDField(read_only=True)


def _shown(change_set: ChangeSet) -> dict[str, Any]:
    keys = ("who", "token", "door", "host", "verb", "noun", "domain", "undid")
    about = {"id": change_set.pk, "at": change_set.created_at, "sentence": change_set.sentence}
    return about | {key: str(change_set.value(key)) for key in keys}


class History(HouseView):
    resource, tag = "history", "history"
    orderings = {"at": ("created_at", "id")}
    described = {
        "GET": {
            "operation": "list_history",
            "summary": _("List what was done, the last first"),
            "answers": {200: page_of("ChangeSet", ChangeSetSerializer)},
            "parameters": [
                *list_parameters(["-at", "at"]),
                OpenApiParameter("domain", str, "query", description=_("What touched this domain.")),
            ],
        }
    }

    def get(self, request: Request) -> Response:
        words = {"ordering": "-at"} | asked(request, [*LIST_WORDS, "domain"])
        rows = change_sets_visible_to(request.user)
        if "domain" in words:
            rows = filtered(rows, lambda _rows: change_sets_of(domain_seen_by(request.user, words["domain"])), "domain")
        found, around = one_page(rows, request, words, self.orderings)
        return Response({**around, "results": list(map(_shown, found))})


class OneChangeSet(HouseView):
    resource, tag = "history", "history"
    described = {
        "GET": {
            "operation": "show_change_set",
            "summary": _("Show what was done, before and after"),
            "answers": {200: WholeChangeSetSerializer},
            "parameters": [OpenApiParameter("id", OpenApiTypes.UUID, "path")],
        }
    }

    def get(self, request: Request, id: UUID) -> Response:  # noqa: A002
        asked(request, ())
        change_set = get_object_or_404(change_sets_visible_to(request.user), pk=id)
        return Response(_shown(change_set) | changes_of([change_set.pk], request))


class Undo(HouseView):
    resource, tag = "history", "history"
    described = {
        "POST": {
            "operation": "undo_change_set",
            "summary": _("Undo a change set, all of it or nothing; the undo can be undone as well"),
            "answers": {200: UndoneSerializer, 202: JobSerializer},
            "is_in_main_cf": True,
            "parameters": [OpenApiParameter("id", OpenApiTypes.UUID, "path")],
        }
    }

    def post(self, request: Request, id: UUID) -> Response:  # noqa: A002
        change_set, by = get_object_or_404(change_sets_visible_to(request.user), pk=id), actor_of(request)
        for resource in sorted(scopes_to_undo(change_set)):
            need_scope(request, resource, WRITE)
        if is_long_work(change_set):
            return self._left_to_the_worker(request, change_set, by)
        return carry_out(
            request,
            lambda: undo_change_set(change_set, by=by),
            lambda number: Response({"undid": change_set.pk, "change_set": number}),
            main_cf=dict.fromkeys(part for noun in NOUNS for part in noun.main_cf),
        )

    def _left_to_the_worker(self, request: Request, change_set: ChangeSet, by: Actor) -> Response:
        if is_true(asked(request, {"dry_run"}), "dry_run"):
            sentence = gettext("This is too much to rehearse within a request. Use: history undo %(id)s --dry-run.")
            raise ValidationError(sentence % {"id": change_set.pk})
        refuse_for_some_domains(request)
        return started(request, lambda: start_undo(change_set, by=by))


# Questions to the maps


class AskedSerializer(serializers.Serializer[Any]):
    key = serializers.CharField(read_only=True)
    results = serializers.ListField(child=serializers.CharField(), read_only=True)


class RowSerializer(serializers.Serializer[Any]):
    """What made a map answer, with its page."""

    kind = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    url = serializers.CharField(read_only=True)
    changed_by = serializers.CharField(read_only=True)
    changed_at = serializers.DateTimeField(read_only=True, allow_null=True)


class StationSerializer(serializers.Serializer[Any]):
    parameter = serializers.CharField(read_only=True)
    asked = AskedSerializer(many=True, read_only=True)
    proof = serializers.CharField(read_only=True, help_text=_("The command by which Postfix itself answers."))
    rows = RowSerializer(many=True, read_only=True)


class DestinationSerializer(serializers.Serializer[Any]):
    address = serializers.CharField(read_only=True)
    end = serializers.CharField(read_only=True)
    mail_path = serializers.CharField(read_only=True)
    way = serializers.CharField(read_only=True)


class SenderSerializer(serializers.Serializer[Any]):
    """What concerns the sender: what cleanup(8) makes of it, and what somebody who signed in as `login` hears."""

    address = serializers.CharField(read_only=True)
    becomes = serializers.CharField(read_only=True)
    stations = StationSerializer(many=True, read_only=True)
    login = serializers.CharField(read_only=True)
    may_send = serializers.BooleanField(read_only=True, allow_null=True)
    reply = serializers.CharField(read_only=True)


class LookupSerializer(serializers.Serializer[Any]):
    """What Postfix does with an address: its reply, the maps it asks, where the mail ends, and who may send as it."""

    address = serializers.CharField(read_only=True)
    address_class = serializers.CharField(read_only=True)
    is_accepted = serializers.BooleanField(read_only=True)
    code = serializers.IntegerField(read_only=True)
    reply = serializers.CharField(read_only=True)
    stations = StationSerializer(many=True, read_only=True)
    steps = StationSerializer(
        many=True, read_only=True, help_text=_("What is asked once the mail is taken: rewriting, delivery and copies.")
    )
    destinations = DestinationSerializer(many=True, read_only=True)
    logins = serializers.ListField(child=serializers.CharField(), read_only=True)
    access = StationSerializer(many=True, read_only=True)
    lists_decide = serializers.BooleanField(
        read_only=True, help_text=_("A rule or a restriction class applies: simulate gives the reply.")
    )
    sender = SenderSerializer(read_only=True, allow_null=True)


class LookUp(HouseView):
    resource, tag = "diagnostics", "diagnostics"
    described = {
        "GET": {
            "operation": "look_up",
            "summary": _("What Postfix will do with an address"),
            "answers": {200: LookupSerializer},
            "parameters": [
                OpenApiParameter("address", str, "query", required=True),
                OpenApiParameter("from", str, "query", description=_("A sender. Only superusers ask about one.")),
                OpenApiParameter("login", str, "query", description=_("A mailbox that has signed in; needs “from”.")),
            ],
            "problems": [422],
        }
    }

    def get(self, request: Request) -> Response:
        words = asked(request, ["address", "from", "login"])
        sender, login = words.get("from", ""), words.get("login", "")
        if login and not sender:
            raise BadQuestion(_("“login” needs “from” as well: the sender."))
        found: Lookup = look_up_for(request.user, words.get("address", ""), sender=sender, login=login)
        rows = rows_of([found])

        def told(stations: Iterable[Station]) -> list[dict[str, Any]]:
            return [station_as_json(station, rows) for station in stations]

        return Response(
            {
                "address": found.address,
                "address_class": found.address_class,
                "is_accepted": found.is_accepted,
                "code": found.code,
                "reply": found.reply,
                "stations": told(found.door),
                "steps": told(steps_of(found)),
                "destinations": [
                    {name: getattr(one, name) for name in ("address", "end", "mail_path", "way")}
                    for one in found.destinations
                ],
                "logins": list(found.logins),
                "access": told(found.access),
                "lists_decide": found.lists_decide,
                "sender": _sender(found.sender) | {"stations": told(found.sender.stations)} if found.sender else None,
            }
        )


def _sender(sender: Sender) -> dict[str, Any]:
    return {name: getattr(sender, name) for name in ("address", "becomes", "login", "may_send", "reply")}


class SimulatedStepSerializer(serializers.Serializer[Any]):
    where = serializers.CharField(read_only=True)
    restriction = serializers.CharField(read_only=True)
    outcome = serializers.CharField(read_only=True)
    why = serializers.CharField(read_only=True)
    reply = serializers.CharField(read_only=True)


class SimulatedAnswerSerializer(serializers.Serializer[Any]):
    command = serializers.CharField(read_only=True)
    address = serializers.CharField(read_only=True)
    code = serializers.IntegerField(read_only=True)
    reply = serializers.CharField(read_only=True)
    decided_by = serializers.CharField(read_only=True)
    where = serializers.CharField(read_only=True)
    why = serializers.CharField(read_only=True)
    warnings = serializers.ListField(child=serializers.CharField(), read_only=True)
    steps = SimulatedStepSerializer(many=True, read_only=True)


class AssumedSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(read_only=True)
    answer = serializers.CharField(read_only=True)
    is_stated = serializers.BooleanField(read_only=True)


class VerdictSerializer(serializers.Serializer[Any]):
    """What smtpd answers in a session, the rule that decides each time, and what was assumed."""

    is_accepted = serializers.BooleanField(read_only=True)
    is_complete = serializers.BooleanField(read_only=True)
    answers = SimulatedAnswerSerializer(many=True, read_only=True)
    assumed = AssumedSerializer(many=True, read_only=True)


class Simulate(HouseView):
    resource, tag, only_superusers = "diagnostics", "diagnostics", True
    described = {
        "GET": {
            "operation": "simulate",
            "summary": _("What smtpd will answer in a session, and which restriction decides"),
            "answers": {200: VerdictSerializer},
            "parameters": [
                OpenApiParameter(name, str, "query", required=name in ("client", "to")) for name in WORDS_OF_SESSION
            ],
            "problems": [422],
        }
    }

    def get(self, request: Request) -> Response:
        return Response(as_json(verdict_on(question_of(asked(request, WORDS_OF_SESSION)))))


class MapSerializer(AskedSerializer):
    parameter = serializers.CharField(read_only=True)


class OneMap(HouseView):
    resource, tag, only_superusers = "diagnostics", "diagnostics", True
    described = {
        "GET": {
            "operation": "ask_map",
            "summary": _("What one map answers to a key, as postmap -q"),
            "answers": {200: MapSerializer},
            "parameters": [
                OpenApiParameter("parameter", str, "path", enum=PARAMETERS),
                OpenApiParameter("key", str, "query", required=True),
            ],
        }
    }

    def get(self, request: Request, parameter: str) -> Response:
        if parameter not in PARAMETERS:
            raise NotFound
        words = asked(request, ["key"])
        if "key" not in words:
            raise BadQuestion(_("Say which “key” is asked for."))
        key = words["key"]
        return Response({"parameter": parameter, "key": key, "results": list(ask_map(parameter, key))})


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(read_only=True)
    checks = serializers.DictField(child=serializers.CharField(), read_only=True)


class Health(HouseView):
    """`ask` comes from mailadmin, which knows all rooms."""

    resource, tag = "diagnostics", "diagnostics"
    ask: Callable[[], dict[str, str]] | None = None
    described = {
        "GET": {
            "operation": "show_health",
            "summary": _("Whether all is well; 503 with sentences if not"),
            "answers": {200: HealthSerializer, 503: HealthSerializer},
        }
    }

    def get(self, request: Request) -> Response:
        asked(request, ())
        checks = self.ask() if self.ask else {}
        reasons = [answer for answer in checks.values() if answer != "ok"]
        answer = Response({"status": " ".join(reasons) or "ok", "checks": checks}, status=503 if reasons else 200)
        answer._has_been_logged = True  # type: ignore[attr-defined]  # a probe a second would fill the log
        return answer


# The description


class Schema(HouseView):
    """For programs that make programs."""

    tag = "diagnostics"
    described = {
        "GET": {
            "operation": "show_schema",
            "summary": _("This description, OpenAPI 3.1"),
            "answers": {200: OpenApiTypes.OBJECT},
        }
    }

    def get(self, request: Request) -> Response:
        return Response(description())


class Nowhere(HouseView):
    """Any other URL below /api/: a program wants no page that says so."""

    schema = None

    @property
    def allowed_methods(self) -> list[str]:
        return [name.upper() for name in self.http_method_names]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound
