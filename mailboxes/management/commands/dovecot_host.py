"""The hosts with Dovecot that have said here that they end sessions, from the shell."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options
from mailboxes.models import SessionCheck
from mailboxes.sessions import forget_host


class Command(NounCommand):
    help = _("Show or forget the hosts with Dovecot that end sessions (end_sessions).")

    def add_verbs(self) -> None:
        self.verb("list", _("List the hosts, with when they last looked."))
        forget = self.verb("forget", _("Forget a host that is gone. If it looks again, it is there again."))
        forget.add_argument("host", metavar="NAME")

    def do_list(self, options: Options) -> None:
        rows = ({"host": check.host, "looked_at": check.looked_at} for check in SessionCheck.objects.all())
        self.table(rows, {"host": 40, "looked_at": 0}, options)

    def do_forget(self, options: Options) -> None:
        host = options["host"]
        check = SessionCheck.objects.filter(host=host).first()
        if check is None:
            raise ValidationError(_("No host %(host)s has ended sessions.") % {"host": host})
        forget_host(check)
        self.done(_("Forgot the Dovecot host %(host)s.") % {"host": host}, {"forgotten": host}, options)
