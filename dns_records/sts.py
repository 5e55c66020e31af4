"""The policy of MTA-STS (RFC 8461), for the name mta-sts.<domain>: whoever sends mail asks for it without a session."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotFound

from dns_records.expected import sts_policy
from dns_records.models import DnsSettings
from domains.models import Domain

PATH = "/.well-known/mta-sts.txt"
PREFIX = "mta-sts."
A_MINUTE = 60  # seconds


def answer_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware before those that know only the names of the panel itself."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return policy(request) if request.path == PATH else get_response(request)

    return middleware


def policy(request: HttpRequest) -> HttpResponse:
    """404 where the name is not one of ours, the domain is inactive, or there is no policy."""
    name = request.META.get("HTTP_HOST", "").partition(":")[0].lower().removesuffix(".")
    domain = name.removeprefix(PREFIX)
    text = ""
    if name.startswith(PREFIX) and "\0" not in name and Domain.objects.filter(name=domain, active=True).exists():
        text = sts_policy(DnsSettings.current())
    if not text or request.method not in ("GET", "HEAD"):
        return HttpResponseNotFound("There is no policy here.\n", content_type="text/plain; charset=utf-8")
    return HttpResponse(
        text, content_type="text/plain; charset=utf-8", headers={"Cache-Control": f"max-age={A_MINUTE}"}
    )
