"""Changing the mail settings."""

import pytest

from domains.models import MailSettings
from domains.services import change_mail_settings
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
