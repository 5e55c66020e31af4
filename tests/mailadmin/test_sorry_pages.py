"""What is said when something cannot be done: a sentence, a way out, the right number."""

import json

import pytest
from django.test import Client, RequestFactory
from django.urls import get_resolver

from accounts.models import User
from domains.models import Domain
from mailadmin import views
from tests.plugins.people import signed_in, words_of


def test_not_found_for_people(alice_client: Client) -> None:
    response = alice_client.get("/nothing/here/")
    assert response.status_code == 404
    assert "There is nothing here" in words_of(response)
    assert "Go to the overview" in words_of(response)


def test_not_found_for_anybody(client: Client, db: None) -> None:
    response = client.get("/nothing/here/")
    assert response.status_code == 404
    assert "Go to sign-in" in words_of(response)


def test_a_form_without_its_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="accounts.backends.PersonBackend")
    response = client.post("/domains/add/", {"name": "example.org"})
    assert response.status_code == 403
    assert "This page was open for too long" in words_of(response)
    assert not Domain.objects.exists()


def test_a_strange_host_name(client: Client, db: None) -> None:
    response = client.get("/sign-in/", HTTP_HOST="elsewhere.example")
    assert response.status_code == 400
    assert "This request cannot be understood" in words_of(response)


def test_too_many_fields(alice: User) -> None:
    response = signed_in(alice).post("/domains/add/", {f"field{number}": "x" for number in range(1001)})
    assert response.status_code == 413
    assert "Nothing was changed." in words_of(response)


def test_a_fault_of_our_own_needs_no_database() -> None:
    response = views.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert "Something went wrong here" in words_of(response)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_django_knows_our_pages(status: int) -> None:
    assert get_resolver().resolve_error_handler(status).__module__ == "mailadmin.views"


def test_the_pages_forbid_foreign_scripts_and_styles(client: Client, db: None) -> None:
    policy = client.get("/sign-in/")["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_fault_of_our_own_is_a_problem_for_programs() -> None:
    response = views.server_error(RequestFactory().get("/api/v1/domains/"))
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert json.loads(response.content)["detail"].startswith("Nothing was changed.")
