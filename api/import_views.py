"""Many at once: a file is sent and judged, looked at, and then written by the worker; and the same rows as a file.

What is sent lies in memory, since passwords may stand in it."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from api.access import actor_of, need_scope
from api.noun import OF_DOMAIN, domain_seen_by
from api.problems import BadQuestion, TooLarge
from api.questions import asked, is_true, one_page
from api.schema import QUERY, list_parameters, page_of
from api.scopes import READ, WRITE
from api.views import LIST_WORDS, HouseView
from api.work_views import started, work
from mailboxes.columns import COLUMNS, NEEDED
from mailboxes.exports import columns_of_export, csv_lines, exported
from mailboxes.import_passwords import new_key
from mailboxes.imports import faults_of_line, faulty, forget_import, refusal_of, stage_import, stage_upload
from mailboxes.jobs import start_import
from mailboxes.models import Import

MEGABYTE = 1024**2
FAULTS_SHOWN = 100  # lines of a rehearsal
IN_FORM = "file"  # the field of a form that holds the file
KINDS = list(Import.Kind.values)
OF_KIND = OpenApiParameter("kind", str, QUERY, required=True, enum=KINDS, description=gettext_lazy("Of what."))
OF_COLUMNS = OpenApiParameter(
    "kind",
    str,
    QUERY,
    required=True,
    enum=KINDS,
    description=format_lazy(
        "{} {}.",
        gettext_lazy("Of what, and so which columns a row may have."),
        ". ".join(f"{kind}: {', '.join(COLUMNS[kind])}" for kind in KINDS),
    ),
)
# What stands in a cell is read as in a CSV file, so a row says nothing of it.
ROW = {
    "anyOf": [
        {
            "title": f"{kind.capitalize()}Row",
            "type": "object",
            "properties": {name: {} for name in COLUMNS[kind]},
            "required": list(NEEDED[kind]),
            "additionalProperties": False,
        }
        for kind in KINDS
    ]
}


class _FileParser(BaseParser):
    """The body as it is."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        most = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise _too_large(most)
        return io.BytesIO(body)


class Uploaded(io.BytesIO):
    """A file out of a form, with the name that it had there."""

    name = ""


class FormFile(BaseParser):
    """A form with a file in it, as `curl -F file=@people.csv` sends it: RFC 7578."""

    media_type = "multipart/form-data"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        most = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        if int(stream.META.get("CONTENT_LENGTH") or 0) > most:  # it is not even taken into memory
            raise _too_large(most)
        form = MultiPartParser().parse(stream, media_type, parser_context)
        names = [*form.data, *(name for name, files in form.files.lists() for _file in files)]
        if names != [IN_FORM] or IN_FORM not in form.files:
            raise BadQuestion(gettext("A form holds one file, in the field “file”, and nothing else."))
        file = Uploaded(form.files[IN_FORM].read())
        file.name = form.files[IN_FORM].name or ""
        return file


def _too_large(most: int) -> TooLarge:
    sentence = gettext("A file may have %(most)d MB here. Use the command import_csv, or smaller files.")
    return TooLarge(sentence % {"most": most // MEGABYTE})


class CSVFile(_FileParser):
    media_type = "text/csv"


class JSONFile(_FileParser):
    media_type = "application/json"


class ImportSerializer(serializers.ModelSerializer[Import]):
    """A file on its way: what would become of its lines, and once it is being written, the job."""

    job = serializers.IntegerField(source="job_id", read_only=True, allow_null=True)

    class Meta:
        model = Import
        fields = ["id", "kind", "label", "skip_existing", "despite_quarantine", "lines", "new", "there", "refused"]
        fields += ["job", "change_set", "created_at"]
        read_only_fields = fields


class FaultSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(read_only=True)
    thing = serializers.CharField(read_only=True)
    sentence = serializers.CharField(read_only=True)


class JudgedSerializer(serializers.Serializer[Any]):
    """What would become of the lines; nothing is kept."""

    dry_run = serializers.BooleanField(read_only=True)
    lines = serializers.IntegerField(read_only=True)
    new = serializers.IntegerField(read_only=True)
    there = serializers.IntegerField(read_only=True)
    refused = serializers.IntegerField(read_only=True)
    faults = FaultSerializer(many=True, read_only=True)
    is_cut = serializers.BooleanField(read_only=True)


class FaultyLineSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(read_only=True)
    thing = serializers.CharField(read_only=True)
    sentences = serializers.ListField(child=serializers.CharField(), read_only=True)


class ImportView(HouseView):
    """The worker writes in the name of the person, so a token for some domains is not enough."""

    tag = "imports"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.user.limited_to is not None:
            raise PermissionDenied(gettext("A token for some domains imports nothing. Take one without domains."))

    def own(self, request: Request, number: int, access: str) -> Import:
        one: Import = get_object_or_404(Import.objects.visible_to(request.user).select_related("job"), pk=number)
        need_scope(request, one.kind, access)
        return one


class Imports(ImportView):
    parser_classes = [CSVFile, JSONFile, FormFile]
    orderings = {"added": ("pk",)}
    described = {
        "GET": {
            "operation": "list_imports",
            "summary": gettext_lazy("List the own imports of the last day, the last first"),
            "answers": {200: page_of("Import", ImportSerializer)},
            "parameters": [OF_KIND, *list_parameters(["-added", "added"])],
        },
        "POST": {
            "operation": "add_import",
            "summary": gettext_lazy("Send a file: its lines are judged, and nothing is added yet"),
            "request": {
                "text/csv": OpenApiTypes.STR,
                "application/json": {"type": "array", "items": ROW, "minItems": 1},
                "multipart/form-data": {
                    "type": "object",
                    "properties": {IN_FORM: {"type": "string", "format": "binary"}},
                    "required": [IN_FORM],
                    "additionalProperties": False,
                },
            },
            "answers": {201: ImportSerializer, 200: JudgedSerializer},
            "parameters": [
                OpenApiParameter("dry_run", bool, QUERY, description=gettext_lazy("Only judge the lines.")),
                OF_COLUMNS,
                OpenApiParameter("label", str, QUERY, description=gettext_lazy("The name of the file.")),
                OpenApiParameter(
                    "skip_existing", bool, QUERY, description=gettext_lazy("What is there already is no fault.")
                ),
                OpenApiParameter(
                    "despite_quarantine",
                    bool,
                    QUERY,
                    description=gettext_lazy("Take addresses in quarantine all the same. For superusers."),
                ),
            ],
            "is_work": True,
        },
    }

    def get(self, request: Request) -> Response:
        words = {"ordering": "-added"} | asked(request, [*LIST_WORDS, "kind"])
        kind = _kind(request, words, READ)
        found, around = one_page(
            Import.objects.visible_to(request.user).filter(kind=kind), request, words, self.orderings
        )
        return Response({**around, "results": ImportSerializer(found, many=True).data})

    def post(self, request: Request) -> Response:
        words = asked(request, ["kind", "label", "dry_run", "skip_existing", "despite_quarantine"])
        kind, file, by = _kind(request, words, WRITE), request.data, actor_of(request)
        choices: dict[str, Any] = {name: is_true(words, name) for name in ("skip_existing", "despite_quarantine")}
        label = words.get("label") or getattr(file, "name", "") or "API"
        if not isinstance(file, io.BytesIO):  # nothing was sent
            file = io.BytesIO()
        if is_true(words, "dry_run"):
            with transaction.atomic():
                one = stage_import(kind, file, label=label, key=new_key(), by=by, **choices)
                judged = _judged(one)
                transaction.set_rollback(True)
            return Response(judged)
        one = stage_upload(kind, file, label=label, by=by, **choices)
        location = request.build_absolute_uri(reverse("api_import", args=[one.pk]))
        return Response(ImportSerializer(one).data, status=201, headers={"Location": location})


def _kind(request: Request, words: Mapping[str, str], access: str) -> str:
    kind = words.get("kind", "")
    if kind not in KINDS:
        raise BadQuestion(gettext("“kind” is one of: %(known)s.") % {"known": ", ".join(KINDS)})
    need_scope(request, kind, access)
    return kind


def _judged(one: Import) -> dict[str, Any]:
    lines = list(faulty(one)[: FAULTS_SHOWN + 1])
    faults = [fault for row in lines[:FAULTS_SHOWN] for fault in faults_of_line(one, row)]
    figures = {name: getattr(one, name) for name in ("lines", "new", "there", "refused")}
    return {"dry_run": True, **figures, "faults": faults, "is_cut": len(lines) > FAULTS_SHOWN}


class OneImport(ImportView):
    described = {
        "GET": {
            "operation": "show_import",
            "summary": gettext_lazy("Show what would become of the lines, or who is writing them"),
            "answers": {200: ImportSerializer},
            "parameters": [OpenApiParameter("id", int, "path")],
        },
        "DELETE": {
            "operation": "delete_import",
            "summary": gettext_lazy("Forget a file; what was written stays"),
            "answers": {204: None},
            "parameters": [OpenApiParameter("id", int, "path")],
            "is_work": True,
        },
    }

    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        asked(request, ())
        return Response(ImportSerializer(self.own(request, id, READ)).data)

    def delete(self, request: Request, id: int) -> Response:  # noqa: A002
        asked(request, ())
        one = self.own(request, id, WRITE)
        if one.job and not one.job.is_finished:
            raise ValidationError(gettext("These lines are being written. Wait for the job, then undo what it did."))
        forget_import(one)
        return Response(status=204)


class ImportFaults(ImportView):
    orderings = {"line": ("line", "pk")}
    described = {
        "GET": {
            "operation": "list_import_faults",
            "summary": gettext_lazy("List the lines that cannot be, and why"),
            "answers": {200: page_of("FaultyLine", FaultyLineSerializer)},
            "parameters": [OpenApiParameter("id", int, "path"), *list_parameters(["line", "-line"])],
        }
    }

    def get(self, request: Request, id: int) -> Response:  # noqa: A002
        words, one = asked(request, LIST_WORDS), self.own(request, id, READ)
        found, around = one_page(faulty(one), request, words, self.orderings)
        return Response({**around, "results": [_faulty_line(list(faults_of_line(one, row))) for row in found]})


def _faulty_line(faults: list[dict[str, Any]]) -> dict[str, Any]:
    about = {name: faults[0][name] for name in ("line", "thing")}
    return about | {"sentences": [fault["sentence"] for fault in faults]}


class WriteImport(ImportView):
    described = {
        "POST": work(
            "write_import",
            gettext_lazy("Add all lines, or none if one cannot be; once, however often it is asked for"),
            parameters=[OpenApiParameter("id", int, "path")],
        )
    }

    def post(self, request: Request, id: int) -> Response:  # noqa: A002
        asked(request, ())
        one = self.own(request, id, WRITE)
        if one.refused:
            raise ValidationError(refusal_of(one))
        return started(request, lambda: start_import(one, by=actor_of(request)))


class AsCSV(BaseRenderer):
    """Only says that there is such an answer: the lines are sent while they are read."""

    media_type, format, charset = "text/csv", "csv", "utf-8"

    def render(self, data: Any, *args: Any) -> Any:
        return JSONRenderer().render(data, *args)  # a problem


class ByFormat(DefaultContentNegotiation):
    """What stands in the URL counts more than what a program says by habit."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        wanted = request.query_params.get("format")
        found = next((renderer for renderer in renderers if renderer.format == wanted), None)
        return (found, found.media_type) if found else super().select_renderer(request, renderers, format_suffix)


class Exports(HouseView):
    tag, renderer_classes, content_negotiation_class = "exports", [JSONRenderer, AsCSV], ByFormat
    described = {
        "GET": {
            "operation": "export",
            "summary": gettext_lazy("All that one may see as a file that an import takes, without passwords"),
            "answers": {
                (200, "application/json"): {"type": "array", "items": {"type": "object"}},
                (200, "text/csv"): OpenApiTypes.STR,
            },
            "parameters": [
                OpenApiParameter("kind", str, "path", enum=KINDS),
                OpenApiParameter("domain", str, QUERY, description=OF_DOMAIN),
                OpenApiParameter(
                    "format",
                    str,
                    QUERY,
                    enum=["json", "csv"],
                    description=gettext_lazy("Else the header Accept says it: application/json or text/csv."),
                ),
            ],
        }
    }

    def get(self, request: Request, kind: str) -> Any:
        if kind not in COLUMNS:
            raise NotFound
        need_scope(request, kind, READ)
        words, domain = asked(request, ["domain", "format"]), None
        if not words.get("format", "json"):
            raise BadQuestion(gettext("“format” is one of: %(known)s.") % {"known": "json, csv"})
        if "domain" in words:
            try:
                domain = domain_seen_by(request.user, words["domain"])
            except ValidationError as error:
                raise BadQuestion(" ".join(error.messages)) from error
        rows, is_csv = exported(kind, domain=domain, user=request.user), isinstance(request.accepted_renderer, AsCSV)
        lines = csv_lines(columns_of_export(kind, request.user), rows) if is_csv else _json_lines(rows)
        content_type = "text/csv; charset=utf-8" if is_csv else "application/json"
        return StreamingHttpResponse(lines, content_type=content_type)


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """An array with an object a line, some hundred at once."""
    piece, size = ["["], 0
    between = "\n"
    for row in rows:
        piece.append(between + json.dumps(row, ensure_ascii=False))
        between, size = ",\n", size + 1
        if size % 500 == 0:
            yield "".join(piece)
            piece = []
    yield "".join([*piece, "\n]\n"])
