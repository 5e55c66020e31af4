"""What of access tables a domain admin may take back: rules of the own domains, and who may write to their aliases."""

from collections.abc import Iterable, Mapping

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.history_reading import Event, latest_events, latest_value
from mailboxes.models import Address, Alias
from restrictions.access_models import AllowedAction, ProtectedAlias

Own = Mapping[int, str]  # the domains of a domain admin: number -> name


def rule_is_within(own: Own, event: Event) -> bool:
    """Raises ValidationError for a rule that would be there again with an action that is not allowed."""
    if not all(row["domain_id"] in own for row in (event.before, event.after) if row):
        return False
    action = event.before["action"] if event.before else None
    if action is not None and not AllowedAction.objects.filter(action=action).exists():
        raise ValidationError(
            _("%(action)s is not allowed here. A superuser can allow it, or undo this.") % {"action": action}
        )
    return True


def protection_is_within(own: Own, event: Event) -> bool:
    aliases = {row["alias_id"] for row in (event.before, event.after) if row}
    return _domains_of(aliases) <= set(own)


def writer_is_within(own: Own, event: Event) -> bool:
    protected = {row["protected_id"] for row in (event.before, event.after) if row}
    return _domains_of(pk for (pk,) in latest_events(ProtectedAlias, protected, "alias_id").values()) <= set(own)


def _domains_of(aliases: Iterable[int]) -> set[int]:
    """As the history knows them: the alias itself may be gone, and come back with this."""
    domain = latest_value(Address, "address_id", "domain_id")
    return {pk for (pk,) in latest_events(Alias, aliases, domain=domain).values()}
