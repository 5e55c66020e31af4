"""What the result of an access table or of a policy service means: access(5), check_table_result()."""

import re

from restrictions.engine.policy import Entry
from restrictions.engine.walk import DEEPEST, RECIPIENT, SENDER, Outcome, Place, Walk

STATUS = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)")
ONLY_LOGGED = ("INFO", "WARN")
TAKES_ARGUMENT = re.compile(r"(?:reject|permit)_(?:rbl|rhsbl|dnswl|rhswl)_\w+|sleep")

# smtpd_dsn_fix(): the status of an address, said of an address of the other kind.
SENDER_STATUS = {"1": "7", "2": "8", "3": "7", "4": "7", "5": "0", "6": "7", "7": "7", "8": "8"}
RECIPIENT_STATUS = {"1": "1", "2": "2", "3": "3", "4": "4", "5": "5", "6": "6", "7": "3", "8": "2"}


def fixed_status(status: str, said: str) -> str:
    if status[1:4] != ".1.":
        return status
    if said == SENDER:
        return f"4.1.{SENDER_STATUS.get(status[4:], '0')}"
    return f"4.1.{RECIPIENT_STATUS.get(status[4:], '0')}" if said == RECIPIENT else "4.0.0"


def action_of(walk: Walk, result: str, said_of: tuple[str, str], *, key: str = "") -> Outcome:
    """Does what the table asks for. Its text may begin with an enhanced status code."""
    name, said = said_of
    word, text = (result.split(None, 1) + ["", ""])[:2]
    action, about = word.upper(), {"key": key, "result": result}

    def refusal(default_status: str, default_words: str) -> tuple[str, str]:
        found = STATUS.match(text)
        status, words = (found[1], text[found.end() :]) if found else (default_status, text)
        return fixed_status(status, said), f"<{name}>: {said} rejected: {words or default_words}"

    if action == "DUNNO":
        return walk.passes("says_dunno", **about)
    if action == "REJECT":
        return walk.refuse(
            walk.setting("access_map_reject_code"), *refusal("5.7.1", "Access denied"), "says_refuse", **about
        )
    if action == "DEFER":
        return walk.refuse(
            walk.setting("access_map_defer_code"), *refusal("4.7.1", "Access denied"), "says_refuse", **about
        )
    if action == "DEFER_IF_PERMIT":
        words = refusal("4.7.1", "Service unavailable")
        return walk.refuse_if_taken(walk.setting("access_map_defer_code"), *words, "if_permitted", **about)
    if action == "DEFER_IF_REJECT":
        words = refusal("4.7.1", "Service unavailable")
        return walk.refuse_softly(walk.setting("access_map_defer_code"), *words, "if_refused", **about)
    if action in ONLY_LOGGED:
        return walk.passes("says_log", **about)
    if action in ("FILTER", "HOLD", "REDIRECT", "BCC", "PREPEND"):
        why = "comes_too_early" if walk.sender is None else f"says_{action.lower()}"
        return walk.passes(why, **about)
    if action == "DISCARD":
        if walk.sender is None:
            return walk.passes("comes_too_early", **about)
        walk.is_discarded = True
        return walk.permit("says_discard", **about)
    if result.isdigit() or action in ("OK", "RELAY"):
        return walk.permit("says_permit", **about)
    if re.fullmatch("[45][0-9][0-9]", word) and text:
        return walk.refuse(int(word), *refusal(f"{word[0]}.7.1", "Access denied"), "says_refuse", **about)
    if ":" in result:
        raise walk.stop("table_in_table", **about)
    if walk.depth > DEEPEST:
        raise walk.stop("too_deep", name=result)
    return walk.run(Place("result", result), entries_of(result), said_of)


def entries_of(result: str) -> tuple[Entry, ...]:
    """Restrictions and classes, as they stand in a result: `warn_if_reject reject_rbl_client zone, greylisting`."""
    entries: list[Entry] = []
    words = [word for word in re.split(r"[,\s]+", result) if word]
    warn_only = False
    while words:
        word = words.pop(0)
        if word == "warn_if_reject":
            warn_only = True
            continue
        argument = words.pop(0) if TAKES_ARGUMENT.fullmatch(word) and words else ""
        entries.append(Entry(word, argument, warn_only))
        warn_only = False
    return tuple(entries)
