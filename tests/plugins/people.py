"""The people of Falcot who look at pages: Alice may do everything, Bob manages falcot.org, Sophie owns a mailbox there,
Charlie may sign in and nothing else. Each comes with a browser that is signed in."""

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # this module is read before Django has its settings
    from django.test import Client

    from accounts.models import User
    from domains.models import Domain
    from mailboxes.models import Mailbox

PASSWORD = "correct horse battery staple"
PANEL = "accounts.backends.PersonBackend"
OWNER = "mailboxes.backends.MailboxOwnerBackend"


def signed_in(user: "User", backend: str = PANEL) -> "Client":
    from django.test import Client

    client = Client()
    client.force_login(user, backend=backend)
    return client


def add_person(username: str, **words: Any) -> "User":
    from accounts.services import add_user
    from tests.plugins.example_mail import TESTER

    return add_user(username, by=TESTER, **words)


@pytest.fixture
def falcot(db: None) -> "Domain":
    """falcot.org with jean, laure and sophie; falcot.com answers for it; falcotsbrand.com has aliases only."""
    from domains.models import Domain
    from mailboxes.demo import load_falcot
    from tests.plugins.example_mail import TESTER

    load_falcot(by=TESTER)
    return Domain.objects.get(name="falcot.org")


@pytest.fixture
def alice(db: None) -> "User":
    """A superuser."""
    return add_person("alice", name="Alice Martin", is_superuser=True)


@pytest.fixture
def bob(falcot: "Domain") -> "User":
    """Domain admin of falcot.org."""
    from domains.services import add_domain_admin
    from tests.plugins.example_mail import TESTER

    user = add_person("bob", name="Bob Roy")
    add_domain_admin(falcot, user, by=TESTER)
    return user


@pytest.fixture
def charlie(db: None) -> "User":
    """Somebody who may sign in and manages nothing."""
    return add_person("charlie", name="Charlie Weber")


@pytest.fixture
def sophie(falcot: "Domain") -> "User":
    """The owner of the mailbox sophie@falcot.org."""
    from mailboxes.services import owner_of
    from tests.plugins.example_mail import TESTER

    return owner_of(mailbox_of("sophie@falcot.org"), by=TESTER)


@pytest.fixture
def alice_client(alice: "User") -> "Client":
    return signed_in(alice)


@pytest.fixture
def bob_client(bob: "User") -> "Client":
    return signed_in(bob)


@pytest.fixture
def charlie_client(charlie: "User") -> "Client":
    return signed_in(charlie)


@pytest.fixture
def sophie_client(sophie: "User") -> "Client":
    return signed_in(sophie, OWNER)


def with_password(user: "User") -> "User":
    """Passwords take their time, so that people have one only where a test is about it."""
    from accounts.services import set_user_password
    from tests.plugins.example_mail import TESTER

    set_user_password(user, PASSWORD, by=TESTER)
    user.refresh_from_db()
    return user


def mailbox_with_password(address: str) -> "Mailbox":
    from mailboxes.services import set_mailbox_password
    from tests.plugins.example_mail import TESTER

    mailbox = mailbox_of(address)
    set_mailbox_password(mailbox, PASSWORD, by=TESTER)
    return mailbox


def mailbox_of(address: str) -> "Mailbox":
    from mailboxes.models import Mailbox

    local_part, _at, domain = address.rpartition("@")
    return Mailbox.objects.get(address__local_part=local_part, address__domain__name=domain)


def words_of(response: Any) -> str:
    """What a person reads on a page: its text without tags, with single blanks."""
    text = re.sub(r"<(script|style|title)\b.*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    within_a_line = r"</?(?:a|b|code|span|wbr|ins|del|small)\b[^>]*>"
    text = re.sub(r"<[^>]*>", " ", re.sub(within_a_line, "", text))
    return " ".join(html.unescape(text).split())
