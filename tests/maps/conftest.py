"""One village for all tests of the maps: they only ask."""

import pytest

from tests.plugins import example_mail
from tests.plugins.mail_stack import Postfix


@pytest.fixture(scope="module")
def maps(postfix: Postfix, committed: None) -> Postfix:
    """Postfix, and addresses of every kind to ask it about."""
    example_mail.falcot()
    example_mail.village()
    return postfix
