"""One Chromium and one panel for all tests of pages; windows for the people who look at it."""

import os
import shutil
from collections.abc import Callable, Generator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize
from pytest_django.live_server_helper import LiveServer

from tests.browser.furniture import furnish
from tests.browser.visit import DESK, HEIGHTS, Visit

# Playwright keeps an event loop in the thread of the tests, in which Django would refuse to ask the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

SitDown = Callable[..., Visit]

# Chromium must not call home, nor need what a container does not have.
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-domain-reliability",
    "--metrics-recording-only",
    "--disable-features=OptimizationHints,MediaRouter,Translate",
]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    chromium = shutil.which("chromium")
    assert chromium, "There is no Chromium. Install it: apt-get install chromium"
    return {"executable_path": chromium, "headless": True, "args": FLAGS}


@pytest.fixture(scope="session")
def site(django_db_setup: None) -> Generator[str, None, None]:
    """The address of a panel over the test database. `localhost`, which browsers trust as if it had TLS."""
    server = LiveServer("localhost")
    yield server.url
    server.stop()


@pytest.fixture(scope="module")
def furnished(committed: None) -> dict[str, object]:
    """Numbers that stand in URLs, by the names that the access table uses for them."""
    return furnish()


@pytest.fixture
def sit_down(browser: Browser, site: str) -> Generator[SitDown, None, None]:
    """Gives a person a window of their own: `sit_down(client)` with that client's sign-in, `sit_down()` without."""
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_window(client: Any = None, *, width: int = DESK, **options: Any) -> Visit:
        size: ViewportSize = {"width": width, "height": HEIGHTS[width]}
        # Without motion, so that nobody judges a colour on its way to another.
        context = browser.new_context(viewport=size, reduced_motion="reduce", locale="en-GB", **options)
        contexts.append(context)
        if client is not None and "sessionid" in client.cookies:
            cookie = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": cookie, "url": site}])
        context.set_default_timeout(10_000)
        visits.append(Visit(context.new_page(), site))
        return visits[-1]

    yield open_window
    for context in contexts:
        context.close()
    faults = [fault for visit in visits for fault in visit.faults]
    assert not faults, "The browser complains:\n" + "\n".join(faults)
