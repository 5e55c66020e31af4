"""Who reads sees the U-label of a domain; what machines read keeps the A-label."""

import pytest
from django.test import Client

from accounts.models import ChangeSet, User
from domains.own_script import in_own_script, page_in_own_script
from mailboxes.models import Alias, Mailbox
from mailboxes.server_names import change_server_names
from mailboxes.services import add_alias, owner_of
from tests.plugins.example_mail import TESTER, add_domain, add_mailbox
from tests.plugins.people import OWNER, mailbox_with_password, signed_in, words_of

STORED, READ = "xn--bcher-kva.example", "bücher.example"


@pytest.fixture
def anna(alice: User) -> Mailbox:
    domain = add_domain(READ)
    mailbox = add_mailbox(f"anna@{STORED}")
    add_alias(domain, "team", [f"anna@{STORED}", f"x@elsewhere.{READ}"], by=TESTER)
    return mailbox


def test_it_works(alice_client: Client, anna: Mailbox) -> None:
    page = alice_client.get(f"/mailboxes/anna@{STORED}/").content.decode()
    assert f"<title>anna@{READ} · mailadmin</title>" in page
    assert f"<span>anna@{READ}</span>" in page
    assert f'data-copy="anna@{STORED}" aria-label="Copy anna@{STORED}"' in page
    assert f"<code>{STORED}/anna/</code>" in page
    assert f'href="/mailboxes/anna@{STORED}/' in page


def test_the_part_before_the_at_stays(anna: Mailbox) -> None:
    addr = f'{STORED.split(".")[0]}<wbr><span class="at">@{STORED}</span>'
    assert page_in_own_script(addr) == addr.replace(f"@{STORED}", f"@{READ}")


def test_chips_come_back_as_they_were(alice_client: Client, anna: Mailbox) -> None:
    alias = Alias.objects.get(address__local_part="team")
    page = alice_client.get(alias.get_absolute_url())
    assert f"anna@{READ}\nx@elsewhere.{READ}</textarea>" in page.content.decode()
    changes = ChangeSet.objects.count()
    typed = {"destinations": f"anna@{READ}, x@elsewhere.{READ}", "active": "on", "version": alias.version}
    assert alice_client.post(alias.get_absolute_url(), typed).status_code == 302
    assert [str(one) for one in alias.destinations.all()] == [f"anna@{STORED}", f"x@elsewhere.{STORED}"]
    assert ChangeSet.objects.count() <= changes + 1


def test_what_is_said_and_what_was_done(alice_client: Client, anna: Mailbox) -> None:
    typed = {"local_part": "anna", "mail_format": "maildir", "active": "on"}
    refused = words_of(alice_client.post(f"/domains/{STORED}/mailboxes/add/", typed))
    assert f"anna@{READ}" in refused
    assert f"anna@{STORED}" not in refused
    history = words_of(alice_client.get("/history/"))
    assert f"Added mailbox anna@{READ}" in history
    assert f"anna@{STORED}" not in history


def test_an_owner_reads_one_user_name_in_both_places(anna: Mailbox) -> None:
    change_server_names(imap_host="imap.example.org", submission_host="mail.example.org", by=TESTER)
    client = signed_in(owner_of(mailbox_with_password(str(anna)), by=TESTER), OWNER)
    own, set_up = (client.get(url).content.decode() for url in ("/my-mailbox/", "/my-mailbox/set-up/"))
    assert f"your user name, here and in mail programs: <code>anna@{STORED}</code>" in own
    assert f"<dt>User name</dt><dd><code>anna@{STORED}</code>" in set_up


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"anna@{STORED}", f"anna@{READ}"),
        (f"s1._domainkey.{STORED}, imap.{STORED}.", f"s1._domainkey.{READ}, imap.{READ}."),
        ("“xn--r8jz45g.example”", "“例え.example”"),
        ("xn--zz--.example", "xn--zz--.example"),  # stands for nothing
        ("xn--bcher-kva@example.org", "xn--bcher-kva@example.org"),  # no domain
        (f"/var/mail/{STORED}/anna/", f"/var/mail/{STORED}/anna/"),  # a path
        ("nothing here", "nothing here"),
    ],
)
def test_only_names_of_domains(text: str, read: str) -> None:
    assert in_own_script(text) == read


@pytest.mark.parametrize(
    ("page", "read"),
    [
        (f'<a href="/domains/{STORED}/">{STORED}</a>', f'<a href="/domains/{STORED}/">{READ}</a>'),
        (f'<input value="{STORED}" aria-label="Of {STORED}">', f'<input value="{STORED}" aria-label="Of {READ}">'),
        (f"<code>{STORED}</code><p>{STORED}", f"<code>{STORED}</code><p>{READ}"),
        (f'<pre class="zone">{STORED}. <ins>x</ins></pre>', f'<pre class="zone">{STORED}. <ins>x</ins></pre>'),
        (f'<i title="a > b">{STORED}</i>', f'<i title="a > b">{READ}</i>'),
    ],
)
def test_only_what_is_read(page: str, read: str) -> None:
    assert page_in_own_script(page) == read
