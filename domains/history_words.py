"""How changes to domains read in the history."""

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import Names, Reading, Row, in_words, latest_events, register_namer, register_reading
from domains.models import Domain, DomainAdmin, MailSettings
from domains.services import MAIL_SETTINGS

register_sentences(
    {
        ("add", "domain"): _("Added domain %(label)s"),
        ("change", "domain"): _("Changed domain %(label)s"),
        ("delete", "domain"): _("Deleted domain %(label)s"),
        ("add_admin", "domain"): _("Added a domain admin: %(label)s"),
        ("remove_admin", "domain"): _("Removed a domain admin: %(label)s"),
        ("change", "mail_settings"): _("Changed the mail settings"),
    }
)

SIZES = ("max_quota_bytes", "max_total_quota_bytes")
_words_of_domain = in_words(
    Domain,
    "address_class",
    "target",
    "description",
    "any_recipient",
    "max_mailboxes",
    "max_aliases",
    *SIZES,
    "active",
    "suspended",
)


def _values_of_domain(row: Row, names: Names) -> dict[str, str]:
    sizes = {name: filesizeformat(row[name]) for name in SIZES if row.get(name) is not None}
    return _words_of_domain({**row, **sizes}, names)


register_reading(
    Domain,
    Reading(subject=lambda row, names: row["name"], values=_values_of_domain, stored=_words_of_domain.stored),
)
register_reading(
    DomainAdmin,
    Reading(subject=lambda row, names: names.get((Domain, row["domain_id"]), ""), values=in_words(DomainAdmin, "user")),
)
register_reading(
    MailSettings,
    Reading(
        subject=lambda row, names: str(_("Mail settings")),
        values=in_words(MailSettings, *MAIL_SETTINGS),
    ),
)
register_namer(Domain, lambda ids: {pk: name for pk, (name,) in latest_events(Domain, ids, "name").items()})
