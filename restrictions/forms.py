"""What a person types about a restriction or a class."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.pages import PanelForm
from restrictions.catalogue import Known
from restrictions.models import Restriction, RestrictionClass
from restrictions.page import catalogue_by_stage

_mono = {"mono": True, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


class RestrictionForm(PanelForm):
    name = forms.ChoiceField(label=gettext_lazy("Restriction"))
    argument = forms.CharField(
        label=gettext_lazy("Argument"),
        max_length=500,
        required=False,
        help_text=gettext_lazy(
            "What the restriction takes: a DNS list (zen.spamhaus.org=127.0.0.[2..11]), a policy service "
            "(inet:127.0.0.1:10023, timeout=10s, default_action=DUNNO), seconds, or the name of an access table; "
            "without one, a restriction that looks something up asks the table of the server. Most take nothing."
        ),
        widget=forms.TextInput(attrs=dict(_mono)),
    )
    warn_only = forms.BooleanField(
        label=gettext_lazy("Warn only"),
        required=False,
        help_text=gettext_lazy("Writes into the mail log what it would refuse, and refuses nothing."),
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        initial=True,
        help_text=gettext_lazy("What is inactive is not written to main.cf."),
    )
    comment = forms.CharField(
        label=gettext_lazy("Comment"), max_length=500, required=False, help_text=gettext_lazy("Why it is there.")
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, stage: str | None, entry: Restriction | None = None, **kwargs: Any) -> None:
        if entry:
            fields = ("warn_only", "active", "comment", "version")
            named = {"name": entry.called, "argument": entry.takes}
            kwargs["initial"] = {**named, **{name: getattr(entry, name) for name in fields}}
        super().__init__(*args, **kwargs)
        field: Any = self.fields["name"]
        field.choices = [
            ("", "…"),
            *(
                (group, [(known.name, _in_words(known)) for known in names])
                for group, names in catalogue_by_stage(stage)
            ),
            (_("restriction classes"), [(one.name, one.name) for one in RestrictionClass.objects.all()]),
        ]
        if entry is None:
            del self.fields["version"]  # nothing is there yet that somebody else could change


def _in_words(known: Known) -> str:
    since = _("since Postfix %(version)s") % {"version": known.since}
    return f"{known.name} ({since}): {known.sentence}"


class ClassForm(PanelForm):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=63,
        help_text=gettext_lazy("Small letters, digits and _; main.cf and access tables call the class by it."),
        widget=forms.TextInput(attrs={**_mono, "placeholder": "greylisting"}),
    )
    comment = forms.CharField(
        label=gettext_lazy("Comment"), max_length=500, required=False, help_text=gettext_lazy("Why it is there.")
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, is_new: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_new:
            del self.fields["version"]
