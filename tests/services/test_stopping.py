"""The emergency stop, and networks from which a mailbox is used, as the panel itself has them."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.models import ChangeSet
from mailboxes.models import Mailbox, PasswordLink
from mailboxes.recovery import link_of, new_token
from mailboxes.services import add_mailbox, change_mailbox
from mailboxes.stopping import release_mailboxes, stop_mailboxes
from mailboxes.undo import undo_change_set
from tests.plugins.example_mail import TESTER, add_domain

pytestmark = pytest.mark.django_db
BY = TESTER
PASSWORD = "let me read my mail"


@pytest.fixture
def jean() -> Mailbox:
    return add_mailbox(add_domain("falcot.org"), "jean", password=PASSWORD, by=BY)


def signed_in(**environment: Any) -> Client | None:
    client = Client(**environment)
    client.post("/sign-in/", {"username": "jean@falcot.org", "password": PASSWORD})
    return client if client.get("/my-mailbox/").status_code == 200 else None


class TestStop:
    def test_the_owner_is_out_and_stays_out_until_released(self, jean: Mailbox) -> None:
        session = signed_in()
        assert session is not None
        stop_mailboxes([jean], by=BY)
        assert session.get("/my-mailbox/").status_code == 302
        assert signed_in() is None
        release_mailboxes([jean], by=BY)
        assert session.get("/my-mailbox/").status_code == 302, "a session that ended does not begin again"
        assert signed_in() is not None

    def test_a_link_that_was_sent_is_no_longer_good_after_a_release(self, jean: Mailbox) -> None:
        about = {"mailbox": jean, "address": "jean@elsewhere.example", "purpose": "reset"}
        token = new_token(PasswordLink.objects.create(**about, expires_at=timezone.now() + timedelta(hours=1)))
        stop_mailboxes([jean], by=BY)
        release_mailboxes([jean], by=BY)
        with pytest.raises(ValidationError, match="no longer good"):
            link_of(token, "reset")

    def test_an_undo_releases(self, jean: Mailbox) -> None:
        change_set = stop_mailboxes([jean], by=BY)
        jean.refresh_from_db()
        assert jean.state == "stopped"
        undo_change_set(ChangeSet.objects.get(pk=change_set), by=BY)
        jean.refresh_from_db()
        assert jean.state == "active"

    def test_a_second_stop_does_not_change_since_when(self, jean: Mailbox) -> None:
        stop_mailboxes([jean], by=BY)
        jean.refresh_from_db()
        since = jean.stopped_at
        stop_mailboxes([jean], by=BY)
        jean.refresh_from_db()
        assert jean.stopped_at == since

    @pytest.mark.parametrize("state", ["active", "inactive", "expired", "stopped", "receives_no_mail"])
    def test_the_list_and_the_mailbox_agree_on_its_state(self, jean: Mailbox, state: str) -> None:
        change_mailbox(jean, receives=False, by=BY)
        stop_mailboxes([jean], by=BY)
        jean.refresh_from_db()
        assert Mailbox.objects.in_state(state).exists() == (jean.state == state)


class TestAllowedNetworks:
    def test_they_are_written_in_one_way(self, jean: Mailbox) -> None:
        jean = change_mailbox(jean, allowed_networks=["2001:DB8::1/32", "192.0.2.7/24", "192.0.2.0/24"], by=BY)
        assert jean.allowed_networks == ["192.0.2.0/24", "2001:db8::/32"]

    @pytest.mark.parametrize("text", ["home", "192.0.2.0/33", "", "10.0.0.0/8,::/0", "192.0.2.0/24; DROP"])
    def test_anything_else_is_refused(self, jean: Mailbox, text: str) -> None:
        with pytest.raises(ValidationError, match="is no address range"):
            change_mailbox(jean, allowed_networks=[text], by=BY)

    def test_the_owner_signs_in_to_the_panel_from_there_only(self, jean: Mailbox) -> None:
        change_mailbox(jean, allowed_networks=["192.0.2.0/24"], by=BY)
        assert signed_in(REMOTE_ADDR="198.51.100.1") is None
        assert signed_in(REMOTE_ADDR="192.0.2.9") is not None
