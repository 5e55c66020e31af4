"""What leaves the house: destinations elsewhere, as a page and as a command."""

import pytest
from django.test import Client

from domains.models import Domain
from domains.services import add_domain
from mailboxes.services import add_alias
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, STRANGER, SUPERUSER, TESTER

pytestmark = pytest.mark.django_db
URL = "/addresses/forwards/"


@pytest.fixture(autouse=True)
def house() -> None:
    people.move_in()
    falcot = Domain.objects.get(name="falcot.org")
    add_alias(falcot, "one", ["Ann@b.example", "bob@c.example", "jean@falcot.org"], by=TESTER)
    add_alias(Domain.objects.get(name="falcotsbrand.com"), "two", ["eve@b.example", "x@became.example"], by=TESTER)
    add_domain("became.example", by=TESTER)


def listed(client: Client, **query: str) -> list[str]:
    page = client.get(URL, query).context["page"]
    return [str(row) for row in page.rows if str(row).endswith(("b.example", "c.example", "became.example"))]


def test_it_works() -> None:
    """Sorted by the domain that gets the mail; what became ours is none."""
    assert listed(people.signed_in(SUPERUSER)) == ["Ann@b.example", "eve@b.example", "bob@c.example"]


def test_it_is_found_by_either_domain() -> None:
    client = people.signed_in(SUPERUSER)
    assert listed(client, q="B.example") == ["Ann@b.example", "eve@b.example"]
    assert listed(client, domain="falcot.org") == ["Ann@b.example", "bob@c.example"]
    assert listed(client, domain="falcot.org", q="c.") == ["bob@c.example"]
    assert listed(client, domain="no-such.example") == []


def test_people_see_their_own_domains() -> None:
    assert len(listed(people.signed_in(DOMAIN_ADMIN))) == 3
    assert listed(people.signed_in(STRANGER)) == []
    assert listed(people.signed_in(STRANGER), domain="falcot.org") == []


def test_a_long_list_has_pages() -> None:
    falcot = Domain.objects.get(name="falcot.org")
    add_alias(falcot, "many", [f"p{number}@c.example" for number in range(60)], by=TESTER)
    client, seen, url = people.signed_in(SUPERUSER), [], f"{URL}?q=c.example"
    while url:
        page = client.get(url).context["page"]
        seen += [str(row) for row in page.rows]
        url = f"{URL}?q=c.example&after={page.next}" if page.next else ""
    assert sorted(seen) == sorted(["bob@c.example", *(f"p{number}@c.example" for number in range(60))])
