"""What `--demo` loads of restrictions: the recommended lists, and one of each thing that hangs on them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.actors import Actor
from accounts.history import recorded
from domains.models import Domain
from lookup_tables import demo
from mailboxes.models import Address
from mailboxes.services import add_alias
from restrictions.access_services import add_rule, add_table, allow_actions, choose_class, protect_alias
from restrictions.services import add_class, add_restriction, load_recommended

FORTNIGHT = timedelta(days=14)


def load_demo(*, by: Actor) -> bool:
    """All of Falcot in one change set. False if it is there already."""
    with recorded("load", "demo", "Falcot", by=by):
        if not demo.load_demo(by=by):
            return False
        falcot = Domain.objects.get(name="falcot.org")
        permissive = add_class("permissive", [{"name": "permit"}], comment="Whoever writes to postmaster", by=by)
        strict: list[dict[str, Any]] = [
            {"name": "reject_unknown_reverse_client_hostname"},
            {"name": "reject_rbl_client", "argument": "zen.spamhaus.org=127.0.0.[2..11]", "active": False},
        ]
        add_class("aggressive", strict, comment="For those who prefer to lose a message", by=by)
        partners = add_table("partners", "client", comment="Who works with us", by=by)
        load_recommended(by=by)
        add_restriction("client", "check_client_access", argument=partners.name, position=3, by=by)
        add_restriction("sender", "check_sender_access", position=3, comment="Whom we know", by=by)
        add_restriction("recipient", "check_recipient_access", comment="Classes by recipient", by=by)
        add_rule("client", "192.0.2.0/28", "OK", table=partners, comment="The printing house", by=by)
        add_rule("sender", "spam.example", "REJECT", code="550", text="5.7.1 Not here", by=by)
        until = timezone.now() + FORTNIGHT
        add_rule("sender", "newsletter.example", "HOLD", ends_at=until, comment="Until their list is in order", by=by)
        add_rule("recipient", "postmaster@", "CLASS", of_class=permissive, by=by)
        allow_actions(["REJECT", "DEFER"], by=by)
        add_rule("sender", "pushy.example", "REJECT", domain=falcot, comment="Asked for by sales", by=by)
        choose_class(Address.objects.get(domain=falcot, local_part="sophie"), "aggressive", by=by)
        people = [f"{name}@falcot.org" for name in ("jean", "laure", "sophie")]
        staff = add_alias(falcot, "staff", people, comment="All of us", by=by)
        protect_alias(staff, "members", ["boss@partner.example"], by=by)
    return True
