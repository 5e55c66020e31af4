"""import_postfix: a configuration as an administrator wrote it comes in, and its maps still say the same."""

import io
import json
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ChangeSet
from domains.models import Domain, MailSettings
from lookup_tables.models import Bcc, Canonical, Relocated, SenderRelay, TlsPolicy, Transport
from lookup_tables.relay_passwords import decrypted
from mailboxes.models import Alias, Mailbox, MailboxCredential, PermittedSender, RelayRecipient
from mailboxes.undo import undo_change_set
from takeover.models import KeptParameter
from takeover.postfix_regexps import expressed
from tests.conftest import empty_rooms
from tests.plugins.example_mail import TESTER
from tests.plugins.mail_stack import Postfix
from tests.services.checks import nothing_changes
from tests.takeover.handwritten import FALCOT, VIRTUAL, Handwritten
from tests.takeover.test_compare_maps import compared, written

Make = Callable[[str], Handwritten]


@pytest.fixture
def panel(postfix: Postfix, django_db_blocker: Any) -> Generator[Postfix, None, None]:
    """An empty panel, which Postfix can read."""
    with django_db_blocker.unblock():
        yield postfix
        empty_rooms()


def imported(old: Handwritten, **options: Any) -> dict[str, Any]:
    """With everything that can come."""
    out = io.StringIO()
    words = {"leave_out_refused": True} | options
    call_command("import_postfix", str(old.directory), json=True, stdout=out, **words)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def differences(old: Handwritten, folder: Path) -> str:
    """What postfix_config writes now, compared with the old configuration; empty if nothing differs."""
    found = compared(old.directory, written(folder))["differences"]
    return "\n".join(f"{one['about']} {one['key']}: {one['old']} → {one['new']}" for one in found)


def of_the_panel_alone(folder: Path) -> Path:
    """What main.cf is once nothing of the old tables is left in it."""
    alone = Handwritten(folder / "alone")
    alone.main((written(folder) / "main.cf.mailadmin").read_text())
    alone.write("aliases", FALCOT["aliases"], "aliases")
    return alone.directory


def destinations_of(address: str) -> list[str]:
    local_part, _at, name = address.rpartition("@")
    alias = Alias.objects.with_destinations().get(address__local_part=local_part, address__domain__name=name)
    return [str(one) for one in alias.destinations.all()]


def test_it_works(panel: Postfix, handwritten: Make, folder: Path) -> None:
    old = handwritten("old").falcot()
    found = imported(old)
    assert found["refused"] == []
    assert found["added"] == {"domains": 4, "mailboxes": 3, "aliases": 6}
    paths = {"falcot.org/jean/", "falcot.org/sophie", "falcot.org/laure/"}
    assert set(Mailbox.objects.values_list("mail_path", flat=True)) == paths
    assert destinations_of("contact@falcotsbrand.com") == ["laure@falcot.com", "sophie@falcot.com"]
    assert differences(old, folder) == ""


def test_the_example_of_the_handbook(panel: Postfix, handwritten: Make, folder: Path) -> None:
    """There falcot.com is a name of the host itself, and a whole brand goes to its users."""
    old = handwritten("old").falcot()
    more = VIRTUAL.replace("falcotsbrand.com, falcot.com", "falcotsbrand.com")
    old.main(f"{more}\nmydestination = mail.falcot.com, falcot.com, localhost.falcot.com, localhost\n")
    old.write("virtual", FALCOT["virtual"].replace("@falcot.com                 @falcot.org\n", ""), "hash")
    found = imported(old)
    assert any("falcot.com, whose users the panel does not know" in remark for remark in found["remarks"])
    assert not Domain.objects.filter(address_class="local").exists()
    assert differences(old, folder) == ""


class TestAgain:
    def test_a_second_run_changes_nothing(self, handwritten: Make, db: None) -> None:
        old = handwritten("old").falcot("smtpd_helo_restrictions = reject_invalid_helo_hostname\n")
        imported(old)
        with nothing_changes():
            found = imported(old)
        assert found["change_set"] is None
        assert found["added"] == {"domains": 0, "mailboxes": 0, "aliases": 0, "restriction_lists": 0}
        assert found["there"] == {"domains": 4, "mailboxes": 3, "aliases": 6, "restriction_lists": 1}

    def test_only_to_see(self, handwritten: Make, db: None) -> None:
        with nothing_changes():
            found = imported(handwritten("old").falcot(), dry_run=True)
        assert found["added"]["mailboxes"] == 3
        assert found["change_set"] is None
        assert not KeptParameter.objects.exists()

    def test_it_is_one_change_set_that_can_be_undone(self, handwritten: Make, db: None) -> None:
        old = handwritten("old").falcot()
        found = imported(old)
        (change_set,) = ChangeSet.objects.all()
        assert str(change_set.pk) == found["change_set"]
        assert change_set.sentence == f"Imported the Postfix configuration of {old.directory}"
        undo_change_set(change_set, by=TESTER)
        assert not Domain.objects.exists()


class TestMailboxes:
    def test_hashes_come_from_a_passwd_file(self, handwritten: Make, folder: Path, db: None) -> None:
        old = handwritten("old").falcot()
        sha = "{SHA256.HEX}" + "ab" * 32
        lines = [
            f"jean@falcot.org:{sha}:5000:5000::/srv/vmail/jean::userdb_quota_rule=*:storage=1G",
            "sophie@falcot.org:{PLAIN}open:::",
            f"nobody@falcot.org:{sha}::::::",
            "laure@falcot.org:{BLF-CRYPT}$2y$31$YpBzYjBeLxuM8AJ8Ex3wiuYzGs7d.YF0.YFvS6dEBkw4lYsbQVdDi::::::",
        ]
        (folder / "users").write_text("\n".join(lines))
        found = imported(old, passwd_file=str(folder / "users"))
        (credential,) = MailboxCredential.objects.all()
        assert (str(credential.mailbox), credential.hash) == ("jean@falcot.org", sha)
        assert any("users, line 2:" in sentence and "sophie@falcot.org" in sentence for sentence in found["refused"])
        assert any("laure@falcot.org takes too long to check." in sentence for sentence in found["refused"])
        assert any("belong to no mailbox" in remark for remark in found["remarks"])
        assert "open" not in json.dumps(found)

    def test_one_whose_mail_goes_elsewhere_keeps_no_copy(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        old = handwritten("old").falcot()
        more = "jean@falcot.org laure@falcot.org\nsophie@falcot.org sophie@falcot.org, laure@falcot.org\n"
        old.write("virtual", FALCOT["virtual"] + more + "laure@falcot.org laure@falcot.org\n", "hash")
        assert imported(old)["refused"] == []
        assert not Mailbox.objects.get(address__local_part="jean").receives
        assert Mailbox.objects.get(address__local_part="sophie").receives
        assert not Alias.objects.filter(address__local_part="laure").exists()
        assert differences(old, folder) == ""

    def test_a_result_is_no_path_where_another_program_stores_mail(self, handwritten: Make, db: None) -> None:
        old = handwritten("old").falcot("virtual_transport = lmtp:unix:private/dovecot-lmtp\n")
        old.write("vmailbox", "jean@falcot.org OK\nsophie@falcot.org OK\nlaure@falcot.org OK\n", "hash")
        assert imported(old)["refused"] == []
        assert Mailbox.objects.get(address__local_part="jean").mail_path == "falcot.org/jean/"


class TestRefused:
    def test_a_line_says_where_it_stands(self, handwritten: Make, db: None) -> None:
        old = handwritten("old").falcot()
        more = "list@falcotsbrand.com nobody@falcot.org\nfoo@elsewhere.example jean@falcot.org\n"
        old.write("virtual", FALCOT["virtual"] + more, "hash")
        found = imported(old)
        file = old.directory / "virtual"
        assert any(one.startswith(f"{file}, line 8: ") and "nobody@falcot.org" in one for one in found["refused"])
        assert any(one.startswith(f"{file}, line 9: ") and "elsewhere.example" in one for one in found["refused"])
        assert found["added"]["aliases"] == 6
        kept = KeptParameter.objects.get(parameter="virtual_alias_maps")
        assert kept.tables == [{"table": str(file), "lines": [[9, "foo@elsewhere.example jean@falcot.org"]]}]

    def test_a_mailbox_for_a_whole_domain(self, handwritten: Make, db: None) -> None:
        old = handwritten("old").falcot()
        old.write("vmailbox", FALCOT["vmailbox"] + "@falcot.org falcot.org/all/\n", "hash")
        (sentence,) = imported(old)["refused"]
        assert "vmailbox, line 4: There is no mailbox for a whole domain here." in sentence

    def test_what_local_would_run(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        old = handwritten("old").falcot()
        text = (
            'postmaster: root\nroot: jean@falcot.org\nbot: "|/bin/bot -x"\nall: :include:/etc/all\nlog: /var/log/mail\n'
        )
        old.write("aliases", text, "aliases")
        refused = imported(old)["refused"]
        assert [f"aliases, line {line}:" in "".join(refused) for line in (3, 4, 5)] == [True, True, True]
        assert destinations_of("root@mail.falcot.com") == ["jean@falcot.org"]
        assert destinations_of("postmaster@mail.falcot.com") == ["root@mail.falcot.com"]
        assert differences(old, folder) == ""

    def test_no_configuration(self, folder: Path, db: None) -> None:
        with nothing_changes(), pytest.raises(CommandError, match=r"There is no main.cf in"):
            call_command("import_postfix", str(folder))

    def test_a_table_that_is_not_indexed(self, handwritten: Make, db: None) -> None:
        old = handwritten("old").falcot()
        (old.directory / "virtual.db").unlink()
        with nothing_changes(), pytest.raises(CommandError, match="virtual cannot be read: open database"):
            imported(old)


class TestTables:
    @pytest.mark.parametrize("kind", ["btree", "lmdb", "cdb", "texthash"])
    def test_every_type(self, panel: Postfix, handwritten: Make, folder: Path, kind: str) -> None:
        old = handwritten("old").falcot()
        old.main(VIRTUAL.replace("hash:$config_directory/virtual", f"{kind}:$config_directory/of-{kind}"))
        old.write(f"of-{kind}", FALCOT["virtual"], kind)
        assert imported(old)["refused"] == []
        assert differences(old, folder) == ""

    def test_the_index_counts(self, handwritten: Make, db: None) -> None:
        """Postfix reads it, whatever the text says meanwhile."""
        old = handwritten("old").falcot()
        (old.directory / "vmailbox").write_text("jean@falcot.org falcot.org/elsewhere/\n")
        now = time.time() - 5
        os.utime(old.directory / "vmailbox", (now, now))
        found = imported(old)
        assert Mailbox.objects.count() == 3
        assert any("vmailbox: The index is older than the text" in remark for remark in found["remarks"])

    def test_patterns(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        old = handwritten("old").falcot()
        old.main(VIRTUAL.replace("hash:$config_directory/virtual", "pcre:$config_directory/patterns"))
        lines = [
            r"/^sales-.*@falcotsbrand\.com$/ jean@falcot.org",
            r"/^web\.master@falcotsbrand\.com$/ laure@falcot.org",
            r"/^(.*)@falcotsbrand\.com$/ $1@falcot.org",
            r"/^((jean)|(laure))@falcot\.com$/ $1@falcot.org",
        ]
        old.write("patterns", "\n".join([*lines, ""]))
        (sentence,) = imported(old)["refused"]
        assert "patterns, line 4:" in sentence
        assert destinations_of("sales-*@falcotsbrand.com") == ["jean@falcot.org"]
        assert destinations_of("@falcotsbrand.com") == ["@falcot.org"]
        kept = KeptParameter.objects.get(parameter="virtual_alias_maps")
        assert kept.tables[0]["lines"][0][0] == 4

    def test_a_pattern_answers_before_what_comes_after_it(
        self, panel: Postfix, handwritten: Make, folder: Path
    ) -> None:
        """Postfix goes by the order, the panel by the exact address and the longest pattern."""
        old = handwritten("old").falcot()
        old.main(
            VIRTUAL.replace(
                "hash:$config_directory/virtual", "pcre:$config_directory/patterns, hash:$config_directory/more"
            )
        )
        lines = [
            r"/^sales-.*@falcotsbrand\.com$/ jean@falcot.org",
            r"/^sales-vip@falcotsbrand\.com$/ laure@falcot.org",
            r"/^sales-as.*@falcotsbrand\.com$/ laure@falcot.org",
            r"/^sal.*@falcotsbrand\.com$/ sophie@falcot.org",
        ]
        old.write("patterns", "\n".join([*lines, ""]))
        more = "sales-it@falcotsbrand.com laure@falcot.org\nann@falcotsbrand.com laure@falcot.org\n"
        old.write("more", f"{more}@falcotsbrand.com jean@falcot.org\n", "hash")
        found = imported(old, leave_out_refused=False)
        assert found["refused"] == []
        never = [one for one in found["remarks"] if "is never asked" in one]
        for (place, key), said in zip(
            [("line 2", "sales-vip"), ("line 3", "sales-as*"), ("more, line 1", "sales-it")], never, strict=True
        ):
            assert f"{place}: “{key}@falcotsbrand.com” is never asked, because {old.directory}/patterns, line 1" in said
        assert differences(old, folder) == ""

    @pytest.mark.parametrize(
        ("kind", "row", "number"),
        [
            ("hash", "@falcot.org archive@example.net", 2),
            ("pcre", r"/^s.*@falcot\.org$/ archive@example.net", 1),
            ("pcre", r"/@falcot\.org$/ archive@example.net", 2),
        ],
    )
    def test_who_got_the_mail_of_mailboxes(self, handwritten: Make, db: None, kind: str, row: str, number: int) -> None:
        old = handwritten("old").falcot()
        table = f"hash:$config_directory/virtual, {kind}:$config_directory/more"
        old.main(VIRTUAL.replace("hash:$config_directory/virtual", table))
        old.write("virtual", f"{FALCOT['virtual']}jean@falcot.org jean@falcot.org\n", "hash")
        old.write("more", f"{row}\n", kind)
        (said,) = [one for one in imported(old)["remarks"] if "have no alias of their own" in one]
        assert f"more, line 1: “{'s*' if number == 1 else ''}@falcot.org” got the mail of mailboxes" in said
        assert f": {number}, for example " in said
        assert "jean@falcot.org" not in said

    def test_a_copy_from_another_host(self, handwritten: Make, db: None) -> None:
        old = handwritten("old").falcot()
        main = (old.directory / "main.cf").read_text().replace("$config_directory", "/etc/elsewhere")
        (old.directory / "main.cf").write_text(main)
        assert imported(old, installed_at="/etc/elsewhere")["added"]["mailboxes"] == 3

    def test_flat_tables(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        tables = {
            "transport_maps": "example.net smtp:[mx.example.net]\n.example.net :\nbad transport\n",
            "smtp_tls_policy_maps": "[mx.example.net] encrypt\n",
            "relocated_maps": "pierre@falcot.org pierre@example.net\n",
            "canonical_maps": "j@falcot.org jean@falcot.org\n",
            "sender_canonical_maps": "s@falcot.org sophie@falcot.org\n",
            "recipient_bcc_maps": "jean@falcot.org archive@example.net\n",
            "sender_dependent_relayhost_maps": "@falcot.org [relay.example.net]:587\njean@falcot.org [other.example]\n",
            "smtp_sasl_password_maps": "@falcot.org us:the relay knows\n[other.example] jean:only he knows\n",
        }
        old = handwritten("old").falcot(
            "smtp_sasl_auth_enable = yes\nsmtp_sender_dependent_authentication = yes\n"
            + "".join(f"{name} = texthash:$config_directory/{name}\n" for name in tables)
        )
        for name, text in tables.items():
            old.write(name, text)
        found = imported(old)
        (sentence,) = found["refused"]
        assert "transport_maps, line 3:" in sentence
        assert "the relay knows" not in json.dumps(found)
        assert set(Transport.objects.values_list("key", flat=True)) == {"example.net", ".example.net"}
        assert TlsPolicy.objects.get().result == "encrypt"
        assert (Bcc.objects.get().applies_to, Relocated.objects.get().result) == ("recipient", "pierre@example.net")
        assert set(Canonical.objects.values_list("applies_to", flat=True)) == {"all", "sender"}
        relays = {one.key: decrypted(one.credential.token) for one in SenderRelay.objects.select_related("credential")}
        assert relays == {"@falcot.org": "the relay knows", "jean@falcot.org": "only he knows"}
        assert differences(old, folder) == ""
        (left,) = compared(old.directory, of_the_panel_alone(folder))["differences"]
        assert left == {"about": "transport_maps", "key": "bad", "old": "transport", "new": ""}

    def test_relay_domains(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        recipients = "ann@relay.example x\ninfo@relay.example x\n@any.example x\nbob@other.example x\n"
        old = handwritten("old").falcot(
            "relay_domains = relay.example, any.example\nparent_domain_matches_subdomains =\n"
            "relay_recipient_maps = texthash:$config_directory/recipients\n"
        )
        old.write("recipients", recipients)
        old.write("virtual", FALCOT["virtual"] + "info@relay.example jean@falcot.org\n", "hash")
        (sentence,) = imported(old)["refused"]
        assert "recipients, line 4: other.example is not among relay_domains." in sentence
        assert [str(one) for one in RelayRecipient.objects.with_address()] == ["ann@relay.example"]
        assert Domain.objects.get(name="any.example").any_recipient
        assert differences(old, folder) == ""

    def test_who_may_send(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        """What our rule says anyway becomes no row."""
        old = handwritten("old").falcot("smtpd_sender_login_maps = texthash:$config_directory/logins\n")
        old.write(
            "logins",
            "jean@falcot.org jean@falcot.org\nwebmaster@falcotsbrand.com jean@falcot.org\n"
            "press@falcotsbrand.com laure@falcot.org jean@falcot.org\n@press.example sophie@falcot.org\n"
            "x@y.example eve\n",
        )
        (sentence,) = imported(old)["refused"]
        assert "logins, line 5: eve is no mailbox here" in sentence
        permitted = {(str(one.mailbox), str(one)) for one in PermittedSender.objects.all()}
        assert permitted == {
            ("laure@falcot.org", "press@falcotsbrand.com"),
            ("jean@falcot.org", "press@falcotsbrand.com"),
            ("sophie@falcot.org", "@press.example"),
        }
        left = compared(old.directory, of_the_panel_alone(folder))["differences"]
        assert {one["key"].lower() for one in left} == {"x@y.example", "x+old@y.example"}


def test_the_delimiter(handwritten: Make, db: None) -> None:
    old = handwritten("old").falcot("recipient_delimiter = -\n")
    assert imported(old)["added"]["mail settings"] == 1
    assert MailSettings.current().recipient_delimiter == "-"


RESTRICTIONS = """
smtpd_restriction_classes = greylisting, permissive
greylisting = check_policy_service inet:127.0.0.1:10023
permissive = permit
smtpd_helo_restrictions = permit_mynetworks,
    check_helo_access texthash:$config_directory/access_helo,
    reject_invalid_helo_hostname
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination,
    check_recipient_access hash:$config_directory/access_recipient
header_checks = regexp:$config_directory/header_checks
"""


def test_restrictions_are_kept_word_for_word(handwritten: Make, db: None) -> None:
    old = handwritten("old").falcot(RESTRICTIONS)
    old.write("access_helo", "# our own name\nfalcot.com REJECT\n")
    old.write("access_recipient", "postmaster@falcot.com permissive\nfalcot.com greylisting\n", "hash")
    old.write("header_checks", "/^X-Mailer: GOTO Sarbacane/ REJECT I fight spam (GOTO Sarbacane)\n")
    found = imported(old)
    assert set(found["kept"]) == {
        "smtpd_restriction_classes",
        "greylisting",
        "permissive",
        "smtpd_helo_restrictions",
        "smtpd_recipient_restrictions",
        "header_checks",
    }
    helo = KeptParameter.objects.get(parameter="smtpd_helo_restrictions")
    table = f"texthash:{old.directory}/access_helo"
    assert helo.entries == ["permit_mynetworks", "check_helo_access", table, "reject_invalid_helo_hostname"]
    assert helo.tables == [{"table": table, "lines": [[2, "falcot.com REJECT"]]}]
    out = io.StringIO()
    call_command("import_postfix", show_kept=True, stdout=out)
    assert "greylisting = check_policy_service inet:127.0.0.1:10023\n" in out.getvalue()
    assert "       2  falcot.com greylisting\n" in out.getvalue()


def test_in_words(handwritten: Make, db: None) -> None:
    out, err = io.StringIO(), io.StringIO()
    old = handwritten("old").falcot("virtual_mailbox_base = /var/mail/vhosts\n")
    call_command("import_postfix", str(old.directory), stdout=out, stderr=err)
    assert "mailboxes: added 3, 0 were there already.\n" in out.getvalue()
    assert "To take it back: history undo " in out.getvalue()
    assert "postfix_config --mail-base /var/mail/vhosts" in err.getvalue()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (r"/^sales-.*@example\.org$/ foo@example.net", ("sales-*@example.org", "foo@example.net")),
        (r"/@old\.example$/ all@new.example", ("@old.example", "all@new.example")),
        (r"/^(.+)@old\.example$/ ${1}@new.example", ("@old.example", "@new.example")),
        (r"/^Ann@old\.example$/ ann@new.example", ("ann@old.example", "ann@new.example")),
        (r"/^sales-(.*)@example\.org$/ $1@example.net", None),
        (r"/^sales@example\.org$/i foo@example.net", None),
        (r"/sales@example\.org$/ foo@example.net", None),
        (r"/^(a|b)@example\.org$/ foo@example.net", None),
        (r"if /@example/", None),
        (r"!/@example\.org$/ foo@example.net", None),
    ],
)
def test_what_a_pattern_says(line: str, wanted: tuple[str, str] | None) -> None:
    assert expressed(line) == wanted
