"""The tab DKIM of a domain: its keys over time, the record of each, and the steps that a superuser takes."""

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Actor
from accounts.pages import PanelForm, PersonRequest, person_required, refusals_on, say, superuser_required, typed
from domains import dkim_services as services
from domains.dkim_models import LONGEST_SELECTOR, DkimKey
from domains.dkim_timeline import timeline_of
from domains.models import Domain
from domains.views import domain_head

MOST_SHOWN = 20  # keys; a rotation every half year fills that in ten years
STATES = {
    "prepared": ("wait", "clock"),
    "published": ("wait", "globe2"),
    "signing": ("ok", "check2"),
    "retiring": ("wait", "clock"),
    "revoked": ("bad", "x-octagon-fill"),
    "gone": ("off", "pause-circle"),
}
BUTTONS = {
    "published": (gettext_lazy("Record is published"), "globe2"),
    "signing": (gettext_lazy("Sign with this key"), "check2"),
    "retiring": (gettext_lazy("Retire"), "clock"),
    "revoked": (gettext_lazy("Revoke"), "x-lg"),
    "gone": (gettext_lazy("Record is gone"), "x"),
}


class DkimKeyForm(PanelForm):
    selector = forms.CharField(
        label=gettext_lazy("Selector"),
        max_length=LONGEST_SELECTOR,
        help_text=gettext_lazy("The name of the key in the DNS; a new one for every key, for example s2026."),
        widget=forms.TextInput(attrs={"mono": True, "spellcheck": "false", "autocomplete": "off"}),
    )
    algorithm = forms.ChoiceField(
        label=gettext_lazy("Algorithm"),
        choices=DkimKey.Algorithm.choices,
        initial=DkimKey.Algorithm.RSA_2048,
        help_text=gettext_lazy("RSA 2048 is understood everywhere. An Ed25519 key may sign beside it."),
    )
    for_subdomains = forms.BooleanField(
        label=gettext_lazy("Signs for subdomains"),
        required=False,
        help_text=gettext_lazy("Mail from addresses below the domain is signed in the name of the domain."),
    )
    for_alias_domains = forms.BooleanField(
        label=gettext_lazy("Signs for alias domains"),
        required=False,
        help_text=gettext_lazy(
            "Mail from an alias domain is signed in its own name; its zone needs the record too, or a CNAME."
        ),
    )


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def dkim_list(request: PersonRequest, name: str) -> HttpResponse:
    """A POST lets the worker make a key."""
    domain = get_object_or_404(Domain.objects.visible_to(request.user).select_related("target", "counts"), name=name)
    form = DkimKeyForm(
        typed(request) if request.user.is_superuser else None, initial={"selector": f"s{timezone.now():%Y%m}"}
    )
    if request.method == "POST" and not request.user.is_superuser:
        raise Http404
    if form.is_valid():
        with refusals_on(form):
            job = services.start_generation(domain, **form.cleaned_data, by=Actor.from_request(request))
            sentence = _("The worker makes the key {selector}.")
            link = (job.get_absolute_url(), _("Show the work"))
            say(request, sentence, link=link, selector=form.cleaned_data["selector"])
            return redirect("dkim_list", domain.name)
    keys = list(domain.dkim_keys.order_by("-pk").prefetch_related("on_hosts")[:MOST_SHOWN])
    for key in keys:
        key.domain = domain
    context = domain_head(domain) | {
        "form": form,
        "timeline": timeline_of(keys),
        "keys": [
            {
                "key": key,
                "look": STATES[key.state],
                "hosts": [one.host for one in key.on_hosts.all()],
                "steps": [(state, *BUTTONS[state]) for state in services.next_states(key)],
            }
            for key in keys
        ],
    }
    return render(request, "domains/dkim_list.html", context)


@superuser_required
@require_POST
def dkim_move(request: PersonRequest, name: str, selector: str) -> HttpResponse:
    key = _key(request, name, selector)
    state, version = request.POST.get("state", ""), request.POST.get("version", "")
    if state in services.COMES_FROM:
        try:
            key = services.move_dkim_key(
                key, state, version=int(version) if version.isdecimal() else None, by=Actor.from_request(request)
            )
            say(request, _("{key} is now: %(state)s.") % {"state": key.get_state_display()}, key=key)
        except ValidationError as error:
            say(request, " ".join(error.messages), level=messages.WARNING)
    return redirect("dkim_list", name)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dkim_delete(request: PersonRequest, name: str, selector: str) -> HttpResponse:
    key = _key(request, name, selector)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            label = str(key)
            services.delete_dkim_key(key, by=Actor.from_request(request))
            say(request, _("Deleted {key}."), key=label)
            return redirect("dkim_list", name)
    context = {"form": form, "key": key, "domain": key.domain, "lost": services.what_is_lost_with_key(key)}
    return render(request, "domains/dkim_delete.html", context)


def _key(request: PersonRequest, name: str, selector: str) -> DkimKey:
    keys = DkimKey.objects.visible_to(request.user).select_related("domain")
    return get_object_or_404(keys, domain__name=name, selector=selector)
