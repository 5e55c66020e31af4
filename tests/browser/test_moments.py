"""Moments that decide whether people trust a panel: being asked, being refused, side by side, pasting a list."""

from io import BytesIO

import pytest
from django.test import Client
from playwright.sync_api import expect

from accounts.actors import Actor, Door
from mailboxes.imports import stage_upload
from mailboxes.models import Alias, Mailbox
from tests.browser.conftest import SitDown
from tests.browser.visit import THEMES, Visit
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, OWNER, SUPERUSER


@pytest.fixture
def superuser(furnished: dict[str, object]) -> Client:
    return people.signed_in(SUPERUSER)


def is_accessible(visit: Visit) -> None:
    for theme in THEMES:
        visit.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert visit.axe() == []


def test_the_question_before_a_deletion(superuser: Client, sit_down: SitDown) -> None:
    """It comes where one is, with the harmless answer in focus; Escape goes back to where one was."""
    visit = sit_down(superuser)
    page = visit.page
    visit.go("/mailboxes/laure@falcot.org/")
    delete = page.get_by_role("link", name="Delete mailbox", exact=True)
    delete.focus()
    page.keyboard.press("Enter")
    question = page.get_by_role("dialog", name="Delete laure@falcot.org?")
    expect(question).to_contain_text("Mail to laure@falcot.org is refused from then on.")
    expect(question.get_by_role("link", name="Keep this mailbox")).to_be_focused()
    is_accessible(visit)
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(delete).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(question).to_be_hidden()
    assert Mailbox.objects.filter(address__local_part="laure").exists()
    assert page.url.endswith("/mailboxes/laure@falcot.org/")


def test_two_people_change_the_same_thing(superuser: Client, sit_down: SitDown) -> None:
    first, second = sit_down(superuser), sit_down(people.signed_in(DOMAIN_ADMIN))
    for visit in (first, second):
        visit.go("/aliases/sales@falcot.org/")
        visit.type(comment=f"From window {visit is first}")
    first.press("Save alias")
    first.shows("Saved alias sales@falcot.org.")
    second.press("Save alias")
    second.shows("Somebody else changed this while you were typing. Nothing was saved; look at it and try again.")
    assert Alias.objects.get(address__local_part="sales").comment == "From window True"
    is_accessible(second)


def test_a_pasted_list_becomes_chips(superuser: Client, sit_down: SitDown) -> None:
    visit = sit_down(superuser)
    page = visit.page
    visit.go("/domains/falcot.org/aliases/add/")
    visit.type(local_part="everybody")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    pasted = 'Jean Falcot <jean@falcot.org>, laure@falcot.org;\nnobody@falcot.org\t\n"two words"@elsewhere.example'
    page.evaluate("text => navigator.clipboard.writeText(text)", pasted)
    page.get_by_label("Destinations", exact=True).focus()
    page.keyboard.press("Control+v")
    chips = page.locator(".chip")
    expect(chips).to_have_text(
        ["jean@falcot.org", "laure@falcot.org", "nobody@falcot.org", '"two words"@elsewhere.example']
    )
    visit.press("Add alias")
    expect(page.locator(".chip-bad")).to_have_text(["nobody@falcot.org"])
    is_accessible(visit)
    page.get_by_role("button", name="Remove nobody@falcot.org").press("Enter")
    expect(page.get_by_label("Destinations", exact=True)).to_be_focused()
    page.keyboard.press("Backspace")
    expect(chips).to_have_text(["jean@falcot.org", "laure@falcot.org"])
    visit.press("Add alias")
    visit.shows("Added alias everybody@falcot.org.")
    alias = Alias.objects.with_destinations().get(address__local_part="everybody")
    assert [str(one) for one in alias.destinations.all()] == ["jean@falcot.org", "laure@falcot.org"]


def test_copying_says_so(superuser: Client, sit_down: SitDown) -> None:
    visit = sit_down(superuser)
    visit.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit.go("/domains/bücher.example/")
    visit.press("Copy xn--bcher-kva.example")
    expect(visit.page.locator("#said")).to_have_text("Copied xn--bcher-kva.example")
    assert visit.page.evaluate("navigator.clipboard.readText()") == "xn--bcher-kva.example"


def test_ten_megabytes_are_refused_in_words(superuser: Client, sit_down: SitDown) -> None:
    """Through a real connection: the browser must get to see the answer while it still sends."""
    visit = sit_down(superuser)
    visit.allowed.add(413)
    visit.go("/domains/add/")
    visit.page.evaluate("document.getElementById('id_description').value = 'x'.repeat(10_000_000)")
    visit.press("Add domain")
    visit.shows("A form may hold 2 MB and 1,000 fields. Nothing was changed.")
    is_accessible(visit)


@pytest.mark.parametrize("person", [SUPERUSER, OWNER, "anonymous"])
def test_a_page_that_is_not_there(person: str, furnished: dict[str, object], sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(person))
    visit.go("/no-such-page/", status=404)
    visit.shows("There is nothing here")
    assert visit.too_wide() == []
    is_accessible(visit)


def test_a_page_that_was_open_for_too_long(superuser: Client, sit_down: SitDown) -> None:
    visit = sit_down(superuser)
    visit.allowed.add(403)
    visit.go("/domains/add/")
    visit.type(name="late.example")
    visit.page.context.clear_cookies(name="csrftoken")
    visit.press("Add domain")
    visit.shows("This page was open for too long")
    is_accessible(visit)


def test_a_session_that_ended_meanwhile(superuser: Client, sit_down: SitDown) -> None:
    """Also under htmx, which must not put a sign-in page into the middle of a list."""
    visit = sit_down(superuser)
    visit.go("/domains/falcot.org/mailboxes/")
    superuser.logout()
    visit.page.get_by_role("searchbox", name="Filter by address").fill("jean")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert "next=/domains/falcot.org/mailboxes/" in visit.page.url


def test_the_days_of_an_old_address_go_with_its_tick(superuser: Client, sit_down: SitDown) -> None:
    visit = sit_down(superuser)
    visit.go("/mailboxes/laure@falcot.org/rename/")
    days, tick = visit.page.locator("#id_keep_days"), visit.page.locator("#id_keep_old")
    days.fill("30")
    tick.uncheck()
    expect(days).to_be_hidden()
    expect(days).to_be_disabled()
    tick.check()
    expect(days).to_be_visible()
    expect(days).to_be_enabled()


def test_a_warning_and_its_buttons_have_room(superuser: Client, sit_down: SitDown) -> None:
    user = people.user_of(SUPERUSER)
    staged = stage_upload(
        "mailboxes",
        file=BytesIO(b"address\nx@nowhere.example\n"),
        label="people.csv",
        by=Actor(user=user, door=Door.PAGE),
    )
    visit = sit_down(superuser)
    visit.go(staged.get_absolute_url())
    list_, note, buttons = (
        visit.page.locator(f".spaced > {one}").bounding_box() for one in (".card-dl", ".note", ".acts")
    )
    assert list_
    assert note
    assert buttons
    assert note["y"] - list_["y"] - list_["height"] >= 8
    assert buttons["y"] - note["y"] - note["height"] >= 8
