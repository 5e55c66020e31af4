"""Names of domains in their own script wherever people read them: the one place that turns A-labels into U-labels.

Everything else has the name as it is stored, the A-label (RFC 5890): the API, URLs, files, exports, what is copied."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from domains.fields import unicode_domain

# With what stands before and behind it: a path and the part before an @ are no names of domains.
WORD = re.compile(r"(?<![\w.+/-])[\w.+/-]*?xn--[\w.+/-]*+(?:@|<wbr>)?")  # addr writes <wbr> before the @
LABEL = re.compile(r"(?<![\w-])xn--[a-z0-9-]+")
# What is typed into a machine, or comes from one, stays as it is.
LITERAL = re.compile(r"<(code|pre|textarea|script|style)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL)
TAG = re.compile(r"""<(?:[^<>"']|"[^"]*"|'[^']*')*+>""")
READ_ALOUD = re.compile(r'\b(?:aria-label|title)="[^"]*"')
PIECE = re.compile(f"{LITERAL.pattern}|{TAG.pattern}|{WORD.pattern}", re.DOTALL)


def in_own_script(text: str) -> str:
    """A text with the U-label of each domain in it, in plain text and in addresses."""
    return WORD.sub(lambda found: _read(found[0]), text)


def _read(word: str) -> str:
    if "/" in word or word.endswith(("@", "<wbr>")):
        return word
    return LABEL.sub(lambda label: unicode_domain(label[0]), word)


def page_in_own_script(page: str) -> str:
    """The same for HTML: its text, titles and spoken labels, but neither code nor other attributes. A button that
    copies says what it copies."""
    return PIECE.sub(_piece, page)


def _piece(found: re.Match[str]) -> str:
    piece = found[0]
    if not piece.startswith("<"):
        return _read(piece)
    if LITERAL.match(piece) or "data-copy" in piece:
        return piece
    return READ_ALOUD.sub(lambda spoken: in_own_script(spoken[0]), piece)


def people_read_own_script(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware: every page, with its title, what it says and the history."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_page = not response.streaming and response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and b"xn--" in response.content:
            response.content = page_in_own_script(response.content.decode()).encode()
        return response

    return middleware
