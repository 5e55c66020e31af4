"""How often the real cleanup(8) rewrites an address: what lookup_tables/loops.py counts on."""

from itertools import pairwise

import pytest

from lookup_tables.loops import MOST_STEPS
from lookup_tables.models import Canonical
from lookup_tables.services import add_entry
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None) -> Postfix:
    postfix.empty_mail()
    add_domain("home.example")
    add_mailbox("ann@home.example")
    for before, after in pairwise([*(f"c{number}" for number in range(MOST_STEPS)), "ann"]):
        add_entry(Canonical, f"{before}@home.example", f"{after}@home.example", by=TESTER)
    postfix.configure()
    return postfix


def test_as_long_as_postfix_walks(mail: Postfix) -> None:
    (delivery,) = mail.send("c0@home.example")
    assert (delivery.to, delivery.status) == ("ann@home.example", "sent")
    # Past the services, which refuse it.
    one_more = Canonical.objects.create(key="one.more@home.example", result="c0@home.example")
    (delivery,) = mail.send("one.more@home.example")
    assert (delivery.to, delivery.status) == (f"c{MOST_STEPS - 1}@home.example", "bounced")
    assert "unreasonable canonical_maps map nesting" in mail.log()
    one_more.delete()


def test_what_an_extension_does(mail: Postfix) -> None:
    Canonical.objects.create(key="bob@home.example", result="bob+list@home.example")
    (delivery, *_more) = mail.send("bob@home.example")
    assert "+list+list" in delivery.to
    Canonical.objects.filter(key="bob@home.example").delete()
