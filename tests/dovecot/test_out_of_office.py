"""Who is out of office answers: a real message, a real Sieve script, a real answer through Postfix."""

from datetime import timedelta
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

import pytest
from django.utils import timezone

from mailboxes.models import Mailbox
from mailboxes.out_of_office import delete_out_of_office, set_out_of_office
from mailboxes.renaming import rename_address
from mailboxes.services import change_mailbox
from tests.plugins.dovecot import Dovecot
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import OUTSIDE, decoded, eventually

FRIEND = "friend@else.example"


@pytest.fixture(scope="module")
def mail(dovecot: Dovecot) -> Dovecot:
    add_domain("home.example")
    add_domain("twin.example", "alias_domain", target="home.example")
    add_domain("else.example")
    for name in ("friend", "other"):
        add_mailbox(f"{name}@else.example")
    return dovecot


def away(name: str, **values: Any) -> Mailbox:
    mailbox = add_mailbox(f"{name}@home.example")
    set_out_of_office(mailbox, **{"text": "I am away.", **values}, by=TESTER)
    return mailbox


def write(
    mail: Dovecot, to: str, *, sender: str = FRIEND, about: str = "Lunch", shown_to: str = "", **more: str
) -> None:
    """A message as a mail program sends it, delivered when this returns."""
    headers = {"From": sender or "daemon@else.example", "To": shown_to or to, "Subject": about, **more}
    text = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    with mail.postfix.session(OUTSIDE) as session:
        for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>"):
            code, answer = decoded(session.docmd(command))
            assert code == 250, answer
        code, answer = decoded(session.data(f"{text}\r\nHello\r\n"))
    assert code == 250, answer
    assert [one.status for one in mail.postfix.deliveries(answer.rsplit(" ", 1)[1])] == ["sent"], mail.log()


def answers(mail: Dovecot, to: str = "friend") -> list[Message]:
    """What came back so far, once nothing is on its way."""
    queue = mail.postfix.base / "queue"

    def is_empty() -> bool:
        return not any(
            path.is_file() for name in ("incoming", "active", "maildrop") for path in (queue / name).rglob("*")
        )

    eventually(is_empty, "the queue to be empty")
    found = mail.postfix.maildir(f"else.example/{to}/")
    mail.postfix.empty_mail()
    return found


def test_it_works(mail: Dovecot) -> None:
    away("anna", subject="Bin im Urlaub, 休暇", text='Zurück am 4. Januar.\n"Grüße" \\ 敬具')
    write(mail, "anna@home.example")
    (answer,) = answers(mail)
    assert answer["From"] == "anna@home.example"
    assert answer["To"] == f"<{FRIEND}>"
    assert answer["Return-Path"] == "<>"
    assert answer["Auto-Submitted"] == "auto-replied (vacation)"
    assert str(make_header(decode_header(answer["Subject"]))) == "Bin im Urlaub, 休暇"
    text = answer.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert text.decode().splitlines() == ["Zurück am 4. Januar.", '"Grüße" \\ 敬具']


def test_a_sender_is_answered_once(mail: Dovecot) -> None:
    ben = away("ben")
    write(mail, str(ben))
    write(mail, str(ben), about="Dinner")
    assert [answer["Subject"] for answer in answers(mail)] == ["Auto: Lunch"]
    write(mail, str(ben), sender="other@else.example")
    assert len(answers(mail, "other")) == 1


def test_the_message_itself_arrives(mail: Dovecot) -> None:
    carl = away("carl")
    write(mail, str(carl))
    assert [message["Subject"] for message in mail.postfix.maildir(carl.mail_path)] == ["Lunch"]
    answers(mail)


@pytest.mark.parametrize(
    ("name", "begins", "ends", "is_answered"), [("d1", -1, 1, True), ("d2", 1, 2, False), ("d3", -2, -1, False)]
)
def test_only_between_its_times(mail: Dovecot, name: str, begins: int, ends: int, is_answered: bool) -> None:
    now = timezone.now()
    write(mail, str(away(name, starts_at=now + timedelta(hours=begins), ends_at=now + timedelta(hours=ends))))
    assert bool(answers(mail)) is is_answered


def test_a_change_acts_at_the_next_message(mail: Dovecot) -> None:
    emma = away("emma", active=False)
    write(mail, str(emma))
    assert answers(mail) == []
    set_out_of_office(emma, active=True, by=TESTER)
    write(mail, str(emma))
    set_out_of_office(emma, text="Still away.", by=TESTER)
    write(mail, str(emma))
    texts = [str(answer.get_payload()).strip() for answer in answers(mail)]
    assert sorted(texts) == ["I am away.", "Still away."]
    delete_out_of_office(emma.out_of_office, by=TESTER)
    write(mail, str(emma), sender="other@else.example")
    assert answers(mail, "other") == []


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("f1", {"List_Id": "<talk.else.example>"}),
        ("f2", {"Precedence": "bulk"}),
        ("f3", {"Auto_Submitted": "auto-replied"}),
    ],
)
def test_lists_bulk_and_other_answers_get_none(mail: Dovecot, name: str, header: dict[str, str]) -> None:
    write(mail, str(away(name)), **header)
    assert answers(mail) == []


def test_bounces_get_none(mail: Dovecot) -> None:
    """Nobody is there to be answered; nor is who was written to without being named."""
    gina = away("gina")
    write(mail, str(gina), sender="")
    write(mail, str(gina), shown_to="undisclosed@else.example")
    assert answers(mail) == []
    assert answers(mail, "other") == []


@pytest.mark.parametrize(
    "address",
    ["desk@home.example", "hans@twin.example", "desk@twin.example", "far@else.example", "hans+shop@home.example"],
)
def test_whoever_wrote_to_an_alias_is_answered(mail: Dovecot, address: str) -> None:
    if not Mailbox.objects.filter(address__local_part="hans").exists():
        away("hans")
        add_alias("desk@home.example", "hans@home.example")
        add_alias("far@else.example", "desk@home.example")
    set_out_of_office(Mailbox.objects.get(address__local_part="hans"), text=f"To {address}", by=TESTER)
    write(mail, address)
    assert [answer["From"] for answer in answers(mail)] == ["hans@home.example"]


def test_a_new_address_keeps_its_answer(mail: Dovecot) -> None:
    ida = away("ida")
    rename_address(ida.address, ida.address.domain, "ina", by=TESTER)
    write(mail, "ina@home.example")
    assert [answer["From"] for answer in answers(mail)] == ["ina@home.example"]


def test_an_mbox_and_a_strange_address(mail: Dovecot) -> None:
    mailbox = add_mailbox('"o\\"brien \\\\ x"@home.example', mail_format="mbox")
    set_out_of_office(mailbox, text="Away", by=TESTER)
    write(mail, str(mailbox))
    (answer,) = answers(mail)
    assert "brien" in answer["From"]


def test_who_takes_no_mail_answers_none(mail: Dovecot) -> None:
    jan = away("jan")
    change_mailbox(jan, receives=False, by=TESTER)
    assert mail.postfix.rcpt(str(jan)).code == 550
