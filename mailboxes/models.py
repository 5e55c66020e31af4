"""Which addresses exist: addresses, the mailboxes that hang on them, and who owns a mailbox; aliases are beside."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, Value
from django.db.models.lookups import Regex
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.lines import LineField
from accounts.models import User
from accounts.tracking import tracked
from domains.fields import DOMAIN_REGEX
from domains.models import MAIL_PATH, NO_MAIL_PATH, AddressClass, Domain, seen_by
from domains.networks import LONGEST_NETWORK
from mailboxes.alias_models import Alias, AliasDestination, DefaultAlias
from mailboxes.app_password_models import AppPassword, AppPasswordSecret
from mailboxes.import_models import Import, ImportRow
from mailboxes.mailing_models import (
    Broadcast,
    BroadcastProgress,
    BroadcastRecipient,
    MailingSettings,
    WelcomeMail,
)
from mailboxes.out_of_office_models import OutOfOffice
from mailboxes.parsing import LONGEST_LOCAL_PART, external_form
from mailboxes.password_models import MailboxCredential, PasswordLink, PasswordSettings, RecoveryAddress
from mailboxes.server_names import ServerNames
from mailboxes.sessions import EndOfSessions, SessionCheck
from mailboxes.sign_ins import SignIn
from mailboxes.times import refuse_strange_times
from mailboxes.usage import DomainUse, Usage
from mailboxes.written import destinations_follow_their_address

LOCAL_USER = r"^[a-z0-9_][a-z0-9_.-]*$"


class AddressQuerySet(models.QuerySet["Address"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "domain__"))

    def at_any_of(self, local_parts: Mapping[int, Iterable[str]]) -> Self:
        """Those with these local parts, by the ids of their domains. Not each local part in each domain: of many
        domains at once, these would be far more than there are addresses."""
        places = [Q(domain=domain_id, local_part__in=names) for domain_id, names in local_parts.items()]
        return self.filter(reduce(or_, places)) if places else self.none()

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
    # The mailbox that had this name and left it to the alias that is here now: when that goes, quarantine begins.
    former_mailbox_id = models.BigIntegerField(null=True, editable=False)

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

    def with_costly_hash(self) -> Self:
        """Those whose password takes too long to check, from before such hashes were refused: it lets nobody in."""
        return self.filter(credential__is_costly=True)

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
    name = LineField(_("name"), max_length=200, blank=True)
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
    def welcomed_at(self) -> datetime | None:
        """When its welcome mail was sent; None where none was, or not yet."""
        welcome: WelcomeMail | None = getattr(self, "welcome", None)
        return welcome.sent_at if welcome else None

    @property
    def welcome_refusal(self) -> str:
        """Why it never will be sent, as the mail server said it; empty where it was, waits, or none was meant."""
        welcome: WelcomeMail | None = getattr(self, "welcome", None)
        return welcome.refusal if welcome else ""

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


class FormerMailPath(models.Model):
    """A mail path that a mailbox has left, because it is gone or has another one: its mail may lie there still. Without
    the slash at the end. Triggers of migration 0037 write it."""

    path = models.CharField(_("mail path"), max_length=500, primary_key=True, db_collation="C")

    def __str__(self) -> str:
        return self.path


class MailboxOwner(models.Model):
    """Ties a mailbox to the row with which its owner signs in; it appears at the first sign-in."""

    mailbox = models.OneToOneField(Mailbox, on_delete=models.DO_NOTHING, related_name="owner")
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="owned")

    def __str__(self) -> str:
        return str(self.user)


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
    "Broadcast",
    "BroadcastProgress",
    "BroadcastRecipient",
    "DefaultAlias",
    "FormerMailPath",
    "Import",
    "ImportRow",
    "LocalUser",
    "Mailbox",
    "MailboxCredential",
    "MailboxOwner",
    "MailingSettings",
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
    "EndOfSessions",
    "Usage",
    "WelcomeMail",
]
