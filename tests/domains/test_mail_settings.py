"""The settings that hold for all domains."""

import pytest
from django.test import Client

from domains.models import MailSettings
from tests.plugins.people import words_of

AS_IT_IS = {
    "recipient_delimiter": "+",
    "mail_path_template": "{domain}/{local_part}",
    "quarantine_days": "30",
    "dkim_retiring_days": "7",
    "dkim_rotation_months": "0",
    "version": "1",
}


def test_it_works(alice_client: Client) -> None:
    response = alice_client.post("/settings/", AS_IT_IS | {"recipient_delimiter": "+-"}, follow=True)
    assert "main.cf must name the same delimiter" in words_of(response)
    assert "all aliases are being checked. Show the work" in words_of(response)
    assert MailSettings.current().recipient_delimiter == "+-"


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{domain}", "Two mailboxes would share a path."),
        ("{domain}/{password}", "Use the tokens {domain}, {local_part} and {initial} only"),
        ("/{domain}/{local_part}", "no leading slash"),
    ],
)
def test_a_template_that_does_not_do_is_refused(alice_client: Client, template: str, sentence: str) -> None:
    response = alice_client.post("/settings/", AS_IT_IS | {"mail_path_template": template})
    assert sentence in words_of(response)
    assert MailSettings.current().mail_path_template == AS_IT_IS["mail_path_template"]


def test_a_domain_admin_does_not_see_them(bob_client: Client) -> None:
    assert bob_client.get("/settings/").status_code == 404
