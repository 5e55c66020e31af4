"""Local aliases: local(8) asks for a name without a domain, and sends the mail on."""

import re
import subprocess

import pytest

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


@pytest.mark.parametrize("written", ["$alias_maps", "${alias_maps}, inline:{other=root}", "$alias_maps, $alias_maps"])
def test_an_alias_file_that_is_named_by_alias_maps_closes_no_circle(mail: Postfix, written: str) -> None:
    """Many hosts have `alias_database = $alias_maps`; ours is `alias_maps = $alias_database, …`."""
    own = "inline:{hostmaster=alice@home.example}"
    kept = [line for line in (mail.conf / "main.cf").read_text().splitlines() if not line.startswith("alias_")]
    mail.write("main.cf", "\n".join([*kept, f"alias_maps = {own}", f"alias_database = {written}", ""]))
    try:
        for _twice in range(2):
            text = mail.install()
            assert f"alias_database = {own}" in text
            assert f"alias_maps = $alias_database, proxy:pgsql:{mail.maps}/alias_maps.cf" in text
        expanded = subprocess.run(["postconf", "-c", mail.conf, "-x", "alias_maps"], capture_output=True, text=True)
        assert (expanded.stderr, own in expanded.stdout) == ("", True)
        assert forwarded(mail, "hostmaster@mx.example.net") == ["alice@home.example"]
    finally:
        mail.configure()
