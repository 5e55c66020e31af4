"""Pages about mail to mailboxes: the settings; broadcasts, their preview, their progress and their end."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.pages import (
    PanelForm,
    PersonRequest,
    asked,
    list_page,
    number,
    person_required,
    refusals_on,
    say,
    superuser_required,
    typed,
)
from domains.models import Domain
from jobs.services import worker_is_alive
from mailboxes.broadcasts import preview_of_broadcast, start_broadcast, stop_broadcast
from mailboxes.mailing_forms import BroadcastForm, MailingSettingsForm
from mailboxes.mailing_settings import change_mailing_settings
from mailboxes.models import Broadcast, BroadcastRecipient, Mailbox, MailingSettings
from mailboxes.welcome import mail_of


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailing_settings(request: PersonRequest) -> HttpResponse:
    current = MailingSettings.current()
    initial = {name: getattr(current, name) for name in MailingSettingsForm.base_fields}
    form = MailingSettingsForm(typed(request), initial=initial)
    if form.is_valid():
        with refusals_on(form):
            change_mailing_settings(**form.cleaned_data, by=Actor.from_request(request))
            say(request, _("The mailing settings were saved."))
            return redirect("mailing_settings")
    somebody = Mailbox.objects.with_address().select_related("owner__user").order_by("pk").first()
    context = {"form": form, "mail": mail_of(somebody, current) if somebody else None}
    return render(request, "mailboxes/mailing_settings.html", context)


@person_required
@require_safe
def broadcast_list(request: PersonRequest) -> HttpResponse:
    broadcasts = Broadcast.objects.visible_to(request.user).with_progress().defer("text", "domain_names")
    page = list_page(broadcasts, request, key=("pk",), descending=True, read=(number,))
    return render(request, "mailboxes/broadcast_list.html", {"page": page})


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def broadcast_add(request: PersonRequest) -> HttpResponse:
    """First the preview; what was changed after it is shown again before it is sent."""
    form = BroadcastForm(typed(request), initial={"domain_names": _domain_asked_for(request)})
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        by, is_sent = Actor.from_request(request), request.POST.get("do") == "send"
        with refusals_on(form):
            if is_sent and form.was_seen:
                broadcast = start_broadcast(**form.values(), by=by)
                say(request, _("The broadcast has started. You may leave this page: it goes on."))
                return redirect(broadcast)
            context |= {"preview": preview_of_broadcast(**form.values(), by=by), "was_changed": is_sent}
            form.data = request.POST.copy()
            form.data["seen"] = form.digest
    return render(request, "mailboxes/broadcast_add.html", context)


def _domain_asked_for(request: PersonRequest) -> str:
    name = asked(request, "domain").lower()
    return name if name and Domain.objects.visible_to(request.user).filter(name=name).exists() else ""


@person_required
@require_safe
def broadcast(request: PersonRequest, pk: int) -> HttpResponse:
    one = _of_page(request, pk)
    refused = BroadcastRecipient.objects.filter(broadcast=one).exclude(refusal="")
    page = list_page(
        refused.select_related("mailbox__address__domain"), request, key=("pk",), descending=False, read=(number,)
    )
    job = one.progress.job
    context = {"broadcast": one, "page": page, "job": job}
    context["is_stuck"] = job is not None and not job.is_finished and not worker_is_alive()
    return render(request, "mailboxes/broadcast.html", context)


@person_required
@require_POST
def broadcast_stop(request: PersonRequest, pk: int) -> HttpResponse:
    one = _of_page(request, pk)
    if PanelForm(typed(request)).is_valid():
        try:
            stop_broadcast(one, by=Actor.from_request(request))
            say(request, _("The broadcast was stopped. Whoever has not got it yet gets none."))
        except ValidationError as error:
            say(request, " ".join(error.messages), level=messages.WARNING)
    return redirect(one)


def _of_page(request: PersonRequest, pk: int) -> Broadcast:
    return get_object_or_404(Broadcast.objects.visible_to(request.user).with_progress(), pk=pk)
