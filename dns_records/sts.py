"""The policy of MTA-STS (RFC 8461), for the name mta-sts.<domain>: whoever sends mail asks for it without a session."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils import timezone

from dns_records.expected import held_until, sts_mode, sts_policy
from dns_records.models import DnsSettings, HeldPolicy
from domains.models import Domain

PATH = "/.well-known/mta-sts.txt"
PREFIX = "mta-sts."
A_MINUTE = 60  # seconds
AN_HOUR = timedelta(hours=1)


def answer_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware before those that know only the names of the panel itself."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return policy(request) if request.path == PATH else get_response(request)

    return middleware


def policy(request: HttpRequest) -> HttpResponse:
    """404 where the name is not one of ours, the domain is inactive, or there is no policy."""
    name = request.META.get("HTTP_HOST", "").partition(":")[0].lower().removesuffix(".")
    text = ""
    if request.method in ("GET", "HEAD") and name.startswith(PREFIX) and "\0" not in name:
        text = _policy_of(name.removeprefix(PREFIX))
    if not text:
        return HttpResponseNotFound("There is no policy here.\n", content_type="text/plain; charset=utf-8")
    return HttpResponse(
        text, content_type="text/plain; charset=utf-8", headers={"Cache-Control": f"max-age={A_MINUTE}"}
    )


def _policy_of(name: str) -> str:
    domain = Domain.objects.filter(name=name, active=True).select_related("held_policy").first()
    if domain is None:
        return ""
    settings, held = DnsSettings.current(), held_until(domain)
    if sts_mode(settings, held) not in ("", settings.StsMode.NONE):
        _note_that_it_is_held(domain, settings)
    return sts_policy(settings, held)


def _note_that_it_is_held(domain: Domain, settings: DnsSettings) -> None:
    """Whoever asks holds the policy for max_age from now on. An hour more is noted, so that this is written once an
    hour at most, however many ask."""
    until, held = timezone.now() + timedelta(days=settings.sts_days), held_until(domain)
    if held is None or held < until:
        row = HeldPolicy(domain=domain, until=until + AN_HOUR)
        HeldPolicy.objects.bulk_create([row], update_conflicts=True, unique_fields=["domain"], update_fields=["until"])


def held_by_anybody() -> datetime | None:
    """Until when senders may hold a policy that is not “none”, of whichever domain; None where nobody does."""
    found: datetime | None = HeldPolicy.objects.filter(until__gt=timezone.now()).aggregate(Max("until"))["until__max"]
    return found
