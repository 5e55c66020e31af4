"""The data that the tests of services begin with."""

import pytest

from domains.models import Domain
from domains.services import add_domain
from mailboxes.models import Mailbox
from mailboxes.services import add_mailbox
from tests.services.checks import TESTER


@pytest.fixture
def domain(db: None) -> Domain:
    return add_domain("example.org", by=TESTER)


@pytest.fixture
def other(db: None) -> Domain:
    return add_domain("example.com", by=TESTER)


@pytest.fixture
def jean(domain: Domain) -> Mailbox:
    return add_mailbox(domain, "jean", by=TESTER)


@pytest.fixture
def laure(domain: Domain) -> Mailbox:
    return add_mailbox(domain, "laure", by=TESTER)
