"""Pages about the recipients of a relay domain: the list, adding a pasted list, deleting the chosen ones."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.pages import PersonRequest, asked, list_page, person_required, refusals_on, say, typed
from domains.models import Domain
from domains.views import domain_head, domain_of_page
from mailboxes.afterwards import what_becomes_of_the_mail_of_many, who_gets_mail_after
from mailboxes.forms import RelayRecipientsForm
from mailboxes.models import RelayRecipient
from mailboxes.relay import add_relay_recipients, delete_relay_recipients
from mailboxes.views import before_the_at, picked_ids


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def recipient_list(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    recipients = RelayRecipient.objects.visible_to(request.user).filter(address__domain=domain)
    if request.method == "POST":
        return _delete(request, domain, recipients)
    q = asked(request, "q")
    found = recipients.with_address()
    if q:
        found = found.filter(address__local_part__startswith=before_the_at(q))
    descending = asked(request, "sort") == "-address"
    page = list_page(found, request, key=("address__local_part",), descending=descending)
    context = domain_head(domain) | {"page": page, "q": q, "filters": [], "descending": descending}
    context["is_empty"] = not page.rows and not recipients.exists()
    return render(request, "mailboxes/recipient_list.html", context)


def _delete(request: PersonRequest, domain: Domain, recipients: QuerySet[RelayRecipient]) -> HttpResponse:
    picked = list(
        recipients.select_related("address__domain").filter(pk__in=picked_ids(request)).order_by("address__local_part")
    )
    if not picked:
        sentence = _("No recipient was chosen. Tick the ones you mean, then press the button again.")
        say(request, sentence, level=messages.WARNING)
        return redirect(request.get_full_path())
    if request.POST.get("is_sure") != "yes":
        addresses = [one.address for one in picked]
        taken = who_gets_mail_after(addresses)
        context = domain_head(domain) | {"first": what_becomes_of_the_mail_of_many(addresses, taken)}
        context["picked"] = [(one, taken.get(one.address_id, "")) for one in picked]
        return render(request, "mailboxes/recipients_delete.html", context)
    try:
        delete_relay_recipients(domain, picked, by=Actor.from_request(request))
    except ValidationError as error:
        say(request, " ".join(error.messages), level=messages.ERROR)
    else:
        sentence = ngettext("Deleted %(count)d recipient.", "Deleted %(count)d recipients.", len(picked))
        say(request, sentence % {"count": len(picked)})
    return redirect(request.get_full_path())


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def recipient_add(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    form = RelayRecipientsForm(typed(request), user=request.user)
    if form.is_valid():
        with refusals_on(form):
            values, by = dict(form.cleaned_data), Actor.from_request(request)
            number = add_relay_recipients(domain, values.pop("recipients"), **values, by=by)
            say(request, _added(number))
            return redirect("recipient_list", domain.name)
    return render(request, "mailboxes/recipient_add.html", domain_head(domain) | {"form": form})


def _added(number: int) -> str:
    if not number:
        return _("All of them were in the list already.")
    sentence = ngettext("Added %(count)d recipient.", "Added %(count)d recipients.", number)
    return sentence % {"count": number}
