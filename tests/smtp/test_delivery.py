"""What is accepted, and where each copy goes: the reply of smtpd and the to= of the mail log."""

import pytest

from mailboxes.models import Mailbox
from tests.plugins.mail_stack import Postfix

ALICE = "alice@home.example"
FRIEND = "friend@elsewhere.example"

ACCEPTED = {
    "a mailbox": ("alice@home.example", ALICE),
    "a mailbox in upper case": ("ALICE@HOME.EXAMPLE", "ALICE@HOME.EXAMPLE"),
    "a plus-address": ("alice+news@home.example", "alice+news@home.example"),
    "a mailbox with the delimiter in its name": ("a+b@home.example", "a+b@home.example"),
    "a mailbox that begins with the delimiter": ("+plus@home.example", "+plus@home.example"),
    "a quoted mailbox": ('"john doe"@home.example', '"john doe"@home.example'),
    "a quoted mailbox with a plus-address": ('"john doe+news"@home.example', '"john doe+news"@home.example'),
    "a plain name in quotes": ('"alice"@home.example', ALICE),
    "an apostrophe": ("o'brien@home.example", "o'brien@home.example"),
    "an apostrophe with a plus-address": ("o'brien+news@home.example", "o'brien+news@home.example"),
    "a comma": ('"com,ma"@home.example', '"com,ma"@home.example'),
    "a backslash": (r'"back\\slash"@home.example', r'"back\\slash"@home.example'),
    "a quote": (r'"qu\"ote"@home.example', r'"qu\"ote"@home.example'),
    "an alias": ("team@home.example", ALICE, "o'brien@home.example", '"john doe"@home.example'),
    "an alias in upper case": ("Team@Home.Example", ALICE, "o'brien@home.example", '"john doe"@home.example'),
    "an alias with a plus-address": (
        "team+news@home.example",
        "alice+news@home.example",
        "o'brien+news@home.example",
        '"john doe+news"@home.example',
    ),
    "an alias that keeps its own copy": ("copy@home.example", ALICE, FRIEND, "copy@home.example"),
    "an alias that keeps its own copy, with a plus-address": (
        "copy+news@home.example",
        "alice+news@home.example",
        "friend+news@elsewhere.example",
        "copy+news@home.example",
    ),
    "an alias to a plus-address": ("list@home.example", "alice+list@home.example"),
    "an alias to elsewhere": ("away@home.example", "Someone.Else@elsewhere.example"),
    "an inactive alias beside a mailbox": ("kept@home.example", "kept@home.example"),
    "an active alias beside an inactive mailbox": ("moved@home.example", ALICE),
    "an alias domain": ("alice@alias.example", ALICE),
    "an alias domain, plus-address": ("alice+news@alias.example", "alice+news@home.example"),
    "an alias domain, delimiter in the name": ("a+b@alias.example", "a+b@home.example"),
    "an alias domain, quoted": ('"john doe"@alias.example', '"john doe"@home.example'),
    "an alias domain, comma": ('"com,ma"@alias.example', '"com,ma"@home.example'),
    "an alias domain, backslash": (r'"back\\slash"@alias.example', r'"back\\slash"@home.example'),
    "an alias domain, own copy": ("copy@alias.example", ALICE, FRIEND, "copy@home.example"),
    "a mailbox beside a catch-all": ("known@all.example", "known@all.example"),
    "a mailbox beside a catch-all, plus-address": ("known+news@all.example", "known+news@all.example"),
    "a mailbox beside a catch-all, delimiter in the name": ("x+y@all.example", "x+y@all.example"),
    "an alias beside a catch-all": ("info@all.example", "known@all.example"),
    "a catch-all": ("anyone@all.example", ALICE),
    "a catch-all, plus-address without a base": ("anyone+news@all.example", ALICE),
    "a catch-all, quoted": ('"any one"@all.example', ALICE),
    "a catch-all through an alias domain": ("anyone@all-alias.example", ALICE),
    "a mailbox beside a catch-all through an alias domain": ("known@all-alias.example", "known@all.example"),
    "a domain to a domain": ("alice@brand.example", ALICE),
    "a domain to a domain, plus-address": ("alice+news@brand.example", "alice+news@home.example"),
    "a domain to a domain, delimiter in the name": ("a+b@brand.example", "a+b@home.example"),
    "a domain to a domain, alias": ("list@brand.example", "alice+list@home.example"),
    "a domain to a domain, own copy": ("copy@brand.example", ALICE, FRIEND, "copy@home.example"),
    "a domain to an alias domain": ("alice@brand-of-alias.example", ALICE),
    "a domain to a domain with a catch-all": ("anyone@to-all.example", ALICE),
    "a domain to a domain elsewhere": ("anyone@to-elsewhere.example", "anyone@elsewhere.example"),
    "an address of its own beside a domain to a domain": ("sales@brand.example", ALICE),
}

MAILBOX_TABLE = "User unknown in virtual mailbox table"
ALIAS_TABLE = "User unknown in virtual alias table"
LOCAL_TABLE = "User unknown in local recipient table"
RELAY = "Relay access denied"

REFUSED = {
    "nobody": ("nobody@home.example", 550, MAILBOX_TABLE),
    "nobody with a plus-address": ("nobody+news@home.example", 550, MAILBOX_TABLE),
    "the first half of a name with the delimiter": ("a@home.example", 550, MAILBOX_TABLE),
    "another second half of such a name": ("a+c@home.example", 550, MAILBOX_TABLE),
    "an inactive mailbox": ("blocked@home.example", 550, MAILBOX_TABLE),
    "an inactive alias": ("retired@home.example", 550, MAILBOX_TABLE),
    "an inactive mailbox under a catch-all": ("blocked@all.example", 550, MAILBOX_TABLE),
    "an inactive mailbox under a catch-all, plus-address": ("blocked+news@all.example", 550, MAILBOX_TABLE),
    "an inactive alias under a catch-all": ("off@all.example", 550, MAILBOX_TABLE),
    "nobody in an alias domain": ("nobody@alias.example", 550, ALIAS_TABLE),
    "an inactive mailbox in an alias domain": ("blocked@alias.example", 550, ALIAS_TABLE),
    "an inactive mailbox under a catch-all, in an alias domain": ("blocked@all-alias.example", 550, ALIAS_TABLE),
    "nobody in a domain to a domain": ("nobody@brand.example", 550, ALIAS_TABLE),
    "nobody with a plus-address in a domain to a domain": ("nobody+news@brand.example", 550, ALIAS_TABLE),
    "an inactive mailbox in a domain to a domain": ("blocked@brand.example", 550, ALIAS_TABLE),
    "an inactive alias in a domain to a domain": ("retired@brand.example", 550, ALIAS_TABLE),
    "nobody in a domain to an alias domain": ("nobody@brand-of-alias.example", 550, ALIAS_TABLE),
    "an inactive mailbox under the catch-all of the other domain": ("blocked@to-all.example", 550, ALIAS_TABLE),
    "an inactive catch-all": ("anyone@sleeping.example", 550, ALIAS_TABLE),
    "nobody on this machine": ("no-such-person@mx.example.net", 550, LOCAL_TABLE),
    "an inactive local alias": ("quiet@mx.example.net", 550, LOCAL_TABLE),
    "a foreign domain": ("alice@elsewhere.example", 554, RELAY),
    "a subdomain": ("alice@sub.home.example", 554, RELAY),
    "an inactive domain": ("someone@closed.example", 554, RELAY),
    "an inactive alias domain": ("alice@off-alias.example", 554, RELAY),
    "an alias domain of an inactive domain": ("someone@closed-alias.example", 554, RELAY),
    "a route by percent sign": ("someone%elsewhere.example@home.example", 554, RELAY),
    "a route in quotes": ('"someone@elsewhere.example"@home.example', 554, RELAY),
}


@pytest.mark.parametrize("addresses", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_it_is_accepted_and_goes_to(mail: Postfix, addresses: tuple[str, ...]) -> None:
    recipient, *copies = addresses
    deliveries = mail.send(recipient)
    assert [(delivery.to, delivery.status) for delivery in deliveries] == sorted((copy, "sent") for copy in copies)


@pytest.mark.parametrize(("recipient", "code", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused(mail: Postfix, recipient: str, code: int, reason: str) -> None:
    reply = mail.rcpt(recipient)
    assert reply.code == code, reply
    assert reason in reply.text


def test_every_mailbox_is_delivered_into_its_own_files(mail: Postfix) -> None:
    for mailbox in Mailbox.objects.receiving().filter(address__domain__active=True, address__alias=None):
        mail.empty_mail()
        mail.make_folder(mailbox.address.domain.name)
        deliveries = mail.send(str(mailbox), text=f"for {mailbox}")
        assert [delivery.status for delivery in deliveries] == ["sent"], deliveries
        files = mail.maildir(mailbox.mail_path) if mailbox.mail_format == "maildir" else mail.mbox(mailbox.mail_path)
        assert [message["Subject"] for message in files] == [f"for {mailbox}"]
