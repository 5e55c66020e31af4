"""API tokens, and the answers that are kept for a request that comes twice."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.digests import IS_SHA256
from accounts.lines import LineField
from accounts.models import User
from accounts.tracking import tracked
from api import scopes as known_scopes
from domains.networks import LONGEST_NETWORK, is_within

LONGEST_DOMAIN = 253  # characters


@tracked(exclude=["digest", "last_used_at"])
class Token(models.Model):
    """With which a program acts as a person. The token itself is shown once; only its SHA-256 is stored."""

    user = models.ForeignKey(User, verbose_name=_("owner"), on_delete=models.CASCADE, related_name="api_tokens")
    name = LineField(_("name"), max_length=100)
    digest = models.CharField(max_length=64, editable=False, db_collation="C")
    scopes = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("scopes"),
        error_messages={"blank": _("Choose at least one thing that the token may do.")},
    )
    domains = ArrayField(
        models.CharField(max_length=LONGEST_DOMAIN),
        verbose_name=_("only for domains"),
        default=list,
        blank=True,
        help_text=_("By name, so that a domain that comes back finds its token. Empty: all that its owner may see."),
    )
    networks = ArrayField(
        models.CharField(max_length=LONGEST_NETWORK),
        verbose_name=_("only from networks"),
        default=list,
        blank=True,
        help_text=_("Address ranges as in RFC 4632. Empty: from anywhere."),
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                name="a_person_names_a_token_once",
                violation_error_message=_("There is a token of this name already. Choose another name."),
            ),
            models.UniqueConstraint(fields=["digest"], name="a_token_is_there_once"),
            models.CheckConstraint(name="a_token_is_stored_as_its_sha256", condition=Q(digest__regex=IS_SHA256)),
            models.CheckConstraint(
                name="a_token_may_do_something",
                condition=Q(scopes__len__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def may(self, resource: str, access: str) -> bool:
        return known_scopes.covers(self.scopes, resource, access)

    def is_good_from(self, address: str) -> bool:
        """`address` is that of the client; an IPv4 address within IPv6 counts as itself."""
        return is_within(address, self.networks)


class KeptAnswer(models.Model):
    """What was answered to a POST with an Idempotency-Key, for when it comes again."""

    KEPT_FOR = timedelta(days=1)

    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="kept_answers", db_index=False)
    key = models.CharField(max_length=255, db_collation="C")
    request_digest = models.CharField(max_length=64, db_collation="C")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token", "key"], name="an_idempotency_key_is_used_once"),
            models.CheckConstraint(
                name="a_request_is_kept_as_its_sha256", condition=Q(request_digest__regex=IS_SHA256)
            ),
        ]

    def __str__(self) -> str:
        return self.key


class RequestCount(models.Model):
    """How many requests came with a token, or with wrong ones from an address, within a minute (counting.py)."""

    key = models.CharField(max_length=100, primary_key=True, db_collation="C")
    begun_at = models.DateTimeField(db_index=True)
    number = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.key
