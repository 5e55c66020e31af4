"""The five people and their domains, once for each module of tests; what a test does there is undone."""

from collections.abc import Generator

import pytest
from django.db import transaction

from tests.plugins import household as people


@pytest.fixture(scope="module")
def house(committed: None) -> dict[str, object]:
    """Numbers that stand in URLs and forms, by the names that the tables use for them."""
    return people.move_in()


@pytest.fixture
def undone(house: dict[str, object]) -> Generator[dict[str, object], None, None]:
    """What this test writes is gone afterwards."""
    with transaction.atomic():
        yield house
        transaction.set_rollback(True)
