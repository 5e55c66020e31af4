"""Changing the mail settings."""

import pytest

from accounts.history import recorded
from accounts.models import ChangeSet
from domains.models import Domain, MailSettings
from domains.services import change_mail_settings
from jobs.models import Job
from mailboxes import loops
from mailboxes.jobs import ALIAS_REPORT
from mailboxes.report import check_aliases
from mailboxes.services import add_alias
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER, one_change_set, refusal

pytestmark = pytest.mark.django_db


def test_it_works() -> None:
    with one_change_set("Changed the mail settings"):
        change_mail_settings(recipient_delimiter="+-", mail_path_template="{domain}/{initial}/{local_part}", by=TESTER)
    settings = MailSettings.current()
    assert (settings.recipient_delimiter, settings.version) == ("+-", 2)
    assert settings.path_for("example.org", "jean") == "example.org/j/jean"


def test_nobody_overwrites_a_colleague() -> None:
    change_mail_settings(recipient_delimiter="-", version=1, by=TESTER)
    with refusal("Somebody else changed this"):
        change_mail_settings(recipient_delimiter="", version=1, by=TESTER)


@pytest.mark.parametrize("delimiter", ["=", "-+", "++", "+\0", "abc"])
def test_an_unknown_delimiter_is_refused(delimiter: str) -> None:
    with refusal(field="recipient_delimiter"):
        change_mail_settings(recipient_delimiter=delimiter, by=TESTER)


@pytest.mark.parametrize(
    "template",
    [
        "",
        "/{domain}/{local_part}",
        "{domain}/../{local_part}",
        "{domain}//{local_part}",
        "{domain}/./{local_part}",
        "./{domain}/{local_part}",
        "{domain}/{local_part}/.",
        "{domain}",
        "{local_part}",
        "{domain}/{local_part}/{password}",
        "{domain}/{local_part.__class__}",
        "{domain}/{local_part[0]}",
        "{domain!r}/{local_part}",
        "{domain}/{local_part:>9999999999}",
        "{domain}/{local_part}{",
        "{domain}/{local_part}{}",
        "{domain}/{local_part}/{0}",
        "{domain}/{local_part}/ü",
        "{domain}/{local_part}/a b",
        "{domain}/{local_part}\0",
        "{domain}/{local_part}\n",
        "{domain}/{local_part}" + "x" * 200,
    ],
)
def test_a_template_that_would_lose_mail_is_refused(template: str) -> None:
    with refusal(field="mail_path_template"):
        change_mail_settings(mail_path_template=template, by=TESTER)


class TestAnotherDelimiter:
    """`b-x` is the catch-all's as long as a hyphen separates nothing, then it is an extension of b."""

    @pytest.fixture
    def way_back(self, domain: Domain) -> None:
        add_alias(domain, "", ["someone@elsewhere.example"], by=TESTER)
        add_alias(domain, "a", ["b-x@example.org"], by=TESTER)
        add_alias(domain, "b", ["a@example.org"], by=TESTER)

    def test_it_closes_no_loop(self, way_back: None) -> None:
        with refusal("loop: b@example.org → a@example.org → b@example.org", field="recipient_delimiter"):
            change_mail_settings(recipient_delimiter="-", by=TESTER)

    def test_it_makes_no_more_than_1000_of_one(self, domain: Domain) -> None:
        add_alias(domain, "", ["someone@elsewhere.example"], by=TESTER)
        add_alias(domain, "b", [f"p{number}@elsewhere.example" for number in range(600)], by=TESTER)
        add_alias(domain, "a", ["b-x@example.org", "b-y@example.org"], by=TESTER)
        with refusal("Mail to a@example.org would become mail to more than 1000", field="recipient_delimiter"):
            change_mail_settings(recipient_delimiter="-", by=TESTER)

    def test_nor_does_an_undo(self, domain: Domain) -> None:
        change_mail_settings(recipient_delimiter="-", by=TESTER)
        with recorded("change", "mail_settings", "back", by=TESTER) as number:
            change_mail_settings(recipient_delimiter="+", by=TESTER)
        add_alias(domain, "", ["someone@elsewhere.example"], by=TESTER)
        add_alias(domain, "a", ["b-x@example.org"], by=TESTER)
        add_alias(domain, "b", ["a@example.org"], by=TESTER)
        with refusal("loop"):
            undo_change_set(ChangeSet.objects.get(pk=number), by=TESTER)

    def test_all_aliases_are_checked_afterwards(self, domain: Domain) -> None:
        change_mail_settings(quarantine_days=7, by=TESTER)
        assert not Job.objects.exists()
        change_mail_settings(recipient_delimiter="-", by=TESTER)
        assert Job.objects.get().kind == ALIAS_REPORT

    def test_of_many_only_the_check_knows(self, way_back: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(loops, "MOST_SPLIT", 0)
        change_mail_settings(recipient_delimiter="-", by=TESTER)
        job = Job.objects.get()
        assert "loop" in check_aliases(job)["counts"]
