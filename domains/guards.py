"""What rooms to the right have to say about the change of a domain: they know more of what hangs on it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

Guard = Callable[[str], AbstractContextManager[None]]
_guards: list[Guard] = []


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
