"""How people of the panel sign in."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.models import User


class PersonBackend(BaseBackend):
    """Superusers and domain admins, by the password of their own row."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        if not username or not password or "\0" in username + password:
            return None
        try:
            user = User.objects.people().get(username=username.strip().lower())
        except User.DoesNotExist:
            User().set_password(password)  # the same work as for a known name, so that time tells nothing
            return None
        return user if user.check_password(password) and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.people().filter(pk=user_id, is_active=True).first()
