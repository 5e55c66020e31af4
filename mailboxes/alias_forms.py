"""What people type about aliases -> values for the services."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.pages import PanelForm
from domains.models import Domain
from mailboxes.fields import ADDRESS_ATTRS, DestinationsField, LocalPartField
from mailboxes.forms import LimitsForm, despite_quarantine_field
from mailboxes.services import WHEN_IT_DELIVERS
from mailboxes.times import TimeField


class AliasForm(LimitsForm):
    destinations = DestinationsField(
        label=gettext_lazy("Destinations"),
        help_text=gettext_lazy("One address a line, or with commas between them. Mail goes to each of them."),
    )
    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Why this alias is there, for the people who look after it."),
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Mail to an inactive alias is refused, unless a mailbox has the same address."),
    )
    starts_at = TimeField(
        label=gettext_lazy("Delivers from"),
        help_text=gettext_lazy("Until then it is as if it were inactive. Leave it empty for at once."),
    )
    ends_at = TimeField(
        label=gettext_lazy("Delivers until"),
        help_text=gettext_lazy("From then on it is as if it were inactive. Leave it empty for never."),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def keep_when_it_delivers(self) -> None:
        """For a domain admin before a default alias."""
        for name in WHEN_IT_DELIVERS:
            self.fields[name].disabled = True

    def values(self) -> dict[str, Any]:
        """What `change_alias` takes. A time that is as it was stays untouched."""
        same = {"starts_at", "ends_at"} - set(self.changed_data)
        return {name: value for name, value in self.cleaned_data.items() if name not in same}


class AliasAddForm(AliasForm):
    """`domain` is the one that gets the alias."""

    local_part = LocalPartField(
        required=False,
        help_text=gettext_lazy("At the address of a mailbox, the mailbox keeps a copy and the mail goes on as well."),
    )
    is_catch_all = forms.BooleanField(
        label=gettext_lazy("Catch-all"),
        required=False,
        help_text=gettext_lazy(
            "Takes the mail of every address of this domain that does not exist. With a destination like @example.org "
            "the part before the @ is kept."
        ),
    )
    despite_quarantine = despite_quarantine_field()
    version = None  # type: ignore[assignment]  # nothing is there yet that somebody else could change
    field_order = [
        "local_part",
        "despite_quarantine",
        "is_catch_all",
        "destinations",
        "comment",
        "starts_at",
        "ends_at",
        "active",
    ]

    def __init__(self, *args: Any, domain: Domain, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_superuser:
            del self.fields["despite_quarantine"]
        self.fields["local_part"].domain = domain.name  # type: ignore[attr-defined]
        if domain.has_catch_all:
            self.fields["local_part"].help_text = _(
                "With a * at the end it is a pattern: sales-* takes the mail of all addresses that begin with sales- "
                "and do not exist. At the address of a mailbox, the mailbox keeps a copy and the mail goes on as well."
            )

    def clean(self) -> dict[str, Any]:
        local_part, is_catch_all = self.cleaned_data.get("local_part"), self.cleaned_data.get("is_catch_all")
        if not local_part and not is_catch_all and "local_part" not in self.errors:
            self.add_error("local_part", _("Type the part before the @, or choose “Catch-all”."))
        if local_part and is_catch_all:
            self.add_error(
                "is_catch_all", _("A catch-all has nothing before the @. Empty the address, or untick this.")
            )
        return self.cleaned_data

    def values(self) -> dict[str, Any]:
        """What `add_alias` takes."""
        return {name: value for name, value in self.cleaned_data.items() if name != "is_catch_all"}


class DefaultAliasesForm(PanelForm):
    local_parts = DestinationsField(
        label=gettext_lazy("Local parts"),
        help_text=gettext_lazy("The parts before the @, one a line or with commas between them."),
    )
    destination = forms.CharField(
        label=gettext_lazy("Destination"),
        max_length=320,
        help_text=gettext_lazy("One address, which gets the mail of all of them. For several people, name an alias."),
        widget=forms.TextInput(attrs=ADDRESS_ATTRS),
    )
