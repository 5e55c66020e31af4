"""Fifty write at the same time, threads and processes on their own connections: a limit is reached and not passed."""

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from domains.models import Domain, DomainCount
from domains.services import add_domain
from mailboxes.counting import recount
from mailboxes.models import Address, Alias, Mailbox
from mailboxes.renaming import rename_address
from mailboxes.services import add_alias, add_mailbox, change_mailbox
from tests.services.checks import TESTER

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, PROCESSES = 25, 25
WRITERS = THREADS + PROCESSES
ELSEWHERE = ["someone@elsewhere.example"]
Act = Callable[[int], Any]

DONE = "done"


def outcome_of(act: Act, number: int) -> str:
    """What the writer reads: DONE, or the sentence of the service, or the name of the constraint."""
    try:
        act(number)
    except ValidationError as error:
        return " ".join(error.messages)
    except IntegrityError as error:
        return str(error.__cause__.diag.constraint_name)  # type: ignore[union-attr]
    except Exception as error:  # a crash or a deadlock is what these tests look for
        return repr(error)
    finally:
        connection.close()
    return DONE


def all_at_once(act: Act) -> Counter[str]:
    """Everybody begins when everybody is there. Processes are forked before threads are started, and without a
    connection that two would share."""
    connection.close()
    forked = multiprocessing.get_context("fork")
    gate, answers = forked.Barrier(WRITERS), forked.SimpleQueue()

    def write(number: int) -> None:
        connection.ensure_connection()
        gate.wait(30)
        answers.put(outcome_of(act, number))

    def write_in_a_process(number: int) -> None:
        # Where a browser test left its event loop running, the parent has two connections: asgiref keeps one for async
        # threads, and the child, in which no loop runs, sees the other. psycopg2 closes none of another process.
        connection.connection = None
        write(number)

    processes = [forked.Process(target=write_in_a_process, args=[n], daemon=True) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    threads = [threading.Thread(target=write, args=[number], daemon=True) for number in range(PROCESSES, WRITERS)]
    for thread in threads:
        thread.start()
    read = Counter(answers.get() for _writer in range(WRITERS))
    for process in processes:
        process.join(30)
    for thread in threads:
        thread.join(30)
    return read


def add_by_sql(domain: Domain, number: int, quota_bytes: int | None = None) -> None:
    with transaction.atomic():
        address = Address.objects.create(domain=domain, local_part=f"m{number}")
        Mailbox.objects.create(address=address, mail_path=f"m{number}/", quota_bytes=quota_bytes)


def add(domain: Domain, number: int, quota_bytes: int | None = None) -> None:
    """Every third comes past the services."""
    if number % 3:
        add_mailbox(domain, f"m{number}", quota_bytes=quota_bytes, by=TESTER)
    else:
        add_by_sql(domain, number, quota_bytes)


def assert_true(domain: Domain, **expected: int) -> None:
    counts = DomainCount.objects.get(domain=domain)
    assert {name: getattr(counts, name) for name in expected} == expected
    assert list(recount(Domain.objects.all())) == []


def test_fifty_add_mailboxes() -> None:
    domain = add_domain("small.example", max_mailboxes=20, by=TESTER)
    read = all_at_once(lambda number: add(domain, number))
    sentence = "small.example has 20 of 20 mailboxes. Delete one first, or have a superuser raise the limit."
    assert read.pop(DONE) == 20
    assert set(read) <= {sentence, "a_domain_has_its_most_mailboxes"}
    assert Mailbox.objects.count() == 20
    assert_true(domain, mailboxes=20)


def test_fifty_add_aliases() -> None:
    domain = add_domain("small.example", max_aliases=20, by=TESTER)
    read = all_at_once(lambda number: add_alias(domain, f"a{number}", ELSEWHERE, by=TESTER))
    assert read == {
        DONE: 20,
        "small.example has 20 of 20 aliases. Delete one first, or have a superuser raise the limit.": 30,
    }
    assert Alias.objects.count() == 20
    assert_true(domain, aliases=20)


def test_fifty_share_a_sum_of_quotas() -> None:
    """25 have 100 bytes each of 5,000. Half of the writers add one with 100, the others want 100 more."""
    domain = add_domain("small.example", by=TESTER)
    there = [add_mailbox(domain, f"there{number}", quota_bytes=100, by=TESTER) for number in range(25)]
    Domain.objects.update(max_total_quota_bytes=5_000)

    def act(number: int) -> None:
        if number % 2:
            change_mailbox(there[number // 2], quota_bytes=200, by=TESTER)
        else:
            add(domain, number, 100)

    read = all_at_once(act)
    assert read.pop(DONE) == 25
    assert all("quotas" in words for words in read), read
    assert_true(domain, quota_bytes=5_000)


def test_fifty_move_into_full_domains() -> None:
    """Twenty go one way, twenty the other way, and ten are added by SQL; there is room for two more in each domain."""
    here, there = (add_domain(name, max_mailboxes=22, by=TESTER) for name in ("here.example", "there.example"))
    leaving = [add_mailbox(here, f"h{number}", by=TESTER) for number in range(20)]
    coming = [add_mailbox(there, f"t{number}", by=TESTER) for number in range(20)]

    def act(number: int) -> None:
        if number >= 40:
            add_by_sql(here if number % 2 else there, number)
        elif number % 2:
            rename_address(leaving[number // 2].address, there, f"h{number}", by=TESTER)
        else:
            rename_address(coming[number // 2].address, here, f"t{number}", by=TESTER)

    read = all_at_once(act)
    sentences = {
        f"{one} has 22 of 22 mailboxes. Delete one first, or have a superuser raise the limit." for one in (here, there)
    }
    assert set(read) <= {DONE, "a_domain_has_its_most_mailboxes", *sentences}
    assert here.counts.mailboxes + there.counts.mailboxes == Mailbox.objects.count() <= 44
    assert max(here.counts.mailboxes, there.counts.mailboxes) <= 22
    assert_true(here)


def test_statements_over_several_domains_do_not_wait_for_each_other() -> None:
    """Each statement changes many domains, in an order of its own."""
    domains = [add_domain(f"d{number}.example", max_mailboxes=50, by=TESTER) for number in range(10)]

    def act(number: int) -> None:
        mixed = domains if number % 2 else domains[::-1]
        with transaction.atomic():
            addresses = Address.objects.bulk_create([Address(domain=one, local_part=f"m{number}") for one in mixed])
            Mailbox.objects.bulk_create(Mailbox(address=one, mail_path=f"{one.pk}/") for one in addresses)

    assert all_at_once(act) == {DONE: WRITERS}
    assert {domain.counts.mailboxes for domain in domains} == {WRITERS}
