"""Getting in with a token: who, from where, for what, and until when."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor, Door
from accounts.models import User
from accounts.services import change_user
from api.models import RequestCount, Token
from api.services import add_token, revoke_token
from domains.models import Domain
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER
from tests.plugins.people import words_of
from tests.services.checks import refusal


def test_it_works(alice: User) -> None:
    text = token_for(alice, "domains:read")
    assert Api(text).get("domains/") == {"next": None, "results": []}
    token = Token.objects.get()
    assert token.digest not in text
    assert text not in str(vars(token))
    assert len(text) > 40


class TestNobodyGetsIn:
    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Bearer mailadmin_x", "Basic YTpi", "Bearer \u00e9\u4e2d"]
    )
    def test_without_a_token(self, db: None, header: str) -> None:
        answer = Api(**({"Authorization": header} if header else {}))("GET", "domains/")
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="mailadmin"'

    def test_with_a_revoked_one(self, alice: User) -> None:
        api = Api(token_for(alice))
        revoke_token(Token.objects.select_related("user").get(), by=TESTER)
        assert api("GET", "domains/").status == 401

    def test_with_an_expired_one(self, alice: User) -> None:
        api = Api(token_for(alice, expires_at=timezone.now() + timedelta(hours=1)))
        assert api("GET", "domains/").status == 200
        with time_machine.travel(timezone.now() + timedelta(hours=2)):
            assert api("GET", "domains/").status == 401

    def test_whose_owner_is_not_active(self, alice: User, bob: User) -> None:
        api = Api(token_for(bob))
        change_user(bob, is_active=False, by=TESTER)
        assert api("GET", "domains/").status == 401

    def test_from_elsewhere(self, alice: User) -> None:
        api = Api(token_for(alice, networks=["192.0.2.0/24", "2001:db8::/32"]))
        assert api("GET", "domains/").json["detail"] == "This token is not good from 127.0.0.1."
        for address, status in [
            ("192.0.2.7", 200),
            ("::ffff:192.0.2.7", 200),
            ("2001:db8::1", 200),
            ("192.0.3.1", 401),
        ]:
            api.client = Client(REMOTE_ADDR=address)
            assert api("GET", "domains/").status == status, address

    def test_many_wrong_ones(self, alice: User) -> None:
        right, wrong = Api(token_for(alice)), Api("mailadmin_wrong")
        answers = [wrong("GET", "domains/") for _time in range(21)]
        assert [answer.status for answer in answers] == [401] * 20 + [429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        assert right("GET", "domains/").status == 200
        wrong.client = Client(REMOTE_ADDR="192.0.2.9")
        assert wrong("GET", "domains/").status == 401
        RequestCount.objects.update(begun_at=timezone.now() - timedelta(seconds=61))
        assert wrong("GET", "domains/").status == 401
        assert RequestCount.objects.filter(key__startswith="wrong").count() == 1


class TestScopes:
    def test_reading_is_not_writing(self, alice: User) -> None:
        api = Api(token_for(alice, "domains:read"))
        assert api("GET", "domains/").status == 200
        answer = api("POST", "domains/", {"name": "example.org"})
        assert (answer.status, answer.faults()) == (403, {"": "missing_scope"})
        assert answer.json["detail"] == "This token lacks the scope domains:write."
        assert not Domain.objects.exists()

    def test_writing_is_reading(self, alice: User) -> None:
        api = Api(token_for(alice, "domains:write"))
        assert api("POST", "domains/", {"name": "example.org"}).status == 201
        assert api("GET", "domains/").status == 200

    def test_of_something_else(self, alice: User) -> None:
        assert Api(token_for(alice, "mailboxes:write"))("GET", "domains/").status == 403


class TestRights:
    """They are those that the owner has at this moment."""

    def test_a_superuser_who_is_none_any_more(self, alice: User, falcot: Domain) -> None:
        api = Api(token_for(alice))
        assert api("GET", "domains/falcot.org/").status == 200
        User.objects.filter(pk=alice.pk).update(is_superuser=False)
        assert api("GET", "domains/falcot.org/").status == 404

    def test_a_domain_admin_who_lost_the_domain(self, bob: User, falcot: Domain) -> None:
        api = Api(token_for(bob, domains=["falcot.org"]))
        assert api("GET", "domains/falcot.org/").status == 200
        falcot.admins.clear()
        assert api("GET", "domains/falcot.org/").status == 404

    def test_domains_that_the_owner_has_not(self, bob: User, alice: User) -> None:
        Api(token_for(alice))("PUT", "domains/foreign.example/", {})
        with pytest.raises(ValidationError, match="There is no domain foreign.example here."):
            token_for(bob, domains=["foreign.example"])


def test_the_last_use_is_not_written_each_time(alice: User) -> None:
    api = Api(token_for(alice))
    with time_machine.travel("2026-11-27 12:00:00Z", tick=False):
        api("GET", "domains/")
    with time_machine.travel("2026-11-27 12:09:00Z", tick=False):
        api("GET", "domains/")
        assert Token.objects.get().last_used_at.minute == 0  # type: ignore[union-attr]
    with time_machine.travel("2026-11-27 12:11:00Z", tick=False):
        api("GET", "domains/")
        assert Token.objects.get().last_used_at.minute == 11  # type: ignore[union-attr]


def test_too_many_requests(alice: User, settings: Any) -> None:
    settings.API_REQUESTS_A_MINUTE = 2
    api = Api(token_for(alice))
    assert [api("GET", "domains/").status for _time in range(3)] == [200, 200, 429]


class TestSession:
    """Who is signed in may look in the browser, and no more."""

    def test_looks(self, alice_client: Client) -> None:
        assert alice_client.get("/api/v1/domains/").status_code == 200

    def test_writes_nothing(self, alice_client: Client) -> None:
        response = alice_client.post("/api/v1/domains/", {"name": "example.org"}, content_type="application/json")
        assert response.status_code == 401
        assert not Domain.objects.exists()

    def test_a_mailbox_owner_finds_nothing(self, sophie_client: Client) -> None:
        assert sophie_client.get("/api/v1/domains/").status_code == 404


class TestAddToken:
    def test_what_is_refused(self, alice: User, bob: User, sophie: User) -> None:
        by: dict[str, Any] = {"by": Actor(user=alice, door=Door.PAGE)}
        good: dict[str, Any] = {"scopes": ["domains:read"]}
        with refusal("There is no scope “domain:read”.", field="scopes"):
            add_token(alice, "a", scopes=["domain:read"], **by)
        with refusal("Choose at least one thing", field="scopes"):
            add_token(alice, "a", scopes=[], **by)
        with refusal("“300.0.0.0/8” is no address range.", field="networks"):
            add_token(alice, "a", networks=["300.0.0.0/8"], **good, **by)
        with refusal("This is past already.", field="expires_at"):
            add_token(alice, "a", expires_at=timezone.now(), **good, **by)
        with refusal("nobody adds one for somebody else"):
            add_token(bob, "a", **good, **by)
        with refusal("A mailbox owner has no API tokens."):
            add_token(sophie, "a", **good, by=TESTER)

    def test_a_name_is_used_once(self, alice: User) -> None:
        token_for(alice, name="script")
        with refusal("There is a token of this name already."):
            token_for(alice, name="script")

    def test_there_are_fifty_at_most(self, alice: User) -> None:
        Token.objects.bulk_create(
            Token(user=alice, name=str(n), digest=f"{n:064x}", scopes=["domains:read"]) for n in range(50)
        )
        with refusal("A person has 50 tokens at most."):
            token_for(alice)


class TestPages:
    FORM = {
        "name": "script",
        "may_mailboxes": "write",
        "domains": "falcot.org",
        "networks": "192.0.2.1",
        "expires_in_days": "30",
    }

    def test_a_token_is_shown_once(self, falcot: Domain, alice_client: Client) -> None:
        response = alice_client.post("/account/tokens/add/", self.FORM)
        text = words_of(response).partition("mailadmin_")[2].split()[0]
        token = Token.objects.get()
        assert (token.scopes, token.networks) == (["mailboxes:write"], ["192.0.2.1/32"])
        assert token.domains == ["falcot.org"]
        assert response["Cache-Control"].startswith("max-age=0, no-cache, no-store")
        assert text not in alice_client.get("/account/tokens/").content.decode()
        api = Api(f"mailadmin_{text}")
        api.client = Client(REMOTE_ADDR="192.0.2.1")
        assert api("GET", "domains/").status == 403

    def test_nothing_chosen(self, alice_client: Client) -> None:
        response = alice_client.post("/account/tokens/add/", {"name": "script"})
        assert "Choose at least one thing that the token may do." in words_of(response)

    def test_a_domain_that_is_not_there(self, alice_client: Client) -> None:
        response = alice_client.post("/account/tokens/add/", self.FORM)
        assert "Only for domains: There is no domain falcot.org here." in words_of(response)
        assert not Token.objects.exists()

    def test_it_is_revoked(self, alice: User, alice_client: Client) -> None:
        token_for(alice, name="script")
        pk = Token.objects.get().pk
        assert "Revoke script?" in words_of(alice_client.get(f"/account/tokens/{pk}/revoke/"))
        response = alice_client.post(f"/account/tokens/{pk}/revoke/", follow=True)
        assert "Revoked API token script." in words_of(response)
        assert not Token.objects.exists()

    def test_not_that_of_somebody_else(self, alice: User, bob_client: Client) -> None:
        token_for(alice)
        assert bob_client.post(f"/account/tokens/{Token.objects.get().pk}/revoke/").status_code == 404
        assert Token.objects.exists()
