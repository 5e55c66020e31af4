"""What rooms to the right have to say about the change of a domain or of the recipient delimiter: they know more of
what hangs on it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from accounts.actors import Actor

Guard = Callable[[str], AbstractContextManager[None]]
Watcher = Callable[[Actor], None]
_guards: list[Guard] = []
_watchers: list[Watcher] = []


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


def register_delimiter_watcher(watcher: Watcher) -> None:
    """`watcher(by)` is called when another recipient delimiter has been saved, within the transaction: it raises
    ValidationError if that must not be."""
    _watchers.append(watcher)


def delimiter_changed(by: Actor) -> None:
    for watcher in _watchers:
        watcher(by)
