"""The help of each command has the options of the panel, and none of those that Django gives to all of its own."""

import pytest
from django.core.management import get_commands, load_command_class

ROOMS = ("accounts", "api", "dns_records", "domains", "jobs", "lookup_tables", "mailadmin", "mailboxes", "mailservers")
OURS = {name: room for name, room in get_commands().items() if room in (*ROOMS, "restrictions", "takeover")}


def test_it_is_about_the_commands_of_the_panel() -> None:
    assert {"postfix_config", "lookup", "simulate", "alias", "check_restrictions", "compare_maps"} <= set(OURS)


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_help_has_nothing_of_django(name: str) -> None:
    said = load_command_class(OURS[name], name).create_parser("manage.py", name).format_help()
    assert "--help" in said
    assert not [option for option in ("--pythonpath", "--settings", "--verbosity", "--no-color") if option in said]
