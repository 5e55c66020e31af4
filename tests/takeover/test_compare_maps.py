"""compare_maps: the same questions to an old and a new configuration, by the real postmap."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from mailservers.mail_servers import POSTFIX
from takeover.comparison_records import MOST_COMPARISONS
from takeover.models import Comparison, ComparisonDifference
from tests.plugins.example_mail import falcot
from tests.plugins.mail_stack import Postfix
from tests.takeover.handwritten import FALCOT, VIRTUAL, Handwritten

Make = Callable[[str], Handwritten]


def compared(old: Path, new: Path | str, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    code = 0
    try:
        call_command("compare_maps", str(old), str(new), json=True, stdout=out, stderr=io.StringIO(), **options)
    except SystemExit as end:
        code = int(end.code or 0)
    found: dict[str, Any] = json.loads(out.getvalue())
    assert code == (1 if found["differences"] else 0)
    return found


@pytest.fixture(scope="module")
def panel(postfix: Postfix, committed: None) -> Postfix:
    """Falcot's mail in the panel."""
    falcot()
    return postfix


def written(folder: Path) -> Path:
    """What postfix_config writes."""
    call_command("postfix_config", output=str(folder / "mailadmin"), stdout=io.StringIO())
    return folder / "mailadmin"


def differing(found: dict[str, Any], about: str = "recipient") -> set[tuple[str, str, str]]:
    return {(one["key"], one["old"], one["new"]) for one in found["differences"] if one["about"] == about}


def test_it_works(panel: Postfix, handwritten: Make, folder: Path) -> None:
    old = handwritten("old").falcot()
    found = compared(old.directory, written(folder))
    assert found["differences"] == []
    assert found["explained"]["by_another_way"] >= 6
    assert found["explained"]["refused_at_the_door"] >= 2
    assert found["asked"] > 30


NOT_ASKED = {
    "virtual_uid_maps": ("jean@falcot.org 5001", "jean@falcot.org 5002"),
    "virtual_gid_maps": ("jean@falcot.org 5001", "jean@falcot.org 5002"),
    "smtp_generic_maps": ("jean@falcot.org a@example.net", "jean@falcot.org b@example.net"),
    "smtp_sasl_password_maps": ("mx.example.net jean:old-secret", "mx.example.net jean:new-secret"),
    "mailbox_transport_maps": ("root smtp:[a.example]", "root smtp:[b.example]"),
}


class TestNotAsked:
    """What is only read is named where the sides differ in it."""

    @pytest.mark.parametrize("parameter", NOT_ASKED)
    @pytest.mark.parametrize("kind", ["texthash", "hash", "pcre"])
    def test_it_works(self, handwritten: Make, db: None, parameter: str, kind: str) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        for side in (old, new):
            side.main(f"{VIRTUAL}{parameter} = {kind}:$config_directory/probe\n")
            side.write("probe", self.text(NOT_ASKED[parameter][0], kind), kind)
        assert compared(old.directory, new.directory)["remarks"] == []
        new.write("probe", self.text(NOT_ASKED[parameter][1], kind), kind)
        remarks = compared(old.directory, new.directory)["remarks"]
        assert remarks == [f"{parameter} is not compared, and the two sides do not say the same."]

    def text(self, row: str, kind: str) -> str:
        key, _blank, value = row.partition(" ")
        return f"/^{key}$/ {value}\n" if kind == "pcre" else f"{row}\n"

    def test_by_which_server_mail_leaves(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot("relayhost = [b.example]\n")
        assert compared(old.directory, new.directory)["remarks"] == [
            "relayhost is not compared: “” in the old configuration, “[b.example]” in the new one."
        ]

    def test_an_access_table(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old"), handwritten("new")
        for side, action in ((old, "OK"), (new, "REJECT")):
            side.falcot(
                "smtpd_restriction_classes = some\n"
                "some = check_recipient_access texthash:$config_directory/people\n"
                "smtpd_recipient_restrictions = some, reject_unauth_destination\n"
            )
            side.write("people", f"jean@falcot.org {action}\n")
        remarks = compared(old.directory, new.directory)["remarks"]
        assert remarks == ["some is not compared, and the two sides do not say the same."]

    def test_what_postfix_config_puts_around_the_lists_is_no_difference(
        self, panel: Postfix, handwritten: Make, folder: Path
    ) -> None:
        old = handwritten("old").falcot("smtpd_recipient_restrictions = reject_unauth_destination\n")
        remarks = compared(old.directory, written(folder))["remarks"]
        assert len(remarks) == 1
        assert "who may send as whom is not compared" in remarks[0]


def test_what_would_be_written_now(panel: Postfix, handwritten: Make) -> None:
    assert compared(handwritten("old").falcot().directory, "")["differences"] == []


def test_a_copy_from_another_place(panel: Postfix, handwritten: Make, folder: Path) -> None:
    """Names of the old main.cf are read from the copy, those of the panel from where they were written."""
    old = handwritten("old").falcot()
    main = (old.directory / "main.cf").read_text().replace("$config_directory", str(folder))
    (old.directory / "main.cf").write_text(main)
    old.back_date()
    assert compared(old.directory, written(folder), old_installed_at=str(folder))["differences"] == []


class TestDifferences:
    """One is planted on either side; both are found, in the address, in upper case and with an extension."""

    def test_what_only_the_old_side_knows(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        old = handwritten("old").falcot()
        old.write("virtual", FALCOT["virtual"] + "press@falcotsbrand.com jean@falcot.org\n", "hash")
        found = compared(old.directory, written(folder))
        jean = "/srv/vmail/falcot.org/jean/"
        assert ("press@falcotsbrand.com", jean, "refused") in differing(found)
        assert ("PRESS@FALCOTSBRAND.COM", jean, "refused") in differing(found)
        assert ("press+old@falcotsbrand.com", jean, "refused") in differing(found)
        assert len(found["differences"]) == 3

    def test_what_only_the_new_side_knows(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        old = handwritten("old").falcot()
        old.write("virtual", FALCOT["virtual"].replace("webmaster@", "web@"), "hash")
        found = compared(old.directory, written(folder))
        nobody = "nobody: webmaster@falcot.org"
        assert ("webmaster@falcotsbrand.com", nobody, "/srv/vmail/falcot.org/jean/") in differing(found)
        assert ("web@falcotsbrand.com", "/srv/vmail/falcot.org/jean/", "refused") in differing(found)

    def test_another_place_of_a_mailbox(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        old = handwritten("old").falcot()
        old.write("vmailbox", FALCOT["vmailbox"].replace("falcot.org/jean/", "jean/"), "hash")
        found = compared(old.directory, written(folder))
        assert ("jean@falcot.org", "/srv/vmail/jean/", "/srv/vmail/falcot.org/jean/") in differing(found)

    def test_a_mailbox_in_another_format(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        old = handwritten("old").falcot()
        old.write("vmailbox", FALCOT["vmailbox"].replace("falcot.org/sophie", "falcot.org/sophie/"), "hash")
        found = compared(old.directory, written(folder))
        assert ("sophie@falcot.org", "/srv/vmail/falcot.org/sophie/", "/srv/vmail/falcot.org/sophie") in differing(
            found
        )

    def test_a_whole_domain(self, panel: Postfix, handwritten: Make, folder: Path) -> None:
        old = handwritten("old").falcot()
        old.main(VIRTUAL.replace("falcotsbrand.com, falcot.com", "falcotsbrand.com, falcot.com, falcot.net"))
        old.write("virtual", FALCOT["virtual"] + "@falcot.net laure@falcot.org\n", "hash")
        found = compared(old.directory, written(folder))
        assert {key for key, _old, _new in differing(found)} == {"no-such-person@falcot.net", "postmaster@falcot.net"}

    def test_tables_beside_delivery(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        more = (
            "transport_maps = texthash:$config_directory/transport\nsender_bcc_maps = texthash:$config_directory/bcc\n"
        )
        for side in (old, new):
            side.main(VIRTUAL + more)
            side.write("transport", "example.net smtp:[mx.example.net]\n* :\n")
            side.write("bcc", "jean@falcot.org archive@example.net\n")
        assert compared(old.directory, new.directory)["differences"] == []
        new.write("transport", "example.net smtp:[mx2.example.net]\n* :\n")
        new.write("bcc", "jean@falcot.org other@example.net\n")
        found = compared(old.directory, new.directory)
        assert ("example.net", "smtp:[mx.example.net]", "smtp:[mx2.example.net]") in differing(found, "transport_maps")
        bcc = differing(found, "sender_bcc_maps")
        assert ("jean@falcot.org", "archive@example.net", "other@example.net") in bcc

    def test_a_key_that_no_map_lists(self, handwritten: Make, folder: Path, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        for side, name in ((old, "jean"), (new, "laure")):
            side.main(VIRTUAL.replace("hash:$config_directory/virtual", "pcre:$config_directory/patterns"))
            side.write("patterns", f"/^chef[0-9]+@falcotsbrand\\.com$/ {name}@falcot.org\n")
        unknown = compared(old.directory, new.directory)
        assert not unknown["differences"]
        assert any("cannot list its keys" in remark for remark in unknown["remarks"])
        (folder / "keys").write_text("chef7@falcotsbrand.com\n")
        found = compared(old.directory, new.directory, keys=str(folder / "keys"))
        assert "chef7@falcotsbrand.com" in {key for key, _old, _new in differing(found)}


class TestExplained:
    def test_another_order(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        new.write(
            "virtual",
            FALCOT["virtual"].replace("laure@falcot.com,\n    sophie", "Sophie@falcot.com,\n    laure"),
            "hash",
        )
        found = compared(old.directory, new.directory)
        assert found["differences"] == []
        assert found["explained"] == {"in_another_order": 3}

    def test_by_another_way(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        new.write("virtual", FALCOT["virtual"].replace("jean@falcot.com", "jean@falcot.org"), "hash")
        found = compared(old.directory, new.directory)
        assert found["differences"] == []
        assert found["explained"] == {"by_another_way": 3}

    def test_a_path_in_other_words(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        new.write("vmailbox", FALCOT["vmailbox"].replace("falcot.org/jean/", "/falcot.org//./jean/"), "hash")
        found = compared(old.directory, new.directory)
        assert found["differences"] == []
        assert set(found["explained"]) == {"path_in_other_words"}

    def test_refused_at_the_door(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        old.write("virtual", FALCOT["virtual"] + "gone@falcotsbrand.com gone@falcot.org\n", "hash")
        new.write("virtual", FALCOT["virtual"].replace("@falcotsbrand.com           @falcot.com\n", ""), "hash")
        found = compared(old.directory, new.directory)
        assert found["explained"]["refused_at_the_door"] >= 3
        assert not [one for one in found["differences"] if one["key"].startswith("gone")]

    def test_receiver_may_send(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        for side, more in ((old, ""), (new, "contact@falcotsbrand.com laure@falcot.org sophie@falcot.org\n")):
            side.main(VIRTUAL + "smtpd_sender_login_maps = texthash:$config_directory/logins\n")
            side.write("logins", f"jean@falcot.org jean@falcot.org\n{more}")
        found = compared(old.directory, new.directory)
        assert found["differences"] == []
        assert found["explained"] == {"receiver_may_send": 3}
        new.write("logins", "jean@falcot.org jean@falcot.org sophie@falcot.org\n")
        found = compared(old.directory, new.directory)
        keys = {key for key, _old, _new in differing(found, "smtpd_sender_login_maps")}
        assert keys == {"jean@falcot.org", "JEAN@FALCOT.ORG", "jean+old@falcot.org"}


@pytest.mark.parametrize("kind", ["hash", "btree", "lmdb", "cdb", "texthash"])
def test_every_type_with_keys(handwritten: Make, db: None, kind: str) -> None:
    """A key that only an index of this type holds is found."""
    old, new = handwritten("old").falcot(), handwritten("new").falcot()
    old.main(VIRTUAL.replace("hash:$config_directory/virtual", f"{kind}:$config_directory/of-{kind}"))
    old.write(f"of-{kind}", FALCOT["virtual"] + "only-here@falcotsbrand.com jean@falcot.org\n", kind)
    found = compared(old.directory, new.directory)
    assert {key for key, _old, _new in differing(found)} == {
        "only-here@falcotsbrand.com",
        "ONLY-HERE@FALCOTSBRAND.COM",
        "only-here+old@falcotsbrand.com",
    }


def test_an_old_map_in_sql(panel: Postfix, handwritten: Make, folder: Path) -> None:
    """Asked without its proxy, which only a running Postfix could follow."""
    old = handwritten("old").falcot()
    cf = (written(folder) / "virtual_alias_maps.cf").read_text().replace("virtual_alias_maps(", "virtual_alias_maps  (")
    (old.directory / "aliases.cf").write_text(cf.replace("FROM postfix.", "FROM  postfix."))
    old.main(VIRTUAL.replace("hash:$config_directory/virtual", "proxy:pgsql:$config_directory/aliases.cf"))
    found = compared(old.directory, written(folder))
    assert found["differences"] == []
    assert any("aliases.cf" in remark and "--keys" in remark for remark in found["remarks"])
    assert POSTFIX.role in cf
    assert POSTFIX.password not in json.dumps(found)


def test_another_delimiter(handwritten: Make, db: None) -> None:
    old, new = handwritten("old").falcot(), handwritten("new").falcot()
    new.main(VIRTUAL + "recipient_delimiter = -\n")
    found = compared(old.directory, new.directory)
    assert {key for key, _old, _new in differing(found)} >= {"jean+old@falcot.org", "jean-old@falcot.org"}
    assert any("recipient_delimiter" in remark for remark in found["remarks"])


def test_lists_of_domains(handwritten: Make, folder: Path, db: None) -> None:
    """A list in a file, one in a table, a name that is taken out again."""
    old, new = handwritten("old").falcot(), handwritten("new").falcot()
    (folder / "names").write_text("# brands\nfalcotsbrand.com,\n  falcot.com, gone.example\n")
    new.main(VIRTUAL.replace("falcotsbrand.com, falcot.com", f"!gone.example, {folder}/names"))
    assert compared(old.directory, new.directory)["differences"] == []
    new.main(VIRTUAL.replace("falcotsbrand.com, falcot.com", "texthash:$config_directory/names"))
    new.write("names", "falcotsbrand.com here\nfalcot.com here\n")
    assert compared(old.directory, new.directory)["differences"] == []
    new.write("names", "falcotsbrand.com here\n")
    assert "jean@falcot.com" in {key for key, _old, _new in differing(compared(old.directory, new.directory))}


class TestRefused:
    """Half a proof is none."""

    def test_no_configuration(self, handwritten: Make, folder: Path, db: None) -> None:
        old = handwritten("old").falcot()
        with pytest.raises(CommandError, match=r"There is no main.cf in .*/nowhere\."):
            call_command("compare_maps", str(old.directory), str(folder / "nowhere"))
        assert Comparison.objects.get().state == "failed"

    def test_a_map_that_is_not_there(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        (new.directory / "virtual.db").unlink()
        with pytest.raises(CommandError, match="virtual cannot be read"):
            call_command("compare_maps", str(old.directory), str(new.directory))
        assert "virtual cannot be read" in Comparison.objects.get().error

    def test_a_file_of_keys_that_is_not_there(self, handwritten: Make, db: None) -> None:
        old = str(handwritten("old").falcot().directory)
        with pytest.raises(CommandError, match="cannot be read: No such file"):
            call_command("compare_maps", old, old, keys="/nowhere")


class TestRecord:
    def test_it_stands_in_the_database(self, handwritten: Make, db: None) -> None:
        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        new.write("vmailbox", FALCOT["vmailbox"].replace("falcot.org/jean/", "jean/"), "hash")
        found = compared(old.directory, new.directory)
        comparison = Comparison.objects.get(pk=found["id"])
        assert (comparison.state, comparison.done, comparison.total) == ("done", found["asked"], found["asked"])
        assert comparison.differences == ComparisonDifference.objects.count() == len(found["differences"])

    def test_old_ones_go(self, handwritten: Make, db: None) -> None:
        old = handwritten("old").falcot().directory
        Comparison.objects.bulk_create(Comparison(old="a", new="b") for _n in range(MOST_COMPARISONS + 5))
        found = compared(old, old)
        assert Comparison.objects.count() == MOST_COMPARISONS
        assert Comparison.objects.filter(pk=found["id"]).exists()

    def test_without_a_database(self, handwritten: Make, monkeypatch: pytest.MonkeyPatch, db: None) -> None:
        """On another host all is printed all the same."""

        def away(*args: object, **options: object) -> None:
            raise OperationalError("nobody listens")

        old, new = handwritten("old").falcot(), handwritten("new").falcot()
        new.write("vmailbox", FALCOT["vmailbox"].replace("falcot.org/jean/", "jean/"), "hash")
        with monkeypatch.context() as patched:
            patched.setattr("django.db.connection.cursor", away)
            found = compared(old.directory, new.directory)
        assert found["id"] is None
        assert "jean@falcot.org" in {key for key, _old, _new in differing(found)}


def test_in_words(handwritten: Make, db: None) -> None:
    old, new = handwritten("old").falcot(), handwritten("new").falcot()
    new.write("vmailbox", FALCOT["vmailbox"].replace("falcot.org/jean/", "jean/"), "hash")
    out = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("compare_maps", str(old.directory), str(new.directory), stdout=out, stderr=io.StringIO())
    assert end.value.code == 1
    assert "jean@falcot.org  (recipient)\n  - /srv/vmail/falcot.org/jean/\n  + /srv/vmail/jean/\n" in out.getvalue()
    assert "questions of both sides:" in out.getvalue()
