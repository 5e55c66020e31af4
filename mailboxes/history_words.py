"""How changes to mailboxes and aliases read in the history."""

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences

register_sentences(
    {
        ("add", "mailbox"): _("Added mailbox %(label)s"),
        ("change", "mailbox"): _("Changed mailbox %(label)s"),
        ("delete", "mailbox"): _("Deleted mailbox %(label)s"),
        ("change_password", "mailbox"): _("Changed the password of mailbox %(label)s"),
        ("activate", "mailboxes"): _("Activated mailboxes: %(label)s"),
        ("deactivate", "mailboxes"): _("Deactivated mailboxes: %(label)s"),
        ("delete", "mailboxes"): _("Deleted mailboxes: %(label)s"),
        ("add", "alias"): _("Added alias %(label)s"),
        ("change", "alias"): _("Changed alias %(label)s"),
        ("delete", "alias"): _("Deleted alias %(label)s"),
        ("delete", "domain_with_addresses"): _("Deleted domain %(label)s with its addresses"),
        ("load", "demo"): _("Loaded the demonstration data"),
    }
)
