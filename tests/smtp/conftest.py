"""The same village, reached by SMTP."""

import pytest

from tests.plugins import example_mail
from tests.plugins.mail_stack import Postfix


@pytest.fixture(scope="module")
def mail(postfix: Postfix, committed: None) -> Postfix:
    """Postfix, and addresses of every kind to send to."""
    postfix.empty_mail()
    postfix.make_folder("falcot.org")
    example_mail.falcot()
    example_mail.village()
    return postfix
