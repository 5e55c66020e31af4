"""The DNS settings: for all domains, for one, and the name servers that take updates."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.pages import PanelForm, PersonRequest, list_page, refusals_on, say, superuser_required, typed
from dns_records import services
from dns_records.expected import expected_of_hosts, own_settings, sts_id, sts_policy
from dns_records.forms import DnsSettingsForm, DomainDnsForm, UpdateServerAddForm, UpdateServerForm
from dns_records.models import DnsSettings, UpdateServer
from dns_records.sts import held_by_anybody
from domains.views import domain_head, domain_of_page


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dns_settings(request: PersonRequest) -> HttpResponse:
    current = DnsSettings.current()
    initial = {name: getattr(current, name) for name in (*services.SETTINGS, "version")}
    form = DnsSettingsForm(typed(request), initial=initial)
    if form.is_valid():
        with refusals_on(form):
            services.change_dns_settings(**form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Saved the DNS settings. The next check expects what follows from them."))
            return redirect("dns_settings")
    held = held_by_anybody()
    context = {
        "form": form,
        "page": list_page(UpdateServer.objects.all(), request, key=("name",)),
        "host_lines": [line for one in expected_of_hosts(current) for line in one.zone_lines],
        "sts_policy": sts_policy(current, held),
        "sts_id": sts_id(current, held),
        "held_until": held,
    }
    return render(request, "dns_records/dns_settings.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dns_domain_settings(request: PersonRequest, name: str) -> HttpResponse:
    domain = domain_of_page(request, name)
    own = own_settings(domain)
    initial = {name: getattr(own, name) for name in (*services.OF_DOMAIN, "version")}
    form = DomainDnsForm(typed(request), initial=initial)
    if form.is_valid():
        with refusals_on(form):
            services.change_domain_dns(domain, **form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Saved the DNS settings of {domain}."), domain=domain.unicode_name)
            return redirect("dns_domain", domain.name)
    return render(request, "dns_records/dns_domain_settings.html", domain_head(domain) | {"form": form})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dns_server_add(request: PersonRequest) -> HttpResponse:
    form = UpdateServerAddForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            server = services.add_update_server(**form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Added update server {name}."), name=server.name)
            return redirect(server)
    return render(request, "dns_records/dns_server.html", {"form": form})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dns_server(request: PersonRequest, pk: int) -> HttpResponse:
    server = get_object_or_404(UpdateServer, pk=pk)
    initial = {name: getattr(server, name) for name in (*services.OF_SERVER, "version")}
    form = UpdateServerForm(typed(request), initial=initial)
    if form.is_valid():
        with refusals_on(form):
            services.change_update_server(server, **form.cleaned_data, by=Actor.from_request(request))
            say(request, _("Saved update server {name}."), name=server.name)
            return redirect(server)
    return render(request, "dns_records/dns_server.html", {"form": form, "server": server})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def dns_server_delete(request: PersonRequest, pk: int) -> HttpResponse:
    server = get_object_or_404(UpdateServer, pk=pk)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            name = server.name
            services.delete_update_server(server, by=Actor.from_request(request))
            say(request, _("Deleted {name}."), name=name)
            return redirect("dns_settings")
    context = {"form": form, "server": server, "lost": services.what_is_lost_with_server(server)}
    return render(request, "dns_records/dns_server_delete.html", context)
