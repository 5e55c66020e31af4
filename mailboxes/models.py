"""Which addresses exist: addresses, the mailboxes and aliases that hang on them, and who owns a mailbox."""

from collections.abc import Iterable
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Regex
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tracking import tracked
from domains.fields import DOMAIN_REGEX
from domains.models import MAIL_PATH, NO_MAIL_PATH, AddressClass, Domain, seen_by
from domains.networks import LONGEST_NETWORK
from mailboxes.app_password_models import AppPassword, AppPasswordSecret
from mailboxes.import_models import Import, ImportRow
from mailboxes.out_of_office_models import OutOfOffice
from mailboxes.parsing import LONGEST_ADDRESS, LONGEST_LOCAL_PART, external_form
from mailboxes.password_models import PasswordLink, PasswordSettings, RecoveryAddress
from mailboxes.server_names import ServerNames
from mailboxes.sessions import SessionCheck
from mailboxes.sign_ins import SignIn
from mailboxes.times import refuse_strange_times, state_at_this_moment
from mailboxes.usage import DomainUse, Usage
from mailboxes.written import a_destination_is_written, destinations_follow_their_address

LOCAL_USER = r"^[a-z0-9_][a-z0-9_.-]*$"


class AddressQuerySet(models.QuerySet["Address"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "domain__"))

    def patterns_in(self, domain_ids: Iterable[int]) -> models.QuerySet["Address", tuple[int, str]]:
        """(domain id, local part) of the patterns of these domains."""
        found = self.filter(domain__in=list(domain_ids), local_part__endswith="*")
        return found.order_by().values_list("domain_id", "local_part")


@tracked(fields_only=True)
class Address(models.Model):
    """What senders type. An empty local part stands for the catch-all, one that ends in `*` for all that begin like it
    (a pattern, of aliases only). A rename changes this row and nothing else.

    What an alias here answers stands in a column `answer` beside it, of the database's own: see migration 0020."""

    domain = models.ForeignKey(
        Domain, verbose_name=_("domain"), on_delete=models.DO_NOTHING, related_name="addresses", db_index=False
    )
    local_part = models.CharField(_("local part"), max_length=LONGEST_LOCAL_PART, blank=True, db_collation="C")

    objects = AddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ["domain", "local_part"]
        # For the search over all domains. The domain stands in it too: where both are known, any index is one probe.
        indexes = [
            models.Index(fields=["local_part", "domain"], name="addresses_by_local_part"),
            # What takes the mail for addresses that are not there: one probe says that nothing does.
            models.Index(
                fields=["domain", "local_part"],
                name="patterns_and_catch_alls",
                condition=Q(local_part__endswith="*") | Q(local_part=""),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["domain", "local_part"], name="an_address_is_there_once"),
            models.CheckConstraint(
                name="local_part_is_plain_lower_case_ascii",
                # Postfix folds the key to lower case and speaks LATIN1: what is not ASCII is never found (virtual(5)).
                condition=Q(local_part__regex=r"^[ -~]*$") & ~Q(local_part__regex=r"[A-Z@%!]"),
            ),
            models.CheckConstraint(
                name="local_part_is_no_command_file_or_option",
                # aliases(5): | command, / file, : include; allow_min_user: a leading hyphen
                condition=~Q(local_part__regex=r"^[-|/: ]| $"),
            ),
            models.CheckConstraint(
                name="a_star_stands_at_the_end",
                # `sales-*` is a pattern: whatever begins like it. `*` alone would be the catch-all.
                condition=~Q(local_part__regex=r"^\*|\*."),
                violation_error_message=_("A * stands at the end, behind at least one letter: sales-*."),
            ),
        ]
        triggers = [destinations_follow_their_address]

    def __str__(self) -> str:
        return external_form(self.local_part, self.domain.name)


class MailboxQuerySet(models.QuerySet["Mailbox"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "address__domain__"))

    def receiving(self) -> Self:
        """Those that take mail at this moment, as mail_map.receives has it."""
        not_expired = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
        return self.filter(not_expired, active=True, receives=True)

    def in_state(self, state: str) -> Self:
        """Those whose `state` this is."""
        now = timezone.now()
        if state == "inactive":
            return self.filter(active=False)
        if state == "expired":
            return self.filter(active=True, expires_at__lte=now)
        not_expired = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
        if state == "stopped":
            return self.filter(not_expired, active=True, stopped_at__isnull=False)
        if state == "receives_no_mail":
            return self.filter(not_expired, active=True, stopped_at__isnull=True, receives=False)
        return self.receiving().filter(stopped_at__isnull=True)

    def owned_by(self, user: User) -> Self:
        return self.filter(owner__user=user)

    def with_address(self) -> Self:
        return self.select_related("address__domain")


@tracked(manual=["password_changed"])
class Mailbox(models.Model):
    """Mail that is stored here, at one address."""

    address = models.OneToOneField(
        Address, verbose_name=_("address"), on_delete=models.DO_NOTHING, related_name="mailbox"
    )
    name = models.CharField(_("name"), max_length=200, blank=True, validators=[ProhibitNullCharactersValidator()])
    quota_bytes = models.PositiveBigIntegerField(_("quota"), null=True, blank=True)
    mail_path = models.CharField(
        _("mail path"),
        max_length=500,
        db_collation="C",
        error_messages={"unique": _("Another mailbox is stored there already. Choose another mail path.")},
    )
    active = models.BooleanField(_("active"), default=True)
    receives = models.BooleanField(_("receives mail"), default=True)
    sends = models.BooleanField(_("sends mail"), default=True)
    imap = models.BooleanField(_("IMAP"), default=True)
    pop = models.BooleanField(_("POP"), default=True)
    expires_at = models.DateTimeField(
        _("expires"), null=True, blank=True, help_text=_("From then on it is as if it were inactive.")
    )
    allowed_networks = ArrayField(
        models.CharField(max_length=LONGEST_NETWORK),
        verbose_name=_("allowed networks"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("From where its owner may sign in: address ranges as in RFC 4632. Empty: from anywhere."),
    )
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = MailboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")
        # Each holds only the rows of one state, which a list is asked for.
        indexes = [
            models.Index(fields=["address"], name="inactive_mailboxes", condition=Q(active=False)),
            models.Index(fields=["address"], name="mailboxes_that_expire", condition=Q(expires_at__isnull=False)),
            models.Index(fields=["address"], name="mailboxes_without_mail", condition=Q(receives=False)),
            models.Index(fields=["address"], name="stopped_mailboxes", condition=Q(stopped_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["mail_path"], name="a_mail_path_belongs_to_one_mailbox"),
            models.CheckConstraint(
                name="mail_path_stays_below_the_base",
                condition=Q(mail_path__regex=MAIL_PATH) & ~Q(mail_path__regex=NO_MAIL_PATH),
                violation_error_message=_(
                    "A mail path begins below virtual_mailbox_base: no leading slash, no “..”, ASCII only."
                ),
            ),
            models.CheckConstraint(
                name="quota_is_empty_or_more_than_nothing",
                condition=Q(quota_bytes__isnull=True) | Q(quota_bytes__gt=0),
                violation_error_message=_("A quota is more than 0 bytes. Leave it empty for no quota."),
            ),
            models.CheckConstraint(
                name="allowed_networks_are_networks",
                # They go to Dovecot as one text with commas between them (allow_nets).
                condition=Regex(
                    Func(
                        F("allowed_networks"), Value(" "), function="array_to_string", output_field=models.TextField()
                    ),
                    r"^([0-9a-f.:]+/[0-9]+( [0-9a-f.:]+/[0-9]+)*)?$",
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self.address)

    def get_absolute_url(self) -> str:
        return reverse("mailbox", args=[self.address])

    def clean(self) -> None:
        if "\0" in self.mail_path:  # PostgreSQL cannot even be asked about it
            raise ValidationError({"mail_path": _("A mail path cannot hold a NUL character.")})
        refuse_strange_times(expires_at=self.expires_at)

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def state(self) -> str:
        """What it is at this moment: active, inactive, expired, stopped or receives_no_mail. The first takes mail, and
        so does a stopped one, if it `receives`; nobody signs in to that."""
        if not self.active:
            return "inactive"
        if self.has_expired:
            return "expired"
        if self.stopped_at is not None:
            return "stopped"
        return "active" if self.receives else "receives_no_mail"

    @property
    def used_bytes(self) -> int | None:
        """What it stores, as Dovecot said last; None before the first message, or without Dovecot."""
        usage: Usage | None = getattr(self, "usage", None)
        return usage.bytes if usage else None

    @property
    def mail_format(self) -> str:
        """virtual(8): a path that ends in a slash is a maildir, any other an mbox."""
        return "maildir" if self.mail_path.endswith("/") else "mbox"


class RelayRecipientQuerySet(models.QuerySet["RelayRecipient"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "address__domain__"))

    def with_address(self) -> Self:
        return self.select_related("address__domain")


@tracked()
class RelayRecipient(models.Model):
    """An address of a relay domain whose mail is taken here and handed to the server of that domain."""

    address = models.OneToOneField(
        Address, verbose_name=_("address"), on_delete=models.DO_NOTHING, related_name="relay_recipient"
    )
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    objects = RelayRecipientQuerySet.as_manager()

    class Meta:
        verbose_name = _("relay recipient")
        verbose_name_plural = _("relay recipients")

    def __str__(self) -> str:
        return str(self.address)


class PermittedSenderQuerySet(models.QuerySet["PermittedSender"]):
    def named(self, addresses: "AddressQuerySet") -> Self:
        """Those that name one of these addresses; a catch-all has no name."""
        same = addresses.filter(domain__name=OuterRef("domain_name"), local_part=OuterRef("local_part"))
        return self.filter(Exists(same)).exclude(local_part="")


@tracked()
class PermittedSender(models.Model):
    """An address, or with an empty local part a whole domain, as which a mailbox may send beside its own address and
    its aliases. By name, not by reference: it may be elsewhere, or an address that only sends."""

    mailbox = models.ForeignKey(
        Mailbox,
        verbose_name=_("mailbox"),
        on_delete=models.DO_NOTHING,
        related_name="permitted_senders",
        db_index=False,
    )
    domain_name = models.CharField(_("domain"), max_length=253, db_collation="C")
    local_part = models.CharField(_("local part"), max_length=LONGEST_LOCAL_PART, blank=True, db_collation="C")
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    objects = PermittedSenderQuerySet.as_manager()

    class Meta:
        verbose_name = _("permitted sender")
        verbose_name_plural = _("permitted senders")
        ordering = ["domain_name", "local_part"]
        indexes = [models.Index(fields=["domain_name", "local_part"], name="permitted_senders_by_name")]
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "domain_name", "local_part"], name="a_sender_is_permitted_once"),
            models.CheckConstraint(
                name="a_permitted_sender_is_what_postfix_asks_for",
                condition=Q(domain_name__regex=DOMAIN_REGEX, local_part__regex=r"^[ -~]*$")
                & ~Q(local_part__regex=r"[A-Z@%!*]"),
            ),
        ]

    def __str__(self) -> str:
        return external_form(self.local_part, self.domain_name)


class MailboxCredential(models.Model):
    """The password hash of a mailbox, with its scheme. Not in the history, never shown.

    It outlives the mailbox until it is purged, so that an undo brings the same password back."""

    mailbox = models.OneToOneField(Mailbox, null=True, on_delete=models.DO_NOTHING, related_name="credential")
    former_mailbox_id = models.BigIntegerField(null=True, db_index=True)
    retired_at = models.DateTimeField(null=True)
    hash = models.CharField(max_length=500, db_collation="C")
    changed_at = models.DateTimeField(default=timezone.now)
    # The owner chooses another password at the next sign-in to the panel, before anything else.
    must_change = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_hash_names_its_scheme", condition=Q(hash__regex=r"^\{[A-Z0-9-]+(\.[A-Z0-9]+)?\}[!-~]+$")
            ),
            models.CheckConstraint(
                name="a_credential_has_or_had_a_mailbox",
                condition=Q(mailbox__isnull=False, former_mailbox_id__isnull=True, retired_at__isnull=True)
                | Q(mailbox__isnull=True, former_mailbox_id__isnull=False, retired_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return "•••"

    @property
    def is_due(self) -> bool:
        """Whether the owner must choose another one, before anything else in the panel."""
        valid_until = PasswordSettings.current().valid_until(self.changed_at)
        return self.must_change or (valid_until is not None and valid_until <= timezone.now())


@tracked()
class QuarantinedAddress(models.Model):
    """An address that a deleted mailbox left, as text: it outlives its domain, too. Until then nobody else gets it."""

    domain_name = models.CharField(_("domain"), max_length=253, db_collation="C")
    local_part = models.CharField(_("local part"), max_length=LONGEST_LOCAL_PART, db_collation="C")
    former_mailbox_id = models.BigIntegerField()
    until = models.DateTimeField(_("kept from others until"))

    class Meta:
        verbose_name = _("address in quarantine")
        verbose_name_plural = _("addresses in quarantine")
        constraints = [
            models.UniqueConstraint(fields=["domain_name", "local_part"], name="an_address_is_in_quarantine_once"),
        ]

    def __str__(self) -> str:
        return external_form(self.local_part, self.domain_name)


class MailboxOwner(models.Model):
    """Ties a mailbox to the row with which its owner signs in; it appears at the first sign-in."""

    mailbox = models.OneToOneField(Mailbox, on_delete=models.DO_NOTHING, related_name="owner")
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="owned")

    def __str__(self) -> str:
        return str(self.user)


class AliasQuerySet(models.QuerySet["Alias"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "address__domain__"))

    def in_state(self, state: str) -> Self:
        """Those whose `state` this is."""
        now = timezone.now()
        if state == "inactive":
            return self.filter(active=False)
        if state == "not_begun":
            return self.filter(active=True, starts_at__gt=now)
        if state == "ended":
            return self.filter(active=True, ends_at__lte=now)
        has_begun = Q(starts_at__isnull=True) | Q(starts_at__lte=now)
        has_not_ended = Q(ends_at__isnull=True) | Q(ends_at__gt=now)
        return self.filter(has_begun, has_not_ended, active=True)

    def with_destinations(self) -> Self:
        return self.select_related("address__domain").prefetch_related(
            models.Prefetch("destinations", AliasDestination.objects.with_targets())
        )


@tracked()
class Alias(models.Model):
    """Mail that goes on to destinations. Beside a mailbox on the same address, that keeps a copy."""

    address = models.OneToOneField(
        Address, verbose_name=_("address"), on_delete=models.DO_NOTHING, related_name="alias"
    )
    comment = models.CharField(_("comment"), max_length=500, blank=True, validators=[ProhibitNullCharactersValidator()])
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
                violation_error_message=_("An alias ends after it starts. Choose a later end or an earlier start."),
            )
        ]

    def __str__(self) -> str:
        return str(self.address)

    def get_absolute_url(self) -> str:
        return reverse("alias", args=[self.address])

    def clean(self) -> None:
        refuse_strange_times(starts_at=self.starts_at, ends_at=self.ends_at)

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
        Address, verbose_name=_("address"), null=True, on_delete=models.DO_NOTHING, related_name="pointed_at_by"
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


@tracked()
class LocalUser(models.Model):
    """A user of the mail host, to whom local(8) delivers: as import_local_users found them in its passwd(5)."""

    name = models.CharField(_("user name"), max_length=LONGEST_LOCAL_PART, db_collation="C")
    uid = models.PositiveBigIntegerField(_("user id"))

    class Meta:
        verbose_name = _("local user")
        verbose_name_plural = _("local users")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="a_local_user_is_there_once"),
            models.CheckConstraint(
                name="a_local_user_is_what_postfix_asks_for",
                # Postfix folds the key to lower case, and local(8) the name before it asks passwd(5).
                condition=Q(name__regex=LOCAL_USER),
            ),
        ]

    def __str__(self) -> str:
        return self.name


__all__ = [
    "Address",
    "AddressClass",
    "Alias",
    "AliasDestination",
    "AppPassword",
    "AppPasswordSecret",
    "Import",
    "ImportRow",
    "LocalUser",
    "Mailbox",
    "MailboxCredential",
    "MailboxOwner",
    "PasswordLink",
    "PasswordSettings",
    "OutOfOffice",
    "PermittedSender",
    "QuarantinedAddress",
    "RecoveryAddress",
    "RelayRecipient",
    "ServerNames",
    "SignIn",
    "SessionCheck",
    "DomainUse",
    "Usage",
]
