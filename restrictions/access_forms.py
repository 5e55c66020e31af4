"""Forms about access rules, the class of a recipient, and who may write to an alias."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.pages import PanelForm
from mailboxes.times import TimeField
from restrictions.access_actions import LONGEST_TEXT, OF_ONE_RECIPIENT, OF_WHOLE_MESSAGES, Action
from restrictions.access_models import LONGEST_KEY, AccessRule, AccessTable, AllowedAction, AppliesTo, Writers
from restrictions.models import RestrictionClass

_mono = {"mono": True, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}

KEY_HELP = {
    AppliesTo.CLIENT: _("A host name with all below it, an address, a network such as 192.0.2.0/24, or unknown."),
    AppliesTo.HELO: _("A host name with all below it, or an address in brackets."),
    AppliesTo.SENDER: _("An address, a domain with all below it, name@ in any domain, or <> for bounces."),
    AppliesTo.RECIPIENT: _("An address, a domain with all below it, or name@ in any domain."),
}
EXAMPLES = {
    AppliesTo.CLIENT: "192.0.2.0/24",
    AppliesTo.HELO: "mail.example.org",
    AppliesTo.SENDER: "spam.example",
    AppliesTo.RECIPIENT: "ann@example.org",
}


class AccessRuleForm(PanelForm):
    key = forms.CharField(label=_("Key"), max_length=LONGEST_KEY, widget=forms.TextInput(attrs=dict(_mono)))
    action = forms.ChoiceField(label=_("Action"))
    code = forms.CharField(
        label=_("Reply code"),
        max_length=3,
        required=False,
        help_text=AccessRule._meta.get_field("code").help_text,  # type: ignore[union-attr]
        widget=forms.TextInput(attrs=dict(_mono)),
    )
    text = forms.CharField(
        label=_("Text"),
        max_length=LONGEST_TEXT,
        required=False,
        help_text=_(
            "In ASCII. What REJECT and DEFER say; an address for REDIRECT and BCC; Name: value for PREPEND; "
            "transport:nexthop for FILTER; restrictions with commas between for a list."
        ),
        widget=forms.TextInput(attrs=dict(_mono)),
    )
    of_class = forms.ModelChoiceField(
        label=_("Restriction class"),
        queryset=RestrictionClass.objects.none(),
        required=False,
        to_field_name="name",
        empty_label=_("none"),
        help_text=_("Only for the action “a restriction class”."),
    )
    comment = forms.CharField(label=_("Comment"), max_length=500, required=False, help_text=_("Why it is there."))
    starts_at = TimeField(label=_("Valid from"), help_text=_("Empty: at once."))
    ends_at = TimeField(label=_("Valid until"), help_text=_("Empty: for ever."))
    active = forms.BooleanField(
        label=_("Active"), required=False, initial=True, help_text=_("Postfix does not find what is inactive.")
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, applies_to: str, actions: Iterable[str] | None = None, is_new: bool = False, **kwargs: Any
    ) -> None:
        """`actions` are those that the person may choose; None for all."""
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["key"].help_text = KEY_HELP[AppliesTo(applies_to)]
        fields["key"].widget.attrs["placeholder"] = EXAMPLES[AppliesTo(applies_to)]
        allowed = None if actions is None else set(actions)
        fields["action"].choices = [one for one in Action.choices if allowed is None or one[0] in allowed]
        fields["of_class"].queryset = RestrictionClass.objects.order_by("name")
        if is_new:
            del self.fields["version"]  # nothing is there yet that somebody else could change
            fields["action"].initial = Action.REJECT  # what most rules are for; the first of the list lets in


class AccessTableForm(PanelForm):
    """A new table; of one that is there only the comment changes."""

    name = forms.CharField(
        label=_("Name"),
        max_length=40,
        help_text=AccessTable._meta.get_field("name").help_text,  # type: ignore[union-attr]
        widget=forms.TextInput(attrs=dict(_mono)),
    )
    applies_to = forms.ChoiceField(label=_("Applies to"), choices=AppliesTo.choices, widget=forms.RadioSelect)
    comment = forms.CharField(label=_("Comment"), max_length=500, required=False, help_text=_("Why it is there."))
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, is_new: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("version",) if is_new else ("name", "applies_to"):
            del self.fields[name]


class AllowedActionsForm(PanelForm):
    actions = forms.MultipleChoiceField(
        label=_("Actions"),
        choices=[(action.value, action.label) for action in OF_ONE_RECIPIENT],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=format_lazy(
            _(
                "Actions that are about the whole message, also for its recipients in other domains, are not among "
                "them: {actions}."
            ),
            actions=", ".join(OF_WHOLE_MESSAGES),
        ),
    )

    @staticmethod
    def as_it_is() -> dict[str, Any]:
        return {"actions": list(AllowedAction.objects.values_list("action", flat=True))}


class RecipientClassForm(PanelForm):
    prefix = "class"
    of_class = forms.ModelChoiceField(
        label=_("Restriction class"),
        queryset=RestrictionClass.objects.none(),
        required=False,
        to_field_name="name",
        empty_label=_("none of its own"),
        help_text=_("What mail to it has to pass, beside the restriction lists."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["of_class"].queryset = RestrictionClass.objects.order_by("name")


class WritersForm(PanelForm):
    prefix = "writers"
    writers = forms.ChoiceField(
        label=_("Who may write to it"),
        choices=[("", _("anyone")), *Writers.choices],
        required=False,
        widget=forms.RadioSelect,
    )
    named = forms.CharField(
        label=_("Named senders"),
        required=False,
        max_length=40_000,
        help_text=_("They may in any case: addresses, or @example.org for a whole domain; one a line."),
        widget=forms.Textarea(attrs=_mono | {"rows": 4}),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def senders(self) -> list[str]:
        return [line for line in self.cleaned_data["named"].replace(",", "\n").split("\n") if line.strip()]
