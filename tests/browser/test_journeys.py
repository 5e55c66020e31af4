"""What people come for, from the sign-in to the sign-out."""

import re

import pytest
from django.test import Client
from playwright.sync_api import expect

from jobs.models import Job
from jobs.services import run_job
from mailboxes.models import Alias, Mailbox
from tests.browser.conftest import SitDown
from tests.browser.visit import Visit
from tests.plugins import household as people
from tests.plugins.household import DOMAIN_ADMIN, OWNER, PASSWORDS, SUPERUSER, USERNAMES

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def house() -> None:
    people.move_in()


def sign_in(visit: Visit, person: str) -> None:
    visit.sign_in(USERNAMES[person], PASSWORDS[person])


def told(visit: Visit, sentence: str) -> None:
    """The panel says on the next page what it did."""
    expect(visit.page.locator(".flash")).to_have_text(sentence)


def destination(visit: Visit, text: str) -> None:
    visit.page.get_by_label("Destinations", exact=True).fill(text)
    visit.page.keyboard.press("Enter")


def test_a_superuser_sets_up_a_domain_and_clears_up(sit_down: SitDown) -> None:
    visit = sit_down()
    page = visit.page
    sign_in(visit, SUPERUSER)
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")

    visit.press("Domains", "link")
    visit.press("Add domain", "link")
    visit.type(name="Garden.Example", description="Flowers")
    visit.press("Add domain")
    told(visit, "Added garden.example. Now add its mailboxes and aliases.")

    visit.press("Add mailbox", "link")
    visit.type(local_part="anna", name="Anna", password="anna waters the roses")
    visit.press("Add mailbox")
    told(visit, "Added mailbox anna@garden.example. Mail arrives at once: Postfix reads the database.")

    visit.go("/domains/garden.example/")
    visit.press("Add alias", "link")
    visit.type(local_part="office")
    destination(visit, "anna@garden.example")
    destination(visit, "friend@elsewhere.example; ")
    expect(page.locator(".chip")).to_have_count(2)
    visit.press("Add alias")
    told(visit, "Added alias office@garden.example. It works at once: Postfix reads the database.")
    alias = Alias.objects.with_destinations().get(address__local_part="office")
    assert [str(one) for one in alias.destinations.all()] == ["anna@garden.example", "friend@elsewhere.example"]

    visit.go("/domains/garden.example/")
    visit.press("Add a catch-all", "link")
    expect(page.get_by_label("Catch-all")).to_be_checked()
    destination(visit, "anna@garden.example")
    visit.press("Add alias")
    told(visit, "Added alias @garden.example. It works at once: Postfix reads the database.")

    visit.go("/mailboxes/anna@garden.example/")
    page.get_by_label("Active").uncheck()
    visit.press("Save mailbox")
    told(visit, "Saved mailbox anna@garden.example.")
    expect(page.locator(".facts")).to_contain_text("Inactive")

    visit.press("Delete mailbox", "link")
    visit.shows("Mail to anna@garden.example is refused from then on.")
    visit.shows("Alias office@garden.example keeps its other destinations.")
    visit.shows("Alias @garden.example delivers nowhere else and is deleted too.")
    visit.press("Keep this mailbox", "link")
    assert Mailbox.objects.filter(address__domain__name="garden.example").exists()
    visit.press("Delete mailbox", "link")
    visit.press("Delete mailbox")
    told(visit, "Deleted mailbox anna@garden.example. Its files stay where they are. Undo")
    assert not Alias.objects.filter(address__domain__name="garden.example", address__local_part="").exists()

    visit.go("/domains/garden.example/")
    page.get_by_role("navigation", name="garden.example").get_by_role("link", name="History").click()
    for sentence in ("Deleted mailbox anna@", "Changed mailbox anna@", "Added alias office@", "Added domain garden."):
        visit.shows(sentence)
    visit.press("Sign out")
    visit.go("/domains/garden.example/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert page.url.endswith("/sign-in/?next=/domains/garden.example/")


def test_many_mailboxes_at_once(sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(DOMAIN_ADMIN))
    page = visit.page
    visit.go("/domains/falcot.org/mailboxes/")
    expect(page.get_by_role("group", name="Act on the selected mailboxes")).to_be_hidden()
    page.get_by_label("Select jean@falcot.org").check()
    page.get_by_label("Select laure@falcot.org").check()
    expect(page.locator(".bulk output")).to_have_text("2 selected")
    visit.press("Deactivate")
    told(visit, "Deactivated 2 mailboxes. They refuse mail from now on.")

    page.get_by_label("Select all 3 on this page").check()
    visit.press("Delete …")
    expect(page.get_by_role("heading", level=2)).to_have_text("Delete 3 mailboxes of falcot.org?")
    visit.press("Keep them", "link")
    assert Mailbox.objects.filter(address__domain__name="falcot.org").count() == 3
    page.get_by_label("Select sophie@falcot.org").check()
    visit.press("Delete …")
    visit.press("Delete 1 mailbox")
    told(visit, "Deleted 1 mailbox. Its files stay where they are. Undo")


def test_a_domain_admin_sees_the_own_domains_only(sit_down: SitDown) -> None:
    visit = sit_down()
    page = visit.page
    sign_in(visit, DOMAIN_ADMIN)
    rooms = page.get_by_role("navigation", name="Main").get_by_role("link")
    expect(rooms).to_have_text(["Overview", "Domains", "Addresses", "Lookup", "DNS and DKIM", "History"])
    visit.press("Domains", "link")
    expect(page.locator("tbody th")).to_have_text(
        [re.compile(rf"^{n}") for n in ("falcot.com", "falcot.org", "falcots", "relay.falcot.org")]
    )
    visit.go("/domains/foreign.example/", status=404)
    visit.shows("It may have been deleted, or it is not yours to see.")
    for url in ("/find/?q=mallory", "/addresses/?q=mallory", "/history/?domain=foreign.example"):
        visit.go(url)
        assert "mallory@foreign" not in page.locator("main").inner_text()
    visit.go("/domains/falcot.org/settings/")
    expect(page.locator("main input[name=description]")).to_be_visible()
    expect(page.get_by_role("link", name="Delete domain")).to_have_count(0)


def test_an_owner_changes_the_password(sit_down: SitDown) -> None:
    at_home, at_work = sit_down(), sit_down()
    for visit in (at_home, at_work):
        sign_in(visit, OWNER)
        expect(visit.page.get_by_role("heading", level=1)).to_have_text("My mailbox")

    visit = at_home
    visit.press("Change password", "link")
    visit.type(current="not the one", password="jean has a better one", again="jean has a better one")
    visit.press("Change password")
    visit.shows("This is not your current password.")
    visit.type(current=PASSWORDS[OWNER], password="jean has a better one", again="jean has a better one")
    visit.press("Change password")
    told(visit, "Your password was changed. Your mail programs will ask for the new one.")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("My mailbox")

    at_work.go("/my-mailbox/")
    expect(at_work.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    sign_in(at_work, OWNER)
    at_work.shows("This name and this password do not belong together.")
    at_work.sign_in(USERNAMES[OWNER], "jean has a better one")
    expect(at_work.page.get_by_role("heading", level=1)).to_have_text("My mailbox")


def test_an_owner_goes_away(sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(OWNER))
    visit.go("/my-mailbox/")
    visit.press("Set up an answer", "link")
    visit.type(text="I am back on Monday.", subject="Away")
    visit.press("Preview")
    expect(visit.page.locator("#preview")).to_contain_text("I am back on Monday.")
    visit.press("Save answer")
    told(visit, "Saved. Whoever writes from now on is answered.")
    visit.go("/my-mailbox/")
    visit.press("Set up forwarding", "link")
    visit.page.get_by_label("Forward to").fill("jean@elsewhere.example")
    visit.press("Save forwarding")
    told(visit, "Saved. Mail is sent on from now.")
    visit.press("Show the history", "link")
    visit.shows("Set the out-of-office answer of jean@falcot.org")


def test_ten_wrong_passwords_close_the_door(sit_down: SitDown) -> None:
    for _attempt in range(8):
        assert Client().post("/sign-in/", {"username": USERNAMES[SUPERUSER], "password": "a guess"}).status_code == 200
    visit = sit_down()
    visit.allowed.add(429)
    visit.sign_in(USERNAMES[SUPERUSER], "a guess")
    visit.shows("This name and this password do not belong together. Both may have been mistyped.")
    visit.sign_in(USERNAMES[SUPERUSER], "a guess")
    visit.shows("There were 10 wrong passwords for this name from this place.")
    visit.shows("Wait a quarter of an hour, then try again.")
    assert visit.axe() == []
    sign_in(visit, SUPERUSER)
    visit.shows("There were 10 wrong passwords")
    sign_in(visit, DOMAIN_ADMIN)
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_the_check_of_aliases_and_its_progress(sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(SUPERUSER))
    page = visit.page
    visit.go("/jobs/")
    visit.press("Check aliases now")
    job = Job.objects.latest("pk")
    assert page.url.endswith(f"/jobs/{job.pk}/")
    expect(page.locator("#progress")).to_contain_text("Waiting")
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING, done=2, total=5)
    expect(page.locator("#progress")).to_contain_text("2 of 5 done")  # the page asks by itself
    visit.go("/domains/")
    page.get_by_role("link", name=re.compile("Check of all aliases")).click()  # the sidebar leads back to it
    run_job(job.pk)
    expect(page.locator("#progress")).to_contain_text("Every active alias leads to somewhere that takes mail.")
    assert visit.axe() == []


def test_find_leads_straight_to_it(sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(SUPERUSER))
    page = visit.page
    visit.go("/")
    page.keyboard.press("/")
    page.keyboard.type("laure@falcot.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("laure@falcot.org")
    page.keyboard.press("Control+k")
    page.keyboard.type("falcot")
    page.keyboard.press("Enter")
    expect(page.locator("main tbody th")).to_contain_text(["falcot.com", "falcot.org", "falcotsbrand.com"])


def test_a_list_narrows_while_one_types(sit_down: SitDown) -> None:
    visit = sit_down(people.signed_in(SUPERUSER))
    page = visit.page
    visit.go("/domains/falcot.org/mailboxes/")
    page.get_by_role("searchbox", name="Filter by address").fill("so")
    expect(page.locator("tbody th")).to_have_text(["sophie@falcot.org"])
    expect(page).to_have_url(re.compile(r"[?&]q=so"))
    page.get_by_label("Select sophie@falcot.org").check()
    expect(page.locator(".bulk output")).to_have_text("1 selected")  # what htmx brought works as well


def test_the_first_page_of_an_empty_panel_teaches(sit_down: SitDown) -> None:
    from domains.models import Domain
    from mailboxes.removal import delete_domain
    from tests.plugins.household import TESTER

    for domain in Domain.objects.order_by("-address_class", "name").exclude(name="falcot.org"):
        delete_domain(domain, by=TESTER)
    delete_domain(Domain.objects.get(), by=TESTER)
    visit = sit_down(people.signed_in(SUPERUSER))
    for url in ("/", "/domains/", "/addresses/", "/find/"):
        visit.go(url)
        for theme in ("light", "dark"):
            visit.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            assert visit.axe() == [], url
    visit.go("/")
    page = visit.page
    page.get_by_role("link", name=re.compile("Add a domain")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add domain")
