"""Canonical addresses that would be rewritten in a circle: cleanup(8) gives up over them."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from lookup_tables.models import Canonical

ANYBODY = "\0"  # stands for every local part that no row names


def refuse_loop(entry: Canonical) -> None:
    """Postfix rewrites again and again until nothing changes any more (cleanup_map11.c). Every circle that `entry`
    closes leads through an address that it rewrites. An address that stays itself is no circle."""
    table = dict(Canonical.objects.filter(applies_to=entry.applies_to, active=True).values_list("key", "result"))
    local_part, _at, domain = entry.key.rpartition("@")
    named = {address.lower().rpartition("@")[0] for pair in table.items() for address in pair}
    for start in [local_part] if local_part else sorted(named - {""}) + [ANYBODY]:
        road = [f"{start}@{domain}"]
        while (following := _rewritten(road[-1], table)) not in (None, road[-1]):
            if following in road:
                shown = " → ".join([*road, following]).replace(ANYBODY, "…")
                raise ValidationError({"result": _("This goes round in a circle: %(road)s.") % {"road": shown}})
            road.append(following)


def _rewritten(address: str, table: dict[str, str]) -> str | None:
    local_part, _at, domain = address.rpartition("@")
    result = table.get(address) or table.get(f"@{domain}")
    if result is None:
        return None
    result = result.lower()
    return f"{local_part}{result}" if result.startswith("@") else result
