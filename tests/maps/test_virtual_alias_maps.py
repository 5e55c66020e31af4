"""virtual_alias_maps: where an address goes on to; nothing where it is a mailbox, or nobody."""

from collections.abc import Mapping

import pytest
from django.db import connection

from tests.plugins.mail_stack import Postfix

TEAM = 'alice@home.example,o\'brien@home.example,"john doe"@home.example'
COPY = "alice@home.example,friend@elsewhere.example,copy@home.example"

FALCOT = {
    "webmaster goes to one person": ("webmaster@falcotsbrand.com", "jean@falcot.org"),
    "contact goes to two people": ("contact@falcotsbrand.com", "laure@falcot.org,sophie@falcot.org"),
    "the rest of the brand goes to the staff": ("laure@falcotsbrand.com", "laure@falcot.com"),
    "the brand does not answer for nobody": ("no-such-person@falcotsbrand.com", None),
    "the staff also answers to the other name": ("jean@falcot.com", "jean@falcot.org"),
    "the other name does not answer for nobody": ("no-such-person@falcot.com", None),
    "a mailbox is not an alias": ("jean@falcot.org", None),
}

EXACT = {
    "an alias gives all destinations, in order": ("team@home.example", TEAM),
    "upper case is folded": ("TEAM@Home.EXAMPLE", TEAM),
    "quotes around a plain name change nothing": ('"team"@home.example', TEAM),
    "an alias with a blank, as people write it": ('"two words"@home.example', "alice@home.example"),
    "an alias with a blank, as Postfix holds it": ("two words@home.example", "alice@home.example"),
    "a destination may have an extension": ("list@home.example", "alice+list@home.example"),
    "a destination elsewhere keeps its case": ("away@home.example", "Someone.Else@elsewhere.example"),
    "a destination may be a user of this machine": ("host@home.example", "operator@mx.example.net"),
    "an alias beside a mailbox keeps a copy": ("copy@home.example", COPY),
    "an inactive alias gives nothing": ("retired@home.example", None),
    "an inactive alias leaves its mailbox alone": ("kept@home.example", None),
    "an inactive mailbox leaves its alias alone": ("moved@home.example", "alice@home.example"),
    "an inactive mailbox gives nothing": ("blocked@home.example", None),
    "nobody gives nothing": ("nobody@home.example", None),
    "a domain that is not ours gives nothing": ("alice@elsewhere.example", None),
    "a subdomain is another domain": ("team@sub.home.example", None),
    "an inactive domain gives nothing": ("info@closed.example", None),
    "local aliases are not here": ("root@mx.example.net", None),
    "a domain by its U-label": ("info@bücher.example", "jean@xn--bcher-kva.example"),
}

TIMES = {
    "an alias that ended gives nothing": ("past@times.example", None),
    "an alias that has not begun gives nothing": ("future@times.example", None),
    "an alias within its time": ("now@times.example", "ann@times.example"),
    "an expired mailbox is not the catch-all's": ("expired@times.example", None),
    "nor one that takes no mail": ("deaf@times.example", None),
}

PATTERN = {
    "a pattern takes what begins like it": ("sales-europe@pattern.example", "first@elsewhere.example"),
    "nothing more need follow": ("sales-@pattern.example", "first@elsewhere.example"),
    "the longest one counts": ("sales-asia-tokyo@pattern.example", "second@elsewhere.example"),
    "an address of its own comes first": ("sales-ann@pattern.example", None),
    "an inactive one leaves nothing to the catch-all": ("off-today@pattern.example", None),
    "signs that sort before the star": ("sales-#1@pattern.example", "first@elsewhere.example"),
    "what begins otherwise is the catch-all's": ("sale@pattern.example", "rest@elsewhere.example"),
    "an extension of a pattern": ("sales-x+y@pattern.example", "first@elsewhere.example"),
    "an extension of an address is no pattern's": ("sales-ann+y@pattern.example", None),
}

EXTENSION = {
    "a mailbox is asked again without its extension": ("alice+news@home.example", None),
    "so is an alias": ("team+news@home.example", None),
    "a mailbox whose name contains the delimiter stands by itself": ("a+b@home.example", "a+b@home.example"),
    "its name is not the base of another": ("a+b+c@home.example", None),
    "an inactive one like it does too, or aliases and the catch-all would get its mail": (
        "alice+old@home.example",
        "alice+old@home.example",
    ),
    "beside an inactive mailbox too": ("blocked+new@home.example", "blocked+new@home.example"),
    "nobody is nobody with an extension too": ("nobody+news@home.example", None),
    "an inactive mailbox has no extensions": ("blocked+news@home.example", None),
}

ALIAS_DOMAIN = {
    "a mailbox answers by the alias domain": ("alice@alias.example", "alice@home.example"),
    "a quoted mailbox too": ('"john doe"@alias.example', '"john doe"@home.example'),
    "an apostrophe is a letter like others": ("o'brien@alias.example", "o'brien@home.example"),
    "a comma in a name is no second address": ('"com,ma"@alias.example', '"com,ma"@home.example'),
    "a backslash stays one backslash": (r'"back\\slash"@alias.example', r'"back\\slash"@home.example'),
    "a quote stays one quote": (r'"qu\"ote"@alias.example', r'"qu\"ote"@home.example'),
    "a name with the delimiter": ("a+b@alias.example", "a+b@home.example"),
    "an alias": ("team@alias.example", TEAM),
    "an alias that keeps a copy": ("copy@alias.example", COPY),
    "a mailbox with an inactive alias": ("kept@alias.example", "kept@home.example"),
    "a mailbox with an extension is asked again": ("alice+news@alias.example", None),
    "an inactive mailbox gives nothing": ("blocked@alias.example", None),
    "an inactive alias gives nothing": ("retired@alias.example", None),
    "nobody gives nothing": ("nobody@alias.example", None),
    "an inactive alias domain gives nothing": ("alice@off-alias.example", None),
    "an inactive target gives nothing": ("someone@closed-alias.example", None),
}

CATCH_ALL = {
    "what nobody else has": ("anyone@all.example", "alice@home.example"),
    "also with an extension": ("anyone+news@all.example", "alice@home.example"),
    "also in quotes": ('"any one"@all.example', "alice@home.example"),
    "not the mail of a mailbox": ("known@all.example", None),
    "not of a mailbox with an extension": ("known+news@all.example", None),
    "not of an alias": ("info@all.example", "known@all.example"),
    "not of an alias with an extension": ("info+news@all.example", None),
    "not of an inactive mailbox": ("blocked@all.example", None),
    "not of an inactive mailbox with an extension": ("blocked+news@all.example", None),
    "not of an inactive alias": ("off@all.example", None),
    "not of an inactive alias with an extension": ("off+news@all.example", None),
    "not of a mailbox with the delimiter in its name": ("x+y@all.example", "x+y@all.example"),
    "the first half of such a name is anyone": ("x@all.example", "alice@home.example"),
    "another second half is anyone": ("x+z@all.example", "alice@home.example"),
    "through an alias domain": ("anyone@all-alias.example", "alice@home.example"),
    "through an alias domain, not the mail of a mailbox": ("known@all-alias.example", "known@all.example"),
    "through an alias domain, not of an inactive mailbox": ("blocked@all-alias.example", None),
    "an inactive one gives nothing": ("anyone@sleeping.example", None),
    "an alias beside an inactive one": ("awake@sleeping.example", "alice@home.example"),
}

WHOLE_DOMAIN = {
    "an address keeps its name": ("alice@brand.example", "alice@home.example"),
    "an alias is found too": ("team@brand.example", "team@home.example"),
    "an alias of its own comes first": ("sales@brand.example", "alice@home.example"),
    "an extension stays": ("alice+news@brand.example", "alice+news@home.example"),
    "a name with the delimiter stays": ("a+b@brand.example", "a+b@home.example"),
    "a quoted name stays": ('"john doe"@brand.example', '"john doe"@home.example'),
    "who does not exist there does not exist here": ("nobody@brand.example", None),
    "nor with an extension": ("nobody+news@brand.example", None),
    "an inactive mailbox is not promised": ("blocked@brand.example", None),
    "an inactive alias is not promised": ("retired@brand.example", None),
    "an inactive mailbox with the delimiter in its name is not promised": ("alice+old@brand.example", None),
    "a mailbox like it beside an inactive one is": ("blocked+new@brand.example", "blocked+new@home.example"),
    "through two domains": ("alice@chain.example", "alice@brand.example"),
    "through two domains, nobody": ("nobody@chain.example", None),
    "to a domain whose catch-all leads to one address": ("blocked@chain-to-one.example", "blocked@to-one.example"),
    "to an inactive domain": ("someone@to-closed.example", None),
    "to an alias domain of an inactive domain": ("someone@to-closed-alias.example", None),
    "to an alias domain": ("alice@brand-of-alias.example", "alice@alias.example"),
    "to an alias domain, nobody": ("nobody@brand-of-alias.example", None),
    "to a domain with a catch-all": ("anyone@to-all.example", "anyone@all.example"),
    "to a domain with a catch-all, an inactive mailbox": ("blocked@to-all.example", None),
    "to a domain elsewhere": ("anyone@to-elsewhere.example", "anyone@elsewhere.example"),
    "to a domain elsewhere, quoted": ('"any one"@to-elsewhere.example', '"any one"@elsewhere.example'),
}

HOSTILE = {
    "a quote does not end the query": ("x' OR 'a'='a@home.example", None),
    "a statement is a name": ("';DROP TABLE domains_domain;--@home.example", None),
    "a percent sign is no pattern": ("%@home.example", None),
    "an underscore is no pattern": ("_eam@home.example", None),
    "a backslash is no escape": ("\\'@home.example", None),
    "quotes that never end": ('"team@home.example', None),
    "letters beyond ASCII are nobody": ("ålice@home.example", None),
    "letters beyond Latin are nobody": ("アリス@home.example", None),
    "a very long name is nobody": (f"{'a' * 500}@home.example", None),
    "two at signs": ("team@elsewhere.example@home.example", None),
}


def table(cases: Mapping[str, tuple[str, str | None]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("key", "answer"), cases.values(), ids=cases.keys())


@table(FALCOT)
def test_falcot(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@table(EXACT)
def test_an_address_by_its_name(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@table(TIMES)
def test_times(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@table(PATTERN)
def test_a_pattern(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@table(EXTENSION)
def test_an_extension(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@table(ALIAS_DOMAIN)
def test_an_alias_domain(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@table(CATCH_ALL)
def test_a_catch_all_takes(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@table(WHOLE_DOMAIN)
def test_a_domain_to_a_domain(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@table(HOSTILE)
def test_a_hostile_key(maps: Postfix, key: str, answer: str | None) -> None:
    assert maps.ask("virtual_alias_maps", key) == answer


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("contact@falcotsbrand.com", "laure@falcot.org,sophie@falcot.org"),
        ("anyone@all-of-two.example", "first@elsewhere.example,second@elsewhere.example"),
    ],
)
def test_the_order_is_that_of_the_destinations(maps: Postfix, key: str, answer: str) -> None:
    """Not that of the rows in the table, which a change may turn round, and not by the luck of an index."""
    turn_round = "UPDATE mailboxes_aliasdestination SET position = 1000 - position"
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER DATABASE {name} SET enable_indexscan = off")
        cursor.execute(f"ALTER DATABASE {name} SET enable_bitmapscan = off")
        cursor.execute(turn_round)
        turned = maps.ask("virtual_alias_maps", key)
        cursor.execute(turn_round)
        cursor.execute(f"ALTER DATABASE {name} RESET ALL")
    assert turned == ",".join(reversed(answer.split(",")))
    assert maps.ask("virtual_alias_maps", key) == answer


def test_many_keys_in_one_go(maps: Postfix) -> None:
    cases = [*EXACT.values(), *CATCH_ALL.values()]
    answers = maps.ask_many("virtual_alias_maps", [key for key, _answer in cases])
    assert answers == dict(cases)
