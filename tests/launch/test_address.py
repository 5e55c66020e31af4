"""The address of the panel, as programs and as people write it."""

import socket

import pytest

from mailadmin.launch.address import address_for_people, ask_health, names_of_this_host, port_is_taken
from tests.launch.panel import free_port

EVERYWHERE = "0.0.0.0"  # noqa: S104  (nothing listens here)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("::1", "http://[::1]:8000/"),
        ("192.0.2.5", "http://192.0.2.5:8000/"),
        (EVERYWHERE, f"http://{socket.getfqdn()}:8000/"),
    ],
)
def test_it_works(host: str, shown: str) -> None:
    assert address_for_people(host, 8000) == shown


def test_the_panel_answers_to_the_address_it_listens_on() -> None:
    assert "192.0.2.5" in names_of_this_host("192.0.2.5")
    assert "[2001:db8::5]" in names_of_this_host("2001:db8::5")
    assert {"localhost", "127.0.0.1", socket.gethostname()} <= set(names_of_this_host(EVERYWHERE))


def test_a_taken_port() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        error = port_is_taken("127.0.0.1", other.getsockname()[1])

    assert error
    assert error.strerror == "Address already in use"


def test_nobody_answers() -> None:
    assert ask_health("127.0.0.1", free_port()) == (False, "The web server does not answer.")
