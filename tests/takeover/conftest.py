"""A directory for configurations, and the two commands of a takeover as a shell runs them."""

from collections.abc import Callable, Generator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.takeover.handwritten import Handwritten


@pytest.fixture
def folder() -> Generator[Path, None, None]:
    """A place that Postfix and PostgreSQL can reach, unlike pytest's own."""
    with TemporaryDirectory(prefix="handwritten-", dir="/tmp") as base:
        Path(base).chmod(0o755)
        yield Path(base)


@pytest.fixture
def handwritten(folder: Path) -> Callable[[str], Handwritten]:
    return lambda name: Handwritten(folder / name)
