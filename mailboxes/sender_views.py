"""The page about as whom a mailbox may send."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Actor
from accounts.pages import PersonRequest, person_required, refusals_on, say, typed
from mailboxes.forms import PermittedSendersForm
from mailboxes.models import AliasDestination, Mailbox
from mailboxes.parsing import ParsedAddress
from mailboxes.senders import forbid_senders, permit_senders
from mailboxes.views import at, picked_ids


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_senders(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    form = PermittedSendersForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            number = permit_senders(mailbox, form.cleaned_data["senders"], by=Actor.from_request(request))
            say(request, _permitted(number))
            return redirect("mailbox_senders", mailbox.address)
    pointing = AliasDestination.objects.filter(address=mailbox.address).select_related("alias__address__domain")
    context = {
        "form": form,
        "mailbox": mailbox,
        "domain": mailbox.address.domain,
        "permitted": list(mailbox.permitted_senders.all()),
        "pointing": list(pointing.order_by("alias_id")[:11]),
    }
    return render(request, "mailboxes/mailbox_senders.html", context)


@person_required
@require_POST
def sender_forbid(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    picked = list(mailbox.permitted_senders.filter(pk__in=picked_ids(request)))
    if picked:
        forbid_senders(mailbox, picked, by=Actor.from_request(request))
        say(
            request, _("{mailbox} may no longer send as {sender}."), mailbox=mailbox, sender=", ".join(map(str, picked))
        )
    return redirect("mailbox_senders", mailbox.address)


def _permitted(number: int) -> str:
    if not number:
        return _("All of them were permitted already.")
    sentence = ngettext("Permitted %(count)d more sender.", "Permitted %(count)d more senders.", number)
    return sentence % {"count": number}
