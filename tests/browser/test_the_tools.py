"""The tools of these tests notice what they are there for: a bare page would pass many of them."""

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import SitDown


def test_axe_notices_and_pages_wear_their_styles(sit_down: SitDown, committed: None) -> None:
    visit = sit_down()
    visit.go("/sign-in/")
    assert visit.axe() == []
    assert visit.page.evaluate("getComputedStyle(document.body).getPropertyValue('--accent')")
    visit.page.evaluate("document.querySelector('label').remove(); document.querySelector('h1').style.color = '#ccc'")
    assert {sentence.split(":")[0] for sentence in visit.axe()} >= {"label", "color-contrast"}


def test_a_page_that_is_too_wide_is_noticed(sit_down: SitDown, committed: None) -> None:
    visit = sit_down()
    visit.go("/sign-in/")
    assert visit.too_wide() == []
    visit.page.evaluate("document.querySelector('h1').style.width = '3000px'")
    assert visit.too_wide()[1:], "Nothing is named that is too wide."


def test_complaints_of_the_browser_are_heard(sit_down: SitDown, committed: None) -> None:
    visit = sit_down()
    visit.go("/sign-in/")
    visit.page.evaluate("console.error('a console error')")
    visit.page.evaluate("() => { setTimeout(() => { throw new Error('a page error') }) }")
    visit.page.evaluate("fetch('/static/nothing.css')")
    visit.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.inline = 1'}))"
    )
    visit.page.wait_for_function("() => true")
    heard = "\n".join(visit.faults)
    for part in ("a console error", "a page error", "nothing.css was answered with 404", "Content Security Policy"):
        assert part in heard, heard
    assert visit.page.evaluate("window.inline") is None
    visit.faults.clear()


def test_no_page_leaves_the_house(sit_down: SitDown, committed: None) -> None:
    """connect-src and the like: a script cannot carry anything elsewhere."""
    visit = sit_down()
    visit.go("/sign-in/")
    with pytest.raises(Error, match="Failed to fetch"):
        visit.page.evaluate("fetch('http://192.0.2.1/')")
    assert any("Content Security Policy" in fault for fault in visit.faults)
    visit.faults.clear()
