"""What people type about mail to mailboxes: the mailing settings, and a broadcast."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from accounts.digests import sha256_of
from accounts.pages import PanelForm
from mailboxes.fields import ADDRESS_ATTRS, WordsField
from mailboxes.mailing_models import FASTEST, LONGEST_SUBJECT, LONGEST_TEXT

FILLED_IN = gettext_lazy("{address}, {name} and {servers} are filled in.")


class MailingSettingsForm(PanelForm):
    welcomes = forms.BooleanField(
        label=gettext_lazy("New mailboxes get a welcome mail"),
        required=False,
        help_text=gettext_lazy("Unless whoever adds one says otherwise. An import sends none."),
    )
    welcome_subject = forms.CharField(
        label=gettext_lazy("Subject of the welcome mail"),
        max_length=LONGEST_SUBJECT,
        required=False,
        help_text=gettext_lazy("Leave it empty for the panel's own, in the language of the server."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    welcome_text = forms.CharField(
        label=gettext_lazy("Text of the welcome mail"),
        max_length=LONGEST_TEXT,
        required=False,
        help_text=gettext_lazy("Leave it empty for the panel's own. {address}, {name} and {servers} are filled in."),
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    mails_per_minute = forms.IntegerField(
        label=gettext_lazy("Mails of a broadcast in a minute"),
        min_value=1,
        max_value=FASTEST,
        help_text=gettext_lazy("So many at most, so that other mail is not held up. It counts at once."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class BroadcastForm(PanelForm):
    """It is sent only when the same was looked at before: `seen` is a digest of that."""

    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=LONGEST_SUBJECT,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=LONGEST_TEXT,
        strip=False,
        help_text=FILLED_IN,
        widget=forms.Textarea(attrs={"rows": 10}),
    )
    domain_names = WordsField(
        label=gettext_lazy("Only to these domains"),
        help_text=gettext_lazy("Names with blanks between them. Leave it empty for all that you look after."),
    )
    sender = forms.CharField(
        label=gettext_lazy("Sender"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("An address of one of your domains, to which answers go. Empty: the panel itself."),
        widget=forms.TextInput(attrs=ADDRESS_ATTRS),
    )
    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def values(self) -> dict[str, Any]:
        """What `start_broadcast` takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}

    @property
    def digest(self) -> str:
        return sha256_of(repr(sorted(self.values().items())))

    @property
    def was_seen(self) -> bool:
        return bool(self.cleaned_data["seen"] == self.digest)
