"""Every write about access tables: rules, tables with a name, the class of a recipient, who may write to an alias."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import refuse_other_version, save_checked
from domains.models import Domain
from domains.services import locked_version
from mailboxes.models import Address, Alias
from mailboxes.parsing import parse_address
from restrictions.access_actions import OF_WHOLE_MESSAGES, Action, normalised_text, refuse_unfitting_code
from restrictions.access_main_cf import Classes
from restrictions.access_models import (
    KEYS,
    MAY_PERMIT,
    OF_DOMAINS,
    AccessRule,
    AccessTable,
    AllowedAction,
    AppliesTo,
    NamedWriter,
    ProtectedAlias,
    RecipientClass,
    Writers,
)
from restrictions.models import RestrictionClass
from restrictions.ways import lock_lists, refuse_451

CHANGEABLE = ("key", "action", "code", "text", "of_class", "comment", "active", "starts_at", "ends_at")
MOST_WRITERS = 100  # named senders of one alias; a page shows them all
# Each smtpd(8) reads the definitions of all: with 5,000 it starts in half a second and takes 37 MB instead of 10. With
# 9,300 the line that names them is longer than the longest argument of a program, and postconf(1) could not write it.
MOST_CLASSES = 5_000
ANYONE = ""
AT_ONCE = 1_000  # rows of one statement


def add_rule(
    applies_to: str,
    key: str,
    action: str,
    *,
    table: AccessTable | None = None,
    domain: Domain | None = None,
    by: Actor,
    **values: Any,
) -> AccessRule:
    """Adds a rule to one of the four tables, to a `table` with a name, or to those of a `domain`."""
    rule = AccessRule(applies_to=table.applies_to if table else applies_to, table=table, domain=domain)
    _set(rule, {"key": key, "action": action, **values})
    with recorded("add", "access_rule", _label(rule), domain=domain.name if domain else "", by=by):
        lock_lists()
        _refuse_what_is_not_theirs(rule, by)
        _refuse_what_is_gone([rule])
        save_checked(rule)
        _refuse_451(rule)
        of_domain = AccessRule.objects.filter(domain=domain, applies_to=AppliesTo.SENDER)
        if domain and applies_to == AppliesTo.SENDER and not of_domain.exclude(pk=rule.pk).exists():
            _refuse_more_classes()
    return rule


def add_rules(
    applies_to: str, rows: Iterable[Mapping[str, Any]], *, table: AccessTable | None = None, by: Actor
) -> int:
    """Adds many rules of the server at once, key and action and what else a rule has; how many. All or none."""
    rules: dict[str, AccessRule] = {}
    faults: list[str] = []
    with recorded("add", "access_rules", table.name if table else applies_to, by=by):
        lock_lists()
        for values in rows:
            rule = AccessRule(applies_to=table.applies_to if table else applies_to, table=table)
            try:
                _set(rule, dict(values))
                _refuse_what_is_not_theirs(rule, by)
                rule.clean_fields(exclude=["table", "domain", "of_class"])  # rows that were just read
                rule.clean()
                if rule.key in rules:
                    raise ValidationError(_("There is a rule for this key already."))
            except ValidationError as error:
                faults += [f"{values['key']}: {sentence}" for sentence in error.messages]
            rules[rule.key] = rule
        if faults:
            raise ValidationError(faults)
        _refuse_what_is_gone(rules.values())
        try:
            with transaction.atomic():
                AccessRule.objects.bulk_create(rules.values(), batch_size=AT_ONCE)
        except IntegrityError as error:
            raise ValidationError({"key": _("There is a rule for this key already.")}) from error
        _refuse_451(*rules.values())
    return len(rules)


def change_rule(rule: AccessRule, *, by: Actor, version: int | None = None, **changes: Any) -> AccessRule:
    """Changes what is named. Another action without a text of its own has none."""
    with recorded("change", "access_rule", _label(rule), domain=_domain_of(rule), by=by):
        lock_lists()
        rule = locked_version(AccessRule.objects.select_related("domain"), rule.pk, version)
        if "action" in changes and changes["action"] != rule.action:
            changes = {"text": "", "code": "", "of_class": None} | changes
        _set(rule, changes)
        rule.version += 1
        _refuse_what_is_not_theirs(rule, by)
        _refuse_what_is_gone([rule])
        save_checked(rule)
        _refuse_451(rule)
    return rule


def delete_rule(rule: AccessRule, *, version: int | None = None, by: Actor) -> None:
    with recorded("delete", "access_rule", _label(rule), domain=_domain_of(rule), by=by):
        _refuse_what_is_not_theirs(rule, by, is_kept=False)
        locked_version(AccessRule.objects, rule.pk, version).delete()


def add_table(name: str, applies_to: str, *, comment: str = "", by: Actor) -> AccessTable:
    """Adds a table with a name of its own; a restriction asks it once one names it."""
    table = AccessTable(name=name.strip(), applies_to=applies_to, comment=comment)
    with recorded("add", "access_table", table.name, by=by):
        save_checked(table)
    return table


def change_table(table: AccessTable, *, by: Actor, version: int | None = None, comment: str) -> AccessTable:
    """Changes the comment. The name stays: until main.cf is written again, Postfix asks by the old one."""
    with recorded("change", "access_table", table.name, by=by):
        table = locked_version(AccessTable.objects, table.pk, version)
        table.comment = comment
        table.version += 1
        save_checked(table)
    return table


def delete_table(table: AccessTable, *, version: int | None = None, by: Actor) -> None:
    """Deletes a table with its rules. One that a restriction asks stays."""
    with recorded("delete", "access_table", table.name, by=by):
        lock_lists()
        table = locked_version(AccessTable.objects, table.pk, version)
        places = asked_in(table)
        if places:
            sentence = _("A restriction asks %(table)s: %(places)s. Take it out there first.")
            raise ValidationError(sentence % {"table": table, "places": ", ".join(places)})
        table.rules.all().delete()
        table.delete()


def allow_actions(actions: Iterable[str], *, by: Actor) -> None:
    """Makes these, and no others, the actions that domain admins may choose."""
    wanted = list(dict.fromkeys(actions))
    unknown = [action for action in wanted if action not in Action.values]
    if unknown:
        sentence = _("There is no action %(action)s. Known are: %(known)s.")
        raise ValidationError({"actions": sentence % {"action": unknown[0], "known": ", ".join(Action.values)}})
    whole = [action for action in wanted if action in OF_WHOLE_MESSAGES]
    if whole:
        sentence = _(
            "%(action)s is about the whole message, also for its recipients in other domains. Only superusers write "
            "such rules."
        )
        raise ValidationError({"actions": sentence % {"action": whole[0]}})
    with recorded("allow", "access_action", ", ".join(wanted), by=by):
        _lock_actions()
        AllowedAction.objects.exclude(action__in=wanted).delete()
        there = set(AllowedAction.objects.values_list("action", flat=True))
        AllowedAction.objects.bulk_create(AllowedAction(action=action) for action in wanted if action not in there)


def allow_action(action: str, *, by: Actor) -> AllowedAction:
    """One more that domain admins may choose."""
    with recorded("allow", "access_action", action, by=by):
        _lock_actions()
        there = list(AllowedAction.objects.values_list("action", flat=True))
        if action in there:
            raise ValidationError({"action": _("Domain admins may choose %(action)s already.") % {"action": action}})
        allow_actions([*there, action], by=by)
        return AllowedAction.objects.get(action=action)


def forbid_action(action: str, *, by: Actor) -> None:
    """One less that domain admins may choose; rules that have it stay."""
    with recorded("forbid", "access_action", action, by=by):
        _lock_actions()
        allow_actions(AllowedAction.objects.exclude(action=action).values_list("action", flat=True), by=by)


def _lock_actions() -> None:
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE restrictions_allowedaction IN SHARE ROW EXCLUSIVE MODE")


NO_CLASS = ""


def version_of_choice(row: RecipientClass) -> str:
    """Another one after each change."""
    return row.changed_at.isoformat()


def choose_class(
    of: Address | Domain | None, name: str, *, version: str | None = None, by: Actor
) -> RecipientClass | None:
    """Mail to this address or domain, or with None to everybody else, meets the class; an empty name ends that.
    `version` is what the person saw (version_of_choice, or NO_CLASS where nothing was chosen)."""
    place = {"address": of if isinstance(of, Address) else None, "domain": of if isinstance(of, Domain) else None}
    within = of.domain.name if isinstance(of, Address) else of.name if of else ""
    with recorded("choose", "recipient_class", str(of or "*"), domain=within, by=by):
        _refuse_unless_superuser(by, _("Only a superuser chooses the restriction class of a recipient."))
        lock_lists()
        found = RestrictionClass.objects.filter(name=name).first()
        if name and found is None:
            raise ValidationError({"of_class": _("There is no restriction class %(name)s.") % {"name": name}})
        filled: dict[str, Any] = {column: value for column, value in place.items() if value is not None}
        rows = RecipientClass.objects.select_for_update().filter(
            **(filled or dict.fromkeys(("address__isnull", "domain__isnull"), True))
        )
        row = rows.first()
        refuse_other_version(version, version_of_choice(row) if row else NO_CLASS)
        if found is None:
            rows.delete()
            return None
        row = row or RecipientClass(**place)
        row.of_class = found
        save_checked(row)
        refuse_451()
    return row


def protect_alias(
    alias: Alias, writers: str, named: Iterable[str] | None = None, *, by: Actor, version: int | None = None
) -> ProtectedAlias | None:
    """Says who may write to an alias: members, the own domain, or named senders, who may in any case. Empty: anyone.
    None for `named` leaves those that are there. `version` is what the person saw, 0 for an alias that is not
    protected."""
    domain = alias.address.domain
    keys = None if named is None else _writers(named)
    with recorded("protect", "alias", str(alias), domain=domain.name, by=by):
        locked_version(Alias.objects, alias.pk, None)
        row = ProtectedAlias.objects.select_for_update(of=("self",)).filter(alias=alias).first()
        refuse_other_version(version, row.version if row else 0)
        if writers == ANYONE:
            ProtectedAlias.objects.filter(alias=alias).delete()
            return None
        if writers not in Writers.values:
            sentence = _("Choose who may write: %(known)s.")
            raise ValidationError({"writers": sentence % {"known": ", ".join(Writers.values)}})
        is_new = row is None
        if row is not None:
            row.version += 1
        row = row or ProtectedAlias(alias=alias)
        row.writers = writers
        save_checked(row)
        if is_new:
            _refuse_more_classes()
        if keys is not None:
            row.named.exclude(key__in=keys).delete()
            there = set(row.named.values_list("key", flat=True))
            NamedWriter.objects.bulk_create(NamedWriter(protected=row, key=key) for key in keys if key not in there)
        if writers == Writers.NAMED and not row.named.exists():
            raise ValidationError({"named": _("Name at least one sender, or nobody could write to it.")})
    return row


def check_undone(model: type[models.Model], ids: Sequence[int]) -> None:
    """What an undo brought back is judged like any other change."""
    refuse_451()


def asked_in(table: AccessTable) -> list[str]:
    """The lists and classes, as main.cf calls them, in which a restriction asks this table."""
    return list(dict.fromkeys(entry.list_name for entry in table.asked_by.select_related("in_class")))


def what_is_lost_with(table: AccessTable) -> list[str]:
    """Sentences for the question before a table is deleted."""
    count = table.rules.count()
    return [ngettext("It goes with %(number)d rule.", "It goes with %(number)d rules.", count) % {"number": count}]


def what_is_lost(rule: AccessRule) -> list[str]:
    """Sentences for the question before a rule is deleted."""
    return [_("Postfix no longer finds %(result)s for %(key)s.") % {"result": rule.result, "key": rule.key}]


def _set(rule: AccessRule, values: dict[str, Any]) -> None:
    """Key and text in the way that Postfix writes them; each fault at its field."""
    faults: dict[str, Any] = {}
    for name, value in values.items():
        if name not in CHANGEABLE:
            raise TypeError(f"an access rule has no field {name} that can be changed")
        setattr(rule, name, value)
    if rule.applies_to not in KEYS:
        raise ValidationError({"applies_to": _("Choose one of %(kinds)s.") % {"kinds": ", ".join(AppliesTo.values)}})
    if rule.action not in Action.values:
        sentence = _("There is no action %(action)s. Known are: %(known)s.")
        raise ValidationError({"action": sentence % {"action": rule.action, "known": ", ".join(Action.values)}})
    normalised, _shape = KEYS[rule.applies_to]
    for name, normal in (("key", normalised), ("text", lambda text: normalised_text(rule.action, text))):
        try:
            setattr(rule, name, normal(getattr(rule, name)))
        except ValidationError as error:
            faults[name] = error.messages
    if rule.action == Action.CLASS and rule.of_class is None:
        faults["of_class"] = [_("Choose a restriction class, or another action.")]
    if rule.action != Action.CLASS and rule.of_class is not None:
        faults["of_class"] = [_("Only the action CLASS names a restriction class.")]
    if faults:
        raise ValidationError(faults)
    rule.code = rule.code.strip()
    refuse_unfitting_code(rule.action, rule.code, rule.text)


def _refuse_what_is_not_theirs(rule: AccessRule, by: Actor, *, is_kept: bool = True) -> None:
    """A rule of a domain is about its own mail; a domain admin writes only such, with the actions that are allowed."""
    if rule.domain and rule.applies_to not in OF_DOMAINS:
        raise ValidationError({"applies_to": _("A domain has rules of its own for senders and recipients.")})
    if rule.domain and rule.applies_to == AppliesTo.RECIPIENT and rule.key.rpartition("@")[2] != rule.domain.name:
        sentence = _("%(key)s is not in %(domain)s. A rule of a domain for recipients is about its own addresses.")
        raise ValidationError({"key": sentence % {"key": rule.key, "domain": rule.domain}})
    if by.user is None or by.user.is_superuser:
        return
    if rule.domain is None or not Domain.objects.visible_to(by.user).filter(pk=rule.domain.pk).exists():
        raise ValidationError(_("This rule is not one of your domains. A superuser can change it."))
    if is_kept and not AllowedAction.objects.filter(action=rule.action).exists():
        sentence = _("%(action)s is not allowed here. A superuser can allow it, or add the rule.")
        raise ValidationError({"action": sentence % {"action": rule.action}})


def _refuse_what_is_gone(rules: Iterable[AccessRule]) -> None:
    """Somebody may have deleted a class or a table since it was chosen; lock_lists() keeps the others."""
    named = {rule.of_class.pk: rule.of_class for rule in rules if rule.of_class}
    gone = set(named) - set(RestrictionClass.objects.filter(pk__in=list(named)).values_list("pk", flat=True))
    for pk in gone:
        raise ValidationError({"of_class": _("There is no restriction class %(name)s.") % {"name": named[pk]}})
    table = next((rule.table for rule in rules if rule.table), None)
    if table and not AccessTable.objects.filter(pk=table.pk).exists():
        raise ValidationError(_("There is no access table %(name)s.") % {"name": table})


def _refuse_more_classes() -> None:
    """main.cf has a class for each protected alias, and for each domain with rules about senders."""
    classes = Classes.current()
    if len(classes.made) > MOST_CLASSES:
        sentence = _(
            "%(aliases)d aliases are protected and %(domains)d domains have rules about senders: together %(most)d at "
            "most. Open another alias to everybody first, or delete such rules."
        )
        words = {"aliases": len(classes.protected), "domains": len(classes.domains), "most": MOST_CLASSES}
        raise ValidationError(sentence % words)


def _refuse_451(*rules: AccessRule) -> None:
    """Only what may permit leads on."""
    if any(rule.action in MAY_PERMIT for rule in rules):
        refuse_451()


def _refuse_unless_superuser(by: Actor, sentence: str) -> None:
    if by.user is not None and not by.user.is_superuser:
        raise ValidationError(sentence)


def _writers(texts: Iterable[str]) -> list[str]:
    """In order and without repetition. Raises ValidationError with a sentence for each that cannot be."""
    found: dict[str, None] = {}
    faults: list[str] = []
    for text in texts:
        try:
            sender = parse_address(text, may_be_whole_domain=True)
            if sender.local_part.endswith("*"):
                sentence = _("“%(text)s” is a pattern. Name each address, or @%(domain)s for the whole domain.")
                raise ValidationError(sentence, params={"text": sender, "domain": sender.domain})
            found[str(sender)] = None
        except ValidationError as error:
            faults += error.messages
    if len(found) > MOST_WRITERS:
        faults.append(
            _("%(most)d senders are named at most. Name a whole domain with @example.org.") % {"most": MOST_WRITERS}
        )
    if faults:
        raise ValidationError({"named": faults})
    return list(found)


def _label(rule: AccessRule) -> str:
    return f"{rule.applies_to} {rule.key}"


def _domain_of(rule: AccessRule) -> str:
    return rule.domain.name if rule.domain else ""
