"""virtual(5) and the contract of docs/architecture.md in plain Python: what the maps must say about a small world.

It knows nothing of SQL, of models or of the panel's own functions; tests/maps/test_random_worlds.py compares."""

import re
from dataclasses import dataclass, field

RESERVED = ("postmaster", "mailer-daemon", "double-bounce")
PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


@dataclass(frozen=True)
class To:
    """One destination: an address of ours (with an extension), a whole domain of ours, or a text as it was typed."""

    domain: str = ""
    local_part: str = ""
    extension: str = ""
    text: str = ""


@dataclass
class Place:
    """What hangs on an address: None is nothing, False a mailbox that takes no mail, or an alias that does not deliver
    now."""

    mailbox: bool | None = None
    alias: bool | None = None
    destinations: list[To] = field(default_factory=list)

    @property
    def takes_mail(self) -> bool:
        return bool(self.mailbox or self.alias)


@dataclass
class Served:
    """A domain. The empty local part is the catch-all, one that ends in a star a pattern."""

    name: str
    target: str = ""
    has_mailboxes: bool = True
    active: bool = True
    places: dict[str, Place] = field(default_factory=dict)


@dataclass
class World:
    domains: dict[str, Served]
    delimiters: str

    def base_of(self, local_part: str) -> str | None:
        """postconf(5), recipient_delimiter: the first delimiter counts, unless nothing stands before it."""
        if local_part in RESERVED:
            return None
        if "-" in self.delimiters and (local_part.startswith("owner-") or local_part.endswith("-request")):
            return None
        places = [place for mark in self.delimiters if (place := local_part.find(mark)) >= 0]
        return local_part[: min(places)] if places and min(places) > 0 else None

    def answering(self, name: str) -> Served | None:
        domain = self.domains.get(name)
        if domain is None or not domain.active:
            return None
        if not domain.target:
            return domain
        target = self.domains[domain.target]
        return target if target.active else None

    def without_address(self, domain: Served, local_part: str) -> Place | None:
        """Who takes what no address has: the longest pattern that fits, else the catch-all."""
        fitting = [name for name in domain.places if name.endswith("*") and local_part.startswith(name[:-1])]
        return domain.places.get(max(fitting, key=len) if fitting else "")

    def virtual_alias_maps(self, local_part: str, name: str) -> list[str]:
        domain, base = self.answering(name), self.base_of(local_part)
        if domain is None:
            return []
        here = domain.places.get(local_part)
        if here:
            own = [written(local_part, domain.name)]
            if here.alias:
                return self.delivered(here, local_part) + (own if here.mailbox else [])
            if here.mailbox:
                return own if base is not None or domain.name != name else []
            return own if here.mailbox is False and base is not None else []
        if base is not None and base in domain.places:
            return []
        other = self.without_address(domain, local_part)
        return self.delivered(other, local_part) if other and other.alias else []

    def delivered(self, place: Place, local_part: str) -> list[str]:
        found = []
        for to in place.destinations:
            if to.text.startswith("@"):
                if self.takes(to.text[1:], local_part):
                    found.append(written(local_part, to.text[1:]))
            elif to.text:
                found.append(to.text)
            elif to.local_part:
                found.append(written(to.local_part + to.extension, to.domain))
            elif self.answers(to.domain, local_part):
                found.append(written(local_part, to.domain))
        return found

    def answers(self, name: str, local_part: str, depth: int = 0) -> bool:
        """Whether a domain of ours takes mail for a local part, so that `@a -> @b` does not promise what b lacks."""
        domain = self.answering(name)
        if domain is None or depth > 10:
            return False
        for candidate in (local_part, self.base_of(local_part)):
            if candidate is not None and candidate in domain.places:
                return domain.places[candidate].takes_mail
        other = self.without_address(domain, local_part)
        return bool(other and other.alias) and any(
            self.answers(to.domain, local_part, depth + 1)
            if to.domain and not to.local_part
            else self.takes(to.text[1:], local_part, depth + 1)
            if to.text.startswith("@")
            else True
            for to in other.destinations  # type: ignore[union-attr]
        )

    def takes(self, name: str, local_part: str, depth: int = 0) -> bool:
        return name not in self.domains or self.answers(name, local_part, depth)

    def virtual_mailbox_maps(self, local_part: str, name: str) -> list[str]:
        domain = self.domains.get(name)
        if domain is None or not domain.active or domain.target or not domain.has_mailboxes:
            return []
        place = domain.places.get(local_part)
        return [path_of(local_part, name)] if place and place.mailbox else []

    def virtual_mailbox_domains(self, name: str) -> list[str]:
        domain = self.domains.get(name)
        return [name] if domain and domain.active and domain.has_mailboxes and not domain.target else []

    def virtual_alias_domains(self, name: str) -> list[str]:
        domain = self.domains.get(name)
        is_one = domain and self.answering(name) and (domain.target or not domain.has_mailboxes)
        return [name] if is_one else []


def written(local_part: str, domain: str) -> str:
    """RFC 5321, section 4.1.2: in quotes where it must be."""
    if PLAIN.fullmatch(local_part):
        return f"{local_part}@{domain}"
    quoted = local_part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"@{domain}'


def path_of(local_part: str, domain: str) -> str:
    return f"{domain}/{local_part.encode().hex()}/"
