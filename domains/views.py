"""Pages about domains: the list, one domain with its tabs, its admins, and the settings that hold for all domains."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.models import User
from accounts.pages import (
    PanelForm,
    PersonRequest,
    asked,
    chosen,
    list_page,
    person_required,
    refusals_on,
    say,
    superuser_required,
    typed,
)
from domains import services
from domains.fields import normalised_domain
from domains.forms import (
    DescriptionForm,
    DomainAddForm,
    DomainAdminForm,
    DomainPersonAddForm,
    DomainSettingsForm,
    MailSettingsForm,
)
from domains.models import AddressClass, Domain, MailSettings
from domains.own_maps import classes_with_own_maps, remark_since


@dataclass(frozen=True, kw_only=True)
class Meter:
    """How much of a limit is used; `left_out` are mailboxes without a quota, which no sum knows."""

    label: str
    used: int
    most: int | None
    is_size: bool = False
    left_out: int = 0

    @property
    def percent(self) -> int:
        return min(100, 100 * self.used // self.most) if self.most else 100

    @property
    def is_full(self) -> bool:
        return self.most is not None and self.used >= self.most

    @property
    def is_past(self) -> bool:
        return self.most is not None and self.used > self.most


@person_required
@require_safe
def domain_list(request: PersonRequest) -> HttpResponse:
    domains = Domain.objects.visible_to(request.user)
    q = asked(request, "q")
    classes = [("", _("All classes")), *((value, str(words)) for value, words in AddressClass.choices)]
    address_class = chosen(request, "class", _("Address class"), classes)
    states = [("", _("All")), ("active", _("Active")), ("suspended", _("Suspended")), ("inactive", _("Inactive"))]
    state = chosen(request, "state", _("State"), states)
    found = domains.in_state(state.current) if state.current else domains
    found = found.select_related("target", "counts")
    if q:
        found = found.filter(begins_with(q))
    if address_class.current:
        found = found.filter(address_class=address_class.current)
    descending = asked(request, "sort") == "-name"
    page = list_page(found, request, key=("name",), descending=descending)
    is_empty = not page.rows and not domains.exists()
    context = {"page": page, "q": q, "filters": [address_class, state], "descending": descending, "is_empty": is_empty}
    return render(request, "domains/domain_list.html", context)


def begins_with(q: str) -> Q:
    """Domains whose name begins with what was typed; a whole name beyond ASCII is found by its A-label."""
    wanted = Q(name__startswith=q.lower())
    if not q.isascii():
        with suppress(ValidationError):  # the beginning of a name has no A-label
            wanted |= Q(name=normalised_domain(q))
    return wanted


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def domain_add(request: PersonRequest) -> HttpResponse:
    form = DomainAddForm(typed(request), user=request.user)
    if form.is_valid():
        with refusals_on(form):
            before = classes_with_own_maps()
            new = services.add_domain(**form.cleaned_data, by=Actor.from_request(request))
            say(request, _added(new), domain=new.unicode_name)
            say_remark(request, before)
            return redirect(new)
    return render(request, "domains/domain_add.html", {"form": form})


def _added(domain: Domain) -> str:
    if domain.address_class == AddressClass.ALIAS_DOMAIN:
        return _("Added {domain}. It answers for its target at once: Postfix reads the database.")
    if domain.has_recipients:
        return _("Added {domain}. Now add its recipients.")
    if domain.has_mailboxes:
        return _("Added {domain}. Now add its mailboxes and aliases.")
    return _("Added {domain}. Now add its aliases.")


def say_remark(request: PersonRequest, before: set[str]) -> None:
    """That main.cf is to be written again, where the first domain of a class came or the last one went."""
    remark = remark_since(before)
    if remark:
        say(request, remark, level=messages.WARNING)


@person_required
@require_safe
def domain(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    head = domain_head(domain)
    shown = domain.answers_for
    catch_all = shown.addresses.filter(local_part="", alias__isnull=False).select_related("alias").first()
    destinations = list(catch_all.alias.destinations.with_targets()[:6]) if catch_all else []
    patterns = shown.addresses.filter(local_part__endswith="*", alias__isnull=False).select_related("alias")
    context = head | {
        "catch_all": catch_all,
        "catch_all_destinations": destinations,
        "patterns": list(patterns.order_by("local_part")[:6]),
        "alias_domains": list(domain.alias_domains.order_by("name")[:11]),
        "admins": list(domain.admins.order_by("username")[:21]),
        "meters": meters(domain) if domain.has_aliases else [],
    }
    return render(request, "domains/domain.html", context)


def domain_of_page(request: PersonRequest, name: str) -> Domain:
    """The domain of a page and its tabs; 404 where it is not there for this person."""
    domains = Domain.objects.visible_to(request.user).select_related("target", "counts")
    return get_object_or_404(domains, name=name)


def domain_head(domain: Domain) -> dict[str, Any]:
    """What stands above every tab of a domain: itself, and how much it has."""
    counted = domain.counted
    return {
        "domain": domain,
        "mailboxes": counted.mailboxes,
        "aliases": counted.aliases,
        "recipients": counted.recipients,
    }


def meters(domain: Domain) -> list[Meter]:
    """How far each limit that is set is used up."""
    counted = domain.counted
    quotas, octets = int(counted.quota_bytes), domain.max_total_quota_bytes
    found = [
        Meter(label=_("Mailboxes"), used=counted.mailboxes, most=domain.max_mailboxes),
        Meter(label=_("Aliases"), used=counted.aliases, most=domain.max_aliases),
        Meter(label=_("Sum of quotas"), used=quotas, most=octets, is_size=True, left_out=counted.without_quota),
    ]
    return [meter for meter in found if meter.most is not None]


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def domain_settings(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    initial = _as_it_is(domain)
    form: PanelForm
    if request.user.is_superuser:
        form = DomainSettingsForm(typed(request), initial=initial, user=request.user)
    else:
        form = DescriptionForm(typed(request), initial=initial)
    if form.is_valid():
        with refusals_on(form):
            before = classes_with_own_maps()
            services.change_domain(domain, by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Saved the settings of {domain}."), domain=domain.unicode_name)
            say_remark(request, before)
            return redirect("domain_settings", domain.name)
    return _settings_page(request, domain, form=form, settings_form=form)


def _as_it_is(domain: Domain) -> dict[str, Any]:
    """What the form about its settings shows first."""
    fields = (
        "address_class",
        "target",
        "any_recipient",
        "description",
        *services.LIMITS,
        "active",
        "suspended",
        "version",
    )
    return {name: getattr(domain, name) for name in fields}


def _settings_page(request: PersonRequest, domain: Domain, **forms: PanelForm) -> HttpResponse:
    context = domain_head(domain) | {
        "admins": list(domain.admins.order_by("username")[:200]),
        "people": _who_may_become_admin(domain) if request.user.is_superuser else [],
        "admin_form": DomainAdminForm(),
    }
    return render(request, "domains/domain_settings.html", context | forms)


def _who_may_become_admin(domain: Domain) -> QuerySet[User]:
    people = User.objects.people().filter(is_superuser=False, is_active=True).exclude(domains=domain)
    return people.order_by("username")[:100]


@superuser_required
@require_POST
def domain_admin_add(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    form = DomainAdminForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            user = form.cleaned_data["user"]
            services.add_domain_admin(domain, user, by=Actor.from_request(request))
            say(request, _("{person} is now domain admin of {domain}."), person=user.label, domain=domain.unicode_name)
            return redirect("domain_settings", domain.name)
    settings_form = DomainSettingsForm(initial=_as_it_is(domain), user=request.user)
    return _settings_page(request, domain, form=form, settings_form=settings_form, admin_form=form)


@superuser_required
@require_POST
def domain_admin_remove(request: PersonRequest, name: str) -> HttpResponse:
    domain = get_object_or_404(Domain.objects.visible_to(request.user), name=name)
    form = DomainAdminForm(request.POST)
    if form.is_valid():
        user = form.cleaned_data["user"]
        services.remove_domain_admin(domain, user, by=Actor.from_request(request))
        say(
            request, _("{person} is no longer domain admin of {domain}."), person=user.label, domain=domain.unicode_name
        )
    return redirect("domain_settings", domain.name)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def person_add(request: PersonRequest) -> HttpResponse:
    """In this room, since a domain admin is added with their domains."""
    form = DomainPersonAddForm(typed(request), initial={"domains": asked(request, "domain")})
    if form.is_valid():
        wanted = form.cleaned_data | {"password": form.cleaned_data["password"] or None}
        domains, by = wanted.pop("domains"), Actor.from_request(request)
        with refusals_on(form):
            user = services.add_person(**wanted, domains=domains, by=by)
            _say_added(request, user, domains)
            return redirect("person", user.username)
    return render(request, "accounts/person_add.html", {"form": form})


def _say_added(request: PersonRequest, user: User, domains: list[Domain]) -> None:
    if user.is_superuser:
        say(request, _("Added superuser {person}."), person=user)
    elif domains:
        names = ", ".join(domain.unicode_name for domain in domains)
        say(request, _("Added {person}, domain admin of {domains}."), person=user, domains=names)
    else:
        sentence = _("Added {person}. Make them domain admin on the settings page of a domain.")
        say(request, sentence, link=(reverse("domain_list"), _("Choose a domain")), person=user)


SETTINGS_SHOWN = (*services.MAIL_SETTINGS, "version")


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def mail_settings(request: PersonRequest) -> HttpResponse:
    current = MailSettings.current()
    form = MailSettingsForm(
        typed(request),
        initial={name: getattr(current, name) for name in SETTINGS_SHOWN},
    )
    if form.is_valid():
        with refusals_on(form):
            saved = services.change_mail_settings(by=Actor.from_request(request), **form.cleaned_data)
            if saved.recipient_delimiter != current.recipient_delimiter:
                say(
                    request,
                    _("Saved the mail settings. Write the configuration again: main.cf must name the same delimiter."),
                )
                sentence = _("Addresses with an extension may lead elsewhere now, so all aliases are being checked.")
                say(request, sentence, link=(reverse("job_list"), _("Show the work")))
            else:
                say(request, _("Saved the mail settings."))
            return redirect("mail_settings")
    example = current.path_for("example.org", "jean")
    return render(request, "domains/mail_settings.html", {"form": form, "current": current, "example": example})
