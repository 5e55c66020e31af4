"""What rooms to the right have to say about the change of a domain: they know more of what hangs on it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

Guard = Callable[..., AbstractContextManager[None]]
_guards: list[Guard] = []


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
