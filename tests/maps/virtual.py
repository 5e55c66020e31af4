"""virtual(5) and the contract of docs/architecture.md in plain Python: what the maps must say about a small world.

It knows nothing of SQL, of models or of the panel's own functions; tests/maps/test_random_worlds.py compares."""

import re
from dataclasses import dataclass, field

MOST_DESTINATIONS = 1000  # virtual_alias_expansion_limit
LONGEST_LOCAL_PART = 64  # RFC 5321; an extension grows with each round of a loop
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
    now. `sends` is about the mailbox."""

    mailbox: bool | None = None
    sends: bool = True
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
    """`permitted` holds (login, sender) as (local part, domain) each; a sender without a local part is a domain."""

    domains: dict[str, Served]
    delimiters: str
    permitted: list[tuple[tuple[str, str], tuple[str, str]]] = field(default_factory=list)

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

    def may_send_as(self, local_part: str, name: str) -> set[str]:
        """Whoever gets the mail of an address, hop by hop, and whoever is permitted by name."""
        if name in self.domains and self.answering(name) is None:
            return set()
        found = self.receivers(local_part, name) | self.permitted_for(local_part, name)
        return {login for login in found if not set(login) & set(", ")}

    def receivers(self, local_part: str, name: str) -> set[str]:
        found: set[str] = set()
        seen: set[tuple[str, str]] = set()
        ahead = [(local_part, name)]
        while ahead and len(seen) < MOST_DESTINATIONS:
            here = ahead.pop(0)
            domain = self.answering(here[1])
            if here in seen or domain is None or len(here[0]) > LONGEST_LOCAL_PART:
                continue
            seen.add(here)
            base = self.base_of(here[0])
            for part in [here[0]] if base is None else [here[0], base]:
                place = domain.places.get(part, Place())
                if place.mailbox is not None and place.sends:
                    found.add(written(part, domain.name))
                onward = [unwritten(one.lower()) for one in self.virtual_alias_maps(part, here[1])]
                ahead += [(to + here[0].removeprefix(part), where) for to, where in onward]
                if onward or place.mailbox is not None:
                    break
        return found

    def permitted_for(self, local_part: str, name: str) -> set[str]:
        domain = self.answering(name)
        names = {name, domain.name} if domain else {name}
        parts = {"", local_part}
        if not domain or local_part not in domain.places:
            parts.add(self.base_of(local_part) or "")
        return {
            written(*login)
            for login, (part, where) in self.permitted
            if where in names and part in parts and self.sends_at(*login)
        }

    def sends_at(self, local_part: str, name: str) -> bool:
        return self.domains[name].active and self.domains[name].places[local_part].sends


def unwritten(address: str) -> tuple[str, str]:
    local_part, _at, domain = address.rpartition("@")
    if local_part.startswith('"'):
        local_part = re.sub(r"\\(.)", r"\1", local_part[1:-1])
    return local_part, domain


def written(local_part: str, domain: str) -> str:
    """RFC 5321, section 4.1.2: in quotes where it must be."""
    if PLAIN.fullmatch(local_part):
        return f"{local_part}@{domain}"
    quoted = local_part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"@{domain}'


def path_of(local_part: str, domain: str) -> str:
    return f"{domain}/{local_part.encode().hex()}/"
