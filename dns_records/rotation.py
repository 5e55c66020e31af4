"""DKIM keys move on as the DNS shows their records: every authoritative server is asked, and each wait has a reason.

A key that is prepared is published when all servers have exactly its record; one that signs by itself then signs when a
host has its file, and each that signs with the key before; a retiring one is gone when no server has its record any
more."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from accounts.actors import Actor
from dns_records.authoritative import CONTROLS, Asker, Said, ServerAnswer
from dns_records.judging import tags_of
from domains.dkim_hosts import reported_at
from domains.dkim_models import DkimKey
from domains.dkim_rotation import LOOK, keys_to_rotate, start_rotation
from domains.dkim_services import change_dkim_key, move_dkim_key
from domains.dkim_waits import DAYS_IN_A_MONTH, TO_DO, DkimWait, begin_to_wait, lacks_host, may_go_at
from domains.models import MailSettings
from jobs.alone import alone
from jobs.models import Job
from jobs.services import in_the_name_of, job_kind, show_progress

log = logging.getLogger(__name__)

State, Reason = DkimKey.State, DkimWait.Reason
LOCK = 0x444B494D  # "DKIM": one run at a time
AT_A_TIME = 500  # keys
LONGEST_RUN = timedelta(seconds=50)  # of those that the clock starts, every minute
THREADS = 32
MOST_ROTATIONS = 100  # that begin in one hour by themselves
SOONEST, LATEST = timedelta(minutes=1), timedelta(hours=1)
ASKS_THE_DNS = (State.PREPARED, State.RETIRING, State.REVOKED)
LONGEST_FOUND = 200  # characters of a record that stands there instead, or of what went wrong

# Why a key waits: the reason and its words.
Why = tuple[str, dict[str, Any]]
Answers = Mapping[str, Sequence[ServerAnswer] | Exception]


def follow_keys(*, by: Actor) -> int:
    """Every minute: looks for all keys whose time has come, the longest overdue first; says how many. Does nothing
    while another run is not done."""
    with alone(LOCK) as is_alone:
        return _follow(by) if is_alone else 0


def _follow(by: Actor) -> int:
    _take_up(by)
    number, asker = 0, Asker()
    end = timezone.now() + LONGEST_RUN
    while (started := timezone.now()) < end:
        due = DkimWait.objects.filter(ask_again_at__lte=started).order_by("ask_again_at")
        keys = _keys(list(due.values_list("pk", flat=True)[:AT_A_TIME]))
        if not keys:
            break
        look_for(keys, asker=asker, by=by)
        number += len(keys)
        # Whatever came of it, nobody is looked for twice in one run.
        DkimWait.objects.filter(pk__in=keys, ask_again_at__lte=started).update(ask_again_at=timezone.now() + SOONEST)
    return number


def _take_up(by: Actor) -> None:
    """What an undo brought back, or what was there before the panel asked the DNS. Who took back that a key signs does
    not want it to sign a minute later: such a key waits for a person."""
    DkimWait.objects.exclude(key__state__in=TO_DO).delete()
    lost = DkimKey.objects.filter(Q(wait=None) | ~Q(wait__state=F("state")), state__in=TO_DO)
    for key in lost.select_related("domain").order_by("pk")[:AT_A_TIME]:
        try:
            if key.state == State.PUBLISHED and key.signs_by_itself:
                key = change_dkim_key(key, signs_by_itself=False, by=by)
            begin_to_wait(key)
        except Exception as error:  # the others go on
            log.warning("%s does not wait for a person: %s", key, error)


@job_kind(LOOK)
def look(job: Job) -> dict[str, Any]:
    """At once, for the keys of one domain; a record that must stay for now is not looked for."""
    waits = DkimWait.objects.filter(key__domain=job.arguments["domain"]).exclude(reason=Reason.KEPT)
    keys = _keys(list(waits.values_list("pk", flat=True)))
    look_for(keys, asker=Asker(), by=in_the_name_of(job))
    show_progress(job, len(keys), len(keys))
    return {"keys": len(keys)}


def start_due_rotations(*, by: Actor) -> int:
    """Every hour: keys that have signed for as long as the settings say get a successor. Says how many."""
    months = MailSettings.current().dkim_rotation_months
    if not months:
        return 0
    started = 0
    for algorithms in (Q(algorithm="ed25519"), ~Q(algorithm="ed25519")):
        coming = DkimKey.objects.filter(
            algorithms,
            domain=OuterRef("domain"),
            local_parts=OuterRef("local_parts"),
            state__in=[State.PREPARED, State.PUBLISHED],
        )
        due = keys_to_rotate(timezone.now() - timedelta(days=months * DAYS_IN_A_MONTH))
        # All that are due, since those that cannot begin must not stand before the others.
        for key in due.filter(algorithms, ~Exists(coming)).iterator(AT_A_TIME):
            if started == MOST_ROTATIONS:
                break
            try:
                start_rotation(key.domain, key.selector, by=by)
                started += 1
            except ValidationError:  # the worker makes it already
                continue
            except Exception:
                log.exception("%s gets no successor", key)
    return started


def look_for(keys: Sequence[DkimKey], *, asker: Asker, by: Actor) -> None:
    """Asks about these keys side by side, and moves each on or says why not. A server that does not answer holds up
    nobody but its own domains; nor does a key at which the panel fails hold up the others."""
    names = {name for key in keys if _asks_the_dns(key) for name in key.record_names}
    with ThreadPoolExecutor(THREADS) as pool:
        answers: Answers = dict(zip(names, pool.map(lambda name: _asked(asker, name), names), strict=True))
    for key in keys:
        try:
            _move_on(key, answers, by)
        except Exception as error:
            # Somebody moved it meanwhile, then nothing is noted; or a rule stands in the way; or it is a fault of ours.
            words: dict[str, Any] = {}
            if isinstance(error, ValidationError):
                words["said"] = " ".join(error.messages).translate(CONTROLS)[:LONGEST_FOUND]
                log.info("%s does not move on: %s", key, words["said"])
            else:
                log.exception("%s cannot be looked for", key)
            _note(key, Reason.FAILED, words)


def _asked(asker: Asker, name: str) -> Sequence[ServerAnswer] | Exception:
    """What is wrong with one name, for example that it is too long for the DNS, is an answer about that name."""
    try:
        return asker.ask_all(name, "TXT")
    except Exception as error:
        return error


def _with_silence(reason: str, words: dict[str, Any]) -> Why:
    """With the time at which the host that lacks a file last reported."""
    at = reported_at(words["host"]) if reason == Reason.HOST else None
    return reason, words | {"reported_at": at.isoformat() if at else ""}


def _move_on(key: DkimKey, answers: Answers, by: Actor) -> None:
    said = []
    for name in key.record_names:
        found = answers.get(name, ())
        if isinstance(found, Exception):
            raise found
        said += [(name, answer) for answer in found]
    if _asks_the_dns(key) and {name for name, _answer in said} != set(key.record_names):
        return _note(key, Reason.NOT_ASKED, {})  # what was not asked is neither there nor gone
    if key.state == State.PREPARED:
        if why := why_not_everywhere(key, said):
            return _note(key, *why)
        key = move_dkim_key(key, State.PUBLISHED, is_seen=True, by=by)
    elif _asks_the_dns(key) and key.state == State.PUBLISHED and (why := why_not_everywhere(key, said)):
        return _note(key, *why)
    if key.state == State.PUBLISHED:
        if not key.signs_by_itself:
            return None  # a person signs
        if why := lacks_host(key):
            return _note(key, *_with_silence(*why))
        move_dkim_key(key, State.SIGNING, by=by)
        return None
    if key.state == State.RETIRING and may_go_at(key) > timezone.now():
        return _note(key, Reason.KEPT, {"until": may_go_at(key).isoformat()}, ask_again_at=may_go_at(key))
    if key.state in (State.RETIRING, State.REVOKED):
        if why := why_not_gone(key, said):
            return _note(key, *why)
        move_dkim_key(key, State.GONE, is_seen=True, by=by)
    return None


def _asks_the_dns(key: DkimKey) -> bool:
    """What a person declared published, with a reason, is not asked for again."""
    return key.state in ASKS_THE_DNS or (key.state == State.PUBLISHED and key.signs_by_itself and not key.reason)


def why_not_everywhere(key: DkimKey, said: Iterable[tuple[str, ServerAnswer]]) -> Why | None:
    """None if each server of each name has exactly this key. What a person must mend is said before what only takes
    time."""
    found: list[Why] = []
    for name, answer in said:
        words = {"server": answer.server, "name": name.removesuffix(".")}
        if not answer.is_answer:
            found.append((Reason.NO_ANSWER, words | {"said": answer.words}))
        elif answer.said != Said.RECORDS:
            found.append((Reason.MISSING, words))
        elif len(answer.texts) > 1:
            found.append((Reason.SEVERAL, words))
        elif not is_record_of(key, answer.texts[0]):
            found.append((Reason.DIFFERENT, words | {"found": answer.texts[0][:LONGEST_FOUND]}))
    order = (Reason.SEVERAL, Reason.DIFFERENT, Reason.MISSING, Reason.NO_ANSWER)
    return min(found, key=lambda why: order.index(why[0]), default=None)


def why_not_gone(key: DkimKey, said: Iterable[tuple[str, ServerAnswer]]) -> Why | None:
    """None if no server has a record there. A revoked key may also stay, with an empty p=."""
    waits: Why | None = None
    is_empty = key.state == State.REVOKED
    for name, answer in said:
        words = {"server": answer.server, "name": name.removesuffix(".")}
        if not answer.is_answer:
            waits = waits or (Reason.NO_ANSWER, words | {"said": answer.words})
            is_empty = False
        elif answer.said == Said.RECORDS:
            waits = (Reason.STILL_THERE, words)
            is_empty = is_empty and all(tags_of(text).get("p") == "" for text in answer.texts)
    return (Reason.EMPTIED, {}) if waits and is_empty else waits


def is_record_of(key: DkimKey, text: str) -> bool:
    """Whether a verifier finds this key by it (RFC 6376, section 3.6.1); tags that change nothing may differ."""
    tags = tags_of(text)
    return (
        tags.get("v", "DKIM1") == "DKIM1"
        and tags.get("k", "rsa") == key.family
        and tags.get("p") == key.public_key
        and "sha256" in tags.get("h", "sha256").split(":")
        and bool({"email", "*"} & set(tags.get("s", "*").split(":")))
    )


def _note(key: DkimKey, reason: str, words: dict[str, Any], *, ask_again_at: datetime | None = None) -> None:
    """Why it waits. The longer it has waited, the longer until the next look."""
    now = timezone.now()
    wait = DkimWait.objects.filter(pk=key.pk, state=key.state).first()
    if wait is None:
        return
    pause = timedelta(days=1) if reason == Reason.EMPTIED else min(LATEST, max(SOONEST, (now - wait.since) / 10))
    wait.reason, wait.words, wait.asked_at = reason, words, now
    wait.needs_person = reason not in (Reason.KEPT, Reason.EMPTIED)
    wait.ask_again_at = ask_again_at or now + pause
    wait.save()


def _keys(numbers: Sequence[int]) -> list[DkimKey]:
    keys = DkimKey.objects.filter(pk__in=numbers).select_related("domain").order_by("pk")
    return list(keys.prefetch_related("domain__alias_domains"))
