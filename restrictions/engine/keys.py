"""Which keys smtpd(8) asks an access table for, in order: access(5)."""

from collections.abc import Iterator
from ipaddress import ip_address

from mailboxes.parsing import external_form, split_address

NULL_SENDER = "<>"  # smtpd_null_access_lookup_key


def is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def keys_of_name(name: str, *, plain_parents: bool) -> Iterator[str]:
    """A host name, then its parents: `example.net`, or `.example.net` where subdomains do not match by themselves."""
    yield name
    if is_address(name):
        return
    while (dot := name.find(".", 1)) >= 0:
        name = name[dot + 1 :] if plain_parents else name[dot:]
        if not name:
            return
        yield name


def keys_of_network(address: str) -> Iterator[str]:
    """An address, then the networks it is in, cut at each dot or colon: `192.0.2.7`, `192.0.2`, `192.0`, `192`."""
    yield address
    mark = ":" if ":" in address else "."
    while mark in address:
        address = address.rpartition(mark)[0]
        yield address


def keys_of_client(name: str, address: str, *, plain_parents: bool) -> Iterator[str]:
    yield from keys_of_name(name, plain_parents=plain_parents)
    yield from keys_of_network(address)


def keys_of_mail_address(address: str, *, delimiters: str, plain_parents: bool) -> Iterator[str]:
    """`user+ext@domain`, `user@domain`, the domain and its parents, `user+ext@`, `user@`. What needs quotes is asked
    for with them first, then without."""
    local_part, _at, domain = address.rpartition("@")
    base = split_address(local_part, delimiters)[0] if delimiters else ""
    local_parts = [local_part, *([base] if base else [])]
    for one in local_parts:
        yield from dict.fromkeys((external_form(one, domain), f"{one}@{domain}"))
    yield from keys_of_name(domain, plain_parents=plain_parents)
    for one in local_parts:
        yield from dict.fromkeys((external_form(one, ""), f"{one}@"))
