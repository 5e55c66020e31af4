"""alias_maps: names of this machine, without a domain (aliases(5))."""

import pytest
from django.db import IntegrityError, connection, transaction

from tests.plugins.mail_stack import Postfix

NAMES = {
    "one destination": ("root", "alice@home.example"),
    "upper case is folded": ("Root", "alice@home.example"),
    "several destinations": ("staff", "alice@home.example,root@mx.example.net"),
    "an inactive alias": ("quiet", None),
    "an alias of an inactive domain": ("ghost", None),
    "nobody": ("nobody", None),
    "a virtual address is not local": ("alice", None),
    "a virtual alias is not local": ("team", None),
    "a quote in the key": ("x' OR 'a'='a", None),
}


@pytest.mark.parametrize(("name", "answer"), NAMES.values(), ids=NAMES.keys())
def test_a_local_name(maps: Postfix, name: str, answer: str | None) -> None:
    assert maps.ask("alias_maps", name) == answer


DANGEROUS = ["|/bin/sh", '"|/bin/sh -c id"', "/etc/passwd", ":include:/etc/passwd", '"/etc/passwd"@elsewhere.example']


@pytest.mark.parametrize("destination", DANGEROUS)
def test_no_command_or_file_can_be_stored(maps: Postfix, destination: str) -> None:
    """local(8) would run the command, as the user that owns the lookup table."""
    text = destination if "@" in destination else f"{destination}@elsewhere.example"
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE mailboxes_aliasdestination SET address_id = NULL, extension = '', text = %s", [text])
