"""Local aliases: local(8) asks for a name without a domain, and sends the mail on."""

import re

from tests.plugins.mail_stack import Postfix


def forwarded(mail: Postfix, recipient: str) -> list[str]:
    """Where local(8) sent it on to."""
    (delivery,) = mail.send(recipient)
    assert delivery.relay == "local", delivery
    assert delivery.status == "sent", delivery
    queue_ids = re.findall(r"forwarded as (\w+)", delivery.text)
    return sorted(copy.to for queue_id in queue_ids for copy in mail.deliveries(queue_id))


def test_root_is_read_by_a_person(mail: Postfix) -> None:
    assert forwarded(mail, "root@mx.example.net") == ["alice@home.example"]


def test_an_alias_of_an_alias(mail: Postfix) -> None:
    assert "alice@home.example" in forwarded(mail, "staff@mx.example.net")


def test_the_name_is_the_same_in_every_local_domain(mail: Postfix) -> None:
    assert forwarded(mail, "root@localhost") == ["alice@home.example"]


def test_upper_case(mail: Postfix) -> None:
    assert forwarded(mail, "ROOT@mx.example.net") == ["alice@home.example"]


def test_the_names_that_the_host_keeps_are_still_there(mail: Postfix) -> None:
    assert forwarded(mail, "hostmaster@mx.example.net") == ["alice@home.example"]
