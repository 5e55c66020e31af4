"""What mailbox owners type about their own mailbox."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy

from accounts.pages import PanelForm
from mailboxes.fields import ADDRESS_ATTRS, DestinationsField
from mailboxes.out_of_office_models import LONGEST_ANSWER, LONGEST_SUBJECT, MOST_DAYS
from mailboxes.times import TimeField

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class OutOfOfficeForm(PanelForm):
    text = forms.CharField(
        label=gettext_lazy("Text of the answer"),
        max_length=LONGEST_ANSWER,
        help_text=gettext_lazy("Text in any language. Whoever writes to this mailbox gets it."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=LONGEST_SUBJECT,
        required=False,
        help_text=gettext_lazy("Leave it empty for “Auto:” and the subject of the message that is answered."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    starts_at = TimeField(label=gettext_lazy("Answers from"), help_text=gettext_lazy("Leave it empty for at once."))
    ends_at = TimeField(label=gettext_lazy("Answers until"), help_text=gettext_lazy("Leave it empty for never."))
    days = forms.IntegerField(
        label=gettext_lazy("No second answer within"),
        min_value=1,
        max_value=MOST_DAYS,
        initial=7,
        help_text=gettext_lazy("A sender who writes again within this time gets none, unless the answer is changed."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        initial=True,
        help_text=gettext_lazy("An inactive answer is kept for the next time."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def values(self) -> dict[str, Any]:
        """What `set_out_of_office` takes. A time that is as it was stays untouched."""
        untouched = {"starts_at", "ends_at"} - set(self.changed_data)
        return {name: value for name, value in self.cleaned_data.items() if name not in untouched}


class ForwardingForm(PanelForm):
    destinations = DestinationsField(
        label=gettext_lazy("Forward to"),
        required=False,
        help_text=gettext_lazy("Each mail is sent on to these addresses. Leave it empty to stop that."),
    )
    keeps_copy = forms.BooleanField(
        label=gettext_lazy("Keep a copy in this mailbox"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Otherwise mail is only sent on, and nobody is told that you are out of office."),
    )


def _host(label: "StrOrPromise") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs=ADDRESS_ATTRS),
    )


class ServerNamesForm(PanelForm):
    imap_host = _host(gettext_lazy("IMAP server"))
    pop_host = _host(gettext_lazy("POP server"))
    submission_host = _host(gettext_lazy("Submission server"))
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
