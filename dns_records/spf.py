"""SPF records (RFC 7208): taken apart, put together with what they lack, and their lookups counted."""

from collections.abc import Callable

from dns_records.authoritative import is_name
from dns_records.fields import TERM_OF_SPF

MOST_LOOKUPS = 10  # section 4.6.4
VERSION = "v=spf1"
ALL = ("all", "+all", "-all", "~all", "?all")
COSTLY = ("include", "a", "mx", "ptr", "exists", "redirect")


def is_spf(text: str) -> bool:
    return text.lower() == VERSION or text.lower().startswith(f"{VERSION} ")


def terms_of(text: str) -> list[str]:
    return text.split()[1:]


def merged(text: str, wanted: list[str], ending: str) -> str:
    """The record with what it lacks before its “all”, which becomes `ending` where it is weaker. What else is there
    stays: other servers of theirs may send for the domain."""
    there = [term for term in terms_of(text) if term.lower() not in ALL]
    redirects = [term for term in there if term.lower().startswith(("redirect=", "exp="))]
    plain = [term for term in there if term not in redirects]
    known = {normal(term) for term in plain}
    lacking = [term for term in wanted if normal(term) not in known]
    if any(term.lower().startswith("redirect=") for term in redirects) and not all_of(text):
        return " ".join([VERSION, *plain, *lacking, *redirects])
    keeps = all_of(text) == "-all"
    return " ".join([VERSION, *plain, *lacking, "-all" if keeps else ending, *redirects])


def normal(term: str) -> str:
    """+mx is mx, and names have no case."""
    return term.lower().removeprefix("+")


def all_of(text: str) -> str:
    """-all, ~all, ?all or +all; "" where the record has none."""
    found = next((term.lower() for term in terms_of(text) if term.lower() in ALL), "")
    return "+all" if found == "all" else found


def first_wrong(text: str) -> str:
    """A term that receivers do not understand; "" where all is well. Unknown modifiers are allowed (section 6), a name
    that is none is not (section 4.3)."""
    for term in terms_of(text):
        if term.lower() not in ALL and not TERM_OF_SPF.fullmatch(term) and "=" not in term.split(":")[0]:
            return term
        word, name = _word_and_name(term)
        if word in COSTLY and "%" not in name and not is_name(name):
            return term
    return ""


def _word_and_name(term: str) -> tuple[str, str]:
    """include:a.example and a:a.example/24 without what is around the name; "" where there is none."""
    word, _colon, name = term.lower().lstrip("+-?~").replace("=", ":", 1).partition(":")
    return word.partition("/")[0], name.partition("/")[0]


def lookups(text: str, ask: Callable[[str], list[str]], *, most: int = MOST_LOOKUPS + 1) -> int:
    """How many lookups a receiver needs, those of what it includes counted in; it stops counting at `most`. `ask`
    gives the TXT records of a name."""
    number = 0
    for term in terms_of(text):
        word, name = _word_and_name(term)
        if word == "all":
            break  # what stands behind it is never reached
        if word not in COSTLY:
            continue
        number += 1
        if word in ("include", "redirect") and number < most and "%" not in name:
            for other in [one for one in ask(name) if is_spf(one)][:1]:
                number += lookups(other, ask, most=most - number)
        if number >= most:
            return most
    return number
