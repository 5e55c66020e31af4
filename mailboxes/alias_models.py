"""Mail that goes on: aliases, where they deliver, and those that every new domain gets."""

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.lines import LineField
from accounts.models import User
from accounts.tracking import tracked
from domains.models import Domain, seen_by
from mailboxes.parsing import LONGEST_ADDRESS, LONGEST_LOCAL_PART, external_form
from mailboxes.times import is_in_state, refuse_end_before_start, refuse_strange_times, state_at_this_moment
from mailboxes.written import a_destination_is_written

_ENDS_LATER = _("An alias ends after it starts. Choose a later end or an earlier start.")


class AliasQuerySet(models.QuerySet["Alias"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "address__domain__"))

    def in_state(self, state: str) -> Self:
        """Those whose `state` this is."""
        return self.filter(is_in_state(state))

    def with_destinations(self) -> Self:
        return self.select_related("address__domain").prefetch_related(
            models.Prefetch("destinations", AliasDestination.objects.with_targets())
        )


@tracked()
class Alias(models.Model):
    """Mail that goes on to destinations. Beside a mailbox on the same address, that keeps a copy."""

    address = models.OneToOneField(
        "mailboxes.Address", verbose_name=_("address"), on_delete=models.DO_NOTHING, related_name="alias"
    )
    comment = LineField(_("comment"), max_length=500, blank=True)
    active = models.BooleanField(_("active"), default=True)
    starts_at = models.DateTimeField(
        _("delivers from"), null=True, blank=True, help_text=_("Until then it is as if it were inactive.")
    )
    ends_at = models.DateTimeField(
        _("delivers until"), null=True, blank=True, help_text=_("From then on it is as if it were inactive.")
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = AliasQuerySet.as_manager()

    class Meta:
        verbose_name = _("alias")
        verbose_name_plural = _("aliases")
        indexes = [
            models.Index(fields=["address"], name="inactive_aliases", condition=Q(active=False)),
            models.Index(fields=["address"], name="aliases_that_begin", condition=Q(starts_at__isnull=False)),
            models.Index(fields=["address"], name="aliases_that_end", condition=Q(ends_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="an_alias_ends_after_it_starts",
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                violation_error_message=_ENDS_LATER,
            )
        ]

    def __str__(self) -> str:
        return str(self.address)

    def get_absolute_url(self) -> str:
        return reverse("alias", args=[self.address])

    def clean(self) -> None:
        refuse_strange_times(starts_at=self.starts_at, ends_at=self.ends_at)
        refuse_end_before_start(self.starts_at, self.ends_at, _ENDS_LATER)

    @property
    def state(self) -> str:
        """What it is at this moment: active, inactive, not_begun or ended; only the first delivers."""
        return state_at_this_moment(self.active, self.starts_at, self.ends_at)

    @property
    def is_catch_all(self) -> bool:
        return not self.address.local_part

    @property
    def is_pattern(self) -> bool:
        return self.address.local_part.endswith("*")

    @property
    def has_mailbox(self) -> bool:
        return hasattr(self.address, "mailbox")


@tracked()
class DefaultAlias(models.Model):
    """An alias that every new domain gets (RFC 2142), with one destination as it is written down."""

    local_part = models.CharField(_("local part"), max_length=LONGEST_LOCAL_PART, db_collation="C")
    destination = models.CharField(_("destination"), max_length=LONGEST_ADDRESS, db_collation="C")
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("default alias")
        verbose_name_plural = _("default aliases")
        ordering = ["local_part"]
        constraints = [
            models.UniqueConstraint(fields=["local_part"], name="a_default_alias_is_there_once"),
            models.CheckConstraint(
                name="a_default_alias_has_a_plain_name",
                condition=Q(local_part__regex=r"^[a-z0-9_][a-z0-9_-]*([.][a-z0-9_-]+)*$"),
                violation_error_message=_(
                    "The name of a default alias has letters, digits, dots, hyphens and underscores only."
                ),
            ),
            models.CheckConstraint(
                name="a_default_alias_goes_to_an_address",
                # As a_destination_is_ascii_and_no_command has it.
                condition=Q(destination__regex=r"^[ -~]+@[!-~]+$") & ~Q(destination__regex=r'^"?[-|/:]'),
                violation_error_message=_("A default alias goes to one address, as name@example.org."),
            ),
        ]

    def __str__(self) -> str:
        return self.local_part


class AliasDestinationQuerySet(models.QuerySet["AliasDestination"]):
    def with_targets(self) -> Self:
        return self.select_related("address__domain", "domain").order_by("alias_id", "position")

    def with_alias(self) -> Self:
        return self.select_related("alias__address__domain")

    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "alias__address__domain__"))

    def elsewhere(self) -> Self:
        """What is not ours, or was not when it was typed."""
        return self.annotate(domain_of_text=DOMAIN_OF_TEXT).filter(address=None, domain=None)

    def to_outside(self) -> Self:
        """What is elsewhere now; the index forwards_elsewhere has it in the order of the domains there."""
        became_ours = Domain.objects.filter(name=models.OuterRef("domain_of_text"))
        return self.elsewhere().filter(~models.Exists(became_ours))

    def of_domains_elsewhere(self, names: Iterable[str]) -> Self:
        """What was typed while these domains were not ours; the index forwards_elsewhere finds it."""
        return self.elsewhere().filter(domain_of_text__in=list(names))


# An address has one @: none may stand in a local part (mailboxes/parsing.py).
DOMAIN_OF_TEXT = Lower(Func(F("text"), Value("@"), Value(2), function="split_part", output_field=models.TextField()))


@tracked(fields_only=True)
class AliasDestination(models.Model):
    """Where an alias delivers: exactly one of four kinds.

    - an address of ours, perhaps with an extension (`jean+lists@`): `address`, `extension`
    - a whole domain of ours (`@b`, the local part is kept): `domain`
    - an address of ours that only a catch-all or local(8) knows: `domain`, `text` holds the local part
    - anywhere else, `name@elsewhere` or `@elsewhere`: `text`

    What Postfix gets stands in a column `written` beside it, of the database's own: its triggers fill it (written.py).
    """

    alias = models.ForeignKey(
        Alias, verbose_name=_("alias"), on_delete=models.DO_NOTHING, related_name="destinations", db_index=False
    )
    position = models.PositiveIntegerField(_("position"))
    address = models.ForeignKey(
        "mailboxes.Address",
        verbose_name=_("address"),
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="pointed_at_by",
    )
    extension = models.CharField(_("extension"), max_length=LONGEST_LOCAL_PART, blank=True, db_collation="C")
    domain = models.ForeignKey(
        Domain, verbose_name=_("domain"), null=True, on_delete=models.DO_NOTHING, related_name="pointed_at_by"
    )
    text = models.CharField(_("destination"), max_length=LONGEST_ADDRESS, blank=True, db_collation="C")

    objects = AliasDestinationQuerySet.as_manager()

    class Meta:
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")
        ordering = ["alias", "position"]
        indexes = [
            models.Index(DOMAIN_OF_TEXT, "id", name="forwards_elsewhere", condition=Q(address=None, domain=None)),
            models.Index(Lower("text"), name="texts_elsewhere", condition=Q(address=None, domain=None)),
            models.Index(fields=["id"], name="destinations_with_extension", condition=~Q(extension="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["alias", "position"], name="a_position_holds_one_destination"),
            models.CheckConstraint(
                name="a_destination_is_of_one_kind",
                condition=Q(address__isnull=False, domain__isnull=True, text="")
                | Q(address__isnull=True, domain__isnull=False, extension="")
                | (Q(address__isnull=True, domain__isnull=True, extension="") & Q(text__contains="@")),
            ),
            models.CheckConstraint(
                name="a_destination_is_ascii_and_no_command",
                # aliases(5): | command, / file, :include:; the text is what Postfix gets
                condition=Q(text__regex=r"^[ -~]*$", extension__regex=r"^[ -~]*$") & ~Q(text__regex=r'^"?[-|/:]'),
            ),
        ]
        triggers = [a_destination_is_written]

    def __str__(self) -> str:
        if self.address:
            return external_form(self.address.local_part + self.extension, self.address.domain.name)
        if self.domain:
            return external_form(self.text, self.domain.name)
        return self.text

    @property
    def is_ours(self) -> bool:
        return self.address_id is not None or self.domain_id is not None
