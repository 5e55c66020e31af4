"""The Restrictions page under the hands of a person: an entry moves by the mouse and by keys alone."""

from tests.browser.conftest import SitDown
from tests.browser.visit import Visit
from tests.plugins import household as people
from tests.plugins.household import SUPERUSER


def names(visit: Visit) -> list[str]:
    return visit.page.locator("#client .rules .cf").all_inner_texts()


def test_it_works(furnished: dict[str, object], sit_down: SitDown) -> None:
    """By the mouse, and back by keys."""
    visit = sit_down(people.signed_in(SUPERUSER))
    visit.go("/restrictions/")
    before = names(visit)
    assert len(before) == 2
    page = visit.page
    with page.expect_navigation():
        page.locator("#client .grip").nth(1).drag_to(
            page.locator("#client [data-rule]").first, target_position={"x": 99, "y": 3}
        )
    assert names(visit) == before[::-1]
    assert page.get_by_role("status").filter(has_text="Moved ").count() == 1
    button = page.locator("#client [data-rule]").nth(1).get_by_role("button", name="Move 2 up")
    button.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert names(visit) == before
