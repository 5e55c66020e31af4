"""The page that tries the restrictions with a session."""

import pytest
from django.test import Client

from accounts.models import User
from restrictions.models import Restriction
from restrictions.services import add_restriction
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.people import signed_in

pytestmark = pytest.mark.django_db
SESSION = {"client": "203.0.113.5", "helo": "mail.example.net", "from": "x@example.net"}


@pytest.fixture
def page(alice: User) -> Client:
    add_domain("falcot.org")
    add_mailbox("jean@falcot.org")
    add_restriction("relay", "reject_unauth_destination", by=TESTER)
    return signed_in(alice)


def test_it_works(page: Client) -> None:
    words = page.get("/simulate/", SESSION | {"to": "jean@falcot.org"}).content.decode()
    assert "250 2.1.5 Ok" in words
    assert "Nothing is against it." in words


def test_the_rule_that_decides_has_a_link(page: Client) -> None:
    words = page.get("/simulate/", SESSION | {"to": "x@elsewhere.example"}).content.decode()
    assert "Relay access denied" in words
    assert f'<a href="{Restriction.objects.get().get_absolute_url()}">reject_unauth_destination</a>' in words
    assert "refuses, and decides" in words


def test_what_cannot_be_is_said(page: Client) -> None:
    words = page.get("/simulate/", {"client": "here", "to": "x@elsewhere.example"}).content.decode()
    assert "“here” is no IP address." in words


def test_parameters_of_main_cf_are_stated(page: Client) -> None:
    asked = SESSION | {"to": "nobody@falcot.org", "set": "soft_bounce=yes\nsmtpd_delay_reject=no"}
    words = page.get("/simulate/", asked).content.decode()
    assert "450 4.1.1" in words
    assert "<code>soft_bounce</code> yes</li>" in words
    default = '<code>smtpd_reject_unlisted_recipient</code> yes <span class="q2">(not said, so it is the default'
    assert default in words
    words = page.get("/simulate/", asked | {"set": "soft_bounce=1"}).content.decode()
    assert "“1” is neither yes nor no." in words


def test_a_parameter_that_decides_is_named_once(page: Client) -> None:
    asked = SESSION | {"helo": "", "to": "jean@falcot.org", "set": "smtpd_helo_required=yes"}
    assert "<p>smtpd_helo_required</p>" in page.get("/simulate/", asked).content.decode()


def test_people_type_and_read_the_u_label(page: Client) -> None:
    add_domain("bücher.example")
    add_mailbox("jean@xn--bcher-kva.example")
    words = page.get("/simulate/", SESSION | {"to": "jean@bücher.example"}).content.decode()
    assert "250 2.1.5 Ok" in words
    assert 'jean<wbr><span class="at">@bücher.example</span>' in words
    assert "not fully qualified" not in words


def test_recipients_in_quotes(page: Client) -> None:
    add_domain("quoted.example")
    add_mailbox('"j d"@quoted.example')
    words = page.get("/simulate/", SESSION | {"to": '"j d"@quoted.example'}).content.decode()
    assert "250 2.1.5 Ok" in words
