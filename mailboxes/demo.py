"""Falcot's mail, the example of the administrator's handbook: what `--demo` loads and what the tests deliver to."""

from datetime import timedelta

from django.utils import timezone

from accounts.actors import Actor
from accounts.history import recorded
from domains.models import AddressClass, Domain
from domains.services import add_domain
from mailboxes.models import Mailbox, SignIn
from mailboxes.out_of_office import set_out_of_office
from mailboxes.services import add_alias, add_mailbox

GIB = 2**30  # bytes


def load_falcot(*, password: str | None = None, by: Actor) -> bool:
    """Loads Falcot's domains, mailboxes and aliases in one change set. False if they are there already."""
    if Domain.objects.filter(name="falcot.org").exists():
        return False
    with recorded("load", "demo", "Falcot", by=by):
        falcot_org = add_domain("falcot.org", description="Falcot Corp", by=by)
        add_domain("falcot.com", address_class=AddressClass.ALIAS_DOMAIN, target=falcot_org, by=by)
        brand = add_domain(
            "falcotsbrand.com", address_class=AddressClass.VIRTUAL_ALIAS, description="The brand", max_aliases=50, by=by
        )
        jean, laure, _sophie = _add_mailboxes(falcot_org, password, by)
        away = "I am away for two weeks. For orders, please write to contact@falcotsbrand.com."
        set_out_of_office(laure, text=away, ends_at=timezone.now() + timedelta(days=14), by=by)
        for service, remote_ip in (("pop3", "198.51.100.7"), ("imap", "203.0.113.9")):
            SignIn.objects.create(mailbox=jean, username=str(jean), service=service, remote_ip=remote_ip)
        add_alias(brand, "webmaster", ["jean@falcot.com"], by=by)
        add_alias(brand, "contact", ["laure@falcot.com", "sophie@falcot.com"], comment="The contact desk", by=by)
        add_alias(brand, "", ["@falcot.com"], comment="Everybody has an address of the brand", by=by)
    return True


def _add_mailboxes(domain: Domain, password: str | None, by: Actor) -> list[Mailbox]:
    return [
        add_mailbox(domain, "jean", name="Jean Falcot", password=password, quota_bytes=10 * GIB, by=by),
        add_mailbox(domain, "laure", name="Laure Petit", password=password, quota_bytes=10 * GIB, by=by),
        add_mailbox(
            domain, "sophie", name="Sophie Durand", password=password, mail_format="mbox", quota_bytes=5 * GIB, by=by
        ),
    ]
