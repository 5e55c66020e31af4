"""What is refused at saving as a loop, a real Postfix does not deliver; what is saved, it takes."""

import pytest
from django.core.exceptions import ValidationError

from mailboxes.models import Address, Alias, AliasDestination
from mailboxes.services import change_alias
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox, taken_apart
from tests.plugins.mail_stack import OUTSIDE, Postfix, decoded, eventually

TOO_DEEP = "4.6.0 Alias expansion error"
# The address that is asked for, the aliases of which the last closes the loop, and what Postfix says.
LOOPS = {
    "plain": (
        "a@1.example",
        ["a@1.example c@5.example", "b@1.example a@1.example", "a@1.example b@1.example"],
        TOO_DEEP,
    ),
    "extension": ("ann+x@2.example", ["sales@2.example ann@2.example", "ann+x@2.example sales+x@2.example"], TOO_DEEP),
    "alias domain": (
        "sales+x@3.example",
        ["sales@3.example ann@also.3.example", "ann+x@3.example sales+x@3.example"],
        TOO_DEEP,
    ),
    "growing": (
        "a@4.example",
        ["a@4.example c@5.example", "b@4.example a@4.example", "a@4.example b+x@4.example"],
        TOO_DEEP,
    ),
    "whole domain": (
        "sales+x@5.example",
        ["@all.5.example c@5.example", "sales@5.example news@all.5.example", "news+x@5.example sales+x@5.example"],
        TOO_DEEP,
    ),
    "local": ("box@here.example", ["box@here.example box@there.example"], 'unknown user: "box"'),
    "over local": (
        "a@6.example",
        ["a@6.example c@5.example", "crate@here.example a@6.example", "a@6.example crate+x@there.example"],
        "mail forwarding loop for crate+x@there.example",
    ),
}
SAVED = {
    "sales+x@7.example": ["sales@7.example ann@7.example", "ann+y@7.example sales+x@7.example"],
    "sales+y@7.example": [],  # ann+y, sales+x, ann+x
    "ann+x@8.example": ["ann@8.example bob@8.example", "bob+x@8.example ann+x@8.example"],  # the copy ends it
    "chest@here.example": ["chest@here.example sales@7.example"],
}


@pytest.fixture(scope="module")
def domains(postfix: Postfix, committed: None) -> Postfix:
    for number in range(1, 9):
        add_domain(f"{number}.example")
    add_domain("also.3.example", "alias_domain", target="3.example")
    add_domain("all.5.example", "virtual_alias")
    for name in ("here.example", "there.example"):
        add_domain(name, "local")
    for address in ("ann@2.example", "ann@3.example", "c@5.example", "ann@7.example", "ann@8.example", "bob@8.example"):
        add_mailbox(address)
    postfix.configure()
    return postfix


def save(address: str, destination: str) -> None:
    local_part, domain = taken_apart(address)
    alias = Alias.objects.filter(address__domain=domain, address__local_part=local_part).first()
    if alias:
        change_alias(alias, destinations=[destination], by=TESTER)
    else:
        add_alias(address, destination)


def lay(address: str, destination: str) -> None:
    """As bulk work leaves it: nobody looks at where it leads."""
    local_part, domain = taken_apart(address)
    where, _is_new = Address.objects.get_or_create(domain=domain, local_part=local_part)
    alias, _is_new = Alias.objects.get_or_create(address=where)
    AliasDestination.objects.filter(alias=alias).delete()
    AliasDestination.objects.create(alias=alias, position=0, text=destination)


def reply_to_a_message(postfix: Postfix, recipient: str) -> tuple[int, str]:
    with postfix.session(OUTSIDE) as smtp:
        smtp.docmd("MAIL FROM:<someone@example.net>")
        assert smtp.docmd(f"RCPT TO:<{recipient}>")[0] == 250
        return decoded(smtp.data("Subject: Hello\r\n\r\nHello\r\n"))


@pytest.mark.parametrize("name", LOOPS)
def test_what_is_refused_never_arrives(domains: Postfix, name: str) -> None:
    asked, aliases, says = LOOPS[name]
    *before, last = (line.split() for line in aliases)
    for address, destination in before:
        save(address, destination)
    if name == "whole domain":
        save("@all.5.example", "@5.example")
    with pytest.raises(ValidationError, match="This would be a loop"):
        save(*last)
    lay(*last)
    if says == TOO_DEEP:
        assert reply_to_a_message(domains, asked) == (451, TOO_DEEP)
    else:
        domains.send(asked)
        assert eventually(lambda: says in domains.log(), says)


@pytest.mark.parametrize("address", SAVED)
def test_what_is_saved_is_taken(domains: Postfix, address: str) -> None:
    for line in SAVED[address]:
        save(*line.split())
    assert reply_to_a_message(domains, address)[0] == 250
