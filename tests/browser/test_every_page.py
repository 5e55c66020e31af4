"""Every page, as everybody who may see it: accessible in light and dark, on a desk and on a phone."""

import pytest

from tests.browser.conftest import SitDown
from tests.browser.furniture import LONG, LONG_DOMAIN
from tests.browser.visit import DESK, MAGNIFIED, NARROW, PHONE, THEMES, Visit
from tests.house.access_table import ROWS
from tests.plugins import household as people
from tests.plugins.household import ANONYMOUS, DOMAIN_ADMIN, OWNER, SUPERUSER

NOT_A_PAGE = {
    "health",
    "dns_export",
    "dns_host_export",
    "mailbox_export",
    "alias_export",
    "domain_export",
    "recipient_export",
    "import_faults",
    "autoconfig",
    "my_apple_profile",
}
# What the access table does not show: lists that are filtered, long or empty, names that are long, work in each state.
MORE = {
    SUPERUSER: [
        "/find/?q=falcot",
        "/find/?q=nothing-of-this-name",
        "/domains/?q=nothing-of-this-name",
        "/domains/falcot.org/mailboxes/?state=inactive",
        "/domains/falcot.org/mailboxes/?after=person.20&sort=-address",
        "/domains/falcotsbrand.com/",
        "/domains/falcot.com/",
        "/domains/mx.example.net/",
        "/mailboxes/jean@falcot.org/",
        "/aliases/@foreign.example/",
        "/domains/falcotsbrand.com/mailboxes/",
        "/domains/falcot.com/aliases/",
        "/domains/falcot.com/settings/",
        "/domains/closed.example/",
        "/domains/closed.example/aliases/",
        "/domains/bücher.example/",
        f"/domains/{LONG_DOMAIN}/",
        f"/domains/{LONG_DOMAIN}/aliases/",
        f"/domains/{LONG_DOMAIN}/mailboxes/",
        f"/domains/{LONG_DOMAIN}/history/",
        f"/mailboxes/{LONG}@{LONG_DOMAIN}/",
        f"/aliases/team@{LONG_DOMAIN}/",
        "/domains/falcot.org/aliases/add/?catch_all=1",
        "/history/?domain=falcot.org",
        "/history/?domain=nothing.example",
        "/lookup/?a=contact@falcotsbrand.com,nobody@falcot.org",
        "/lookup/?a=jean@falcot.org&from=contact@falcotsbrand.com&login=jean@falcot.org",
        "/lookup/?a=team@falcot.org,sophie@falcot.org,jean+lists@falcot.com,a@elsewhere.example,nonsense",
        "/simulate/?client=192.0.2.7&to=jean@falcot.org,nobody@falcot.org&dns=zen.example=127.0.0.2",
        "/people/former/",
        "/people/?role=inactive",
        "/jobs/?state=failed",
        "/jobs/{report}/",
        "/jobs/{failed}/",
        "/jobs/{running}/",
        "/mail-servers/comparisons/",
        "/mail-servers/comparisons/{comparison}/",
    ],
    DOMAIN_ADMIN: ["/find/?q=falcot", "/find/?q=foreign"],
    OWNER: [],
    ANONYMOUS: ["/sign-in/?next=/domains/"],
}


def pages_of(person: str) -> list[str]:
    """One of each name in the access table, and what differs from it."""
    rows = [row for row in ROWS if row.method == "GET" and row.name not in NOT_A_PAGE and row.expected[person] == "200"]
    return list(dict.fromkeys([*{row.name: row.url for row in reversed(rows)}.values(), *MORE[person]]))


def complaints_about(visit: Visit) -> list[str]:
    """What is wrong with the page as it stands, at every width and in both themes."""
    found = []
    for width in (DESK, MAGNIFIED, PHONE, NARROW):
        visit.resize(width)
        found += [f"{width} px: {sentence}" for sentence in (*visit.too_wide(), *visit.squeezed())]
        for theme in THEMES if width in (DESK, PHONE) else ():
            visit.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            found += [f"{width} px, {theme}: {sentence}" for sentence in visit.axe()]
    visit.resize(DESK)
    return found


@pytest.mark.parametrize("person", [SUPERUSER, DOMAIN_ADMIN, OWNER, ANONYMOUS])
def test_every_page(person: str, furnished: dict[str, object], sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(person))
    wrong = []
    for url in pages_of(person):
        path = url.format_map(furnished)
        visit.go(path)
        wrong += [f"{path} {sentence}" for sentence in complaints_about(visit)]
    assert not wrong, "\n".join(wrong)
