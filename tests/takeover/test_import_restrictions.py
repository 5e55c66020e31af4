"""import_postfix: restriction lists, classes and access tables as people write them come in whole, or stay with the
host with a sentence."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import ChangeSet
from mailboxes.undo import undo_change_set
from restrictions.access_models import AccessRule, AccessTable
from restrictions.access_services import add_rule, add_table
from restrictions.models import Restriction, RestrictionClass
from restrictions.services import add_class, change_class, set_list
from takeover.kept_restriction_words import sentence_of_kept
from takeover.models import KeptParameter, Takeover
from tests.plugins.example_mail import TESTER
from tests.services.checks import nothing_changes
from tests.takeover.handwritten import Handwritten

Make = Callable[[str], Handwritten]


@pytest.fixture
def old(handwritten: Make, db: None) -> Handwritten:
    old = handwritten("old")
    old.main("")
    return old


def imported(old: Handwritten, main: str = "", **options: Any) -> dict[str, Any]:
    if main:
        old.main(main)
    out = io.StringIO()
    with contextlib.suppress(SystemExit):  # something is refused
        call_command("import_postfix", str(old.directory), json=True, stdout=out, **options)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def entries(stage: str) -> list[str]:
    return [_written(one) for one in Restriction.objects.of_stage(stage)]


def entries_of(name: str) -> list[str]:
    return [_written(one) for one in RestrictionClass.objects.get(name=name).entries.order_by("position")]


def _written(one: Restriction) -> str:
    return f"{'warn_if_reject ' if one.warn_only else ''}{one}"


def rules(table: str = "", kind: str = "") -> dict[str, str]:
    rows = AccessRule.objects.filter(table__name=table) if table else AccessRule.objects.filter(table__isnull=True)
    return {rule.key: rule.result for rule in (rows.filter(applies_to=kind) if kind else rows)}


FALCOT = """
smtpd_restriction_classes = greylisting, aggressive permissive
greylisting = check_policy_service inet:127.0.0.1:10023
aggressive = reject_rbl_client sbl-xbl.spamhaus.org, check_policy_service inet:127.0.0.1:10023
permissive = permit
smtpd_helo_required = yes
smtpd_client_restrictions = permit_mynetworks, warn_if_reject reject_unknown_client_hostname,
    check_client_access cidr:$config_directory/access_clientip,
    reject_rhsbl_reverse_client dbl.spamhaus.org, reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]
smtpd_helo_restrictions = permit_mynetworks, reject_invalid_helo_hostname,
    check_helo_access hash:$config_directory/access_helo, reject_non_fqdn_helo_hostname
smtpd_sender_restrictions = check_sender_access hash:$config_directory/access_sender,
    reject_unknown_sender_domain, reject_unlisted_sender, reject_non_fqdn_sender
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination, reject_unlisted_recipient
    check_recipient_access hash:$config_directory/access_recipient
smtpd_data_restrictions = reject_unauth_pipelining
"""
TABLES = {
    "access_clientip": "198.51.100.0/24 REJECT Not from there\n203.0.113.66 DUNNO\n203.0.113.0/24 DEFER\n",
    "access_helo": "# us\nfalcot.com REJECT You are not me\n192.0.2.1 OK\n",
    "access_sender": "spammer@example.net REJECT\n<> DUNNO\nbad.example 554 5.7.1 No\njean@ INFO hello\n",
    "access_recipient": "postmaster@falcot.com permissive\njoe@falcot.com aggressive\n"
    "sympa@falcot.com reject_unverified_sender\nfalcot.com greylisting\n",
}


def falcot(old: Handwritten) -> dict[str, Any]:
    for name, text in TABLES.items():
        old.write(name, text, "" if name == "access_clientip" else "hash")
    return imported(old, FALCOT)


def test_it_works(old: Handwritten) -> None:
    found = falcot(old)
    assert found["refused"] == []
    assert entries("client") == [
        "permit_mynetworks",
        "warn_if_reject reject_unknown_client_hostname",
        "check_client_access",
        "reject_rhsbl_reverse_client dbl.spamhaus.org",
        "reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]",
    ]
    assert entries("recipient")[-1] == "check_recipient_access"
    assert entries("data") == ["reject_unauth_pipelining"]
    assert entries_of("aggressive")[1] == "check_policy_service inet:127.0.0.1:10023"
    assert rules(kind="recipient") == {
        "postmaster@falcot.com": "permissive",
        "joe@falcot.com": "aggressive",
        "sympa@falcot.com": "reject_unverified_sender",
        "falcot.com": "greylisting",
    }
    assert rules(kind="client")["198.51.100.0/24"] == "REJECT Not from there"
    assert rules(kind="sender")["bad.example"] == "554 5.7.1 No"
    assert rules(kind="helo") == {"falcot.com": "REJECT You are not me", "192.0.2.1": "OK"}
    added = {key: found["added"][key] for key in ("restriction_lists", "restriction_classes", "access_tables")}
    assert added == {"restriction_lists": 6, "restriction_classes": 3, "access_tables": 4}
    assert found["added"]["access_rules"] == 13


class TestAgain:
    def test_a_second_run_changes_nothing(self, old: Handwritten) -> None:
        falcot(old)
        with nothing_changes():
            found = imported(old)
        assert (found["change_set"], found["refused"]) == (None, [])
        assert {key: number for key, number in found["added"].items() if number} == {}
        codes = {one["thing"]: one["code"] for one in found["became"] if one["code"] != "table"}
        assert set(codes.values()) == {"there"}
        assert Takeover.objects.count() == 1

    def test_only_to_see(self, old: Handwritten) -> None:
        for name, text in TABLES.items():
            old.write(name, text, "" if name == "access_clientip" else "hash")
        with nothing_changes():
            found = imported(old, FALCOT, dry_run=True)
        assert found["added"]["restriction_lists"] == 6
        assert not KeptParameter.objects.exists()

    def test_it_is_one_change_set_that_can_be_undone(self, old: Handwritten) -> None:
        falcot(old)
        (change_set,) = ChangeSet.objects.all()
        undo_change_set(change_set, by=TESTER)
        for model in (Restriction, RestrictionClass, AccessRule, AccessTable):
            assert not model._default_manager.exists()

    def test_what_an_earlier_import_only_kept(self, old: Handwritten) -> None:
        """As it was before lists came in: words of main.cf, and no row."""
        old.main("smtpd_helo_restrictions = reject_invalid_helo_hostname\n")
        value = "reject_invalid_helo_hostname"
        KeptParameter.objects.create(parameter="smtpd_helo_restrictions", value=value, entries=[value], tables=[])
        assert imported(old)["added"]["restriction_lists"] == 1
        assert entries("helo") == ["reject_invalid_helo_hostname"]

    def test_what_is_here_stays(self, old: Handwritten) -> None:
        set_list("helo", [{"name": "reject_non_fqdn_helo_hostname"}], by=TESTER)
        found = imported(
            old, "smtpd_helo_restrictions = reject_invalid_helo_hostname\nsmtpd_data_restrictions = reject\n"
        )
        assert entries("helo") == ["reject_non_fqdn_helo_hostname"]
        assert entries("data") == ["reject"]
        assert any("smtpd_helo_restrictions is here already with other entries" in one for one in found["remarks"])

    def test_a_class_that_was_changed_here_is_not_changed_back(self, old: Handwritten) -> None:
        falcot(old)
        permissive = RestrictionClass.objects.get(name="permissive")
        change_class(permissive, entries=[{"name": "reject_non_fqdn_sender"}], by=TESTER)
        with nothing_changes():
            found = imported(old)
        assert "permissive is here already with other entries, and stays as it is." in found["remarks"]


class TestNames:
    def test_a_class_that_the_panel_cannot_name_so(self, old: Handwritten) -> None:
        found = imported(
            old,
            "smtpd_restriction_classes = From-Free.Mail, mynetworks_style_, filter\n"
            "From-Free.Mail = reject_non_fqdn_sender\nmynetworks_style_ = permit\nfilter = From-Free.Mail, permit\n"
            "smtpd_helo_restrictions = filter\n",
        )
        assert found["refused"] == []
        assert entries("helo") == ["filter_class"]
        assert entries_of("filter_class") == ["from_free_mail", "permit"]
        assert "The class From-Free.Mail is called from_free_mail here." in found["remarks"]
        assert "The class filter is called filter_class here." in found["remarks"]

    def test_a_class_like_a_built_in_never_counts(self, old: Handwritten) -> None:
        found = imported(old, "smtpd_restriction_classes = reject\nreject = permit\nsmtpd_data_restrictions = reject\n")
        assert entries("data") == ["reject"]
        assert not RestrictionClass.objects.exists()
        assert any("so the class of this name never counts" in one for one in found["remarks"])

    def test_a_class_that_is_here_with_other_entries(self, old: Handwritten) -> None:
        add_class("strict", [{"name": "reject_non_fqdn_sender"}], by=TESTER)
        main = "smtpd_restriction_classes = strict\nstrict = reject\nsmtpd_data_restrictions = strict\n"
        with nothing_changes():
            found = imported(old, main)
        assert any("The class strict is here already with other entries." in one for one in found["refused"])
        found = imported(old, leave_out_refused=True)
        assert entries("data") == []
        assert entries_of("strict") == ["reject_non_fqdn_sender"]

    def test_one_file_for_several_is_several_tables(self, old: Handwritten) -> None:
        """Keys that are asked for nowhere are left out of each."""
        old.write("access", "192.0.2 REJECT\nspammer@example.net REJECT\nexample.com OK\n@bad.example REJECT\n", "hash")
        asked = "check_{0}_access hash:$config_directory/access"
        found = imported(
            old,
            f"smtpd_client_restrictions = {asked.format('client')}\n"
            f"smtpd_sender_restrictions = {asked.format('sender')}, {asked.format('recipient')}\n",
        )
        assert found["refused"] == []
        assert rules(kind="client") == {"192.0.2.0/24": "REJECT", "example.com": "OK"}
        assert rules(kind="sender") == {"spammer@example.net": "REJECT", "example.com": "OK"}
        assert f"{old.directory}/access, line 4: " in "".join(found["remarks"])

    def test_several_tables_have_the_names_of_their_files(self, old: Handwritten) -> None:
        old.write("Bad-Senders.txt", "bad.example REJECT\n", "hash")
        old.write("sender", "worse.example REJECT\n", "hash")
        imported(
            old,
            "smtpd_sender_restrictions = check_sender_access hash:$config_directory/Bad-Senders.txt,"
            " check_sender_access hash:$config_directory/sender\n",
        )
        assert entries("sender") == ["check_sender_access bad_senders_txt", "check_sender_access sender_table"]
        assert rules("bad_senders_txt") == {"bad.example": "REJECT"}

    def test_the_table_that_stands_by_itself_may_be_taken(self, old: Handwritten) -> None:
        add_rule("helo", "other.example", "REJECT", by=TESTER)
        add_table("access_helo", "helo", by=TESTER)
        old.write("access_helo", "falcot.com REJECT\n", "hash")
        main = "smtpd_helo_restrictions = check_helo_access hash:$config_directory/access_helo\n"
        imported(old, main)
        assert entries("helo") == ["check_helo_access access_helo_helo"]
        assert rules("access_helo_helo") == {"falcot.com": "REJECT"}

    def test_a_second_table_later_takes_nothing_away(self, old: Handwritten) -> None:
        first = "smtpd_sender_restrictions = check_sender_access inline:{a.example=REJECT}\n"
        imported(old, first)
        found = imported(old, f"{first}smtpd_data_restrictions = check_sender_access inline:{{b.example=REJECT}}\n")
        became = {one["thing"]: one["code"] for one in found["became"]}
        assert became["smtpd_sender_restrictions"] == "there"
        assert entries("data") == ["check_sender_access sender_table"]
        assert rules("sender_table") == {"b.example": "REJECT"}


class TestWords:
    """The ways in which main.cf may say the same."""

    def test_parameters_braces_and_blanks(self, old: Handwritten) -> None:
        found = imported(
            old,
            "our_list = zen.example=127.0.0.[2..11]\nfirst = reject_rbl_client ${our_list},\n"
            "  PERMIT_MYNETWORKS\n"
            "smtpd_client_restrictions = $first reject_unknown_client,\n"
            "  check_policy_service { inet:127.0.0.1:10023, timeout = 10s default_action=DUNNO }, $nothing\n"
            "  check_client_access inline:{ { 192.0.2.7 = REJECT no, thanks }, { example.net = OK } }, sleep 1\n"
            "smtpd_recipient_restrictions = permit_mynetworks reject_unauth_destination inline:{x@a.example=OK}\n",
        )
        assert found["refused"] == []
        assert entries("client") == [
            "reject_rbl_client zen.example=127.0.0.[2..11]",
            "permit_mynetworks",
            "reject_unknown_client_hostname",
            "check_policy_service inet:127.0.0.1:10023, timeout=10s, default_action=DUNNO",
            "check_client_access",
            "sleep 1",
        ]
        assert rules(kind="client") == {"192.0.2.7": "REJECT no, thanks", "example.net": "OK"}
        assert entries("recipient")[-1] == "check_recipient_access"

    def test_static(self, old: Handwritten) -> None:
        main = "smtpd_client_restrictions = check_client_access static:DUNNO, check_client_access static:OK, reject\n"
        assert imported(old, main)["refused"] == []
        assert entries("client") == ["permit", "reject"]

    @pytest.mark.parametrize("kind", ["hash", "btree", "lmdb", "cdb", "texthash"])
    def test_every_type(self, old: Handwritten, kind: str) -> None:
        old.write("table", "Example.NET REJECT\n2001:db8 OK\n2001 DUNNO\n", kind)
        imported(old, f"smtpd_client_restrictions = check_client_access {kind}:$config_directory/table\n")
        assert rules() == {"example.net": "REJECT", "2001:db8::/32": "OK", "2001::/16": "DUNNO"}

    def test_networks_of_which_the_first_counts(self, old: Handwritten) -> None:
        old.write("nets", "192.0.2.7 OK\n192.0.2.0/24 REJECT\n192.0.2.9 OK\n2001:db8::/32 DEFER\n10.0.0.1/8 OK\n")
        found = imported(old, "smtpd_client_restrictions = check_client_access cidr:$config_directory/nets\n")
        assert rules() == {"192.0.2.7": "OK", "192.0.2.0/24": "REJECT", "2001:db8::/32": "DEFER"}
        assert f"{old.directory}/nets, line 3: A line before it answers for all of “192.0.2.9”." in found["remarks"]
        assert any("nets, line 5: Postfix never asks for" in one for one in found["remarks"])

    def test_patterns_that_say_what_a_key_says(self, old: Handwritten) -> None:
        old.write("client", "/^192\\.0\\.2\\.7$/ REJECT\n/(^|\\.)bad\\.example$/ REJECT No\n")
        old.write("sender", "/[@.]bad\\.example$/ REJECT\n/@(.*\\.)?worse\\.example$/ DUNNO\n")
        imported(
            old,
            "smtpd_client_restrictions = check_client_access pcre:$config_directory/client\n"
            "smtpd_sender_restrictions = check_sender_access regexp:$config_directory/sender\n",
        )
        assert rules(kind="client") == {"192.0.2.7": "REJECT", "bad.example": "REJECT No"}
        assert rules(kind="sender") == {"bad.example": "REJECT", "worse.example": "DUNNO"}

    def test_results(self, old: Handwritten) -> None:
        results = {
            "ok and more": "OK",
            "20261128": "OK",
            "550": "OK",
            "dunno x": "DUNNO",
            "reject See http://x.example/": "REJECT See http://x.example/",
            "450 4.7.1 Later": "450 4.7.1 Later",
            "HOLD for us": "HOLD for us",
            "REDIRECT ann@example.org": "REDIRECT ann@example.org",
            "PREPEND X-A: b": "PREPEND X-A: b",
            "FILTER smtp:[127.0.0.1]:10025": "FILTER smtp:[127.0.0.1]:10025",
            "reject_unlisted_sender,Permit": "reject_unlisted_sender, permit",
            "strict": "strict",
        }
        keys = {f"{number}.example": result for number, result in enumerate(results)}
        old.write("table", "".join(f"{key} {result}\n" for key, result in keys.items()))
        found = imported(
            old,
            "smtpd_restriction_classes = strict\nstrict = reject\n"
            "smtpd_sender_restrictions = check_sender_access texthash:$config_directory/table\n",
        )
        assert found["refused"] == []
        assert rules() == {key: results[result] for key, result in keys.items()}


class TestNoOpenRelay:
    def test_a_list_that_relies_on_the_default_brings_it_along(self, old: Handwritten) -> None:
        old.write("access", "friend@falcot.com OK\n", "hash")
        found = imported(old, "smtpd_recipient_restrictions = check_recipient_access hash:$config_directory/access\n")
        assert found["refused"] == []
        assert entries("relay") == ["permit_mynetworks", "permit_sasl_authenticated", "defer_unauth_destination"]
        assert any("what Postfix has by default; it came along" in one for one in found["remarks"])

    def test_without_the_default_it_is_refused(self, old: Handwritten) -> None:
        main = (
            "smtpd_relay_restrictions =\n"
            "smtpd_recipient_restrictions = check_client_access inline:{192.0.2.7=OK}, reject_unauth_destination\n"
        )
        with nothing_changes():
            (sentence,) = imported(old, main)["refused"]
        assert "smtpd_recipient_restrictions stays in main.cf as it is: Strangers could send mail" in sentence
        assert not KeptParameter.objects.exists()
        imported(old, leave_out_refused=True)
        assert not Restriction.objects.exists()
        assert not AccessTable.objects.exists()
        assert not AccessRule.objects.exists()

    def test_they_guard_each_other(self, old: Handwritten) -> None:
        main = (
            "smtpd_relay_restrictions = permit_mynetworks, permit\n"
            "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination\n"
        )
        assert imported(old, main)["refused"] == []
        assert entries("relay") == ["permit_mynetworks", "permit"]


BAD = {
    "an unknown restriction": ("smtpd_data_restrictions = reject_typo\n", "Postfix knows no restriction “reject_typo”"),
    "a class without definition": (
        "smtpd_restriction_classes = missing\nsmtpd_data_restrictions = missing\n",
        "The class missing has no definition in main.cf",
    ),
    "an empty class": (
        "smtpd_restriction_classes = hollow\nhollow =\n",
        "hollow stays in main.cf as it is: The class hollow has no definition",
    ),
    "a class that leads to itself": (
        "smtpd_restriction_classes = one, two\none = two\ntwo = reject_non_fqdn_sender, one\n"
        "smtpd_data_restrictions = one\n",
        "leads back to itself",
    ),
    "a class that leads to itself through a table": (
        "smtpd_restriction_classes = one\none = check_sender_access inline:{a.example=one}\n"
        "smtpd_data_restrictions = one\n",
        "leads back to itself",
    ),
    "a table that is not there": (
        "smtpd_data_restrictions = check_sender_access hash:$config_directory/nothing\n",
        "nothing cannot be read: open database",
    ),
    "networks that are not there": (
        "smtpd_data_restrictions = check_client_access cidr:$config_directory/nothing\n",
        "nothing cannot be read.",
    ),
    "a text beyond ASCII": (
        "smtpd_data_restrictions = check_sender_access texthash:$config_directory/table\n",
        "table, line 1: “Нет” holds letters beyond ASCII",
    ),
    "a key beyond ASCII": (
        "smtpd_data_restrictions = check_sender_access texthash:$config_directory/key\n",
        "key, line 1: ",
    ),
    "a table without a name": ("smtpd_data_restrictions = check_sender_access\n", "check_sender_access stands without"),
    "a bare table in a class": (
        "smtpd_restriction_classes = one\none = inline:{a.example=OK}\n",
        "write before it which access table that is",
    ),
    "a bad port": ("smtpd_data_restrictions = check_policy_service inet:127.0.0.1:0\n", "This is no policy service."),
    "a zone with a bad range": (
        "smtpd_data_restrictions = reject_rbl_client a.example=127.0.0.[9..2]\n",
        "A range goes",
    ),
    "a result that is no action": (
        "smtpd_data_restrictions = check_sender_access inline:{a.example=reject_typo}\n",
        "Postfix knows no restriction “reject_typo”",
    ),
    "a result that names a service": (
        "smtpd_data_restrictions = check_sender_access inline:{{a.example=check_policy_service inet:127.0.0.1:1}}\n",
        "Postfix answers 451 to",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_sentence_and_changes_nothing(old: Handwritten, name: str) -> None:
    main, words = BAD[name]
    old.write("table", "a.example REJECT Нет\n")
    old.write("key", "бар.example REJECT no\n")
    more = "smtpd_helo_restrictions = reject_invalid_helo_hostname\n"
    with nothing_changes():
        found = imported(old, main + more)
    assert any(words in sentence for sentence in found["refused"]), found["refused"]
    assert not KeptParameter.objects.exists()
    imported(old, leave_out_refused=True)
    assert entries("data") == []
    assert entries("helo") == ["reject_invalid_helo_hostname"]


STAYS = {
    "a pattern": (
        "check_sender_access pcre:$config_directory/patterns",
        "patterns: “/^[a-z]{20}@/ REJECT” says more than",
    ),
    "a database": (
        "check_sender_access pgsql:/etc/postfix/own.cf",
        "What is in pgsql:/etc/postfix/own.cf cannot be listed.",
    ),
    "logins": ("check_sasl_access inline:{ann=REJECT}", "no table that check_sasl_access could ask"),
    "an action of its own": (
        "check_sender_access inline:{{a.example=DEFER_IF_REJECT later}}",
        "is an action that the panel does not have",
    ),
    "a code that the panel does not take": ("check_sender_access inline:{{a.example=571 5.7.1 No}}", ""),
    "a list with warnings": (
        "check_sender_access inline:{{a.example=warn_if_reject reject_unlisted_sender}}",
        "Make it a restriction class in main.cf",
    ),
    "a network that is too wide": ("check_client_access cidr:$config_directory/all", "is too wide"),
}


@pytest.mark.parametrize("name", STAYS)
def test_what_the_panel_cannot_say_stays_with_the_host(old: Handwritten, name: str) -> None:
    """The class and the list that need it too; the others come."""
    entry, words = STAYS[name]
    old.write("patterns", "/^[a-z]{20}@/ REJECT\n")
    old.write("all", "0.0.0.0/0 REJECT\n")
    found = imported(
        old,
        f"smtpd_restriction_classes = first\nfirst = {entry}\nsmtpd_sender_restrictions = permit_mynetworks, first\n"
        "smtpd_data_restrictions = reject_unauth_pipelining\n",
    )
    became = {one["thing"]: (one["code"], one["why"]) for one in found["became"]}
    assert became["first"][0] == became["smtpd_sender_restrictions"][0] == "stays"
    assert words in became["first"][1]
    assert "It needs the class first, which cannot come in." in became["smtpd_sender_restrictions"][1]
    assert not RestrictionClass.objects.exists()
    assert not AccessRule.objects.exists()
    assert entries("data") == ["reject_unauth_pipelining"]


def test_subdomains_that_match_by_themselves(old: Handwritten) -> None:
    """Without smtpd_access_maps in parent_domain_matches_subdomains, example.org is this name alone."""
    main = "parent_domain_matches_subdomains = relay_domains\nsmtpd_sender_restrictions = check_sender_access inline:{"
    found = imported(old, f"{main} a.example=REJECT }}\n")
    assert "a domain and those below it are two things" in found["became"][0]["why"]
    imported(old, f"{main} a.example=REJECT, .a.example=REJECT, x@b.example=OK }}\n")
    assert rules() == {"a.example": "REJECT", "x@b.example": "OK"}


def test_what_postfix_config_writes_does_not_come_back(old: Handwritten, folder: Path) -> None:
    """After the panel has written main.cf, the host's own part is what can come in."""
    falcot(old)
    call_command("postfix_config", output=str(folder / "written"), stdout=io.StringIO())
    new = Handwritten(folder / "new")
    new.main((folder / "written" / "main.cf.mailadmin").read_text())
    with nothing_changes():
        found = imported(new)
    assert found["refused"] == []
    codes = {one["thing"]: one["code"] for one in found["became"] if one["code"] not in ("table", "kept")}
    assert set(codes.values()) == {"there"}
    assert {"smtpd_recipient_restrictions", "greylisting"} <= set(codes)


def test_suspended_domains_alone_are_no_list(old: Handwritten, folder: Path) -> None:
    call_command("postfix_config", output=str(folder / "written"), stdout=io.StringIO())
    fragment = (folder / "written" / "main.cf.mailadmin").read_text()
    assert "suspended_domains.cf" in fragment
    found = imported(old, fragment)
    assert "restriction_lists" not in found["added"]
    assert not Restriction.objects.exists()


def test_the_page_says_what_became_of_each(old: Handwritten, alice_client: Client) -> None:
    old.write("patterns", "/^[a-z]{20}@/ REJECT\n")
    imported(
        old,
        "smtpd_sender_restrictions = check_sender_access pcre:$config_directory/patterns\n"
        "smtpd_helo_restrictions = check_helo_access inline:{a.example=REJECT}\nheader_checks = pcre:/etc/postfix/h\n",
    )
    text = alice_client.get(Takeover.objects.get().get_absolute_url()).content.decode()
    assert "smtpd_helo_restrictions came in." in text
    assert "is the access table of HELO names." in text
    assert "smtpd_sender_restrictions stays in main.cf as it is: pcre:" in text
    assert "header_checks is kept word for word, and stays in main.cf as it is." in text


def test_in_words(old: Handwritten) -> None:
    out, err = io.StringIO(), io.StringIO()
    old.main("smtpd_data_restrictions = reject_typo\n")
    with pytest.raises(SystemExit, match="1"):
        call_command("import_postfix", str(old.directory), stdout=out, stderr=err)
    assert "smtpd_data_restrictions stays in main.cf as it is: Postfix knows no restriction" in err.getvalue()
    assert "1 thing cannot come as it is. Nothing was changed." in err.getvalue()


def test_the_example_of_the_page(old: Handwritten) -> None:
    """docs/moving.md, line by line."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "moving.md").read_text()
    example = page.partition("## Restrictions")[2].split("```")[1]
    shown = [line.partition("  ")[2] for line in map(str.strip, example.strip().splitlines())]
    for name, text in TABLES.items():
        more = "\n@example.com REJECT\n" if name == "access_sender" else ""
        old.write(name, text + more, "" if name == "access_clientip" else "hash")
    old.main(f"{FALCOT}\nsmtpd_end_of_data_restrictions = check_sasl_access inline:{{ann=REJECT}}\n")
    out, err = io.StringIO(), io.StringIO()
    call_command("import_postfix", str(old.directory), stdout=out, stderr=err)
    said = (err.getvalue() + out.getvalue()).replace(str(old.directory), "/etc/postfix").splitlines()
    assert said[: len(shown) - 2] == shown[1:-1]


def test_every_code_has_words() -> None:
    for code in ("came", "there", "differs", "stays", "refused", "kept"):
        assert "x" in sentence_of_kept({"thing": "x", "code": code, "why": "y"})
    assert sentence_of_kept({"thing": "x", "code": "table", "why": "client a"}) == "x is the access table a."
