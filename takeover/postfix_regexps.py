"""Lines of regexp_table(5) and pcre_table(5) that say what an address, a pattern or a catch-all here can say."""

import re

WHOLE_LINE = re.compile(r"/(?P<pattern>(?:[^/\\]|\\.)*)/(?P<flags>[a-zA-Z]*)\s+(?P<result>.*)", re.DOTALL)
ANYTHING = r"(?:\.\*|\.\+|\(\.\*\)|\(\.\+\)|\[\^@\]\+|\(\[\^@\]\+\))"
WORD = r"(?:[A-Za-z0-9_=%~&'#-]|\\[.+_-]|\.(?![*+?{]))"
SHAPE = re.compile(rf"\^?(?P<prefix>(?<=\^){WORD}*)?(?P<rest>{ANYTHING})?@(?P<domain>{WORD}+)\$")
KEPT_LOCAL_PART = re.compile(r"\$(?:1|\{1\}|\(1\))@")


def expressed(text: str) -> tuple[str, str] | None:
    """(key, result) of a line as an alias has them: `sales-*@example.org`, `@example.org`, `ann@example.org`. None for
    a line that says more: flags, conditions, a result made of parts of the key."""
    line = WHOLE_LINE.fullmatch(text)
    found = SHAPE.fullmatch(line["pattern"]) if line else None
    if line is None or found is None or line["flags"]:
        return None
    prefix = _plain(found["prefix"] or "")
    is_anchored = line["pattern"].startswith("^")
    if not is_anchored and found["prefix"]:
        return None
    domain = _plain(found["domain"])
    has_group = "(" in (found["rest"] or "")
    result = line["result"].strip()
    if is_anchored and prefix and not found["rest"]:
        key = f"{prefix}@{domain}"
    elif prefix:
        key = f"{prefix}*@{domain}"
    elif is_anchored and not found["rest"]:
        return None  # `^@…` is no address
    else:
        key = f"@{domain}"
    if has_group and key.startswith("@") and KEPT_LOCAL_PART.match(result) and "," not in result:
        result = KEPT_LOCAL_PART.sub("@", result, count=1)
    return None if "$" in result or not result else (key.lower(), result)


def _plain(text: str) -> str:
    return text.replace("\\", "")
