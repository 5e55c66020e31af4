"""How good a password is, under the hands of the person who types it; and an app password that is copied."""

from playwright.sync_api import expect

from tests.browser.conftest import SitDown
from tests.plugins import household as people
from tests.plugins.household import OWNER


def test_it_works(furnished: dict[str, object], sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(OWNER))
    visit.go("/my-mailbox/password/")
    for password, words in (("jean falcot", "too easy to guess"), ("a brand new one for me", "very good")):
        visit.type(password=password)
        expect(visit.page.get_by_role("status").filter(has_text=words)).to_be_visible()
    assert visit.axe() == []
    assert visit.too_wide() == []


def test_without_a_script_the_page_says_so_when_it_is_sent(furnished: dict[str, object], sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(OWNER), java_script_enabled=False)
    visit.go("/my-mailbox/password/")
    visit.type(current=people.PASSWORDS[OWNER], password="password1234", again="password1234")
    visit.press("Change password")
    visit.shows("This password is easy to guess.")


def test_an_app_password_is_shown_once(furnished: dict[str, object], sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(OWNER))
    visit.go("/my-mailbox/app-passwords/add/")
    visit.type(name="Laptop", current=people.PASSWORDS[OWNER])
    visit.press("Add app password")
    assert len(visit.page.locator("main code").first.inner_text()) == 31
    assert visit.axe() == []
    visit.press("I have copied it", "link")
    visit.shows("Laptop")
