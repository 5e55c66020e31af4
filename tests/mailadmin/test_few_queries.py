"""No page asks the database more than twelve times, however much it shows."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor, Door
from accounts.models import User
from domains.models import Domain
from domains.services import add_domain_admin, change_domain, change_mail_settings
from jobs.services import run_job, start_job
from mailboxes.jobs import start_alias_report
from mailboxes.services import add_alias, add_mailbox, change_alias, delete_mailbox
from tests.plugins.example_mail import TESTER
from tests.plugins.people import mailbox_of

MOST = 12
PAGES = [
    "/",
    "/domains/",
    "/domains/add/",
    "/domains/falcot.org/",
    "/domains/falcotsbrand.com/",
    "/domains/falcot.com/",
    "/domains/falcot.org/settings/",
    "/domains/falcot.org/delete/",
    "/domains/falcot.org/history/",
    "/domains/falcot.org/mailboxes/",
    "/domains/falcot.org/mailboxes/add/",
    "/domains/falcot.org/aliases/",
    "/domains/falcot.org/aliases/add/",
    "/mailboxes/jean@falcot.org/",
    "/mailboxes/jean@falcot.org/password/",
    "/mailboxes/laure@falcot.org/delete/",
    "/aliases/all@falcot.org/",
    "/aliases/all@falcot.org/delete/",
    "/aliases/@falcotsbrand.com/",
    "/addresses/",
    "/find/?q=a",
    "/history/",
    "/people/",
    "/people/charlie/",
    "/people/charlie/delete/",
    "/jobs/",
    "/jobs/1/",
    "/settings/",
    "/account/",
]


@pytest.fixture
def busy(falcot: Domain, alice: User, charlie: User) -> None:
    """A little of everything, so that a query for each row would show."""
    for number in range(12):
        add_mailbox(falcot, f"m{number}", by=TESTER)
        add_alias(
            falcot, f"a{number}", [f"m{number}@falcot.org", "jean@falcot.org", f"x{number}@example.net"], by=TESTER
        )
    everybody = [f"m{number}@falcot.org" for number in range(12)]
    alias = add_alias(falcot, "all", everybody, by=TESTER)
    change_alias(alias, destinations=everybody[1:], by=TESTER)
    add_alias(falcot, "jean", ["jean@example.net"], by=TESTER)
    delete_mailbox(mailbox_of("m0@falcot.org"), by=TESTER)
    add_domain_admin(falcot, charlie, by=TESTER)
    change_domain(falcot, description="Busy", by=TESTER)
    change_mail_settings(recipient_delimiter="+-", by=TESTER)
    by = Actor(user=alice, door=Door.PAGE)
    run_job(start_alias_report(by=by).pk)
    start_job("alias_report", by=by, label="Waiting")


@pytest.mark.parametrize("page", PAGES)
def test_a_superuser_s_pages(alice_client: Client, busy: None, page: str) -> None:
    if page == "/jobs/1/":
        page = alice_client.get("/jobs/").context["page"].rows[-1].get_absolute_url()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        response = alice_client.get(page)
    assert response.status_code == 200
    assert len(asked) <= MOST, "\n\n".join(query["sql"][:300] for query in asked)


MY_PAGES = ["", "password/", "forwarding/", "out-of-office/", "set-up/", "history/"]


@pytest.mark.parametrize("page", [f"/my-mailbox/{name}" for name in MY_PAGES])
def test_an_owner_s_pages(sophie_client: Client, page: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert sophie_client.get(page).status_code == 200
    assert len(asked) <= MOST
