"""Where what is expected and what is published differ, word by word."""

import re
from difflib import SequenceMatcher
from itertools import pairwise
from os.path import commonprefix

WORD = re.compile(r'\s+|[;,"]|[^\s;,"]+')
Piece = tuple[bool, str]  # whether the other side does not have it, and the text


def differences(expected: str, published: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces. What two words have in common at their beginning is no difference: `p=none` and
    `p=reject`, or a key of which the end is missing."""
    ours, theirs = WORD.findall(expected), WORD.findall(published)
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    for kind, a, b, c, d in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        texts = "".join(ours[a:b]), "".join(theirs[c:d])
        same = "" if kind == "equal" else commonprefix(texts)
        for side, text in zip(sides, texts, strict=True):
            words = text[len(same) :]
            before = len(words) - len(words.lstrip())
            after = max(before, len(words.rstrip()))  # blanks alone are no difference
            side += [(False, same + words[:before]), (kind != "equal", words[before:after]), (False, words[after:])]
    return _joined(sides[0]), _joined(sides[1])


def _joined(pieces: list[Piece]) -> list[Piece]:
    full = [piece for piece in pieces if piece[1]]
    starts = [0, *(n for n in range(1, len(full)) if full[n][0] != full[n - 1][0]), len(full)]
    return [(full[a][0], "".join(text for _is_other, text in full[a:b])) for a, b in pairwise(starts) if a < b]
