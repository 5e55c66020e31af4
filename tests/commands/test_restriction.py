"""manage.py restriction, restriction_class and check_restrictions."""

from django.db import connection

from restrictions.catalogue import CATALOGUE, STAGES
from restrictions.models import Restriction
from tests.commands.conftest import Shell

AGAIN = "Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet.\n"
ROW = ["list", "place", "name", "argument", "warn_only", "active", "comment", "main_cf", "version"]
ROW += ["created_at", "changed_at"]


def test_it_works(shell: Shell) -> None:
    rbl = "reject_rbl_client", "zen.spamhaus.org"
    assert shell("restriction", "add", "client", *rbl) == (0, "Added reject_rbl_client zen.spamhaus.org.\n", AGAIN)
    shell("restriction", "add", "client", "permit_mynetworks", "--place", "1", "--comment", "Ours")
    assert shell("restriction", "list", "client").lines == [
        "client       1   yes  permit_mynetworks",
        "client       2   yes  reject_rbl_client zen.spamhaus.org",
    ]
    changed = shell("restriction", "change", "client", "2", "--warn-only", "--argument", "bl.spamcop.net", "--json")
    assert list(changed.json) == ROW
    assert changed.json["main_cf"] == "warn_if_reject reject_rbl_client bl.spamcop.net"
    moved = shell("restriction", "move", "client", "2", "1")
    assert moved == (0, "Moved reject_rbl_client bl.spamcop.net.\n", AGAIN)
    deleted = shell("restriction", "delete", "client", "1", "--yes")
    assert deleted == (0, "Deleted reject_rbl_client bl.spamcop.net.\n", AGAIN)
    assert [row["name"] for row in shell("restriction", "list", "--json").json] == ["permit_mynetworks"]


def test_recommended(shell: Shell) -> None:
    assert shell("restriction", "recommended").out.startswith("Loaded the recommended lists: client, helo,")
    assert shell("check_restrictions") == (0, "Nothing is odd.\n", "")


def test_the_catalogue(shell: Shell) -> None:
    found = shell("restriction", "catalogue", "--stage", "helo", "--search", "HELO_A_").lines
    sentence = "Looks up the addresses of the HELO name in an access table."
    assert found == [f"check_helo_a_access  3.0   helo to end_of_data  an access table  {sentence}"]
    rows = shell("restriction", "catalogue", "--json").json
    assert [row["name"] for row in rows] == list(CATALOGUE)
    assert rows[0] == {
        "name": "permit",
        "stages": list(STAGES),
        "argument": "none",
        "since": "2.0",
        "sentence": "Permits.",
    }
    assert shell("restriction", "catalogue", "--search", "no_such") == (0, "", "")
    assert shell("restriction", "catalogue", "--stage", "etrn").code == 2


def test_a_class(shell: Shell) -> None:
    assert shell("restriction_class", "add", "strict", "--comment", "For some") == (0, "Added strict.\n", AGAIN)
    shell("restriction", "add", "strict", "reject_non_fqdn_sender")
    shell("restriction", "add", "sender", "strict")
    assert shell("restriction_class", "change", "strict", "--name", "stricter").code == 0
    shown = shell("restriction_class", "show", "stricter", "--json").json
    assert "chosen_for  -" in shell("restriction_class", "show", "stricter").lines
    shell("access", "class", "*", "stricter")
    assert "chosen_for  everybody else" in shell("restriction_class", "show", "stricter").lines
    shell("access", "class", "*", "none")
    assert (shown["main_cf"], shown["used_in"]) == ("reject_non_fqdn_sender", ["smtpd_sender_restrictions"])
    refused = shell("restriction_class", "delete", "stricter", "--yes")
    assert refused == (1, "", "stricter is named in smtpd_sender_restrictions. Take it out there first.\n")
    shell("restriction", "delete", "sender", "1", "--yes")
    assert shell("restriction_class", "delete", "stricter", "--yes") == (0, "Deleted stricter.\n", AGAIN)
    assert shell("restriction_class", "list", "--json").json == []


def test_what_is_refused(shell: Shell) -> None:
    for arguments, words in [
        (("add", "etrn", "reject"), "There is no stage and no restriction class “etrn”."),
        (("add", "client", "reject_typo"), "Postfix knows no restriction “reject_typo”"),
        (("add", "relay", "permit"), "an open relay"),
        (("delete", "client", "1", "--yes"), "client has no entry 1: it has 0."),
    ]:
        ended = shell("restriction", *arguments)
        assert (ended.code, ended.out) == (1, "")
        assert words in ended.err
    assert not Restriction.objects.exists()


def test_what_is_odd_is_said(shell: Shell) -> None:
    shell("restriction", "add", "client", "reject_rbl_client", "dnsbl.sorbs.net")
    said = "smtpd_client_restrictions: reject_rbl_client dnsbl.sorbs.net asks a DNS list that is dead."
    assert shell("check_restrictions").out.startswith(said)
    (odd,) = shell("check_restrictions", "--json").json["oddities"]
    assert odd["where"] == "smtpd_client_restrictions"


def test_an_open_relay_from_before_the_constraint_is_said(shell: Shell) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE restrictions_restriction DISABLE TRIGGER USER")
    Restriction.objects.create(stage="relay", position=1, name="permit")
    ended = shell("check_restrictions")
    assert (ended.code, ended.out) == (1, "")
    assert "an open relay: permit in smtpd_relay_restrictions" in ended.err
