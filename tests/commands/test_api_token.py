"""API tokens from the shell."""

from datetime import timedelta

from accounts.models import User
from api.models import Token
from tests.api.conftest import Api
from tests.commands.conftest import Shell


def test_it_works(shell: Shell, chef: User) -> None:
    made = shell("api_token", "create", "chef", "backup", "--scope", "read", "--network", "127.0.0.0/8", "--json").json
    assert Api(made["token"]).get("domains/")["results"] == []
    (row,) = shell("api_token", "list", "--json").json
    assert (row["username"], row["name"], row["networks"]) == ("chef", "backup", ["127.0.0.0/8"])
    assert made["token"] not in str(row)
    assert row["last_used_at"]
    assert shell("api_token", "revoke", "chef", "backup", "--yes").out == "Revoked token backup of chef.\n"
    assert Api(made["token"])("GET", "domains/").status == 401


def test_without_json_it_prints_the_token_alone(shell: Shell, chef: User) -> None:
    text = shell("api_token", "create", "chef", "x", "--scope", "domains:write", "--days", "7").out.strip()
    assert Api(text)("PUT", "domains/example.org/", {}).status == 201
    token = Token.objects.get()
    assert token.expires_at
    assert timedelta(days=6) < token.expires_at - token.created_at <= timedelta(days=7)


def test_what_is_refused(shell: Shell, chef: User) -> None:
    assert "There is no scope “x”." in shell.refused("api_token", "create", "chef", "a", "--scope", "x")
    assert "There is no person “nobody”." in shell.refused("api_token", "create", "nobody", "a", "--scope", "read")
    assert "chef has no token “a”." in shell.refused("api_token", "revoke", "chef", "a", "--yes")


def test_read_and_write_in_short(shell: Shell, chef: User) -> None:
    read = shell("api_token", "create", "chef", "r", "--scope", "read", "--json").json["scopes"]
    write = shell("api_token", "create", "chef", "w", "--scope", "write", "--json").json["scopes"]
    assert all(scope.endswith(":read") for scope in read)
    assert {scope.partition(":")[0] for scope in read} == {scope.partition(":")[0] for scope in write}
    assert "mailboxes:write" in write
    assert "mailboxes:read" not in write
