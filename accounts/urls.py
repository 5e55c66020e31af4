"""Signing in, people and one's own account."""

from django.contrib.auth.views import LogoutView
from django.urls import path, register_converter
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from accounts import views


class UsernameConverter:
    """A user name as it stands in a URL: no slash, no control character."""

    regex = r"[^/\x00-\x1f\x7f]{1,254}"

    def to_python(self, value: str) -> str:
        return value.lower()

    def to_url(self, value: object) -> str:
        return str(value)


register_converter(UsernameConverter, "username")

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
    path("language/", require_POST(set_language), name="set_language"),
    path("account/", views.account, name="account"),
    path("people/", views.person_list, name="person_list"),
    path("people/<username:username>/", views.person, name="person"),
    path("people/<username:username>/password/", views.person_password, name="person_password"),
    path("people/<username:username>/delete/", views.person_delete, name="person_delete"),
]
