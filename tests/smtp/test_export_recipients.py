"""export_recipients: what a secondary server would take is what this one takes."""

import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from domains.models import Domain
from mailservers.lookup import look_up
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


def test_a_pattern_is_told(mail: Postfix) -> None:
    err = StringIO()
    call_command("export_recipients", domain="pattern.example", stdout=StringIO(), stderr=err)
    assert "sales-*@pattern.example cannot stand in a list" in err.getvalue()
