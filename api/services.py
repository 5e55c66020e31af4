"""Every write about API tokens."""

import secrets
from collections.abc import Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.digests import sha256_of
from accounts.history import recorded
from accounts.models import User
from accounts.saving import said_at, save_checked
from api import scopes as known_scopes
from api.models import Token
from domains.fields import normalised_domain, shown
from domains.models import Domain
from domains.networks import normalised_networks

PREFIX = "mailadmin_"  # so that whoever finds one in a log or a repository knows what it opens
RANDOM_OCTETS = 24
MOST_TOKENS = 50  # of one person


def add_token(
    user: User,
    name: str,
    *,
    scopes: Iterable[str],
    domains: Iterable[str] = (),
    networks: Iterable[str] = (),
    expires_at: datetime | None = None,
    by: Actor,
) -> tuple[Token, str]:
    """Gives the row and the token itself, which nobody can show again. With `domains` the token may do what a domain
    admin of these may do, also if its owner is a superuser."""
    text = PREFIX + secrets.token_urlsafe(RANDOM_OCTETS)
    token = Token(
        user=user,
        name=name.strip(),
        digest=sha256_of(text),
        scopes=_known_scopes(scopes),
        domains=_own_domains(user, domains),
        networks=_networks(networks),
        expires_at=expires_at,
    )
    with recorded("add", "api_token", f"{user.username}, {token.name}", by=by):
        owner = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        _refuse_owner(owner, by)
        if expires_at and expires_at <= timezone.now():
            raise ValidationError({"expires_at": _("This is past already. Choose a later time.")})
        if Token.objects.filter(user=user).count() >= MOST_TOKENS:
            raise ValidationError(
                _("A person has %(number)d tokens at most. Revoke one first.") % {"number": MOST_TOKENS}
            )
        save_checked(token)
    return token, text


def revoke_token(token: Token, *, by: Actor) -> None:
    """From then on nobody gets in with it; the history keeps what was done with it."""
    with recorded("revoke", "api_token", f"{token.user.username}, {token.name}", by=by):
        Token.objects.filter(pk=token.pk).delete()


def _refuse_owner(owner: User | None, by: Actor) -> None:
    if owner is None:
        raise ValidationError(_("This person was deleted meanwhile. Nothing was changed."))
    if owner.is_owner:
        raise ValidationError(_("A mailbox owner has no API tokens."))
    if not owner.is_active:
        raise ValidationError(_("This person is not active, so a token would open nothing."))
    if by.user is not None and by.user.pk != owner.pk:
        raise ValidationError(_("A token acts as its owner, so nobody adds one for somebody else."))


def _known_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    unknown = sorted(wanted - set(known_scopes.ALL))
    if unknown:
        sentence = _("There is no scope “%(scope)s”. Known are: %(known)s.")
        words = {"scope": shown(unknown[0]), "known": ", ".join(known_scopes.ALL)}
        raise ValidationError({"scopes": sentence % words})
    return [scope for scope in known_scopes.ALL if scope in wanted and not known_scopes.is_within(scope, wanted)]


def _own_domains(user: User, names: Iterable[str]) -> list[str]:
    with said_at("domains"):
        wanted = sorted({normalised_domain(name) for name in names})
    there = set(Domain.objects.visible_to(user).filter(name__in=wanted).values_list("name", flat=True))
    missing = [name for name in wanted if name not in there]
    if missing:
        raise ValidationError({"domains": _("There is no domain %(name)s here.") % {"name": missing[0]}})
    return wanted


def _networks(texts: Iterable[str]) -> list[str]:
    with said_at("networks"):
        return normalised_networks(texts)
