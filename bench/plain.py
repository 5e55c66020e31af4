"""Views as short as Django has them, over the same rows as the API; who asks is not looked at. Only for the bench."""

import json
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from accounts.actors import Actor
from accounts.history import recorded
from domains.models import Domain
from mailboxes.models import Mailbox, MailboxCredential
from mailboxes.services import add_mailbox

FIELDS = [
    "name",
    "quota_bytes",
    "active",
    "receives",
    "sends",
    "imap",
    "pop",
    "expires_at",
    "mail_path",
    "mail_format",
    "has_password",
]
FIELDS += ["version", "created_at", "changed_at"]
PAGE = 50


def _rows() -> Any:
    credential = MailboxCredential.objects.filter(mailbox=OuterRef("pk"))
    return Mailbox.objects.with_address().annotate(has_password=Exists(credential))


def _shown(mailbox: Any) -> dict[str, Any]:
    return {"address": str(mailbox), **{name: getattr(mailbox, name) for name in FIELDS}}


@csrf_exempt
def mailboxes(request: HttpRequest) -> JsonResponse:
    if request.method == "POST":
        return _added(json.loads(request.body))
    rows = _rows().filter(pk__gt=int(request.GET["after"])).order_by("pk")
    if "begins" in request.GET:
        rows = rows.filter(address__local_part__startswith=request.GET["begins"])
    return JsonResponse({"results": list(map(_shown, rows[: PAGE + 1]))})


def mailbox(request: HttpRequest) -> JsonResponse:
    local_part, _at, domain = request.GET["address"].partition("@")
    return JsonResponse(_shown(_rows().get(address__domain__name=domain, address__local_part=local_part)))


def _added(bodies: list[dict[str, str]]) -> JsonResponse:
    """With the services, which are what must be done; several in one change set."""
    by, names = Actor.from_task("bench"), []
    with recorded("add", "mailbox", "bench", by=by):
        for body in bodies:
            local_part, _at, domain = body["address"].partition("@")
            added = add_mailbox(Domain.objects.get(name=domain), local_part, name=body["name"], by=by)
            names.append(str(added))
    return JsonResponse({"added": names})


urlpatterns = [
    path("plain/mailboxes/", mailboxes),
    path("plain/mailbox/", mailbox),
    path("", include("mailadmin.urls")),
]
