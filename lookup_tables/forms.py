"""One form for every table; a table without a column has no field for it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from accounts.pages import PanelForm
from lookup_tables.models import LONGEST_KEY, LONGEST_RESULT
from lookup_tables.nouns import Noun

_mono = {"mono": True, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


class EntryForm(PanelForm):
    key = forms.CharField(max_length=LONGEST_KEY, widget=forms.TextInput(attrs=dict(_mono)))
    applies_to = forms.ChoiceField(label=gettext_lazy("Applies to"), widget=forms.RadioSelect)
    result = forms.CharField(max_length=LONGEST_RESULT, widget=forms.TextInput(attrs=dict(_mono)))
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("With which Postfix signs in at the relay. Empty if it takes our mail without."),
        widget=forms.TextInput(attrs=dict(_mono)),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=255,
        required=False,
        strip=False,
        help_text=gettext_lazy(
            "Stored encrypted, shown to nobody, and sent within TLS only: mail waits where the relay offers no TLS. "
            "Empty: it stays as it is."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    comment = forms.CharField(
        label=gettext_lazy("Comment"), max_length=500, required=False, help_text=gettext_lazy("Why it is there.")
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Postfix does not find what is inactive."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, noun: Noun, is_new: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("key", "result"):
            self.fields[name].label = getattr(noun, name)
            self.fields[name].help_text = getattr(noun, f"{name}_help")
        for name, example in zip(("key", "result"), noun.example, strict=True):
            self.fields[name].widget.attrs["placeholder"] = example
        if "applies_to" in noun.has:
            field: Any = self.fields["applies_to"]
            field.choices, field.initial = noun.applies_to.choices, noun.applies_to.default
        else:
            del self.fields["applies_to"]
        if "username" not in noun.has:
            del self.fields["username"], self.fields["password"]
        if is_new:
            del self.fields["version"]  # nothing is there yet that somebody else could change
