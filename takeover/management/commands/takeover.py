"""What came over from another panel, from the shell: the takeovers, what is kept, and the log that was there."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, at_least_one, stream
from takeover.kept_models import ForeignLogEntry, KeptRow, Takeover
from takeover.kept_restriction_words import said_of_kept
from takeover.kept_words import details_of, lines_of, subject_of
from takeover.postfixadmin_words import is_refusal, said, words_of


class Command(NounCommand):
    help = _("Show what came over from another panel. import_postfixadmin brings it.")

    def add_verbs(self) -> None:
        takeovers = self.verb("list", _("List the takeovers, the last first."))
        takeovers.add_argument("--limit", type=at_least_one, default=50, metavar="N", help=_("This many at most."))
        show = self.verb("show", _("Show a takeover: what came, what was left out, what was strange."))
        show.add_argument("id", type=at_least_one, metavar="ID")
        kept = self.verb("kept", _("List what another panel had and this one has no place for yet, without secrets."))
        kept.add_argument("--kind", choices=KeptRow.Kind.values, help=_("Only of this kind."))
        kept.add_argument("--domain", metavar="DOMAIN", help=_("Only of this domain."))
        kept.add_argument("--limit", type=at_least_one, metavar="N", help=_("This many at most."))
        log = self.verb("log", _("List the log of the other panel, the last first."))
        log.add_argument("--domain", metavar="DOMAIN", help=_("Only of this domain."))
        log.add_argument("--limit", type=at_least_one, metavar="N", help=_("This many at most."))

    def do_list(self, options: Options) -> None:
        rows = (_row(one) for one in stream(Takeover.objects.order_by("-id"), options["limit"]))
        self.table(rows, {"id": 6, "at": 23, "who": 20, "source": 0}, options)

    def do_show(self, options: Options) -> None:
        one = Takeover.objects.filter(pk=min(options["id"], 2**63 - 1)).first()
        if one is None:
            raise ValidationError(_("There is no takeover %(id)d.") % {"id": options["id"]})
        left_out = [said(remark) for remark in one.remarks if is_refusal(remark)]
        remarks = [said(remark) for remark in one.remarks if not is_refusal(remark)]
        row = _row(one) | {"counts": one.counts, "left_out": left_out, "remarks": remarks}
        row["kept"] = [said_of_kept(thing) for thing in one.kept]
        self.card(row if options["json"] else _for_people(row), options)

    def do_kept(self, options: Options) -> None:
        rows = KeptRow.objects.order_by("kind", "id")
        if options["kind"]:
            rows = rows.filter(kind=options["kind"])
        if options["domain"]:
            rows = rows.filter(domain_name=options["domain"].lower())
        found = stream(rows, options["limit"])
        shown = map(_kept, found) if options["json"] else map(_kept_in_words, found)
        self.table(shown, {"kind": 22, "subject": 30, "details": 0}, options)

    def do_log(self, options: Options) -> None:
        lines = ForeignLogEntry.objects.order_by("-at", "-id")
        if options["domain"]:
            lines = lines.filter(domain_name=options["domain"].lower())
        columns = {"at": 23, "who": 20, "action": 16, "domain": 20, "what": 0}
        self.table(map(_line, stream(lines, options["limit"])), columns, options)


def _row(one: Takeover) -> dict[str, Any]:
    names = ("source", "who", "host", "at", "change_sets")
    return {"id": one.pk, **{name: getattr(one, name) for name in names}}


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    came = [f"{words_of(kind)} {count['new']}" for kind, count in row["counts"].items() if count["new"]]
    lists = {name: "\n".join(["", *(one["sentence"] for one in row[name])]) for name in ("left_out", "remarks", "kept")}
    return row | {"counts": ", ".join(came)} | lists


def _kept(row: KeptRow) -> dict[str, Any]:
    return {
        "id": row.pk,
        "source": row.source,
        "kind": row.kind,
        "subject": subject_of(row),
        "domain": row.domain_name,
        "details": details_of(row),
        "has_secret": bool(row.secret),
        "kept_at": row.kept_at,
    }


def _kept_in_words(row: KeptRow) -> dict[str, Any]:
    return _kept(row) | {"details": ", ".join(f"{words}: {value}" for words, value in lines_of(row))}


def _line(entry: ForeignLogEntry) -> dict[str, Any]:
    names = ("source", "at", "who", "ip", "action", "what")
    return {"id": entry.pk, "domain": entry.domain_name, **{name: getattr(entry, name) for name in names}}
