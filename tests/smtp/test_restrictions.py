"""Restriction lists and classes in a real smtpd: it knows every name, never says 451 4.3.5, and is no open relay.

postconf(1) does not notice a name that smtpd does not know; only a client that meets it does."""

import os
import re
from collections.abc import Callable, Generator
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from domains.models import Domain
from mailboxes.models import Address
from mailservers.simulation import Question, verdict_on
from restrictions.access_models import AccessRule, AccessTable, RecipientClass
from restrictions.access_services import add_rule, add_table, choose_class
from restrictions.catalogue import CATALOGUE, NAMES, STAGES, Argument, kind_asked_by, parameter_of
from restrictions.lists import Lists
from restrictions.main_cf import what_is_written
from restrictions.models import Restriction, RestrictionClass
from restrictions.oddities import oddities
from restrictions.services import ASK_BY_THEMSELVES, add_class, add_restriction, load_recommended, set_list
from tests.plugins import example_mail
from tests.plugins.example_mail import TESTER
from tests.plugins.mail_stack import Postfix, decoded

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
    RecipientClass.objects.all().delete()
    AccessRule.objects.all().delete()
    Restriction.objects.all().delete()
    AccessTable.objects.all().delete()
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


@pytest.mark.parametrize("active", [True, False])
def test_who_does_not_greet_passes_no_helo_list(mail: Postfix, active: bool) -> None:
    """While a HELO list asks something, main.cf has smtpd_helo_required; the simulation agrees."""
    add_restriction("helo", "reject_non_fqdn_helo_hostname", active=active, by=TESTER)
    mail.configure()
    assert ("smtpd_helo_required = yes" in (mail.conf / "main.cf").read_text()) is active
    for helo, code in (("", 503 if active else 250), ("mail.example.net", 250), ("nodots", 504 if active else 250)):
        assert reply_to(mail, NOBODY, OURS, helo=helo)[0] == code
        verdict = verdict_on(Question(client=CLIENT, helo=helo, sender=NOBODY, recipients=(OURS,)))
        assert verdict.answers[-1].code == code


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


# Seconds of waiting prove nothing more, and no table has fingerprints.
SOME = [name for name in CATALOGUE if name not in ("sleep", "check_ccert_access")]
ASKING = [name for name in SOME if CATALOGUE[name].argument == Argument.TABLE]
OFTEN_ASKING = [*ASK_BY_THEMSELVES, "check_reverse_client_hostname_access", "check_sender_mx_access"]
CLASSES = ("alpha", "beta", "gamma")
TABLES = {"hosts": "client", "names": "helo", "friends": "sender", "people": "recipient"}
# What the sessions of the test bring along. Servers are found without DNS, behind an address in brackets.
CLIENT, HELO = "192.0.2.7", "[192.0.2.7]"
NOBODY = ""  # the null sender
SENDERS = ("someone@[192.0.2.7]", NOBODY)
MET = {
    "client": ("192.0.2.0/24", "192.0.2.7", "unknown"),
    "helo": ("[192.0.2.7]",),
    "sender": ("someone@", "<>"),
    "recipient": ("falcot.org", "jean@", "elsewhere.example", "somebody@"),
}
RECIPIENTS: dict[str, Callable[[], Address | Domain | None]] = {
    "everybody": lambda: None,
    "domain": lambda: Domain.objects.get(name="falcot.org"),
    "address": lambda: Address.objects.get(domain__name="falcot.org", local_part="jean"),
}
ANSWERS = {
    "OK": {},
    "REJECT": {},
    "DUNNO": {},
    "DEFER_IF_PERMIT": {},
    "LIST": {"text": "reject_non_fqdn_sender, permit_auth_destination"},
}


@st.composite
def an_entry(draw: st.DrawFn) -> dict[str, Any]:
    often = [*OFTEN_ASKING, *CLASSES, "reject_unauth_destination", "permit_mynetworks", "permit"]
    name = draw(st.one_of(st.sampled_from(often), st.sampled_from(often), st.sampled_from(SOME)))
    argument = ""
    if name in ASKING:
        kind = kind_asked_by(name)
        own = [""] if name in ASK_BY_THEMSELVES else []
        argument = draw(st.sampled_from([*own, *(table for table, about in TABLES.items() if about == kind)]))
    elif name in CATALOGUE:
        argument = draw(argument_of(CATALOGUE[name].argument))
    return {
        "name": name,
        "argument": argument,
        "warn_only": draw(st.integers(0, 4)) == 0,
        "active": draw(st.integers(0, 6)) > 0,
        "position": draw(st.sampled_from([None, None, 1, 2])),
    }


@st.composite
def a_rule(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(list(MET)))
    action = draw(st.sampled_from(["OK", "CLASS", "CLASS", "CLASS", *ANSWERS]))
    return {
        "table": draw(st.sampled_from(["", *(table for table, about in TABLES.items() if about == kind)])),
        "applies_to": kind,
        "key": draw(st.sampled_from(MET[kind])),
        "action": action,
        "of_class": draw(st.sampled_from(CLASSES)) if action == "CLASS" else "",
        **ANSWERS.get(action, {}),
    }


def save(place: str, values: Any) -> None:
    """One piece of a policy, through its service."""
    if place == "rule":
        table = AccessTable.objects.filter(name=values["table"]).first()
        of_class = RestrictionClass.objects.filter(name=values["of_class"]).first()
        add_rule(**(values | {"table": table, "of_class": of_class}), by=TESTER)
    elif place in RECIPIENTS:
        choose_class(RECIPIENTS[place](), values, by=TESTER)
    else:
        one = RestrictionClass.objects.filter(name=place).first()
        add_restriction(one or place, **values, by=TESTER)


PIECE = st.one_of(
    st.tuples(st.sampled_from(STAGES), an_entry()),
    st.tuples(st.sampled_from(CLASSES), an_entry()),
    st.tuples(st.just("rule"), a_rule()),
    st.tuples(st.just("rule"), a_rule()),
    st.tuples(st.sampled_from(list(RECIPIENTS)), st.sampled_from(CLASSES)),
)
# Each alone would be 451 for everybody; the last piece is refused.
ANSWERED = {"table": "", "applies_to": "recipient", "key": "falcot.org", "action": "CLASS", "of_class": "alpha"}
PERMITTED = {"table": "hosts", "applies_to": "client", "key": "192.0.2.7", "action": "OK", "of_class": ""}
A_CIRCLE = [
    ("alpha", {"name": "check_recipient_access"}),
    ("relay", {"name": "check_recipient_access"}),
    ("rule", ANSWERED),
]
A_PERMISSION = [
    ("client", {"name": "check_reverse_client_hostname_access", "argument": "hosts"}),
    ("rule", PERMITTED),
]
EXAMPLES = int(os.environ.get("TEST_POLICIES", "25"))


@settings(
    max_examples=EXAMPLES,
    derandomize="TEST_POLICIES" not in os.environ,  # the same on every machine; others for whoever asks for more
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@example(pieces=A_CIRCLE, guarded=True)
@example(pieces=A_PERMISSION, guarded=True)
@given(pieces=st.lists(PIECE, min_size=10, max_size=30), guarded=st.booleans())
def test_whatever_is_saved_works_and_relays_for_no_stranger(
    mail: Postfix, pieces: list[tuple[str, Any]], guarded: bool
) -> None:
    """Piece by piece in any order, other ones each time; what closes a circle, may permit where smtpd takes no
    permission, or opens a relay is refused, and the rest counts."""
    delete_all()
    for name in CLASSES:
        add_class(name, by=TESTER)
    for name, kind in TABLES.items():
        add_table(name, kind, by=TESTER)
    if guarded:  # so that more may stand in the recipient list
        set_list("relay", [{"name": "reject_unauth_destination"}], by=TESTER)
    for place, values in pieces:
        with suppress(ValidationError):
            save(place, values)
    oddities(Lists.current())
    mail.configure()
    note("\n".join(f"{one.name} = {one.value}" for one in what_is_written()))
    note("\n".join(f"{one.table or one.applies_to}: {one.key} {one.result}" for one in AccessRule.objects.all()))
    since = len(mail.log())
    replies = [(recipient, reply_to(mail, sender, recipient)) for sender in SENDERS for recipient in (OURS, ELSEWHERE)]
    assert all(code >= 400 for recipient, (code, _text) in replies if recipient == ELSEWHERE), replies
    assert not [text for _recipient, (_code, text) in replies if "4.3.5" in text], replies
    assert complaints(mail, since) == []


def reply_to(mail: Postfix, sender: str, recipient: str, *, helo: str = HELO) -> tuple[int, str]:
    """Of the first command that is refused; the message itself comes too, where it is taken."""
    with mail.connection() as smtp:
        smtp.ehlo()
        assert smtp.docmd("XCLIENT", f"NAME=[UNAVAILABLE] ADDR={CLIENT}")[0] == 220
        if helo:
            smtp.docmd("HELO", helo)
        said = decoded(smtp.docmd("MAIL", f"FROM:<{sender}>"))
        if said[0] == 250:
            said = decoded(smtp.docmd("RCPT", f"TO:<{recipient}>"))
        if recipient == OURS and said[0] == 250:
            said = decoded(smtp.docmd("DATA"))
            if said[0] == 354:
                smtp.send("Subject: x\r\n\r\nx\r\n.\r\n")
                said = decoded(smtp.getreply())
    return said


def test_the_random_policies_are_worth_it() -> None:
    assert {*SOME, "sleep", "check_ccert_access"} == set(NAMES)
    assert {kind_asked_by(name) for name in ASKING} == set(TABLES.values()) == set(MET)
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
