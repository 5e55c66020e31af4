"""Whether what a server says is what is expected, and if not, what the difference is. Nothing here asks anybody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

from dns_records import spf
from dns_records.authoritative import Said, ServerAnswer
from dns_records.expected import Expected
from dns_records.record_models import RecordState

STRENGTH = {"none": 0, "quarantine": 1, "reject": 2}


@dataclass(frozen=True)
class Verdict:
    """`why` and `words` are for words.sentence(); `expected` is set where what is there was taken into account."""

    state: str
    why: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)
    published: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()


RIGHT = Verdict(RecordState.RIGHT)


def judge(expected: Expected, answers: Sequence[ServerAnswer], lookups: Callable[[str], int]) -> Verdict:
    """What all servers say together. `lookups` counts those of an SPF record."""
    answering = [answer for answer in answers if answer.is_answer]
    if expected.why:  # whoever is silent
        found = next((_found(expected, answer) for answer in answering), [])
        return Verdict(RecordState.UNKNOWN, expected.why, expected.words, tuple(found))
    unasked = next((answer for answer in answers if answer.nobody), None)
    silent = sorted({answer.server for answer in answers if not (answer.is_answer or answer.nobody)})
    if unasked and not answering and not silent:
        return Verdict(RecordState.UNKNOWN, unasked.nobody, {"address": unasked.address, "code": unasked.reason})
    if not answering:
        return Verdict(RecordState.UNKNOWN, "silent", {"servers": silent})
    verdicts = [_of_one(expected, answer, lookups) for answer in answering]
    wrong = [one for one in verdicts if one.state != RecordState.RIGHT]
    verdict = wrong[0] if wrong else verdicts[0]
    if wrong and len(wrong) < len(verdicts):
        behind = [f"{answer.server}" for answer, one in zip(answering, verdicts, strict=True) if one in wrong]
        verdict = replace(verdict, state=RecordState.NOT_EVERYWHERE, why="not_everywhere", words={"servers": behind})
    if expected.waits and verdict.state == RecordState.MISSING:
        verdict = replace(verdict, state=RecordState.WAITS, why="")
    if silent:
        verdict = replace(verdict, words={**verdict.words, "silent": silent})
    return verdict


def _of_one(expected: Expected, answer: ServerAnswer, lookups: Callable[[str], int]) -> Verdict:
    found = _found(expected, answer)
    if expected.purpose == "spf":
        return _spf(expected, found, lookups)
    verdict = COMPARE[expected.purpose](expected, found)
    if expected.purpose == "address" and answer.aliases:
        verdict = Verdict(RecordState.DIFFERENT, "alias", {"target": answer.aliases[-1]})
    return verdict if verdict.published else replace(verdict, published=tuple(found))


def _found(expected: Expected, answer: ServerAnswer) -> list[str]:
    if expected.rdtype != "TXT":
        return [record.lower() for record in answer.records]
    return answer.texts if answer.said == Said.RECORDS else []


def _mx(expected: Expected, found: list[str]) -> Verdict:
    if not found:
        return Verdict(RecordState.MISSING, "nothing")
    there = sorted((int(record.split()[0]), record.split()[1].rstrip(".")) for record in found)
    wanted = [value.split()[1].rstrip(".") for value in expected.values]
    names = [name for _preference, name in there]
    if names == [""]:
        return Verdict(RecordState.DIFFERENT, "mx_null")
    if lacking := [name for name in wanted if name not in names]:
        return Verdict(RecordState.DIFFERENT, "mx_lacks", {"hosts": lacking})
    if others := [name for name in names if name not in wanted]:
        return Verdict(RecordState.DIFFERENT, "mx_others", {"hosts": others})
    first = [name for preference, name in there if preference == there[0][0]]
    return RIGHT if wanted[0] in first else Verdict(RecordState.DIFFERENT, "mx_order", {"hosts": first})


def _spf(expected: Expected, found: list[str], lookups: Callable[[str], int]) -> Verdict:
    records = [text for text in found if spf.is_spf(text)]
    there = tuple(records)
    (wanted,) = expected.values
    if not records:
        return Verdict(RecordState.MISSING, "nothing", _costs(wanted, lookups))
    *terms, ending = spf.terms_of(wanted)
    if len(records) > 1:
        together = f"{spf.VERSION} {' '.join(term for one in records for term in spf.terms_of(one))}"
        whole = (_once(spf.merged(together, terms, ending)),)
        words = {"number": len(records)} | _costs(whole[0], lookups)
        return Verdict(RecordState.SEVERAL, "several", words, there, whole)
    (text,) = records
    whole = (spf.merged(text, terms, ending),)
    known = {spf.normal(term) for term in spf.terms_of(text)}
    lacking = [term for term in terms if spf.normal(term) not in known]
    verdict: tuple[str, dict[str, Any]] = ("", {})
    if term := spf.first_wrong(text):
        verdict = "spf_wrong", {"term": term}
    elif lacking:
        verdict = "spf_lacks", {"terms": lacking}
    elif spf.all_of(text) in ("", "+all", "?all") and "redirect=" not in text.lower():
        verdict = "spf_open", {}
    elif spf.all_of(text) == "~all" and ending == "-all":
        verdict = "spf_softer", {}
    elif (number := lookups(text)) > spf.MOST_LOOKUPS:
        verdict = "spf_lookups", {"number": f"> {spf.MOST_LOOKUPS}" if number > spf.MOST_LOOKUPS else number}
    why, words = verdict
    if why and why != "spf_lookups":
        words |= _costs(whole[0], lookups)
    return Verdict(RecordState.DIFFERENT if why else RecordState.RIGHT, why, words, there, whole if why else there)


def _costs(proposed: str, lookups: Callable[[str], int]) -> dict[str, Any]:
    """For the sentence about a record that we propose: whether receivers would stop in it."""
    return {"costs_too_much": True} if lookups(proposed) > spf.MOST_LOOKUPS else {}


def _once(text: str) -> str:
    return " ".join(dict.fromkeys(text.split()))


def tags_of(text: str) -> dict[str, str]:
    """A list of tags (RFC 6376, section 3.2; RFC 7489, section 6.4), without the blanks, which may stand anywhere in
    p=. The names have their case."""
    pairs = (part.partition("=") for part in text.split(";") if "=" in part)
    return {name.strip(): "".join(value.split()) for name, _equals, value in pairs}


def _dkim(expected: Expected, found: list[str]) -> Verdict:
    if not found:
        return Verdict(RecordState.MISSING, "nothing")
    if len(found) > 1:
        return Verdict(RecordState.SEVERAL, "several", {"number": len(found)})
    wanted, there = tags_of(expected.values[0]), tags_of(found[0])
    key, published = wanted["p"], there.get("p", "")
    if not key:
        return RIGHT if not published and "p" in there else Verdict(RecordState.DIFFERENT, "dkim_not_revoked")
    if not published:
        return Verdict(RecordState.DIFFERENT, "dkim_empty")
    if published != key:
        if key.startswith(published):
            return Verdict(RecordState.DIFFERENT, "dkim_cut", {"number": len(published)})
        return Verdict(RecordState.DIFFERENT, "dkim_other")
    if there.get("k", "rsa") != wanted["k"]:
        return Verdict(RecordState.DIFFERENT, "dkim_tag", {"tag": f"k={there.get('k', 'rsa')}"})
    for tag, good in (("v", ("DKIM1",)), ("s", ("*", "email")), ("h", ("sha256",))):
        if not set(there.get(tag, good[0]).split(":")) & set(good):
            return Verdict(RecordState.DIFFERENT, "dkim_tag", {"tag": f"{tag}={there[tag]}"})
    if "y" in there.get("t", "").split(":"):
        return Verdict(RecordState.DIFFERENT, "dkim_testing")
    return RIGHT


def _one_of(found: list[str], version: str) -> tuple[Verdict | None, dict[str, str], tuple[str, ...]]:
    """The one record that begins with this version, taken apart; or what is wrong with their number."""
    records = tuple(text for text in found if text.replace(" ", "").lower().startswith(f"v={version.lower()}"))
    if not records:
        return Verdict(RecordState.MISSING, "nothing"), {}, ()
    if len(records) > 1:
        return Verdict(RecordState.SEVERAL, "several", {"number": len(records)}, records), {}, records
    return None, {name.lower(): value for name, value in tags_of(records[0]).items()}, records


def _dmarc(expected: Expected, found: list[str]) -> Verdict:
    fault, there, records = _one_of(found, "DMARC1")
    if fault:
        return fault
    wanted = tags_of(expected.values[0])
    has, wants = there.get("p", "").lower(), wanted["p"]
    if has != wants:
        why = "dmarc_stricter" if STRENGTH.get(has, -1) > STRENGTH[wants] else "dmarc_softer"
        return Verdict(RecordState.DIFFERENT, why, {"found": has or "–", "wanted": wants}, records)
    for tag in ("rua", "ruf"):
        if lacking := _addresses(wanted.get(tag, "")) - _addresses(there.get(tag, "")):
            return Verdict(RecordState.DIFFERENT, "dmarc_reports", {"addresses": sorted(lacking)}, records)
    usual = {"sp": wants, "pct": "100", "adkim": "r", "aspf": "r"}
    other = [
        f"{tag}={there.get(tag, value)}"
        for tag, value in usual.items()
        if there.get(tag, value).lower() != wanted.get(tag, value)
    ]
    if other:
        return Verdict(RecordState.DIFFERENT, "dmarc_tags", {"tags": other}, records)
    return Verdict(RecordState.RIGHT, published=records)


def _addresses(value: str) -> set[str]:
    return {one.strip().lower().removeprefix("mailto:").partition("!")[0] for one in value.split(",") if one.strip()}


def _dmarc_reports(expected: Expected, found: list[str]) -> Verdict:
    fault, _tags, records = _one_of(found, "DMARC1")
    return Verdict(RecordState.RIGHT, published=records) if records else fault or RIGHT


def _sts(expected: Expected, found: list[str]) -> Verdict:
    fault, there, records = _one_of(found, "STSv1")
    if fault:
        return fault
    right = there.get("id") == tags_of(expected.values[0])["id"]
    return Verdict(RecordState.RIGHT if right else RecordState.DIFFERENT, "" if right else "sts_id", {}, records)


def _tls_reports(expected: Expected, found: list[str]) -> Verdict:
    fault, there, records = _one_of(found, "TLSRPTv1")
    if fault:
        return fault
    lacking = _addresses(tags_of(expected.values[0])["rua"]) - _addresses(there.get("rua", ""))
    if lacking:
        return Verdict(RecordState.DIFFERENT, "tls_reports", {"addresses": sorted(lacking)}, records)
    return Verdict(RecordState.RIGHT, published=records)


def _points_there(expected: Expected, found: list[str]) -> Verdict:
    """What was asked for has been compared already: see checks.py, which also takes the same addresses for right."""
    if not found:
        return Verdict(RecordState.MISSING, "nothing")
    if found == [value.lower() for value in expected.values]:
        return RIGHT
    return Verdict(RecordState.DIFFERENT, "points_elsewhere", {"found": found})


def _srv(expected: Expected, found: list[str]) -> Verdict:
    if not found:
        return Verdict(RecordState.MISSING, "nothing")
    wanted = {tuple(value.lower().split()[2:]) for value in expected.values}
    right = {tuple(record.split()[2:]) for record in found} == wanted
    return RIGHT if right else Verdict(RecordState.DIFFERENT, "srv_other")


def _addresses_are(expected: Expected, found: list[str]) -> Verdict:
    if not found:
        return Verdict(RecordState.MISSING, "nothing")
    right = {ip_address(one) for one in found} == {ip_address(one) for one in expected.values}
    return RIGHT if right else Verdict(RecordState.DIFFERENT, "addresses", {"found": found})


def _reverse(expected: Expected, found: list[str]) -> Verdict:
    if not found:
        return Verdict(RecordState.MISSING, "nothing")
    right = expected.values[0].lower() in found
    return RIGHT if right else Verdict(RecordState.DIFFERENT, "reverse", {"found": found})


def _tlsa(expected: Expected, found: list[str]) -> Verdict:
    """One that fits is enough: at a change of the key the old and the new one stand side by side."""
    if not found:
        return Verdict(RecordState.MISSING, "nothing")
    there = {"".join(record.split()) for record in found}
    right = there & {"".join(value.lower().split()) for value in expected.values}
    return RIGHT if right else Verdict(RecordState.DIFFERENT, "tlsa")


COMPARE: dict[str, Callable[[Expected, list[str]], Verdict]] = {
    "mx": _mx,
    "dkim": _dkim,
    "dkim_prepared": _dkim,
    "dkim_retiring": _dkim,
    "dkim_revoked": _dkim,
    "dmarc": _dmarc,
    "dmarc_reports": _dmarc_reports,
    "sts": _sts,
    "sts_host": _points_there,
    "tls_reports": _tls_reports,
    "srv": _srv,
    "autoconfig": _points_there,
    "autodiscover": _points_there,
    "address": _addresses_are,
    "reverse": _reverse,
    "tlsa": _tlsa,
}
