"""Domains, mailboxes and aliases to ask a real Postfix about, made through the services."""

from accounts.actors import Actor, Door
from domains import services as domains
from domains.models import Domain
from mailboxes import services as mailboxes
from mailboxes.demo import load_falcot
from mailboxes.models import Mailbox

TESTER = Actor(door=Door.COMMAND, name="tester", host="mx.example.net")


def add_domain(name: str, address_class: str = "virtual_mailbox", *, target: str = "", active: bool = True) -> Domain:
    its_target = Domain.objects.get(name=target) if target else None
    return domains.add_domain(name, address_class=address_class, target=its_target, active=active, by=TESTER)


def add_mailbox(address: str, *, mail_format: str = "maildir", active: bool = True) -> Mailbox:
    local_part, domain = taken_apart(address)
    return mailboxes.add_mailbox(domain, local_part, mail_format=mail_format, active=active, by=TESTER)


def add_alias(address: str, *destinations: str, active: bool = True) -> None:
    local_part, domain = taken_apart(address)
    mailboxes.add_alias(domain, local_part, list(destinations), active=active, by=TESTER)


def taken_apart(address: str) -> tuple[str, Domain]:
    local_part, _at, name = address.rpartition("@")
    return local_part, Domain.objects.get(name=name)


def falcot() -> None:
    """The company of the Debian Administrator's Handbook: two brands, one staff."""
    load_falcot(by=TESTER)


def village() -> None:
    """One address for each thing that can be said about an address."""
    # the machine's own names; their aliases come last, because they lead elsewhere
    add_domain("mx.example.net", "local")
    add_domain("localhost", "local")

    # home.example: every address by its name, no catch-all
    add_domain("home.example")
    for local_part in (
        "alice",
        "a+b",
        '"john doe"',
        "o'brien",
        '"com,ma"',
        '"back\\\\slash"',
        '"qu\\"ote"',
        "copy",
        "+plus",
    ):
        add_mailbox(f"{local_part}@home.example")
    add_mailbox("blocked@home.example", active=False)
    add_mailbox("alice+old@home.example", active=False)
    add_mailbox("blocked+new@home.example")
    add_mailbox("moved@home.example", active=False)
    add_mailbox("kept@home.example")
    add_alias("copy@home.example", "alice@home.example", "friend@elsewhere.example")
    add_alias("moved@home.example", "alice@home.example")
    add_alias("kept@home.example", "alice@home.example", active=False)
    add_alias("team@home.example", "alice@home.example", "o'brien@home.example", '"john doe"@home.example')
    add_alias("retired@home.example", "alice@home.example", active=False)
    add_alias("list@home.example", "alice+list@home.example")
    add_alias("host@home.example", "operator@mx.example.net")
    add_alias("away@home.example", "Someone.Else@elsewhere.example")
    add_alias('"two words"@home.example', "alice@home.example")
    add_domain("alias.example", "alias_domain", target="home.example")

    # all.example: a catch-all beside mailboxes and aliases
    add_domain("all.example")
    add_mailbox("known@all.example")
    add_mailbox("x+y@all.example")
    add_mailbox("blocked@all.example", active=False)
    add_alias("@all.example", "alice@home.example")
    add_alias("info@all.example", "known@all.example")
    add_alias("off@all.example", "known@all.example", active=False)
    add_domain("all-alias.example", "alias_domain", target="all.example")

    # brand.example: every address of another domain, and one of its own; sleeping.example: a catch-all that is inactive
    add_domain("brand.example", "virtual_alias")
    add_alias("@brand.example", "@home.example")
    add_alias("sales@brand.example", "alice@home.example")
    add_domain("brand-of-alias.example", "virtual_alias")
    add_alias("@brand-of-alias.example", "@alias.example")
    add_domain("to-all.example", "virtual_alias")
    add_alias("@to-all.example", "@all.example")
    add_domain("chain.example", "virtual_alias")
    add_alias("@chain.example", "@brand.example")
    add_domain("to-one.example", "virtual_alias")
    add_alias("@to-one.example", "anything@all.example")
    add_domain("chain-to-one.example", "virtual_alias")
    add_alias("@chain-to-one.example", "@to-one.example")
    add_domain("sleeping.example", "virtual_alias")
    add_alias("@sleeping.example", "alice@home.example", active=False)
    add_alias("awake@sleeping.example", "alice@home.example")
    add_domain("to-elsewhere.example", "virtual_alias")
    add_alias("@to-elsewhere.example", "@elsewhere.example")

    # closed.example is inactive, and so is what answers for it
    add_domain("closed.example")
    add_mailbox("someone@closed.example")
    add_alias("info@closed.example", "alice@home.example")
    add_domain("closed-alias.example", "alias_domain", target="closed.example")
    add_domain("to-closed.example", "virtual_alias")
    add_alias("@to-closed.example", "@closed.example")
    add_domain("to-closed-alias.example", "virtual_alias")
    add_alias("@to-closed-alias.example", "@closed-alias.example")
    domains.change_domain(Domain.objects.get(name="closed.example"), active=False, by=TESTER)
    add_domain("off-alias.example", "alias_domain", target="home.example", active=False)

    add_alias("root@mx.example.net", "alice@home.example")
    add_alias("staff@mx.example.net", "alice@home.example", "root@mx.example.net")
    add_alias("quiet@mx.example.net", "alice@home.example", active=False)
