"""What is strange in a PostfixAdmin is said in a sentence. What cannot come stops all, or is left out when asked."""

from typing import Any

import pytest

from accounts.models import User
from domains.models import Domain
from lookup_tables.models import Transport
from mailboxes.models import Alias, Mailbox, MailboxCredential, RelayRecipient
from mailboxes.services import change_mailbox
from tests.commands.conftest import Shell
from tests.services.checks import TESTER, nothing_changes
from tests.takeover.conftest import Foreign

pytestmark = pytest.mark.django_db

ALIAS = "INSERT INTO alias (address, goto, domain, active) VALUES %s"
MAILBOX = "INSERT INTO mailbox (username, password, maildir, quota, local_part, domain, active) VALUES %s"
MD5 = "$1$c9809462$r4/fNGS3L3gteBNUBwXLH/"

# What is written into the database, the code of the refusal, and a part of its sentence.
REFUSED: list[tuple[str, str, list[tuple[Any, ...]], str, str]] = [
    (
        "a loop",
        ALIAS,
        [("a@falcot.org", "b@falcot.org", "falcot.org", True), ("b@falcot.org", "a@falcot.org", "falcot.org", True)],
        "fault",
        "a@falcot.org",
    ),
    (
        "a command",
        ALIAS,
        [("robot@falcot.org", "|/usr/bin/robot,jean@falcot.org", "falcot.org", True)],
        "fault",
        "robot@falcot.org: “|/usr/bin/robot” is a program or a file.",
    ),
    (
        "a local name",
        ALIAS,
        [("r@falcot.org", "root", "falcot.org", True)],
        "fault",
        "r@falcot.org: “root” has no domain.",
    ),
    ("beyond ASCII", ALIAS, [("jürgen@falcot.org", "jean@falcot.org", "falcot.org", True)], "fault", "beyond ASCII"),
    (
        "the same twice",
        ALIAS,
        [("Info@falcot.org", "remy@falcot.org", "falcot.org", True)],
        "twice",
        "info@falcot.org is there a second time as Info@falcot.org.",
    ),
    (
        "only itself",
        ALIAS,
        [("ghost@falcot.org", "ghost@falcot.org", "falcot.org", True)],
        "only_itself",
        "ghost@falcot.org delivers to nobody but itself, and has no mailbox.",
    ),
    (
        "an alias of an alias domain that goes elsewhere",
        ALIAS,
        [("info@falcot.com", "other@elsewhere.example", "falcot.com", True)],
        "unlike_target",
        "info@falcot.com goes elsewhere than info@falcot.org",
    ),
    (
        "a mailbox of an alias domain",
        MAILBOX,
        [("x@falcot.com", MD5, "falcot.com/x/", 0, "x", "falcot.com", True)],
        "mailbox_of_alias_domain",
        "x@falcot.com is a mailbox of an alias domain",
    ),
    (
        "one place for two mailboxes",
        MAILBOX,
        [("x@falcot.org", MD5, "falcot.org/jean/", 0, "x", "falcot.org", True)],
        "fault",
        "x@falcot.org: Another mailbox is stored there already.",
    ),
    (
        "a path that leads away",
        MAILBOX,
        [("x@falcot.org", MD5, "../etc/", 0, "x", "falcot.org", True)],
        "fault",
        "A mail path begins below virtual_mailbox_base",
    ),
    (
        "a password in plain text",
        MAILBOX,
        [("x@falcot.org", "{PLAIN}secret", "x/", 0, "x", "falcot.org", True)],
        "strange_hash",
        "x@falcot.org has a password hash that is not known here.",
    ),
    (
        "13 letters without a scheme",
        MAILBOX,
        [("x@falcot.org", "summerof42now", "x/", 0, "x", "falcot.org", True)],
        "des_or_plain",
        "x@falcot.org is 13 letters and digits without a scheme: a hash of DES-CRYPT, or a password as it was typed.",
    ),
    (
        "too many destinations",
        ALIAS,
        [("all@falcot.org", ",".join(f"a{n}@elsewhere.example" for n in range(1001)), "falcot.org", True)],
        "fault",
        "1001 destinations",
    ),
]


@pytest.mark.parametrize(("what", "statement", "rows", "code", "sentence"), REFUSED, ids=[row[0] for row in REFUSED])
def test_it_stops_all(
    shell: Shell, foreign: Foreign, what: str, statement: str, rows: list[Any], code: str, sentence: str
) -> None:
    foreign.sql(statement, rows)
    said = shell.refused("import_postfixadmin", foreign.url)
    assert sentence in said
    assert said.splitlines()[-1].endswith("use --leave-out-refused to bring everything else.")
    ended = shell("import_postfixadmin", foreign.url, "--leave-out-refused", "--json")
    assert ended.code == 0, ended
    assert {one["code"] for one in ended.json["refused"]} == {code}
    assert Mailbox.objects.filter(address__domain__name="falcot.org", address__local_part="jean").exists()
    assert "secret" not in ended.out
    assert not MailboxCredential.objects.filter(hash__contains="summerof42now").exists()


def test_a_password_that_ran_out(shell: Shell, foreign: Foreign) -> None:
    foreign.sql("UPDATE mailbox SET password_expiry = '2020-02-01' WHERE username = 'jean@falcot.org'")
    foreign.sql("UPDATE mailbox SET password_expiry = '2990-01-01' WHERE username = 'remy@falcot.org'")
    said = {
        one["thing"]: one["sentence"] for one in come(shell, foreign)["remarks"] if one["code"] == "password_ran_out"
    }
    assert set(said) == {"jean@falcot.org"}
    assert "jean@falcot.org ran out on 2020-02-01 there." in said["jean@falcot.org"]


TWO = (
    "INSERT INTO domain (domain, description, aliases, mailboxes, maxquota, quota, transport, backupmx, active)"
    " VALUES %s"
)


def two(name: str = "two.example", **values: Any) -> tuple[Any, ...]:
    """A domain as the command line writes it: without limits, and nothing in it."""
    usual = {"description": "", "aliases": 0, "mailboxes": 0, "maxquota": 0, "quota": 0, "transport": "virtual"}
    return (name, *(usual | {"backupmx": False, "active": True} | values).values())


def come(shell: Shell, foreign: Foreign, *options: str) -> dict[str, Any]:
    ended = shell("import_postfixadmin", foreign.url, "--json", *options)
    assert ended.code == 0, ended.out
    found: dict[str, Any] = ended.json
    return found


def codes(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["code"], one["thing"]) for one in found["remarks"]}


def test_the_rest_of_an_alias_comes(shell: Shell, foreign: Foreign) -> None:
    """A destination that nobody has bounced there; the others must not lose their mail for it."""
    foreign.sql(TWO, [two()])
    foreign.sql(ALIAS, [("desk@two.example", "gone@two.example,jean+x@falcot.com", "two.example", True)])
    said = shell.refused("import_postfixadmin", foreign.url)
    assert "desk@two.example delivers to gone@two.example, which nobody has." in said
    come(shell, foreign, "--leave-out-refused")
    (desk,) = Alias.objects.filter(address__domain__name="two.example")
    assert [str(one) for one in desk.destinations.all()] == ["jean+x@falcot.org"]


def test_an_alias_without_its_domain(shell: Shell, foreign: Foreign) -> None:
    """PostgreSQL has a foreign key there; MySQL has none."""
    foreign.sql("ALTER TABLE alias DROP CONSTRAINT alias_domain_fkey")
    foreign.sql(ALIAS, [("x@no.example", "jean@falcot.org", "no.example", True)])
    assert "x@no.example: no.example is not here." in shell.refused("import_postfixadmin", foreign.url)


def test_an_alias_domain_without_its_target(shell: Shell, foreign: Foreign) -> None:
    foreign.sql("ALTER TABLE alias_domain DROP CONSTRAINT alias_domain_target_domain_fkey")
    foreign.sql("UPDATE alias_domain SET target_domain = 'no.example'")
    assert "falcot.com: no.example is not here yet." in shell.refused("import_postfixadmin", foreign.url)


def test_what_is_only_remarked(shell: Shell, foreign: Foreign) -> None:
    foreign.sql(TWO, [two()])
    box = lambda name, active=True, secret=MD5: (  # noqa: E731
        f"{name}@two.example", secret, f"two.example/{name}/", 0, name, "two.example", active
    )  # fmt: skip
    foreign.sql(MAILBOX, [box("off", False), box("away"), box("alone"), box("weak", secret="0" * 32), box("Big")])
    row = lambda name, goto, active=True: (f"{name}@two.example", goto, "two.example", active)  # noqa: E731
    foreign.sql(
        ALIAS,
        [
            row("off", "off@two.example"),
            row("away", "away#two.example@autoreply.example"),
            row("", "jean@falcot.org"),
            row("sleeping", "jean@falcot.org", False),
            row("Shout", "jean@falcot.org"),
            row("weak", "weak@two.example"),
        ],
    )
    found = come(shell, foreign)
    assert codes(found) >= {
        ("inactive_mailbox", "off@two.example"),
        ("only_vacation", "away@two.example"),
        ("catch_all_took", "alone@two.example"),
        ("catch_all_took_alias", "sleeping@two.example"),
        ("other_case", "Shout@two.example"),
        ("other_case", "Big@two.example"),
        ("unsalted", "weak@two.example"),
        ("relay", "backup.example"),
    }
    assert Mailbox.objects.get(address__local_part="away").receives
    assert Mailbox.objects.get(address__local_part="big").mail_path == "two.example/Big/"


def test_rows_that_belong_to_no_mailbox(shell: Shell, foreign: Foreign) -> None:
    foreign.sql("INSERT INTO vacation (email, subject, body, domain) VALUES ('no@falcot.org', 'a', 'b', 'falcot.org')")
    foreign.sql("INSERT INTO quota2 (username, bytes, messages) VALUES ('old@falcot.org', 1, 1)")
    foreign.sql(
        "INSERT INTO fetchmail (mailbox, src_server, src_auth, src_user, src_password, src_folder, protocol, mda)"
        " VALUES ('gone@falcot.org', 'imap.example', 'password', 'u', 'c2VjcmV0', '', 'IMAP', '')"
    )
    orphans = {one["thing"]: one["sentence"] for one in come(shell, foreign)["remarks"] if one["code"] == "orphan"}
    assert orphans["no@falcot.org"] == "no@falcot.org belongs to no mailbox there (vacation). It is kept anyway."
    assert set(orphans) == {"no@falcot.org", "old@falcot.org", "gone@falcot.org"}


def test_limits_come_although_there_is_more(shell: Shell, foreign: Foreign) -> None:
    """0 is unlimited, -1 is none; a megabyte is what $CONF['quota_multiplier'] says."""
    foreign.sql("UPDATE domain SET mailboxes = 2, aliases = -1, maxquota = 50, quota = 0 WHERE domain = 'falcot.org'")
    found = come(shell, foreign, "--quota-multiplier", "1048576")
    falcot = Domain.objects.get(name="falcot.org")
    assert (falcot.max_mailboxes, falcot.max_aliases) == (2, 0)
    assert (falcot.max_quota_bytes, falcot.max_total_quota_bytes) == (50 * 1048576, None)
    said = {one["code"]: one["sentence"] for one in found["remarks"]}
    assert said["over_many_mailboxes"].startswith("falcot.org has 4 mailboxes, its limit is 2.")
    assert said["over_quota"].startswith("Mailboxes of falcot.org without a quota, or with a larger one")
    assert "over_many_aliases" in said


def test_a_relayed_domain_and_a_transport(shell: Shell, foreign: Foreign) -> None:
    foreign.sql(TWO, [two(transport="smtp:[mx.example.net]:25"), two("lmtp.example", transport="lmtp:unix:private/x")])
    foreign.sql(MAILBOX, [("ann@two.example", MD5, "two.example/ann/", 0, "ann", "two.example", True)])
    foreign.sql(ALIAS, [("ann@two.example", "ann@two.example", "two.example", True)])
    found = come(shell, foreign)
    relayed, stored = (Domain.objects.get(name=name) for name in ("two.example", "lmtp.example"))
    assert (relayed.address_class, relayed.any_recipient, stored.address_class) == ("relay", True, "virtual_mailbox")
    assert dict(Transport.objects.values_list("key", "result")) == {
        "two.example": "smtp:[mx.example.net]:25",
        "lmtp.example": "lmtp:unix:private/x",
    }
    assert [str(one) for one in RelayRecipient.objects.all()] == ["ann@two.example"]
    assert ("mailbox_of_relay", "ann@two.example") in codes(found)


def test_what_is_here_with_something_else_stays(shell: Shell, foreign: Foreign) -> None:
    come(shell, foreign)
    jean = Mailbox.objects.with_address().get(address__local_part="jean")
    change_mailbox(jean, name="Jean himself", by=TESTER)
    foreign.sql("UPDATE alias SET goto = 'remy@falcot.org' WHERE address = 'info@falcot.org'")
    foreign.sql("UPDATE domain SET description = 'Anew' WHERE domain = 'falcot.org'")
    with nothing_changes():
        found = come(shell, foreign)
    sentences = [one["sentence"] for one in found["remarks"] if one["code"] == "differs"]
    assert sentences == [
        "falcot.org is here already with something else: description. It stays as it is here.",
        "jean@falcot.org is here already with something else: name. It stays as it is here.",
        "info@falcot.org is here already with something else: destination. It stays as it is here.",
    ]


def test_an_older_hash_of_an_admin(shell: Shell, foreign: Foreign) -> None:
    foreign.sql("UPDATE admin SET password = '0123456789abcdef0123456789abcdef' WHERE username = 'claire@falcot.org'")
    assert ("admin_without_password", "claire@falcot.org") in codes(come(shell, foreign))
    assert not User.objects.get(username="claire@falcot.org").has_usable_password()


def test_a_text_with_line_breaks_comes_as_one_line(shell: Shell, foreign: Foreign) -> None:
    """Here a name is one line; there it was whatever a form had sent."""
    foreign.sql("UPDATE mailbox SET name = %s WHERE username = 'jean@falcot.org'", ["Jean\r\nBcc: x@y\u202e"])
    foreign.sql("UPDATE domain SET description = %s WHERE domain = 'falcot.org'", ["a\tb"])
    come(shell, foreign)
    assert Mailbox.objects.get(address__local_part="jean", address__domain__name="falcot.org").name == "Jean  Bcc: x@y"
    assert Domain.objects.get(name="falcot.org").description == "a b"
