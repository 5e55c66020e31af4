"""The Lookup page shows what Postfix will do, links to what decides, and stays within a domain admin's domains."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor, Door
from accounts.models import User
from accounts.services import add_user
from domains.models import Domain
from domains.services import add_domain, add_domain_admin, change_domain
from lookup_tables.models import Bcc, Canonical, Entry, Transport
from lookup_tables.services import add_entry
from mailboxes.models import Address, Mailbox
from mailboxes.relay import add_relay_recipients
from mailboxes.senders import permit_senders
from mailboxes.services import add_alias, add_mailbox, change_mailbox
from mailboxes.ways import LONGEST_CHAIN
from mailservers.access_lookup import row_behind
from mailservers.lookup import look_up
from mailservers.lookup_page import MOST_ADDRESSES
from restrictions.access_services import add_rule, choose_class
from restrictions.services import add_class, set_list
from tests.plugins.example_mail import TESTER, falcot

pytestmark = pytest.mark.django_db
PAST, FUTURE = (datetime(year, 1, 31, 18, tzinfo=UTC) for year in (2020, 2998))


@pytest.fixture(autouse=True)
def company() -> None:
    falcot()


def signed_in(*, is_superuser: bool) -> tuple[Client, User]:
    user = add_user("somebody", is_superuser=is_superuser, by=TESTER)
    client = Client()
    client.force_login(user, backend="accounts.backends.PersonBackend")
    return client, user


def page(client: Client, text: str) -> str:
    response = client.get("/lookup/", {"a": text})
    assert response.status_code == 200
    return response.content.decode()


def test_it_works() -> None:
    client, _user = signed_in(is_superuser=True)
    html = page(client, "contact@falcotsbrand.com")
    assert "reaches 2 mailboxes" in html
    assert "falcot.org/laure/" in html
    assert "mbox <code>falcot.org/sophie</code>" in html
    assert "postmap -q contact@falcotsbrand.com pgsql:/etc/postfix/mailadmin/virtual_alias_maps.cf" in html
    tree = html.partition('class="tree"')[2]
    assert "postmap -q laure@falcot.org pgsql:/etc/postfix/mailadmin/virtual_mailbox_maps.cf" in tree
    assert 'href="/aliases/contact@falcotsbrand.com/"' in html
    assert "Last changed by tester" in html


def test_the_reply_to_an_unknown_address_is_shown() -> None:
    client, _user = signed_in(is_superuser=True)
    html = page(client, "nobody@falcot.org")
    assert (
        "550 5.1.1 &lt;nobody@falcot.org&gt;: Recipient address rejected: User unknown in virtual mailbox table" in html
    )


def test_several_addresses_and_nonsense_get_an_answer_each() -> None:
    client, _user = signed_in(is_superuser=True)
    html = page(client, "jean@falcot.org, nonsense, x@elsewhere.example")
    assert "“nonsense” has no domain." in html.replace("&quot;", '"')
    assert "Relay access denied" in html
    assert "reaches 1 mailbox" in html


def test_a_domain_admin_asks_about_own_domains_and_sees_no_further() -> None:
    client, user = signed_in(is_superuser=False)
    mine = add_domain("mine.example", by=TESTER)
    add_domain_admin(mine, user, by=TESTER)
    add_alias(mine, "all", ["contact@falcotsbrand.com"], by=TESTER)

    assert "falcot.org is not one of your domains." in page(client, "jean@falcot.org")
    html = page(client, "all@mine.example")
    assert "contact<wbr>" in html
    assert "laure" not in html
    assert "falcot.org/" not in html


def test_an_alias_domain_tells_nothing_about_a_target_of_others() -> None:
    client, user = signed_in(is_superuser=False)
    add_domain_admin(Domain.objects.get(name="falcot.com"), user, by=TESTER)
    add_alias(Domain.objects.get(name="falcot.org"), "private", ["untold@elsewhere.example"], by=TESTER)

    html = page(client, "private@falcot.com")
    assert "falcot.org is not one of your domains." in html
    assert "untold" not in html


def test_nor_why_an_address_of_the_target_takes_no_mail() -> None:
    client, user = signed_in(is_superuser=False)
    mine = add_domain("mine.example", by=TESTER)
    add_alias(mine, "all", ["sophie@late.example"], by=TESTER)
    late = add_domain(
        "late.example", address_class="alias_domain", target=Domain.objects.get(name="falcot.org"), by=TESTER
    )
    for domain in (mine, late):
        add_domain_admin(domain, user, by=TESTER)
    change_mailbox(Mailbox.objects.with_address().get(address__local_part="sophie"), active=False, by=TESTER)
    html = page(client, "all@mine.example")
    assert "leaves for another server" in html  # beyond the own domains, and no word more
    assert "is inactive." not in html


def test_it_takes_few_statements_however_wide_the_alias_is() -> None:
    client, _user = signed_in(is_superuser=True)
    mine = add_domain("mine.example", by=TESTER)
    add_alias(mine, "all", [f"u{number}@elsewhere.example" for number in range(40)], by=TESTER)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page(client, "all@mine.example")
    by_maps = [query for query in queries if "postfix." in query["sql"]]
    assert len(queries) - len(by_maps) <= 16


def test_it_takes_few_statements_for_hundreds_of_mailboxes() -> None:
    client, _user = signed_in(is_superuser=True)
    mine = add_domain("mine.example", by=TESTER)
    for number in range(100):
        add_mailbox(mine, f"u{number}", by=TESTER)
    names = [f"all{number}" for number in range(MOST_ADDRESSES)]
    for name in names:
        add_alias(mine, name, [f"u{number}@mine.example" for number in range(100)], by=TESTER)
    with CaptureQueriesContext(connection) as queries:
        html = page(client, ", ".join(f"{name}@mine.example" for name in names))
    assert html.count("mine.example/u99/") == MOST_ADDRESSES
    assert len(queries) <= 20, "\n".join(query["sql"][:150] for query in queries)


def test_a_chain_of_a_hundred_aliases() -> None:
    """However deep it is, the page shows it; each list that opens ends."""
    client, _user = signed_in(is_superuser=True)
    mine = add_domain("mine.example", by=TESTER)
    below = "jean@falcot.org"
    for number in range(LONGEST_CHAIN):
        below = str(add_alias(mine, f"c{number}", [below], by=TESTER))
    html = page(client, below)
    assert "reaches 1 mailbox" in html
    tree = html.partition('<ul class="tree">')[2].partition('<div class="rec">')[0]
    assert (tree.count("<ul>") + 1, tree.count("<li>")) == (tree.count("</ul>"), tree.count("</li>"))
    assert tree.count("<li>") == LONGEST_CHAIN + 1


def test_of_a_wide_alias_the_first_destinations_are_shown() -> None:
    client, _user = signed_in(is_superuser=True)
    mine = add_domain("mine.example", by=TESTER)
    add_alias(mine, "wide", [f"u{number}@elsewhere.example" for number in range(300)], by=TESTER)
    add_alias(mine, "all", ["jean@falcot.org", "wide@mine.example"], by=TESTER)
    html = page(client, "all@mine.example")
    assert "reaches 301 destinations" in html
    assert "200 of 303 addresses are shown here." in html
    tree = html.partition('<ul class="tree">')[2].partition("200 of 303")[0]
    assert tree.count("<ul>") + 1 == tree.count("</ul>")
    assert tree.count("<li>") == tree.count("</li>") == 200


def test_without_an_address_it_says_what_it_does() -> None:
    client, _user = signed_in(is_superuser=True)
    assert "Type an address" in page(client, "")
    assert Domain.objects.count() == 3


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"active": False}, "Mailbox sophie@falcot.org is inactive."),
        ({"receives": False}, "Mailbox sophie@falcot.org receives no mail."),
        ({"expires_at": PAST}, "Mailbox sophie@falcot.org expired on 31 January 2020, 18:00 UTC"),
    ],
)
def test_it_says_why_a_mailbox_takes_no_mail(limits: dict[str, Any], sentence: str) -> None:
    change_mailbox(Mailbox.objects.with_address().get(address__local_part="sophie"), **limits, by=TESTER)
    client, _user = signed_in(is_superuser=True)
    for address in ("sophie@falcot.org", "sophie+news@falcot.com", "contact@falcotsbrand.com"):
        assert sentence in page(client, address), address


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"active": False}, "Alias fair-*@falcot.org is inactive."),
        ({"starts_at": FUTURE}, "Alias fair-*@falcot.org delivers from 31 January 2998, 18:00 UTC on."),
        ({"ends_at": PAST}, "Alias fair-*@falcot.org ended on 31 January 2020, 18:00 UTC"),
    ],
)
def test_it_says_why_an_alias_delivers_nothing(limits: dict[str, Any], sentence: str) -> None:
    add_alias(Domain.objects.get(name="falcot.org"), "fair-*", ["jean@falcot.org"], **limits, by=TESTER)
    client, _user = signed_in(is_superuser=True)
    assert sentence in page(client, "fair-books@falcot.org")


def test_it_says_why_a_domain_takes_no_mail() -> None:
    change_domain(Domain.objects.get(name="falcot.org"), active=False, by=TESTER)
    client, _user = signed_in(is_superuser=True)
    for address in ("jean@falcot.org", "jean@falcot.com"):
        assert "The domain falcot.org is inactive." in page(client, address)


def test_a_suspended_domain_is_put_off() -> None:
    change_domain(Domain.objects.get(name="falcot.org"), suspended=True, by=TESTER)
    client, _user = signed_in(is_superuser=True)
    html = page(client, "jean@falcot.com")
    assert "is put off, 450 4.2.1" in html
    assert "the sender&#x27;s server keeps the message and tries again" in html.replace("'", "&#x27;")
    assert "Suspended, so its mail is put off" in html
    assert "postmap -q jean@falcot.com pgsql:/etc/postfix/mailadmin/suspended_domains.cf" in html
    assert "is not there" not in html


def test_a_destination_that_takes_no_mail_is_not_counted() -> None:
    sophie = Mailbox.objects.with_address().get(address__local_part="sophie")
    change_mailbox(sophie, active=False, by=TESTER)
    client, _user = signed_in(is_superuser=True)
    html = page(client, "contact@falcotsbrand.com")
    assert "reaches 1 of 2 destinations" in html
    assert "no active mailbox or alias takes it" in html


def test_who_may_send_as_it() -> None:
    client, _user = signed_in(is_superuser=True)
    html = page(client, "contact@falcotsbrand.com")
    assert "Who may send as it" in html
    assert "postmap -q contact@falcotsbrand.com pgsql:/etc/postfix/mailadmin/smtpd_sender_login_maps.cf" in html


def test_a_domain_admin_sees_how_many_others_may_send_as_it() -> None:
    client, user = signed_in(is_superuser=False)
    mine = add_domain("mine.example", by=TESTER)
    add_domain_admin(mine, user, by=TESTER)
    add_mailbox(mine, "ann", by=TESTER)
    add_alias(mine, "all", ["contact@falcotsbrand.com", "ann@mine.example"], by=TESTER)
    html = page(client, "all@mine.example")
    assert "2 mailboxes of other domains" in html
    assert "laure" not in html


def test_addresses_in_quotes() -> None:
    client, _user = signed_in(is_superuser=True)
    falcot_org = Domain.objects.get(name="falcot.org")
    for name in ('"j d"', '"a,b"', '"c\\"d"'):
        add_mailbox(falcot_org, name, by=TESTER)
    html = page(client, '"j d"@falcot.org, "a,b"@falcot.org "c\\"d"@falcot.org')
    assert html.count("reaches 1 mailbox") == 2 * 3  # in the list of answers, and above each
    assert html.count("v-bad") == 0
    assert "reaches 1 mailbox" in client.get("/lookup/", {"a": '"j d"@falcot.org'}).content.decode()


def test_a_sixth_address_is_said_and_kept_in_the_field() -> None:
    client, _user = signed_in(is_superuser=True)
    typed = ", ".join(f"{name}@falcot.org" for name in "abcdefg")
    html = page(client, typed)
    assert "Lookup takes 5 addresses at a time. These were left out: f@falcot.org, g@falcot.org." in html
    assert f'value="{typed}"' in html
    assert "left out" not in page(client, typed[: 5 * len("a@falcot.org, ")])


def test_a_login_without_a_sender_is_said() -> None:
    client, _user = signed_in(is_superuser=True)
    asked = {"a": "jean@falcot.org", "login": "laure@falcot.org"}
    sentence = "Type a sender as well: only then it can be said whether laure@falcot.org may send as it."
    assert sentence in client.get("/lookup/", asked).content.decode()
    assert sentence not in client.get("/lookup/", asked | {"from": "laure@falcot.org"}).content.decode()


def stop_of(html: str, parameter: str) -> str:
    """What the page says of one map."""
    return html.partition(f"<h3>{parameter}</h3>")[2].partition("</li>")[0]


def test_each_map_names_the_row_that_answered_and_who_changed_it() -> None:
    client, _user = signed_in(is_superuser=True)
    other = Actor(door=Door.COMMAND, name="somebody-else")
    jean = Mailbox.objects.with_address().get(address__local_part="jean")
    transport = add_entry(Transport, "jean@falcot.org", "smtp:[mx.elsewhere.example]", by=other)
    copy = add_entry(Bcc, "@falcot.org", "archive@elsewhere.example", applies_to="recipient", by=other)
    html = page(client, "jean@falcot.org")
    for parameter, row in (("transport_maps", transport), ("recipient_bcc_maps", copy)):
        said = stop_of(html, parameter)
        assert (row.get_absolute_url() in said, "somebody-else" in said) == (True, True), said
    assert (jean.get_absolute_url() in stop_of(html, "virtual_mailbox_maps")) is True
    assert "by tester" in stop_of(html, "virtual_mailbox_maps")


def test_a_mailbox_with_an_alias_beside_it() -> None:
    client, _user = signed_in(is_superuser=True)
    add_alias(Domain.objects.get(name="falcot.org"), "jean", ["laure@falcot.org"], by=TESTER)
    html = page(client, "jean@falcot.org")
    assert '<a href="/aliases/jean@falcot.org/">' in stop_of(html, "virtual_alias_maps")
    assert 'href="/mailboxes/jean@falcot.org/"' in html.partition('class="tree"')[2].partition("falcot.org/jean/")[0]


def test_who_permitted_a_sender() -> None:
    client, _user = signed_in(is_superuser=True)
    sophie = Mailbox.objects.with_address().get(address__local_part="sophie")
    permit_senders(sophie, ["jean@falcot.org"], by=Actor(door=Door.COMMAND, name="somebody-else"))
    said = stop_of(page(client, "jean@falcot.org"), "smtpd_sender_login_maps")
    assert '<a href="/mailboxes/sophie@falcot.org/senders/">' in said
    assert '<a href="/mailboxes/jean@falcot.org/">' in said
    assert "somebody-else" in said


def test_the_recipients_of_a_relay_domain_and_local_aliases() -> None:
    client, _user = signed_in(is_superuser=True)
    relay = add_domain("relay.example", address_class="relay", by=TESTER)
    add_relay_recipients(relay, ["ann"], by=TESTER)
    assert "/domains/relay.example/recipients/" in stop_of(page(client, "ann@relay.example"), "relay_recipient_maps")
    local = add_domain("mx.example.net", address_class="local", by=TESTER)
    add_domain("two.example.net", address_class="local", by=TESTER)
    add_alias(local, "root", ["jean@falcot.org"], by=TESTER)
    assert "/aliases/root@mx.example.net/" in stop_of(page(client, "root@two.example.net"), "alias_maps")


@pytest.mark.parametrize("key", ["jean@falcot.org", "sales@falcot.org"])
@pytest.mark.parametrize(
    ("model", "result", "limits"),
    [
        (Transport, "smtp:[untold.example]:2525", {}),
        (Transport, "discard:untold", {}),
        (Transport, "retry:4.4.0 Later", {}),
        (Canonical, "untold@elsewhere.example", {"applies_to": "recipient"}),
    ],
)
def test_a_domain_admin_does_not_see_flat_tables(
    key: str, model: type[Entry], result: str, limits: dict[str, str]
) -> None:
    client, user = signed_in(is_superuser=False)
    falcot_org = Domain.objects.get(name="falcot.org")
    add_domain_admin(falcot_org, user, by=TESTER)
    add_alias(falcot_org, "sales", ["jean@falcot.org"], by=TESTER)
    add_entry(model, key if model is Canonical else "jean@falcot.org", result, **limits, by=TESTER)
    html = page(client, key)
    assert f"Lookup of {key}" in html
    assert "untold" not in html
    assert not any(parameter in html for parameter in ("transport_maps", "canonical_maps"))
    if key == "jean@falcot.org":
        assert "A lookup table decides as well, which only superusers see." in html
    if model is Canonical:
        assert "is rewritten by a lookup table, which only superusers see" in html


def test_copies_and_transports_are_shown() -> None:
    client, _user = signed_in(is_superuser=True)
    add_entry(Bcc, "jean@falcot.org", "archive@elsewhere.example", applies_to="recipient", by=TESTER)
    add_entry(Transport, "elsewhere.example", "smtp:[mx.elsewhere.example]", by=TESTER)
    html = page(client, "jean@falcot.org")
    assert "Copies: what the BCC tables add" in html
    assert "smtp:[mx.elsewhere.example]" in html


def test_a_domain_admin_does_not_see_who_gets_copies() -> None:
    client, user = signed_in(is_superuser=False)
    add_domain_admin(Domain.objects.get(name="falcot.org"), user, by=TESTER)
    add_entry(Bcc, "jean@falcot.org", "archive@elsewhere.example", applies_to="recipient", by=TESTER)
    add_entry(Bcc, "laure@falcot.org", "archive@elsewhere.example", applies_to="sender", by=TESTER)
    response = client.get("/lookup/", {"a": "jean@falcot.org", "from": "laure@falcot.org"})
    assert "archive" not in response.content.decode()


@pytest.mark.parametrize(
    ("login", "sentence"),
    [
        ("laure@falcot.org", "laure@falcot.org may send as this address."),
        ("jean@falcot.org", "jean@falcot.org may not send as this address."),
        ("", "The sender stays as it is."),
    ],
)
def test_from_a_sender(login: str, sentence: str) -> None:
    client, _user = signed_in(is_superuser=True)
    response = client.get("/lookup/", {"a": "jean@falcot.org", "from": "contact@falcotsbrand.com", "login": login})
    html = response.content.decode()
    assert sentence in html
    assert ("not owned by user jean@falcot.org" in html) == ("not" in sentence)


def test_a_sender_that_is_none_is_said() -> None:
    client, _user = signed_in(is_superuser=True)
    response = client.get("/lookup/", {"a": "jean@falcot.org", "from": "nonsense"})
    assert "“nonsense” has no domain." in response.content.decode().replace("&quot;", '"')


def test_rules_and_classes() -> None:
    """Which rule or class applies, who changed it, and that the restriction lists decide."""
    client, user = signed_in(is_superuser=True)
    strict = add_class("strict", by=TESTER)
    names = [{"name": "reject_unauth_destination"}, {"name": "check_recipient_access"}, {"name": "check_sender_access"}]
    set_list("recipient", names, by=TESTER)
    rule = add_rule("sender", "spam.example", "REJECT", text="5.7.1 No", by=Actor(user=user, door=Door.PAGE))
    falcot_org = Domain.objects.get(name="falcot.org")
    add_rule("sender", "spam.example", "CLASS", of_class=strict, domain=falcot_org, by=TESTER)
    choose_class(Address.objects.get(local_part="jean"), "strict", by=TESTER)
    html = client.get("/lookup/", {"a": "jean@falcot.com", "from": "x@sub.spam.example"}).content.decode()
    assert "A rule or a restriction class applies." in html
    for url in ("/addresses/jean@falcot.org/restrictions/", f"/restrictions/access/rules/{rule.pk}/"):
        assert f'href="{url}"' in html
    assert "Last changed by somebody" in html
    found = look_up("jean@falcot.com", sender="x@sub.spam.example")
    said = {station.parameter: station.hit and station.hit.results for station in found.access}
    assert said == {
        "recipient_classes": (f"Senders_{falcot_org.pk}",),
        "senders": ("strict",),
        "check_recipient_access": ("strict",),
        "check_sender_access": ("REJECT 5.7.1 No",),
    }
    assert all(f"/{station.file}.cf" in station.proof for station in found.access)
    assert "A rule or a restriction class" not in page(client, "laure@elsewhere.example")


def test_a_rule_that_has_ended_is_not_named() -> None:
    set_list("relay", [{"name": "reject_unauth_destination"}, {"name": "check_sender_access"}], by=TESTER)
    add_rule("sender", "x@spam.example", "OK", ends_at=PAST, by=TESTER)
    add_rule("sender", "spam.example", "HOLD", by=TESTER)
    (station,) = look_up("jean@falcot.org", sender="x@spam.example").access
    assert str(row_behind(station)) == "spam.example"


def test_which_pattern_or_catch_all_answered_is_said() -> None:
    client, _user = signed_in(is_superuser=True)
    add_alias(Domain.objects.get(name="falcot.org"), "sales-*", ["jean@falcot.org"], by=TESTER)
    assert "by the pattern sales-*@falcot.org" in page(client, "sales-x@falcot.org")
    assert "by the pattern" not in page(client, "contact@falcotsbrand.com")
