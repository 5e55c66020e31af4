"""How changes to people read in the history."""

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import Reading, in_words, latest_events, register_namer, register_reading
from accounts.models import User

register_sentences(
    {
        ("add", "person"): _("Added person %(label)s"),
        ("change", "person"): _("Changed person %(label)s"),
        ("delete", "person"): _("Deleted person %(label)s"),
        ("change_password", "person"): _("Changed the password of %(label)s"),
        ("sign_in", "owner"): _("First sign-in of the owner of %(label)s"),
    }
)

register_reading(
    User,
    Reading(
        subject=lambda row, names: row["name"] or row["username"],
        values=in_words(User, "username", "name", "language", "is_superuser", "is_active"),
    ),
)
register_namer(
    User,
    lambda ids: {pk: name or username for pk, (username, name) in latest_events(User, ids, "username", "name").items()},
)
