"""The page of an undo: what it would do, what prevents it, and the button."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.pages import PanelForm, PersonRequest, person_required, refusals_on, say, typed
from domains.history import change_sets_visible_to
from domains.history_views import EVENTS_SHOWN, differences
from mailboxes.jobs import start_undo
from mailboxes.undo import is_long_work, preview_of_undo, undo_change_set


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: PersonRequest, number: UUID) -> HttpResponse:
    change_set = get_object_or_404(change_sets_visible_to(request.user), pk=number)
    by = Actor.from_request(request)
    form = PanelForm(typed(request))
    if is_long_work(change_set):
        if form.is_valid():
            return redirect(start_undo(change_set, by=by))
        context = {"form": form, "change_set": change_set, "is_long": True}
        return render(request, "mailboxes/undo.html", context)
    if form.is_valid():
        with refusals_on(form):
            undone = undo_change_set(change_set, by=by)
            say(request, _("Undid: {what}."), undo=undone, what=change_set.sentence)
            return redirect("history")
    preview = preview_of_undo(change_set, by=by)
    events = [event for event in preview.events if event.changes]
    context = {
        "form": form,
        "change_set": change_set,
        "preview": preview,
        "differences": differences(events[:EVENTS_SHOWN]) if may_see(request, preview.obstacles) else [],
        "is_cut": len(events) > EVENTS_SHOWN,
    }
    return render(request, "mailboxes/undo.html", context)


def may_see(request: PersonRequest, obstacles: list[str]) -> bool:
    """What a domain admin may undo lies within the own domains; what not may be about others."""
    return request.user.is_superuser or not obstacles
