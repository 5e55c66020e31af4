"""What passwords of mailboxes must be, and how good one is while it is typed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Actor
from accounts.forms import LONGEST_CREDENTIAL
from accounts.pages import PersonRequest, refusals_on, say, superuser_required, typed
from mailboxes.models import PasswordSettings
from mailboxes.password_forms import PasswordSettingsForm
from mailboxes.password_settings import change_password_settings
from mailboxes.strength import strength


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def password_settings(request: PersonRequest) -> HttpResponse:
    current = PasswordSettings.current()
    initial = {name: getattr(current, name) for name in PasswordSettingsForm.base_fields}
    form = PasswordSettingsForm(typed(request), initial=initial)
    if form.is_valid():
        with refusals_on(form):
            change_password_settings(**form.cleaned_data, by=Actor.from_request(request))
            say(request, _("The password settings were saved."))
            return redirect("password_settings")
    return render(request, "mailboxes/password_settings.html", {"form": form, "current": current})


@never_cache
@require_POST
def password_strength(request: HttpRequest) -> HttpResponse:
    """A part of a page: how good the password is that somebody is typing. It says nothing about who is there."""
    password = request.POST.get("password", "")[:LONGEST_CREDENTIAL]
    address = request.POST.get("address", "")[:LONGEST_CREDENTIAL]
    least = PasswordSettings.current().least_strength
    found = strength(password, address) if password else None
    context = {"strength": found, "is_enough": found is not None and found >= least}
    return render(request, "mailboxes/_strength.html", context)
