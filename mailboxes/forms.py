"""What people type about mailboxes, new addresses and imports -> values for the services."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms import rule_of_passwords
from accounts.models import User
from accounts.pages import PanelForm
from domains.models import Domain
from mailboxes.fields import ADDRESS_ATTRS, DestinationsField, LocalPartField, WordsField
from mailboxes.models import Import, MailingSettings, PasswordSettings
from mailboxes.parsing import ParsedAddress, parse_address, written_local_part
from mailboxes.times import TimeField

MEGABYTE = 1024**2
GIGABYTE = 1024**3


class QuotaForm(PanelForm):
    """A quota as people say it: a number and a unit. Nothing typed: no quota."""

    quota = forms.DecimalField(
        label=gettext_lazy("Quota"),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=3,
        error_messages={"invalid": gettext_lazy("This is not a number. Type one, for example 10 or 1.5.")},
        help_text=gettext_lazy("Leave it empty for no quota. 1 GB is 1024 MB, as Dovecot counts."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    quota_unit = forms.ChoiceField(
        label=gettext_lazy("Unit of the quota"),
        choices=[("GB", "GB"), ("MB", "MB")],
        required=False,
        widget=forms.Select(attrs={"aria-label": gettext_lazy("Unit of the quota")}),
    )

    def quota_bytes(self) -> int | None:
        amount: Decimal | None = self.cleaned_data.get("quota")
        if not amount:
            return None
        return int(amount * (MEGABYTE if self.cleaned_data.get("quota_unit") == "MB" else GIGABYTE))

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("quota") and not self.quota_bytes():
            self.add_error("quota", _("A quota is at least one byte. Leave it empty for no quota."))
        return self.cleaned_data


def quota_words(quota_bytes: int | None) -> dict[str, Decimal | str | None]:
    """A stored quota as the two fields show it, rounded to three places."""
    if not quota_bytes:
        return {"quota": None, "quota_unit": "GB"}
    unit, size = ("GB", GIGABYTE) if quota_bytes % (GIGABYTE // 2) == 0 else ("MB", MEGABYTE)
    amount = (Decimal(quota_bytes) / size).quantize(Decimal("0.001"))
    return {"quota": Decimal(f"{amount.normalize():f}"), "quota_unit": unit}


MAY_DO = ("receives", "sends", "imap", "pop")
LIMITS = {*MAY_DO, "active", "expires_at", "allowed_networks", "starts_at", "ends_at"}


class LimitsForm(PanelForm):
    """A form that asks for limits which few need."""

    @property
    def sets_limits(self) -> bool:
        """Whether a limit was typed, or one is wrong: then it must be seen."""
        return self.is_bound and bool(LIMITS & {*self.changed_data, *self.errors})


class MailboxFieldsForm(QuotaForm, LimitsForm):
    """What both forms about a mailbox ask. Only a superuser chooses where mail is stored."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Shown in lists, and to the owner. Mail programs do not see it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    also_deliver_to = DestinationsField(
        label=gettext_lazy("Also deliver to"),
        required=False,
        help_text=gettext_lazy("A copy of each mail goes here. The mailbox keeps its own."),
    )
    mail_path = forms.CharField(
        label=gettext_lazy("Mail path"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "Leave it empty to use the template of the settings. A path that ends in / is a maildir."
        ),
        widget=forms.TextInput(attrs=ADDRESS_ATTRS),
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        initial=True,
        help_text=gettext_lazy("An inactive mailbox refuses mail, and nobody can sign in to it."),
    )
    expires_at = TimeField(
        label=gettext_lazy("Expires"),
        help_text=gettext_lazy(
            "From then on it refuses mail and nobody can sign in, as if it were inactive. Its mail stays. Leave it "
            "empty for never."
        ),
    )
    receives = forms.BooleanField(
        label=gettext_lazy("Receives mail"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Otherwise mail to it is refused, and a catch-all does not get it either."),
    )
    sends = forms.BooleanField(label=gettext_lazy("Sends mail"), required=False, initial=True)
    imap = forms.BooleanField(label=gettext_lazy("Reads mail by IMAP"), required=False, initial=True)
    pop = forms.BooleanField(
        label=gettext_lazy("Fetches mail by POP"),
        required=False,
        initial=True,
    )
    allowed_networks = WordsField(
        label=gettext_lazy("Signs in only from"),
        help_text=gettext_lazy(
            "Address ranges, for example 192.0.2.0/24 2001:db8::/32; here, by IMAP, POP and to send. Empty: from "
            "anywhere. When some are taken away, nothing is sent from this mailbox for five minutes, so that nobody "
            "who signed in from there goes on."
        ),
    )

    def __init__(self, *args: Any, user: User, domain: Domain, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_superuser:
            del self.fields["mail_path"]
        if domain.max_quota_bytes is not None or domain.max_total_quota_bytes is not None:
            self.fields["quota"].help_text = _(
                "It needs one, since the quotas of this domain have a limit. 1 GB is 1024 MB, as Dovecot counts."
            )


def despite_quarantine_field() -> forms.BooleanField:
    return forms.BooleanField(
        label=gettext_lazy("Take the address all the same"),
        required=False,
        help_text=gettext_lazy(
            "Even if it belonged to a mailbox that was deleted lately, and its mail may still come."
        ),
    )


class MailboxAddForm(MailboxFieldsForm):
    """`domain` is the one that gets the mailbox."""

    local_part = LocalPartField()
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        max_length=254,
        help_text=gettext_lazy(
            "Several words do well. Leave it empty if nobody is to sign in yet; mail arrives all the same."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    must_change_password = forms.BooleanField(
        label=gettext_lazy("The owner must choose another one"),
        required=False,
        help_text=gettext_lazy("At the next sign-in to the panel, before anything else. Mail programs are let in."),
    )
    mail_format = forms.ChoiceField(
        label=gettext_lazy("Stored as"),
        choices=[
            ("maildir", gettext_lazy("maildir: one file a mail")),
            ("mbox", gettext_lazy("mbox: one file for all mail")),
        ],
        initial="maildir",
        widget=forms.RadioSelect,
    )
    welcome = forms.BooleanField(
        label=gettext_lazy("Send a welcome mail"),
        required=False,
        help_text=gettext_lazy("The first mail in it, in a few seconds. What it says stands in the settings."),
    )
    despite_quarantine = despite_quarantine_field()
    field_order = [
        "local_part",
        "despite_quarantine",
        "name",
        "password",
        "must_change_password",
        "quota",
        "quota_unit",
        "also_deliver_to",
        "mail_format",
        "welcome",
        "mail_path",
        *MAY_DO,
        "allowed_networks",
        "expires_at",
        "active",
    ]

    def __init__(self, *args: Any, domain: Domain, **kwargs: Any) -> None:
        super().__init__(*args, domain=domain, **kwargs)
        self.fields["local_part"].domain = domain.name  # type: ignore[attr-defined]
        self.fields["welcome"].initial = MailingSettings.current().welcomes
        password = self.fields["password"]
        password.help_text = f"{rule_of_passwords(PasswordSettings.current().least_length)} {password.help_text}"
        if "mail_path" not in self.fields:  # nor is this for domain admins
            del self.fields["despite_quarantine"]

    def values(self) -> dict[str, Any]:
        """What `add_mailbox` takes."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in ("quota", "quota_unit")}
        return values | {"quota_bytes": self.quota_bytes(), "password": values["password"] or None}


class MailboxForm(MailboxFieldsForm):
    mail_path = forms.CharField(
        label=gettext_lazy("Mail path"),
        max_length=500,
        help_text=gettext_lazy(
            "Below virtual_mailbox_base. A path that ends in / is a maildir, any other an mbox. A new path does not "
            "move the mail that is stored: move the files first."
        ),
        widget=forms.TextInput(attrs=ADDRESS_ATTRS),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = [
        "name",
        "quota",
        "quota_unit",
        "also_deliver_to",
        "mail_path",
        *MAY_DO,
        "allowed_networks",
        "expires_at",
        "active",
        "version",
    ]

    def values(self) -> dict[str, Any]:
        """What `change_mailbox` takes. Destinations, a quota and a time that are as they were stay untouched."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in ("quota", "quota_unit")}
        for name in {"also_deliver_to", "expires_at"} - set(self.changed_data):
            del values[name]
        if {"quota", "quota_unit"} & set(self.changed_data):
            values["quota_bytes"] = self.quota_bytes()
        return values


class RelayRecipientsForm(PanelForm):
    recipients = DestinationsField(
        label=gettext_lazy("Recipients"),
        help_text=gettext_lazy(
            "One address a line, or with commas between them; the part before the @ is enough. Those that are in the "
            "list already stay."
        ),
    )
    despite_quarantine = despite_quarantine_field()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not user.is_superuser:
            del self.fields["despite_quarantine"]


class PermittedSendersForm(PanelForm):
    senders = DestinationsField(
        label=gettext_lazy("Permit as senders"),
        help_text=gettext_lazy(
            "Addresses, or @example.org for a whole domain; one a line, or with commas between them."
        ),
    )


class RenameForm(PanelForm):
    """The whole new address, since another domain moves the mailbox or alias there."""

    address = forms.CharField(
        label=gettext_lazy("New address"),
        max_length=320,
        help_text=gettext_lazy("With another domain after the @ it moves there."),
        widget=forms.TextInput(attrs=ADDRESS_ATTRS),
    )
    despite_quarantine = despite_quarantine_field()
    keep_old = forms.BooleanField(
        label=gettext_lazy("Keep the old address as an alias of the new one"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "Mail to it goes on to the new address. Otherwise it is refused, or a catch-all gets it."
        ),
    )
    keep_days = forms.IntegerField(
        label=gettext_lazy("Keep it for so many days"),
        required=False,
        min_value=1,
        max_value=3650,
        help_text=gettext_lazy("Leave it empty to keep it for good."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "data-only-with": "keep_old"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if not user.is_superuser:
            del self.fields["despite_quarantine"]

    def clean_address(self) -> ParsedAddress:
        """The domain must be one's own, too."""
        typed = parse_address(self.cleaned_data["address"])
        if not Domain.objects.visible_to(self.user).filter(name=typed.domain).exists():
            raise ValidationError(
                _("%(name)s is not here. Add it first, or correct the name.") % {"name": typed.domain}
            )
        return typed

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("keep_days") and not self.cleaned_data.get("keep_old"):
            self.add_error("keep_days", _("Tick that the old address is kept, or leave the days empty."))
        return self.cleaned_data

    def values(self) -> dict[str, Any]:
        """What `rename_address` takes."""
        typed, days = self.cleaned_data["address"], self.cleaned_data["keep_days"]
        keep_old = self.cleaned_data["keep_old"]
        return {
            "domain": Domain.objects.visible_to(self.user).get(name=typed.domain),
            "local_part": written_local_part(typed.local_part),
            "keep_old": keep_old,
            "keep_until": timezone.now() + timedelta(days=days) if keep_old and days else None,
            "despite_quarantine": self.cleaned_data.get("despite_quarantine", False),
        }


class ImportForm(PanelForm):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV with a line of column names, as Excel saves it in UTF-8, or JSON. Nothing is added yet: first you see "
            "what would happen."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.json,text/csv,application/json"}),
    )
    existing = forms.ChoiceField(
        label=gettext_lazy("What is there already"),
        choices=[
            ("refuse", gettext_lazy("is a fault: nothing is added")),
            ("skip", gettext_lazy("stays as it is: only what is new is added")),
        ],
        initial="refuse",
        widget=forms.RadioSelect,
    )
    despite_quarantine = forms.BooleanField(
        label=gettext_lazy("Take addresses in quarantine all the same"),
        required=False,
        help_text=gettext_lazy(
            "Even if they belonged to mailboxes that were deleted lately, and their mail may still come."
        ),
    )

    def __init__(self, *args: Any, user: User, kind: str, sent: int = 0, **kwargs: Any) -> None:
        """`sent` is the size of what the browser sends, in bytes: of a file that is too large nothing is left."""
        super().__init__(*args, **kwargs)
        if not user.is_superuser or kind == Import.Kind.DOMAINS:
            del self.fields["despite_quarantine"]
        most = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        sentence = _("Choose a file.")
        if sent > most:
            sentence = _("A page takes files of up to %(most)d MB. Use the command import_csv, or smaller files.")
            sentence %= {"most": most // MEGABYTE}
        self.fields["file"].error_messages |= dict.fromkeys(["required", "invalid", "missing"], sentence)
        self.fields["file"].error_messages["empty"] = _("This file is empty.")

    def values(self) -> dict[str, Any]:
        """What `stage_upload` takes."""
        file = self.cleaned_data["file"]
        return {
            "file": file.file,
            "label": file.name,
            "skip_existing": self.cleaned_data["existing"] == "skip",
            "despite_quarantine": self.cleaned_data.get("despite_quarantine", False),
        }
