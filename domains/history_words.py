"""How changes to domains read in the history."""

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences

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
