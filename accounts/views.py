"""Pages about people: the door, the list of people, one person, one's own account."""

from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts import services
from accounts.actors import Actor
from accounts.forms import (
    AccountForm,
    NewPassword,
    OwnPasswordForm,
    PersonForm,
    SignInForm,
    values_of,
)
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

sign_in = require_http_methods(["GET", "HEAD", "POST"])(
    LoginView.as_view(
        template_name="accounts/sign_in.html", authentication_form=SignInForm, redirect_authenticated_user=True
    )
)


@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: PersonRequest) -> HttpResponse:
    """One's own name, language and password: two forms on one page, told apart by the button."""
    user = User.objects.get(pk=request.user.pk)
    about_password = request.POST.get("do") == "password"
    form = AccountForm(None if about_password else typed(request), initial=values_of(user, AccountForm))
    password_form = OwnPasswordForm(request.POST if about_password else None, least=settings.LEAST_PASSWORD)
    if about_password and password_form.is_valid():
        with refusals_on(password_form):
            return _change_own_password(request, user, password_form)
    elif form.is_valid():
        with refusals_on(form):
            user = services.change_user(user, by=Actor.from_request(request), **form.cleaned_data)
            with translation.override(user.language or translation.get_language()):
                say(request, _("Your account was saved."))
            return redirect("account")
    context = {"form": password_form if about_password else form, "account_form": form, "password_form": password_form}
    return render(request, "accounts/account.html", context)


def _change_own_password(request: PersonRequest, user: User, form: OwnPasswordForm) -> HttpResponse:
    if not user.check_password(form.cleaned_data["current"]):
        form.add_error("current", _("This is not your current password."))
        return render(
            request,
            "accounts/account.html",
            {"form": form, "account_form": AccountForm(initial=values_of(user, AccountForm)), "password_form": form},
        )
    services.set_user_password(user, form.cleaned_data["password"], by=Actor.from_request(request))
    user.refresh_from_db()
    update_session_auth_hash(request, user)
    say(request, _("Your password was changed. Your other sign-ins are over."))
    return redirect("account")


@superuser_required
@require_safe
def person_list(request: PersonRequest) -> HttpResponse:
    people = User.objects.visible_to(request.user) & User.objects.people()
    roles = [
        ("", _("All")),
        ("superuser", _("Superusers")),
        ("domain_admin", _("Domain admins")),
        ("inactive", _("Inactive")),
    ]
    q, role = asked(request, "q").lower(), chosen(request, "role", _("Role"), roles)
    if q:
        people = people.filter(username__startswith=q)
    if role.current == "inactive":
        people = people.filter(is_active=False)
    elif role.current:
        people = people.filter(is_superuser=role.current == "superuser")
    descending = asked(request, "sort") == "-username"
    page = list_page(people, request, key=("username",), descending=descending)
    context = {"page": page, "q": q, "filters": [role], "descending": descending}
    return render(request, "accounts/person_list.html", context)


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: PersonRequest, username: str) -> HttpResponse:
    someone = get_object_or_404(User.objects.visible_to(request.user) & User.objects.people(), username=username)
    form = PersonForm(typed(request), initial=values_of(someone, PersonForm))
    if form.is_valid():
        with refusals_on(form):
            someone = services.change_user(someone, by=Actor.from_request(request), **form.cleaned_data)
            say(request, _("Saved {person}."), person=someone)
            return redirect("person", someone.username)
    domains = list(someone.domains.order_by("name")[:21])
    return render(request, "accounts/person.html", {"form": form, "person": someone, "domains": domains})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def person_password(request: PersonRequest, username: str) -> HttpResponse:
    someone = get_object_or_404(User.objects.visible_to(request.user) & User.objects.people(), username=username)
    form = NewPassword(typed(request), least=settings.LEAST_PASSWORD)
    if form.is_valid():
        with refusals_on(form):
            services.set_user_password(someone, form.cleaned_data["password"], by=Actor.from_request(request))
            if someone == request.user:
                someone.refresh_from_db()
                update_session_auth_hash(request, someone)
            say(request, _("The password of {person} was changed. Their sign-ins are over."), person=someone)
            return redirect("person", someone.username)
    return render(request, "accounts/person_password.html", {"form": form, "person": someone})


@superuser_required
@require_http_methods(["GET", "HEAD", "POST"])
def person_delete(request: PersonRequest, username: str) -> HttpResponse:
    someone = get_object_or_404(User.objects.visible_to(request.user) & User.objects.people(), username=username)
    form = PanelForm(typed(request))
    if form.is_valid():
        with refusals_on(form):
            services.delete_user(someone, by=Actor.from_request(request))
            say(request, _("Deleted {person}."), person=username)
            return redirect("person_list")
    return render(
        request, "accounts/person_delete.html", {"form": form, "person": someone, "lost": _what_is_lost(someone)}
    )


def _what_is_lost(someone: User) -> list[str]:
    domains = someone.domains.count()
    sentences = [
        _("Nobody can sign in as %(person)s any more, and open sign-ins are over.") % {"person": someone.username}
    ]
    if domains:
        sentences.append(
            ngettext(
                "%(count)d domain loses this domain admin. The domain and its addresses stay.",
                "%(count)d domains lose this domain admin. The domains and their addresses stay.",
                domains,
            )
            % {"count": domains}
        )
    return sentences
