"""The description of the API describes all of it, without a warning."""

import re

import pytest
from django.utils import translation
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from api.nouns import NOUNS
from api.urls import urlpatterns


def test_it_works() -> None:
    with GENERATOR_STATS.silence():
        GENERATOR_STATS.reset()
        schema = SchemaGenerator().get_schema(request=None, public=True)
        complaints = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert not complaints
    assert schema["openapi"].startswith("3.1")
    for shape in schema["components"]["schemas"].values():
        Draft202012Validator.check_schema(shape)


def test_every_url_is_described() -> None:
    described = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    for pattern in urlpatterns:
        if str(pattern.name).startswith("api_") and pattern.name not in ("api_docs", "api_nowhere"):
            assert "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern)) in described


def test_each_operation_has_a_name_of_its_own() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    names = [operation["operationId"] for methods in schema["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))
    assert {"list_mailboxes", "put_mailboxes", "make_changes", "undo_change_set", "put_mail_settings"} <= set(names)


@pytest.mark.parametrize("language", ["en", "ja", "zh-hant"])
def test_it_can_be_made_in_each_language(language: str) -> None:
    with translation.override(language):
        assert len(SchemaGenerator().get_schema(request=None, public=True)["paths"]) > 2 * len(NOUNS)
