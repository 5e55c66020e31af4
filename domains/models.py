"""Which domains are served: every name, with its address class."""

import re
from string import Formatter
from typing import Self

import pgtrigger
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.lines import LineField
from accounts.models import User
from accounts.tracking import tracked
from domains.fields import DOMAIN_REGEX, DomainNameField, folded_u_label, unicode_domain


class AddressClass(models.TextChoices):
    """ADDRESS_CLASS_README of Postfix; every domain belongs to exactly one."""

    VIRTUAL_MAILBOX = "virtual_mailbox", _("virtual mailbox")
    VIRTUAL_ALIAS = "virtual_alias", _("virtual alias")
    ALIAS_DOMAIN = "alias_domain", _("alias domain")
    RELAY = "relay", _("relay")
    LOCAL = "local", _("local")


def seen_by(user: User, path: str = "") -> Q:
    """The condition on domains, or on what hangs on them by `path`: superusers see all, a domain admin the own ones,
    an API token for some domains those, anybody else none."""
    if user.limited_to is not None:
        return Q(**{f"{path}name__in": user.limited_to})
    return Q() if user.is_superuser else Q(**{f"{path}admins": user})


class DomainQuerySet(models.QuerySet["Domain"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user))

    def in_state(self, state: str) -> Self:
        """Those whose `state` this is."""
        if state == "inactive":
            return self.filter(active=False)
        return self.filter(active=True, suspended=state == "suspended")


@tracked()
class Domain(models.Model):
    """A name that is served. It is not renamed; it gets an alias domain."""

    name = DomainNameField(
        _("domain"), error_messages={"unique": _("This domain is here already. A name is served once.")}
    )
    u_label = models.CharField(
        _("name in its own script"),
        max_length=253,
        blank=True,
        default="",
        editable=False,
        db_collation="C",
        help_text=_("What Postfix asks for when a client sends the U-label (RFC 6531), folded; else empty."),
    )
    address_class = models.CharField(
        _("address class"), max_length=20, choices=AddressClass.choices, default=AddressClass.VIRTUAL_MAILBOX
    )
    target = models.ForeignKey(
        "self",
        verbose_name=_("target"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="alias_domains",
        help_text=_("The domain for which an alias domain answers: each of its addresses works here too."),
    )
    description = LineField(
        _("description"),
        max_length=500,
        blank=True,
    )
    any_recipient = models.BooleanField(
        _("any recipient"),
        default=False,
        help_text=_("Mail for every address of a relay domain is accepted, whether it is in the list or not."),
    )
    # Limits: empty is unlimited, 0 is none. Constraint triggers hold them against DomainCount and each quota.
    max_mailboxes = models.PositiveIntegerField(_("most mailboxes"), null=True, blank=True)
    max_aliases = models.PositiveIntegerField(_("most aliases"), null=True, blank=True)
    max_quota_bytes = models.PositiveBigIntegerField(_("largest quota of a mailbox"), null=True, blank=True)
    max_total_quota_bytes = models.PositiveBigIntegerField(_("largest sum of quotas"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True)
    suspended = models.BooleanField(
        _("suspended"),
        default=False,
        help_text=_("Mail to an active domain is put off for a time: the servers of senders keep it and try again."),
    )
    admins = models.ManyToManyField(
        User, through="DomainAdmin", related_name="domains", verbose_name=_("domain admins")
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = DomainQuerySet.as_manager()

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        ordering = ["name"]
        indexes = [
            models.Index(fields=["id"], name="local_domains", condition=Q(address_class="local")),
            models.Index(fields=["id"], name="relay_domains", condition=Q(address_class="relay")),
            models.Index(fields=["u_label"], name="domains_by_u_label", condition=~Q(u_label="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="a_name_is_served_once"),
            # The constraint trigger a_u_label_is_served_once sees to it that no domain takes the mail of another one.
            models.CheckConstraint(name="a_u_label_is_folded", condition=~Q(u_label__regex="[ßς]")),
            models.CheckConstraint(
                name="domain_name_is_a_domain",
                condition=Q(name__regex=DOMAIN_REGEX) & ~Q(name__regex=r"(^|\.)[0-9]+$"),
                violation_error_message=_("This is not a domain name."),
            ),
            models.CheckConstraint(
                name="only_a_local_domain_has_one_label",
                condition=Q(address_class="local") | Q(name__contains="."),
                violation_error_message=_("Type the whole domain name with its dots, for example example.org."),
            ),
            models.CheckConstraint(
                name="an_alias_domain_has_a_target",
                condition=Q(address_class="alias_domain", target__isnull=False)
                | (~Q(address_class="alias_domain") & Q(target__isnull=True)),
                violation_error_message=_("An alias domain needs a target; domains of other classes have none."),
            ),
            models.CheckConstraint(
                name="a_domain_is_not_its_own_target",
                condition=Q(target__isnull=True) | ~Q(target=F("id")),
                violation_error_message=_("A domain cannot be its own target."),
            ),
            models.CheckConstraint(
                name="only_a_relay_domain_takes_any_recipient",
                condition=Q(any_recipient=False) | Q(address_class="relay"),
                violation_error_message=_("Only a relay domain takes any recipient; others know their addresses."),
            ),
        ]
        # What an alias delivers to is kept as it is written, with the name of its domain (mailboxes/written.py).
        triggers = [pgtrigger.ReadOnly(name="a_domain_is_not_renamed", fields=["name"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("domain", args=[self.name])

    @property
    def unicode_name(self) -> str:
        return unicode_domain(self.name)

    @property
    def answers_for(self) -> "Domain":
        """The domain whose addresses count here: the target of an alias domain, else this one."""
        return self.target if self.target else self

    @property
    def counted(self) -> "DomainCount":
        """How much it has. Nothing where somebody deleted that row; `domain recount` brings it back."""
        return getattr(self, "counts", None) or DomainCount(domain=self)

    @property
    def state(self) -> str:
        """active, inactive or suspended; an inactive domain is nothing else."""
        if not self.active:
            return "inactive"
        return "suspended" if self.suspended else "active"

    @property
    def is_put_off(self) -> bool:
        """Whether its mail is put off, as postfix.suspended_domains has it: itself or its target is suspended."""
        return self.active and self.answers_for.active and (self.suspended or self.answers_for.suspended)

    @property
    def has_mailboxes(self) -> bool:
        return self.address_class == AddressClass.VIRTUAL_MAILBOX

    @property
    def has_aliases(self) -> bool:
        return self.address_class != AddressClass.ALIAS_DOMAIN

    @property
    def has_catch_all(self) -> bool:
        """local(8) knows no catch-all in its aliases."""
        return self.address_class in (AddressClass.VIRTUAL_MAILBOX, AddressClass.VIRTUAL_ALIAS, AddressClass.RELAY)

    @property
    def has_recipients(self) -> bool:
        """Another server stores its mail (relay_domains, postconf(5)); here is known which addresses that one takes."""
        return self.address_class == AddressClass.RELAY

    @property
    def may_be_target(self) -> bool:
        return self.address_class in (AddressClass.VIRTUAL_MAILBOX, AddressClass.VIRTUAL_ALIAS)

    def clean(self) -> None:
        """What holds between several rows; the service runs it again under a lock."""
        self.u_label = folded_u_label(self.name)
        if self.target and not self.target.may_be_target:
            raise ValidationError(
                {
                    "target": _(
                        "%(target)s is of the class “%(class)s”. Choose a virtual mailbox or virtual alias domain."
                    )
                    % {"target": self.target, "class": self.target.get_address_class_display()}
                }
            )
        if self.target and self.pk and (key := self._key_beside_one_of(self.target)):
            sentence = _("%(name)s would hold a key of %(domain)s and one of %(target)s. Delete one of them first.")
            raise ValidationError(
                {"target": sentence % {"name": key, "domain": self.unicode_name, "target": self.target}}
            )
        if fault := self.fault_of_u_label():
            raise ValidationError({"name" if self._state.adding else "target": fault})

    @property
    def is_read_as(self) -> str:
        """The name that Postfix asks for in place of the U-label, which may be somebody else's; mostly empty."""
        return self.u_label if self.u_label.isascii() else ""

    @property
    def misses_its_u_label(self) -> bool:
        """Whether mail to the U-label is refused, because nobody has said that the name it is read as is ours."""
        return bool(self.is_read_as) and not Domain.objects.filter(name=self.is_read_as).exists()

    def fault_of_u_label(self) -> str:
        """A sentence if Postfix asks by the same key for another domain, with other addresses. What is there already is
        left alone."""
        if not self.u_label and "ss" not in self.name:
            return ""
        key, answering = self.u_label or self.name, self.target_id or self.pk
        found = Domain.objects.filter(Q(name=key) | Q(u_label=key)).exclude(name=self.name)
        other = next((one for one in found if (one.target_id or one.pk) != answering), None)
        if other is None or Domain.objects.filter(pk=self.pk, target=self.target_id).exists():
            return ""
        sentence = _(
            "Postfix does not tell %(domain)s from %(other)s: it reads ß as ss, and ς as σ. "
            "It serves both if one is an alias domain of the other."
        )
        return str(sentence % {"domain": self.unicode_name, "other": other.unicode_name})

    def _key_beside_one_of(self, target: "Domain") -> "DkimKey | None":
        """A DKIM key at whose name one of the target would stand as well, because that signs for alias domains."""
        gone = DkimKey.State.GONE
        of_target = DkimKey.objects.filter(domain=target, for_alias_domains=True).exclude(state=gone)
        own = self.dkim_keys.exclude(state=gone).select_related("domain")
        return own.filter(selector__in=of_target.values("selector")).first()


class DomainCount(models.Model):
    """How much a domain has, active or not. Triggers keep it true, whoever writes, so nobody counts a large domain."""

    domain = models.OneToOneField(
        # The foreign key is in the migration, with ON DELETE CASCADE: who deletes a domain by SQL need not know this.
        Domain,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        related_name="counts",
        db_constraint=False,
    )
    mailboxes = models.BigIntegerField(default=0, db_default=0)
    aliases = models.BigIntegerField(default=0, db_default=0)
    recipients = models.BigIntegerField(default=0, db_default=0)
    quota_bytes = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    without_quota = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return str(self.domain)


@tracked()
class DomainAdmin(models.Model):
    """A person who manages the addresses of a domain."""

    domain = models.ForeignKey(Domain, verbose_name=_("domain"), on_delete=models.CASCADE)
    user = models.ForeignKey(User, verbose_name=_("person"), on_delete=models.CASCADE)

    class Meta:
        verbose_name = _("domain admin")
        constraints = [models.UniqueConstraint(fields=["domain", "user"], name="a_person_is_domain_admin_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.domain}"


DEFAULT_MAIL_PATH = "{domain}/{local_part}"
MAIL_PATH = r"^[!-~]+$"
NO_MAIL_PATH = r"^/|//|(^|/)\.\.?(/|$)"  # what would lead out of virtual_mailbox_base, or to one place by two names


def is_mail_path(path: str) -> bool:
    """The rule of the constraint mail_path_stays_below_the_base."""
    return bool(re.fullmatch(MAIL_PATH, path) and not re.search(NO_MAIL_PATH, path))


@tracked()
class MailSettings(models.Model):
    """What holds for all domains: one row, read by the SQL functions and written into main.cf."""

    DELIMITERS = [("", _("none")), ("+", "+"), ("-", "-"), ("+-", _("+ and -"))]

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    recipient_delimiter = models.CharField(
        _("recipient delimiter"),
        max_length=2,
        blank=True,
        default="+",
        choices=DELIMITERS,
        help_text=_("What separates an address from its extension, as in jean+lists@example.org (postconf(5))."),
    )
    mail_path_template = models.CharField(
        _("mail path template"),
        max_length=200,
        default=DEFAULT_MAIL_PATH,
        help_text=_(
            "Where new mailboxes are stored, below virtual_mailbox_base. Tokens: {domain}, {local_part}, {initial}."
        ),
    )
    quarantine_days = models.PositiveSmallIntegerField(
        _("quarantine, in days"),
        default=30,
        help_text=_("For so long nobody else gets the address of a deleted mailbox; 0 for no quarantine."),
    )
    dkim_retiring_days = models.PositiveSmallIntegerField(
        _("DKIM: the old record stays, in days"),
        default=7,
        help_text=_("For so long the record of a key that no longer signs stays: mail on its way is still verified."),
    )
    dkim_rotation_months = models.PositiveSmallIntegerField(
        _("DKIM: a new key every, in months"),
        default=0,
        help_text=_("A key that signs for so long gets a successor by itself; 0 for never."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("mail settings")
        constraints = [
            models.CheckConstraint(name="one_row_of_mail_settings", condition=Q(id=1)),
            models.CheckConstraint(
                name="recipient_delimiter_is_known", condition=Q(recipient_delimiter__in=["", "+", "-", "+-"])
            ),
            models.CheckConstraint(
                name="quarantine_ends_within_ten_years",
                condition=Q(quarantine_days__lte=3650),
                violation_error_message=_("A quarantine lasts 3650 days at most."),
            ),
            # Senders try for five days as a rule (maximal_queue_lifetime, postconf(5)); one day is for the hurried.
            models.CheckConstraint(
                name="an_old_dkim_record_stays_for_a_while",
                condition=Q(dkim_retiring_days__range=(1, 365)),
                violation_error_message=_("The old record stays for 1 to 365 days."),
            ),
            models.CheckConstraint(
                name="dkim_keys_rotate_within_five_years",
                condition=Q(dkim_rotation_months__lte=60),
                violation_error_message=_("A DKIM key gets a successor after 60 months at most; 0 for never."),
            ),
        ]

    def __str__(self) -> str:
        return str(_("Mail settings"))

    @classmethod
    def current(cls) -> "MailSettings":
        return cls.objects.get(pk=1)

    def clean(self) -> None:
        sentence = self._fault_of_template()
        if sentence:
            raise ValidationError({"mail_path_template": sentence})

    def _fault_of_template(self) -> str:
        try:
            # A conversion or a format would make the text behind it part of the rule: {local_part:>999999999}
            tokens = {
                "" if form or conversion else token
                for _text, token, form, conversion in Formatter().parse(self.mail_path_template)
                if token is not None
            }
        except ValueError:
            tokens = {""}
        if not tokens <= {"domain", "local_part", "initial"}:
            return str(_("Use the tokens {domain}, {local_part} and {initial} only, each in braces."))
        if not tokens >= {"domain", "local_part"}:
            return str(_("Two mailboxes would share a path. Use both {domain} and {local_part}."))
        if not is_mail_path(self.path_for("example.org", "jean")):
            return str(
                _("A path begins below virtual_mailbox_base: no leading slash, blank, “..” or “//”, ASCII only.")
            )
        return ""

    def path_for(self, domain: str, local_part: str) -> str:
        """The mail path of a new mailbox, without the slash at the end that makes it a maildir (virtual(8))."""
        safe = _file_name(local_part)
        return self.mail_path_template.format(
            domain=domain, local_part=safe, initial=_file_name(local_part[:1])
        ).rstrip("/")


def _file_name(local_part: str) -> str:
    """A local part as one file name: what is special in a path is written as %xx; % itself is in no local part."""
    safe = "".join(letter if letter.isalnum() or letter in "._-+=~" else f"%{ord(letter):02x}" for letter in local_part)
    return f"%2e{safe[1:]}" if safe.startswith(".") else safe


from domains.dkim_models import DkimKey, DkimKeyOnHost, DkimPrivateKey  # noqa: E402  they hang on Domain
from domains.dkim_waits import DkimWait  # noqa: E402

__all__ = ["AddressClass", "DkimKey", "DkimKeyOnHost", "DkimPrivateKey", "DkimWait", "Domain", "DomainAdmin"]
__all__ += ["DomainCount", "MailSettings"]
