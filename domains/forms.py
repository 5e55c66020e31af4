"""What people type about domains: one name, its address class, its admins, and the mail settings."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField, BoundWidget
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import PersonAddForm
from accounts.models import User
from accounts.pages import PanelForm
from domains.fields import LONGEST_DOMAIN, normalised_domain, shown, size_as_typed, size_in_bytes
from domains.models import AddressClass, Domain, MailSettings
from domains.services import LIMITS

CLASS_HELP = {
    AddressClass.VIRTUAL_MAILBOX: gettext_lazy("Mail is stored here. It may have aliases and a catch-all as well."),
    AddressClass.VIRTUAL_ALIAS: gettext_lazy("Has aliases only: each address delivers to addresses elsewhere."),
    AddressClass.ALIAS_DOMAIN: gettext_lazy("Answers for another domain: each address of the target works here too."),
    AddressClass.RELAY: gettext_lazy("Another server stores the mail. This one takes it and hands it on (backup MX)."),
    AddressClass.LOCAL: gettext_lazy("Users of the mail server itself, and the aliases of local(8)."),
}

_name_attrs = {"mono": True, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


def _most(label: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class SizeField(forms.CharField):
    """Bytes as people type them. Nothing typed is None."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "off", "placeholder": gettext_lazy("for example 20 GB")}
        super().__init__(max_length=40, widget=forms.TextInput(attrs=attrs), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return size_as_typed(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        octets = size_in_bytes(text) if text else None
        if text and octets is None:
            raise ValidationError(
                _("“%(text)s” is no size. Type 500 MB or 20 GB, for example.") % {"text": shown(text)}
            )
        return octets


class DomainSettingsForm(PanelForm):
    """What may change about a domain. Its name stays; a domain that is renamed gets an alias domain."""

    address_class = forms.ChoiceField(
        label=gettext_lazy("Address class"),
        choices=AddressClass.choices,
        initial=AddressClass.VIRTUAL_MAILBOX,
        widget=forms.RadioSelect,
    )
    target = forms.CharField(
        label=gettext_lazy("Target"),
        max_length=LONGEST_DOMAIN,
        required=False,
        help_text=gettext_lazy("The domain whose addresses it answers for. It must be here already."),
        widget=forms.TextInput(attrs=_name_attrs | {"placeholder": gettext_lazy("for example example.org")}),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("For the people who look after it. Mail servers do not see it."),
    )
    any_recipient = forms.BooleanField(
        label=gettext_lazy("Take mail for any recipient"),
        required=False,
        help_text=gettext_lazy(
            "For a relay domain whose recipients nobody can list. What its server then refuses comes back from here."
        ),
    )
    max_mailboxes = _most(gettext_lazy("Mailbox limit"))
    max_aliases = _most(gettext_lazy("Alias limit"))
    max_quota_bytes = SizeField(label=gettext_lazy("Largest quota of a mailbox"), required=False)
    max_total_quota_bytes = SizeField(
        label=gettext_lazy("Largest sum of quotas"),
        required=False,
        help_text=gettext_lazy("Where quotas have a limit, every new mailbox needs a quota."),
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Mail to an inactive domain is refused, and its mailbox owners cannot sign in."),
    )
    suspended = forms.BooleanField(
        label=gettext_lazy("Suspended"),
        required=False,
        help_text=gettext_lazy(
            "New mail is put off for a time, with a 450 reply: the servers of senders keep it and try again, most of "
            "them for five days. Nothing is lost, and what was taken before is delivered."
        ),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    @property
    def limits(self) -> list[BoundField]:
        return [self[limit] for limit in LIMITS]

    @property
    def has_limits(self) -> bool:
        """Something is typed there, or refused: then they are open to see."""
        return any(field.errors or field.value() not in (None, "") for field in self.limits)

    @property
    def class_options(self) -> list[tuple[BoundWidget, str]]:
        """Each address class with its sentence."""
        return [(option, str(CLASS_HELP[AddressClass(option.data["value"])])) for option in self["address_class"]]

    def clean_target(self) -> Domain | None:
        text = self.cleaned_data["target"]
        if not text or self.cleaned_data.get("address_class") != AddressClass.ALIAS_DOMAIN:
            return None
        name = normalised_domain(text)
        target: Domain | None = Domain.objects.visible_to(self.user).filter(name=name).first()
        if target is None:
            raise ValidationError(
                _("%(name)s is not here yet. Add it first, or correct the name."), params={"name": name}
            )
        return target


class DomainAddForm(DomainSettingsForm):
    name = forms.CharField(
        label=gettext_lazy("Domain"),
        max_length=1000,
        help_text=gettext_lazy(
            "The part after the @. Letters beyond ASCII are fine: they are stored as the DNS has them."
        ),
        widget=forms.TextInput(attrs=_name_attrs | {"placeholder": gettext_lazy("for example example.org")}),
    )
    suspended = version = None  # type: ignore[assignment]  # nothing is there yet that could wait, or be changed by others
    field_order = ["name", "address_class", "target", "any_recipient", "description", *LIMITS, "active"]


class DescriptionForm(PanelForm):
    """What a domain admin may change about the domain itself."""

    description = DomainSettingsForm.base_fields["description"]
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class DomainAdminForm(PanelForm):
    user = forms.CharField(
        label=gettext_lazy("Person"),
        max_length=254,
        help_text=gettext_lazy("The user name. People are added on the page People."),
        widget=forms.TextInput(attrs=_name_attrs | {"list": "people"}),
    )

    def clean_user(self) -> User:
        username = self.cleaned_data["user"].strip().lower()
        user: User | None = User.objects.people().filter(username=username).first()
        if user is None:
            raise ValidationError(
                _("There is no person “%(name)s”. Add them first, or correct the name."), params={"name": username}
            )
        return user


class MailSettingsForm(PanelForm):
    recipient_delimiter = forms.ChoiceField(
        label=gettext_lazy("Recipient delimiter"),
        required=False,
        choices=MailSettings.DELIMITERS,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "With +, mail to jean+lists@example.org arrives at jean@example.org. main.cf must say the same: "
            "write the configuration again after a change."
        ),
    )
    mail_path_template = forms.CharField(
        label=gettext_lazy("Mail path template"),
        max_length=200,
        widget=forms.TextInput(attrs={"mono": True, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "Where a new mailbox is stored, below virtual_mailbox_base. Tokens: {domain}, {local_part} and {initial}, "
            "its first character. Mailboxes that are there keep their path."
        ),
    )
    quarantine_days = forms.IntegerField(
        label=gettext_lazy("Quarantine, in days"),
        min_value=0,
        max_value=3650,
        help_text=gettext_lazy(
            "For so long nobody else gets the address of a deleted mailbox, because mail for its former owner may "
            "still arrive. A superuser can give it away all the same. 0 for no quarantine."
        ),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    dkim_retiring_days = forms.IntegerField(
        label=gettext_lazy("DKIM: the old record stays, in days"),
        min_value=1,
        max_value=365,
        help_text=gettext_lazy(
            "For so long the record of a key that no longer signs stays in the DNS: mail on its way is still verified."
        ),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    dkim_rotation_months = forms.IntegerField(
        label=gettext_lazy("DKIM: a new key every, in months"),
        min_value=0,
        max_value=60,
        help_text=gettext_lazy(
            "A key that has signed for so long gets a successor, and the panel says what to publish. 0 for never."
        ),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class DomainPersonAddForm(PersonAddForm):
    """A person, with the domains that they manage."""

    domains = forms.CharField(
        label=gettext_lazy("Domain admin of"),
        max_length=10_000,
        required=False,
        help_text=gettext_lazy("One domain or several, with a comma between two. Leave it empty for none yet."),
        widget=forms.TextInput(attrs=_name_attrs | {"placeholder": gettext_lazy("for example example.org")}),
    )

    def clean_domains(self) -> list[Domain]:
        names = dict.fromkeys(
            normalised_domain(name) for name in re.split(r"[,\s]+", self.cleaned_data["domains"]) if name
        )
        found = {domain.name: domain for domain in Domain.objects.filter(name__in=names)}
        for name in names:
            if name not in found:
                raise ValidationError(
                    _("%(name)s is not here yet. Add it first, or correct the name."), params={"name": name}
                )
        return [found[name] for name in names]

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("is_superuser") and values.get("domains"):
            self.add_error("domains", _("A superuser manages every domain. Leave this empty."))
        return values
