"""Pages that give a mailbox or an alias another address."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.pages import PersonRequest, person_required, refusals_on, say, typed
from mailboxes.forms import RenameForm
from mailboxes.models import Alias, Mailbox
from mailboxes.parsing import ParsedAddress
from mailboxes.renaming import rename_address
from mailboxes.views import at


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_rename(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    return _rename(request, mailbox, "mailboxes")


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def alias_rename(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    aliases = Alias.objects.visible_to(request.user).exclude(address__local_part="")  # a catch-all has no name
    alias = get_object_or_404(aliases.select_related("address__domain"), **at(address))
    return _rename(request, alias, "aliases")


def _rename(request: PersonRequest, thing: Mailbox | Alias, below: str) -> HttpResponse:
    form = RenameForm(typed(request), initial={"address": str(thing)}, user=request.user)
    if form.is_valid():
        with refusals_on(form, local_part="address", keep_until="keep_days"):
            values: dict[str, Any] = form.values()
            remarks: list[str] = []
            renamed = rename_address(thing.address, tell=remarks.append, by=Actor.from_request(request), **values)
            say(request, _("{old} is now {new}."), old=thing, new=renamed)
            for remark in remarks:
                say(request, remark, level=messages.WARNING)
            return redirect(type(thing).objects.select_related("address__domain").get(pk=thing.pk))
    context = {"form": form, "thing": thing, "domain": thing.address.domain, "below": below}
    return render(request, "mailboxes/rename.html", context)
