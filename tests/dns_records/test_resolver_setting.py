"""MAILADMIN_DNS_RESOLVERS as people write it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from mailadmin.settings import name_servers


def test_it_works() -> None:
    text = "192.0.2.1, 192.0.2.2:5353,2001:db8::1,[2001:db8::2],[2001:db8::3]:5353"
    assert name_servers(text) == [
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::2", 53),
        ("2001:db8::3", 5353),
    ]
    assert name_servers("") == []


@pytest.mark.parametrize("text", ["ns.example.org", "192.0.2", "192.0.2.1:", "[2001:db8::1"])
def test_a_wrong_one_stops_the_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="MAILADMIN_DNS_RESOLVERS has "):
        name_servers(text)
