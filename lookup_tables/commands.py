"""`manage.py NOUN add|change|delete|show|list`, the same for every table."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import (
    NounCommand,
    Options,
    active_arguments,
    by_key,
    delete_arguments,
    given,
    list_arguments,
    stream,
    version_argument,
)
from domains.fields import shown
from lookup_tables.main_cf import remark_since, what_is_written
from lookup_tables.models import Entry
from lookup_tables.nouns import BY_NAME, Noun
from lookup_tables.services import add_entry, change_entry, delete_entry, what_is_lost


class EntryCommand(NounCommand):
    """A table's command names its noun, and that is all."""

    noun: ClassVar[Noun]

    def add_verbs(self) -> None:
        words = {"noun": self.noun.words}
        add = self.verb("add", _("Add: %(noun)s.") % words)
        self._key_argument(add, everywhere=True)
        add.add_argument("result", metavar="RESULT", help=str(self.noun.result_help).replace("%", "%%"))
        add.add_argument("--comment", default="", help=_("Why it is there."))
        add.add_argument("--inactive", dest="active", action="store_false", help=_("Postfix does not find it for now."))
        self._sign_in_arguments(add, _("Asked for, or read from standard input, if there is a user name."))

        change = self.verb("change", _("Change: %(noun)s.") % words)
        self._key_argument(change)
        change.add_argument("--key", dest="new_key", metavar="KEY", help=_("This key instead of the old one."))
        change.add_argument("--result", metavar="RESULT", help=_("This result instead of the old one."))
        change.add_argument("--comment", help=_("Why it is there."))
        self._sign_in_arguments(change, _("Read a new password from standard input."))
        active_arguments(change)
        version_argument(change)

        delete = self.verb("delete", _("Delete: %(noun)s.") % words)
        self._key_argument(delete)
        delete_arguments(delete)

        self._key_argument(self.verb("show", _("Show: %(noun)s.") % words))

        entries = self.verb("list", _("List: %(noun)s.") % words)
        self._applies_to_argument(entries)
        list_arguments(entries, after="KEY", search=_("Keys that begin like this."))

    def _key_argument(self, parser: Any, *, everywhere: bool = False) -> None:
        parser.add_argument("key", metavar="KEY", help=str(self.noun.key_help).replace("%", "%%"))
        self._applies_to_argument(parser, default=everywhere)

    def _applies_to_argument(self, parser: Any, *, default: bool = False) -> None:
        if "applies_to" in self.noun.has:
            field = self.noun.applies_to
            parser.add_argument(
                "--applies-to",
                choices=[value for value, _words in field.choices],
                default=str(field.default) if default else None,
                help=_("Which mail it is about."),
            )

    def _sign_in_arguments(self, parser: Any, sentence: str) -> None:
        if "username" in self.noun.has:
            parser.add_argument("--username", metavar="NAME", help=_("With which Postfix signs in at the relay."))
            parser.add_argument("--password-stdin", action="store_true", help=sentence)

    def do_add(self, options: Options) -> None:
        before = what_is_written()
        values = {"comment": options["comment"], "active": options["active"]} | self._of_some(options)
        if values.get("username"):
            values["password"] = self.typed_password(options)
        entry = add_entry(self.noun.model, options["key"], options["result"], **values, by=self.by)
        self.done(_("Added %(key)s.") % {"key": entry}, _row(entry), options)
        self._remark(before)

    def do_change(self, options: Options) -> None:
        changes = given(options, "result", "comment", "active")
        if options["new_key"] is not None:
            changes["key"] = options["new_key"]
        if options.get("username") is not None:
            changes["username"] = options["username"]
        if options.get("password_stdin"):
            changes["password"] = self.typed_password(options)
        if not changes:
            self.wrong_usage(
                _("Say what is to change; “%(noun)s change --help” names the options.") % {"noun": self.noun.name}
            )
        before = what_is_written()
        entry = change_entry(self._found(options), **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed %(key)s.") % {"key": entry}, _row(entry), options)
        self._remark(before)

    def do_delete(self, options: Options) -> None:
        entry = self._found(options)
        self.make_sure(_("Delete %(key)s?") % {"key": entry}, what_is_lost(entry), options)
        before = what_is_written()
        delete_entry(entry, by=self.by)
        self.done(_("Deleted %(key)s.") % {"key": entry}, {"deleted": str(entry)}, options)
        self._remark(before)

    def do_show(self, options: Options) -> None:
        self.card(_row(self._found(options)), options)

    def do_list(self, options: Options) -> None:
        entries = self.noun.rows.order_by("key", *(self.noun.has & {"applies_to"}))
        if options["after"] and "applies_to" in self.noun.has and not options["applies_to"]:
            self.wrong_usage(_("A key may stand here more than once. Use --after together with --applies-to."))
        entries = by_key(entries.filter(**self._asked_kind(options)), options)
        columns = {"key": 30, "active": 5, **dict.fromkeys(self.noun.has & {"applies_to"}, 9), "result": 0}
        self.table((_row(entry) for entry in stream(entries, options["limit"])), columns, options)

    def _of_some(self, options: Options) -> dict[str, Any]:
        return {name: options[name] for name in self.noun.has if options[name] is not None}

    def _asked_kind(self, options: Options) -> dict[str, str]:
        return {"applies_to": options["applies_to"]} if options.get("applies_to") else {}

    def _found(self, options: Options) -> Entry:
        key = self.noun.model.normalised_key(options["key"])
        found = list(self.noun.rows.filter(key=key, **self._asked_kind(options)))
        if not found:
            sentence = _("There is nothing for “%(key)s” among the %(nouns)s.")
            raise ValidationError(sentence % {"key": shown(key), "nouns": self.noun.model._meta.verbose_name_plural})
        if len(found) > 1:
            raise ValidationError(_("%(key)s stands here more than once. Say which: --applies-to.") % {"key": key})
        return found[0]

    def _remark(self, before: tuple[object, ...]) -> None:
        sentence = remark_since(before)
        if sentence:
            self.remark(sentence)


def command_for(name: str) -> type[EntryCommand]:
    """The Command class of a module in management/commands."""
    noun = BY_NAME[name]
    words = _("Add, change, delete and list: %(nouns)s.") % {"nouns": noun.model._meta.verbose_name_plural}
    return type("Command", (EntryCommand,), {"noun": noun, "help": words})


def _row(entry: Entry) -> dict[str, Any]:
    """A password is never in it, only whether there is one."""
    of_some = {name: getattr(entry, name) for name in ("applies_to", "username") if hasattr(entry, name)}
    return {
        "key": entry.key,
        "result": entry.result,
        **{name: str(value) for name, value in of_some.items()},
        "parameter": entry.parameter,
        "comment": entry.comment,
        "active": entry.active,
        "version": entry.version,
        "created_at": entry.created_at,
        "changed_at": entry.changed_at,
    }
