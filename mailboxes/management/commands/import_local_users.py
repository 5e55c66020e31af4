"""The users of the mail host: root runs this there, at first and after each change of /etc/passwd (or nightly)."""

import argparse
import pwd
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.commands import PanelCommand, as_json
from mailboxes.local_users import difference_to, import_local_users
from mailboxes.models import LocalUser

FIRST_OF_PEOPLE = 1000  # UID_MIN of login.defs(5)
NOBODY = 65534
ALWAYS = ("root",)


class Command(PanelCommand):
    help = _(
        "Take over the users of the mail host, so that smtpd refuses unknown ones in local domains. Run it on the mail "
        "host; without --file it reads what the system itself knows (getent passwd)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", metavar="FILE", help=_("A file like /etc/passwd; - for standard input."))
        parser.add_argument(
            "--min-uid",
            type=_uid,
            default=FIRST_OF_PEOPLE,
            metavar="N",
            help=_("Users with this user id or a higher one."),
        )
        parser.add_argument(
            "--also", action="append", default=[], metavar="NAME", help=_("This user too; root always is one.")
        )
        parser.add_argument("--dry-run", action="store_true", help=_("Only say what would change."))
        parser.add_argument("--json", action="store_true", help=_("Print JSON, with stable keys."))

    def handle(self, *args: Any, **options: Any) -> None:
        everybody = dict(_read(options["file"]))
        missing = sorted(set(options["also"]) - set(everybody))
        if missing:
            raise CommandError(_("There is no user %(names)s. Nothing was changed.") % {"names": ", ".join(missing)})
        users = {
            name: uid
            for name, uid in everybody.items()
            if (uid >= options["min_uid"] and uid != NOBODY) or name in (*ALWAYS, *options["also"])
        }
        was_empty = not LocalUser.objects.exists()
        try:
            found = difference_to(users) if options["dry_run"] else import_local_users(users, by=Actor.from_command())
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        if options["json"]:
            self.stdout.write(as_json(vars(found) | {"total": len(users) - len(found.skipped)}))
            return
        for sign, names in (("+", found.added), ("~", found.changed), ("-", found.removed)):
            for name in names:
                self.stdout.write(f"{sign} {name}")
        for name in found.skipped:
            self.stderr.write(_("%(name)s is left out: Postfix could not ask for this name.") % {"name": name})
        words = {"added": len(found.added), "changed": len(found.changed), "removed": len(found.removed)}
        self.stdout.write(_("Added %(added)d, changed %(changed)d, removed %(removed)d local users.") % words)
        if was_empty and not options["dry_run"]:
            sentence = _(
                "Write the configuration again on the mail host (postfix_config): main.cf does not know of this yet."
            )
            self.stderr.write(sentence, style_func=str)


def _read(path: str | None) -> list[tuple[str, int]]:
    if path is None:
        return [(entry.pw_name, entry.pw_uid) for entry in pwd.getpwall()]
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(errors="surrogateescape")
    except OSError as error:
        raise CommandError(
            _("%(file)s cannot be read: %(reason)s.") % {"file": path, "reason": error.strerror}
        ) from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split(":")
        if not line.strip() or line.startswith("#"):
            continue
        if len(fields) != 7 or not (fields[2].isascii() and fields[2].isdigit() and len(fields[2]) < 11):
            sentence = _("Line %(number)d of %(file)s is not like passwd(5): name:x:uid:gid:name:home:shell.")
            raise CommandError(sentence % {"number": number, "file": path})
        found.append((fields[0], int(fields[2])))
    return found


def _uid(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 11):
        raise argparse.ArgumentTypeError(_("A user id is a number, 0 or more."))
    return int(text)
