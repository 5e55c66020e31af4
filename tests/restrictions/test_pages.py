"""The Restrictions page: lists as sentences, moved by buttons, with what is odd and what main.cf gets."""

import html
import re
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from domains.models import Domain
from mailboxes.models import Alias
from restrictions.access_services import add_rule, protect_alias
from restrictions.models import Restriction, RestrictionClass
from restrictions.services import add_class, add_restriction, set_list
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER, add_domain
from tests.plugins.people import words_of

AGAIN = "Write the configuration again on the mail host"
BASE = "/restrictions/"


def entry(name: str) -> Restriction:
    return Restriction.objects.get(name=name)


def test_it_works(alice_client: Client) -> None:
    row = {"name": "reject_rbl_client", "argument": "zen.spamhaus.org=127.0.0.[2..11]", "active": "on"}
    response = alice_client.post(f"{BASE}add/client/", row, follow=True)
    assert response.redirect_chain == [("/restrictions/#client", 302)]
    words = words_of(response)
    assert "Added reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]." in words
    assert AGAIN in words
    assert "Refuse Refuses clients that are on a DNS block list." in words
    assert "smtpd_client_restrictions = reject_rbl_client zen.spamhaus.org=127.0.0.[2..11]" in words


def main_cf_of(client: Client) -> str:
    """What the page shows of it, as somebody who copies it into main.cf gets it."""
    (shown,) = re.findall(r'<pre class="text sheet".*?>(.*?)</pre>', client.get(BASE).content.decode(), re.DOTALL)
    return html.unescape(re.sub("<.*?>", "", shown))


def test_main_cf_is_what_postfix_config_writes(alice_client: Client, falcot: Domain, tmp_path: Path) -> None:
    """With the panel's own entries, each with why. Line by line the same as in the fragment."""
    one = add_class("strict", [{"name": "reject_non_fqdn_sender", "warn_only": True}], by=TESTER)
    add_restriction(one, "check_policy_service", argument="inet:127.0.0.1:9, default_action=DUNNO", by=TESTER)
    names = ("reject_unauth_destination", "strict", "check_sender_access")
    set_list("recipient", [{"name": name} for name in names], by=TESTER)
    alias = Alias.objects.get(address__local_part="contact")
    protect_alias(alias, "members", (), by=TESTER)
    add_rule("sender", "spam.example", "REJECT", domain=falcot, by=TESTER)
    call_command("postfix_config", output=str(tmp_path), stdout=StringIO())
    fragment = (tmp_path / "main.cf.mailadmin").read_text().replace(str(tmp_path), "…")
    written = dict(line.split(" = ", 1) for line in fragment.splitlines() if " = " in line and line[0] != "#")
    shown: dict[str, list[str]] = {}
    why: dict[str, str] = {}
    comment = ""
    for line in main_cf_of(alice_client).strip().splitlines():
        if line.endswith(" ="):
            shown[name := line.removesuffix(" =")] = []
        elif line.lstrip().startswith("#"):
            comment = line.strip()
        else:
            shown[name].append(line.strip().removesuffix(","))
            why[shown[name][-1]] = comment
            comment = ""
    protected, rules = f"Writers_{alias.protected.pk}", f"Senders_{falcot.pk}"
    assert set(shown) >= {"smtpd_restriction_classes", "Signed_in", protected, rules, "strict"}
    room = "check_policy_service { unix:private/quota-status, default_action=DUNNO }"
    for name, lines in shown.items():
        known = [line for line in lines if line not in ("…", room)]
        assert ", ".join(known) == written[name] or written[name].endswith(", ".join(["", *known]))
    first, second, third, *theirs = shown["smtpd_recipient_restrictions"]
    assert first == "check_recipient_access proxy:pgsql:…/suspended_domains.cf"
    assert second.startswith("check_recipient_access proxy:pgsql:…/recipient_classes-")
    assert "suspended domains" in why[first]
    assert "chooses the class" in why[second]
    assert "--with-dovecot" in why[third]
    assert theirs[:2] == ["reject_unauth_destination", "strict"]
    assert f"# Made by the panel: who may write to {alias}.\n{protected} =" in main_cf_of(alice_client)
    assert "# Made by the panel: the rules of falcot.org about senders." in main_cf_of(alice_client)
    assert shown["smtpd_restriction_classes"][0] == "…"


def test_main_cf_names_what_stays_with_the_host(alice_client: Client, db: None) -> None:
    shown = main_cf_of(alice_client)
    assert "smtpd_recipient_restrictions =" in shown
    assert shown.strip().endswith("# What the mail host has here stays.\n    …")


def test_many_classes_of_the_panel_are_not_all_shown(alice_client: Client, falcot: Domain) -> None:
    for number in range(25):
        add_domain(f"d{number}.example")
        add_rule("sender", "spam.example", "REJECT", domain=Domain.objects.get(name=f"d{number}.example"), by=TESTER)
    shown = main_cf_of(alice_client)
    assert shown.count("\n    Senders_") == 20
    assert "# Made by the panel: 5 more like these." in shown


def test_the_api_says_the_same(alice: User, falcot: Domain) -> None:
    protect_alias(Alias.objects.get(address__local_part="contact"), "members", (), by=TESTER)
    shown = {one["name"]: one["value"] for one in Api(token_for(alice)).get("restriction-preview/")["parameters"]}
    assert shown["smtpd_recipient_restrictions"].startswith(
        "check_recipient_access proxy:pgsql:{directory}/suspended_domains.cf, check_recipient_access"
    )
    assert "Signed_in" in shown["smtpd_restriction_classes"]


def test_nothing_is_there_at_first(alice_client: Client) -> None:
    words = words_of(alice_client.get(BASE))
    assert "The panel writes no list yet: those of the mail host stand." in words
    response = alice_client.post(f"{BASE}recommended/", follow=True)
    assert "Loaded the recommended lists: client, HELO, sender, relay, recipient, data." in words_of(response)
    assert "Not an open relay" in words_of(response)
    again = alice_client.post(f"{BASE}recommended/", follow=True)
    assert "Every stage has a list already." in words_of(again)


def test_buttons_move_an_entry(alice_client: Client) -> None:
    set_list("helo", [{"name": "permit_mynetworks"}, {"name": "reject"}], by=TESTER)
    html = alice_client.get(BASE).content.decode()
    assert 'aria-label="Move 2 up: reject"' in html
    response = alice_client.post(f"{BASE}{entry('reject').pk}/move/", {"to": "1"}, follow=True)
    words = words_of(response)
    assert "Moved reject." in words
    assert "Entry 2, permit_mynetworks, is never reached: reject before it decides about everybody." in words


@pytest.mark.parametrize("to", ["", "-1", "up", "99999", "²"])
def test_a_place_is_a_number(alice_client: Client, to: str) -> None:
    set_list("helo", [{"name": "permit_mynetworks"}, {"name": "reject"}], by=TESTER)
    assert alice_client.post(f"{BASE}{entry('reject').pk}/move/", {"to": to}).status_code == 404


def test_an_open_relay_is_refused_in_words(alice_client: Client) -> None:
    set_list("relay", [{"name": "reject_unauth_destination"}, {"name": "permit"}], by=TESTER)
    guard = entry("reject_unauth_destination")
    moved = alice_client.post(f"{BASE}{guard.pk}/move/", {"to": "2"}, follow=True)
    assert "Strangers could send mail elsewhere, an open relay: permit in smtpd_relay_restrictions" in words_of(moved)
    deleted = alice_client.post(f"{BASE}{guard.pk}/delete/")
    assert "Not deleted Strangers could send mail elsewhere" in words_of(deleted)
    changed = alice_client.post(f"{BASE}{guard.pk}/", {"name": guard.name, "active": "on", "warn_only": "on"})
    assert "Nothing was saved Strangers could send mail elsewhere" in words_of(changed)
    assert [one.name for one in Restriction.objects.all()] == ["reject_unauth_destination", "permit"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "This cannot be empty."),
        ({"name": "reject_typo"}, "Select a valid choice."),
        ({"name": "reject_rbl_client", "argument": "bücher.example"}, "This is no DNS list."),
        ({"name": "permit", "argument": "all"}, "This restriction takes no argument."),
    ],
)
def test_what_is_wrong_is_said_at_the_field(alice_client: Client, typed: dict[str, str], sentence: str) -> None:
    response = alice_client.post(f"{BASE}add/client/", typed)
    assert sentence in words_of(response)
    assert not Restriction.objects.exists()


def test_a_class(alice_client: Client) -> None:
    response = alice_client.post(f"{BASE}classes/add/", {"name": "greylisting"}, follow=True)
    one = RestrictionClass.objects.get()
    assert response.redirect_chain == [(f"{BASE}classes/{one.pk}/", 302)]
    assert "This class has no active entry, so it does nothing." in words_of(response)
    service = {"name": "check_policy_service", "argument": "inet:127.0.0.1:10023", "active": "on"}
    alice_client.post(f"{BASE}classes/{one.pk}/add/", service)
    alice_client.post(f"{BASE}add/data/", {"name": "greylisting", "active": "on"})
    words = words_of(alice_client.get(BASE))
    assert "greylisting check_policy_service inet:127.0.0.1:10023 Named in: smtpd_data_restrictions" in words
    refused = alice_client.post(f"{BASE}classes/{one.pk}/delete/")
    assert "greylisting is named in smtpd_data_restrictions. Take it out there first." in words_of(refused)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("permit", "Postfix uses this word itself."),
        ("Strict", "A class has a name of small letters, digits and _"),
        ("there", "There is a restriction class of this name already."),
    ],
)
def test_a_bad_name_of_a_class(alice_client: Client, name: str, sentence: str) -> None:
    add_class("there", by=TESTER)
    assert sentence in words_of(alice_client.post(f"{BASE}classes/add/", {"name": name}))
    assert RestrictionClass.objects.count() == 1
