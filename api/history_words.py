"""How changes to API tokens, and those that were made together, read in the history."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import Names, Reading, Row, in_words, register_reading
from api.models import Token

register_sentences(
    {
        ("add", "api_token"): _("Added API token %(label)s"),
        ("revoke", "api_token"): _("Revoked API token %(label)s"),
        ("change", "several"): _("Made several changes together: %(label)s"),
    }
)


def _values(row: Row, names: Names) -> Mapping[str, str]:
    plain = in_words(Token, "user", "name", "expires_at")(row, names)
    lists: dict[str, Any] = {name: row.get(name) or [] for name in ("scopes", "domains", "networks")}
    words = {str(Token._meta.get_field(name).verbose_name): ", ".join(found) for name, found in lists.items()}  # type: ignore[union-attr]
    return plain | words


register_reading(
    Token,
    Reading(
        subject=lambda row, names: row["name"],
        values=_values,
        stored=in_words(Token, "user", "name", "expires_at", "scopes", "domains", "networks").stored,
    ),
)
