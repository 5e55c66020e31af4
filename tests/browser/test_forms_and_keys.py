"""Everything by keyboard, without script, in every language, when something was typed wrong; and light to load."""

import gzip
import re

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Response, expect

from accounts import services as accounts
from domains.models import Domain
from mailboxes.models import Alias
from tests.browser.conftest import SitDown
from tests.browser.visit import DESK, PHONE, THEMES, Visit
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, OWNER, SUPERUSER, TESTER

LIGHT = 150_000  # bytes, compressed: the first page that somebody loads, with all it needs

# Numbers all that can be reached with Tab, and says how many. Of radio buttons with one name only one can be.
NUMBER_STOPS = """() => {
  const groups = new Set();
  const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
    .filter((one) => one.tabIndex >= 0 && !one.disabled && one.type !== "hidden")
    .filter((one) => one.checkVisibility({visibilityProperty: true}) && one.getClientRects().length)
    .filter((one) => {
      if (one.type !== "radio") return true;
      const chosen = document.querySelector(`input[type=radio][name="${one.name}"]:checked`);
      if (chosen ? chosen !== one : groups.has(one.name)) return false;
      groups.add(one.name);
      return true;
    });
  stops.forEach((one, number) => { one.dataset.stop = number; });
  return stops.map((one) => one.outerHTML.slice(0, 120));
}"""
# Where the focus is: its number, whether an outline shows it, and whether it can be seen where it is.
LOOK_AT_FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return null;
  const outlined = (part) => part && getComputedStyle(part).outlineStyle !== "none"
    && parseFloat(getComputedStyle(part).outlineWidth) >= 2;
  const box = one.getClientRects()[0];
  const hit = box && document.elementFromPoint(box.x + Math.min(box.width / 2, 20), box.y + box.height / 2);
  return {
    stop: one.dataset.stop, html: one.outerHTML.slice(0, 120),
    isOutlined: Boolean(outlined(one) || outlined(one.closest(".chips")) || outlined(one.closest(".joined"))),
    isSeen: Boolean(hit && (one.contains(hit) || hit.contains(one))),
  };
}"""


@pytest.fixture
def superuser(furnished: dict[str, object]) -> Client:
    return people.signed_in(SUPERUSER)


def go_round(visit: Visit) -> list[str]:
    """Tab through the whole page and round again: what cannot be reached, is not outlined, or lies under something."""
    stops = visit.page.evaluate(NUMBER_STOPS)
    reached: set[int] = set()
    wrong: list[str] = []
    for _press in range(2 * len(stops) + 5):
        visit.page.keyboard.press("Tab")
        focus = visit.page.evaluate(LOOK_AT_FOCUS)
        if focus is None or focus["stop"] in reached:
            if len(reached) >= len(stops):
                break
            continue
        reached.add(focus["stop"])
        wrong += [f"no outline: {focus['html']}"] if not focus["isOutlined"] else []
        wrong += [f"under something else: {focus['html']}"] if not focus["isSeen"] else []
    return wrong + [f"not reached: {html}" for number, html in enumerate(stops) if str(number) not in reached]


@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/domains/falcot.org/",
        "/domains/falcot.org/settings/",
        "/domains/falcot.org/mailboxes/?q=person.0",
        "/domains/falcot.org/mailboxes/add/",
        "/aliases/contact@falcotsbrand.com/",
        "/mailboxes/laure@falcot.org/delete/",
        "/history/?domain=foreign.example",
        "/account/",
    ],
)
def test_tab_goes_everywhere_and_is_seen(path: str, width: int, superuser: Client, sit_down: SitDown) -> None:
    visit = sit_down(superuser, width=width)
    visit.go(path)
    assert not (wrong := go_round(visit)), "\n".join(wrong)


def test_tab_goes_everywhere_for_those_outside_and_for_owners(furnished: dict[str, object], sit_down: SitDown) -> None:
    outside, owner = sit_down(), sit_down(people.signed_in(OWNER))
    outside.go("/sign-in/")
    wrong = go_round(outside)
    for path in ("/my-mailbox/", "/my-mailbox/password/", "/my-mailbox/forwarding/", "/my-mailbox/out-of-office/"):
        owner.go(path)
        wrong += go_round(owner)
    assert not wrong, "\n".join(wrong)


def test_the_menu_of_a_phone(superuser: Client, sit_down: SitDown) -> None:
    visit = sit_down(superuser, width=PHONE)
    page = visit.page
    visit.go("/domains/")
    rooms = page.get_by_role("navigation", name="Main")
    expect(rooms).to_be_hidden()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    expect(rooms).to_be_visible()
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert visit.axe() == []
    assert not (wrong := go_round(visit)), "\n".join(wrong)
    page.keyboard.press("Escape")
    expect(rooms).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.locator("#find")).to_be_focused()


def test_skip_to_content(superuser: Client, sit_down: SitDown) -> None:
    visit = sit_down(superuser)
    visit.go("/domains/")
    visit.page.keyboard.press("Tab")
    expect(visit.page.get_by_role("link", name="Skip to content")).to_be_focused()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#main")).to_be_focused()


@pytest.mark.parametrize(
    ("path", "button", "typed"),
    [
        ("/domains/add/", "Add domain", {"name": "no domain!"}),
        ("/domains/falcot.org/mailboxes/add/", "Add mailbox", {"local_part": "jean"}),
        ("/domains/falcot.org/mailboxes/add/", "Add mailbox", {"quota": "much"}),
        ("/domains/falcot.org/aliases/add/", "Add alias", {"destinations": "nobody@falcot.org", "local_part": "new"}),
        ("/mailboxes/laure@falcot.org/password/", "Change password", {"password": "short", "again": "short"}),
        ("/people/add/", "Add person", {"username": "claire"}),
        ("/settings/", "Save settings", {"mail_path_template": "{nothing}"}),
        ("/account/", "Change password", {"current": ""}),
    ],
)
def test_what_is_wrong_is_said_and_leads_to_the_field(
    path: str, button: str, typed: dict[str, str], superuser: Client, sit_down: SitDown
) -> None:
    """The first field of `typed` is the one that is wrong."""
    visit = sit_down(superuser)
    page, field = visit.page, next(iter(typed))
    visit.go(path)
    for name, text in typed.items():
        page.locator(f"#id_{name}").fill(text)
    visit.press(button)
    assert page.title().startswith("Error:"), page.title()
    summary = page.locator(".summary")
    expect(summary).to_be_focused()
    link = summary.get_by_role("link").and_(page.locator(f"[href='#id_{field}']")).first
    sentence = link.inner_text().split(": ", 1)[1]
    link.click()
    expect(page.locator(f"#id_{field}")).to_be_focused()
    expect(page.locator(f"#id_{field}")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#id_{field}")).to_have_accessible_description(re.compile(re.escape(sentence)))
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        assert visit.axe() == []


def test_a_wrong_choice_leads_to_its_first_option(superuser: Client, sit_down: SitDown) -> None:
    """falcot.org has mailboxes, so it cannot become a virtual alias domain."""
    visit = sit_down(superuser)
    visit.go("/domains/falcot.org/settings/")
    visit.page.get_by_label("virtual alias", exact=True).check()
    visit.press("Save settings")
    visit.page.locator(".summary").get_by_role("link").first.click()
    assert visit.page.evaluate("document.activeElement.name") == "address_class"
    assert visit.axe() == []


def test_without_script(furnished: dict[str, object], sit_down: SitDown) -> None:
    """Sign-in, search, add, change, delete, many at once and sign-out need no script."""
    visit = sit_down(java_script_enabled=False, width=PHONE)
    page = visit.page
    visit.sign_in(people.USERNAMES[DOMAIN_ADMIN], people.PASSWORDS[DOMAIN_ADMIN])
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    visit.press("Menu")
    page.locator("#find").fill("falcot.org")
    page.keyboard.press("Enter")
    page.locator("main").get_by_role("link", name="falcot.org", exact=True).click()
    visit.press("Add alias", "link")
    visit.type(local_part="noscript", destinations="jean@falcot.org\nlaure@falcot.org")
    visit.press("Add alias")
    visit.shows("Added alias noscript@falcot.org.")
    visit.type(destinations="jean@falcot.org", comment="Without script")
    visit.press("Save alias")
    visit.shows("Saved alias noscript@falcot.org.")
    visit.press("Delete alias", "link")
    visit.press("Delete alias")
    visit.shows("Deleted alias noscript@falcot.org.")
    assert not Alias.objects.filter(address__local_part="noscript").exists()

    visit.go("/domains/falcot.org/mailboxes/")
    page.get_by_role("searchbox", name="Filter by address").fill("person.5")
    page.keyboard.press("Enter")
    expect(page.locator("tbody th")).to_have_count(10)
    page.get_by_label("Select person.50@falcot.org").check()
    visit.press("Delete …")
    visit.press("Delete 1 mailbox")
    expect(page.locator("tbody th")).to_have_count(9)
    visit.press("Menu")
    visit.press("Sign out")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize("language", ["ja", "zh-hant"])
def test_languages(language: str, furnished: dict[str, object], sit_down: SitDown) -> None:
    """Chosen at the gate by its own name, or kept with the person; the page says which one it is in."""
    visit = sit_down()
    visit.go("/sign-in/")
    visit.press(dict(settings.LANGUAGES)[language])
    expect(visit.page.locator("html")).to_have_attribute("lang", language)
    user = people.user_of(SUPERUSER)
    assert user is not None
    accounts.change_user(user, language=language, by=TESTER)
    try:
        visit = sit_down(people.signed_in(SUPERUSER), width=PHONE)
        for path in ("/", "/domains/falcot.org/", "/domains/falcot.org/mailboxes/", "/domains/add/", "/history/"):
            visit.go(path)
            expect(visit.page.locator("html")).to_have_attribute("lang", language)
            assert not (wrong := [*visit.too_wide(), *visit.axe()]), f"{path}: {wrong}"
    finally:
        accounts.change_user(user, language="", by=TESTER)


def test_the_theme_is_kept(superuser: Client, sit_down: SitDown) -> None:
    visit = sit_down(superuser)
    visit.page.emulate_media(color_scheme="light")
    visit.go("/")
    visit.press("Switch between light and dark")
    visit.go("/domains/")
    expect(visit.page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert visit.axe() == []


def test_the_first_page_is_light(superuser: Client, sit_down: SitDown) -> None:
    """Everything that the page of a domain loads with an empty cache, compressed as the panel does it."""
    visit = sit_down(superuser)
    loaded: list[Response] = []
    visit.page.on("response", lambda answer: loaded.append(answer))
    visit.go(Domain.objects.get(name="falcot.org").get_absolute_url())
    visit.page.wait_for_load_state("networkidle")
    sizes = {answer.url: len(gzip.compress(answer.body())) for answer in loaded}
    for kind in ("house.css", "house.js", "icons.svg", "/domains/falcot.org/"):
        assert any(kind in url for url in sizes), f"{kind} was not loaded: {list(sizes)}"
    assert sum(sizes.values()) < LIGHT, sizes
    print(f"{sum(sizes.values())} bytes")  # noqa: T201
