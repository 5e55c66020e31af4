"""Who asks: a token in the header Authorization (RFC 6750), or for looking only the session of the pages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.digests import sha256_of
from accounts.models import User
from api.counting import counted, forget_old_counts
from api.models import Token
from domains.models import Domain

if TYPE_CHECKING:  # REST framework reads this module before it has views
    from rest_framework.views import APIView

NOTED_EVERY = timedelta(minutes=10)  # when a token was last used need not be known to the second


class ByToken(BaseAuthentication):
    """`Authorization: Bearer mailadmin_…`"""

    def authenticate(self, request: Request) -> tuple[User, Token] | None:
        scheme, _blank, text = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = Token.objects.select_related("user").filter(digest=sha256_of(text.strip())).first()
        if token is None or token.is_expired or not token.user.is_active:
            count_wrong_token(request)
            raise AuthenticationFailed(_("This token is unknown, revoked or expired, or its owner is not active."))
        address = request.META.get("REMOTE_ADDR", "")
        if not token.is_good_from(address):
            raise AuthenticationFailed(_("This token is not good from %(address)s.") % {"address": address})
        note_use(token)
        return acting_user(token), token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="mailadmin"'


class BySessionToLook(BaseAuthentication):
    """Whoever is signed in to the pages may look, so that the answers can be read in the browser. Nothing is written
    this way, so no other site can make a browser write."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        user = getattr(request._request, "user", None)
        if request.method not in SAFE_METHODS or not isinstance(user, User):
            return None
        return user, None


def acting_user(token: Token) -> User:
    """The owner with the rights of this moment. A token for some domains makes its owner a domain admin of these."""
    user: User = token.user
    if token.domains:
        names = frozenset(token.domains)
        if not user.is_superuser:
            names &= set(Domain.objects.visible_to(user).values_list("name", flat=True))
        user.limited_to, user.is_superuser = names, False
    return user


def note_use(token: Token) -> None:
    if token.last_used_at is None or token.last_used_at < timezone.now() - NOTED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=timezone.now())


class PerToken(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, Token):
            return True
        number, self.left = counted(f"token {request.auth.pk}")
        return number <= settings.API_REQUESTS_A_MINUTE

    def wait(self) -> float:
        return self.left


def count_wrong_token(request: Request) -> None:
    """Whoever has the right token is not kept waiting by others at the same address: nobody guesses 192 bits."""
    number, left = counted(f"wrong token {request.META.get('REMOTE_ADDR', '')[:50]}")
    if number > settings.API_WRONG_TOKENS_A_MINUTE:
        raise Throttled(wait=left)
    forget_old_counts()
