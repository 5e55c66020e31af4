"""suspended_domains: whose mail is put off for a time."""

import pytest

from tests.plugins.example_mail import suspended_domains
from tests.plugins.mail_stack import Postfix

PUT_OFF = "450 4.2.1 Mail for this domain is suspended for a time. Try again later."

ANSWERS = {
    "an address": ("ann@waiting.example", PUT_OFF),
    "in upper case": ("Ann@WAITING.example", PUT_OFF),
    "with an extension": ("ann+x@waiting.example", PUT_OFF),
    "in quotes": ('"a b"@waiting.example', PUT_OFF),
    "nobody": ("nobody@waiting.example", PUT_OFF),
    "an alias domain of it": ("ann@waiting-alias.example", PUT_OFF),
    "an alias domain that is suspended itself": ("ann@late-alias.example", PUT_OFF),
    "the target of that": ("ann@open.example", None),
    "a virtual alias domain": ("x@brand-waits.example", PUT_OFF),
    "a relay domain": ("ann@relay-waits.example", PUT_OFF),
    "a local domain": ("root@local-waits.example", PUT_OFF),
    "a domain by its A-label": ("ann@xn--wrtlich-90a.example", PUT_OFF),
    "a domain by its U-label": ("ann@wörtlich.example", PUT_OFF),
    "a subdomain that is ours": ("ann@sub.waiting.example", None),
    "a subdomain that is not": ("ann@other.waiting.example", None),
    "an inactive domain": ("ann@closed-too.example", None),
    "not ours": ("ann@elsewhere.example", None),
    "the whole domain": ("@waiting.example", None),
    "the domain alone": ("waiting.example", None),
    "a name alone": ("ann@", None),
}


@pytest.fixture(scope="module")
def maps(postfix: Postfix, committed: None) -> Postfix:
    suspended_domains()
    return postfix


@pytest.mark.parametrize(("key", "answer"), ANSWERS.values(), ids=ANSWERS.keys())
def test_it_works(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("suspended_domains", key) == answer
