"""The answers of a block list that count: `127.0.0.[2..11]` behind the `=` of a zone, as ip_match(3) reads it."""

import re
from collections.abc import Iterable

FIELD = re.compile(r"\[([0-9.;]+)\]|([0-9]+)")


def answers_match(pattern: str, addresses: Iterable[str]) -> bool:
    """Whether one of the addresses fits four fields, each a number or `[1;3..5]`."""
    fields = [match[1] or match[2] for match in FIELD.finditer(pattern)]
    return any(all(map(_fits, fields, address.split("."))) for address in addresses)


def _fits(field: str, octet: str) -> bool:
    for span in field.split(";"):
        first, _dots, last = span.partition("..")
        if int(first) <= int(octet) <= int(last or first):
            return True
    return False
