"""The limits of a domain on its pages: a superuser sets them, a domain admin sees what is left."""

import pytest
from django.test import Client

from domains.models import Domain
from domains.services import change_domain
from mailboxes.models import Mailbox
from tests.plugins.household import TESTER
from tests.plugins.people import words_of

PAGE, SETTINGS = "/domains/falcot.org/", "/domains/falcot.org/settings/"
AS_IT_IS = {"address_class": "virtual_mailbox", "target": "", "description": "", "active": "on"}
GIB = 2**30


def test_it_works(alice_client: Client, bob_client: Client, falcot: Domain) -> None:
    typed = {"max_mailboxes": "20", "max_aliases": "0", "max_quota_bytes": "12 GB", "max_total_quota_bytes": "50GB"}
    alice_client.post(SETTINGS, AS_IT_IS | typed)
    falcot.refresh_from_db()
    assert (falcot.max_mailboxes, falcot.max_aliases) == (20, 0)
    assert (falcot.max_quota_bytes, falcot.max_total_quota_bytes) == (12 * GIB, 50 * GIB)
    words = words_of(bob_client.get(PAGE))
    for sentence in ("3 of 20", "0 of 0", "25 GB of 50 GB", "Full: nothing is added until there is room.", "12 GB"):
        assert sentence in words
    assert "3 of 20" in words_of(bob_client.get("/domains/"))
    assert "3 of 20" in words_of(bob_client.get("/"))
    assert "3 of 20" in words_of(bob_client.get("/domains/falcot.org/mailboxes/add/"))


def test_the_form_shows_what_is_set(alice_client: Client, falcot: Domain) -> None:
    change_domain(falcot, max_mailboxes=20, max_total_quota_bytes=3 * GIB // 2, max_quota_bytes=1001, by=TESTER)
    page = alice_client.get(SETTINGS).content.decode()
    for value in ("20", "1.5 GB", "1001"):
        assert f'value="{value}"' in page


def test_an_empty_field_lifts_a_limit(alice_client: Client, falcot: Domain) -> None:
    change_domain(falcot, max_mailboxes=3, max_total_quota_bytes=GIB, by=TESTER)
    alice_client.post(SETTINGS, AS_IT_IS)
    falcot.refresh_from_db()
    assert (falcot.max_mailboxes, falcot.max_total_quota_bytes) == (None, None)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("max_mailboxes", "-1", "greater than or equal to 0"),
        ("max_mailboxes", "many", "whole number"),
        ("max_mailboxes", "9999999999", "less than or equal to 2147483647"),
        ("max_quota_bytes", "a lot", "“a lot” is no size. Type 500 MB or 20 GB, for example."),
        ("max_total_quota_bytes", "9999999999 TB", "less than or equal to 9223372036854775807"),
    ],
)
def test_what_is_no_limit(alice_client: Client, falcot: Domain, field: str, typed: str, sentence: str) -> None:
    assert sentence in words_of(alice_client.post(SETTINGS, AS_IT_IS | {field: typed}))
    falcot.refresh_from_db()
    assert getattr(falcot, field) is None


def test_a_limit_below_what_is_there(alice_client: Client, falcot: Domain) -> None:
    Mailbox.objects.filter(address__local_part="jean").update(quota_bytes=None)
    change_domain(falcot, max_mailboxes=1, max_total_quota_bytes=GIB, by=TESTER)
    words = words_of(alice_client.get(PAGE))
    assert "3 of 1" in words
    assert "More than the limit: it stays, and nothing is added." in words
    assert "1 mailbox has no quota and is not in this sum." in words


def test_a_domain_admin_is_refused_at_the_field(bob_client: Client, falcot: Domain) -> None:
    change_domain(falcot, max_mailboxes=3, by=TESTER)
    response = bob_client.post("/domains/falcot.org/mailboxes/add/", {"local_part": "new", "mail_format": "maildir"})
    assert "falcot.org has 3 of 3 mailboxes. Delete one first, or have a superuser raise the limit." in words_of(
        response
    )
    change_domain(falcot, max_mailboxes=4, max_total_quota_bytes=26 * GIB, by=TESTER)
    typed = {"local_part": "new", "mail_format": "maildir", "quota": "2", "quota_unit": "GB"}
    response = bob_client.post("/domains/falcot.org/mailboxes/add/", typed)
    assert "The quotas of falcot.org add up to 25.0 GB of 26.0 GB" in words_of(response)
    assert "quota" in response.context["form"].errors


def test_a_domain_admin_sets_none(bob_client: Client, falcot: Domain) -> None:
    change_domain(falcot, max_mailboxes=3, by=TESTER)
    assert "Mailbox limit" not in words_of(bob_client.get(SETTINGS))
    bob_client.post(SETTINGS, {"description": "By Bob", "max_mailboxes": "100"})
    falcot.refresh_from_db()
    assert (falcot.description, falcot.max_mailboxes) == ("By Bob", 3)


def test_the_history_tells(alice_client: Client, falcot: Domain) -> None:
    change_domain(falcot, max_mailboxes=20, max_total_quota_bytes=GIB, by=TESTER)
    words = words_of(alice_client.get("/history/"))
    assert "most mailboxes" in words
    assert "1.0 GB" in words


def test_a_new_mailbox_is_told_of_the_quotas(bob_client: Client, falcot: Domain) -> None:
    url = "/domains/falcot.org/mailboxes/add/"
    assert "Leave it empty for no quota." in words_of(bob_client.get(url))
    change_domain(falcot, max_total_quota_bytes=50 * GIB, by=TESTER)
    words = words_of(bob_client.get(url))
    assert "Leave it empty for no quota." not in words
    assert "It needs one, since the quotas of this domain have a limit." in words
    assert "Sum of quotas 25 GB of 50 GB" in words
    assert "It needs one" in words_of(bob_client.get("/mailboxes/jean@falcot.org/"))


def test_a_refused_mailbox_shows_where_it_would_be_stored(bob_client: Client, falcot: Domain) -> None:
    url = "/domains/falcot.org/mailboxes/add/"
    assert "Stored at falcot.org/{local_part}" in words_of(bob_client.get(url))
    change_domain(falcot, max_total_quota_bytes=50 * GIB, by=TESTER)
    refused = words_of(bob_client.post(url, {"local_part": "Anna", "mail_format": "maildir", "active": "on"}))
    assert "needs a quota" in refused
    assert "Stored at falcot.org/anna/" in refused
    strange = bob_client.post(url, {"local_part": "a b", "mail_format": "maildir", "active": "on"})
    assert "Stored at falcot.org/{local_part}" in words_of(strange)
