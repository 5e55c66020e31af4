"""The owner's house: one's own mailbox, its password, and where its mail goes."""

from dataclasses import dataclass

from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.forms import OwnPasswordForm
from accounts.pages import PersonRequest, owner_required, refusals_on, say, typed
from mailboxes.backends import knows_password
from mailboxes.credentials import reads_eight_bytes
from mailboxes.forwarding import set_forwarding
from mailboxes.models import (
    Alias,
    AliasDestination,
    Mailbox,
    MailboxCredential,
    OutOfOffice,
    PasswordSettings,
    RecoveryAddress,
)
from mailboxes.owner_forms import ForwardingForm
from mailboxes.services import set_mailbox_password
from mailboxes.usage import FIRST_LEVEL

MOST_SHOWN = 20
SIGN_INS_SHOWN = 8


@dataclass(frozen=True)
class Space:
    """How much of a mailbox is used, in bytes, as Dovecot said last. `quota` is None without one."""

    used: int
    messages: int | None
    quota: int | None

    @classmethod
    def of(cls, mailbox: Mailbox) -> "Space":
        usage = getattr(mailbox, "usage", None)
        return cls(usage.bytes if usage else 0, usage.messages if usage else None, mailbox.quota_bytes)

    @property
    def percent(self) -> int:
        """0 to 100; Dovecot lets the last message go over the quota."""
        return min(100, self.used * 100 // self.quota) if self.quota else 0

    @property
    def is_nearly_full(self) -> bool:
        return self.percent >= FIRST_LEVEL


@owner_required
@require_safe
def my_mailbox(request: PersonRequest) -> HttpResponse:
    mailboxes = Mailbox.objects.owned_by(request.user).with_address().select_related("usage", "credential")
    mailbox = get_object_or_404(mailboxes)
    pointing = AliasDestination.objects.filter(address=mailbox.address, alias__active=True)
    alias = Alias.objects.filter(address=mailbox.address, active=True).first()
    credential = getattr(mailbox, "credential", None)
    context = {
        "mailbox": mailbox,
        "domain": mailbox.address.domain,
        "credential": credential,
        "recovery": RecoveryAddress.objects.filter(mailbox=mailbox).first(),
        "valid_until": PasswordSettings.current().valid_until(credential.changed_at) if credential else None,
        "pointing": list(pointing.select_related("alias__address__domain").order_by("alias_id")[:MOST_SHOWN]),
        "alias_domains": list(mailbox.address.domain.alias_domains.filter(active=True).order_by("name")[:MOST_SHOWN]),
        "space": Space.of(mailbox),
        "sign_ins": list(mailbox.sign_ins.order_by("-signed_in_at", "-pk")[:SIGN_INS_SHOWN]),
        "answer": OutOfOffice.objects.filter(mailbox=mailbox).first(),
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
        if not knows_password(request, mailbox, form.cleaned_data["current"]):
            form.add_error("current", _("This is not your current password."))
        elif form.cleaned_data["password"] == form.cleaned_data["current"]:
            form.add_error("password", _("This is the password that you have. Choose another one."))
        else:
            with refusals_on(form):
                by = Actor.from_request(request)
                set_mailbox_password(mailbox, form.cleaned_data["password"], by_owner=True, by=by)
                request.user.refresh_from_db()
                update_session_auth_hash(request, request.user)  # this session goes on, all others end
                say(request, _("Your password was changed. Your mail programs will ask for the new one."))
                return redirect("my_mailbox")
    context = {"form": form, "mailbox": mailbox, "settings": PasswordSettings.current()}
    context["must_change"] = credential is not None and credential.must_change
    context["reads_eight_bytes"] = credential is not None and reads_eight_bytes(credential.hash)
    return render(request, "mailboxes/my_mailbox_password.html", context)


@owner_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_forwarding(request: PersonRequest) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    alias = Alias.objects.filter(address=mailbox.address).first()
    there = list(alias.destinations.with_targets()) if alias else []
    initial = {"destinations": "\n".join(map(str, there)), "keeps_copy": mailbox.receives}
    form = ForwardingForm(typed(request), initial=initial)
    if form.is_valid():
        with refusals_on(form):
            set_forwarding(mailbox, **form.cleaned_data, by=Actor.from_request(request))
            is_on = bool(form.cleaned_data["destinations"])
            say(request, _("Saved. Mail is sent on from now.") if is_on else _("Saved. Mail stays in your mailbox."))
            return redirect("my_mailbox")
    return render(request, "mailboxes/my_forwarding.html", {"form": form, "mailbox": mailbox})
