"""From where somebody may come: address ranges, as people type them and as they are asked."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from domains.fields import shown

LONGEST_NETWORK = 49  # characters; an IPv6 network that holds an IPv4 address in dots


def normalised_networks(texts: Iterable[str]) -> list[str]:
    """`192.0.2.7/24` -> `192.0.2.0/24`, sorted, each once (RFC 4632, RFC 4291). A lone address is a range of one."""
    found = set()
    for text in texts:
        try:
            found.add(str(ip_network(text.strip(), strict=False)))
        except ValueError as error:
            sentence = _("“%(text)s” is no address range. Write it as 192.0.2.0/24 or 2001:db8::/32.")
            raise ValidationError(sentence % {"text": shown(text)}) from error
    return sorted(found)


def is_within(address: str, networks: Iterable[str]) -> bool:
    """Whether a client is in one of them; where there are none, everybody is. An IPv4 address within IPv6 counts as
    itself."""
    networks = list(networks)
    if not networks:
        return True
    try:
        there = ip_address(address)
    except ValueError:
        return False
    if isinstance(there, IPv6Address) and there.ipv4_mapped:
        there = there.ipv4_mapped
    return any(there in ip_network(one) for one in networks)
