"""What a mailbox may do and for how long, and when an alias delivers, on their pages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from domains.models import Domain
from mailboxes.models import Alias, Mailbox
from mailboxes.services import add_alias, add_mailbox, change_mailbox
from tests.plugins.example_mail import TESTER
from tests.plugins.people import mailbox_of, words_of

URL = "/mailboxes/jean@falcot.org/"
PAST, FUTURE = (datetime(year, 1, 31, 18, 0, 30, tzinfo=UTC) for year in (2020, 2998))


def as_it_is(client: Client, url: str) -> dict[str, Any]:
    """What a browser would send if nothing was touched."""
    form = client.get(url).context["form"]
    return {name: value for name in form.fields if (value := form[name].value()) not in (None, False)}


def test_it_works(bob_client: Client, falcot: Domain, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    typed = as_it_is(bob_client, URL) | {"expires_at": "2998-02-01T03:00"}
    del typed["receives"], typed["pop"]
    assert "Saved mailbox jean@falcot.org." in words_of(bob_client.post(URL, typed, follow=True))
    mailbox = mailbox_of("jean@falcot.org")
    assert (mailbox.receives, mailbox.sends, mailbox.imap, mailbox.pop) == (False, True, True, False)
    assert mailbox.expires_at == datetime(2998, 1, 31, 18, tzinfo=UTC)
    words = words_of(bob_client.get(URL))
    assert "Receives no mail" in words
    assert "expires on 1 February 2998, 03:00 JST" in words


def test_the_time_zone_is_said(bob_client: Client, falcot: Domain) -> None:
    assert "Leave it empty for never. Time zone: UTC." in words_of(bob_client.get(URL))


def test_a_stored_second_stays(bob_client: Client, falcot: Domain) -> None:
    change_mailbox(mailbox_of("jean@falcot.org"), expires_at=FUTURE, by=TESTER)
    bob_client.post(URL, as_it_is(bob_client, URL) | {"name": "Jean"})
    assert (mailbox_of("jean@falcot.org").name, mailbox_of("jean@falcot.org").expires_at) == ("Jean", FUTURE)
    bob_client.post(URL, as_it_is(bob_client, URL) | {"expires_at": ""})
    assert mailbox_of("jean@falcot.org").expires_at is None


@pytest.mark.parametrize("typed", ["tomorrow", "2998-02-30T10:00", "9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_time_that_is_none(bob_client: Client, falcot: Domain, typed: str) -> None:
    response = bob_client.post(URL, as_it_is(bob_client, URL) | {"expires_at": typed})
    assert f"“{typed}” is no time between 1971 and 2998. Type it like 2027-01-31 18:00." in words_of(response)
    assert mailbox_of("jean@falcot.org").expires_at is None


def test_limits_of_a_new_mailbox(bob_client: Client, falcot: Domain) -> None:
    url = "/domains/falcot.org/mailboxes/add/"
    assert "<details><summary" in bob_client.get(url).content.decode()
    form = {"local_part": "guest", "mail_format": "maildir", "active": "on", "receives": "on", "expires_at": "soon"}
    assert "<details open><summary" in bob_client.post(url, form).content.decode(), "What is wrong is hidden."
    bob_client.post(url, form | {"expires_at": "2998-01-31 18:00"})
    guest = mailbox_of("guest@falcot.org")
    assert (guest.receives, guest.sends, guest.expires_at) == (True, False, datetime(2998, 1, 31, 18, tzinfo=UTC))


def test_each_state_of_a_mailbox_is_in_the_list(bob_client: Client, falcot: Domain) -> None:
    add_mailbox(falcot, "blocked", active=False, expires_at=PAST, by=TESTER)
    add_mailbox(falcot, "gone", expires_at=PAST, receives=False, by=TESTER)
    add_mailbox(falcot, "deaf", receives=False, expires_at=FUTURE, by=TESTER)
    add_mailbox(falcot, "guest", expires_at=FUTURE, by=TESTER)
    url = "/domains/falcot.org/mailboxes/"
    words = words_of(bob_client.get(url))
    for name, state in {
        "blocked": "Inactive",
        "gone": "Expired",
        "deaf": "Receives no mail",
        "guest": "Active",
    }.items():
        assert f"{name}@falcot.org – – none maildir no password {state}" in words
    shown = {
        state: [row.address.local_part for row in bob_client.get(f"{url}?state={state}").context["page"].rows]
        for state in ("active", "inactive", "expired", "receives_no_mail")
    }
    assert shown == {
        "active": ["guest", "jean", "laure", "sophie"],
        "inactive": ["blocked"],
        "expired": ["gone"],
        "receives_no_mail": ["deaf"],
    }
    assert all(mailbox.state == state for state in shown for mailbox in Mailbox.objects.in_state(state))


def test_times_of_an_alias(alice_client: Client, falcot: Domain) -> None:
    url = "/aliases/fair@falcot.org/"
    new = {"local_part": "fair", "destinations": "jean@falcot.org", "active": "on", "starts_at": "2997-01-01T08:00"}
    alice_client.post("/domains/falcot.org/aliases/add/", new | {"ends_at": "2998-01-01T18:00"})
    alias = Alias.objects.get(address__local_part="fair")
    assert alias.starts_at == datetime(2997, 1, 1, 8, tzinfo=UTC)
    assert alias.ends_at == datetime(2998, 1, 1, 18, tzinfo=UTC)
    words = words_of(alice_client.get(url))
    assert "Not begunaliasfrom 1 January 2997, 08:00 UTCuntil 1 January 2998, 18:00 UTC" in words
    assert "not begun: it goes nowhere yet" in words
    backwards = as_it_is(alice_client, url) | {"ends_at": "2996-01-01T18:00"}
    errors = alice_client.post(url, backwards).context["form"].errors
    assert errors == {"ends_at": ["An alias ends after it starts. Choose a later end or an earlier start."]}
    alice_client.post(url, as_it_is(alice_client, url) | {"starts_at": "", "ends_at": "2020-01-01T18:00"})
    assert "ended: it goes nowhere any more" in words_of(alice_client.get(url))


def test_each_state_of_an_alias_is_in_the_list(bob_client: Client, falcot: Domain) -> None:
    for name, limits in {
        "off": {"active": False, "ends_at": PAST},
        "past": {"ends_at": PAST},
        "soon": {"starts_at": FUTURE},
        "now": {"starts_at": PAST, "ends_at": FUTURE},
    }.items():
        add_alias(falcot, name, ["jean@falcot.org"], **limits, by=TESTER)  # type: ignore[arg-type]
    url = "/domains/falcot.org/aliases/"
    shown = {
        state: [row.address.local_part for row in bob_client.get(f"{url}?state={state}").context["page"].rows]
        for state in ("active", "inactive", "ended", "not_begun")
    }
    assert shown == {"active": ["now"], "inactive": ["off"], "ended": ["past"], "not_begun": ["soon"]}
    assert all(alias.state == state for state in shown for alias in Alias.objects.in_state(state))


def test_the_history_says_it_in_words(bob_client: Client, falcot: Domain) -> None:
    change_mailbox(mailbox_of("jean@falcot.org"), expires_at=FUTURE, pop=False, by=TESTER)
    words = words_of(bob_client.get("/domains/falcot.org/history/"))
    assert "expires – → now 31 January 2998, 18:00 UTC" in words
    assert "POP yes → now no" in words
