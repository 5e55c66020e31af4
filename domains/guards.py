"""What rooms to the right have to say about a domain that is changed or added: they know more of what hangs on it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

Guard = Callable[[str], AbstractContextManager[None]]
_guards: list[Guard] = []
_followers: list[Callable[..., Any]] = []


def register_guard(guard: Guard) -> None:
    """`guard(name)` is entered before any row is locked, and when it is left the domain is saved: it raises
    ValidationError if that must not be."""
    _guards.append(guard)


@contextmanager
def guarded(name: str) -> Iterator[None]:
    with ExitStack() as guards:
        for guard in _guards:
            guards.enter_context(guard(name))
        yield


def register_follower(follower: Callable[..., Any]) -> None:
    """`follower(domain, by=by)` is called when a domain was added, within its transaction and its change set; it raises
    ValidationError if the domain must not be there without what it adds."""
    _followers.append(follower)


def follow(domain: Any, *, by: Any) -> None:
    for follower in _followers:
        follower(domain, by=by)
