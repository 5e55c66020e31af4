"""MAILADMIN_ALLOWED_HOSTS as people write it."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from mailadmin.settings import host_names

NAME = "TEST_ALLOWED_HOSTS"


@pytest.mark.parametrize(
    ("text", "names"), [("panel.example.org,192.0.2.1", ["panel.example.org", "192.0.2.1"]), ("", [])]
)
def test_it_works(monkeypatch: pytest.MonkeyPatch, text: str, names: list[str]) -> None:
    monkeypatch.setenv(NAME, text)
    assert host_names(NAME) == names


@pytest.mark.parametrize("pattern", ["*", ".example.org", "*.example.org"])
def test_a_pattern_stops_the_start(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.setenv(NAME, f"panel.example.org,{pattern}")
    with pytest.raises(ImproperlyConfigured, match="Name each host"):
        host_names(NAME)
