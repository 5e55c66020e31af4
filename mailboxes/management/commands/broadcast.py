"""Broadcasts from the shell: one mail to each mailbox of some domains, sent by the worker."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.commands import NounCommand, Options, at_least_one, stream
from mailboxes.broadcasts import preview_of_broadcast, start_broadcast, stop_broadcast
from mailboxes.models import Broadcast, BroadcastRecipient


class Command(NounCommand):
    help = _("Send one mail to each mailbox of some domains, or of all; look how far it is, and stop it.")

    def add_verbs(self) -> None:
        send = self.verb("send", _("Hand a broadcast to the worker. {address}, {name} and {servers} are filled in."))
        send.add_argument("file", metavar="FILE", help=_("The text, in UTF-8; - is standard input."))
        send.add_argument("--subject", required=True, metavar="TEXT")
        whom = send.add_mutually_exclusive_group(required=True)
        whom.add_argument("--domain", dest="domains", nargs="+", metavar="DOMAIN", help=_("To these domains only."))
        whom.add_argument("--all-domains", action="store_true", help=_("To every mailbox here."))
        send.add_argument(
            "--sender", default="", metavar="ADDRESS", help=_("An address of a domain here; else the panel itself.")
        )
        send.add_argument("--dry-run", action="store_true", help=_("Only say what would happen."))

        for name, sentence in (
            ("show", _("Show a broadcast and how far it is.")),
            ("stop", _("Stop a broadcast: whoever has not got it yet gets none.")),
            ("refused", _("List the mailboxes that did not get a broadcast, and what the server said.")),
        ):
            self.verb(name, sentence).add_argument("id", type=_number, metavar="ID")
        broadcasts = self.verb("list", _("List broadcasts, the last first."))
        broadcasts.add_argument("--limit", type=at_least_one, default=50, metavar="N", help=_("This many at most."))

    def do_send(self, options: Options) -> None:
        values = {
            "subject": options["subject"],
            "text": _text_of(options["file"]),
            "domain_names": options["domains"] or [],
            "sender": options["sender"],
        }
        if options["dry_run"]:
            preview = preview_of_broadcast(**values, by=self.by)
            if not options["json"]:
                number = preview.mailboxes
                sentence = ngettext("%(count)d mailbox would get this:", "%(count)d mailboxes would get this:", number)
                self.remark(sentence % {"count": number})
            self.card(asdict(preview), options)
            return
        broadcast = start_broadcast(**values, by=self.by)
        sentence = _("Broadcast %(id)d has started; “broadcast show %(id)d” says how far it is.")
        self.done(sentence % {"id": broadcast.pk}, _row(_found(broadcast.pk)), options)

    def do_show(self, options: Options) -> None:
        broadcast = _found(options["id"])
        self.card(_row(broadcast) | {"text": broadcast.text}, options)

    def do_stop(self, options: Options) -> None:
        broadcast = stop_broadcast(_found(options["id"]), by=self.by)
        sentence = _("Stopped broadcast %(id)d. Whoever has not got it yet gets none.") % {"id": broadcast.pk}
        self.done(sentence, _row(_found(broadcast.pk)), options)

    def do_refused(self, options: Options) -> None:
        rows = BroadcastRecipient.objects.filter(broadcast=_found(options["id"])).exclude(refusal="").order_by("pk")
        found = stream(rows.select_related("mailbox__address__domain"), None)
        table = ({"address": str(row.mailbox), "refusal": row.refusal} for row in found)
        self.table(table, {"address": 30, "refusal": 0}, options)

    def do_list(self, options: Options) -> None:
        rows = stream(Broadcast.objects.with_progress().order_by("-pk"), options["limit"])
        columns = {"id": 6, "state": 8, "created_at": 23, "reached": 8, "refused": 8, "subject": 0}
        self.table(map(_row, rows), columns, options)


def _row(broadcast: Broadcast) -> dict[str, Any]:
    progress = broadcast.progress
    return {
        "id": broadcast.pk,
        "subject": broadcast.subject,
        "sender": broadcast.sender,
        "domains": broadcast.domain_names,
        "state": broadcast.state,
        "total": progress.total,
        "reached": progress.reached,
        "refused": progress.refused,
        "left_out": progress.left_out,
        "job": progress.job_id,
        "who": broadcast.who,
        "created_at": broadcast.created_at,
        "stopped_at": broadcast.stopped_at,
        "finished_at": progress.finished_at,
    }


def _found(number: int) -> Broadcast:
    broadcast = Broadcast.objects.with_progress().filter(pk=number).first()
    if broadcast is None:
        raise ValidationError(_("There is no broadcast %(id)d.") % {"id": number})
    return broadcast


def _text_of(name: str) -> str:
    try:
        octets = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return octets.decode()
    except OSError as error:
        words = {"file": name, "reason": error.strerror}
        raise ValidationError(_("%(file)s cannot be read: %(reason)s.") % words) from error
    except UnicodeDecodeError as error:
        raise ValidationError(_("The text is not UTF-8.")) from error


def _number(text: str) -> int:
    number = at_least_one(text)
    if number >= 2**63:
        raise argparse.ArgumentTypeError(_("There is no broadcast with so large a number."))
    return number
