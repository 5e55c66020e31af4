"""Pages about a forgotten password: where a link is sent, who asks for one, and what the link opens."""

from time import monotonic, sleep
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.request import validate_host
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor, Door
from accounts.forms import NewPassword
from accounts.models import User
from accounts.pages import PanelForm, PersonRequest, owner_required, person_required, refusals_on, say, typed
from dns_records.models import DnsSettings
from mailboxes.backends import knows_password
from mailboxes.models import Mailbox, PasswordLink, PasswordSettings, RecoveryAddress
from mailboxes.parsing import ParsedAddress
from mailboxes.password_forms import ForgottenPasswordForm, RecoveryAddressForm
from mailboxes.recovery import (
    WHAT_OPENS,
    ask_for_reset,
    confirm_recovery_address,
    delete_recovery_address,
    link_of,
    reset_password,
    set_recovery_address,
    what_is_lost,
)
from mailboxes.views import at

NOBODY_KNOWN = "somebody who is not signed in"  # in the history, as tasks have their names there
AT_LEAST = 0.3  # seconds that an answer takes: how long it works must not tell whether an address exists


def _link(request: HttpRequest, name: str) -> dict[str, Any]:
    """To the name that the settings have for the panel: who asks for a link to be sent to somebody else chooses under
    which one the panel is reached."""
    path, host = reverse(name, args=[WHAT_OPENS]), DnsSettings.current().panel_host
    is_ours = bool(host) and validate_host(host, settings.ALLOWED_HOSTS)
    url = f"{request.scheme}://{host}{path}" if is_ours else request.build_absolute_uri(path)
    return {"url": url, "language": get_language() or "en"}


@owner_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_recovery_address(request: PersonRequest) -> HttpResponse:
    """Who sits here must know the password: this address is a second key."""
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    recovery = RecoveryAddress.objects.select_related("mailbox__address__domain").filter(mailbox=mailbox).first()
    form = RecoveryAddressForm(typed(request), initial={"address": recovery.address if recovery else ""})
    if form.is_valid():
        if not knows_password(request, mailbox, form.cleaned_data["current"]):
            form.add_error("current", _("This is not your current password."))
        else:
            with refusals_on(form):
                return _saved(request, mailbox, recovery, form.cleaned_data["address"])
    context = {"mailbox": mailbox, "recovery": recovery, "form": form}
    return render(request, "mailboxes/my_recovery_address.html", context)


def _saved(request: PersonRequest, mailbox: Mailbox, recovery: RecoveryAddress | None, text: str) -> HttpResponse:
    by = Actor.from_request(request)
    if text:
        saved = set_recovery_address(mailbox, text, **_link(request, "recovery_confirm"), by=by)
        say(request, _("A link was sent to {address}. Open it within an hour."), address=saved)
    elif recovery:
        delete_recovery_address(recovery, by=by)
        say(request, _("Your recovery address was deleted."))
    return redirect("my_mailbox")


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def recovery_address_delete(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    """For administrators: somebody else may have put it there. Only the owner names one."""
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    recoveries = RecoveryAddress.objects.select_related("mailbox__address__domain")
    recovery = get_object_or_404(recoveries, mailbox=mailbox)
    if request.method == "POST":
        delete_recovery_address(recovery, by=Actor.from_request(request))
        say(request, _("Deleted the recovery address of {address}."), address=mailbox)
        return redirect(mailbox)
    context = {"mailbox": mailbox, "domain": mailbox.address.domain, "recovery": recovery, "lost": what_is_lost()}
    return render(request, "mailboxes/recovery_address_delete.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_forgotten(request: HttpRequest) -> HttpResponse:
    begun = monotonic()
    form = ForgottenPasswordForm(typed(request))
    if form.is_valid():
        address = form.cleaned_data["address"]
        ask_for_reset(address, **_link(request, "password_reset"), by=_somebody(request))
        say(request, _("If this mailbox has a confirmed recovery address, a link is on its way there."))
        sleep(max(0, AT_LEAST - (monotonic() - begun)))
        return redirect("sign_in")
    return render(request, "mailboxes/password_forgotten.html", {"form": form})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_reset(request: HttpRequest, token: str) -> HttpResponse:
    """To look at the page uses nothing up: programs that examine mail open links, too."""
    try:
        link = link_of(token, PasswordLink.Purpose.RESET)
    except ValidationError as error:
        return _no_longer_good(request, error)
    form = NewPassword(typed(request))
    if form.is_valid():
        with refusals_on(form):
            reset_password(token, form.cleaned_data["password"], by=_somebody(request, str(link.mailbox)))
            say(request, _("Your password was changed. Sign in with the new one."))
            return redirect("sign_in")
    context = {"form": form, "mailbox": link.mailbox, "settings": PasswordSettings.current()}
    return render(request, "mailboxes/password_reset.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def recovery_confirm(request: HttpRequest, token: str) -> HttpResponse:
    try:
        link = link_of(token, PasswordLink.Purpose.CONFIRM)
        form = PanelForm(typed(request))
        if form.is_valid():
            confirm_recovery_address(token, by=_somebody(request, str(link.mailbox)))
            say(request, _("{address} is now a recovery address."), address=link.address)
            return redirect("sign_in")
    except ValidationError as error:
        return _no_longer_good(request, error)
    return render(request, "mailboxes/recovery_confirm.html", {"form": form, "link": link})


def _somebody(request: HttpRequest, name: str = "") -> Actor:
    """Who has a link that was sent to `name`, or asks for one; not signed in as a rule. An address that somebody types
    does not say who that is."""
    user = request.user if isinstance(request.user, User) else None
    name = name or ("" if user else NOBODY_KNOWN)
    return Actor(user=user, door=Door.PAGE, name=name, host=request.META.get("REMOTE_ADDR", ""))


def _no_longer_good(request: HttpRequest, error: ValidationError) -> HttpResponse:
    return render(request, "mailboxes/link_is_over.html", {"sentence": " ".join(error.messages)}, status=410)
