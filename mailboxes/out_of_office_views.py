"""What a mailbox answers while its owner is away: the page of the owner, and that of whoever looks after it."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.pages import PersonRequest, owner_required, person_required, refusals_on, say, typed
from mailboxes.models import Mailbox, OutOfOffice
from mailboxes.out_of_office import CHANGEABLE, set_out_of_office
from mailboxes.owner_forms import OutOfOfficeForm
from mailboxes.parsing import ParsedAddress
from mailboxes.views import at


@owner_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_out_of_office(request: PersonRequest) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    return _page(request, mailbox, "mailboxes/my_out_of_office.html", {})


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_out_of_office(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    around = {"domain": mailbox.address.domain}
    return _page(request, mailbox, "mailboxes/mailbox_out_of_office.html", around)


def _page(request: PersonRequest, mailbox: Mailbox, template: str, around: Mapping[str, Any]) -> HttpResponse:
    answer = OutOfOffice.objects.filter(mailbox=mailbox).first()
    initial = {name: getattr(answer, name) for name in (*CHANGEABLE, "version")} if answer else {}
    form = OutOfOfficeForm(typed(request), initial=initial)
    shown, is_preview = initial, "preview" in request.POST
    if form.is_valid():
        shown = form.cleaned_data
        if not is_preview:
            with refusals_on(form):
                saved = set_out_of_office(mailbox, by=Actor.from_request(request), **form.values())
                say(request, _sentence(saved))
                return redirect(request.path)
    context = {"form": form, "mailbox": mailbox, "answer": answer, "shown": shown, **around}
    context["is_preview"] = is_preview and form.is_valid()
    return render(request, template, context)


def _sentence(answer: OutOfOffice) -> str:
    if answer.state == "active":
        return _("Saved. Whoever writes from now on is answered.")
    if answer.state == "not_begun":
        return _("Saved. Answers begin at the time you chose.")
    if answer.state == "ended":
        return _("Saved. The time you chose is over, so nobody is answered.")
    return _("Saved. Nobody is answered while it is inactive.")
