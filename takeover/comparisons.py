"""The proof of a migration: the same questions to the maps of two configurations, and every difference in what becomes
of mail. A difference in words alone is explained by a rule with a name."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from domains.models import AddressClass
from domains.own_maps import classes_with_own_maps
from mailboxes.destinations import split_address
from mailservers.database_servers import default_hosts
from mailservers.postfix_config import BACK_DATED, write_directory
from mailservers.postfix_host import PostfixHost
from takeover.comparison_keys import ADDRESS, Questions
from takeover.comparison_settings import differences_not_asked
from takeover.comparison_sides import Fate, Found, Side, local_part_of, unquoted
from takeover.postfix_tools import Configuration, NotReadable, addresses_in, readable

AT_ONCE = 5_000  # questions

Bases = dict[str, tuple[str, Fate, Fate]]  # an address with an extension -> the one without, and what becomes of that

# What is asked about an address as a sender, or beside its delivery. The answers are compared as sets.
BESIDE = (
    "sender_bcc_maps",
    "recipient_bcc_maps",
    "canonical_maps",
    "sender_canonical_maps",
    "recipient_canonical_maps",
    "relocated_maps",
    "sender_dependent_relayhost_maps",
    "sender_dependent_default_transport_maps",
)
LOGINS = "smtpd_sender_login_maps"

# Differences that make none, and why.
EXPLANATIONS = {
    "in_another_order": gettext_lazy(
        "The same destinations in another order or in upper case: the mail goes the same way."
    ),
    "by_another_way": gettext_lazy(
        "The maps say it in other words, such as an alias domain for @a to @b; the mail ends in the same places."
    ),
    "path_in_other_words": gettext_lazy("The path of a mailbox is written in another way, and is the same place."),
    "refused_at_the_door": gettext_lazy(
        "The old configuration took mail for nobody and sent it back; the new one refuses it at once."
    ),
    "like_its_base": gettext_lazy(
        "An old catch-all got the mail of an address with an extension; the new side delivers it like that of the "
        "address itself, on which both sides agree."
    ),
    "receiver_may_send": gettext_lazy(
        "Whoever gets the mail of an address may send as it; the old map did not name all of them."
    ),
}


@dataclass(frozen=True)
class Difference:
    """`about` is `recipient`, or the parameter that was asked."""

    about: str
    key: str
    old: str
    new: str


@dataclass
class Outcome:
    """What a comparison found; `differences` only counts, each is handed on as it is found."""

    total: int = 0
    done: int = 0
    differences: int = 0
    explained: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def explain(self, name: str) -> None:
        self.explained[name] = self.explained.get(name, 0) + 1

    def remark(self, sentence: str) -> None:
        if sentence not in self.remarks:
            self.remarks.append(sentence)


def compare(
    old: Path,
    new: Path | None,
    *,
    found: Callable[[Difference], None],
    show: Callable[[Outcome], None] = lambda outcome: None,
    more: Iterable[str] = (),
    old_installed_at: str = "",
    with_database: bool = True,
) -> Outcome:
    """Asks both sides everything that either can know; without `new`, what postfix_config would write now. `found` gets
    each difference, `show` how far it is. Raises NotReadable with a sentence if one of them cannot be asked: half a
    proof is none."""
    outcome = Outcome()
    with ExitStack() as stack:
        stack.enter_context(readable())
        old_side = Side(Configuration(old.absolute(), old_installed_at))
        new = new.absolute() if new else stack.enter_context(written_now(old_side))
        new_side = Side(stack.enter_context(configuration_in(new, old_side.configuration)))
        questions = Questions(old_side, new_side, outcome.remark)
        stack.callback(questions.close)
        outcome.total = questions.collect(more=more, with_database=with_database)
        _remark_on(old_side, new_side, outcome)
        show(outcome)
        for kind, rows in groupby(questions, key=lambda question: question[0]):
            keys = (key for _kind, key in rows)
            while some := list(islice(keys, AT_ONCE)):
                ask = _compare_addresses if kind == ADDRESS else _compare_keys
                for difference in ask(old_side, new_side, some, outcome, kind):
                    outcome.differences += 1
                    found(difference)
                outcome.done += len(some)
                show(outcome)
        for side in (old_side, new_side):
            for sentence in side.configuration.remarks:
                outcome.remark(sentence)
    return outcome


@contextmanager
def written_now(old: Side) -> Iterator[Path]:
    """What postfix_config would write now, with the base of mail that the old configuration has."""
    classes = classes_with_own_maps()
    with TemporaryDirectory(prefix="compare-maps-") as folder:
        host = PostfixHost(
            directory=folder,
            hosts=default_hosts(),
            mail_base=old.configuration["virtual_mailbox_base"] or PostfixHost.mail_base,
            with_local=AddressClass.LOCAL in classes,
            with_relay=AddressClass.RELAY in classes,
        )
        write_directory(host, Path(folder))
        yield Path(folder)


@contextmanager
def configuration_in(directory: Path, host: Configuration) -> Iterator[Configuration]:
    """The configuration of a directory. The output of postfix_config has no main.cf: it is what that of `host` becomes
    by its install-commands, run in a copy."""
    if (directory / "main.cf").is_file() or not (directory / "install-commands").is_file():
        yield Configuration(directory)
        return
    with TemporaryDirectory(prefix="compare-maps-") as folder:
        copy = Path(folder)
        for name in ("main.cf", "master.cf"):
            if (host.directory / name).is_file():
                (copy / name).write_bytes((host.directory / name).read_bytes())
        if host["config_directory"] == str(host.directory):
            with (copy / "main.cf").open("a") as file:
                file.write(f"\nconfig_directory = {host.directory}\n")  # files named by it stay where they are
        # Nothing is checked or reloaded here: the commands change the copy alone.
        command = ["sh", "-c", 'postfix() { :; }; . "$0"', str(directory / "install-commands")]
        environment = {"MAIL_CONFIG": folder, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if ended.returncode:
            sentence = _("%(file)s failed: %(reason)s")
            words = {"file": directory / "install-commands", "reason": ended.stderr.strip()}
            raise NotReadable(sentence % words)
        past = time.time() - BACK_DATED
        os.utime(copy / "main.cf", (past, past))
        yield Configuration(copy, host.installed_at, base=host.directory, written=directory)


def _remark_on(old: Side, new: Side, outcome: Outcome) -> None:
    if old.delimiter != new.delimiter:
        sentence = _("recipient_delimiter is “%(old)s” in the old configuration and “%(new)s” in the new one.")
        outcome.remark(sentence % {"old": old.delimiter, "new": new.delimiter})
    if not old.configuration.tables(LOGINS) and new.configuration.tables(LOGINS):
        sentence = _("The old configuration has no %(parameter)s, so who may send as whom is not compared.")
        outcome.remark(sentence % {"parameter": LOGINS})
    for sentence in differences_not_asked(old.configuration, new.configuration):
        outcome.remark(sentence)


def _compare_addresses(old: Side, new: Side, addresses: list[str], outcome: Outcome, kind: str) -> Iterator[Difference]:
    fates = old.fates(addresses), new.fates(addresses)
    bases = _bases_of_what_differs(old, new, fates)
    for address in addresses:
        before, after = fates[0][address], fates[1][address]
        if is_same(before, after):
            name = explained_words(before, after)
        else:
            name = explained_refusal(before, after) or explained_extension(address, before, after, bases)
            if not name:
                yield Difference("recipient", address, before.words, after.words)
        if name:
            outcome.explain(name)
    for parameter in BESIDE:
        answers = old.find(parameter, addresses), new.find(parameter, addresses)
        for address in addresses:
            texts = tuple(one.get(address, Found("")).result for one in answers)
            if _as_set(texts[0]) != _as_set(texts[1]):
                yield Difference(parameter, address, *texts)
    yield from _compare_logins(old, new, addresses, fates[1], outcome)


def _compare_logins(
    old: Side, new: Side, addresses: list[str], fates: dict[str, Fate], outcome: Outcome
) -> Iterator[Difference]:
    if not old.configuration.tables(LOGINS):
        return
    answers = old.find(LOGINS, addresses), new.find(LOGINS, addresses)
    for address in addresses:
        texts = tuple(one.get(address, Found("")).result for one in answers)
        before, after = (_logins(text) for text in texts)
        if before == after:
            continue
        receivers = {_without_extension(one, new.delimiter) for one in fates[address].reached}
        if before <= after and after - before <= receivers:
            outcome.explain("receiver_may_send")
        else:
            yield Difference(LOGINS, address, *texts)


def _compare_keys(old: Side, new: Side, keys: list[str], outcome: Outcome, kind: str) -> Iterator[Difference]:
    answers = old.ask_all(kind, keys), new.ask_all(kind, keys)
    for key in keys:
        texts = tuple(one.get(key, "") for one in answers)
        if _in_one_way(texts[0]) != _in_one_way(texts[1]):
            yield Difference(kind, key, *texts)


def is_same(before: Fate, after: Fate) -> bool:
    """Both refuse, or both take the mail and it ends in the same places; also what is sent back is the same."""
    if before.is_accepted != after.is_accepted:
        return False
    return not before.is_accepted or (before.ends == after.ends and bool(before.lost) == bool(after.lost))


def explained_words(before: Fate, after: Fate) -> str:
    """The rule by which two answers with the same end differ; empty if they do not."""
    if not before.is_accepted or (before.first == after.first and before.paths == after.paths):
        return ""
    if before.first == after.first:
        return "path_in_other_words"
    same_words = sorted(set(addresses_in(before.first.lower()))) == sorted(set(addresses_in(after.first.lower())))
    return "in_another_order" if same_words else "by_another_way"


def explained_refusal(before: Fate, after: Fate) -> str:
    """Nobody gets the mail on either side, and the new one says so before it takes it."""
    is_sent_back = before.is_accepted and not before.ends
    return "refused_at_the_door" if is_sent_back and not after.is_accepted else ""


def explained_extension(address: str, before: Fate, after: Fate, bases: Bases) -> str:
    """Postfix asks for the whole address first, so a catch-all of an alias domain that is asked for by the domain alone
    takes what belongs to the base of an extension."""
    if address not in bases or not before.is_accepted:
        return ""
    base, before_base, after_base = bases[address]
    extension = local_part_of(address)[len(local_part_of(base)) :]
    ends = {one.replace(f"{extension}@", "@") for one in after.ends}
    goes_like_it = after.is_accepted and ends == after_base.ends and bool(after.lost) == bool(after_base.lost)
    return "like_its_base" if goes_like_it and is_same(before_base, after_base) else ""


def _bases_of_what_differs(old: Side, new: Side, fates: tuple[dict[str, Fate], dict[str, Fate]]) -> Bases:
    """What becomes of the same addresses without their extension."""
    differing = [address for address, before in fates[0].items() if not is_same(before, fates[1][address])]
    bases = {address: _without_extension(address, new.delimiter) for address in differing}
    bases = {address: base for address, base in bases.items() if base != address}
    wanted = sorted(set(bases.values()))
    found = (old.fates(wanted), new.fates(wanted)) if wanted else ({}, {})
    return {address: (base, found[0][base], found[1][base]) for address, base in bases.items()}


def _without_extension(address: str, delimiter: str) -> str:
    base, _extension = split_address(unquoted(local_part_of(address)), delimiter)
    return f"{base}@{address.rpartition('@')[2]}" if base else address


def _as_set(text: str) -> set[str]:
    return {_in_one_way(one) for one in addresses_in(text)}


def _in_one_way(text: str) -> str:
    return " ".join(text.lower().replace(",", " ").split())


def _logins(text: str) -> set[str]:
    return {one.lower() for one in text.replace(",", " ").split()} - {"<>"}
