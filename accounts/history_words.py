"""How changes to people read in the history."""

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences

register_sentences(
    {
        ("add", "person"): _("Added person %(label)s"),
        ("change", "person"): _("Changed person %(label)s"),
        ("delete", "person"): _("Deleted person %(label)s"),
        ("change_password", "person"): _("Changed the password of %(label)s"),
        ("sign_in", "owner"): _("First sign-in of the owner of %(label)s"),
    }
)
