"""How a change set about several mailboxes is called in the history."""

from collections.abc import Sequence

from mailboxes.models import Mailbox


def few(rows: Sequence[Mailbox], most: int = 5) -> str:
    """Their addresses, as many as fit into a line."""
    names = ", ".join(str(row) for row in rows[:most])
    return names if len(rows) <= most else f"{names} … ({len(rows)})"


def domain_of(rows: Sequence[Mailbox]) -> str:
    """The domain of all of them; "" if they have several."""
    names = {row.address.domain.name for row in rows}
    return names.pop() if len(names) == 1 else ""
