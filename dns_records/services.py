"""Every write about the settings of the DNS. What is published is in publishing.py, what is seen in checks.py."""

from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import refuse_other_version, save_checked, set_fields
from dns_records.fields import key_name
from dns_records.models import DnsSettings, DomainDns, UpdateSecret, UpdateServer
from dns_records.secrets import sealed
from domains.fields import shown
from domains.models import Domain
from domains.services import locked_version

SETTINGS = (
    "hosts",
    "certificates",
    "spf_senders",
    "spf_strict",
    "dmarc_policy",
    "dmarc_subdomains",
    "dmarc_percent",
    "dmarc_reports",
    "dmarc_failures",
    "dmarc_strict",
    "sts_mode",
    "sts_days",
    "tls_reports",
    "client_host",
    "services",
    "panel_host",
)
OF_DOMAIN = ("is_checked", "dmarc_policy", "dmarc_reports", "spf_senders", "server")
OF_SERVER = ("address", "port", "algorithm", "for_all")


def change_dns_settings(*, version: int | None = None, by: Actor, **changes: Any) -> DnsSettings:
    """What holds for all domains. The next check expects what follows from it; nothing is published by it."""
    with recorded("change", "dns_settings", "", by=by):
        settings = locked_version(DnsSettings.objects, 1, version)
        _set(settings, SETTINGS, changes)
    return settings


def change_domain_dns(domain: Domain, *, version: int | None = None, by: Actor, **changes: Any) -> DomainDns:
    """Where one domain differs from the DNS settings."""
    with recorded("change", "domain_dns", domain.name, domain=domain.name, by=by):
        domain = locked_version(Domain.objects, domain.pk, None)
        own = DomainDns.objects.select_for_update(of=("self",)).filter(domain=domain).first()
        own = own or DomainDns(domain=domain, version=0)
        refuse_other_version(version, own.version)
        _set(own, OF_DOMAIN, changes)
    return own


def forget_domain_dns(own: DomainDns, *, version: int | None = None, by: Actor) -> None:
    """The domain follows the DNS settings again."""
    with recorded("reset", "domain_dns", own.domain.name, domain=own.domain.name, by=by):
        locked_version(DomainDns.objects, own.pk, version).delete()


def add_update_server(name: str, address: str, secret: str, *, by: Actor, **options: Any) -> UpdateServer:
    """A name server that takes updates with this key; the secret is base64, as tsig-keygen and keymgr print it."""
    try:
        server = UpdateServer(name=key_name(name), address=address)
    except ValidationError as error:
        raise ValidationError({"name": error.messages}) from error
    with recorded("add", "update_server", server.name, by=by):
        token = sealed(secret)
        _set(server, OF_SERVER, options, is_new=True)
        UpdateSecret.objects.create(server=server, token=token)
    return server


def change_update_server(
    server: UpdateServer, *, secret: str = "", version: int | None = None, by: Actor, **changes: Any
) -> UpdateServer:
    """Without a secret it stays what it is."""
    with recorded("change", "update_server", server.name, by=by):
        server = locked_version(UpdateServer.objects, server.pk, version)
        _set(server, OF_SERVER, changes)
        if secret:
            UpdateSecret.objects.update_or_create(server=server, defaults={"token": sealed(secret)})
            pghistory.create_event(server, label="password_changed")
    return server


def delete_update_server(server: UpdateServer, *, version: int | None = None, by: Actor) -> None:
    """What was published stays in the DNS."""
    with recorded("delete", "update_server", server.name, by=by):
        server = locked_version(UpdateServer.objects, server.pk, version)
        server.delete()


def server_named(name: str) -> UpdateServer:
    """The update server with this key; a sentence where there is none."""
    server: UpdateServer | None = UpdateServer.objects.filter(name=name.strip().lower()).first()
    if server is None:
        raise ValidationError(_("There is no update server with the key “%(name)s”.") % {"name": shown(name)})
    return server


def what_is_lost_with_server(server: UpdateServer) -> list[str]:
    """Sentences for the question before it is deleted."""
    number = server.domains.count()
    lost = [_("The secret of the key is gone for good. What was published stays in the DNS.")]
    if number:
        lost.append(_("Domains that publish there by their own settings: %(number)d.") % {"number": number})
    return lost


def _set(row: Any, known: tuple[str, ...], changes: dict[str, Any], *, is_new: bool = False) -> None:
    set_fields(row, known, changes)
    if not is_new:
        row.version += 1
    save_checked(row)
