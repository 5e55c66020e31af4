"""What people type about mailboxes and aliases -> values for the services."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.templatetags.static import static
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.pages import PanelForm

MEGABYTE = 1024**2
GIGABYTE = 1024**3
MOST_BYTES = 2**63 - 1  # what PostgreSQL holds
LONGEST_LIST = 300_000  # characters; 1,000 destinations of 254 and some air

_static = lazy(static, str)
_address_attrs = {"mono": True, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


class QuotaForm(PanelForm):
    """A quota as people say it: a number and a unit. Nothing typed: no quota."""

    quota = forms.DecimalField(
        label=gettext_lazy("Quota"),
        required=False,
        min_value=0,
        max_digits=12,
        decimal_places=3,
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
        if (self.quota_bytes() or 1) > MOST_BYTES:
            self.add_error("quota", _("No disk is that large. Type a smaller quota, or leave it empty for none."))
        elif self.cleaned_data.get("quota") and not self.quota_bytes():
            self.add_error("quota", _("A quota is at least one byte. Leave it empty for no quota."))
        return self.cleaned_data


def quota_words(quota_bytes: int | None) -> dict[str, str]:
    """A stored quota as the two fields show it, without loss where it is a whole number of kilobytes."""
    if not quota_bytes:
        return {"quota": "", "quota_unit": "GB"}
    unit, size = ("GB", GIGABYTE) if quota_bytes % (GIGABYTE // 2) == 0 else ("MB", MEGABYTE)
    amount = (Decimal(quota_bytes) / size).quantize(Decimal("0.001"))
    return {"quota": f"{amount.normalize():f}", "quota_unit": unit}


class MailboxAddForm(QuotaForm):
    local_part = forms.CharField(
        label=gettext_lazy("Address"), max_length=300, widget=forms.TextInput(attrs=_address_attrs)
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Shown in lists, and to the owner. Mail programs do not see it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        max_length=1000,
        help_text=gettext_lazy(
            "Eight characters or more. Leave it empty if nobody is to sign in yet; mail arrives all the same."
        ),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
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
    mail_path = forms.CharField(
        label=gettext_lazy("Mail path"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "Leave it empty to use the template of the settings. A path that ends in / is a maildir."
        ),
        widget=forms.TextInput(attrs=_address_attrs),
    )
    active = forms.BooleanField(
        label=gettext_lazy("Active"),
        required=False,
        initial=True,
        help_text=gettext_lazy("An inactive mailbox refuses mail, and nobody can sign in to it."),
    )
    field_order = ["local_part", "name", "password", "quota", "quota_unit", "mail_format", "mail_path", "active"]

    def values(self) -> dict[str, Any]:
        """What `add_mailbox` takes."""
        kept = ("local_part", "name", "mail_format", "mail_path", "active")
        return {name: self.cleaned_data[name] for name in kept} | {
            "quota_bytes": self.quota_bytes(),
            "password": self.cleaned_data["password"] or None,
        }


class MailboxForm(QuotaForm):
    name = MailboxAddForm.base_fields["name"]
    mail_path = forms.CharField(
        label=gettext_lazy("Mail path"),
        max_length=500,
        help_text=gettext_lazy(
            "Below virtual_mailbox_base. A path that ends in / is a maildir, any other an mbox. A new path does not move the "
            "mail that is stored: move the files first."
        ),
        widget=forms.TextInput(attrs=_address_attrs),
    )
    active = MailboxAddForm.base_fields["active"]
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    field_order = ["name", "quota", "quota_unit", "mail_path", "active", "version"]

    def values(self) -> dict[str, Any]:
        """What `change_mailbox` takes."""
        return {name: self.cleaned_data[name] for name in ("name", "mail_path", "active", "version")} | {
            "quota_bytes": self.quota_bytes()
        }


class DestinationsField(forms.CharField):
    """Addresses, one a line or with commas between them. Becomes a list."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = _address_attrs | {
            "rows": 4,
            "data-chips": True,
            "data-icons": _static("icons.svg"),
            "data-placeholder": gettext_lazy("Add, or paste a list"),
            "data-remove": gettext_lazy("Remove {text}"),
        }
        super().__init__(max_length=LONGEST_LIST, widget=forms.Textarea(attrs=attrs), **kwargs)

    def clean(self, value: Any) -> Any:
        return apart(super().clean(value) or "")


def apart(text: str) -> list[str]:
    """Takes a pasted list apart at line ends, commas and semicolons, but not within quotes; `Jean <jean@x.org>` is the
    address in the angle brackets."""
    pieces = re.findall(r'(?:"(?:\\.|[^"\\])*"|[^",;\n])+|"', text.replace("\r", "\n"))
    found = []
    for piece in pieces:
        in_brackets = re.search(r"<([^<>]*@[^<>]*)>\s*$", piece)
        words = [in_brackets.group(1)] if in_brackets else _words(piece)
        found += [word.strip() for word in words if word.strip()]
    return found


def _words(piece: str) -> list[str]:
    """Addresses with blanks between them are several; a text with a blank but one @ is judged as one."""
    words: list[str] = re.findall(r'(?:"(?:\\.|[^"\\])*"|\S)+', piece)
    return words if all("@" in word for word in words) else [piece]


class AliasForm(PanelForm):
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
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class AliasAddForm(AliasForm):
    local_part = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("At the address of a mailbox, the mailbox keeps a copy and the mail goes on as well."),
        widget=forms.TextInput(attrs=_address_attrs),
    )
    is_catch_all = forms.BooleanField(
        label=gettext_lazy("Catch-all"),
        required=False,
        help_text=gettext_lazy(
            "Takes the mail of every address of this domain that does not exist. With a destination like @example.org the "
            "part before the @ is kept."
        ),
    )
    version = None  # type: ignore[assignment]  # nothing is there yet that somebody else could change
    field_order = ["local_part", "is_catch_all", "destinations", "comment", "active"]

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
