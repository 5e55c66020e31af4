"""Access tables (access(5)): a key, an action, and for how long; which restriction class mail to somebody meets; who
may write to an alias."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.lines import LineField
from accounts.tracking import tracked
from domains.models import Domain
from lookup_tables.keys import IS_ADDRESS_OR_DOMAIN
from mailboxes.models import Address, Alias
from mailboxes.times import in_words, refuse_end_before_start, refuse_strange_times, state_at_this_moment
from restrictions import access_actions as actions
from restrictions import access_keys as keys
from restrictions import ways
from restrictions.access_actions import LONGEST_TEXT, OF_ONE_RECIPIENT, OF_WHOLE_MESSAGES, Action

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_KEY = 320  # characters
IS_TABLE_NAME = r"^[a-z][a-z0-9_]*$"
NO_TABLE_NAME = _("An access table has a name of small letters, digits and _ that begins with a letter.")
STANDS_BY_ITSELF = _("A table of this name stands by itself. Choose another name.")
_ENDS_LATER = _("A rule ends after it starts. Choose a later end or an earlier start.")


class AppliesTo(models.TextChoices):
    """Whom a table is about, and so what its keys look like."""

    CLIENT = "client", _("client")
    HELO = "helo", _("HELO")
    SENDER = "sender", _("sender")
    RECIPIENT = "recipient", _("recipient")


KEYS: dict[str, tuple[Callable[[str], str], str]] = {
    AppliesTo.CLIENT: (keys.client_key, keys.IS_CLIENT_KEY),
    AppliesTo.HELO: (keys.helo_key, keys.IS_HELO_KEY),
    AppliesTo.SENDER: (keys.sender_key, keys.IS_SENDER_KEY),
    AppliesTo.RECIPIENT: (keys.recipient_key, keys.IS_MAIL_KEY),
}
MAY_PERMIT = (Action.OK, Action.CLASS, Action.LIST)  # what an answer may permit with
OF_DOMAINS = (AppliesTo.SENDER, AppliesTo.RECIPIENT)  # what a domain may have rules of its own for


@tracked()
class AccessTable(models.Model):
    """A table with a name, beside the four that stand by themselves: a restriction in a list or a class asks it."""

    name = models.CharField(
        _("name"),
        max_length=40,
        db_collation="C",
        help_text=_("Small letters, digits and _; restrictions ask it by it."),
    )
    applies_to = models.CharField(_("applies to"), max_length=9, choices=AppliesTo.choices)
    comment = LineField(_("comment"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("access table")
        verbose_name_plural = _("access tables")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="an_access_table_is_there_once",
                violation_error_message=_("There is an access table of this name already."),
            ),
            models.CheckConstraint(
                name="an_access_table_has_a_plain_name",
                condition=Q(name__regex=IS_TABLE_NAME),
                violation_error_message=NO_TABLE_NAME,
            ),
            models.CheckConstraint(
                name="an_access_table_is_none_of_the_four",
                condition=~Q(name__in=AppliesTo.values),
                violation_error_message=STANDS_BY_ITSELF,
            ),
            models.CheckConstraint(
                name="an_access_table_is_about_somebody", condition=Q(applies_to__in=AppliesTo.values)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """What the constraints say, at the field."""
        if not re.fullmatch(IS_TABLE_NAME.strip("^$"), self.name):
            raise ValidationError({"name": NO_TABLE_NAME})
        if self.name in AppliesTo.values:
            raise ValidationError({"name": STANDS_BY_ITSELF})


@tracked()
class AccessRule(models.Model):
    """One row of an access table. With a domain it holds for mail to that domain alone."""

    applies_to = models.CharField(_("applies to"), max_length=9, choices=AppliesTo.choices)
    table = models.ForeignKey(
        AccessTable,
        verbose_name=_("access table"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rules",
        db_index=False,
    )
    domain = models.ForeignKey(
        Domain,
        verbose_name=_("domain"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="access_rules",
        db_index=False,
    )
    key = models.CharField(_("key"), max_length=LONGEST_KEY, db_collation="C")
    action = models.CharField(_("action"), max_length=15, choices=Action.choices)
    code = models.CharField(
        _("reply code"),
        max_length=3,
        blank=True,
        default="",
        db_collation="C",
        help_text=_("Of REJECT and DEFER. Empty: 554 refuses, 450 puts off."),
    )
    text = models.CharField(_("text"), max_length=LONGEST_TEXT, blank=True, default="", db_collation="C")
    of_class = models.ForeignKey(
        "restrictions.RestrictionClass",
        verbose_name=_("restriction class"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="access_rules",
    )
    comment = LineField(_("comment"), max_length=500, blank=True)
    active = models.BooleanField(_("active"), default=True)
    starts_at = models.DateTimeField(
        _("valid from"), null=True, blank=True, help_text=_("Until then Postfix does not find it.")
    )
    ends_at = models.DateTimeField(
        _("valid until"), null=True, blank=True, help_text=_("From then on Postfix does not find it.")
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("access rule")
        verbose_name_plural = _("access rules")
        ordering = ["key"]
        constraints: ClassVar = [
            # Each is also the index by which Postfix finds a rule.
            models.UniqueConstraint(
                fields=["applies_to", "key"],
                condition=Q(table__isnull=True, domain__isnull=True),
                name="an_access_rule_is_there_once",
                violation_error_message=_("There is a rule for this key already."),
            ),
            models.UniqueConstraint(
                fields=["table", "key"],
                condition=Q(table__isnull=False),
                name="an_access_rule_of_a_table_is_there_once",
                violation_error_message=_("There is a rule for this key already."),
            ),
            models.UniqueConstraint(
                fields=["domain", "applies_to", "key"],
                condition=Q(domain__isnull=False),
                name="an_access_rule_of_a_domain_is_there_once",
                violation_error_message=_("There is a rule for this key already."),
            ),
            models.CheckConstraint(
                name="an_access_key_is_what_postfix_asks_for",
                condition=Q(
                    *(Q(applies_to=kind, key__regex=shape) for kind, (_normal, shape) in KEYS.items()), _connector=Q.OR
                ),
                violation_error_message=_("Postfix would never ask for this key."),
            ),
            models.CheckConstraint(
                name="an_action_has_the_text_that_it_takes",
                condition=Q(action__in=actions.WITHOUT_TEXT, text="")
                | Q(action__in=actions.WITH_A_TEXT, text__regex=actions.IS_TEXT)
                | Q(action__in=actions.WITH_AN_ADDRESS, text__regex=actions.IS_ADDRESS)
                | Q(action=Action.PREPEND, text__regex=actions.IS_HEADER)
                | Q(action=Action.FILTER, text__regex=actions.IS_FILTER)
                | Q(action=Action.LIST, text__regex=actions.IS_LIST),
                violation_error_message=_("Postfix would not take this behind the action."),
            ),
            models.CheckConstraint(
                name="an_action_has_the_code_that_it_takes",
                condition=Q(code="")
                | Q(action=Action.REJECT, code__regex=actions.IS_REJECT_CODE) & ~Q(text="")
                | Q(action=Action.DEFER, code__regex=actions.IS_DEFER_CODE) & ~Q(text=""),
                violation_error_message=_("This action does not have this reply code."),
            ),
            models.CheckConstraint(
                name="an_access_rule_names_a_class_that_is_there",
                condition=Q(action=Action.CLASS, of_class__isnull=False)
                | ~Q(action=Action.CLASS) & Q(of_class__isnull=True),
                violation_error_message=_("Choose a restriction class, or another action."),
            ),
            models.CheckConstraint(
                name="an_access_rule_of_a_domain_is_about_its_mail",
                condition=Q(domain__isnull=True) | Q(table__isnull=True, applies_to__in=OF_DOMAINS),
                violation_error_message=_("A domain has rules of its own for senders and recipients."),
            ),
            models.CheckConstraint(
                name="an_access_rule_ends_after_it_starts",
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                violation_error_message=_ENDS_LATER,
            ),
        ]
        # By which the triggers find the classes that a table answers, and what permits.
        indexes: ClassVar = [
            models.Index(
                fields=["of_class", "table", "applies_to"],
                condition=Q(action__in=MAY_PERMIT),
                name="what_an_access_rule_leads_to",
            ),
        ]
        triggers: ClassVar = ways.triggers(pgtrigger.Q(new__action__in=MAY_PERMIT))

    def __str__(self) -> str:
        return self.key

    def get_absolute_url(self) -> str:
        if self.domain:
            return reverse("domain_access_rule", args=[self.domain.name, self.pk])
        return reverse("access_rule", args=[self.pk])

    def clean(self) -> None:
        refuse_strange_times(starts_at=self.starts_at, ends_at=self.ends_at)
        refuse_end_before_start(self.starts_at, self.ends_at, _ENDS_LATER)

    def acts_at(self, moment: datetime) -> bool:
        """Whether Postfix finds it then; the same as mail_map.delivers."""
        has_begun = self.starts_at is None or self.starts_at <= moment
        return self.active and has_begun and (self.ends_at is None or moment < self.ends_at)

    @property
    def state(self) -> str:
        """What it is at this moment: active, inactive, not_begun or ended; Postfix finds only the first."""
        return state_at_this_moment(self.active, self.starts_at, self.ends_at)

    @property
    def remark(self) -> str:
        """A sentence if it does more than its domain is about, wants a service that a master.cf may lack, or has ended;
        empty if not."""
        if self.domain_id and self.action in OF_WHOLE_MESSAGES:
            return gettext("%(action)s is about the whole message, also for its recipients in other domains.") % {
                "action": self.action
            }
        service = self.text.partition(":")[0]
        if self.action == Action.FILTER and service not in actions.SERVICES:
            return gettext(
                "Postfix comes with no service “%(name)s”. See that your master.cf has it: without it, such mail stays "
                "in the queue."
            ) % {"name": service}
        if self.state != "ended":
            return ""
        return gettext("%(key)s has ended already (%(when)s): Postfix does not find it.") % {
            "key": self,
            "when": in_words(self.ends_at),
        }

    @property
    def result(self) -> str:
        """What Postfix gets; the same as mail_map.access_result."""
        if self.of_class:
            return self.of_class.name
        if self.action == Action.LIST:
            return self.text
        return f"{self.code or self.action} {self.text}".rstrip()


@tracked()
class AllowedAction(models.Model):
    """An action that domain admins may choose for rules of their domains. None is allowed until a superuser says so."""

    action = models.CharField(_("action"), max_length=15, choices=Action.choices)

    class Meta:
        verbose_name = _("allowed action")
        verbose_name_plural = _("allowed actions")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["action"], name="an_action_is_allowed_once"),
            models.CheckConstraint(
                name="an_allowed_action_is_of_one_recipient", condition=Q(action__in=[*OF_ONE_RECIPIENT])
            ),
        ]

    def __str__(self) -> str:
        return self.action


@tracked()
class RecipientClass(models.Model):
    """The class that mail to an address meets, or to a domain; with neither, mail to everybody else."""

    address = models.OneToOneField(
        Address, verbose_name=_("address"), null=True, blank=True, on_delete=models.CASCADE, related_name="met_class"
    )
    domain = models.OneToOneField(
        Domain, verbose_name=_("domain"), null=True, blank=True, on_delete=models.CASCADE, related_name="met_class"
    )
    of_class = models.ForeignKey(
        "restrictions.RestrictionClass",
        verbose_name=_("restriction class"),
        on_delete=models.PROTECT,
        related_name="recipients",
    )
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("class of a recipient")
        verbose_name_plural = _("classes of recipients")
        ordering = ["pk"]
        triggers: ClassVar = ways.triggers()
        constraints = [
            models.CheckConstraint(
                name="a_class_is_met_by_one_recipient", condition=Q(address__isnull=True) | Q(domain__isnull=True)
            ),
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(address__isnull=True, domain__isnull=True),
                name="there_is_one_default_class",
            ),
        ]

    def __str__(self) -> str:
        return str(self.address or self.domain or "*")

    def get_absolute_url(self) -> str:
        if self.address:
            return reverse("address_restrictions", args=[self.address])
        return (
            reverse("domain_restrictions", args=[self.domain.name]) if self.domain else reverse("access_default_class")
        )


class Writers(models.TextChoices):
    """Who may write to an alias. Without a row: anyone."""

    MEMBERS = "members", _("members: whoever gets its mail")
    DOMAIN = "domain", _("the own domain")
    NAMED = "named", _("named senders only")


@tracked()
class ProtectedAlias(models.Model):
    """An alias to which not everybody may write. Named senders may in any case."""

    alias = models.OneToOneField(Alias, verbose_name=_("alias"), on_delete=models.CASCADE, related_name="protected")
    writers = models.CharField(_("who may write"), max_length=7, choices=Writers.choices)
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("protected alias")
        verbose_name_plural = _("protected aliases")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="writers_are_known", condition=Q(writers__in=Writers.values)),
        ]

    def __str__(self) -> str:
        return str(self.alias)

    def get_absolute_url(self) -> str:
        return reverse("address_restrictions", args=[self.alias.address])


@tracked()
class NamedWriter(models.Model):
    """A sender by name who may write to a protected alias: an address, or `@example.org` for a whole domain."""

    protected = models.ForeignKey(
        ProtectedAlias,
        on_delete=models.CASCADE,
        related_name="named",
        db_index=False,
        verbose_name=_("protected alias"),
    )
    key = models.CharField(_("sender"), max_length=LONGEST_KEY, db_collation="C")

    class Meta:
        verbose_name = _("named sender")
        verbose_name_plural = _("named senders")
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["protected", "key"], name="a_writer_is_named_once"),
            models.CheckConstraint(
                name="a_writer_is_an_address_or_a_domain",
                condition=Q(key__regex=IS_ADDRESS_OR_DOMAIN),
                violation_error_message=_("Postfix would never ask for this sender."),
            ),
        ]

    def __str__(self) -> str:
        return self.key
