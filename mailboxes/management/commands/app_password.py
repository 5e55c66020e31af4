"""App passwords from the shell."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, at_least_one, delete_arguments
from mailboxes.app_passwords import add_app_password, revoke_app_password, what_is_lost
from mailboxes.commands import LONGEST_KEPT, found_at
from mailboxes.models import AppPassword, Mailbox

IMAP, POP, SENDING = FOR = ("imap", "pop", "sending")


class Command(NounCommand):
    help = _("Add, revoke and list app passwords: what mail programs sign in with.")

    def add_verbs(self) -> None:
        add = self.verb("add", _("Add an app password. It is printed once, and nobody can show it again."))
        self._arguments(add)
        add.add_argument("--for", dest="uses", nargs="+", choices=FOR, default=FOR, help=_("What it is for; or all."))
        add.add_argument("--days", type=at_least_one, metavar="N", help=_("It expires after this many days."))

        revoke = self.verb("revoke", _("Revoke an app password: from then on nobody signs in with it."))
        self._arguments(revoke)
        delete_arguments(revoke)

        app_passwords = self.verb("list", _("List the app passwords of a mailbox, without what opens a door."))
        app_passwords.add_argument("address", metavar="ADDRESS")

    def _arguments(self, parser: Any) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        parser.add_argument("name", metavar="NAME", help=_("What uses it."))

    def do_add(self, options: Options) -> None:
        days, uses = options["days"], options["uses"]
        one, text = add_app_password(
            self._mailbox(options),
            options["name"],
            imap=IMAP in uses,
            pop=POP in uses,
            sends=SENDING in uses,
            expires_at=timezone.now() + timedelta(days=min(days, LONGEST_KEPT)) if days else None,
            by=self.by,
        )
        self.done(text, _row(one) | {"app_password": text}, options)

    def do_revoke(self, options: Options) -> None:
        mailbox, name = self._mailbox(options), options["name"].strip()
        words = {"name": name, "mailbox": mailbox}
        one = mailbox.app_passwords.select_related("mailbox__address__domain").filter(name=name).first()
        if one is None:
            raise ValidationError(_("%(mailbox)s has no app password “%(name)s”.") % words)
        self.make_sure(_("Revoke app password %(name)s of %(mailbox)s?") % words, what_is_lost(one), options)
        revoke_app_password(one, by=self.by)
        self.done(_("Revoked app password %(name)s of %(mailbox)s.") % words, {"revoked": name}, options)

    def do_list(self, options: Options) -> None:
        rows = self._mailbox(options).app_passwords.select_related("secret").order_by("name")
        columns = {"name": 25, "for": 20, "used_at": 23, "expires_at": 0}
        self.table((_row(one) for one in rows), columns, options)

    def _mailbox(self, options: Options) -> Mailbox:
        mailboxes = Mailbox.objects.with_address()
        return found_at(mailboxes, options["address"], _("There is no mailbox %(address)s."), self.remark)


def _row(one: AppPassword) -> dict[str, Any]:
    uses = {IMAP: one.imap, POP: one.pop, SENDING: one.sends}
    return {
        "name": one.name,
        "for": [use for use, is_allowed in uses.items() if is_allowed],
        "expires_at": one.expires_at,
        "created_at": one.created_at,
        "used_at": one.used_at,
    }
