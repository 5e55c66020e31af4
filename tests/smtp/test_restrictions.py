"""Restriction lists and classes in a real smtpd: it knows every name, never says 451 4.3.5, and is no open relay.

postconf(1) does not notice a name that smtpd does not know; only a client that meets it does."""

import os
import re
from collections.abc import Generator
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from restrictions.catalogue import CATALOGUE, NAMES, STAGES, Argument, parameter_of
from restrictions.lists import Lists
from restrictions.main_cf import what_is_written
from restrictions.models import Restriction, RestrictionClass
from restrictions.oddities import oddities
from restrictions.services import add_class, load_recommended, set_list
from tests.plugins import example_mail
from tests.plugins.example_mail import TESTER
from tests.plugins.mail_stack import Postfix

OURS, ELSEWHERE = "jean@falcot.org", "somebody@elsewhere.example"
# What smtpd complains about: a name or an argument that it does not take; not a server that is away, or what is odd.
NO_COMPLAINT = "|".join(
    [
        "RBL lookup error",
        "connect to",
        "problem talking",
        "is ignored",
        "is requested, but",
        "Unable to look up",
        "no SASL",
    ]
)
COMPLAINT = re.compile(rf"smtpd\[\d+\]: (?:fatal|warning): (?!.*(?:{NO_COMPLAINT})).*")
ARGUMENTS = {
    Argument.NONE: "",
    Argument.ZONE: "zen.example=127.0.0.[2..11;20]",
    Argument.SERVICE: "{ inet:127.0.0.1:9, default_action=DUNNO, try_limit=1, timeout=1s }",
    Argument.SECONDS: "1",
    Argument.TABLE: "static:DUNNO",
}


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None) -> Generator[Postfix, None, None]:
    example_mail.falcot()
    postfix.configure()
    yield postfix
    delete_all()
    postfix.configure()


@pytest.fixture(autouse=True)
def no_lists(mail: Postfix) -> Generator[None, None, None]:
    yield
    delete_all()


def delete_all() -> None:
    Restriction.objects.all().delete()
    RestrictionClass.objects.all().delete()


def complaints(mail: Postfix, since: int) -> list[str]:
    return COMPLAINT.findall(mail.log()[since:])


def test_it_works(mail: Postfix) -> None:
    load_recommended(by=TESTER)
    mail.configure()
    written = (mail.conf / "main.cf").read_text()
    assert "# the relay list of the panel, all of it\nsmtpd_relay_restrictions = permit_mynetworks," in written
    assert "# suspended domains, then the recipient list of the panel" in written
    assert mail.rcpt(OURS).code == 250
    assert mail.rcpt(ELSEWHERE).text.endswith("Relay access denied")
    assert mail.rcpt("somebody@[").code >= 500
    assert mail.rcpt(ELSEWHERE, client="127.0.0.1").code == 250
    assert mail.rcpt(OURS, sender="nobody-there@falcot.org").code == 550


def test_without_lists_the_host_decides(mail: Postfix) -> None:
    mail.configure()
    written = (mail.conf / "main.cf").read_text()
    assert "smtpd_client_restrictions" not in written
    assert "smtpd_restriction_classes" not in written
    assert "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination" in written


def test_smtpd_knows_every_name(mail: Postfix) -> None:
    """Each name is a class of its own, which a table hands to a recipient of its own."""
    classes = {f"only_{name}": f"{name} {ARGUMENTS[Argument(known.argument)]}" for name, known in CATALOGUE.items()}
    rows = ", ".join(f"{{ {name}@falcot.org = only_{name} }}" for name in NAMES)
    mail.configure()
    mail.override(
        smtpd_restriction_classes=", ".join(classes),
        smtpd_recipient_restrictions=f"check_recipient_access inline:{{ {rows} }}, reject_unauth_destination",
        **classes,
    )
    since = len(mail.log())
    said = {name: mail.rcpt(f"{name}@falcot.org") for name in NAMES}
    assert {name: reply for name, reply in said.items() if "4.3.5" in reply.text} == {}
    assert complaints(mail, since) == []


def test_a_name_that_smtpd_does_not_know_would_be_noticed(mail: Postfix) -> None:
    mail.configure(smtpd_recipient_restrictions="reject_typo, reject_unauth_destination")
    since = len(mail.log())
    assert mail.rcpt(OURS).text.startswith("4.3.5")
    assert complaints(mail, since)


@pytest.mark.parametrize("stage", STAGES)
def test_every_name_that_belongs_there_stands_in_a_list(mail: Postfix, stage: str) -> None:
    """All of them, each only warning where it could refuse, so that smtpd comes to the next."""
    entries = [
        {"name": name, "argument": ARGUMENTS[Argument(known.argument)], "warn_only": not known.permits}
        for name, known in CATALOGUE.items()
        if stage in known.stages and known.argument != Argument.TABLE and not known.may_permit
    ]
    set_list("relay", [{"name": "permit_mynetworks"}, {"name": "reject_unauth_destination"}], by=TESTER)
    if stage != "relay":
        set_list(stage, entries, by=TESTER)
    mail.configure()
    since = len(mail.log())
    message = mail.accept(OURS, client="192.0.2.7")
    assert message
    assert complaints(mail, since) == []


def test_a_class(mail: Postfix) -> None:
    add_class("cautious", [{"name": "reject_non_fqdn_sender"}, {"name": "permit"}], by=TESTER)
    add_class("hollow", by=TESTER)
    set_list("relay", [{"name": "reject_unauth_destination"}], by=TESTER)
    set_list("recipient", [{"name": "hollow"}, {"name": "cautious"}, {"name": "reject"}], by=TESTER)
    mail.configure()
    assert mail.rcpt(OURS).code == 250
    assert mail.rcpt(OURS, sender="somebody@nowhere").code == 504


def test_too_early_commands_are_refused_at_data(mail: Postfix) -> None:
    set_list("data", [{"name": "reject_unauth_pipelining"}], by=TESTER)
    mail.configure()
    with mail.session() as smtp:
        smtp.docmd("MAIL", "FROM:<someone@example.net>")
        assert smtp.docmd("RCPT", f"TO:<{OURS}>")[0] == 250
        smtp.send("DATA\r\nSubject: too early\r\n")
        code, text = smtp.getreply()
    assert (code, b"Improper use of SMTP command pipelining" in text) == (503, True)


def test_the_commands_keep_the_classes_of_the_host(mail: Postfix) -> None:
    add_class("strict", [{"name": "reject_non_fqdn_sender"}], by=TESTER)
    set_list("sender", [{"name": "strict"}], by=TESTER)
    mail.override(smtpd_restriction_classes="own, theirs", own="permit", theirs="reject")
    for _twice in range(2):
        written = mail.install()
        assert "smtpd_restriction_classes = own, theirs, strict\n" in written
        assert "strict = reject_non_fqdn_sender\n" in written
        assert "smtpd_sender_restrictions = strict\n" in written
    assert mail.rcpt(OURS, sender="somebody@nowhere").code == 504


def test_the_commands_write_a_recipient_list_of_the_panel_alone(mail: Postfix) -> None:
    set_list("recipient", [{"name": "reject_unauth_destination"}], by=TESTER)
    mail.override(smtpd_recipient_restrictions="reject_non_fqdn_recipient")
    (line,) = (line for line in mail.install().splitlines() if line.startswith("smtpd_recipient_restrictions"))
    ours = f"check_recipient_access proxy:pgsql:{mail.maps}/suspended_domains.cf"
    assert line == f"smtpd_recipient_restrictions = {ours}, reject_unauth_destination"


# Random lists and classes, as services save them


def argument_of(kind: str) -> st.SearchStrategy[str]:
    choices = {
        Argument.ZONE: ["zen.example", "zen.example=127.0.0.[2..11]", "a_b.example=127.0.[0;1].2"],
        Argument.SERVICE: ["inet:127.0.0.1:9, default_action=DUNNO, try_limit=1, timeout=1s"],
        Argument.SECONDS: ["1"],
    }
    return st.sampled_from(choices.get(Argument(kind), [""]))


# Seconds of waiting prove nothing more.
SOME = [name for name, known in CATALOGUE.items() if known.argument != Argument.TABLE and name != "sleep"]
CLASSES = ("alpha", "beta", "gamma")


@st.composite
def an_entry(draw: st.DrawFn, classes: tuple[str, ...]) -> dict[str, Any]:
    name = draw(st.sampled_from([*SOME, *classes, "reject_unauth_destination", "permit_mynetworks", "permit"]))
    return {
        "name": name,
        "argument": draw(argument_of(CATALOGUE[name].argument)) if name in CATALOGUE else "",
        "warn_only": draw(st.booleans()),
        "active": draw(st.integers(0, 4)) > 0,
    }


@st.composite
def a_policy(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Classes name only those before them, stages all; some are an open relay, and are refused."""
    policy = {name: draw(st.lists(an_entry(CLASSES[:number]), max_size=4)) for number, name in enumerate(CLASSES)}
    return policy | {stage: draw(st.lists(an_entry(CLASSES), max_size=5)) for stage in STAGES}


EXAMPLES = int(os.environ.get("TEST_POLICIES", "25"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(policy=a_policy())
def test_whatever_is_saved_works_and_relays_for_no_stranger(mail: Postfix, policy: dict[str, Any]) -> None:
    delete_all()
    for name in CLASSES:
        add_class(name, policy[name], by=TESTER)
    # The relay and recipient lists guard each other, so the order in which they are saved matters.
    for stage in STAGES:
        try:
            set_list(stage, policy[stage], by=TESTER)
        except ValidationError:
            guard = [{"name": "reject_unauth_destination"}, *policy[stage]]
            set_list(stage, guard, by=TESTER)
    oddities(Lists.current())
    mail.configure()
    note("\n".join(f"{one.name} = {one.value}" for one in what_is_written()))
    since = len(mail.log())
    replies = [mail.rcpt(OURS), mail.rcpt(ELSEWHERE), mail.rcpt(ELSEWHERE, sender="")]
    assert all(reply.code >= 400 for reply in replies[1:]), replies
    assert not [reply for reply in replies if "4.3.5" in reply.text], replies
    assert complaints(mail, since) == []


def test_the_random_policies_are_worth_it() -> None:
    assert set(SOME) | {"sleep"} | {name for name in NAMES if name.startswith("check_")} == set(NAMES)
    assert parameter_of(STAGES[-1]) == "smtpd_end_of_data_restrictions"


def written_with(name: str, mail: Postfix) -> str:
    """The map that main.cf names when there is one class more."""
    add_class(name, by=TESTER)
    (line,) = (line for line in mail.install().splitlines() if line.startswith("smtpd_recipient_restrictions"))
    return re.findall(r"check_recipient_access-\w+\.cf", line)[0]


def maps_of(mail: Postfix) -> set[str]:
    return {path.name for path in mail.maps.glob("check_recipient_access-*.cf")}


def test_maps_of_earlier_runs_go_when_no_main_cf_names_them(mail: Postfix) -> None:
    """Those of the run before stay: a process that has not ended yet still reads them."""
    set_list("recipient", [{"name": "reject_unauth_destination"}, {"name": "check_recipient_access"}], by=TESTER)
    first, second = written_with("one", mail), written_with("two", mail)
    assert maps_of(mail) == {first, second}
    (mail.maps / "writers_99.cf").write_text("# protected no longer\n")
    add_class("never_installed", by=TESTER)
    call_command("postfix_config", output=str(mail.maps), stdout=StringIO())
    assert len(maps_of(mail)) == 3
    assert maps_of(mail) > {first, second}
    fourth = written_with("four", mail)
    assert maps_of(mail) == {second, fourth}
    assert not (mail.maps / "writers_99.cf").exists()
    assert mail.rcpt(OURS).code == 250


def test_maps_that_another_instance_names_stay(mail: Postfix) -> None:
    """MULTI_INSTANCE_README: the other instances of the host stand in multi_instance_directories."""
    set_list("recipient", [{"name": "reject_unauth_destination"}, {"name": "check_recipient_access"}], by=TESTER)
    first = written_with("first", mail)
    others = [mail.base / name for name in ("without", "with")]
    for other in others:
        other.mkdir()
        (other / "master.cf").write_text("")
        (other / "main.cf").write_text(f"transport_maps = pgsql:{mail.maps}/{first}\n" if other.name == "with" else "")
    mail.override(multi_instance_directories="{}, {}".format(*others))
    try:
        second, third = written_with("second", mail), written_with("third", mail)
        assert maps_of(mail) == {first, second, third}
        mail.override(multi_instance_directories=str(others[0]))
        fourth = written_with("fourth", mail)
        assert maps_of(mail) == {third, fourth}
    finally:
        mail.configure()
