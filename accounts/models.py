"""People who may act: superusers, domain admins and mailbox owners; and the change sets they leave behind."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from pghistory.models import Context

from accounts.lines import LineField
from accounts.tracking import tracked

OWNER_PREFIX = "mailbox:"


class UserManager(BaseUserManager["User"]):
    def visible_to(self, user: "User") -> models.QuerySet["User"]:
        """Superusers see everyone, anybody else sees only oneself."""
        everyone = self.get_queryset()
        return everyone if user.is_superuser else everyone.filter(pk=user.pk)

    def people(self) -> models.QuerySet["User"]:
        """Those who sign in with a password of the panel: superusers and domain admins."""
        return self.exclude(username__startswith=OWNER_PREFIX)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username=(username or "").strip().lower())


@tracked(exclude=["password", "last_login"], manual=["password_changed"])
class User(AbstractBaseUser):
    """Someone who signs in. A mailbox owner's row has no password: the mailbox's credential is checked instead."""

    username = models.CharField(
        _("user name"),
        max_length=254,
        unique=True,
        db_collation="C",
        error_messages={"unique": _("This user name is taken. Choose another one.")},
        help_text=_("Letters, digits and . _ - + @; an address does well. Upper and lower case are the same."),
    )
    name = LineField(_("name"), max_length=200, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True, choices=settings.LANGUAGES)
    is_superuser = models.BooleanField(_("superuser"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    # Names of domains, for one request: an API token may be good for these only. Never stored.
    limited_to: frozenset[str] | None = None
    # For one request: an owner who must choose another password first. Never stored.
    needs_new_password: bool = False

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["username"]
        constraints = [
            models.CheckConstraint(
                name="username_is_plain",
                condition=models.Q(username__regex=r"^[a-z0-9._+@-]+$")
                | models.Q(username__regex=r"^mailbox:[0-9]+$", is_superuser=False),
                violation_error_message=_("A user name holds lower-case letters, digits and . _ - + @ only."),
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def label(self) -> str:
        """What people read: the name, else the user name."""
        return self.name or self.username

    @property
    def is_owner(self) -> bool:
        """True when this person signs in through a mailbox."""
        return self.username.startswith(OWNER_PREFIX)

    def clean(self) -> None:
        self.username = self.username.strip().lower()
        if "\0" in self.username:  # PostgreSQL cannot even be asked about it
            raise ValidationError({"username": _("A user name cannot hold a NUL character.")})


class ChangeSet(Context):
    """What one service call changed: a row of pghistory with who, door, host, verb, noun, label and domain."""

    class Meta:
        proxy = True

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """What happened, in the reader's language."""
        from accounts.history import sentence_of

        return sentence_of(self.metadata)

    def value(self, key: str) -> Any:
        return self.metadata.get(key) or ""
