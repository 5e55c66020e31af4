"""The page that gives a mailbox or an alias another address, and the tick that ends a quarantine."""

from django.test import Client

from domains.models import Domain
from mailboxes.models import Alias
from mailboxes.services import delete_mailbox
from tests.plugins.example_mail import TESTER
from tests.plugins.people import mailbox_of, words_of


def test_it_works(bob_client: Client, falcot: Domain) -> None:
    url = "/mailboxes/jean@falcot.org/rename/"
    assert "no file is moved" in words_of(bob_client.get(url))
    form = {"address": "jean.falcot@falcot.org", "keep_old": "on", "keep_days": "90"}
    assert "jean@falcot.org is now jean.falcot@falcot.org." in words_of(bob_client.post(url, form, follow=True))
    assert mailbox_of("jean.falcot@falcot.org").mail_path == "falcot.org/jean/"
    alias = Alias.objects.get(address__local_part="jean")
    assert alias.ends_at is not None


def test_a_domain_admin_does_not_move_it_into_a_domain_of_others(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post("/mailboxes/jean@falcot.org/rename/", {"address": "jean@falcotsbrand.com"})
    assert "falcotsbrand.com is not here." in words_of(response)


def test_an_alias_moves(alice_client: Client, falcot: Domain) -> None:
    form = {"address": "contact@falcot.org", "keep_old": "on"}
    response = alice_client.post("/aliases/contact@falcotsbrand.com/rename/", form, follow=True)
    assert response.redirect_chain == [("/aliases/contact@falcot.org/", 302)]
    assert [
        str(row)
        for row in Alias.objects.get(
            address__domain__name="falcotsbrand.com", address__local_part="contact"
        ).destinations.all()
    ] == ["contact@falcot.org"]


def test_an_address_in_quarantine(alice_client: Client, bob_client: Client, falcot: Domain) -> None:
    delete_mailbox(mailbox_of("laure@falcot.org"), by=TESTER)
    form = {"local_part": "laure", "mail_format": "maildir", "active": "on"}
    url = "/domains/falcot.org/mailboxes/add/"
    for_bob = words_of(bob_client.post(url, form | {"despite_quarantine": "on"}))
    assert "belonged to a mailbox that is gone" in for_bob
    assert "Take the address all the same" not in for_bob
    assert "Take the address all the same" in words_of(alice_client.post(url, form))
    alice_client.post(url, form | {"despite_quarantine": "on"})
    assert mailbox_of("laure@falcot.org")


def test_the_tick_is_there_for_aliases_too(alice_client: Client, falcot: Domain) -> None:
    delete_mailbox(mailbox_of("laure@falcot.org"), by=TESTER)
    form = {"local_part": "laure", "destinations": "jean@falcot.org", "active": "on"}
    url = "/domains/falcot.org/aliases/add/"
    assert "Take the address all the same" in words_of(alice_client.post(url, form))
    alice_client.post(url, form | {"despite_quarantine": "on"})
    assert Alias.objects.filter(address__local_part="laure").exists()


def test_days_without_the_old_address_are_refused(bob_client: Client, falcot: Domain) -> None:
    response = bob_client.post("/mailboxes/jean@falcot.org/rename/", {"address": "j@falcot.org", "keep_days": "30"})
    assert "Tick that the old address is kept, or leave the days empty." in words_of(response)
    assert mailbox_of("jean@falcot.org")
