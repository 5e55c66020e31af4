"""What was added before U-labels were folded: an upgrade folds them, in the history too, and stops at nothing."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import ChangeSet
from domains.models import Domain
from domains.services import add_domain
from lookup_tables.models import Transport
from lookup_tables.services import add_entry, delete_entry
from mailboxes.removal import delete_domain
from mailboxes.undo import undo_change_set
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db

FOLDED = import_module("domains.migrations.0019_u_labels_are_folded").FOLDED
fill = import_module("lookup_tables.migrations.0004_fill_keys_in_their_own_script").fill


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_names_that_clash_are_left_alone() -> None:
    run(
        "ALTER TABLE domains_domain DROP CONSTRAINT a_u_label_is_folded",
        "DROP TRIGGER a_u_label_is_served_once ON domains_domain",
    )
    for name, u_label in (("xn--jxap1b0a.example", "ζωής.example"), ("xn--jxap4bwa.example", "ζωήσ.example")):
        Domain.objects.create(name=name, u_label=u_label)
    run(
        "SET CONSTRAINTS ALL IMMEDIATE",
        "SET CONSTRAINTS ALL DEFERRED",
        FOLDED.format(table="domains_domain"),
        "ALTER TABLE domains_domain ADD CONSTRAINT a_u_label_is_folded CHECK (u_label !~ '[ßς]')",
    )
    assert set(Domain.objects.values_list("u_label", flat=True)) == {"ζωήσ.example"}


def test_what_was_deleted_before_comes_back() -> None:
    change_set = delete_domain(add_domain("straße.example", by=TESTER), by=TESTER)
    run("UPDATE domains_domainevent SET u_label = 'straße.example'", FOLDED.format(table="domains_domainevent"))
    undo_change_set(ChangeSet.objects.get(pk=change_set), by=TESTER)
    assert Domain.objects.get(name="xn--strae-oqa.example").u_label == "strasse.example"


def test_keys_of_tables_learn_their_u_label() -> None:
    def added(key: str) -> Any:
        return add_entry(Transport, key, "relay:", by=TESTER)

    for key in ("müller.example", "plain.example", "straße.example"):
        added(key)
    delete_entry(added("jean@ζωής.example"), by=TESTER)
    run("UPDATE lookup_tables_transport SET own_script = ''", "UPDATE lookup_tables_transportevent SET own_script = ''")
    fill(apps, None)
    own_script = dict(Transport.objects.values_list("key", "own_script"))
    assert own_script == {
        "xn--mller-kva.example": "müller.example",
        "plain.example": "",
        "xn--strae-oqa.example": "",
    }
    undo_change_set(ChangeSet.objects.get(metadata__verb="delete"), by=TESTER)
    assert Transport.objects.get(key="jean@xn--jxap1b0a.example").own_script == "jean@ζωήσ.example"
