"""Lists of domains as files: the same answers, and a new domain as soon as the files are written again."""

import json
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from domains.models import Domain
from mailservers.domain_files import ListsHere, NotIndexed, write_domain_files
from tests.plugins.example_mail import add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix, eventually

# One of each class that takes mail, unknown people there, and a domain of somebody else.
ADDRESSES = (
    "sophie@falcot.org",
    "nobody@falcot.org",
    "webmaster@falcotsbrand.com",
    "ann@relay.example",
    "nobody@relay.example",
    "whoever@relay-any.example",
    "postmaster@local.example",
    "someone@elsewhere.example",
)


def written(mail: Postfix, kind: str = "cdb") -> list[dict[str, object]]:
    out = StringIO()
    call_command("domain_files", output=str(mail.maps), kind=kind, json=True, stdout=out)
    found: list[dict[str, object]] = json.loads(out.getvalue())
    return found


@pytest.fixture
def by_files(mail: Postfix) -> Iterator[Postfix]:
    mail.configure(domains_as="cdb")
    yield mail
    mail.configure()


def test_it_says_what_sql_says(mail: Postfix) -> None:
    by_sql = [mail.rcpt(address) for address in ADDRESSES]
    assert {reply.code for reply in by_sql} == {250, 550, 554}
    try:
        for kind in ("cdb", "lmdb"):
            mail.configure(domains_as=kind)
            assert [mail.rcpt(address) for address in ADDRESSES] == by_sql
    finally:
        mail.configure()


def test_main_cf_asks_the_database_for_addresses_only(by_files: Postfix) -> None:
    text = (by_files.maps / "main.cf.mailadmin").read_text()
    for name in ("virtual_alias_domains", "virtual_mailbox_domains", "relay_domains"):
        assert f"\n{name} = cdb:{by_files.maps}/{name}\n" in text
    assert f"$myhostname, localhost.$mydomain, localhost, cdb:{by_files.maps}/mydestination\n" in text
    assert f"virtual_alias_maps = proxy:pgsql:{by_files.maps}/virtual_alias_maps.cf\n" in text


def test_a_new_domain_is_there_when_they_are_written_again(by_files: Postfix) -> None:
    add_domain("latest.example")
    add_mailbox("ann@latest.example")
    assert by_files.rcpt("ann@latest.example").code == 554
    assert [file["parameter"] for file in written(by_files) if file["is_new"]] == ["virtual_mailbox_domains"]
    eventually(lambda: by_files.rcpt("ann@latest.example").code == 250, "a process that reads the new file", 40)
    assert not any(file["is_new"] for file in written(by_files))


class Ended(ListsHere):
    def index(self, name: str) -> str:
        raise KeyboardInterrupt


class Fails(ListsHere):
    def index(self, name: str) -> str:
        return "postmap: fatal: no space left on device"


@pytest.mark.parametrize("lists", [Ended, Fails])
def test_a_list_without_its_index_gets_it_the_next_time(by_files: Postfix, lists: type[ListsHere]) -> None:
    add_domain(f"{lists.__name__.lower()}.example")
    with pytest.raises((KeyboardInterrupt, NotIndexed)):
        write_domain_files(lists(by_files.maps, "cdb"), "cdb")
    assert [file["parameter"] for file in written(by_files) if file["is_new"]] == ["virtual_mailbox_domains"]
    table = f"cdb:{by_files.maps}/virtual_mailbox_domains"
    assert by_files.postmap("-q", f"{lists.__name__.lower()}.example", table).stdout == "here\n"
    assert not list(by_files.maps.glob("*.not-indexed"))


def test_a_domain_that_is_off_takes_no_mail_before_they_are_written(by_files: Postfix) -> None:
    domain = add_domain("soon-off.example")
    add_mailbox("ann@soon-off.example")
    written(by_files)
    eventually(lambda: by_files.rcpt("ann@soon-off.example").code == 250, "a process that reads the new file", 40)
    Domain.objects.filter(pk=domain.pk).update(active=False)
    assert by_files.rcpt("ann@soon-off.example").code == 550


def test_a_domain_in_its_own_script(by_files: Postfix) -> None:
    assert Domain.objects.get(u_label="bücher.example").name == "xn--bcher-kva.example"
    assert by_files.postmap("-q", "bücher.example", f"cdb:{by_files.maps}/virtual_mailbox_domains").stdout == "here\n"


def test_who_cannot_write_reads_why(mail: Postfix) -> None:
    with pytest.raises(CommandError, match="Nothing could be written to /nowhere: No such file or directory"):
        call_command("domain_files", output="/nowhere", kind="cdb")
    with pytest.raises(CommandError, match="name a directory there"):
        call_command("postfix_config", output="-", domains_as="cdb")
