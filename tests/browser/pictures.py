"""Takes a picture of every page, for people to look at: run by script/screenshots, never with the other tests."""

import os
import re
from pathlib import Path

from tests.browser.conftest import SitDown
from tests.browser.test_every_page import pages_of
from tests.browser.visit import DESK, PHONE, THEMES
from tests.plugins import household as people
from tests.plugins.household import ANONYMOUS, DOMAIN_ADMIN, OWNER, SUPERUSER

# Pages that look no different for a domain admin are taken once.
ONLY_ONCE = (SUPERUSER, OWNER, ANONYMOUS)


def name_of(path: str) -> str:
    return re.sub(r"[^a-z0-9.@]+", "-", path.lower()).strip("-")[:90] or "overview"


def test_pictures(furnished: dict[str, object], sit_down: SitDown) -> None:
    folder = Path(os.environ["PICTURES_TO"])
    for person in (*ONLY_ONCE, DOMAIN_ADMIN):
        visit = sit_down(people.signed_in(person))
        for url in pages_of(person):
            if person == DOMAIN_ADMIN and url not in ("/", "/domains/", "/domains/falcot.org/settings/"):
                continue
            path = url.format_map(furnished)
            visit.go(path)
            for width in (DESK, PHONE):
                visit.resize(width)
                for theme in THEMES:
                    visit.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
                    picture = folder / f"{person}-{name_of(path)}-{width}-{theme}.png"
                    visit.page.screenshot(path=picture, full_page=True, animations="disabled")
            visit.resize(DESK)
