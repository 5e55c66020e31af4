"""Who acts, and through which door: the `by` of every service."""

import getpass
import os
import socket
from dataclasses import dataclass

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class Door(models.TextChoices):
    PAGE = "page", _("Panel")
    API = "api", _("API")
    COMMAND = "command", _("Command line")
    TASK = "task", _("Task")
    SIGN_IN = "sign_in", _("Sign-in")


@dataclass(frozen=True, kw_only=True)
class Actor:
    """`host` is the network address of a request, or the name of the machine a command ran on; `token` names the API
    token with which `user` acts."""

    user: User | None = None
    door: Door
    name: str = ""
    host: str = ""
    token: str = ""

    @property
    def label(self) -> str:
        return self.name or (self.user.label if self.user else "")

    @classmethod
    def from_request(cls, request: HttpRequest, door: Door = Door.PAGE, *, token: str = "") -> "Actor":
        user = request.user if isinstance(request.user, User) else None
        return cls(user=user, door=door, host=request.META.get("REMOTE_ADDR", ""), token=token)

    @classmethod
    def from_command(cls) -> "Actor":
        return cls(door=Door.COMMAND, name=_login_name(), host=socket.gethostname())

    @classmethod
    def from_task(cls, name: str) -> "Actor":
        return cls(door=Door.TASK, name=name, host=socket.gethostname())


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as containers have
        return f"uid {os.getuid()}"
