"""Access tables from the shell: rules, tables with a name, classes of recipients, and who may write to an alias."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
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
from domains.commands import domain_named
from domains.fields import shown
from mailboxes.commands import found_at, given_times, time
from mailboxes.models import Address, Alias
from mailboxes.parsing import parse_address
from restrictions.access_actions import OF_ONE_RECIPIENT, Action
from restrictions.access_main_cf import remark_since, unasked, unasked_by, what_is_written
from restrictions.access_models import KEYS, AccessRule, AccessTable, AppliesTo, ProtectedAlias, Writers
from restrictions.access_services import (
    add_rule,
    add_table,
    allow_actions,
    asked_in,
    change_rule,
    change_table,
    choose_class,
    delete_rule,
    delete_table,
    protect_alias,
    what_is_lost,
    what_is_lost_with,
)
from restrictions.models import RestrictionClass

NOBODY, EVERYBODY, ANYBODY = "none", "*", "anyone"


class Command(NounCommand):
    help = _("Say who may send what to whom: rules of access tables, classes of recipients, protected aliases.")

    def add_verbs(self) -> None:
        add = self.verb("add", _("Add a rule to an access table."))
        self._key_arguments(add)
        add.add_argument("action", metavar="ACTION", help=_("One of %s.") % ", ".join(Action.values))
        self._value_arguments(add)
        add.add_argument("--comment", default="", help=_("Why it is there."))
        add.add_argument("--inactive", dest="active", action="store_false", help=_("Postfix does not find it for now."))

        change = self.verb("change", _("Change a rule of an access table."))
        self._key_arguments(change)
        change.add_argument("--key", dest="new_key", metavar="KEY", help=_("This key instead of the old one."))
        change.add_argument("--action", metavar="ACTION", help=_("One of %s.") % ", ".join(Action.values))
        self._value_arguments(change)
        change.add_argument("--comment", help=_("Why it is there."))
        active_arguments(change)
        version_argument(change)

        delete = self.verb("delete", _("Delete a rule of an access table."))
        self._key_arguments(delete)
        delete_arguments(delete)

        self._key_arguments(self.verb("show", _("Show a rule of an access table.")))

        rules = self.verb("list", _("List the rules of an access table."))
        rules.add_argument("applies_to", choices=AppliesTo.values, help=_("Whom the rule is about."))
        self._scope_arguments(rules)
        list_arguments(rules, after="KEY", search=_("Keys that begin like this."))

        table = self.verb("add-table", _("Add an access table with a name of its own."))
        table.add_argument("name", metavar="NAME")
        table.add_argument("applies_to", choices=AppliesTo.values, help=_("Whom the rule is about."))
        table.add_argument("--comment", default="", help=_("Why it is there."))
        table = self.verb("change-table", _("Change the comment of an access table."))
        table.add_argument("name", metavar="NAME")
        table.add_argument("--comment", required=True, help=_("Why it is there."))
        version_argument(table)
        self.verb("list-tables", _("List the access tables with names of their own."))
        table = self.verb("delete-table", _("Delete an access table with its rules."))
        table.add_argument("name", metavar="NAME")
        delete_arguments(table)

        allow = self.verb("allow", _("Say which actions domain admins may choose; these and no others."))
        allow.add_argument("actions", nargs="*", metavar="ACTION", help=_("One of %s.") % ", ".join(OF_ONE_RECIPIENT))

        chosen = self.verb(
            "class", _("Say which restriction class mail to an address, a domain or everybody else meets.")
        )
        chosen.add_argument(
            "recipient", metavar="RECIPIENT", help=_("name@example.org, example.org, or * for the rest.")
        )
        chosen.add_argument("of_class", metavar="CLASS", help=_("The name of a restriction class, or none."))

        protect = self.verb("protect", _("Say who may write to an alias."))
        protect.add_argument("address", metavar="ALIAS")
        protect.add_argument("writers", choices=[ANYBODY, *Writers.values], help=_("Who may write to it."))
        protect.add_argument(
            "--named", nargs="*", metavar="SENDER", help=_("These may in any case: addresses, or @example.org.")
        )

    def _key_arguments(self, parser: Any) -> None:
        parser.add_argument("applies_to", choices=AppliesTo.values, help=_("Whom the rule is about."))
        parser.add_argument("key", metavar="KEY", help=_("An address, a domain, a host or a network."))
        self._scope_arguments(parser)

    def _scope_arguments(self, parser: Any) -> None:
        parser.add_argument("--domain", metavar="DOMAIN", help=_("Only for mail to this domain."))
        parser.add_argument("--table", metavar="TABLE", help=_("In the table of this name."))

    def _value_arguments(self, parser: Any) -> None:
        parser.add_argument("--text", help=_("What stands behind the action."))
        parser.add_argument("--code", help=_("The reply code of REJECT or DEFER."))
        parser.add_argument("--class", dest="of_class", metavar="CLASS", help=_("The class of the action CLASS."))
        for option, field, sentence in (
            ("--starts", "starts_at", _("It is found from then on: 2027-01-31, “2027-01-31 18:00”, or now.")),
            ("--ends", "ends_at", _("It is found until then: 2027-01-31, “2027-01-31 18:00”, or never.")),
        ):
            parser.add_argument(option, dest=field, type=time, metavar="WHEN", help=sentence)

    def do_add(self, options: Options) -> None:
        before = what_is_written()
        values = self._values(options) | {"comment": options["comment"], "active": options["active"]}
        rule = add_rule(
            options["applies_to"], options["key"], options["action"], **self._scope(options), **values, by=self.by
        )
        self.done(_("Added %(key)s.") % {"key": rule}, row_of(rule), options)
        self._remark(before, rule)
        if sentence := unasked_by(rule):
            self.remark(sentence)

    def do_change(self, options: Options) -> None:
        changes = self._values(options) | given(options, "action", "comment", "active")
        if options["new_key"] is not None:
            changes["key"] = options["new_key"]
        if not changes:
            self.wrong_usage(_("Say what is to change; “access change --help” names the options."))
        before = what_is_written()
        rule = change_rule(self._found(options), **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed %(key)s.") % {"key": rule}, row_of(rule), options)
        self._remark(before, rule)

    def do_delete(self, options: Options) -> None:
        rule = self._found(options)
        self.make_sure(_("Delete %(key)s?") % {"key": rule}, what_is_lost(rule), options)
        before = what_is_written()
        delete_rule(rule, by=self.by)
        self.done(_("Deleted %(key)s.") % {"key": rule}, {"deleted": str(rule)}, options)
        self._remark(before)

    def do_show(self, options: Options) -> None:
        self.card(row_of(self._found(options)), options)

    def do_list(self, options: Options) -> None:
        rules = by_key(self._rows(options).order_by("key"), options)
        columns = {"key": 30, "state": 9, "starts_at": 23, "ends_at": 23, "result": 0}
        self.table((row_of(rule) for rule in stream(rules, options["limit"])), columns, options)

    def do_add_table(self, options: Options) -> None:
        before = what_is_written()
        table = add_table(options["name"], options["applies_to"], comment=options["comment"], by=self.by)
        self.done(_("Added access table %(name)s.") % {"name": table}, row_of_table(table), options)
        self._remark(before)

    def do_change_table(self, options: Options) -> None:
        table = _table(options["name"])
        table = change_table(table, comment=options["comment"], version=options["if_version"], by=self.by)
        self.done(_("Changed access table %(name)s.") % {"name": table}, row_of_table(table), options)

    def do_list_tables(self, options: Options) -> None:
        columns = {"name": 20, "applies_to": 9, "comment": 0}
        self.table(map(row_of_table, AccessTable.objects.order_by("name")), columns, options)

    def do_delete_table(self, options: Options) -> None:
        table = _table(options["name"])
        self.make_sure(_("Delete %(key)s?") % {"key": table}, what_is_lost_with(table), options)
        before = what_is_written()
        delete_table(table, by=self.by)
        self.done(_("Deleted access table %(name)s.") % {"name": table}, {"deleted": str(table)}, options)
        self._remark(before)

    def do_allow(self, options: Options) -> None:
        allow_actions(options["actions"], by=self.by)
        sentence = _("Domain admins may choose: %(actions)s.")
        actions = ", ".join(options["actions"]) or NOBODY
        self.done(sentence % {"actions": actions}, {"actions": options["actions"]}, options)

    def do_class(self, options: Options) -> None:
        place = self._recipient(options["recipient"])
        name = "" if options["of_class"] == NOBODY else options["of_class"]
        before = what_is_written()
        choose_class(place, name, by=self.by)
        sentence = (
            _("Mail to %(recipient)s meets the class %(name)s.")
            if name
            else _("Mail to %(recipient)s meets no class of its own.")
        )
        words = {"recipient": str(place or EVERYBODY), "name": name}
        self.done(sentence % words, {"recipient": words["recipient"], "class": name or None}, options)
        self._remark(before)
        if unasked(AppliesTo.RECIPIENT):
            self.remark(unasked(AppliesTo.RECIPIENT))

    def do_protect(self, options: Options) -> None:
        rows = Alias.objects.with_destinations()
        alias = found_at(rows, options["address"], _("There is no alias %(address)s."), self.remark)
        before = what_is_written()
        writers = "" if options["writers"] == ANYBODY else options["writers"]
        row = protect_alias(alias, writers, options["named"], by=self.by)
        shown_row = {"address": str(alias), "writers": options["writers"], "named": _named(row)}
        sentence = _("Saved who may write to %(alias)s: %(writers)s.")
        self.done(sentence % {"alias": alias, "writers": options["writers"]}, shown_row, options)
        self._remark(before)

    def _recipient(self, text: str) -> Any:
        if text == EVERYBODY:
            return None
        if "@" not in text.strip().lstrip("@"):
            return domain_named(text.strip().removeprefix("@"))
        parsed = parse_address(text)
        found = Address.objects.select_related("domain").filter(
            domain=domain_named(parsed.domain).answers_for, local_part=parsed.local_part
        )
        address = found.first()
        if address is None:
            raise ValidationError(_("There is no address %(address)s.") % {"address": parsed})
        return address

    def _values(self, options: Options) -> dict[str, Any]:
        values = given(options, "text", "code") | given_times(options, "starts_at", "ends_at")
        if options["of_class"] is not None:
            values["of_class"] = _class(options["of_class"])
        return values

    def _scope(self, options: Options) -> dict[str, Any]:
        return {
            "domain": domain_named(options["domain"]) if options["domain"] else None,
            "table": _table(options["table"]) if options["table"] else None,
        }

    def _rows(self, options: Options) -> QuerySet[AccessRule]:
        scope = {name: one for name, one in self._scope(options).items() if one}
        empty = {f"{name}__isnull": True for name in ("domain", "table") if name not in scope}
        rows = AccessRule.objects.select_related("domain", "table", "of_class")
        return rows.filter(applies_to=options["applies_to"], **scope, **empty)

    def _found(self, options: Options) -> AccessRule:
        key = KEYS[options["applies_to"]][0](options["key"])
        rule = self._rows(options).filter(key=key).first()
        if rule is None:
            raise ValidationError(_("There is no rule for %(key)s.") % {"key": shown(key)})
        return rule

    def _remark(self, before: tuple[object, ...], rule: AccessRule | None = None) -> None:
        for sentence in filter(None, (rule.remark if rule else "", remark_since(before))):
            self.remark(sentence)


def _class(name: str) -> RestrictionClass:
    found = RestrictionClass.objects.filter(name=name).first()
    if found is None:
        raise ValidationError(_("There is no restriction class %(name)s.") % {"name": shown(name)})
    return found


def _table(name: str) -> AccessTable:
    found = AccessTable.objects.filter(name=name).first()
    if found is None:
        raise ValidationError(_("There is no access table %(name)s.") % {"name": shown(name)})
    return found


def _named(row: ProtectedAlias | None) -> list[str]:
    return [one.key for one in row.named.all()] if row else []


def row_of_table(table: AccessTable) -> dict[str, Any]:
    """A table as it is printed."""
    names = ("name", "applies_to", "comment", "version", "created_at", "changed_at")
    return {name: getattr(table, name) for name in names} | {"asked_in": asked_in(table)}


def row_of(rule: AccessRule) -> dict[str, Any]:
    """A rule as it is printed."""
    return {
        "applies_to": rule.applies_to,
        "key": rule.key,
        "action": rule.action,
        "code": rule.code,
        "text": rule.text,
        "class": rule.of_class.name if rule.of_class else None,
        "result": rule.result,
        "domain": rule.domain.name if rule.domain else None,
        "table": rule.table.name if rule.table else None,
        "comment": rule.comment,
        "active": rule.active,
        "state": rule.state,
        "starts_at": rule.starts_at,
        "ends_at": rule.ends_at,
        "version": rule.version,
        "created_at": rule.created_at,
        "changed_at": rule.changed_at,
    }
