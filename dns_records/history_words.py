"""How changes to what is expected and published in the DNS read in the history."""

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import Reading, in_words, latest_events, register_namer, register_reading
from dns_records.models import DnsSettings, DomainDns, UpdateServer
from dns_records.record_models import PublishedRecord
from dns_records.services import OF_DOMAIN, OF_SERVER, SETTINGS
from domains.models import Domain

register_sentences(
    {
        ("change", "dns_settings"): _("Changed the DNS settings"),
        ("change", "domain_dns"): _("Changed the DNS settings of %(label)s"),
        ("reset", "domain_dns"): _("%(label)s follows the DNS settings again"),
        ("add", "update_server"): _("Added update server %(label)s"),
        ("change", "update_server"): _("Changed update server %(label)s"),
        ("delete", "update_server"): _("Deleted update server %(label)s"),
        ("publish", "dns_records"): _("Published DNS records of %(label)s"),
    }
)
register_reading(
    DnsSettings,
    Reading(subject=lambda row, names: str(_("DNS settings")), values=in_words(DnsSettings, *SETTINGS)),
)
register_reading(
    DomainDns,
    Reading(
        subject=lambda row, names: names.get((Domain, row["domain_id"]), ""), values=in_words(DomainDns, *OF_DOMAIN)
    ),
)
register_reading(
    UpdateServer,
    Reading(subject=lambda row, names: row["name"], values=in_words(UpdateServer, *OF_SERVER)),
)
register_reading(
    PublishedRecord,
    Reading(subject=lambda row, names: f"{row['name']} {row['rdtype']}", values=in_words(PublishedRecord, "value")),
)
register_namer(UpdateServer, lambda ids: {pk: name for pk, (name,) in latest_events(UpdateServer, ids, "name").items()})
