"""Texts from before a line break or a control character was refused in them: an upgrade makes one line of them."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations import RunSQL
from django.db.models import Model

from accounts.lines import LineField
from accounts.models import User
from accounts.services import add_user, change_user
from api.models import Token
from domains.models import Domain
from domains.services import change_domain
from lookup_tables.models import Transport
from mailboxes.models import Alias, AppPassword, Mailbox
from mailboxes.services import change_mailbox
from restrictions.models import RestrictionClass
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox

MIGRATIONS = {
    "accounts": "0010",
    "domains": "0017",
    "mailboxes": "0033",
    "lookup_tables": "0002",
    "restrictions": "0008",
}
NEVER_CHANGED = {AppPassword, Token}
OLD = "\tJean\r\nDupont\x1b\x7f\x9f\u2028\u202e\u2069 田\u200f\n"
NEW = "Jean  Dupont       田\u200f"


def upgrade() -> list[str]:
    """Its statements."""
    statements = []
    for room, number in MIGRATIONS.items():
        for operation in import_module(f"{room}.migrations.{number}_texts_of_one_line").Migration.operations:
            assert isinstance(operation, RunSQL)
            statements.append(str(operation.sql))
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return statements


@pytest.mark.django_db
def test_a_row_can_be_changed_after_the_upgrade() -> None:
    zoe = add_user("zoe", name="Zoé", by=TESTER)
    domain = add_domain("example.org")
    jean = add_mailbox("jean@example.org")
    add_alias("info@example.org", "jean@example.org")
    alias = Alias.objects.get()
    User.objects.filter(pk=zoe.pk).update(name=OLD)
    Mailbox.objects.filter(pk=jean.pk).update(name=OLD)
    Domain.objects.filter(pk=domain.pk).update(description=OLD)
    Alias.objects.filter(pk=alias.pk).update(comment=OLD)
    transport = Transport.objects.create(key="example.net", result="smtp:", comment=OLD)
    strict = RestrictionClass.objects.create(name="strict", comment=OLD)

    upgrade()

    rows: list[Model] = [zoe, domain, jean, alias, transport, strict]
    for row in rows:
        row.refresh_from_db()
        row.full_clean()
    assert [zoe.name, jean.name, domain.description, alias.comment, transport.comment, strict.comment] == [NEW] * 6
    change_user(zoe, is_active=False, by=TESTER)
    change_domain(domain, suspended=True, by=TESTER)
    change_mailbox(jean, quota_bytes=1000, by=TESTER)


@pytest.mark.django_db
def test_it_knows_every_such_text() -> None:
    statements = upgrade()
    for model in apps.get_models():
        if model in NEVER_CHANGED or hasattr(model, "pgh_tracked_model"):
            continue
        for field in model._meta.fields:
            if isinstance(field, LineField):
                beginning = f"UPDATE {model._meta.db_table} SET {field.column} = "
                assert any(statement.startswith(beginning) for statement in statements), beginning
