"""Out-of-office answers from the shell."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, active_arguments, given, list_arguments, stream, version_argument
from mailboxes.commands import found_at, given_times, listed, time
from mailboxes.models import Mailbox, OutOfOffice
from mailboxes.out_of_office import delete_out_of_office, set_out_of_office


class Command(NounCommand):
    help = _("Show, set, delete and list what mailboxes answer while their owners are away.")

    def add_verbs(self) -> None:
        change = self.verb("set", _("Set the answer of a mailbox, or change a part of it."))
        self._address_argument(change)
        change.add_argument("--text", help=_("What is answered; $'one line\\nanother' in most shells."))
        change.add_argument("--subject", help=_("Empty: “Auto:” and the subject of the message that is answered."))
        change.add_argument(
            "--starts", dest="starts_at", type=time, metavar="WHEN", help=_("2027-01-31, “2027-01-31 18:00”, or now.")
        )
        change.add_argument(
            "--ends", dest="ends_at", type=time, metavar="WHEN", help=_("2027-01-31, “2027-01-31 18:00”, or never.")
        )
        change.add_argument(
            "--days", type=int, metavar="N", help=_("So many days a sender gets no second answer: 1 to 30.")
        )
        active_arguments(change)
        version_argument(change)

        self._address_argument(self.verb("delete", _("Delete the answer of a mailbox with its text.")))
        self._address_argument(self.verb("show", _("Show the answer of a mailbox.")))

        answers = self.verb("list", _("List out-of-office answers."))
        answers.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))
        list_arguments(answers, after="ADDRESS", search=_("Addresses that begin like this."))

    def _address_argument(self, parser: Any) -> None:
        parser.add_argument("address", metavar="ADDRESS")

    def do_set(self, options: Options) -> None:
        mailbox = found_at(
            Mailbox.objects.with_address(), options["address"], _("There is no mailbox %(address)s."), self.remark
        )
        changes = given(options, "text", "subject", "days", "active") | given_times(options, "starts_at", "ends_at")
        if not changes:
            self.wrong_usage(_("Say what is to change; “out_of_office set --help” names the options."))
        answer = set_out_of_office(mailbox, **changes, version=options["if_version"], by=self.by)
        sentence = _("Set the out-of-office answer of %(mailbox)s.") % {"mailbox": mailbox}
        self.done(sentence, _row(_answers().get(pk=answer.pk)), options)

    def do_delete(self, options: Options) -> None:
        answer = self._found(options)
        delete_out_of_office(answer, by=self.by)
        sentence = _("Deleted the out-of-office answer of %(mailbox)s.") % {"mailbox": answer}
        self.done(sentence, {"deleted": str(answer)}, options)

    def do_show(self, options: Options) -> None:
        self.card(_row(self._found(options)), options)

    def do_list(self, options: Options) -> None:
        rows = listed(_answers(), options, of="mailbox__address")
        found = (_row(answer) for answer in stream(rows, options["limit"]))
        self.table(found, {"address": 30, "state": 10, "ends_at": 24, "subject": 0}, options)

    def _found(self, options: Options) -> OutOfOffice:
        mailbox = found_at(
            Mailbox.objects.with_address(), options["address"], _("There is no mailbox %(address)s."), self.remark
        )
        answer = _answers().filter(mailbox=mailbox).first()
        if answer is None:
            raise ValidationError(_("%(mailbox)s has no out-of-office answer yet.") % {"mailbox": mailbox})
        return answer


def _answers() -> QuerySet[OutOfOffice]:
    return OutOfOffice.objects.with_address()


def _row(answer: OutOfOffice) -> dict[str, Any]:
    return {
        "address": str(answer),
        "text": answer.text,
        "subject": answer.subject,
        "starts_at": answer.starts_at,
        "ends_at": answer.ends_at,
        "days": answer.days,
        "active": answer.active,
        "state": answer.state,
        "version": answer.version,
        "changed_at": answer.changed_at,
    }
