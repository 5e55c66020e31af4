"""The views of every noun: the list, and one thing by its key."""

import json
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, ClassVar, NamedTuple

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actors import Actor
from accounts.models import User
from api.access import actor_of, has_scope
from api.noun import ADD, CHANGE, PUT, Noun, Values, acting
from api.parsing import refuse_strange_text
from api.problems import Refused
from api.questions import asked, filtered, need, one_page
from api.scopes import READ
from api.writing import by_noun, carry_out, etag_of, has_preconditions, is_rehearsing, once, refuse_stale
from mailboxes.destinations import lock_alias_graph

LIST_WORDS = ("cursor", "limit", "ordering", "count")
# A token must be able to read all of what the sentences before a deletion may name.
NAMED_IN_LOSSES = ("domains", "mailboxes", "aliases", "lookup_tables", "restrictions", "mail_settings")


class HouseView(APIView):
    """What holds for all: what is not found is said in JSON, no answer is kept by a cache on the way, and a POST with
    an Idempotency-Key is done once."""

    resource: ClassVar[str] = ""
    only_superusers: ClassVar[bool] = False
    metadata_class = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "post" in vars(cls):
            cls.post = _once(cls.post)  # type: ignore[attr-defined]

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        finished = super().finalize_response(request, response, *args, **kwargs)
        finished["Cache-Control"] = "no-store"
        return finished


def _once(post: Callable[..., Response]) -> Callable[..., Response]:
    @wraps(post)
    def answer(view: HouseView, request: Request, *args: Any, **kwargs: Any) -> Response:
        return once(request, lambda: post(view, request, *args, **kwargs))

    return answer


class NounView(HouseView):
    noun: ClassVar[Noun]

    def show(self, row: Any, *, status: int = 200) -> Response:
        fresh = self.noun.rows(self.request.user).filter(pk=row.pk).first()
        if fresh is None:  # somebody deleted it a moment ago
            raise NotFound
        headers = {} if self.noun.is_read_only else {"ETag": etag_of(self.noun, fresh)}
        if status == 201:
            headers["Location"] = self.request.build_absolute_uri(url_of(self.noun, fresh))
        return Response(self.noun.shown(fresh), status=status, headers=headers)


class Collection(NounView):
    """All of a noun."""

    def get(self, request: Request) -> Response:
        noun = self.noun
        known = [*LIST_WORDS, *noun.filters, *(["search"] if noun.searches else [])]
        words, rows = asked(request, known), noun.listed(request.user)
        if noun.ordered_in_domain and words.get("ordering", "").lstrip("-") == noun.ordered_in_domain:
            need(words, "domain")
        for name in set(noun.filters) & set(words):
            rows = filtered(rows, lambda rows, name=name: noun.filtered(rows, name, words[name], request.user), name)
        if words.get("search"):
            rows = noun.search(rows, words["search"])
        found, around = one_page(rows, request, words, noun.orderings)
        return Response({**around, "results": [noun.shown(row) for row in found]})

    def post(self, request: Request) -> Response:
        by = actor_of(request)
        return carry_out(request, lambda: add(self.noun, request.data, by), lambda row: self.show(row, status=201))


class Single(NounView):
    """One of a noun, by its key."""

    def get(self, request: Request, key: str) -> Response:
        asked(request, ())
        return self.show(found(self.noun, request.user, key))

    def put(self, request: Request, key: str) -> Response:
        by, refuse = actor_of(request), partial(refuse_stale, request, self.noun)

        def act() -> Made:
            row, version = self._seen(key)
            return put(self.noun, key, row, request.data, version, by, refuse=refuse)

        return carry_out(
            request, act, lambda made: self.show(made.row, status=201 if made.is_new else 200), may_be_nothing=True
        )

    def patch(self, request: Request, key: str) -> Response:
        by = actor_of(request)

        def act() -> Made:
            row, version = self._seen(key, must_be=True)
            return change(self.noun, row, request.data, version, by)

        return carry_out(request, act, lambda made: self.show(made.row), may_be_nothing=True)

    def delete(self, request: Request, key: str) -> Response:
        by = actor_of(request)
        lost: list[str] = []

        def act() -> None:
            row, version = self._seen(key, must_be=True)
            if is_rehearsing() and all(has_scope(request, resource, READ) for resource in NAMED_IN_LOSSES):
                lost.extend(self.noun.lost_with(row, acting(by)))
            delete(self.noun, row, version, by)

        return carry_out(request, act, lambda _nothing: Response(status=204), lost=lost)

    def _seen(self, key: str, *, must_be: bool = False) -> tuple[Any, Any]:
        """The row, if it is what the sender saw, and its version. Within the transaction that writes."""
        if has_preconditions(self.request):
            lock_alias_graph()
        row = (found if must_be else known)(self.noun, self.request.user, key)
        return row, refuse_stale(self.request, self.noun, row)


# The four verbs, for one thing or for many together (api/changes.py)


class Made(NamedTuple):
    """What a PUT or PATCH leaves; whether it was added, and whether a password was set."""

    row: Any
    is_new: bool = False
    has_new_password: bool = False


def known(noun: Noun, user: User, key: str) -> Any | None:
    """The row, or None; a key that cannot be is nothing that is there."""
    try:
        refuse_strange_text(key)
        return noun.find(user, key)
    except (ValueError, ValidationError):
        return None


def found(noun: Noun, user: User, key: str) -> Any:
    row = known(noun, user, key)
    if row is None:
        raise NotFound
    return row


def add(noun: Noun, body: Any, by: Actor) -> Any:
    user = acting(by)
    refuse_others_than_superusers(noun, user)
    values = by_noun(noun, lambda: noun.cleaned_for(noun.read_body(body, ADD), None, user))
    return by_noun(noun, lambda: noun.add(values, by))


def put(
    noun: Noun,
    key: str,
    row: Any | None,
    body: Any,
    version: Any,
    by: Actor,
    *,
    refuse: Callable[[Any], Any] = lambda row: None,
) -> Made:
    """Adds what is not there, else makes it what was sent. What is left out of the body is as it is for a new one.
    `refuse` says no to a row that somebody else put there a moment ago, if the sender wants none."""
    user = acting(by)
    try:
        refuse_strange_text(key)
    except ValueError as error:
        raise ValidationError(_("This cannot be a key: %(fault)s.") % {"fault": error}) from error
    values = noun.read_body(body, PUT)
    keys = by_noun(noun, lambda: noun.key_values(key))
    _refuse_other_key(noun, keys, values)
    if row is None:
        refuse_others_than_superusers(noun, user)
        values = by_noun(noun, lambda: noun.cleaned_for(values | keys, None, user))
        try:
            return Made(by_noun(noun, lambda: noun.add(values, by)), is_new=True)
        except Refused:
            row = known(noun, user, key)
            if row is None:
                raise
            return put(noun, key, row, body, refuse(row), by)  # somebody else put it there a moment ago
    if not noun.can_change:
        return Made(row)
    return _made(noun, row, {name: value for name, value in values.items() if name not in keys}, body, PUT, version, by)


def change(noun: Noun, row: Any, body: Any, version: Any, by: Actor) -> Made:
    return _made(noun, row, noun.read_body(body, CHANGE), body, CHANGE, version, by)


def _made(noun: Noun, row: Any, sent: Values, body: Any, purpose: str, version: Any, by: Actor) -> Made:
    """The row as it was sent."""
    _refuse_fixed(noun, row, body, purpose)
    sent = _without_password_that_is_right(noun, row, sent, by)
    values = by_noun(noun, lambda: noun.cleaned_for(sent, row, acting(by)))
    left_out = noun.defaults_for(acting(by)) if purpose == PUT else {}
    saved = by_noun(noun, lambda: noun.change(row, left_out | values, version, by))
    return Made(saved, has_new_password="password" in sent)


def _without_password_that_is_right(noun: Noun, row: Any, sent: Values, by: Actor) -> Values:
    """A password that is right already need not be set. Else nobody finds out without a trace which one is right: a
    rehearsal counts every one as new, and one from a domain admin is always set."""
    password = sent.get("password")
    if not isinstance(password, str) or not acting(by).is_superuser or is_rehearsing():
        return sent
    if noun.has_password(row, password):
        return {name: value for name, value in sent.items() if name != "password"}
    return sent


def delete(noun: Noun, row: Any, version: Any, by: Actor) -> None:
    refuse_others_than_superusers(noun, acting(by))
    by_noun(noun, lambda: noun.delete(row, version, by))


def refuse_others_than_superusers(noun: Noun, user: User) -> None:
    if noun.added_by_superusers and not user.is_superuser:
        raise PermissionDenied(_("Only a superuser adds and deletes these: %(nouns)s.") % {"nouns": noun.words})


def _refuse_other_key(noun: Noun, keys: Mapping[str, Any], values: Values) -> None:
    for name in set(keys) & set(values):
        if by_noun(noun, partial(noun.normal_key_value, name, values[name])) != keys[name]:
            sentence = _("The URL names another one. Leave this out, or say the same.")
            raise ValidationError({name: ValidationError(sentence, code="other_key")})


def _refuse_fixed(noun: Noun, row: Any, body: Any, purpose: str) -> None:
    """What is only shown may come back as it was: then a thing can be read, changed a little and sent."""
    there = json.loads(JSONRenderer().render(noun.shown(row)))
    fixed = [field.name for field in noun.fields if field.read and purpose not in field.on and not field.is_key]
    changed = [name for name in fixed if name in body and body[name] != there[name]]
    if changed:
        sentence = _("This is only shown. Leave it out, or send what is there.")
        raise ValidationError({name: ValidationError(sentence, code="read_only") for name in changed})


def url_of(noun: Noun, row: Any) -> str:
    return reverse(f"api_{noun.slug.replace('-', '_')}", args=[noun.key_of(row)])


def _methods(noun: Noun) -> dict[str, Any]:
    """The only one of its kind is not deleted; what is nothing but its key is not changed."""
    if noun.is_read_only:
        return {"http_method_names": ["get", "head"]}
    if noun.is_only_deleted:
        return {"http_method_names": ["get", "head", "delete"]}
    missing = {"delete"} if noun.is_single else set() if noun.can_change else {"patch"}
    return {"http_method_names": [name for name in ("get", "head", "put", "patch", "delete") if name not in missing]}


def views_of(noun: Noun) -> tuple[Callable[..., HttpResponse], Callable[..., HttpResponse]]:
    """The two views of a noun, named after it for the schema."""
    members = {"noun": noun, "resource": noun.resource, "only_superusers": noun.only_superusers}
    words = {"__doc__": None}
    only_read: dict[str, Any] = _methods(noun) if noun.is_read_only or noun.is_only_deleted else {}
    collection: Any = type(f"{noun.name}Collection", (Collection,), members | words | only_read)
    single: Any = type(f"{noun.name}Single", (Single,), members | words | _methods(noun))
    return collection.as_view(), single.as_view()
