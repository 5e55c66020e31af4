"""Pages about mailboxes: the list of a domain, one mailbox, many at once; all addresses; a domain that is deleted."""

from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.pages import (
    PanelForm,
    PersonRequest,
    asked,
    chosen,
    list_page,
    number,
    person_required,
    refusals_on,
    say,
    superuser_required,
    text,
    typed,
)
from domains.models import Domain, MailSettings
from domains.own_maps import classes_with_own_maps
from domains.views import domain_head, domain_of_page, say_remark
from mailboxes import services
from mailboxes.afterwards import how_long_in_quarantine, what_becomes_of_the_mail_of_many, who_gets_mail_after
from mailboxes.forms import MAY_DO, MailboxAddForm, MailboxForm, quota_words
from mailboxes.jobs import start_alias_report
from mailboxes.mail_paths import free_path
from mailboxes.models import (
    Address,
    AliasDestination,
    Mailbox,
    MailboxCredential,
    PasswordSettings,
    RecoveryAddress,
)
from mailboxes.parsing import ParsedAddress, normalised_local_part
from mailboxes.password_forms import MailboxPasswordForm
from mailboxes.removal import delete_domain, what_is_lost
from mailboxes.sessions import SessionCheck
from mailboxes.stopping import release_mailboxes, stop_mailboxes

MOST_PICKED = 200
MOST_HOSTS = 20


def at(address: ParsedAddress) -> dict[str, str]:
    """How a mailbox or an alias is found by its address."""
    return {"address__domain__name": address.domain, "address__local_part": address.local_part}


def before_the_at(q: str) -> str:
    """People type a whole address where its beginning would do."""
    return q.lower().partition("@")[0]


def picked_ids(request: PersonRequest) -> list[int]:
    """The rows that were ticked in a list."""
    picked = request.POST.getlist("pick")[:MOST_PICKED]
    return [int(pk) for pk in picked if pk.isascii() and pk.isdigit() and len(pk) < 19]


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_list(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    mailboxes = Mailbox.objects.visible_to(request.user).filter(address__domain=domain)
    if request.method == "POST":
        return _act_on_many(request, domain, mailboxes)
    q = asked(request, "q")
    states = [("", _("All")), ("active", _("Active")), ("inactive", _("Inactive")), ("expired", _("Expired"))]
    states += [("stopped", _("Stopped"))]
    state = chosen(request, "state", _("State"), [*states, ("receives_no_mail", _("Receives no mail"))])
    found = mailboxes.in_state(state.current) if state.current else mailboxes
    found = found.select_related("address__domain", "address__alias", "usage").annotate(
        has_password=Exists(MailboxCredential.objects.filter(mailbox=OuterRef("pk")))
    )
    if q:
        found = found.filter(address__local_part__startswith=before_the_at(q))
    descending = asked(request, "sort") == "-address"
    by_use = asked(request, "sort") == "-used"
    if by_use:  # those of which Dovecot has said something; usage__domain and the key are one index
        found, key = found.filter(usage__domain=domain), ("usage__bytes", "usage__pk")
        page = list_page(found, request, key=key, descending=True, read=(number, number))
    else:
        page = list_page(found, request, key=("address__local_part",), descending=descending)
    context = domain_head(domain) | {"page": page, "q": q, "filters": [state], "descending": descending}
    context["by_use"] = by_use
    context["is_empty"] = not page.rows and not mailboxes.exists()
    return render(request, "mailboxes/mailbox_list.html", context)


def _act_on_many(request: PersonRequest, domain: Domain, mailboxes: QuerySet[Mailbox]) -> HttpResponse:
    picked = list(mailboxes.with_address().filter(pk__in=picked_ids(request)).order_by("address__local_part"))  # type: ignore[attr-defined]
    do, by = request.POST.get("do"), Actor.from_request(request)
    if not picked:
        say(
            request,
            _("No mailbox was chosen. Tick the ones you mean, then press the button again."),
            level=messages.WARNING,
        )
        return redirect(request.get_full_path())
    try:
        if do in ("activate", "deactivate"):
            services.set_mailboxes_active(picked, do == "activate", by=by)
            say(request, _done(do, len(picked)))
        elif do == "delete" and request.POST.get("is_sure") == "yes":
            change_set = services.delete_mailboxes(picked, by=by)
            say(request, _done(do, len(picked)), undo=change_set)
        elif do == "delete":
            addresses = [mailbox.address for mailbox in picked]
            taken = who_gets_mail_after(addresses)
            first = what_becomes_of_the_mail_of_many(addresses, taken)
            rows = [(mailbox, taken.get(mailbox.address_id, "")) for mailbox in picked]
            context = domain_head(domain) | {"picked": rows, "lost": [first, *_lost_with(picked)]}
            return render(request, "mailboxes/mailboxes_delete.html", context)
    except ValidationError as error:
        say(request, " ".join(error.messages), level=messages.ERROR)
    return redirect(request.get_full_path())


def _done(do: str, count: int) -> str:
    if do == "activate":
        sentence = ngettext("Activated %(count)d mailbox.", "Activated %(count)d mailboxes.", count)
    elif do == "deactivate":
        sentence = ngettext(
            "Deactivated %(count)d mailbox. It refuses mail from now on.",
            "Deactivated %(count)d mailboxes. They refuse mail from now on.",
            count,
        )
    else:
        sentence = ngettext(
            "Deleted %(count)d mailbox. Its files stay where they are.",
            "Deleted %(count)d mailboxes. Their files stay where they are.",
            count,
        )
    return sentence % {"count": count}


def _lost_with(picked: list[Mailbox]) -> list[str]:
    pointing = AliasDestination.objects.filter(address__in=[mailbox.address_id for mailbox in picked])
    aliases = pointing.aggregate(number=Count("alias", distinct=True))["number"]
    losses = [_("The files stay where they are."), *how_long_in_quarantine()]
    if aliases:
        sentence = ngettext(
            "%(number)d alias delivers to one of them. Without another destination it is deleted too.",
            "%(number)d aliases deliver to one of them. Those without another destination are deleted too.",
            aliases,
        )
        losses.append(sentence % {"number": aliases})
    return losses


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_add(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    form = MailboxAddForm(typed(request), user=request.user, domain=domain)
    if form.is_valid():
        with refusals_on(form, quota_bytes="quota", destinations="also_deliver_to"):
            new = services.add_mailbox(domain, by=Actor.from_request(request), **form.values())
            say(request, _("Added mailbox {address}. Mail arrives at once: Postfix reads the database."), address=new)
            again = request.POST.get("again") == "1"
            return redirect(request.path if again else new.get_absolute_url())
    context = domain_head(domain) | {"form": form, "stored_at": _stored_at(domain, form)}
    return render(request, "mailboxes/mailbox_add.html", context | {"quota_bytes": domain.counted.quota_bytes})


def _stored_at(domain: Domain, form: MailboxAddForm) -> str:
    """The mail path as far as it is known: with the name, once that was typed."""
    values = getattr(form, "cleaned_data", {})
    with suppress(ValidationError):
        if local_part := normalised_local_part(values.get("local_part", ""), may_be_empty=True):
            return values.get("mail_path") or free_path(domain, local_part, values.get("mail_format", ""))
    return MailSettings.current().mail_path_template.replace("{domain}", domain.name)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(
        Mailbox.objects.visible_to(request.user).with_address().select_related("usage", "welcome"), **at(address)
    )
    around = _around(mailbox)
    fields = ("name", "mail_path", "active", "expires_at", *MAY_DO, "version")
    initial = {name: getattr(mailbox, name) for name in fields}
    initial |= quota_words(mailbox.quota_bytes) | {"also_deliver_to": "\n".join(map(str, around["copies"]))}
    initial["allowed_networks"] = "\n".join(mailbox.allowed_networks)
    form = MailboxForm(typed(request), initial=initial, user=request.user, domain=mailbox.address.domain)
    if form.is_valid():
        with refusals_on(form, quota_bytes="quota", destinations="also_deliver_to"):
            services.change_mailbox(mailbox, by=Actor.from_request(request), **form.values())
            say(request, _("Saved mailbox {address}."), address=mailbox)
            return redirect(mailbox)
    context = {"form": form, "mailbox": mailbox, "domain": mailbox.address.domain} | around
    if mailbox.stopped_at:
        context["hosts"] = list(SessionCheck.objects.all()[:MOST_HOSTS])
        context["app_passwords"] = mailbox.app_passwords.exclude(expires_at__lte=timezone.now()).count()
    return render(request, "mailboxes/mailbox.html", context)


def _around(mailbox: Mailbox) -> dict[str, Any]:
    """What else concerns this mailbox: its alias, aliases that deliver here, its password, its owner."""
    pointing = AliasDestination.objects.filter(address=mailbox.address).select_related("alias__address__domain")
    credential = MailboxCredential.objects.filter(mailbox=mailbox).defer("hash").first()
    valid_until = PasswordSettings.current().valid_until(credential.changed_at) if credential else None
    owner = getattr(mailbox, "owner", None)
    alias = getattr(mailbox.address, "alias", None)
    return {
        "alias": alias,
        "copies": list(alias.destinations.with_targets()) if alias else [],
        "pointing": list(pointing.order_by("alias_id")[:11]),
        "password_changed_at": credential.changed_at if credential else None,
        "must_change_password": credential is not None and credential.must_change,
        "hash_is_costly": credential is not None and credential.is_costly,
        "password_valid_until": valid_until,
        "sign_ins": list(mailbox.sign_ins.order_by("-signed_in_at", "-pk")[:3]),
        "last_sign_in": owner.user.last_login if owner else None,
        "recovery": RecoveryAddress.objects.filter(mailbox=mailbox).first(),
    }


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_password(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    form = MailboxPasswordForm(typed(request), least=PasswordSettings.current().least_length)
    if form.is_valid():
        password, must_change = form.cleaned_data["password"], form.cleaned_data["must_change"]
        with refusals_on(form):
            by = Actor.from_request(request)
            services.set_mailbox_password(mailbox, password, must_change=must_change, by=by)
            say(
                request, _("The password of {address} was changed. Mail programs ask for the new one."), address=mailbox
            )
            return redirect(mailbox)
    context = {"form": form, "mailbox": mailbox, "domain": mailbox.address.domain}
    context["recovery"] = RecoveryAddress.objects.filter(mailbox=mailbox).first()
    context["has_password"] = MailboxCredential.objects.filter(mailbox=mailbox).exists()
    return render(request, "mailboxes/mailbox_password.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_delete(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(
        Mailbox.objects.visible_to(request.user).with_address().select_related("address__alias"), **at(address)
    )
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            change_set = services.delete_mailbox(mailbox, by=Actor.from_request(request))
            sentence = _("Deleted mailbox {address}. Its files stay where they are.")
            say(request, sentence, undo=change_set, address=address)
            return redirect("mailbox_list", mailbox.address.domain.name)
    context = {"form": form, "mailbox": mailbox, "domain": mailbox.address.domain}
    context["lost"] = what_is_lost(mailbox, reader=request.user)
    return render(request, "mailboxes/mailbox_delete.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_stop(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            change_set = stop_mailboxes([mailbox], by=Actor.from_request(request))
            sentence = _("Stopped {address}. Nobody signs in or sends until you release it; mail still arrives.")
            say(request, sentence, undo=change_set, address=address)
            return redirect(mailbox)
    context = {"form": form, "mailbox": mailbox, "domain": mailbox.address.domain}
    context["recovery"] = RecoveryAddress.objects.filter(mailbox=mailbox, confirmed_at__isnull=False).first()
    return render(request, "mailboxes/mailbox_stop.html", context)


@person_required
@require_POST
def mailbox_release(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.visible_to(request.user).with_address(), **at(address))
    release_mailboxes([mailbox], by=Actor.from_request(request))
    say(request, _("Released {address}. Its owner may sign in and send again."), address=address)
    return redirect(mailbox)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def domain_delete(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            before = classes_with_own_maps()
            change_set = delete_domain(domain, by=Actor.from_request(request))
            sentence = _("Deleted domain {domain} with its addresses.")
            say(request, sentence, undo=change_set, domain=domain.unicode_name)
            say_remark(request, before)
            return redirect("domain_list")
    context = {"form": form, "domain": domain, "lost": what_is_lost(domain)}
    return render(request, "mailboxes/domain_delete.html", context)


@person_required
@require_safe
def address_list(request: PersonRequest) -> HttpResponse:
    """All addresses one may see, by local part: the same name in several domains stands together."""
    addresses = Address.objects.visible_to(request.user)
    q = asked(request, "q")
    kinds = [("", _("All")), ("mailbox", _("Mailboxes")), ("alias", _("Aliases")), ("catch_all", _("Catch-alls"))]
    kinds.append(("recipient", _("Relay recipients")))
    kind = chosen(request, "kind", _("What is there"), kinds)
    found = addresses.select_related("domain", "mailbox", "alias", "relay_recipient")
    if q:
        local_part, has_at, domain = q.lower().partition("@")
        found = found.filter(local_part=local_part) if has_at else found.filter(local_part__startswith=local_part)
        found = found.filter(domain__name__startswith=domain) if domain else found
    if kind.current == "mailbox":
        found = found.filter(mailbox__isnull=False)
    elif kind.current == "alias":
        found = found.filter(alias__isnull=False)
    elif kind.current == "catch_all":
        found = found.filter(local_part="", alias__isnull=False)
    elif kind.current == "recipient":
        found = found.filter(relay_recipient__isnull=False)
    page = list_page(found, request, key=("local_part", "domain_id"), read=(text, number))
    context = {"page": page, "q": q, "filters": [kind], "is_empty": not page.rows and not addresses.exists()}
    return render(request, "mailboxes/address_list.html", context)


@superuser_required
@require_POST
def alias_report_start(request: PersonRequest) -> HttpResponse:
    return redirect(start_alias_report(by=Actor.from_request(request)))
