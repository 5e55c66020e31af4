"""What people type about people: signing in, persons of the panel, one's own account."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.pages import PanelForm

LONGEST_CREDENTIAL = 254  # characters; an address has no more, and a password that anybody types has not either


class SignInForm(PanelForm, AuthenticationForm):
    error_messages = {
        "invalid_login": _("This name and this password do not belong together. Both may have been mistyped."),
        "inactive": _("This account is not active. Ask your administrator."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        username, password = self.fields["username"], self.fields["password"]
        for field in (username, password):  # Django tells the browser, but does not check it
            field.validators.append(MaxLengthValidator(LONGEST_CREDENTIAL))
        username.label, password.label = _("Address or user name"), _("Password")
        username.widget.attrs |= {"class": "form-control mono", "spellcheck": "false", "autocapitalize": "none"}
        password.widget.attrs |= {"class": "form-control"}


def rule_of_passwords(least: int) -> str:
    """What is asked of a new one, before it is refused."""
    sentence = ngettext(
        "%(number)d character or more, and not easy to guess.",
        "%(number)d characters or more, and not easy to guess.",
        least,
    )
    return sentence % {"number": least}


class NewPassword(PanelForm):
    """A password, typed twice. `least` is how many characters it has, for a page that does not say so elsewhere."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=LONGEST_CREDENTIAL,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same password again"),
        strip=False,
        max_length=LONGEST_CREDENTIAL,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, least: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if least:
            self.fields["password"].help_text = rule_of_passwords(least)

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("password", again):
            raise forms.ValidationError(_("The two passwords differ. Type the same one twice."))
        return again


class OwnPasswordForm(NewPassword):
    """A new password for oneself: who sits here must know the old one."""

    current = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=LONGEST_CREDENTIAL,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ["current", "password", "again"]


class PersonAddForm(PanelForm):
    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        help_text=_("To sign in with. An address does well. Upper and lower case are the same."),
        widget=forms.TextInput(
            attrs={"mono": True, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("How this person appears in lists and in the history."),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=LONGEST_CREDENTIAL,
        required=False,
        strip=False,
        help_text=_("Leave it empty if nobody is to sign in yet. You can set it later."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    is_superuser = forms.BooleanField(
        label=_("Superuser"),
        required=False,
        help_text=_("May do everything. Without this, a person manages the domains that list them as domain admin."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        password = self.fields["password"]
        password.help_text = f"{rule_of_passwords(settings.LEAST_PASSWORD)} {password.help_text}"


class PersonForm(PanelForm):
    username = forms.CharField(
        label=_("User name"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"mono": True, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
        ),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("How this person appears in lists and in the history."),
    )
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("as the browser asks")), *settings.LANGUAGES]
    )
    is_superuser = forms.BooleanField(
        label=_("Superuser"),
        required=False,
        help_text=_("May do everything. Without this, a person manages the domains that list them as domain admin."),
    )
    is_active = forms.BooleanField(
        label=_("Active"), required=False, help_text=_("Who is not active cannot sign in, and is signed out at once.")
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class AccountForm(PanelForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        required=False,
        help_text=_("How you appear in lists and in the history."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("as the browser asks")), *settings.LANGUAGES]
    )


def values_of(user: User, form: type[forms.Form]) -> dict[str, Any]:
    """What a form about a person shows first."""
    return {name: getattr(user, name) for name in form.base_fields}
