"""manage.py transport, tls_policy, sender_relay, bcc, relocated and canonical: one grammar."""

import pytest

from lookup_tables.main_cf import TABLES
from lookup_tables.models import RelayPassword
from lookup_tables.relay_passwords import decrypted
from tests.commands.conftest import Shell

KEYS = ["key", "result", "parameter", "comment", "active", "version", "created_at", "changed_at"]
EXAMPLES = {
    "transport": ("example.org", "smtp:[mx.example.org]", "discard:"),
    "tls_policy": ("[mx.example.org]:587", "may", "encrypt"),
    "sender_relay": ("@example.org", "[mx.example.org]:587", "mx.example.org"),
    "bcc": ("a@example.org", "b@example.org", "c@example.org"),
    "relocated": ("a@example.org", "b@example.org", "the moon"),
    "canonical": ("a@example.org", "b@example.org", "@example.net"),
}
AGAIN = "Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.\n"


def test_every_table_has_a_command() -> None:
    assert set(EXAMPLES) == {model.noun for model in TABLES}


@pytest.mark.parametrize("noun", EXAMPLES)
def test_it_works(shell: Shell, noun: str) -> None:
    key, result, other = EXAMPLES[noun]
    assert shell(noun, "add", key.upper(), result, "--comment", "Why") == (0, f"Added {key}.\n", AGAIN)
    assert shell(noun, "change", key, "--result", other, "--inactive") == (0, f"Changed {key}.\n", "")
    shown = shell(noun, "show", key, "--json").json
    assert [name for name in shown if name not in ("applies_to", "username")] == KEYS
    assert (shown["result"], shown["active"], shown["version"]) == (other, False, 2)
    (line,) = shell(noun, "list").lines
    assert line.split()[:2] == [key, "no"]
    assert shell(noun, "list", "--json").json == [shown]
    assert shell(noun, "list", "--search", "zzz").lines == []
    assert shell(noun, "delete", key, "--yes") == (0, f"Deleted {key}.\n", AGAIN)
    assert shell(noun, "list", "--json").json == []


def test_what_is_not_there_or_not_possible(shell: Shell) -> None:
    assert "nothing for “example.org”" in shell.refused("transport", "show", "example.org")
    assert "is no transport" in shell.refused("transport", "add", "example.org", "smtp")
    assert "Say what is to change" in shell.misused("transport", "change", "example.org")
    shell("transport", "add", "example.org", "smtp:")
    assert "Somebody else" in shell.refused(
        "transport", "change", "example.org", "--result", "relay:", "--if-version", "7"
    )


def test_a_key_that_stands_twice(shell: Shell) -> None:
    for applies_to in ("sender", "recipient"):
        shell("bcc", "add", "a@example.org", "b@example.org", "--applies-to", applies_to)
    assert "Say which: --applies-to." in shell.refused("bcc", "delete", "a@example.org", "--yes")
    assert "together with --applies-to" in shell.misused("bcc", "list", "--after", "a@example.org")
    assert shell("bcc", "delete", "a@example.org", "--applies-to", "sender", "--yes").code == 0
    (left,) = shell("bcc", "list", "--json").json
    assert left["applies_to"] == "recipient"


def test_a_list_goes_on_behind_the_last(shell: Shell) -> None:
    for name in ("a", "b", "c"):
        shell("transport", "add", f"{name}.example", "smtp:")
    found = shell("transport", "list", "--after", "a.example", "--limit", "1", "--json").json
    assert [row["key"] for row in found] == ["b.example"]


def test_a_password_comes_from_standard_input(shell: Shell) -> None:
    sign_in = ["--username", "us", "--password-stdin"]
    added = shell("sender_relay", "add", "@example.org", "[mx.example.net]", *sign_in, "--json", piped=b"our secret\n")
    assert added.json["username"] == "us"
    assert "our secret" not in added.out + added.err
    assert decrypted(RelayPassword.objects.get().token) == "our secret"
    changed = shell("sender_relay", "change", "@example.org", "--password-stdin", piped=b"another\n")
    assert (changed.code, changed.err) == (0, AGAIN)
    assert decrypted(RelayPassword.objects.get().token) == "another"
