"""What happens around every page: the language of the person, and the way to the sign-in page."""

from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import translation
from django_htmx.http import HttpResponseClientRedirect


class AddressBehindProxyMiddleware:
    """Behind a proxy the connection is the proxy's: the last address of X-Forwarded-For is the one that the proxy saw.
    The history and the count of wrong passwords want that one; earlier entries are whatever the client wrote."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if settings.BEHIND_PROXY and is_address(forwarded):
            request.META["REMOTE_ADDR"] = forwarded
        return self.get_response(request)


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class SessionOfWholePageMiddleware(SessionMiddleware):
    """Only a whole page takes the cookie of a session away. A part of one that was on its way while its person chose a
    new password comes with the session from before: its answer would take away the new one."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if "HX-Request" in request.headers and cookie is not None and not cookie.value:
            del response.cookies[settings.SESSION_COOKIE_NAME]
        return response


class LanguageOfPersonMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = getattr(request.user, "language", "")
        if chosen:
            translation.activate(chosen)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class WholePageSignInMiddleware:
    """Whose session ended meanwhile is led to the sign-in page by the browser itself: htmx would put that page into the
    middle of another one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        place = response.headers.get("Location", "")
        if "HX-Request" in request.headers and place.startswith(resolve_url(settings.LOGIN_URL)):
            return HttpResponseClientRedirect(place)
        return response
