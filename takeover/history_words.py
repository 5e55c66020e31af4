"""How what came from elsewhere reads in the history."""

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences

register_sentences(
    {
        ("import", "configuration"): _("Imported the Postfix configuration of %(label)s"),
        ("import", "postfixadmin"): _("Took over PostfixAdmin from %(label)s"),
        ("import", "people"): _("Imported people from %(label)s"),
    }
)
