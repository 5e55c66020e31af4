"""What the tests of services and commands share: a refusal changes nothing, and a change leaves one trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.actors import Actor, Door
from accounts.models import ChangeSet
from domains.models import Domain
from mailboxes.models import Alias

TESTER = Actor(door=Door.COMMAND, name="tester", host="panel.example")
ROOMS = ("accounts_", "domains_", "mailboxes_", "lookup_tables_", "restrictions_", "jobs_", "pghistory_")


def everything() -> dict[str, tuple[int, str]]:
    """Each table of ours with its number of rows and a checksum of them, the history included."""
    tables = [name for name in connection.introspection.table_names() if name.startswith(ROOMS)]
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} AS t")  # noqa: S608
            found[table] = cursor.fetchone()
    return found


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


@contextmanager
def refusal(*words: str, field: str = "") -> Iterator[None]:
    """The service refuses with a sentence that holds these words, at this field, and nothing is changed."""
    with nothing_changes(), pytest.raises(ValidationError) as caught:
        yield
    sentences = caught.value.messages
    if field:
        assert field in caught.value.message_dict, caught.value.message_dict
    for sentence in sentences:
        assert sentence[-1] in ".!?”" or sentence[-1] == ")", f"This is no sentence: {sentence}"
    for word in words:
        assert word in " ".join(sentences), f"“{word}” is not in: {sentences}"


@contextmanager
def one_change_set(sentence: str) -> Iterator[None]:
    """Exactly one change set appears, and it reads like this."""
    before = set(ChangeSet.objects.values_list("pk", flat=True))
    yield
    (found,) = ChangeSet.objects.exclude(pk__in=before)
    assert found.sentence == sentence
    assert found.metadata["who"] == "tester"


def destinations_of(alias: Alias) -> list[str]:
    return [str(destination) for destination in alias.destinations.with_targets()]


def addresses() -> set[str]:
    """All addresses that are there."""
    from mailboxes.models import Address

    return {str(address) for address in Address.objects.select_related("domain")}


def domain_names() -> set[str]:
    return set(Domain.objects.values_list("name", flat=True))


def answer_of(address: str) -> str | None:
    """What the database keeps for virtual_alias_maps beside this address, as it is stored: not quoted."""
    local_part, _at, domain = address.rpartition("@")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT address.answer FROM mailboxes_address AS address JOIN domains_domain AS domain"
            " ON domain.id = address.domain_id WHERE domain.name = %s AND address.local_part = %s",
            [domain, local_part],
        )
        (row,) = cursor.fetchall()
    answer: str | None = row[0]
    return answer


def stale_answers() -> list[tuple[str, str | None, str | None]]:
    """(local part, answer that is kept, true answer) of all addresses whose answer is not true."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT address.local_part, address.answer, found.answer"
            " FROM mailboxes_found_answers(ARRAY(SELECT id FROM mailboxes_address)) AS found"
            " JOIN mailboxes_address AS address ON address.id = found.address_id"
            " WHERE address.answer IS DISTINCT FROM found.answer"
        )
        return cursor.fetchall()
