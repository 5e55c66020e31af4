"""What comes before every page of a mailbox owner."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

# What an owner may do before there is a new password.
ALLOWED = {"my_mailbox_password", "password_strength", "sign_in", "sign_out", "set_language", "health"}


class NewPasswordFirstMiddleware:
    """Whose password is no longer valid, or was set by somebody else for one sign-in, chooses another one first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponseBase | None:
        is_due = getattr(request.user, "needs_new_password", False)  # mailboxes.backends says so
        name = request.resolver_match.url_name if request.resolver_match else ""
        return redirect("my_mailbox_password") if is_due and name not in ALLOWED else None
