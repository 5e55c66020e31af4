"""What people type about passwords of mailboxes: what they must be, new ones, and app passwords."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.forms import LONGEST_CREDENTIAL, NewPassword, OwnPasswordForm
from accounts.pages import PanelForm
from mailboxes.fields import ADDRESS_ATTRS
from mailboxes.models import PasswordSettings


class MailboxPasswordForm(NewPassword):
    """A new password for somebody else."""

    must_change = forms.BooleanField(
        label=gettext_lazy("The owner must choose another one"),
        required=False,
        initial=True,
        help_text=gettext_lazy("At the next sign-in to the panel, before anything else. Mail programs are let in."),
    )


class ForgottenPasswordForm(PanelForm):
    address = forms.CharField(
        label=gettext_lazy("Address of the mailbox"),
        max_length=LONGEST_CREDENTIAL,
        widget=forms.TextInput(attrs=ADDRESS_ATTRS | {"autocomplete": "username"}),
    )


class RecoveryAddressForm(PanelForm):
    address = forms.CharField(
        label=gettext_lazy("Recovery address"),
        max_length=LONGEST_CREDENTIAL,
        required=False,
        help_text=gettext_lazy("Elsewhere, where you read mail without this password. Leave it empty for none."),
        widget=forms.TextInput(attrs=ADDRESS_ATTRS | {"autocomplete": "email"}),
    )
    current = OwnPasswordForm.base_fields["current"]


class PasswordSettingsForm(PanelForm):
    least_length = forms.IntegerField(
        label=gettext_lazy("Shortest password, in characters"),
        min_value=8,
        max_value=64,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    least_strength = forms.TypedChoiceField(
        label=gettext_lazy("How hard to guess"),
        choices=PasswordSettings.STRENGTHS,
        coerce=int,
        help_text=gettext_lazy("As zxcvbn estimates it; “good” takes 100 million guesses or more."),
        widget=forms.RadioSelect,
    )
    valid_days = forms.IntegerField(
        label=gettext_lazy("Valid for, in days"),
        required=False,
        min_value=1,
        max_value=3650,
        help_text=gettext_lazy(
            "Then the owner must choose another one at the next sign-in to the panel. Leave it empty for ever: whoever "
            "must change a good password often chooses a worse one."
        ),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    grace_days = forms.IntegerField(
        label=gettext_lazy("Grace for mail, in days"),
        min_value=0,
        max_value=3650,
        help_text=gettext_lazy(
            "For so long mail programs still sign in with a password that is no longer valid. App passwords go on."
        ),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class AppPasswordForm(PanelForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("What uses it, for example “phone” or “Thunderbird at work”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    imap = forms.BooleanField(label=gettext_lazy("Reads mail by IMAP"), required=False, initial=True)
    pop = forms.BooleanField(label=gettext_lazy("Fetches mail by POP"), required=False)
    sends = forms.BooleanField(label=gettext_lazy("Sends mail"), required=False, initial=True)
    expires_in_days = forms.IntegerField(
        label=gettext_lazy("Expires after so many days"),
        required=False,
        min_value=1,
        max_value=3650,
        help_text=gettext_lazy("Leave it empty for an app password that does not expire."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    current = OwnPasswordForm.base_fields["current"]

    def values(self) -> dict[str, Any]:
        """What `add_app_password` takes."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "current"}
        days = values.pop("expires_in_days")
        return values | {"expires_at": timezone.now() + timedelta(days=days) if days else None}
