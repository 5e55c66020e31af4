"""The owner's house: one's own mailbox and its password."""

from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.forms import OwnPasswordForm
from accounts.pages import PersonRequest, owner_required, refusals_on, say, typed
from mailboxes.credentials import is_password
from mailboxes.models import Alias, AliasDestination, Mailbox, MailboxCredential, PasswordSettings, RecoveryAddress
from mailboxes.services import set_mailbox_password

MOST_SHOWN = 20


@owner_required
@require_safe
def my_mailbox(request: PersonRequest) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    pointing = AliasDestination.objects.filter(address=mailbox.address, alias__active=True)
    alias = Alias.objects.filter(address=mailbox.address, active=True).first()
    credential = MailboxCredential.objects.only("changed_at").filter(mailbox=mailbox).first()
    context = {
        "mailbox": mailbox,
        "domain": mailbox.address.domain,
        "credential": credential,
        "recovery": RecoveryAddress.objects.filter(mailbox=mailbox).first(),
        "valid_until": PasswordSettings.current().valid_until(credential.changed_at) if credential else None,
        "pointing": list(pointing.select_related("alias__address__domain").order_by("alias_id")[:MOST_SHOWN]),
        "alias_domains": list(mailbox.address.domain.alias_domains.filter(active=True).order_by("name")[:MOST_SHOWN]),
        "copies": list(alias.destinations.with_targets()[:MOST_SHOWN]) if alias else [],
    }
    return render(request, "mailboxes/my_mailbox.html", context)


@owner_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_mailbox_password(request: PersonRequest) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    credential = MailboxCredential.objects.filter(mailbox=mailbox).first()
    form = OwnPasswordForm(typed(request))
    if form.is_valid():
        if credential is None or not is_password(form.cleaned_data["current"], credential.hash):
            form.add_error("current", _("This is not your current password."))
        elif form.cleaned_data["password"] == form.cleaned_data["current"]:
            form.add_error("password", _("This is the password that you have. Choose another one."))
        else:
            with refusals_on(form):
                set_mailbox_password(mailbox, form.cleaned_data["password"], by=Actor.from_request(request))
                request.user.refresh_from_db()
                update_session_auth_hash(request, request.user)  # this session goes on, all others end
                say(request, _("Your password was changed. Your mail programs will ask for the new one."))
                return redirect("my_mailbox")
    context = {"form": form, "mailbox": mailbox, "settings": PasswordSettings.current()}
    context["must_change"] = credential is not None and credential.must_change
    return render(request, "mailboxes/my_mailbox_password.html", context)
