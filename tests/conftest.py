"""Fixtures that every folder of tests may use, and how the test database is made and emptied."""

from collections.abc import Generator
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import setup_databases
from django.utils import translation


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> None:
    """The test database, migrated. It goes with its cluster, so nobody takes it away while Postfix looks at it."""
    with django_db_blocker.unblock():
        setup_databases(verbosity=0, interactive=False)


def empty_rooms() -> None:
    """Every table as the migrations left it: no rows, but the one row of each of the settings."""
    from dns_records.models import DnsSettings
    from domains.models import MailSettings
    from mailboxes.models import MailingSettings, PasswordSettings, ServerNames

    kept = {"django_content_type", "auth_permission"}
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - kept
    truncate = f"TRUNCATE {', '.join(map(connection.ops.quote_name, sorted(tables)))} RESTART IDENTITY CASCADE"
    with connection.cursor() as cursor:
        cursor.execute(truncate)
        DnsSettings().save(force_insert=True)
        MailingSettings().save(force_insert=True)
        MailSettings().save(force_insert=True)  # with its event: an undo of the settings looks for what was before
        PasswordSettings().save(force_insert=True)
        ServerNames().save(force_insert=True)


# Django's own way, `flush`, forgets the row of mail settings and runs all post_migrate handlers after each test.
TransactionTestCase._fixture_teardown = lambda self: empty_rooms()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def language_of_the_server() -> Generator[None, None, None]:
    """A request leaves its language behind, in which the next test would read sentences."""
    yield
    translation.deactivate()


@pytest.fixture(scope="module")
def committed(django_db_setup: None, django_db_blocker: Any) -> Generator[None, None, None]:
    """Postfix sees only what is committed: what a module of tests writes stays until its end."""
    with django_db_blocker.unblock():
        yield
        empty_rooms()
