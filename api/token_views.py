"""Pages about one's own API tokens: the list, a new one, and the question before one is revoked."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Actor
from accounts.pages import PersonRequest, person_required, refusals_on, say, typed
from api import services
from api.models import Token
from api.token_forms import TokenForm


@person_required
@require_safe
def token_list(request: PersonRequest) -> HttpResponse:
    tokens = Token.objects.filter(user=request.user).order_by("name")  # services.MOST_TOKENS at most
    return render(request, "api/token_list.html", {"tokens": list(tokens)})


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def token_add(request: PersonRequest) -> HttpResponse:
    """The answer to the form is the only page that shows the token: it is stored nowhere, not even for a redirect."""
    form = TokenForm(typed(request), user=request.user)
    if form.is_valid():
        with refusals_on(form):
            token, text = services.add_token(request.user, **form.values(), by=Actor.from_request(request))
            return render(request, "api/token_added.html", {"token": token, "text": text})
    return render(request, "api/token_add.html", {"form": form})


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def token_revoke(request: PersonRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(Token.objects.filter(user=request.user).select_related("user"), pk=pk)
    if request.method == "POST":
        services.revoke_token(token, by=Actor.from_request(request))
        say(request, _("Revoked API token {name}."), name=token.name)
        return redirect("token_list")
    lost = [_("Whatever uses it stops working.")]
    return render(request, "api/token_revoke.html", {"token": token, "lost": lost})
