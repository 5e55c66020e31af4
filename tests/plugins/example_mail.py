"""Domains, mailboxes and aliases to ask a real Postfix about, made through the services."""

from datetime import timedelta

from django.utils import timezone

from accounts.actors import Actor, Door
from domains import services as domains
from domains.models import Domain
from mailboxes import services as mailboxes
from mailboxes.demo import load_falcot
from mailboxes.models import Mailbox
from mailboxes.relay import add_relay_recipients
from mailboxes.senders import permit_senders

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
    this_machine()
    home()
    catch_alls()
    whole_domains()
    inactive_domains()
    local_aliases()
    times()
    patterns()
    own_script()
    relay_domains()
    senders()


def this_machine() -> None:
    for name in ("mx.example.net", "localhost", "old.example.net"):
        add_domain(name, "local")


def home() -> None:
    """Every address by its name, and an alias domain."""
    add_domain("home.example")
    plain = ("alice", "o'brien", "copy", "kept", "a+b", "+plus", "blocked+new")
    for local_part in (*plain, '"john doe"', '"com,ma"', '"back\\\\slash"', '"qu\\"ote"'):
        add_mailbox(f"{local_part}@home.example")
    for local_part in ("blocked", "alice+old", "moved"):
        add_mailbox(f"{local_part}@home.example", active=False)
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
    add_domain("off-alias.example", "alias_domain", target="home.example", active=False)


def catch_alls() -> None:
    """A catch-all beside mailboxes and aliases, and one that is inactive."""
    add_domain("all.example")
    add_mailbox("known@all.example")
    add_mailbox("x+y@all.example")
    add_mailbox("blocked@all.example", active=False)
    add_alias("@all.example", "alice@home.example")
    add_domain("all-of-two.example", "virtual_alias")
    add_alias("@all-of-two.example", "first@elsewhere.example", "second@elsewhere.example")
    add_alias("info@all.example", "known@all.example")
    add_alias("off@all.example", "known@all.example", active=False)
    add_domain("all-alias.example", "alias_domain", target="all.example")
    add_domain("sleeping.example", "virtual_alias")
    add_alias("@sleeping.example", "alice@home.example", active=False)
    add_alias("awake@sleeping.example", "alice@home.example")


def whole_domains() -> None:
    """`@a -> @b`, over one and two steps, and to everywhere else."""
    leads_to = {
        "brand.example": "@home.example",
        "chain.example": "@brand.example",
        "brand-of-alias.example": "@alias.example",
        "to-all.example": "@all.example",
        "to-one.example": "anything@all.example",
        "chain-to-one.example": "@to-one.example",
        "to-elsewhere.example": "@elsewhere.example",
    }
    for domain, destination in leads_to.items():
        add_domain(domain, "virtual_alias")
        add_alias(f"@{domain}", destination)
    add_alias("sales@brand.example", "alice@home.example")


def inactive_domains() -> None:
    """An inactive domain, and what answers for it or leads to it."""
    closed = add_domain("closed.example")
    add_mailbox("someone@closed.example")
    add_alias("info@closed.example", "alice@home.example")
    add_domain("closed-alias.example", "alias_domain", target="closed.example")
    for target in ("closed.example", "closed-alias.example"):
        add_domain(f"to-{target}", "virtual_alias")
        add_alias(f"@to-{target}", f"@{target}")
    domains.change_domain(closed, active=False, by=TESTER)


def local_aliases() -> None:
    add_alias("root@mx.example.net", "alice@home.example")
    add_alias("staff@mx.example.net", "alice@home.example", "root@mx.example.net")
    add_alias("quiet@mx.example.net", "alice@home.example", active=False)
    add_alias("ghost@old.example.net", "alice@home.example")
    domains.change_domain(Domain.objects.get(name="old.example.net"), active=False, by=TESTER)


def times() -> None:
    """What was, is and will be; mailboxes that take no mail for another reason than being inactive."""
    domain, now, day = add_domain("times.example"), timezone.now(), timedelta(days=1)
    add_mailbox("ann@times.example")
    times = {"past": (None, now - day), "future": (now + day, None), "now": (now - day, now + day)}
    for local_part, (starts_at, ends_at) in times.items():
        mailboxes.add_alias(domain, local_part, ["ann@times.example"], starts_at=starts_at, ends_at=ends_at, by=TESTER)
    mailboxes.add_mailbox(domain, "expired", expires_at=now - day, by=TESTER)
    mailboxes.add_mailbox(domain, "later", expires_at=now + day, by=TESTER)
    mailboxes.add_mailbox(domain, "deaf", receives=False, by=TESTER)
    add_alias("@times.example", "ann@times.example")


def suspended_domains() -> None:
    """Domains whose mail waits, one of each class, and those beside them whose mail does not."""
    for name in ("waiting.example", "sub.waiting.example", "open.example", "wörtlich.example", "closed-too.example"):
        add_domain(name)
    add_mailbox("ann@waiting.example")
    add_mailbox("a+b@waiting.example")
    add_mailbox("ann@sub.waiting.example")
    add_mailbox("ann@open.example")
    add_mailbox("ann@xn--wrtlich-90a.example")
    add_alias("to-waiting@open.example", "ann@waiting.example")
    add_domain("waiting-alias.example", "alias_domain", target="waiting.example")
    add_domain("late-alias.example", "alias_domain", target="open.example")
    add_domain("brand-waits.example", "virtual_alias")
    add_alias("@brand-waits.example", "ann@open.example")
    relay = add_domain("relay-waits.example", "relay")
    add_relay_recipients(relay, ["ann"], by=TESTER)
    add_domain("local-waits.example", "local")
    waiting = ("waiting", "late-alias", "brand-waits", "relay-waits", "local-waits", "closed-too", "xn--wrtlich-90a")
    for name in waiting:
        domains.change_domain(Domain.objects.get(name=f"{name}.example"), suspended=True, by=TESTER)
    domains.change_domain(Domain.objects.get(name="closed-too.example"), active=False, by=TESTER)


def patterns() -> None:
    """Aliases for all that begins alike, one within another, beside a catch-all."""
    add_domain("pattern.example")
    for local_part in ("ann", "sales-ann"):
        add_mailbox(f"{local_part}@pattern.example")
    add_alias("sales-*@pattern.example", "first@elsewhere.example")
    add_alias("sales-asia-*@pattern.example", "second@elsewhere.example")
    add_alias("off-*@pattern.example", "third@elsewhere.example", active=False)
    add_alias("@pattern.example", "rest@elsewhere.example")


def own_script() -> None:
    """A domain that has a U-label, with an address of each kind."""
    add_domain("bücher.example")
    add_mailbox("jean@xn--bcher-kva.example")
    add_alias("info@xn--bcher-kva.example", "jean@xn--bcher-kva.example")


def relay_domains() -> None:
    """Another server's mail: recipients that are listed, aliases beside them, and domains that take anybody."""
    relay = add_domain("relay.example", "relay")
    add_relay_recipients(relay, ["ann", "a+b", '"j d"', "x+y"], by=TESTER)
    add_alias("x@relay.example", "alice@home.example")
    add_alias("info@relay.example", "ann@relay.example")
    add_alias("off@relay.example", "ann@relay.example", active=False)
    add_alias("to-relay@home.example", "ann@relay.example", "ann+x@relay.example")
    caught = add_domain("relay-all.example", "relay")
    add_relay_recipients(caught, ["ann", "c+d"], by=TESTER)
    add_alias("@relay-all.example", "alice@home.example")
    anybody = add_domain("relay-any.example", "relay")
    domains.change_domain(anybody, any_recipient=True, by=TESTER)
    add_alias("moved@relay-any.example", "alice@home.example")
    for name in ("relay.example", "relay-any.example"):
        add_domain(f"to-{name}", "virtual_alias")
        add_alias(f"@to-{name}", f"@{name}")
    closed = add_domain("relay-closed.example", "relay")
    add_relay_recipients(closed, ["ann"], by=TESTER)
    domains.change_domain(closed, active=False, by=TESTER)


def senders() -> None:
    """Who may send as whom: copies, hops, permissions by name, mailboxes that do not send."""
    domain, now, day = add_domain("desk.example"), timezone.now(), timedelta(days=1)
    ann, bob = (add_mailbox(f"{name}@desk.example") for name in ("ann", "bob"))
    mailboxes.add_mailbox(domain, "mute", sends=False, by=TESTER)
    mailboxes.add_mailbox(domain, "deaf", receives=False, by=TESTER)
    mailboxes.add_mailbox(domain, "gone", expires_at=now - day, by=TESTER)
    for local_part in ("closed", "ann+old", "ceo"):
        add_mailbox(f"{local_part}@desk.example", active=False)
    add_mailbox('"com,ma"@desk.example')
    add_domain("desk-alias.example", "alias_domain", target="desk.example")
    add_alias("both@desk.example", "ann@desk.example", "bob@desk.example")
    add_alias("hops@desk.example", "both@desk.example", "someone@elsewhere.example")
    add_alias("deaf-too@desk.example", "deaf@desk.example")
    add_alias("away@desk.example", "someone@elsewhere.example")
    add_alias("bob+away@desk.example", "someone@elsewhere.example")
    add_alias("off@desk.example", "ann@desk.example", active=False)
    add_alias("silent@desk.example", "mute@desk.example", "gone@desk.example", "closed@desk.example")
    add_alias("sales-*@desk.example", "bob@desk.example")
    add_alias("desk@mx.example.net", "ann@desk.example")
    permit_senders(ann, ["noreply@desk.example", "@brand.desk.example", "ceo@desk.example"], by=TESTER)
    permit_senders(bob, ["noreply@desk.example", "press@elsewhere.example"], by=TESTER)
    permit_senders(
        Mailbox.objects.get(address__domain=domain, address__local_part="mute"), ["noreply@desk.example"], by=TESTER
    )
    add_domain("all.desk.example")
    add_alias("@all.desk.example", "bob@desk.example")
