"""What the page marks in an expected and in a published record."""

import pytest

from dns_records.differences import differences

BY_WORDS = [
    ("v=spf1 mx -all", "v=spf1 mx ~all", "v=spf1 mx [-all]", "v=spf1 mx [~all]"),
    ("v=spf1 mx ip4:192.0.2.8 -all", "v=spf1 mx -all", "v=spf1 mx [ip4:192.0.2.8] -all", "v=spf1 mx -all"),
    ('"v=DMARC1; p=reject"', '"v=DMARC1; p=none"', '"v=DMARC1; p=[reject]"', '"v=DMARC1; p=[none]"'),
    ('"p=MIIBabc" "def"', '"p=MIIB"', '"p=MIIB[abc]" ["def"]', '"p=MIIB"'),
    ("10 a.\n20 b.", "10 a.", "10 a.\n[20 b.]", "10 a."),
    ("same", "same", "same", "same"),
    ("a  b", "a b", "a  b", "a b"),
    ("x", "", "[x]", ""),
]


@pytest.mark.parametrize(("expected", "published", "ours", "theirs"), BY_WORDS, ids=[row[0] for row in BY_WORDS])
def test_it_works(expected: str, published: str, ours: str, theirs: str) -> None:
    sides = differences(expected, published)
    assert ["".join(f"[{text}]" if is_other else text for is_other, text in side) for side in sides] == [ours, theirs]
