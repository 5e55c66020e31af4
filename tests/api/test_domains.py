"""Domains through the API: every verb, and what is the same for every noun."""

from accounts.models import ChangeSet, User
from domains.models import Domain
from tests.api.conftest import Api, token_for


def test_it_works(api: Api) -> None:
    added = api("POST", "domains/", {"name": "Example.ORG", "description": "Ours"})
    assert added.status == 201
    assert added.headers["Location"] == "http://testserver/api/v1/domains/example.org/"
    assert added.json["address_class"] == "virtual_mailbox"
    assert api.get("domains/EXAMPLE.org/") == added.json
    changed = api("PATCH", "domains/example.org/", {"active": False})
    assert (changed.status, changed.json["active"], changed.json["description"]) == (200, False, "Ours")
    gone = api("DELETE", "domains/example.org/")
    assert (gone.status, gone.json) == (204, None)
    assert api("GET", "domains/example.org/").status == 404


def test_the_history_names_token_and_owner(api: Api, alice: User) -> None:
    answer = api("POST", "domains/", {"name": "example.org"})
    change_set = ChangeSet.objects.get(pk=str(answer.change_set))
    assert change_set.sentence == "Added domain example.org"
    assert (change_set.value("who"), change_set.value("token"), change_set.value("door")) == (
        "Alice Martin",
        "test",
        "api",
    )
    assert change_set.value("user") == alice.pk


def test_a_name_in_its_own_script(api: Api) -> None:
    assert api("PUT", "domains/B%C3%BCcher.example/", {}).json["name"] == "xn--bcher-kva.example"
    assert api.get("domains/xn--bcher-kva.example/")["unicode_name"] == "bücher.example"


class TestPut:
    def test_it_adds_then_leaves_alone(self, api: Api) -> None:
        body = {"description": "Ours", "active": True}
        assert api("PUT", "domains/example.org/", body).status == 201
        again = api("PUT", "domains/example.org/", body)
        assert (again.status, again.change_set, again.json["version"]) == (200, None, 1)

    def test_what_is_left_out_is_as_if_new(self, api: Api) -> None:
        api("PUT", "domains/example.org/", {"description": "Ours", "active": False})
        answer = api("PUT", "domains/example.org/", {})
        assert (answer.json["description"], answer.json["active"]) == ("", True)
        assert answer.change_set

    def test_the_url_decides(self, api: Api) -> None:
        answer = api("PUT", "domains/example.org/", {"name": "example.net"})
        assert (answer.status, answer.faults()) == (422, {"name": "other_key"})
        assert not Domain.objects.exists()

    def test_what_was_shown_can_be_sent_back(self, api: Api) -> None:
        shown = api("PUT", "domains/example.org/", {"description": "Ours"}).json
        answer = api("PUT", "domains/example.org/", shown)
        assert (answer.status, answer.change_set) == (200, None)

    def test_an_alias_domain(self, api: Api) -> None:
        api("PUT", "domains/example.org/", {})
        answer = api("PUT", "domains/example.net/", {"address_class": "alias_domain", "target": "EXAMPLE.org"})
        assert answer.json["target"] == "example.org"
        assert api.get("domains/?target=example.org")["results"] == [answer.json]


class TestRefused:
    def test_by_the_service(self, api: Api) -> None:
        api("PUT", "domains/example.org/", {})
        answer = api("POST", "domains/", {"name": "example.org"})
        assert answer.status == 422
        assert answer.json["detail"] == "This domain is here already. A name is served once."
        assert answer.faults() == {"name": "unique"}
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_wrong_types_all_at_once(self, api: Api) -> None:
        answer = api("POST", "domains/", {"name": 5, "active": "yes", "description": None, "address_class": "x"})
        assert set(answer.faults()) == {"name", "active", "description", "address_class"}

    def test_unknown_names(self, api: Api) -> None:
        answer = api("POST", "domains/", {"name": "example.org", "activ": False})
        assert answer.faults() == {"activ": "unknown_field"}

    def test_a_target_that_is_not_there(self, api: Api) -> None:
        answer = api("POST", "domains/", {"name": "a.example", "address_class": "alias_domain", "target": "b.example"})
        assert answer.json["errors"][0]["message"] == "b.example is not here yet. Add it first, or correct the name."


class TestDryRun:
    def test_it_shows_what_would_be(self, api: Api) -> None:
        answer = api("POST", "domains/?dry_run=true", {"name": "example.org"})
        assert (answer.status, answer.json["dry_run"]) == (200, True)
        (change,) = answer.json["changes"]
        assert (change["kind"], change["noun"], change["subject"]) == ("added", "domains", "example.org")
        assert {"name": "address_class", "before": None, "after": "virtual_mailbox"} in change["fields"]
        assert not Domain.objects.exists()
        assert not ChangeSet.objects.filter(metadata__noun="domain").exists()

    def test_a_refusal_is_the_same(self, api: Api) -> None:
        assert api("POST", "domains/?dry_run=true", {"name": "nonsense"}).status == 422

    def test_a_deletion(self, api: Api) -> None:
        api("PUT", "domains/example.org/", {})
        answer = api("DELETE", "domains/example.org/?dry_run=true")
        assert [change["kind"] for change in answer.json["changes"]] == ["deleted"]
        assert answer.json["lost"] == ["Mail to example.org is refused from then on."]
        assert Domain.objects.exists()


class TestVersions:
    def test_a_lost_update(self, api: Api) -> None:
        seen = api("PUT", "domains/example.org/", {}).headers["ETag"]
        fresh = api("PATCH", "domains/example.org/", {"description": "A"}, If_Match=seen)
        assert fresh.status == 200
        late = api("PATCH", "domains/example.org/", {"description": "B"}, If_Match=seen)
        assert (late.status, late.faults()) == (412, {"": "precondition_failed"})
        assert api("DELETE", "domains/example.org/", If_Match=seen).status == 412
        assert api("PATCH", "domains/example.org/", {"description": "B"}, If_Match=fresh.headers["ETag"]).status == 200

    def test_only_if_it_is_not_there(self, api: Api) -> None:
        assert api("PUT", "domains/example.org/", {}, If_None_Match="*").status == 201
        assert api("PUT", "domains/example.org/", {}, If_None_Match="*").status == 412

    def test_another_domain_of_the_same_name_is_another_one(self, api: Api) -> None:
        seen = api("PUT", "domains/example.org/", {}).headers["ETag"]
        api("DELETE", "domains/example.org/")
        api("PUT", "domains/example.org/", {})
        assert api("PATCH", "domains/example.org/", {"active": False}, If_Match=seen).status == 412


class TestIdempotencyKey:
    def test_a_post_that_comes_twice(self, api: Api) -> None:
        first = api("POST", "domains/", {"name": "example.org"}, Idempotency_Key="one")
        again = api("POST", "domains/", {"name": "example.org"}, Idempotency_Key="one")
        assert (again.status, again.json) == (first.status, first.json)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.headers["Location"] == first.headers["Location"]

    def test_for_another_request_it_is_refused(self, api: Api) -> None:
        api("POST", "domains/", {"name": "example.org"}, Idempotency_Key="one")
        answer = api("POST", "domains/", {"name": "example.net"}, Idempotency_Key="one")
        assert (answer.status, answer.faults()) == (409, {"": "idempotency_key_used"})

    def test_what_was_refused_may_be_tried_again(self, api: Api) -> None:
        body = {"name": "example.net", "address_class": "alias_domain", "target": "example.org"}
        assert api("POST", "domains/", body, Idempotency_Key="one").status == 422
        api("PUT", "domains/example.org/", {})
        assert api("POST", "domains/", body, Idempotency_Key="one").status == 201


class TestDomainAdmin:
    def test_sees_the_own_ones(self, bob_api: Api, api: Api) -> None:
        api("PUT", "domains/foreign.example/", {})
        assert [one["name"] for one in bob_api.get("domains/")["results"]] == ["falcot.org"]
        assert bob_api("GET", "domains/foreign.example/").status == 404

    def test_describes_them_and_no_more(self, bob_api: Api) -> None:
        assert bob_api("PATCH", "domains/falcot.org/", {"description": "Ours"}).status == 200
        assert bob_api("PATCH", "domains/falcot.org/", {"active": True}).status == 200
        answer = bob_api("PATCH", "domains/falcot.org/", {"active": False})
        assert (answer.status, answer.faults()) == (422, {"active": "forbidden"})

    def test_neither_adds_nor_deletes(self, bob_api: Api) -> None:
        for answer in (
            bob_api("POST", "domains/", {"name": "example.org"}),
            bob_api("PUT", "domains/example.org/", {}),
            bob_api("DELETE", "domains/falcot.org/"),
        ):
            assert answer.status == 403

    def test_a_token_for_one_domain_makes_a_superuser_its_domain_admin(self, falcot: Domain, alice: User) -> None:
        limited = Api(token_for(alice, domains=["falcot.org"]))
        assert [one["name"] for one in limited.get("domains/")["results"]] == ["falcot.org"]
        assert limited("PATCH", "domains/falcot.org/", {"active": False}).status == 422
        assert limited("DELETE", "domains/falcot.org/").status == 403
        alice.refresh_from_db()
        assert alice.is_superuser
