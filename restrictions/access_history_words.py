"""How changes to access tables, classes of recipients and protected aliases read in the history."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from accounts.history import register_sentences
from accounts.history_reading import Names, Reading, Row, in_words, latest_events, register_namer, register_reading
from domains.models import Domain
from mailboxes.models import Address, Alias
from mailboxes.undo_rules import register_undo
from restrictions import access_undo as undo
from restrictions.access_models import (
    AccessRule,
    AccessTable,
    AllowedAction,
    NamedWriter,
    ProtectedAlias,
    RecipientClass,
)
from restrictions.access_services import check_undone

register_sentences(
    {
        ("add", "access_rule"): _("Added access rule %(label)s"),
        ("add", "access_rules"): _("Added access rules to %(label)s"),
        ("change", "access_rule"): _("Changed access rule %(label)s"),
        ("delete", "access_rule"): _("Deleted access rule %(label)s"),
        ("add", "access_table"): _("Added access table %(label)s"),
        ("change", "access_table"): _("Changed access table %(label)s"),
        ("delete", "access_table"): _("Deleted access table %(label)s"),
        ("forbid", "access_action"): _("Domain admins may no longer choose in access rules: %(label)s"),
        ("allow", "access_action"): _("Changed what domain admins may choose in access rules: %(label)s"),
        ("choose", "recipient_class"): _("Chose the restriction class of %(label)s"),
        ("protect", "alias"): _("Changed who may write to %(label)s"),
    }
)


def _names_of_tables(ids: Iterable[int]) -> dict[int, str]:
    return {pk: name for pk, (name,) in latest_events(AccessTable, ids, "name").items()}


def _recipient(row: Row, names: Names) -> str:
    if row["address_id"]:
        return names.get((Address, row["address_id"]), "")
    return names.get((Domain, row["domain_id"]), "") if row["domain_id"] else "*"


def _protected(row: Row, names: Names) -> str:
    return names.get((Alias, row["alias_id"]), "")


RULE = ("applies_to", "table", "domain", "key", "action", "code", "text", "of_class", "comment", "active")
register_reading(
    AccessRule,
    Reading(subject=lambda row, names: row["key"], values=in_words(AccessRule, *RULE, "starts_at", "ends_at")),
)
register_reading(
    AccessTable,
    Reading(subject=lambda row, names: row["name"], values=in_words(AccessTable, "name", "applies_to", "comment")),
)
register_reading(
    AllowedAction, Reading(subject=lambda row, names: row["action"], values=in_words(AllowedAction, "action"))
)
register_reading(RecipientClass, Reading(subject=_recipient, values=in_words(RecipientClass, "of_class")))
register_reading(ProtectedAlias, Reading(subject=_protected, values=in_words(ProtectedAlias, "writers")))
register_reading(NamedWriter, Reading(subject=lambda row, names: row["key"], values=in_words(NamedWriter, "key")))
register_namer(AccessTable, _names_of_tables)
for model in (AccessTable, AllowedAction):
    register_undo(model)
register_undo(RecipientClass, check_undone)
register_undo(AccessRule, check_undone, within=undo.rule_is_within)
register_undo(ProtectedAlias, within=undo.protection_is_within)
register_undo(NamedWriter, within=undo.writer_is_within)
