"""The restriction lists of smtpd(8), one for each stage, and the restriction classes (RESTRICTION_CLASS_README)."""

import re
from typing import ClassVar, Self

import pgtrigger
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.lines import LineField
from accounts.tracking import tracked
from restrictions import catalogue, ways
from restrictions.catalogue import CATALOGUE, Argument, Known, Stage

NO_CLASS_NAME = _("A class has a name of small letters, digits and _ that begins with a letter.")
WORD_OF_POSTFIX = _("Postfix uses this word itself. Choose another name for the class.")


@tracked()
class RestrictionClass(models.Model):
    """A named list. A list, another class or the row of an access table names it."""

    name = models.CharField(
        _("name"),
        max_length=63,
        db_collation="C",
        help_text=_("Small letters, digits and _; main.cf and access tables call the class by it."),
    )
    comment = LineField(_("comment"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("restriction class")
        verbose_name_plural = _("restriction classes")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="a_class_name_is_used_once",
                violation_error_message=_("There is a restriction class of this name already."),
            ),
            models.CheckConstraint(
                name="a_class_name_is_what_postfix_takes",
                condition=Q(name__regex=catalogue.IS_CLASS_NAME),
                violation_error_message=NO_CLASS_NAME,
            ),
            models.CheckConstraint(
                name="a_class_name_is_no_word_of_postfix",
                condition=~Q(name__in=catalogue.RESERVED),
                violation_error_message=WORD_OF_POSTFIX,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("restriction_class", args=[self.pk])

    def clean(self) -> None:
        """What the constraints say, at the field."""
        if not re.fullmatch(catalogue.IS_CLASS_NAME.strip("^$"), self.name):
            raise ValidationError({"name": NO_CLASS_NAME})
        if catalogue.is_reserved(self.name):
            raise ValidationError({"name": WORD_OF_POSTFIX})


# What restrictions/relaying.py says in sentences, for whoever writes past the services: the first entry of a list that
# decides about a stranger who wants to send elsewhere, into classes. `path` is the order in which smtpd walks; behind
# warn_if_reject a class refuses nothing. At the end of the transaction one of the two lists must refuse; the lock,
# 0x52454C59 "RELY", lets the second of two who save side by side see what the first has written.
NO_OPEN_RELAY = """
    PERFORM pg_advisory_xact_lock(1380273241);
    IF EXISTS (SELECT FROM restrictions_restriction WHERE stage IN ({guarding}))
       AND NOT EXISTS (
        WITH RECURSIVE walked (stage, path, name, of_class_id, warned) AS (
            SELECT entry.stage, ARRAY[entry.position], entry.name, entry.of_class_id, entry.warn_only
              FROM restrictions_restriction AS entry
             WHERE entry.stage IN ({guarding})
               AND entry.active
            UNION ALL
            SELECT walked.stage, walked.path || entry.position, entry.name, entry.of_class_id,
                   walked.warned OR entry.warn_only
              FROM walked
              JOIN restrictions_restriction AS entry ON entry.in_class_id = walked.of_class_id
             WHERE entry.active
               AND cardinality(walked.path) < 100
        ), deciding AS (
            SELECT DISTINCT ON (walked.stage) walked.name
              FROM walked
             WHERE walked.name IN ({permitting})
                OR walked.name IN ({refusing}) AND NOT walked.warned
             ORDER BY walked.stage, walked.path
        )
        SELECT FROM deciding WHERE name IN ({refusing})
    ) THEN
        RAISE EXCEPTION 'strangers could send mail elsewhere: no list refuses it'
              USING ERRCODE = 'check_violation', CONSTRAINT = 'lists_are_no_open_relay';
    END IF;
    RETURN NULL;
"""
FACTS = {
    "guarding": catalogue.GUARDING,
    "permitting": [known.name for known in CATALOGUE.values() if known.may_permit],
    "refusing": [known.name for known in CATALOGUE.values() if known.refuses_relay],
}
NO_OPEN_RELAY = NO_OPEN_RELAY.format_map(
    {name: ", ".join(f"'{word}'" for word in words) for name, words in FACTS.items()}
)


class RestrictionQuerySet(models.QuerySet["Restriction"]):
    def of_stage(self, stage: str) -> Self:
        return self.filter(stage=stage).order_by("position")


@tracked()
class Restriction(models.Model):
    """One entry of a list: of a stage, or of a class."""

    stage = models.CharField(_("stage"), max_length=11, null=True, blank=True, choices=Stage.choices)  # noqa: DJ001  NULL: of a class
    in_class = models.ForeignKey(
        RestrictionClass,
        verbose_name=_("class"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="entries",
    )
    position = models.PositiveIntegerField(_("position"))
    name = models.CharField(_("restriction"), max_length=60, blank=True, default="", db_collation="C")
    of_class = models.ForeignKey(
        RestrictionClass,
        verbose_name=_("restriction class"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="used_in",
    )
    argument = models.CharField(_("argument"), max_length=500, blank=True, default="", db_collation="C")
    access_table = models.ForeignKey(
        "restrictions.AccessTable",
        verbose_name=_("access table"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="asked_by",
        help_text=_("Empty: the table of clients, HELO names, senders or recipients that stands by itself."),
    )
    warn_only = models.BooleanField(
        _("warn only"),
        default=False,
        help_text=_("Writes into the mail log what it would refuse, and refuses nothing."),
    )
    active = models.BooleanField(_("active"), default=True)
    comment = LineField(_("comment"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects: ClassVar = RestrictionQuerySet.as_manager()

    class Meta:
        verbose_name = _("restriction")
        verbose_name_plural = _("restrictions")
        ordering = ["stage", "in_class", "position"]
        constraints = [
            models.CheckConstraint(
                name="a_restriction_stands_in_one_list",
                condition=Q(stage__isnull=False, stage__in=catalogue.STAGES, in_class__isnull=True)
                | Q(stage__isnull=True, in_class__isnull=False),
                violation_error_message=_("A restriction stands in the list of one stage or of one class."),
            ),
            # Deferred: a list is moved about within one transaction.
            models.UniqueConstraint(
                fields=["stage", "position"],
                name="a_place_in_a_stage_is_taken_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(
                fields=["in_class", "position"],
                name="a_place_in_a_class_is_taken_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                name="a_restriction_is_known",
                condition=Q(name__in=catalogue.NAMES, of_class__isnull=True) | Q(name="", of_class__isnull=False),
                violation_error_message=_("Postfix does not know this restriction."),
            ),
            models.CheckConstraint(
                name="an_argument_is_what_the_restriction_takes",
                condition=Q(
                    name__in=["", *catalogue.named(Argument.NONE), *catalogue.named(Argument.TABLE)], argument=""
                )
                | Q(name__in=catalogue.named(Argument.ZONE), argument__regex=catalogue.IS_ZONE)
                | Q(name__in=catalogue.named(Argument.SERVICE), argument__regex=catalogue.IS_SERVICE)
                | Q(name__in=catalogue.named(Argument.SECONDS), argument__regex=catalogue.IS_SECONDS),
                violation_error_message=_("This restriction does not take this argument."),
            ),
            models.CheckConstraint(
                name="only_a_lookup_names_an_access_table",
                condition=Q(access_table__isnull=True) | Q(name__in=catalogue.named(Argument.TABLE)),
                violation_error_message=_("This restriction asks no access table."),
            ),
            models.CheckConstraint(
                name="a_class_does_not_name_itself",
                condition=Q(in_class__isnull=True) | Q(of_class__isnull=True) | ~Q(in_class=F("of_class")),
                violation_error_message=_("A class does not name itself."),
            ),
        ]
        triggers: ClassVar = [
            *ways.triggers(),
            pgtrigger.Trigger(
                name="lists_are_no_open_relay",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                timing=pgtrigger.Deferred,
                func=NO_OPEN_RELAY,
            ),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, [self.called, self.takes]))

    def get_absolute_url(self) -> str:
        return reverse("restriction", args=[self.pk])

    @property
    def called(self) -> str:
        """The name that main.cf has for it: of a restriction, or of a class."""
        return self.of_class.name if self.of_class else self.name

    @property
    def list_name(self) -> str:
        """The list that it stands in, as main.cf calls it: a parameter, or a class."""
        return self.in_class.name if self.in_class else catalogue.parameter_of(str(self.stage))

    @property
    def takes(self) -> str:
        """What people type behind the name: an argument, or the name of an access table."""
        return self.access_table.name if self.access_table else self.argument

    @property
    def known(self) -> Known | None:
        """What the catalogue says; None for a class."""
        return CATALOGUE.get(self.name)


# Django looks for models here.
from restrictions.access_models import (  # noqa: E402, F401  they know RestrictionClass by its name
    AccessRule,
    AccessTable,
    AllowedAction,
    NamedWriter,
    ProtectedAlias,
    RecipientClass,
)
