"""How mail programs are set up: the owner's page, the names of the servers, and where programs ask by themselves.

Programs ask at the name of their own domain, autoconfig.example.org, whatever ALLOWED_HOSTS says. So they are answered
before Django looks at the name (MIDDLEWARE); it is only looked up among the domains, and never repeated."""

import re
from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import Actor
from accounts.pages import PersonRequest, owner_required, refusals_on, say, superuser_required, typed
from mailboxes.client_settings import apple_profile, autoconfig, autodiscover, login_of, servers, servers_of
from mailboxes.models import Mailbox, ServerNames
from mailboxes.owner_forms import ServerNamesForm
from mailboxes.parsing import ParsedAddress, parse_address
from mailboxes.server_names import HOSTS, change_server_names

MOST_READ = 16_384  # octets of a question of Outlook; it needs one
# No XML is parsed here, so nothing of what it may hold, entities and references, can do harm.
ASKED_ADDRESS = re.compile(rb"<(?:\w{1,20}:)?EMailAddress>\s{0,20}([^<>&\s]{3,320})\s{0,20}<", re.IGNORECASE)


@owner_required
@require_safe
def my_set_up(request: PersonRequest) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    offered = servers_of(mailbox)
    context = {"mailbox": mailbox, "servers": offered, "has_profile": apple_profile(mailbox) is not None}
    return render(request, "mailboxes/my_set_up.html", context)


@owner_required
@require_safe
def my_apple_profile(request: PersonRequest) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    profile = apple_profile(mailbox)
    if profile is None:
        raise Http404
    headers = {"Content-Disposition": 'attachment; filename="mail.mobileconfig"'}
    return HttpResponse(profile, content_type="application/x-apple-aspen-config", headers=headers)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def server_names(request: PersonRequest) -> HttpResponse:
    current = ServerNames.current()
    form = ServerNamesForm(typed(request), initial={name: getattr(current, name) for name in (*HOSTS, "version")})
    if form.is_valid():
        with refusals_on(form):
            change_server_names(by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Saved the server names. Mail programs are told from now on."))
            return redirect("server_names")
    return render(request, "mailboxes/server_names.html", {"form": form, "current": current, "servers": servers()})


@require_safe
def autoconfig_file(request: HttpRequest) -> HttpResponse:
    """Thunderbird and others: by the address, else by the name of the host, autoconfig.example.org."""
    typed_address = request.GET.get("emailaddress", "")
    if typed_address:
        address = _address(typed_address)
        login = address and login_of(address)
        if not address or not login:
            return _nothing()
        return _xml(autoconfig(address.domain, login))
    host = request.META.get("HTTP_HOST", "").partition(":")[0].lower().removeprefix("autoconfig.")
    anybody = _address(f"x@{host}")
    login = anybody and login_of(anybody)
    if not anybody or not login:
        return _nothing()
    is_own = login.endswith(f"@{anybody.domain}")
    return _xml(autoconfig(anybody.domain, "%EMAILADDRESS%" if is_own else f"%EMAILLOCALPART%{login[1:]}"))


@csrf_exempt
@require_POST
def autodiscover_file(request: HttpRequest) -> HttpResponse:
    """Outlook and others: the address stands in an XML document."""
    found = ASKED_ADDRESS.search(request.read(MOST_READ))
    address = _address(found[1].decode(errors="replace")) if found else None
    login = address and login_of(address)
    return _xml(autodiscover(login)) if login else _nothing()


def _address(text: str) -> ParsedAddress | None:
    try:
        return parse_address(text)
    except ValidationError:
        return None


def _xml(text: str) -> HttpResponse:
    if not servers():
        return _nothing()
    answer = HttpResponse(text, content_type="application/xml; charset=utf-8")
    add_never_cache_headers(answer)
    return answer


def _nothing() -> HttpResponse:
    return HttpResponse("Nothing is known about this domain.\n", status=404, content_type="text/plain; charset=utf-8")


# Programs differ in how they write the last one.
QUESTIONS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/mail/config-v1.1.xml": autoconfig_file,
    "/.well-known/autoconfig/mail/config-v1.1.xml": autoconfig_file,
    "/autodiscover/autodiscover.xml": autodiscover_file,
}


def answer_programs(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware: see above."""

    def middleware(request: HttpRequest) -> HttpResponse:
        view = QUESTIONS.get(request.path.lower())
        return view(request) if view else get_response(request)

    return middleware
