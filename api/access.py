"""What whoever asks may do: the scope of the token, and the rights that its owner has now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from rest_framework.exceptions import MethodNotAllowed, NotFound, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.actors import Actor, Door
from accounts.models import User
from api.models import Token
from api.scopes import READ, WRITE

if TYPE_CHECKING:  # REST framework reads this module before it has views
    from rest_framework.views import APIView


class MayUse(BasePermission):
    """A view says its `resource` ("" needs no scope) and whether it is for `only_superusers`; to anybody else it is not
    there, as with pages."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        if not isinstance(user, User):
            return False
        if request.method not in view.allowed_methods:
            raise MethodNotAllowed(str(request.method))
        if user.is_owner or (getattr(view, "only_superusers", False) and not user.is_superuser):
            raise NotFound
        resource = getattr(view, "resource", "")
        if resource:
            need_scope(request, resource, READ if request.method in SAFE_METHODS else WRITE)
        return True


def has_scope(request: Request, resource: str, access: str) -> bool:
    token = request.auth
    return not isinstance(token, Token) or token.may(resource, access)


def need_scope(request: Request, resource: str, access: str) -> None:
    if not has_scope(request, resource, access):
        raise PermissionDenied(
            _("This token lacks the scope %(scope)s.") % {"scope": f"{resource}:{access}"}, code="missing_scope"
        )


def actor_of(request: Request) -> Actor:
    token = request.auth
    return Actor.from_request(request._request, Door.API, token=token.name if isinstance(token, Token) else "")
