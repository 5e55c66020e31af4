"""What a person types about an API token."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.pages import PanelForm
from api.scopes import ONLY_READ, ONLY_SUPERUSERS, READ, RESOURCES, WRITE
from mailboxes.fields import WordsField

MAY = "may_"  # before the name of a resource


class TokenForm(PanelForm):
    """One choice for each resource that this person may reach."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("What uses it, for example “backup script”. It stands in the history."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    domains = WordsField(
        label=gettext_lazy("Only for domains"),
        help_text=gettext_lazy(
            "With these it may do what a domain admin of them may do. Empty: all that you may see yourself."
        ),
    )
    networks = WordsField(
        label=gettext_lazy("Only from addresses"),
        help_text=gettext_lazy("Address ranges, for example 192.0.2.0/24. Empty: from anywhere."),
    )
    expires_in_days = forms.IntegerField(
        label=gettext_lazy("Expires after so many days"),
        required=False,
        min_value=1,
        max_value=3650,
        initial=365,
        help_text=gettext_lazy("Leave it empty for a token that does not expire."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.resources = [name for name in RESOURCES if user.is_superuser or name not in ONLY_SUPERUSERS]
        for name in self.resources:
            levels = [("", gettext_lazy("nothing")), (READ, gettext_lazy("read"))]
            levels += [] if name in ONLY_READ else [(WRITE, gettext_lazy("read and write"))]
            select = forms.Select(attrs={"class": "form-select"})
            self.fields[MAY + name] = forms.ChoiceField(
                label=RESOURCES[name], choices=levels, required=False, widget=select
            )

    @property
    def scope_fields(self) -> list[forms.BoundField]:
        return [self[MAY + name] for name in self.resources]

    def values(self) -> dict[str, Any]:
        """What `add_token` takes."""
        typed, days = self.cleaned_data, self.cleaned_data["expires_in_days"]
        return {
            "name": typed["name"],
            "scopes": [f"{name}:{typed[MAY + name]}" for name in self.resources if typed[MAY + name]],
            "domains": typed["domains"],
            "networks": typed["networks"],
            "expires_at": timezone.now() + timedelta(days=days) if days else None,
        }
