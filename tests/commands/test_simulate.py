"""`simulate` says what smtpd will answer by the restrictions of the panel, and which rule decides."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from mailboxes.models import Alias, Mailbox
from mailboxes.services import change_mailbox
from restrictions.access_models import ProtectedAlias
from restrictions.access_services import add_rule, add_table, protect_alias
from restrictions.models import Restriction, RestrictionClass
from restrictions.services import add_class, add_restriction, delete_restriction
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox

pytestmark = pytest.mark.django_db


OPTIONS = {
    "sender": "from",
    "recipients": "to",
    "login": "sasl",
    "networks": "network",
    "policy_services": "policy",
    "verified": "verify",
    "parameters": "set",
}


def simulate(*words: str, **options: Any) -> str:
    out = StringIO()
    for name, value in options.items():
        values = value if isinstance(value, list) else [value]
        words += tuple(f"--{OPTIONS.get(name, name)}={one}" for one in values)
    call_command("simulate", *words, stdout=out)
    return out.getvalue()


def session(**more: Any) -> dict[str, Any]:
    return {"client": "203.0.113.5", "helo": "mail.example.net", "sender": "x@example.net"} | more


@pytest.fixture(autouse=True)
def lists(db: None) -> None:
    add_domain("falcot.org")
    add_mailbox("jean@falcot.org")
    greylisting = add_class("greylisting", by=TESTER)
    add_restriction(greylisting, "check_policy_service", argument="inet:127.0.0.1:10023", by=TESTER)
    add_restriction("client", "reject_rbl_client", argument="zen.example", warn_only=True, by=TESTER)
    add_restriction("relay", "reject_unauth_destination", by=TESTER)
    add_restriction("relay", "permit_mynetworks", position=1, by=TESTER)
    add_restriction("recipient", "greylisting", by=TESTER)


def test_it_works() -> None:
    said = simulate(**session(recipients=["jean@falcot.org"]))
    assert "RCPT jean@falcot.org: 250 2.1.5 Ok" in said
    assert "inet:127.0.0.1:10023: DUNNO (assumed)" in said


def test_the_rule_that_decides_is_named() -> None:
    options = session(recipients=["jean@falcot.org", "x@elsewhere.example"])
    services, dns = ["inet:127.0.0.1:10023=DEFER_IF_PERMIT Greylisted"], ["zen.example=127.0.0.2"]
    found = json.loads(simulate("--json", **options, policy_services=services, dns=dns))
    greylisted, foreign = [answer for answer in found["answers"] if answer["command"] == "RCPT"]
    assert greylisted["reply"] == "450 4.7.1 <jean@falcot.org>: Recipient address rejected: Greylisted"
    assert greylisted["where"] == "recipient 1 > greylisting 1"
    assert (foreign["decided_by"], foreign["where"]) == ("reject_unauth_destination", "relay 2")
    assert "blocked using zen.example" in greylisted["warnings"][0]


def test_a_place_has_the_number_that_the_list_has() -> None:
    """So what simulate calls 3, `restriction delete … 3` deletes: inactive ones count, what the panel adds does not."""
    add_alias("staff@falcot.org", "jean@falcot.org")
    protect_alias(Alias.objects.get(), "members", (), by=TESTER)
    for name in ("reject_non_fqdn_recipient", "permit_sasl_authenticated", "reject_unlisted_recipient"):
        add_restriction("recipient", name, active=name != "permit_sasl_authenticated", by=TESTER)
    delete_restriction(Restriction.objects.get(stage="recipient", of_class__isnull=False), by=TESTER)
    add_restriction("recipient", "greylisting", position=1, by=TESTER)
    out = StringIO()
    call_command("restriction", "list", "recipient", "--json", stdout=out)
    listed = {row["name"]: row["place"] for row in json.loads(out.getvalue())}
    assert listed["reject_unlisted_recipient"] == 4
    found = json.loads(simulate("--json", **session(recipients=["staff@falcot.org", "nobody@falcot.org"])))
    steps = [step for answer in found["answers"] for step in answer["steps"] if step["where"].startswith("recipient")]
    shown = {step["restriction"].partition(" ")[0]: step["where"] for step in steps}
    assert shown["check_policy_service"] == "recipient 1 > greylisting 1"
    assert shown["reject_non_fqdn_recipient"] == f"recipient {listed['reject_non_fqdn_recipient']}" == "recipient 2"
    assert shown["check_recipient_access"] == "recipient"
    assert shown["check_sender_access"] == "recipient > Writers_" + str(ProtectedAlias.objects.get().pk)
    assert found["answers"][-1]["where"] == "recipient 4"


def replies(*words: str, **options: Any) -> list[str]:
    found = json.loads(simulate("--json", *words, **options))
    return [answer["reply"][:3] for answer in found["answers"] if answer["command"] == "RCPT"]


def test_at_submission_its_own_lists_are_walked() -> None:
    """What main.cf has against strangers does not concern who has signed in."""
    add_restriction("sender", "reject", by=TESTER)
    add_restriction("helo", "reject", by=TESTER)
    elsewhere = session(sender="jean@falcot.org", recipients=["x@elsewhere.example"])
    assert replies(**elsewhere, login="jean@falcot.org") == ["554"]
    assert replies("--submission", **elsewhere, login="jean@falcot.org") == ["250"]
    assert replies("--submission", **elsewhere) == ["553"], "nobody has signed in"
    foreign = session(sender="anna@falcot.org", recipients=["x@elsewhere.example"])
    add_mailbox("anna@falcot.org")
    assert replies("--submission", **foreign, login="jean@falcot.org") == ["553"]
    said = simulate("--submission", **elsewhere, login="jean@falcot.org")
    assert "unix:private/quota-status: DUNNO (assumed)" in said
    full = ["unix:private/quota-status=552 5.2.2 Full"]
    assert replies("--submission", **elsewhere, login="jean@falcot.org", policy_services=full) == ["552"]


def test_who_was_stopped_sends_nothing_even_from_nobody() -> None:
    stopped = session(sender="<>", recipients=["x@elsewhere.example"], login="jean@falcot.org")
    assert replies("--submission", **stopped) == ["250"]
    change_mailbox(Mailbox.objects.get(), sends=False, by=TESTER)
    assert replies("--submission", **stopped) == ["553"]


def test_encryption_and_a_reverse_name_are_stated() -> None:
    add_restriction("client", "reject_plaintext_session", by=TESTER)
    add_restriction("client", "reject_unknown_reverse_client_hostname", by=TESTER)
    to_jean = session(recipients=["jean@falcot.org"])
    assert replies(**to_jean) == ["450"]
    assert replies("--tls", **to_jean) == ["450"]
    assert replies("--tls", "--reverse-name=dsl.example.net", **to_jean) == ["250"]


def test_one_of_us_may_send_elsewhere() -> None:
    said = simulate(**session(client="192.0.2.9", networks=["192.0.2.0/24"], recipients=["x@elsewhere.example"]))
    assert "permit_mynetworks permits. 192.0.2.9 is in mynetworks." in said


def test_who_is_not_there_is_refused() -> None:
    said = simulate(**session(recipients=["nobody@falcot.org"]))
    assert "550 5.1.1 <nobody@falcot.org>: Recipient address rejected: User unknown in virtual mailbox table" in said


def test_what_main_cf_says_is_stated_and_told() -> None:
    """Told where it had a part in the verdict, and only there."""
    options = session(recipients=["x@elsewhere.example"])
    said = simulate(**options)
    assert "RCPT x@elsewhere.example: 554 5.7.1" in said
    assert "relay_domains_reject_code: 554 (the default of Postfix)" in said
    assert "mynetworks: 127.0.0.0/8, ::1/128 (assumed)" in said
    assert "access_map_reject_code" not in said
    assert "smtpd_helo_required" not in said
    said = simulate(**options, parameters=["relay_domains_reject_code=550", "soft_bounce = YES", "reject_code=454"])
    assert "RCPT x@elsewhere.example: 450 4.7.1" in said
    assert "relay_domains_reject_code: 550 (as you said)" in said
    assert "soft_bounce: yes (as you said)" in said
    assert "\nreject_code" not in said


def test_an_action_that_is_the_default_of_others() -> None:
    add_restriction("sender", "reject_unknown_sender_domain", by=TESTER)
    options = session(recipients=["x@elsewhere.example"], dns=["example.net=down"])
    assert replies(**options) == ["554"]
    assert replies(**options, parameters=["reject_tempfail_action=defer"]) == ["450"]
    own = ["unknown_address_tempfail_action=defer_if_permit", "reject_tempfail_action=defer"]
    assert replies(**options, parameters=own) == ["554"]


def test_nobody_signs_in_at_port_25_unless_it_is_said() -> None:
    add_restriction("sender", "reject_sender_login_mismatch", by=TESTER)
    options = session(sender="jean@falcot.org", recipients=["jean@falcot.org"])
    assert replies(**options) == ["250"]
    assert "smtpd_sasl_auth_enable: no (the default of Postfix)" in simulate(**options)
    assert replies(**options, parameters=["smtpd_sasl_auth_enable=yes"]) == ["553"]
    assert "smtpd_sasl_auth_enable" not in simulate("--submission", **options, login="jean@falcot.org")


def test_an_unknown_parameter_is_answered_with_those_that_are_known() -> None:
    with pytest.raises(CommandError, match="does not know what message_size_limit changes. It knows: .*soft_bounce"):
        simulate(**session(recipients=["jean@falcot.org"]), parameters=["message_size_limit=1"])


def test_an_inactive_entry_says_nothing() -> None:
    Restriction.objects.filter(of_class=RestrictionClass.objects.get()).update(active=False)
    assert "inet:127.0.0.1:10023" not in simulate(**session(recipients=["jean@falcot.org"]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"client": "here"},
        {"dns": ["zen"]},
        {"dns": ["zen=x"]},
        {"verified": ["a@b.example=no"]},
        {"networks": ["x"]},
        {"parameters": ["soft_bounce"]},
        {"parameters": ["soft_bounce=maybe"]},
        {"parameters": ["reject_code=250"]},
        {"parameters": ["reject_code=521"]},
        {"parameters": ["reject_code=0554"]},
        {"parameters": ["unverified_sender_defer_code=550"]},
        {"parameters": ["unknown_address_tempfail_action=reject"]},
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match="“"):
        simulate(**session(recipients=["jean@falcot.org"]) | wrong)


def test_servers_of_other_domains() -> None:
    """Stated ones are looked up in the table; of what nobody stated nothing applies."""
    table = add_table("banned", "client", by=TESTER)
    add_rule("client", "bulk.example", "REJECT", text="5.7.1 Not from there", table=table, by=TESTER)
    add_restriction("sender", "check_sender_mx_access", argument="banned", by=TESTER)
    options = session(recipients=["jean@falcot.org"])
    assert "servers of example.net: in no table (assumed)" in simulate(**options)
    said = simulate(**options, dns=["example.net=mx:mail.bulk.example"])
    assert "554 5.7.1 <x@example.net>: Sender address rejected: Not from there" in said


def test_a_certificate_and_a_backup_mx() -> None:
    options = session(recipients=["x@elsewhere.example"])
    assert "554 5.7.1" in simulate(**options)
    add_restriction("relay", "permit_tls_clientcerts", position=1, by=TESTER)
    assert "250 2.1.5 Ok" in simulate(**options, certificate="AA:BB:CC")
    assert "554 5.7.1" in simulate(**options)
    add_restriction("recipient", "permit_mx_backup", position=1, by=TESTER)
    said = simulate(**options, certificate="AA:BB:CC", dns=["elsewhere.example=mx:mx.elsewhere.example mx:this"])
    assert "This server is a backup MX of elsewhere.example." in said


def test_a_domain_in_its_own_script_is_the_one_that_is_stored() -> None:
    add_domain("bücher.example")
    add_mailbox("Team@xn--bcher-kva.example")
    told = {"client": "203.0.113.5", "helo": "Bücher.example", "sender": "x@bücher.example"}
    said = simulate(**told, recipients=["team@bücher.example"])
    assert "RCPT team@xn--bcher-kva.example: 250 2.1.5 Ok" in said
    assert "MAIL x@xn--bcher-kva.example: 250 2.1.0 Ok" in said
    with pytest.raises(CommandError, match="cannot be written in the DNS"):
        simulate(**told, recipients=["team@☃️.example"])
