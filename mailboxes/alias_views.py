"""Pages about aliases: the list of a domain, one alias with where its mail goes."""

from django.db.models import Count, OuterRef, Prefetch, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.pages import PanelForm, PersonRequest, asked, chosen, list_page, person_required, refusals_on, say, typed
from domains.views import domain_head, domain_of_page
from mailboxes import services
from mailboxes.alias_forms import AliasAddForm, AliasForm
from mailboxes.forwarding import closed_of
from mailboxes.models import Alias, AliasDestination
from mailboxes.parsing import ParsedAddress
from mailboxes.protection import default_aliases_among, default_aliases_at, is_domain_admin
from mailboxes.removal import what_is_lost
from mailboxes.views import at, before_the_at

SHOWN_IN_LIST = 3  # destinations of an alias
SHOWN_AS_TREE = 20


@person_required
@require_safe
def alias_list(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    aliases = Alias.objects.visible_to(request.user).filter(address__domain=domain)
    q = asked(request, "q")
    states = [("", _("All")), ("active", _("Active")), ("inactive", _("Inactive")), ("not_begun", _("Not begun"))]
    state = chosen(request, "state", _("State"), [*states, ("ended", _("Ended"))])
    number = AliasDestination.objects.filter(alias=OuterRef("pk")).order_by().values("alias").annotate(n=Count("pk"))
    first = AliasDestination.objects.with_targets().filter(position__lt=SHOWN_IN_LIST)
    found = aliases.in_state(state.current) if state.current else aliases
    found = (
        found.select_related("address__domain", "address__mailbox")
        .annotate(more=Subquery(number.values("n")) - SHOWN_IN_LIST)
        .prefetch_related(Prefetch("destinations", first, to_attr="first_destinations"))
    )
    if q:
        found = found.filter(address__local_part__startswith=before_the_at(q))
    descending = asked(request, "sort") == "-address"
    page = list_page(found, request, key=("address__local_part",), descending=descending)
    context = domain_head(domain) | {"page": page, "q": q, "filters": [state], "descending": descending}
    context["is_empty"] = not page.rows and not aliases.exists()
    context["defaults"] = default_aliases_among(page.rows)
    context["closed"] = {address.pk for address in closed_of([one.address for one in page.rows])}
    return render(request, "mailboxes/alias_list.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def alias_add(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    initial = {"local_part": asked(request, "local_part"), "is_catch_all": asked(request, "catch_all") == "1"}
    form = AliasAddForm(typed(request), initial=initial, domain=domain, user=request.user)
    if form.is_valid():
        with refusals_on(form):
            new = services.add_alias(domain, by=Actor.from_request(request), **form.values())
            say(request, _("Added alias {address}. It works at once: Postfix reads the database."), address=new)
            return redirect(request.path if request.POST.get("again") == "1" else new.get_absolute_url())
    return render(request, "mailboxes/alias_add.html", domain_head(domain) | {"form": form})


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def alias(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    alias = get_object_or_404(
        Alias.objects.visible_to(request.user).select_related("address__domain", "address__mailbox"), **at(address)
    )
    destinations = list(alias.destinations.with_targets().select_related("address__mailbox", "address__alias"))
    initial = {
        "destinations": "\n".join(str(destination) for destination in destinations),
        "comment": alias.comment,
        "active": alias.active,
        "starts_at": alias.starts_at,
        "ends_at": alias.ends_at,
        "version": alias.version,
    }
    form = AliasForm(typed(request), initial=initial)
    by, is_default = Actor.from_request(request), bool(default_aliases_at([alias.address_id]))
    if is_default and is_domain_admin(by):
        form.keep_when_it_delivers()
    if form.is_valid():
        with refusals_on(form):
            services.change_alias(alias, by=by, **form.values())
            say(request, _("Saved alias {address}."), address=alias)
            return redirect(alias)
    context = {
        "form": form,
        "alias": alias,
        "is_default": is_default,
        "is_closed": bool(closed_of([alias.address])),
        "domain": alias.address.domain,
        "destinations": destinations[:SHOWN_AS_TREE],
        "more": max(0, len(destinations) - SHOWN_AS_TREE),
    }
    return render(request, "mailboxes/alias.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def alias_delete(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    alias = get_object_or_404(Alias.objects.visible_to(request.user).select_related("address__domain"), **at(address))
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            change_set = services.delete_alias(alias, by=Actor.from_request(request))
            say(request, _("Deleted alias {address}."), undo=change_set, address=address)
            return redirect("alias_list", alias.address.domain.name)
    context = {"form": form, "alias": alias, "domain": alias.address.domain}
    context["lost"] = what_is_lost(alias, reader=request.user)
    return render(request, "mailboxes/alias_delete.html", context)
