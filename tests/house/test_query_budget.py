"""No page asks the database more than twelve questions, however much there is to show."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services as accounts
from accounts.history import recorded
from accounts.models import User
from domains import services as domains
from domains.models import Domain, DomainAdmin
from jobs.models import Job
from mailboxes import services as mailboxes
from mailboxes.models import Address, Alias, AliasDestination, Mailbox
from tests.house.access_table import ROWS, Row
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, OWNER, PEOPLE, SUPERUSER, TESTER

BUDGET = 12
MANY = 300
FREE = ("health", "undo")  # one has statements of its own; the other does what it shows, and rolls it back
PAGES = [row for row in ROWS if row.method == "GET" and "200" in row.expected.values() and row.name not in FREE]
MORE = [
    "/find/?q=m",
    "/find/?q=many",
    "/addresses/?q=m",
    "/domains/?after=many.1",
    "/domains/falcot.org/mailboxes/?before=z",
]
MORE += [
    "/aliases/all@falcot.org/",
    "/mailboxes/many.0@falcot.org/",
    "/history/?domain=falcot.org",
    "/people/?role=domain_admin",
]


@pytest.fixture(scope="module")
def crowd(committed: None) -> dict[str, object]:
    """Hundreds of everything, made in bulk; and a history of them, each entry with several events."""
    numbers = people.move_in()
    falcot, claire = Domain.objects.get(name="falcot.org"), people.user_of(DOMAIN_ADMIN)
    assert claire is not None
    with recorded("load", "demo", "many", domain=falcot.name, by=TESTER):
        _many_domains(falcot, claire)
        _many_addresses(falcot)
    User.objects.bulk_create(User(username=f"person.{n}", password="!", name=f"Person {n}") for n in range(MANY))
    report = {"checked": 1, "counts": {}, "findings": []}
    done = {"kind": "alias_report", "label": "Check", "started_by": claire, "state": "done", "result": report}
    Job.objects.bulk_create(Job(**done) for _n in range(MANY))
    for number in range(40):
        mailbox = mailboxes.add_mailbox(falcot, f"later.{number}", by=TESTER)
        mailboxes.add_alias(falcot, f"to.later.{number}", [str(mailbox), "jean@falcot.org", "a@b.example"], by=TESTER)
        mailboxes.change_mailbox(mailbox, name="Later", active=False, by=TESTER)
        admin = accounts.add_user(f"admin.{number}", by=TESTER)
        domains.add_domain_admin(falcot, admin, by=TESTER)
    return numbers


def _many_domains(falcot: Domain, claire: User) -> None:
    made = Domain.objects.bulk_create(
        Domain(name=f"many.{n}.example", address_class="alias_domain", target=falcot) for n in range(MANY)
    )
    DomainAdmin.objects.bulk_create(DomainAdmin(domain=domain, user=claire) for domain in made)


def _many_addresses(falcot: Domain) -> None:
    """Mailboxes and aliases; every alias delivers to five mailboxes, and one alias to all of them."""
    here = Address.objects.bulk_create(Address(domain=falcot, local_part=f"many.{n}") for n in range(MANY))
    Mailbox.objects.bulk_create(Mailbox(address=one, mail_path=f"falcot.org/{one.local_part}/") for one in here)
    there = Address.objects.bulk_create(Address(domain=falcot, local_part=f"to.many.{n}") for n in range(MANY))
    aliases = Alias.objects.bulk_create(Alias(address=one) for one in [*there, *here[: MANY // 2]])
    AliasDestination.objects.bulk_create(
        AliasDestination(alias=alias, position=position, address=here[(number + position) % MANY])
        for number, alias in enumerate(aliases)
        for position in range(5)
    )
    to_all = Alias.objects.create(address=Address.objects.create(domain=falcot, local_part="all"))
    AliasDestination.objects.bulk_create(
        AliasDestination(alias=to_all, position=position, address=one) for position, one in enumerate(here)
    )


def ask(client: Client, url: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        response = client.get(url)
    assert response.status_code == 200, f"{url} was answered with {response.status_code}."
    statements = "\n".join(f"{number}. {query['sql'][:200]}" for number, query in enumerate(asked.captured_queries, 1))
    assert len(asked) <= BUDGET, f"{url} asks {len(asked)} questions:\n{statements}"


@pytest.mark.parametrize("row", PAGES, ids=str)
def test_each_page(row: Row, crowd: dict[str, object]) -> None:
    for person in [person for person in PEOPLE if row.expected[person] == "200"]:
        ask(people.signed_in(person), row.url.format_map(crowd))


@pytest.mark.parametrize("url", MORE)
def test_lists_of_many(url: str, crowd: dict[str, object]) -> None:
    ask(people.signed_in(SUPERUSER), url)


def test_a_deletion_of_many_asks_no_more(crowd: dict[str, object]) -> None:
    picked = Mailbox.objects.filter(address__domain__name="falcot.org").values_list("pk", flat=True)[:200]
    client = people.signed_in(DOMAIN_ADMIN)
    with CaptureQueriesContext(connection) as asked:
        response = client.post("/domains/falcot.org/mailboxes/", {"do": "delete", "pick": list(picked)})
    assert "Delete 200 mailboxes of falcot.org?" in response.content.decode()
    assert len(asked) <= BUDGET, len(asked)


def test_the_owner_of_a_popular_address(crowd: dict[str, object]) -> None:
    for url in ("/my-mailbox/", "/my-mailbox/password/", "/my-mailbox/forwarding/", "/my-mailbox/history/"):
        ask(people.signed_in(OWNER), url)
