"""The description of the API, OpenAPI 3.1, made from the nouns and the views."""

from functools import cache
from threading import Lock
from typing import Any, Literal

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer, inline_serializer
from rest_framework import serializers

from api.noun import ADD, CHANGE, PUT, SHOW, Noun
from api.problems import MEDIA_TYPE, ProblemSerializer
from api.questions import LONGEST_PAGE, PAGE

QUERY: Literal["query"] = "query"
PATH: Literal["path"] = "path"
HEADER: Literal["header"] = "header"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
HAS_BODY = ("POST", "PUT", "PATCH")


_alone = Lock()


def description() -> dict[str, Any]:
    """The whole of it, in the language of the reader. One thread at a time: the library loads itself at first use."""
    with _alone:
        return _in(get_language() or "")


@cache
def _in(language: str) -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "api.authentication.ByToken"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer mailadmin_…"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "api.authentication.BySessionToLook"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "Only for looking (GET)."}


class ChangeFieldSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(read_only=True)
    before = serializers.JSONField(read_only=True)
    after = serializers.JSONField(read_only=True)


class ChangeSerializer(serializers.Serializer[Any]):
    """One thing that is added, changed or deleted: its noun as in URLs, its values as the noun has them."""

    kind = serializers.CharField(read_only=True)
    noun = serializers.CharField(read_only=True)
    subject = serializers.CharField(read_only=True)
    fields = ChangeFieldSerializer(  # type: ignore[assignment]
        many=True, read_only=True, allow_null=True, help_text=gettext_lazy("null: the token may not read this noun.")
    )


class RehearsalSerializer(serializers.Serializer[Any]):
    """What would change; nothing was written."""

    dry_run = serializers.BooleanField(read_only=True)
    changes = ChangeSerializer(many=True, read_only=True)
    is_cut = serializers.BooleanField(read_only=True)
    lost = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text=gettext_lazy("For superusers, before a deletion: what its page says, in sentences."),
    )


class HouseSchema(AutoSchema):
    """Views of nouns say their noun; the others say in `described` what they take and give."""

    @property
    def noun(self) -> Noun | None:
        return getattr(self.view, "noun", None)

    @property
    def is_list(self) -> bool:
        return self.noun is not None and not self.noun.is_single and "{key}" not in self.path

    def get_operation_id(self) -> str:
        if self.noun is None:
            return str(self._described["operation"])
        return f"{self._verb}_{self.noun.slug.replace('-', '_')}"

    @property
    def _verb(self) -> str:
        names = {"GET": "show", "POST": "add", "PUT": "put", "PATCH": "change", "DELETE": "delete"}
        return "list" if self.is_list and self.method == "GET" else names[self.method]

    @property
    def _described(self) -> dict[str, Any]:
        described: dict[str, Any] = self.view.described[self.method]
        return described

    @property
    def _can_be_rehearsed(self) -> bool:
        return self.noun is not None or not self._described.get("is_work", False)

    def get_summary(self) -> str:
        if self.noun is None:
            return str(self._described["summary"])
        sentences = {
            "list": _("List: %(nouns)s"),
            "show": _("Show one of: %(nouns)s"),
            "add": _("Add to: %(nouns)s"),
            "put": _("Add, or make it as sent: %(nouns)s"),
            "change": _("Change a part: %(nouns)s"),
            "delete": _("Delete from: %(nouns)s"),
        }
        return sentences[self._verb] % {"nouns": self.noun.words}

    def get_description(self) -> str:
        scope = getattr(self.view, "resource", "")
        access = "write" if self.method in WRITES else "read"
        return _("Scope: %(scope)s.") % {"scope": f"{scope}:{access}"} if scope else ""

    def get_tags(self) -> list[str]:
        return [self.noun.slug] if self.noun else [str(self.view.tag)]

    def get_override_parameters(self) -> list[Any]:
        found = [OpenApiParameter("dry_run", bool, QUERY, description=_("Only say what would change."))]
        found = found if self.method in WRITES and self._can_be_rehearsed else []
        found += self._headers_of_answers()
        if self.method == "POST":
            found.append(IDEMPOTENCY_KEY)
        if self.noun is None:
            return [*found, *self._described.get("parameters", ())]
        if "{key}" in self.path:
            found.append(OpenApiParameter("key", str, PATH, required=True, description=_("Its key, URL-encoded.")))
        if self.is_list and self.method == "GET":
            found += self._list_parameters(self.noun)
        if self.method in ("PUT", "PATCH", "DELETE"):
            found += [IF_MATCH, IF_NONE_MATCH]
        return found

    def _headers_of_answers(self) -> list[OpenApiParameter]:
        found = [
            _answered("Retry-After", [429], _("So many seconds from now.")),
            _answered("WWW-Authenticate", [401], _("How to sign in: RFC 6750.")),
        ]
        if self.noun and not (self.noun.is_read_only or self.is_list and self.method == "GET"):
            found.append(_answered("ETag", [200, 201], _("What was seen, for If-Match.")))
        if self.method in ("POST", "PUT"):
            found.append(_answered("Location", [201, 202], _("Where what was added is, or the job.")))
        if self.method in WRITES and self._can_be_rehearsed:
            found.append(
                _answered("Change-Set", [200, 201, 204], _("What was done, if anything changed: an undo takes it."))
            )
        if self.method == "POST":
            found.append(_answered("Idempotency-Replayed", [200, 201, 202], _("true: the answer of the first time.")))
        return found

    def _list_parameters(self, noun: Noun) -> list[OpenApiParameter]:
        orders = [sign + name for name in noun.orderings for sign in ("", "-")]
        search = _("Look for %(what)s.") % {"what": noun.searches}
        return [
            *list_parameters(orders),
            *(OpenApiParameter(name, str, QUERY, description=str(words)) for name, words in noun.filters.items()),
            *([OpenApiParameter("search", str, QUERY, description=search)] if noun.searches else []),
        ]

    def get_request_serializer(self) -> Any:
        if self.noun is None:
            return self._described.get("request")
        purpose = {"POST": ADD, "PUT": PUT, "PATCH": CHANGE}.get(self.method)
        return self.noun.serializer_for(purpose) if purpose else None

    def get_response_serializers(self) -> Any:
        noun = self.noun
        if noun is None:
            answers: dict[Any, Any] = dict(self._described["answers"])
            if self.method in WRITES and self._can_be_rehearsed:
                answers[200] = _either(self._described["operation"], answers[200])
        elif self.is_list and self.method == "GET":
            answers = {200: page_of(noun.name, noun.serializer_for(SHOW))}
        elif self.method == "DELETE":
            answers = {204: OpenApiResponse(description=_("It is gone.")), 200: RehearsalSerializer}
        elif self.method == "GET":
            answers = {200: noun.serializer_for(SHOW)}
        else:
            one = noun.serializer_for(SHOW)
            answers = {200: _either(noun.name, one), **({201: one} if self.method in ("POST", "PUT") else {})}
            if self.method == "POST":
                answers[200] = RehearsalSerializer
        return answers | {(status, MEDIA_TYPE): ProblemSerializer for status in self._problems()}

    def _problems(self) -> list[int]:
        found = [400, 401, 403, 404, 405, 406, 429]
        if self.method in WRITES:
            found += [409, 412, 413, 415, 422]
        return sorted({*found, *(self._described.get("problems", ()) if self.noun is None else ())})

    def map_renderers(self, attribute: str) -> list[str]:
        return ["application/json"]


def _either(name: str, one: Any) -> Any:
    return PolymorphicProxySerializer(
        component_name=f"{name}_or_rehearsal", serializers=[one, RehearsalSerializer], resource_type_field_name=None
    )


def _answered(name: str, statuses: list[int | str], description: str) -> OpenApiParameter:
    """A header of the answer."""
    return OpenApiParameter(name, str, HEADER, description=description, response=statuses)


IF_MATCH = OpenApiParameter(
    "If-Match", str, HEADER, description=gettext_lazy("The ETag of what was seen: 412 if it is another by now.")
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, HEADER, description=gettext_lazy("*: only if nothing is there; 412 if there is.")
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, HEADER, description="The same request with the same key is done once, for a day."
)


def list_parameters(orderings: list[str]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(
            "cursor", str, QUERY, description=gettext_lazy("Where the page begins: from “next” of the one before.")
        ),
        OpenApiParameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": PAGE},
            QUERY,
            description=gettext_lazy("So many at a time."),
        ),
        OpenApiParameter(
            "ordering", str, QUERY, enum=orderings, description=gettext_lazy("With - before it, backwards.")
        ),
        OpenApiParameter(
            "count", str, QUERY, enum=["exact"], description=gettext_lazy("Count all of them, which takes time.")
        ),
    ]


def page_of(name: str, one: Any) -> Any:
    return inline_serializer(
        f"{name}Page",
        {
            "next": serializers.URLField(read_only=True, allow_null=True),
            "count": serializers.IntegerField(required=False),
            "results": one(many=True, read_only=True),
        },
    )
