"""Random policies as people write them, in main.cf and files, and as postfix_config writes them after an import: a real
smtpd plays the same sessions with both, and says the same by the same rules in the same order."""

import io
import os
import random
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from bench import policies
from bench.namespace import Namespace
from bench.policies import Case, Maker
from bench.real_smtpd import PARAMETERS, RealSmtpd, Said, in_main_cf, sessions_in, warnings_in, ways_in
from bench.simulate import sessions_of
from mailadmin.launch.cluster import Cluster
from restrictions.access_models import AccessRule, AccessTable
from restrictions.models import Restriction, RestrictionClass
from tests.plugins.mail_stack import eventually
from tests.takeover.handwritten import Handwritten

SEED = os.environ.get("TEST_IMPORT_SEED", "import")
POLICIES, SESSIONS = int(os.environ.get("TEST_IMPORT_POLICIES", "24")), 14
TYPES = ("texthash", "hash", "lmdb", "inline")
CLASSES, RECIPIENTS = "smtpd_restriction_classes", "smtpd_recipient_restrictions"


class PlainMaker(Maker):
    """Mostly what the panel can express; now and then a table of which the list stays with the host."""

    strange = ("DEFER_IF_REJECT {0}", "warn_if_reject reject_rbl_client one.list.example", "FILTER smtp:{0}")
    with_table = tuple(one for one in policies.WITH_TABLE if one != "check_sasl_access")

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        plain = [one for one in policies.RESULTS if one not in self.strange and " reject_unknown" not in one]
        self.results = tuple(plain) if self.luck.random() < 0.7 else policies.RESULTS
        if self.luck.random() < 0.2:
            self.with_table = policies.WITH_TABLE

    def settings(self) -> Any:
        """As Postfix is by default: a domain stands for those below it, but for one policy in ten."""
        settings = super().settings()
        plain = {"parents_match_subdomains": settings.parents_match_subdomains or self.luck.random() < 0.7}
        return type(settings)(**{**vars(settings), **plain})


class Twice(RealSmtpd):
    """Two services for one policy: as it was written by hand, and as the panel writes it into the same main.cf."""

    def __init__(self, base: Path, case: Case, written: Path, network: Namespace) -> None:
        self.panel = _parameters((written / "main.cf.mailadmin").read_text())
        super().__init__(base, [case, case], network)
        maps = self.panel.get("proxy_read_maps", "") + "".join(
            f", {value}" for name, value in self.panel.items() if name in PARAMETERS.values()
        )
        self.parameters += f"proxy_read_maps = {maps}\n"

    def _values(self, number: int, case: Case, conf: Path) -> dict[str, str]:
        values = super()._values(0, case, conf)
        if not number:
            # Asks nobody, as one more restriction: suspended domains are asked first in what postfix_config writes.
            first = "check_recipient_access static:DUNNO"
            return values | {RECIPIENTS: ", ".join(filter(None, (first, values[RECIPIENTS])))}
        theirs, ours = values[CLASSES], self.panel.get(CLASSES, "")
        ours_alone = {
            name: self.panel[name] for name in (*PARAMETERS.values(), *ours.split(", ")) if name in self.panel
        }
        if "recipient" not in {one.stage for one in Restriction.objects.all()}:
            ours_alone[RECIPIENTS] = ", ".join(filter(None, (ours_alone[RECIPIENTS], values[RECIPIENTS])))
        classes = dict.fromkeys([*theirs.split(", "), *ours.split(", ")])
        return values | ours_alone | {CLASSES: ", ".join(filter(None, classes))}


@dataclass
class Compared:
    came: int = 0
    stayed: int = 0
    sessions: int = 0
    replies: set[str] = field(default_factory=set)
    differences: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def compared(committed: None, cluster: Cluster) -> Compared:
    found = Compared()
    sockets = cluster.directory.parent / "sockets"
    with Namespace(policies.DNS) as network:
        for service, answer in policies.POLICY_SERVICES.items():
            network.serve_policy(int(service.rpartition(":")[2]), partial(_always, answer))
        for number in range(POLICIES):
            with tempfile.TemporaryDirectory(prefix="policy", dir="/tmp") as base:
                Path(base).chmod(0o755)
                case = PlainMaker(f"{SEED}/{number}").case()
                _import(case, Path(base) / "old", found)
                written = Path(base) / "written"
                host = [f"{sockets}:{cluster.port}"]
                call_command("postfix_config", output=str(written), host=host, stdout=io.StringIO())
                with Twice(Path(base) / "postfix", case, written, network) as smtpd:
                    _play(case, smtpd, found)  # type: ignore[arg-type]
            for model in (Restriction, AccessRule, AccessTable, RestrictionClass):
                model._default_manager.all().delete()
    return found


def _always(answer: str, _request: dict[str, str]) -> str:
    return answer


def _import(case: Case, folder: Path, found: Compared) -> None:
    """Writes the policy as an administrator would, and lets it in."""
    luck, old = random.Random(case.seed), Handwritten(folder)
    old.main("")
    tables = {}
    for name, rows in case.rows.items():
        kind = luck.choice(TYPES)
        if kind == "inline" and not any("," in row or "{" in row for row in rows.values()):
            tables[name] = f"inline:{{ {', '.join(f'{{ {key} = {row} }}' for key, row in rows.items())} }}"
            continue
        kind = "hash" if kind == "inline" else kind
        old.write(name, "".join(f"{key}\t{row}\n" for key, row in rows.items()), kind)
        tables[name] = f"{kind}:{folder}/{name}"
    settings, policy = case.policy.settings, case.policy
    lists = {PARAMETERS[stage]: entries for stage, entries in policy.stages.items()} | dict(policy.classes)
    lines = [
        f"{name} = {_as_typed(in_main_cf(entries, folder), folder, tables, luck)}" for name, entries in lists.items()
    ]
    lines.append(f"{CLASSES} = {luck.choice((', ', ' ')).join(policy.classes)}")
    lines.append(f"recipient_delimiter = {settings.recipient_delimiter}")
    if not settings.parents_match_subdomains:
        lines.append("parent_domain_matches_subdomains = relay_domains")
    old.main("\n".join(lines))
    out = io.StringIO()
    call_command("import_postfix", str(folder), "--leave-out-refused", stdout=out, stderr=io.StringIO())
    here = Restriction.objects.filter(stage__isnull=False).values_list("stage", flat=True).distinct().count()
    found.came += here
    found.stayed += sum(bool(entries) for entries in policy.stages.values()) - here


def _as_typed(value: str, folder: Path, tables: dict[str, str], luck: random.Random) -> str:
    """With commas or without, over several lines, and with the tables as they are here."""
    for name in sorted(tables, key=len, reverse=True):
        value = value.replace(f"texthash:{folder}/{name}", f"\0{name}\0")
    value = value.replace(", ", luck.choice((", ", ",\n    ", " ")))
    for name, table in tables.items():
        value = value.replace(f"\0{name}\0", table)
    return value


def _parameters(text: str) -> dict[str, str]:
    pairs = (line.split(" =", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: value.strip() for name, value in pairs}


def _play(case: Case, smtpd: Twice, found: Compared) -> None:
    sessions = sessions_of(case, SESSIONS)
    said = [[smtpd.play(number, session) for session in sessions] for number in (0, 1)]
    for number in (0, 1):
        eventually(partial(_is_logged, smtpd, number), "the log of all sessions")
    logs = [sessions_in(smtpd.log_of(number)) for number in (0, 1)]
    for session, *both in zip(sessions, *said, *logs, strict=True):
        old, new, old_log, new_log = both
        found.sessions += 1
        found.replies |= {reply for _command, reply in _replies(old)}
        answers = [_replies(one) for one in (old, new)]
        ways = [ways_in(old_log), ways_in(new_log)]
        if answers[0] != answers[1] or ways[0] != ways[1] or warnings_in(old_log) != warnings_in(new_log):
            found.differences.append("\n".join(map(str, [case.seed, session, *answers, *ways, case.rows, smtpd.panel])))


def _is_logged(smtpd: Twice, number: int) -> bool:
    return smtpd.log_of(number).count(": disconnect from ") >= SESSIONS


def _replies(said: list[Said]) -> list[tuple[str, str]]:
    """Without the number of the message in the queue."""
    return [(one.command, one.reply.partition(" queued as ")[0]) for one in said]


def test_every_session_goes_the_same_way(compared: Compared) -> None:
    assert compared.sessions == POLICIES * SESSIONS
    assert not compared.differences, compared.differences[0]


def test_most_lists_came_in_and_some_could_not(compared: Compared) -> None:
    """Otherwise the agreement would mean little."""
    assert compared.came > 2 * compared.stayed > 0, (compared.came, compared.stayed)
    assert len(compared.replies) > 60
