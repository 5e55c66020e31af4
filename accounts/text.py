"""What others typed, made fit for one line of a terminal or of a sentence."""

import unicodedata

ESCAPED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def printable(text: str) -> str:
    """Every space is a blank, a new line is a backslash and n; what could command a terminal is not shown."""
    return "".join(map(_shown, text.replace("\r\n", "\n")))


def _shown(letter: str) -> str:
    if letter.isprintable():
        return letter
    if unicodedata.category(letter) == "Zs":
        return " "
    return ESCAPED.get(letter, "\N{REPLACEMENT CHARACTER}")
