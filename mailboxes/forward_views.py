"""The page of what leaves the house: destinations elsewhere, by the domain that gets the mail."""

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.pages import PersonRequest, asked, list_page, number, person_required
from mailboxes.models import AliasDestination


@person_required
@require_safe
def forward_list(request: PersonRequest) -> HttpResponse:
    """Sorted by the domain that gets the mail; of one domain of ours, by the address that it comes from."""
    forwards = AliasDestination.objects.visible_to(request.user).to_outside()
    q, name = asked(request, "q"), asked(request, "domain").lower()
    found = forwards.with_alias()
    if q:
        found = found.filter(Q(domain_of_text__startswith=q.lower().rpartition("@")[2]))
    if name:
        found = found.filter(alias__address__domain__name=name)
        page = list_page(found, request, key=("alias__address__local_part", "pk"), read=(str, number))
    else:
        page = list_page(found, request, key=("domain_of_text", "pk"), read=(str, number))
    context = {"page": page, "q": q, "name": name, "is_empty": not page.rows and not forwards.exists()}
    return render(request, "mailboxes/forward_list.html", context)
