"""How changes to DKIM keys read in the history."""

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import Reading, in_words, register_reading
from domains.dkim_hosts import SigningHost
from domains.dkim_models import DkimKey
from domains.dkim_services import OPTIONS
from domains.models import Domain

register_sentences(
    {
        ("add", "dkim_key"): _("Added DKIM key %(label)s"),
        ("change", "dkim_key"): _("Changed DKIM key %(label)s"),
        ("publish", "dkim_key"): _("Published DKIM key %(label)s"),
        ("sign", "dkim_key"): _("Signs with DKIM key %(label)s"),
        ("retire", "dkim_key"): _("Retired DKIM key %(label)s"),
        ("revoke", "dkim_key"): _("Revoked DKIM key %(label)s"),
        ("take_out", "dkim_key"): _("Took DKIM key %(label)s out of the DNS"),
        ("delete", "dkim_key"): _("Deleted DKIM key %(label)s"),
        ("export", "dkim_key"): _("Exported the private key of DKIM key %(label)s"),
        ("reseal", "dkim_key"): _("Encrypted all private keys of DKIM with the first line of %(label)s"),
        ("add", "signing_host"): _("Host %(label)s reported for the first time"),
        ("forget", "signing_host"): _("Forgot host %(label)s, which signed"),
    }
)

register_reading(
    SigningHost, Reading(subject=lambda row, names: str(row["name"]), values=in_words(SigningHost, "name"))
)
_values = in_words(DkimKey, "algorithm", "state", "reason", *OPTIONS)
register_reading(
    DkimKey,
    Reading(
        subject=lambda row, names: f"{row['selector']}._domainkey.{names.get((Domain, row['domain_id']), '')}",
        values=_values,
        stored=lambda row, names: _values.stored(row, names) | {"local_parts": row["local_parts"].split()},
    ),
)
