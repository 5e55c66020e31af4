"""Recovery addresses from the shell."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, delete_arguments, list_arguments, stream
from mailboxes.commands import found_at, listed
from mailboxes.models import Mailbox, RecoveryAddress
from mailboxes.recovery import delete_recovery_address, what_is_lost


class Command(NounCommand):
    help = _("Show, delete and list where owners get a link for a new password. Only an owner names such an address.")

    def add_verbs(self) -> None:
        delete = self.verb("delete", _("Delete the recovery address of a mailbox, if somebody else put it there."))
        delete.add_argument("address", metavar="ADDRESS")
        delete_arguments(delete)

        self.verb("show", _("Show the recovery address of a mailbox.")).add_argument("address", metavar="ADDRESS")

        recoveries = self.verb("list", _("List recovery addresses."))
        recoveries.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))
        list_arguments(recoveries, after="ADDRESS", search=_("Addresses that begin like this."))

    def do_delete(self, options: Options) -> None:
        recovery = self._found(options)
        words = {"recovery": recovery, "mailbox": recovery.mailbox}
        question = _("Delete the recovery address %(recovery)s of %(mailbox)s?") % words
        self.make_sure(question, what_is_lost(), options)
        delete_recovery_address(recovery, by=self.by)
        sentence = _("Deleted the recovery address of %(mailbox)s.") % words
        self.done(sentence, {"deleted": str(recovery.mailbox)}, options)

    def do_show(self, options: Options) -> None:
        self.card(_row(self._found(options)), options)

    def do_list(self, options: Options) -> None:
        rows = listed(_recoveries(), options, of="mailbox__address")
        found = (_row(recovery) for recovery in stream(rows, options["limit"]))
        self.table(found, {"mailbox": 30, "address": 30, "confirmed_at": 0}, options)

    def _found(self, options: Options) -> RecoveryAddress:
        mailboxes = Mailbox.objects.with_address()
        mailbox = found_at(mailboxes, options["address"], _("There is no mailbox %(address)s."), self.remark)
        recovery = _recoveries().filter(mailbox=mailbox).first()
        if recovery is None:
            raise ValidationError(_("%(mailbox)s has no recovery address.") % {"mailbox": mailbox})
        return recovery


def _recoveries() -> QuerySet[RecoveryAddress]:
    return RecoveryAddress.objects.select_related("mailbox__address__domain")


def _row(recovery: RecoveryAddress) -> dict[str, Any]:
    return {
        "mailbox": str(recovery.mailbox),
        "address": recovery.address,
        "created_at": recovery.created_at,
        "confirmed_at": recovery.confirmed_at,
    }
