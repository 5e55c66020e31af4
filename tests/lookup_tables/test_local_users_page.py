"""The tab “Local users” among the mail servers."""

from django.test import Client

from mailboxes.local_users import import_local_users
from tests.plugins.example_mail import TESTER
from tests.plugins.people import words_of

URL = "/mail-servers/local-users/"


def test_it_works(alice_client: Client) -> None:
    assert "Nobody was imported yet" in words_of(alice_client.get(URL))
    import_local_users({"root": 0, "ann": 1000}, by=TESTER)
    response = alice_client.get(URL)
    assert [str(user) for user in response.context["page"].rows] == ["ann", "root"]
    assert "1000" in words_of(response)


def test_a_filter_and_pages_stand_in_the_url(alice_client: Client) -> None:
    import_local_users({f"user{number:03}": 1000 + number for number in range(60)}, by=TESTER)
    page = alice_client.get(URL).context["page"]
    assert (len(page.rows), page.previous, bool(page.next)) == (50, "", True)
    assert len(alice_client.get(f"{URL}?after=user049").context["page"].rows) == 10
    assert len(alice_client.get(f"{URL}?q=User05").context["page"].rows) == 10
    assert "user059" in words_of(alice_client.get(f"{URL}?sort=-name"))
