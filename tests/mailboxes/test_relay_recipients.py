"""The tab “Recipients” of a relay domain."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from domains.models import Domain
from mailboxes.models import QuarantinedAddress, RelayRecipient
from mailboxes.relay import add_relay_recipients
from tests.plugins.example_mail import TESTER, add_alias, add_domain
from tests.plugins.people import words_of

URL = "/domains/relay.example/recipients/"


@pytest.fixture
def relay(db: None) -> Domain:
    return add_domain("relay.example", "relay")


def recipients() -> set[str]:
    return {str(one) for one in RelayRecipient.objects.with_address()}


def test_it_works(alice_client: Client, relay: Domain) -> None:
    assert "Add the first recipients" in words_of(alice_client.get(URL))
    pasted = "Ann Example <ann@relay.example>\nbob; eve@relay.example"
    response = alice_client.post(f"{URL}add/", {"recipients": pasted}, follow=True)
    assert "Added 3 recipients." in words_of(response)
    assert recipients() == {"ann@relay.example", "bob@relay.example", "eve@relay.example"}
    assert [str(one) for one in response.context["page"].rows] == sorted(recipients())


def test_a_filter_stands_in_the_url(alice_client: Client, relay: Domain) -> None:
    add_relay_recipients(relay, ["ann", "bob"], by=TESTER)
    assert [str(one) for one in alice_client.get(f"{URL}?q=Bob@").context["page"].rows] == ["bob@relay.example"]


def test_what_cannot_be_is_said(alice_client: Client, relay: Domain) -> None:
    response = alice_client.post(f"{URL}add/", {"recipients": "ann, bob@elsewhere.example"})
    assert "bob@elsewhere.example is no address of relay.example." in words_of(response)
    assert recipients() == set()


def test_deleting_asks_first(alice_client: Client, relay: Domain) -> None:
    add_relay_recipients(relay, ["ann", "bob"], by=TESTER)
    picked = {"do": "delete", "pick": RelayRecipient.objects.get(address__local_part="ann").pk}
    assert "Delete 1 recipient of relay.example?" in words_of(alice_client.post(URL, picked))
    assert len(recipients()) == 2
    alice_client.post(URL, picked | {"is_sure": "yes"})
    assert recipients() == {"bob@relay.example"}


def test_who_gets_the_mail_then_is_said(alice_client: Client, relay: Domain) -> None:
    add_relay_recipients(relay, ["ann", "bob"], by=TESTER)
    picked = {"do": "delete", "pick": list(RelayRecipient.objects.values_list("pk", flat=True))}
    assert "Mail to these addresses is refused from then on." in words_of(alice_client.post(URL, picked))
    add_alias("@relay.example", "desk@elsewhere.example")
    words = words_of(alice_client.post(URL, picked))
    assert "Mail to these addresses is still taken. Who gets it stands below." in words
    assert "Mail to bob@relay.example goes to desk@elsewhere.example from then on, by the catch-all." in words


def test_only_those_of_this_domain(alice_client: Client, relay: Domain) -> None:
    other = add_domain("other.example", "relay")
    add_relay_recipients(other, ["ann"], by=TESTER)
    alice_client.post(URL, {"do": "delete", "pick": RelayRecipient.objects.get().pk, "is_sure": "yes"})
    assert recipients() == {"ann@other.example"}


def test_other_classes_have_no_list(alice_client: Client, db: None) -> None:
    add_domain("other.example")
    assert "No recipients here" in words_of(alice_client.get("/domains/other.example/recipients/"))


def test_an_address_in_quarantine(alice_client: Client, relay: Domain) -> None:
    until = timezone.now() + timedelta(days=1)
    QuarantinedAddress.objects.create(domain_name=relay.name, local_part="ann", former_mailbox_id=1, until=until)
    assert "Take the address all the same" not in words_of(alice_client.get(f"{URL}add/"))
    words = words_of(alice_client.post(f"{URL}add/", {"recipients": "ann"}))
    assert "ann@relay.example belonged to a mailbox that is gone" in words
    assert "Take the address all the same" in words
    alice_client.post(f"{URL}add/", {"recipients": "ann", "despite_quarantine": "on"})
    assert recipients() == {"ann@relay.example"}


def test_a_secondary_server_gets_the_list_as_a_file(alice_client: Client, relay: Domain) -> None:
    add_relay_recipients(relay, ["ann", "#1"], by=TESTER)
    add_alias("sales-*@relay.example", "someone@elsewhere.example")
    assert "Export list" in words_of(alice_client.get(URL))
    response: Any = alice_client.get(f"{URL}export/")
    remarked, sales, ann = sorted(b"".join(response.streaming_content).decode().splitlines())
    assert ann == "ann@relay.example OK"
    assert remarked.startswith("# #1@relay.example begins with #")
    assert sales.startswith("# sales-*@relay.example cannot stand in a list")
    add_domain("virtual.example")
    assert alice_client.get("/domains/virtual.example/recipients/export/").status_code == 404
