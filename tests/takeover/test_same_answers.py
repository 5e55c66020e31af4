"""The proof: the maps that PostfixAdmin documents and those of the panel, asked for all keys by the real postmap."""

import json
import subprocess
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command

from mailboxes.models import Mailbox
from tests.plugins.mail_stack import Postfix
from tests.takeover.conftest import Foreign

# Postfix-Dovecot-Postgresql-Example.md and POSTFIX_CONF.txt of PostfixAdmin, with booleans as PostgreSQL has them.
DOCUMENTED = {
    "domains": "SELECT domain FROM domain WHERE domain='%s' AND backupmx = false AND active = true",
    "relay": "SELECT domain FROM domain WHERE domain='%s' AND backupmx = true AND active = true",
    "alias": "SELECT goto FROM alias WHERE address='%s' AND active = true",
    "alias_of_target": (
        "SELECT goto FROM alias,alias_domain WHERE alias_domain.alias_domain = '%d' AND alias.address = '%u' || '@' ||"
        " alias_domain.target_domain AND alias.active = true AND alias_domain.active = true"
    ),
    "catch_all_of_target": (
        "SELECT goto FROM alias,alias_domain WHERE alias_domain.alias_domain = '%d' AND alias.address = '@' ||"
        " alias_domain.target_domain AND alias.active = true AND alias_domain.active = true"
    ),
    "mailbox": "SELECT maildir FROM mailbox WHERE username='%s' AND active = true",
}
Answers = dict[str, str]


class OldMaps:
    """PostfixAdmin's own maps, asked as Postfix does: each form of a key in all of them, then the next form."""

    def __init__(self, foreign: Foreign, folder: Path) -> None:
        self.foreign, self.folder = foreign, folder
        self.remarks: list[dict[str, str]] = []  # what the takeover said
        for name, query in DOCUMENTED.items():
            server = (
                f"hosts = 127.0.0.1:{foreign.cluster.port}\nuser = mailadmin\npassword = {foreign.cluster.password}"
            )
            (folder / f"{name}.cf").write_text(f"{server}\ndbname = {foreign.name}\nquery = {query}\n")

    def ask(self, name: str, keys: Iterable[str]) -> Answers:
        command = ["postmap", "-q", "-", f"pgsql:{self.folder / name}.cf"]
        typed = "".join(f"{key}\n" for key in keys)
        done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=300)
        assert not done.stderr, done.stderr
        return dict(line.split("\t", 1) for line in done.stdout.splitlines())

    def virtual_alias(self, keys: list[str]) -> Answers:
        found: Answers = {}
        forms = [{key: key for key in keys}, {key: without_extension(key) for key in keys}]
        forms.append({key: f"@{key.rpartition('@')[2]}" for key in keys})
        for form in forms:
            for name in ("alias", "alias_of_target", "catch_all_of_target"):
                missing = {key: one for key, one in form.items() if one and key not in found}
                answers = self.ask(name, dict.fromkeys(missing.values()))
                found |= {key: answers[one] for key, one in missing.items() if one in answers}
        return found

    def names(self, query: str) -> list[str]:
        return [row[0] for row in self.pairs(query)]

    def pairs(self, query: str) -> list[Any]:
        with psycopg2.connect(self.foreign.url) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            found: list[Any] = cursor.fetchall()
        connection.close()
        return found


def without_extension(key: str) -> str:
    local_part, _at, domain = key.rpartition("@")
    base, plus, _extension = local_part.partition("+")
    return f"{base}@{domain}" if plus else ""


@pytest.fixture(scope="module")
def both(
    committed: None, village: Foreign, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> tuple[OldMaps, Postfix]:
    said = StringIO()
    call_command("import_postfixadmin", village.url, json=True, stdout=said)
    postfix.configure()
    old = OldMaps(village, tmp_path_factory.mktemp("old"))
    old.remarks = json.loads(said.getvalue())["remarks"]
    return old, postfix


def new_alias(postfix: Postfix, keys: list[str]) -> Answers:
    answers = postfix.ask_many("virtual_alias_maps", keys)
    missing = {key: without_extension(key) for key in keys if answers[key] is None}
    again = postfix.ask_many("virtual_alias_maps", sorted({one for one in missing.values() if one}))
    return {key: found for key in keys if (found := answers[key] or again.get(missing.get(key, "")))}


def canonical(key: str, targets: dict[str, str]) -> str:
    local_part, _at, domain = (without_extension(key) or key).rpartition("@")
    return f"{local_part}@{targets.get(domain, domain)}"


def ends(answers: Answers, key: str, dead: set[str]) -> set[str]:
    """What Postfix makes of a key in one step: itself where there is no answer. The vacation script is no recipient."""
    base = without_extension(key) or key
    goto = answers.get(key, base).split(",")
    return {one for one in goto if not one.endswith("@autoreply.example")} - dead


def test_domains(both: tuple[OldMaps, Postfix]) -> None:
    old, postfix = both
    names = [*old.names("SELECT domain FROM domain WHERE domain <> 'ALL'"), "no-such.example"]
    aliases = set(old.names("SELECT alias_domain FROM alias_domain"))
    relay, domains = old.ask("relay", names), old.ask("domains", names)
    new_relay, new_domains = (
        postfix.ask_many("relay_domains", names),
        postfix.ask_many("virtual_mailbox_domains", names),
    )
    new_aliases = postfix.ask_many("virtual_alias_domains", names)
    assert len(names) > 4_000
    assert set(relay) == {name for name in names if new_relay[name]}
    assert set(domains) - aliases == {name for name in names if new_domains[name]}
    # An alias domain whose pairing is inactive answered for nobody there; here it is not known at all.
    paired = set(old.names("SELECT alias_domain FROM alias_domain WHERE active"))
    targets: dict[str, str] = dict(old.pairs("SELECT alias_domain, target_domain FROM alias_domain"))
    alive = {name for name in set(domains) & paired if targets[name] in domains}
    assert alive == {name for name in names if new_aliases[name]}


def test_virtual_alias_maps(both: tuple[OldMaps, Postfix]) -> None:
    old, postfix = both
    addresses = old.names("SELECT address FROM alias UNION SELECT username FROM mailbox")
    named = [one for one in addresses if not one.startswith("@")]
    pairs = old.names(
        "SELECT local_part || alias_domain FROM alias_domain, (VALUES ('u@'), ('team@')) AS of (local_part)"
    )
    strangers = old.names("SELECT 'nobody@' || domain FROM domain WHERE domain <> 'ALL'")
    extended = [one.replace("@", "+old@") for one in named if one.startswith("team@")]
    active = set(postfix_domains(old))
    keys = sorted({*named, *pairs, *strangers, *extended})
    asked = [key for key in keys if key.rpartition("@")[2] in active]
    assert len(asked) > 20_000
    before, after = old.virtual_alias(asked), new_alias(postfix, asked)
    inactive = set(old.names("SELECT username FROM mailbox WHERE NOT active"))
    other = {
        key: (before.get(key), after.get(key))
        for key in asked
        if ends(before, key, inactive) - {key} != ends(after, key, inactive) - {key}
    }
    # What differs is what the report names, and no more.
    targets: dict[str, str] = dict(old.pairs("SELECT alias_domain, target_domain FROM alias_domain"))
    named_there = {one["thing"] for one in old.remarks if one["code"] in ("catch_all_took", "catch_all_took_alias")}
    unexpected = {key: pair for key, pair in other.items() if canonical(key, targets) not in named_there}
    assert not unexpected, f"{len(unexpected)} differ: {dict(list(unexpected.items())[:10])}"
    assert {one for one in named_there if one.rpartition("@")[2] in active} <= {
        canonical(key, targets) for key in other
    }


def postfix_domains(old: OldMaps) -> list[str]:
    """Domains whose mail is taken there: an address in another one is refused whatever its aliases say."""
    return old.names(
        "SELECT domain FROM domain LEFT JOIN alias_domain ON alias_domain = domain"
        " WHERE domain.active AND COALESCE(alias_domain.active, true) AND domain.domain <> 'ALL'"
        " AND COALESCE(target_domain, domain.domain) IN (SELECT domain FROM domain WHERE active)"
    )


def test_virtual_mailbox_maps(both: tuple[OldMaps, Postfix]) -> None:
    old, postfix = both
    active = set(postfix_domains(old))
    keys = [one for one in old.names("SELECT username FROM mailbox") if one.rpartition("@")[2] in active]
    before, after = old.ask("mailbox", keys), postfix.ask_many("virtual_mailbox_maps", keys)
    # Who only forwards has a mailbox that gets nothing: the alias answers first, there and here.
    silent = {str(one) for one in Mailbox.objects.filter(receives=False).with_address()}
    assert {key: path for key, path in before.items() if key not in silent} == {
        key: path for key, path in after.items() if path
    }
    assert len(silent) > 300
