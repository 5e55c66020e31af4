"""How changes to the lookup tables read in the history."""

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import Reading, in_words, register_reading
from lookup_tables.main_cf import TABLES
from lookup_tables.models import RelayPassword
from lookup_tables.services import check_undone
from mailboxes.undo_rules import register_come_along, register_undo

register_sentences(
    {
        ("add", "transport"): _("Added transport %(label)s"),
        ("change", "transport"): _("Changed transport %(label)s"),
        ("delete", "transport"): _("Deleted transport %(label)s"),
        ("add", "tls_policy"): _("Added TLS policy %(label)s"),
        ("change", "tls_policy"): _("Changed TLS policy %(label)s"),
        ("delete", "tls_policy"): _("Deleted TLS policy %(label)s"),
        ("add", "sender_relay"): _("Added the relay of sender %(label)s"),
        ("change", "sender_relay"): _("Changed the relay of sender %(label)s"),
        ("delete", "sender_relay"): _("Deleted the relay of sender %(label)s"),
        ("add", "bcc"): _("Added a BCC of the mail of %(label)s"),
        ("change", "bcc"): _("Changed a BCC of the mail of %(label)s"),
        ("delete", "bcc"): _("Deleted a BCC of the mail of %(label)s"),
        ("add", "relocated"): _("Added relocated address %(label)s"),
        ("change", "relocated"): _("Changed relocated address %(label)s"),
        ("delete", "relocated"): _("Deleted relocated address %(label)s"),
        ("add", "canonical"): _("Added canonical address %(label)s"),
        ("change", "canonical"): _("Changed canonical address %(label)s"),
        ("delete", "canonical"): _("Deleted canonical address %(label)s"),
    }
)

COLUMNS = ("key", "result", "applies_to", "username", "comment", "active")

for table in TABLES:
    there = {field.name for field in table._meta.fields}
    values = in_words(table, *(name for name in COLUMNS if name in there))
    register_reading(table, Reading(subject=lambda row, names: row["key"], values=values, only_superusers=True))
    register_undo(table, check_undone)  # type: ignore[arg-type]

register_come_along(RelayPassword)
