"""Aliases from the shell; `@example.org` is the catch-all, `sales-*@example.org` a pattern."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import (
    NounCommand,
    Options,
    active_arguments,
    delete_arguments,
    given,
    in_words,
    list_arguments,
    stream,
    version_argument,
)
from domains.commands import domain_named
from domains.fields import shown
from mailboxes.alias_models import DOMAIN_OF_TEXT
from mailboxes.commands import (
    found_at,
    given_times,
    listed,
    place_for,
    quarantine_argument,
    rename_arguments,
    time,
    values_of_rename,
)
from mailboxes.models import Alias, AliasDestination
from mailboxes.parsing import parse_address
from mailboxes.removal import what_is_lost
from mailboxes.renaming import rename_address
from mailboxes.services import add_alias, change_alias, delete_alias


class Command(NounCommand):
    help = _("Add, change, delete and list aliases.")

    def add_verbs(self) -> None:
        add = self.verb("add", _("Add an alias. At the address of a mailbox, the mailbox keeps a copy."))
        self._address_argument(add)
        add.add_argument("destinations", nargs="+", metavar="DESTINATION")
        add.add_argument("--comment", default="", help=_("Why it is there."))
        add.add_argument("--inactive", dest="active", action="store_false", help=_("It delivers nothing for now."))
        self._time_arguments(add)
        quarantine_argument(add)

        change = self.verb("change", _("Change an alias."))
        self._address_argument(change)
        change.add_argument(
            "--destinations", nargs="+", metavar="DESTINATION", help=_("These instead of the old ones.")
        )
        change.add_argument("--add", nargs="+", default=[], metavar="DESTINATION", help=_("These as well."))
        change.add_argument("--remove", nargs="+", default=[], metavar="DESTINATION", help=_("These no longer."))
        change.add_argument("--comment", help=_("Why it is there."))
        active_arguments(change)
        self._time_arguments(change)
        version_argument(change)

        rename_arguments(self.verb("rename", _("Rename an alias, or move it to another domain.")))

        delete = self.verb("delete", _("Delete an alias."))
        self._address_argument(delete)
        delete_arguments(delete)

        self._address_argument(self.verb("show", _("Show an alias.")))

        aliases = self.verb("list", _("List aliases."))
        aliases.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))
        list_arguments(aliases, after="ADDRESS", search=_("Addresses that begin like this."))

        forwards = self.verb("forwards", _("List destinations elsewhere, by the domain that gets the mail."))
        forwards.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))
        forwards.add_argument("--to", metavar="DOMAIN", help=_("To this domain elsewhere only."))

    def _address_argument(self, parser: Any) -> None:
        sentence = _(
            "@example.org is the catch-all, 'sales-*@example.org' a pattern: it takes all that begin with sales- and "
            "do not exist."
        )
        parser.add_argument("address", metavar="ADDRESS", help=sentence)

    def _time_arguments(self, parser: Any) -> None:
        for option, field, sentence in (
            ("--starts", "starts_at", _("It delivers from then on: 2027-01-31, “2027-01-31 18:00”, or now.")),
            ("--ends", "ends_at", _("It delivers until then: 2027-01-31, “2027-01-31 18:00”, or never.")),
        ):
            parser.add_argument(option, dest=field, type=time, metavar="WHEN", help=sentence)

    def do_add(self, options: Options) -> None:
        domain, local_part = place_for(options["address"])
        values = {"comment": options["comment"], "active": options["active"]} | _times(options)
        values["despite_quarantine"] = options["despite_quarantine"]
        alias = add_alias(domain, local_part, options["destinations"], **values, by=self.by)
        self.done(_("Added alias %(alias)s.") % {"alias": alias}, _row(alias), options)

    def do_change(self, options: Options) -> None:
        changes = given(options, "comment", "active", "destinations") | _times(options)
        is_edited = bool(options["add"] or options["remove"])
        if is_edited and "destinations" in changes:
            self.wrong_usage(_("Use either --destinations, or --add and --remove."))
        if not changes and not is_edited:
            self.wrong_usage(_("Say what is to change; “alias change --help” names the options."))
        alias, version = self._found(options), options["if_version"]
        if is_edited:
            changes["destinations"] = _edited(alias, options)
            version = alias.version if version is None else version  # the list that was edited is the one that is there
        alias = change_alias(alias, **changes, version=version, by=self.by)
        self.done(_("Changed alias %(alias)s.") % {"alias": alias}, _row(alias), options)

    def do_rename(self, options: Options) -> None:
        alias = self._found(options)
        rename_address(alias.address, **values_of_rename(options), tell=self.remark, by=self.by)
        row = _row(Alias.objects.with_destinations().get(pk=alias.pk))
        self.done(_("Renamed alias %(old)s to %(new)s.") % {"old": alias, "new": row["address"]}, row, options)

    def do_delete(self, options: Options) -> None:
        alias = self._found(options)
        self.make_sure(_("Delete alias %(alias)s?") % {"alias": alias}, what_is_lost(alias), options)
        delete_alias(alias, by=self.by)
        self.done(_("Deleted alias %(alias)s.") % {"alias": alias}, {"deleted": str(alias)}, options)

    def do_show(self, options: Options) -> None:
        self.card(_row(self._found(options)), options)

    def do_list(self, options: Options) -> None:
        aliases = listed(Alias.objects.with_destinations().select_related("address__mailbox"), options)
        columns = {"address": 30, "state": 9, "destinations": 0}
        rows = (_row(alias) for alias in stream(aliases, options["limit"]))
        if not options["json"]:
            rows = (row | {"state": _state_in_words(row)} for row in rows)
        self.table(rows, columns, options)

    def do_forwards(self, options: Options) -> None:
        found = AliasDestination.objects.to_outside().with_alias().order_by(DOMAIN_OF_TEXT, "pk")
        if options["domain"]:
            found = found.filter(alias__address__domain=domain_named(options["domain"]))
        if options["to"]:
            found = found.of_domains_elsewhere([options["to"].lower()])
        rows = (
            {"address": str(one.alias), "destination": one.text, "active": one.alias.active}
            for one in stream(found, None)
        )
        self.table(rows, {"address": 30, "active": 5, "destination": 0}, options)

    def _found(self, options: Options) -> Alias:
        rows = Alias.objects.with_destinations()
        return found_at(rows, options["address"], _("There is no alias %(address)s."), self.remark)


def _times(options: Options) -> dict[str, Any]:
    return given_times(options, "starts_at", "ends_at")


def _edited(alias: Alias, options: Options) -> list[str]:
    """The destinations without --remove and with --add, which may be written in any way that means the same."""
    kept = [str(destination) for destination in alias.destinations.all()]
    for text in options["remove"]:
        wanted = str(parse_address(text, may_be_whole_domain=True))
        if wanted not in map(str.lower, kept):
            sentence = _("%(alias)s does not deliver to “%(text)s”.")
            raise ValidationError(sentence % {"alias": alias, "text": shown(text)})
        kept = [destination for destination in kept if destination.lower() != wanted]
    return kept + options["add"]


def _state_in_words(row: dict[str, Any]) -> str:
    """The state, and the time that will change it."""
    state: str = row["state"]
    if state == "not_begun":
        return _("%(state)s, from %(when)s") % {"state": state, "when": in_words(row["starts_at"])}
    if state == "active" and row["ends_at"]:
        return _("%(state)s, until %(when)s") % {"state": state, "when": in_words(row["ends_at"])}
    return state


def _row(alias: Alias) -> dict[str, Any]:
    return {
        "address": str(alias),
        "is_catch_all": alias.is_catch_all,
        "destinations": [str(destination) for destination in alias.destinations.all()],
        "keeps_copy": alias.has_mailbox,
        "comment": alias.comment,
        "active": alias.active,
        "state": alias.state,
        "starts_at": alias.starts_at,
        "ends_at": alias.ends_at,
        "version": alias.version,
        "created_at": alias.created_at,
        "changed_at": alias.changed_at,
    }
