"""Pages about the default aliases: which they are and where they go, and the domains that lack some."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.pages import PersonRequest, asked, refusals_on, say, superuser_required, typed
from mailboxes import default_aliases as services
from mailboxes.alias_forms import DefaultAliasesForm
from mailboxes.jobs import start_default_aliases
from mailboxes.models import DefaultAlias


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def default_aliases(request: PersonRequest) -> HttpResponse:
    rows = list(DefaultAlias.objects.all())
    asked_for = next((row for row in rows if row.local_part == asked(request, "local_part")), None)
    if asked_for:
        initial = {"local_parts": asked_for.local_part, "destination": asked_for.destination}
    else:
        initial = {"local_parts": "" if rows else "\n".join(services.USUAL)}
    form = DefaultAliasesForm(typed(request), initial=initial)
    if form.is_valid():
        with refusals_on(form, local_part="local_parts"):
            services.set_default_aliases(**form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Saved the default aliases. New domains get them; for the others, add the missing ones."))
            return redirect("default_aliases")
    return render(request, "mailboxes/default_aliases.html", {"form": form, "rows": rows})


@superuser_required
@require_POST
def default_alias_delete(request: PersonRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(DefaultAlias, pk=pk)
    change_set = services.delete_default_alias(row, by=Actor.from_request(request))
    say(request, _("New domains no longer get {name}. The aliases that are there stay."), undo=change_set, name=row)
    return redirect("default_aliases")


@superuser_required
@require_safe
def default_aliases_missing(request: PersonRequest) -> HttpResponse:
    """What adding the missing ones would do."""
    missing = services.missing_default_aliases()
    context = {"domains": len(missing), "aliases": sum(map(len, missing.values()))}
    return render(request, "mailboxes/default_aliases_missing.html", context)


@superuser_required
@require_POST
def default_aliases_add(request: PersonRequest) -> HttpResponse:
    return redirect(start_default_aliases(by=Actor.from_request(request)))
