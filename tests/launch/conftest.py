"""One panel for a module of tests, and one for a test that needs its own."""

from collections.abc import Generator

import pytest

from tests.launch.panel import Panel


@pytest.fixture(scope="module")
def panel() -> Generator[Panel, None, None]:
    """A running panel; a test that ends it starts it again."""
    running = Panel()
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture
def new_panel() -> Generator[Panel, None, None]:
    """A panel that nobody has started yet."""
    new = Panel()
    try:
        yield new
    finally:
        new.remove()
