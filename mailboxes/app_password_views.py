"""Pages about app passwords: the owner adds and revokes them, the people of the panel see and revoke them."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.pages import PersonRequest, owner_required, person_required, refusals_on, say, typed
from mailboxes.app_passwords import add_app_password, revoke_app_password, what_is_lost
from mailboxes.backends import knows_password
from mailboxes.models import AppPassword, Mailbox
from mailboxes.parsing import ParsedAddress
from mailboxes.password_forms import AppPasswordForm
from mailboxes.views import at


def _of(mailbox: Mailbox) -> list[AppPassword]:
    """All of them: there are MOST_APP_PASSWORDS at most."""
    return list(mailbox.app_passwords.select_related("secret").order_by("name"))


@owner_required
@require_safe
def my_app_passwords(request: PersonRequest) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    context = {"mailbox": mailbox, "app_passwords": _of(mailbox)}
    return render(request, "mailboxes/my_app_passwords.html", context)


@owner_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_app_password_add(request: PersonRequest) -> HttpResponse:
    """The answer to the form is the only page that shows it: it is stored nowhere, not even for a redirect. Who sits
    here must know the password: an app password opens the mail for longer than a session lasts."""
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    form = AppPasswordForm(typed(request))
    if form.is_valid():
        if not knows_password(request, mailbox, form.cleaned_data["current"]):
            form.add_error("current", _("This is not your current password."))
        else:
            with refusals_on(form):
                one, text = add_app_password(mailbox, **form.values(), by=Actor.from_request(request))
                context = {"mailbox": mailbox, "app_password": one, "text": text}
                return render(request, "mailboxes/my_app_password_added.html", context)
    return render(request, "mailboxes/my_app_password_add.html", {"mailbox": mailbox, "form": form})


@owner_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_app_password_revoke(request: PersonRequest, pk: int) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    one = get_object_or_404(mailbox.app_passwords.select_related("mailbox__address__domain"), pk=pk)
    if request.method == "POST":
        revoke_app_password(one, by=Actor.from_request(request))
        say(request, _("Revoked app password {name}."), name=one.name)
        return redirect("my_app_passwords")
    context = {"mailbox": mailbox, "app_password": one, "lost": what_is_lost(one)}
    return render(request, "mailboxes/my_app_password_revoke.html", context)


@person_required
@require_safe
def app_password_list(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    context = {"mailbox": mailbox, "domain": mailbox.address.domain, "app_passwords": _of(mailbox)}
    return render(request, "mailboxes/app_password_list.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def app_password_revoke(request: PersonRequest, address: ParsedAddress, pk: int) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    one = get_object_or_404(mailbox.app_passwords.select_related("mailbox__address__domain"), pk=pk)
    if request.method == "POST":
        revoke_app_password(one, by=Actor.from_request(request))
        say(request, _("Revoked app password {name}."), name=one.name)
        return redirect("app_password_list", mailbox.address)
    context = {"mailbox": mailbox, "domain": mailbox.address.domain, "app_password": one, "lost": what_is_lost(one)}
    return render(request, "mailboxes/app_password_revoke.html", context)
