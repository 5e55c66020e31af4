"""What `--demo` adds to Falcot's mail: it came from a PostfixAdmin once, with the vacation message of a mailbox that
was gone by then, and its log."""

from datetime import UTC, datetime, timedelta

from accounts.actors import Actor
from mailboxes.mailing_demo import load_broadcast
from restrictions import demo
from takeover.kept import ToKeep, keep_rows
from takeover.kept_models import ForeignLogEntry, KeptRow, Takeover

SOURCE = "postgresql://postfixadmin@old.falcot.org/postfixadmin"
DAY = datetime(2026, 1, 12, 9, 30, tzinfo=UTC)
LOG = [
    ("create_domain", "falcot.org", "falcot.org"),
    ("create_mailbox", "falcot.org", "jean@falcot.org"),
    ("create_mailbox", "falcot.org", "laure@falcot.org"),
    ("create_alias", "falcotsbrand.com", "contact@falcotsbrand.com -> laure@falcot.org,sophie@falcot.org"),
    ("edit_password", "falcot.org", "sophie@falcot.org"),
]


def load_demo(*, by: Actor) -> bool:
    """Everything that the demonstration has. False if it is there already."""
    if not demo.load_demo(by=by):
        return False
    load_broadcast(by=by)
    kept = keep_rows(SOURCE, _kept())
    lines = [
        ForeignLogEntry(
            source=SOURCE,
            key=str(number),
            at=DAY + timedelta(hours=number),
            who="admin@falcot.org",
            ip="192.0.2.10",
            domain_name=domain,
            action=action,
            what=what,
        )
        for number, (action, domain, what) in enumerate(LOG)
    ]
    ForeignLogEntry.objects.bulk_create(lines, ignore_conflicts=True)
    new = {"domains": 3, "mailboxes": 3, "aliases": 3, **kept, "log": len(lines)}
    Takeover.objects.create(
        source=SOURCE,
        who=by.label,
        host=by.host,
        counts={kind: {"new": number, "there": 0, "left_out": 0} for kind, number in new.items()},
        remarks=[{"code": "unsalted", "thing": "sophie@falcot.org"}],
    )
    return True


def _kept() -> list[ToKeep]:
    Kind = KeptRow.Kind
    vacation = {
        "subject": "On holiday",
        "body": "Hello,\n\nI am away and read my mail again on Monday.\n\nRoland",
        "activefrom": "2026-08-01T00:00:00+00:00",
        "activeuntil": "2026-08-16T00:00:00+00:00",
        "active": False,
    }
    fetchmail = {
        "mailbox": "jean@falcot.org",
        "src_server": "pop.elsewhere.example",
        "src_user": "jean.falcot",
        "protocol": "POP3",
        "usessl": True,
        "active": True,
    }
    return [
        ToKeep(Kind.VACATION, "roland@falcot.org", vacation, about="roland@falcot.org"),
        ToKeep(Kind.FETCHMAIL, "1", fetchmail, "no secret at all", about="jean@falcot.org"),
        ToKeep(Kind.TOTP, "mailbox sophie@falcot.org", {}, "JBSWY3DPEHPK3PXP", about="sophie@falcot.org"),
    ]
