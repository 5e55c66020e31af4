"""What rooms to the right have to say about a domain that is changed or added, or about another recipient delimiter:
they know more of what hangs on it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from accounts.actors import Actor

Guard = Callable[..., AbstractContextManager[None]]
Watcher = Callable[[Actor], None]
_guards: list[Guard] = []
_followers: list[Callable[..., Any]] = []
_watchers: list[Watcher] = []
_wait: ContextVar[bool] = ContextVar("_wait", default=False)


def register_guard(guard: Guard) -> None:
    """`guard(*names)` is entered before any row is locked, and when it is left the domains are saved: it raises
    ValidationError if that must not be."""
    _guards.append(guard)


@contextmanager
def guarded(*names: str) -> Iterator[None]:
    with ExitStack() as guards:
        for guard in _guards:
            guards.enter_context(guard(*names))
        yield


def register_follower(follower: Callable[..., Any]) -> None:
    """`follower(domain, by=by)` is called when a domain was added, within its transaction and its change set; it raises
    ValidationError if the domain must not be there without what it adds."""
    _followers.append(follower)


@contextmanager
def followers_wait() -> Iterator[None]:
    """Who brings domains with all their addresses calls follow() when those are there; until then nobody follows."""
    token = _wait.set(True)
    try:
        yield
    finally:
        _wait.reset(token)


def follow(domain: Any, *, by: Any) -> None:
    if _wait.get():
        return
    for follower in _followers:
        follower(domain, by=by)


def register_delimiter_watcher(watcher: Watcher) -> None:
    """`watcher(by)` is called when another recipient delimiter has been saved, within the transaction: it raises
    ValidationError if that must not be."""
    _watchers.append(watcher)


def delimiter_changed(by: Actor) -> None:
    for watcher in _watchers:
        watcher(by)
