"""export_recipients: what a secondary server would take is what this one takes."""

import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from domains.models import Domain
from lookup_tables.models import Relocated, Transport
from lookup_tables.services import add_entry
from mailservers.lookup import look_up
from tests.plugins.example_mail import TESTER, add_alias, add_domain, add_mailbox
from tests.plugins.mail_stack import Postfix

PATTERNED = ("pattern.example",)  # a list of addresses cannot say sales-*
CAUGHT = {"blocked", "off", "expired", "deaf", "past", "future", "retired"}  # refused here, but the catch-all hides it


def exported(**options: str) -> list[str]:
    out = StringIO()
    call_command("export_recipients", stdout=out, stderr=StringIO(), **options)
    return out.getvalue().splitlines()


def test_it_says_what_smtpd_says(mail: Postfix) -> None:
    """Every line is taken here; every address of ours that is taken here is found in the list by Postfix."""
    lines = exported()
    assert len(lines) == len(set(lines))
    path = mail.conf / "recipients"
    path.write_text("".join(f"{line}\n" for line in lines))
    os.utime(path, (0, 0))
    whole = {line.removesuffix(" OK")[1:] for line in lines if line.startswith("@")}
    for line in lines:
        address = line.removesuffix(" OK")
        assert look_up(f"whoever{address}" if address.startswith("@") else address).code == 250, line
    for domain in Domain.objects.exclude(address_class="local").exclude(name__in=PATTERNED):
        for name in (
            "alice",
            '"john doe"',
            "a+b",
            "copy",
            "ann",
            "known",
            "info",
            "blocked",
            "whoever",
            '"j d"',
            "off",
        ):
            address = f"{name}@{domain.name}"
            found = mail.postmap("-q", address, f"texthash:{path}").returncode == 0 or domain.name in whole
            if not (name in CAUGHT and domain.name in whole):
                assert found == (look_up(address).code == 250), address


def test_of_one_domain(mail: Postfix) -> None:
    assert sorted(exported(domain="relay.example")) == sorted(
        ["ann@relay.example OK", "a+b@relay.example OK", '"j d"@relay.example OK', "x+y@relay.example OK"]
        + ["x@relay.example OK", "info@relay.example OK"]
    )
    assert exported(domain="relay-any.example") == ["@relay-any.example OK", "moved@relay-any.example OK"]
    assert exported(domain="closed.example") == []
    with pytest.raises(CommandError, match=r"no domain elsewhere\.example"):
        exported(domain="elsewhere.example")


@pytest.mark.parametrize("name", ["pattern.example", "brand-of-pattern.example", "whole-pattern.example"])
def test_a_pattern_is_told(mail: Postfix, name: str) -> None:
    if name.startswith("brand"):
        add_domain(name, "alias_domain", target="pattern.example")
    if name.startswith("whole"):
        add_domain(name)
        add_alias(f"@{name}", "@pattern.example")
    err = StringIO()
    call_command("export_recipients", domain=name, stdout=StringIO(), stderr=err)
    assert f"sales-*@{name} cannot stand in a list" in err.getvalue()
    assert f"off-*@{name}" not in err.getvalue()


def test_who_has_moved_and_what_a_transport_refuses(mail: Postfix) -> None:
    """What smtpd refuses here would come back from the secondary server."""
    add_domain("moving.example")
    for name in ("stays", "moves", "closed", "later", "x+y"):
        add_mailbox(f"{name}@moving.example")
    add_alias("forwards@moving.example", "someone@elsewhere.example")
    add_entry(Relocated, "moves@moving.example", "elsewhere", by=TESTER)
    add_entry(Relocated, "forwards@moving.example", "elsewhere", by=TESTER)
    add_entry(Relocated, "x@moving.example", "elsewhere", by=TESTER)
    add_entry(Relocated, "stays@moving.example", "elsewhere", active=False, by=TESTER)
    add_entry(Transport, "closed@moving.example", "error:5.7.1 Closed", by=TESTER)
    add_entry(Transport, "later@moving.example", "retry:4.7.1 Later", by=TESTER)
    mail.configure()
    names = ["stays", "moves", "closed", "later", "x+y", "forwards"]
    # An alias is taken before anybody asks who has moved, and so is a name that holds the delimiter.
    codes = {name: mail.rcpt(f"{name}@moving.example").code for name in names}
    assert codes == {"stays": 250, "moves": 550, "closed": 550, "later": 450, "x+y": 250, "forwards": 250}
    lines = exported(domain="moving.example")
    assert sorted(lines) == [f"{name}@moving.example OK" for name in sorted(codes) if codes[name] != 550]
    add_entry(Transport, "moving.example", "error:5.7.1 All closed", by=TESTER)
    assert sorted(exported(domain="moving.example")) == [
        "forwards@moving.example OK",
        "later@moving.example OK",
        "x+y@moving.example OK",
    ]
