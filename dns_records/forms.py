"""What people type about the DNS. The rules live in the models."""

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from accounts.pages import PanelForm
from dns_records.models import DnsSettings, DomainDns, UpdateServer
from dns_records.services import OF_DOMAIN, OF_SERVER, SETTINGS

_plain = {"autocomplete": "off", "spellcheck": "false"}
_mono = _plain | {"mono": True}


def _field(model: Any, name: str, **options: Any) -> Any:
    """The form field of a column, with the column's own words."""
    column = model._meta.get_field(name)
    words = {"label": capfirst(column.verbose_name), "help_text": column.help_text, "required": False}
    choices = column.flatchoices
    if choices:
        return forms.ChoiceField(**(words | {"choices": choices} | options))
    if column.get_internal_type() == "BooleanField":
        return forms.BooleanField(**(words | options))
    widget: forms.Widget = forms.TextInput(attrs=dict(_mono))
    if column.get_internal_type() == "TextField":
        return forms.CharField(widget=forms.Textarea(attrs=_mono | {"rows": 4}), **(words | options))
    if "Integer" in column.get_internal_type():
        number = forms.TextInput(attrs=_plain | {"inputmode": "numeric"})
        return forms.IntegerField(widget=number, **(words | {"required": True, "min_value": 0} | options))
    return forms.CharField(widget=widget, max_length=column.max_length, **(words | options))


def _secret(help_text: Any, *, required: bool) -> forms.CharField:
    widget = forms.PasswordInput(attrs=_plain | {"autocomplete": "new-password"})
    return forms.CharField(
        label=gettext_lazy("Secret"), max_length=500, required=required, help_text=help_text, widget=widget
    )


class DnsSettingsForm(PanelForm):
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class DomainDnsForm(PanelForm):
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    server = forms.ModelChoiceField(
        UpdateServer.objects.all(),
        required=False,
        label=gettext_lazy("Update server"),
        help_text=gettext_lazy("Where its records are published; empty: the one for all domains."),
        empty_label=gettext_lazy("the one for all domains"),
    )


class UpdateServerForm(PanelForm):
    """The name of the key stays."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    secret = _secret(gettext_lazy("Leave it empty to keep the one that is there."), required=False)


class UpdateServerAddForm(PanelForm):
    name = _field(UpdateServer, "name", required=True)
    secret = _secret(
        gettext_lazy("Base64, as keymgr -t or tsig-keygen prints it. It is kept encrypted, and not shown."),
        required=True,
    )


DnsSettingsForm.base_fields |= {name: _field(DnsSettings, name) for name in SETTINGS}
DnsSettingsForm.base_fields["client_host"].help_text = gettext_lazy(
    "The name of services that have none under Settings, “Server names”. Empty: no records for them."
)
DomainDnsForm.base_fields |= {name: _field(DomainDns, name) for name in OF_DOMAIN if name != "server"}
_of_server = {name: _field(UpdateServer, name, required=name == "address") for name in OF_SERVER if name != "for_all"}
_of_server |= {"for_all": _field(UpdateServer, "for_all")}
UpdateServerForm.base_fields |= _of_server
UpdateServerAddForm.base_fields |= _of_server | {"port": _field(UpdateServer, "port", initial=53)}
