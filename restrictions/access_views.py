"""Pages about access rules, of the server and of one domain, and about what mail to an address has to pass."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
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
from domains.models import Domain
from domains.views import domain_head, domain_of_page
from mailboxes.models import Address, Alias
from mailboxes.parsing import ParsedAddress
from mailboxes.times import is_in_state
from restrictions import access_services as services
from restrictions.access_forms import (
    AccessRuleForm,
    AccessTableForm,
    AllowedActionsForm,
    RecipientClassForm,
    WritersForm,
)
from restrictions.access_main_cf import remark_since, unasked, unasked_by, what_is_written
from restrictions.access_models import OF_DOMAINS, AccessRule, AccessTable, AllowedAction, AppliesTo, RecipientClass

FIELDS = ("key", "action", "code", "text", "comment", "starts_at", "ends_at", "active", "version")


@superuser_required
@require_safe
def access_rule_list(request: PersonRequest, kind: str) -> HttpResponse:
    table = _table(kind)
    rules = AccessRule.objects.filter(table=table, domain__isnull=True, applies_to=table.applies_to if table else kind)
    context = _list(request, rules) | _around(kind) | {"add_url": reverse("access_rule_add", args=[kind])}
    context["unasked"] = unasked(table.applies_to if table else kind, table)
    context["own_table"] = table
    return render(request, "restrictions/access_rule_list.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_rule_add(request: PersonRequest, kind: str) -> HttpResponse:
    table = _table(kind)
    applies_to = table.applies_to if table else kind
    form = AccessRuleForm(typed(request), applies_to=applies_to, is_new=True)
    if form.is_valid():
        with refusals_on(form):
            _add(request, form, applies_to, table=table)
            return redirect("access_rule_list", kind)
    context = _around(kind) | {"form": form, "list_url": reverse("access_rule_list", args=[kind])}
    return render(request, "restrictions/access_rule_add.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_table_add(request: PersonRequest) -> HttpResponse:
    form = AccessTableForm(typed(request), is_new=True, initial={"applies_to": AppliesTo.CLIENT})
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            table = services.add_table(**form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Added access table {name}."), name=table)
            _remark(request, before)
            return redirect("access_rule_list", table.name)
    context = _around("client") | {"form": form, "list_url": reverse("access")}
    return render(request, "restrictions/access_table_add.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_table(request: PersonRequest, name: str) -> HttpResponse:
    table = get_object_or_404(AccessTable, name=name)
    form = AccessTableForm(typed(request), initial={"comment": table.comment, "version": table.version})
    if form.is_valid():
        with refusals_on(form):
            services.change_table(table, **form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Saved {name}."), name=table)
            return redirect("access_rule_list", table.name)
    context = _around(name) | {
        "form": form,
        "table": table,
        "asked_in": services.asked_in(table),
        "list_url": reverse("access_rule_list", args=[name]),
        "delete_url": reverse("access_table_delete", args=[name]),
    }
    return render(request, "restrictions/access_table.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_table_delete(request: PersonRequest, name: str) -> HttpResponse:
    table = get_object_or_404(AccessTable, name=name)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            before = what_is_written()
            services.delete_table(table, by=Actor.from_request(request))
            say(request, _("Deleted access table {name}."), name=table)
            _remark(request, before)
            return redirect("access")
    context = {"form": form, "table": table, "lost": services.what_is_lost_with(table)}
    urls = {"list_url": reverse("access_rule_list", args=[name]), "keep_url": reverse("access_table", args=[name])}
    return render(request, "restrictions/access_table_delete.html", _around(name) | urls | context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_rule(request: PersonRequest, pk: int) -> HttpResponse:
    rules = AccessRule.objects.select_related("table", "of_class")
    rule = get_object_or_404(rules, pk=pk, domain__isnull=True)
    kind = _kind_of(rule)
    form = _form_of(request, rule)
    if form.is_valid():
        with refusals_on(form):
            return _change(request, form, rule)
    urls = {
        "list_url": reverse("access_rule_list", args=[kind]),
        "delete_url": reverse("access_rule_delete", args=[pk]),
    }
    return render(request, "restrictions/access_rule.html", _around(kind) | urls | {"form": form, "rule": rule})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_rule_delete(request: PersonRequest, pk: int) -> HttpResponse:
    rule = get_object_or_404(AccessRule.objects.select_related("table", "of_class"), pk=pk, domain__isnull=True)
    kind = _kind_of(rule)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            _delete(request, rule)
            return redirect("access_rule_list", kind)
    context = {"form": form, "rule": rule, "lost": services.what_is_lost(rule)}
    urls = {"list_url": reverse("access_rule_list", args=[kind])}
    return render(request, "restrictions/access_rule_delete.html", _around(kind) | urls | context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_allowed(request: PersonRequest) -> HttpResponse:
    """Which actions domain admins may choose."""
    form = AllowedActionsForm(typed(request), initial=AllowedActionsForm.as_it_is())
    if form.is_valid():
        with refusals_on(form):
            services.allow_actions(form.cleaned_data["actions"], by=Actor.from_request(request))
            say(request, _("Saved what domain admins may choose."))
            return redirect("access_allowed")
    return render(request, "restrictions/access_allowed.html", _around("") | {"form": form})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def default_class(request: PersonRequest) -> HttpResponse:
    """The class that mail to everybody without one meets."""
    row = RecipientClass.objects.filter(address__isnull=True, domain__isnull=True).select_related("of_class").first()
    form = RecipientClassForm(typed(request), initial={"of_class": row.of_class.name if row else ""})
    if form.is_valid():
        with refusals_on(form):
            _choose(request, None, form)
            return redirect("access_default_class")
    context = _around("default") | {"form": form, "unasked": unasked(AppliesTo.RECIPIENT)}
    return render(request, "restrictions/default_class.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def domain_restrictions(request: PersonRequest, name: str) -> HttpResponse:
    """The rules that a domain has of its own; a superuser also chooses its class here."""
    domain = domain_of_page(request, name)
    row = RecipientClass.objects.filter(domain=domain).select_related("of_class").first()
    form = RecipientClassForm(typed(request), initial={"of_class": row.of_class.name if row else ""})
    if request.method == "POST" and not request.user.is_superuser:
        raise Http404
    if form.is_valid():
        with refusals_on(form):
            _choose(request, domain, form)
            return redirect("domain_restrictions", domain.name)
    kinds = [("", _("All")), *((str(kind), str(kind.label)) for kind in OF_DOMAINS)]
    kind = chosen(request, "applies_to", _("Applies to"), kinds)
    rules = AccessRule.objects.filter(domain=domain)
    context = _list(request, rules.filter(applies_to=kind.current) if kind.current else rules)
    context["is_empty"] = not rules.exists()
    context["filters"] = [kind, *context["filters"]]
    context |= domain_head(domain) | {"form": form, "may_add": _allowed(request) != []}
    return render(request, "restrictions/domain_restrictions.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def domain_access_rule_add(request: PersonRequest, name: str, kind: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    if kind not in OF_DOMAINS:
        raise Http404
    form = AccessRuleForm(typed(request), applies_to=kind, actions=_allowed(request), is_new=True)
    if form.is_valid():
        with refusals_on(form):
            _add(request, form, kind, domain=domain)
            return redirect("domain_restrictions", domain.name)
    urls = {"list_url": reverse("domain_restrictions", args=[domain.name])}
    context = domain_head(domain) | urls | {"form": form, "title": AppliesTo(kind).label}
    return render(request, "restrictions/access_rule_add.html", context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def domain_access_rule(request: PersonRequest, name: str, pk: int) -> HttpResponse:
    domain = domain_of_page(request, name)
    rule = get_object_or_404(AccessRule.objects.select_related("domain", "of_class"), pk=pk, domain=domain)
    form = _form_of(request, rule)
    if form.is_valid():
        with refusals_on(form):
            return _change(request, form, rule)
    urls = {
        "list_url": reverse("domain_restrictions", args=[domain.name]),
        "delete_url": reverse("domain_access_rule_delete", args=[domain.name, pk]),
    }
    return render(request, "restrictions/access_rule.html", domain_head(domain) | urls | {"form": form, "rule": rule})


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def domain_access_rule_delete(request: PersonRequest, name: str, pk: int) -> HttpResponse:
    domain = domain_of_page(request, name)
    rule = get_object_or_404(AccessRule.objects.select_related("domain", "of_class"), pk=pk, domain=domain)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            _delete(request, rule)
            return redirect("domain_restrictions", domain.name)
    context = {"form": form, "rule": rule, "lost": services.what_is_lost(rule)}
    urls = {"list_url": reverse("domain_restrictions", args=[domain.name])}
    return render(request, "restrictions/access_rule_delete.html", domain_head(domain) | urls | context)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def address_restrictions(request: PersonRequest, address: ParsedAddress) -> HttpResponse:
    """What mail to an address has to pass: who may write to an alias, and for superusers its class."""
    found = get_object_or_404(
        Address.objects.select_related("domain", "alias", "mailbox"),
        domain__in=Domain.objects.visible_to(request.user),
        domain__name=address.domain,
        local_part=address.local_part,
    )
    alias: Alias | None = getattr(found, "alias", None)
    row = RecipientClass.objects.filter(address=found).select_related("of_class").first()
    protected = getattr(alias, "protected", None) if alias else None
    is_class = "class" in request.POST
    class_form = RecipientClassForm(
        typed(request) if is_class else None, initial={"of_class": row.of_class.name if row else ""}
    )
    initial = {
        "writers": protected.writers if protected else "",
        "named": "\n".join(one.key for one in protected.named.all()) if protected else "",
        "version": protected.version if protected else None,
    }
    writers_form = WritersForm(None if is_class else typed(request), initial=initial)
    if is_class and not request.user.is_superuser or request.method == "POST" and not is_class and alias is None:
        raise Http404
    if is_class and class_form.is_valid():
        with refusals_on(class_form):
            _choose(request, found, class_form)
            return redirect("address_restrictions", found)
    if not is_class and alias and writers_form.is_valid():
        with refusals_on(writers_form):
            before = what_is_written()
            values = writers_form.cleaned_data
            services.protect_alias(
                alias,
                values["writers"],
                writers_form.senders(),
                version=values["version"] if protected else None,
                by=Actor.from_request(request),
            )
            say(request, _("Saved who may write to {address}."), address=alias)
            _remark(request, before)
            return redirect("address_restrictions", found)
    context = {
        "address": found,
        "domain": found.domain,
        "alias": alias,
        "mailbox": getattr(found, "mailbox", None),
        "class_form": class_form,
        "writers_form": writers_form,
        "form": class_form if is_class else writers_form,
    }
    return render(request, "restrictions/address_restrictions.html", context)


def _table(kind: str) -> AccessTable | None:
    """The table with this name; None for one of the four that stand by themselves."""
    return None if kind in AppliesTo.values else get_object_or_404(AccessTable, name=kind)


def _kind_of(rule: AccessRule) -> str:
    return rule.table.name if rule.table else rule.applies_to


def _allowed(request: PersonRequest) -> list[str] | None:
    return None if request.user.is_superuser else list(AllowedAction.objects.values_list("action", flat=True))


def _list(request: PersonRequest, rules: QuerySet[AccessRule]) -> dict[str, Any]:
    q = asked(request, "q")
    states = [("", _("All")), ("active", _("Active")), ("inactive", _("Inactive")), ("not_begun", _("Not begun"))]
    state = chosen(request, "state", _("State"), [*states, ("ended", _("Ended"))])
    found = rules.filter(key__startswith=q.lower()) if q else rules
    if state.current:
        found = found.filter(is_in_state(state.current))
    descending = asked(request, "sort") == "-key"
    page = list_page(
        found.select_related("of_class", "domain"), request, key=("key", "pk"), read=(str, int), descending=descending
    )
    return {
        "page": page,
        "q": q,
        "filters": [state],
        "descending": descending,
        "is_empty": not page.rows and not rules.exists(),
    }


def _around(kind: str) -> dict[str, Any]:
    """The tabs that lead from one table to another."""
    tables = [(str(one.value), str(one.label)) for one in AppliesTo]
    tables += [(one.name, one.name) for one in AccessTable.objects.order_by("name")]
    return {"kind": kind, "tables": tables, "title": dict(tables).get(kind, "")}


def _form_of(request: PersonRequest, rule: AccessRule) -> AccessRuleForm:
    initial = {name: getattr(rule, name) for name in FIELDS}
    initial["of_class"] = rule.of_class.name if rule.of_class else ""
    return AccessRuleForm(typed(request), initial=initial, applies_to=rule.applies_to, actions=_allowed(request))


def _add(request: PersonRequest, form: AccessRuleForm, applies_to: str, **scope: Any) -> None:
    before = what_is_written()
    values = dict(form.cleaned_data)
    new = services.add_rule(
        applies_to, values.pop("key"), values.pop("action"), **values, **scope, by=Actor.from_request(request)
    )
    if new.state == "active":
        say(request, _("Added {key}. It works at once: Postfix reads the database."), key=new)
    else:
        say(request, _("Added {key}."), key=new)
    _remark(request, before, new)


def _change(request: PersonRequest, form: AccessRuleForm, rule: AccessRule) -> HttpResponse:
    before = what_is_written()
    saved = services.change_rule(rule, **form.cleaned_data, by=Actor.from_request(request))
    say(request, _("Saved {key}."), key=saved)
    _remark(request, before, saved)
    return redirect(saved)


def _delete(request: PersonRequest, rule: AccessRule) -> None:
    before = what_is_written()
    services.delete_rule(rule, by=Actor.from_request(request))
    say(request, _("Deleted {key}."), key=rule)
    _remark(request, before)


def _choose(request: PersonRequest, place: Address | Domain | None, form: RecipientClassForm) -> None:
    before = what_is_written()
    chosen_class = form.cleaned_data["of_class"]
    services.choose_class(place, chosen_class.name if chosen_class else "", by=Actor.from_request(request))
    say(request, _("Saved the restriction class."))
    _remark(request, before, of_nobody=unasked(AppliesTo.RECIPIENT) if chosen_class else "")


def _remark(
    request: PersonRequest, before: tuple[object, ...], rule: AccessRule | None = None, of_nobody: str = ""
) -> None:
    """`of_nobody`: that no list asks the table."""
    of_nobody = unasked_by(rule) if rule else of_nobody
    for sentence in filter(None, (rule.remark if rule else "", of_nobody, remark_since(before))):
        say(request, sentence, level=messages.WARNING)
