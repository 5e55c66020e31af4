"""The hosts that sign, for superusers."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.pages import PersonRequest, list_page, say, superuser_required
from domains.dkim_hosts import SigningHost, forget_host, what_is_lost_with_host


@superuser_required
@require_safe
def signing_hosts(request: PersonRequest) -> HttpResponse:
    page = list_page(SigningHost.objects.all(), request, key=("name",))
    return render(request, "domains/signing_hosts.html", {"page": page})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def signing_host_forget(request: PersonRequest, name: str) -> HttpResponse:
    host = get_object_or_404(SigningHost, name=name)
    if request.method == "POST":
        forget_host(host, by=Actor.from_request(request))
        say(request, _("Forgot {host}."), host=name)
        return redirect("signing_hosts")
    context = {"host": host, "lost": what_is_lost_with_host(host)}
    return render(request, "domains/signing_host_forget.html", context)
