"""People who sit before a window of a real Chromium, and what they do there."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, Request, Response, expect

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESK, MAGNIFIED, PHONE, NARROW = 1280, 640, 360, 320  # CSS pixels; 640 are the desk at 200 %
HEIGHTS = {DESK: 900, MAGNIFIED: 450, PHONE: 740, NARROW: 600}
THEMES = ("light", "dark")

# The innermost elements that reach beyond the window, unless something around them scrolls by itself
SQUEEZED = """() =>
  [...document.querySelectorAll("main :is(th[scope=row], td)")]
    .filter((one) => one.innerText.trim().length > 7 && one.getClientRects().length && one.clientWidth < 48)
    .map((one) => `has no room for ${one.innerText.trim().slice(0, 80)}`)"""
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const scrolls = (one) => one && one !== document.body && one !== root
    && (getComputedStyle(one).overflowX !== "visible" || scrolls(one.parentElement));
  const wide = [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1 && !scrolls(one.parentElement));
  const inner = wide.filter((one) => !wide.some((other) => other !== one && one.contains(other)));
  const by = root.scrollWidth - root.clientWidth;
  return [`scrolls sideways by ${by} pixels`, ...inner.map((one) => one.outerHTML.slice(0, 160))];
}"""


@dataclass
class Visit:
    """One person before one window. What the browser complains about is remembered, and fails the test at its end."""

    page: Page
    site: str
    allowed: set[int] = field(default_factory=set)  # statuses from 400 on that this test expects
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("response", self._answered)
        self.page.on("requestfailed", self._failed)

    def go(self, path: str, *, status: int = 200) -> None:
        self.allowed |= {status}
        response = self.page.goto(self.site + path)
        assert response is not None
        assert response.status == status, f"{path} was answered with {response.status}."

    def press(self, name: str, role: Any = "button") -> None:
        """Presses the button, or follows the link, of exactly this name."""
        self.page.get_by_role(role, name=name, exact=True).click()
        self.page.wait_for_load_state()

    def type(self, **fields: str) -> None:
        for name, text in fields.items():
            self.page.locator(f"main [name={name}]:visible").fill(text)

    def shows(self, sentence: str) -> None:
        expect(self.page.locator("body")).to_contain_text(sentence, use_inner_text=True)

    def sign_in(self, username: str, password: str) -> None:
        self.go("/sign-in/")
        self.type(username=username, password=password)
        self.press("Sign in")

    def resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})

    def axe(self) -> list[str]:
        """A sentence for each violation on the page as it stands."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text())
        options = {"runOnly": RULES, "resultTypes": ["violations"]}
        found = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{violation['id']}: {node['html'][:160]} {node['failureSummary'].splitlines()[1].strip()[:160]}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def squeezed(self) -> list[str]:
        """Cells of lists that have room for a letter or two beside each other."""
        narrow: list[str] = self.page.evaluate(SQUEEZED)
        return narrow

    def too_wide(self) -> list[str]:
        """What makes the page scroll sideways: nothing, if it does not."""
        wide: list[str] = self.page.evaluate(TOO_WIDE)
        return wide

    def _heard(self, message: ConsoleMessage) -> None:
        # A refused request is judged by its status in _answered.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"{self.page.url}: the console says {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.faults.append(f"{response.url} was answered with {response.status}.")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the person went on before it was there
            self.faults.append(f"{request.url} failed: {request.failure}")
