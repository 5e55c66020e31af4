"""smtpd_sender_login_maps: who may send as an envelope sender, all said in one answer."""

import pytest

from tests.plugins.mail_stack import Postfix

ANN, BOB, DEAF = "ann@desk.example", "bob@desk.example", "deaf@desk.example"

SENDERS = {
    "its own address": ("ann@desk.example", ANN),
    "in upper case": ("Ann@DESK.example", ANN),
    "an extension": ("ann+anything@desk.example", ANN),
    "through an alias domain": ("ann@desk-alias.example", ANN),
    "an extension through an alias domain": ("ann+x@desk-alias.example", ANN),
    "by the U-label": ("jean@bücher.example", "jean@xn--bcher-kva.example"),
    "an alias, with all who get it": ("both@desk.example", f"{ANN},{BOB}"),
    "an extension of an alias": ("both+x@desk.example", f"{ANN},{BOB}"),
    "an alias of an alias, and somebody elsewhere": ("hops@desk.example", f"{ANN},{BOB}"),
    "an alias domain of an alias": ("hops@desk-alias.example", f"{ANN},{BOB}"),
    "a pattern": ("sales-asia@desk.example", BOB),
    "a catch-all": ("whatever@all.desk.example", BOB),
    "a catch-all that keeps the local part": ("alice@brand.example", "alice@home.example"),
    "a mailbox that keeps a copy": ("copy@home.example", "alice@home.example,copy@home.example"),
    "a local alias": ("desk@mx.example.net", ANN),
    "a mailbox that takes no mail": ("deaf@desk.example", DEAF),
    "an alias of one that takes no mail": ("deaf-too@desk.example", DEAF),
    "in quotes, with a blank": ('"two words"@home.example', "alice@home.example"),
    "permitted by name, only who may send": ("noreply@desk.example", f"{ANN},{BOB}"),
    "an extension of what is permitted": ("noreply+1@desk.example", f"{ANN},{BOB}"),
    "what is permitted, through an alias domain": ("noreply@desk-alias.example", f"{ANN},{BOB}"),
    "a whole domain that is permitted": ("anybody@brand.desk.example", ANN),
    "the address of a blocked mailbox, permitted by name": ("ceo@desk.example", ANN),
    "permitted elsewhere": ("press@elsewhere.example", BOB),
    "permitted elsewhere, in upper case": ("PRESS@Elsewhere.example", BOB),
}
NOBODY = {
    "a mailbox that does not send": "mute@desk.example",
    "one that has expired": "gone@desk.example",
    "an inactive one": "closed@desk.example",
    "an alias of those only": "silent@desk.example",
    "an alias that only leads elsewhere": "away@desk.example",
    "an inactive alias": "off@desk.example",
    "an address that is not there": "nobody@desk.example",
    "an inactive domain": "someone@closed.example",
    "an alias domain of an inactive one": "someone@closed-alias.example",
    "an inactive alias domain": "alice@off-alias.example",
    "a name that Postfix would take apart": '"com,ma"@desk.example',
    "elsewhere": "somebody@elsewhere.example",
    "a subdomain of what is permitted": "anybody@sub.brand.desk.example",
    "the whole domain": "@desk.example",
    "a relay recipient": "ann@relay.example",
}
OF_ITS_OWN = {
    "the extension is a blocked mailbox": "ann+old@desk.example",
    "the extension is an alias to elsewhere": "bob+away@desk.example",
}


@pytest.mark.parametrize(("key", "answer"), SENDERS.values(), ids=SENDERS.keys())
def test_who_may(maps: Postfix, key: str, answer: str) -> None:
    assert maps.ask("smtpd_sender_login_maps", key) == answer


@pytest.mark.parametrize("key", NOBODY.values(), ids=NOBODY.keys())
def test_nobody_may(maps: Postfix, key: str) -> None:
    assert maps.ask("smtpd_sender_login_maps", key) is None


@pytest.mark.parametrize("key", OF_ITS_OWN.values(), ids=OF_ITS_OWN.keys())
def test_an_extension_that_is_an_address_of_its_own(maps: Postfix, key: str) -> None:
    """Postfix would ask again without the extension: the answer is a login that nobody has."""
    assert maps.ask("smtpd_sender_login_maps", key) == "<>"
