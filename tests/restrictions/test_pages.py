"""The Restrictions page: lists as sentences, moved by buttons, with what is odd and what main.cf gets."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from domains.models import Domain
from mailboxes.models import Address
from mailboxes.services import add_alias, add_mailbox
from mailservers.main_cf import fragment
from mailservers.postfix_host import PostfixHost
from restrictions.access_services import add_rule, add_table, choose_class, protect_alias
from restrictions.models import Restriction, RestrictionClass
from restrictions.services import add_class, change_restriction, set_list
from tests.plugins.example_mail import TESTER
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


def test_what_can_be_chosen(alice_client: Client) -> None:
    words = words_of(alice_client.get(f"{BASE}add/sender/"))
    sentence = "Looks up the addresses of the sender's domain in an access table."
    assert f"check_sender_a_access (since Postfix 3.0): {sentence}" in words
    assert "or the name of an access table" in words


@pytest.mark.parametrize("has_own_list", [True, False])
def test_it_shows_what_postfix_config_writes(alice_client: Client, falcot: Domain, has_own_list: bool) -> None:
    add_table("partners", "client", by=TESTER)
    add_class("strict", by=TESTER)
    set_list(
        "client", [{"name": "check_client_access"}, {"name": "check_client_access", "argument": "partners"}], by=TESTER
    )
    if has_own_list:
        set_list("recipient", [{"name": "reject_unauth_destination"}, {"name": "strict"}], by=TESTER)
    for number in range(8):
        protect_alias(add_alias(falcot, f"all{number}", ["jean@example.net"], by=TESTER), "members", by=TESTER)

    lines = fragment(PostfixHost(directory="…", with_local_users=False)).splitlines()
    written = dict(
        line.split(" = ", 1) for line in lines if line.startswith(("smtpd_", "Writers_", "Signed_in", "strict"))
    )
    words = words_of(alice_client.get(BASE))
    writers = [name for name in written if name.startswith("Writers_")]
    assert len(writers) == 8
    classes = written.pop("smtpd_restriction_classes")
    assert classes == ", ".join(["Signed_in", *writers, "strict"])
    assert f"smtpd_restriction_classes = {', '.join(['Signed_in', *writers[:5], 'strict', '…'])}" in words
    written.pop("smtpd_sender_login_maps")
    for name in writers[5:]:
        assert name not in words
        del written[name]
    assert len(written) == 9
    for name, value in written.items():
        assert f"{name} = {value}" in words, name
    assert "# suspended domains" in words
    assert "# made by the panel: who may write to all0@falcot.org" in words


def test_who_meets_a_class(alice_client: Client, falcot: Domain) -> None:
    strict = add_class("strict", by=TESTER)
    add_class("lonely", by=TESTER)
    for number in range(2):
        add_mailbox(falcot, f"m{number}", by=TESTER)
    for place in (*Address.objects.filter(local_part__in=["m0", "m1"]), falcot, None):
        choose_class(place, "strict", by=TESTER)
    add_rule("sender", "spam.example", "CLASS", of_class=strict, by=TESTER)
    for url in (BASE, strict.get_absolute_url()):
        assert "Chosen for: 2 addresses, 1 domain, everybody else, 1 access rule" in words_of(alice_client.get(url))
    words = words_of(alice_client.get(BASE))
    assert words.count("Chosen for:") == 1
    assert "check_recipient_access: No restriction list asks this table yet." in words
    assert "check_sender_access: No restriction list asks this table yet." in words
    set_list(
        "client", [{"name": "check_recipient_access"}, {"name": "check_sender_access", "active": False}], by=TESTER
    )
    words = words_of(alice_client.get(BASE))
    assert "check_recipient_access: No restriction" not in words
    assert "check_sender_access: No restriction list asks this table yet." in words


def test_who_chooses_what_no_list_asks_is_told(alice_client: Client, falcot: Domain) -> None:
    add_class("strict", by=TESTER)
    unasked = "No restriction list asks this table yet. Add check_recipient_access to a list."
    page = f"/domains/{falcot.name}/restrictions/"
    assert unasked in words_of(alice_client.post(page, {"class-of_class": "strict"}, follow=True))
    assert unasked not in words_of(alice_client.post(page, {"class-of_class": ""}, follow=True))
    rule = {"key": f"jean@{falcot.name}", "action": "REJECT", "active": "on"}
    assert unasked in words_of(alice_client.post(f"{page}add/recipient/", rule, follow=True))
    rule["key"] = "spam.example"
    assert "No restriction list" not in words_of(alice_client.post(f"{page}add/sender/", rule, follow=True))


def test_many_entries_take_no_more_questions(alice_client: Client, db: None) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert "check_client_access" in words_of(alice_client.get(BASE))
        return len(queries)

    add_class("strict", by=TESTER)
    set_list("client", [{"name": "check_client_access"}], by=TESTER)
    few = asked()
    for number in range(9):
        add_table(f"own{number}", "client", by=TESTER)
    set_list("helo", [{"name": "check_client_access", "argument": f"own{number}"} for number in range(9)], by=TESTER)
    assert asked() == few <= 13


def test_nothing_is_there_at_first(alice_client: Client) -> None:
    words = words_of(alice_client.get(BASE))
    assert "The panel writes no list yet: those of the mail host stand." in words
    response = alice_client.post(f"{BASE}recommended/", follow=True)
    assert "Loaded the recommended lists: client, HELO, sender, relay, recipient, data." in words_of(response)
    assert "Not an open relay" in words_of(response)
    again = alice_client.post(f"{BASE}recommended/", follow=True)
    assert "Every stage has a list already." in words_of(again)


@pytest.mark.parametrize("act", ["move", "delete"])
def test_what_somebody_else_changed_meanwhile_stays(alice_client: Client, act: str) -> None:
    set_list("data", [{"name": "reject_unauth_pipelining"}, {"name": "reject"}], by=TESTER)
    seen = entry("reject")
    field = f'name="version" value="{seen.version}"'
    page = BASE if act == "move" else f"{BASE}{seen.pk}/delete/"
    assert field in alice_client.get(page).content.decode()
    change_restriction(seen, comment="Why it stays", by=TESTER)
    said = {"to": "1", "version": str(seen.version)}
    response = alice_client.post(f"{BASE}{seen.pk}/{act}/", said, follow=True)
    assert "Somebody else changed this" in words_of(response)
    assert [str(one) for one in Restriction.objects.of_stage("data")] == ["reject_unauth_pipelining", "reject"]


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
