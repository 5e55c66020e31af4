"""DKIM keys (RFC 6376): what is public of them and where they stand; private keys, encrypted; which host has which; and
which names another key has left."""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.lines import LineField
from accounts.models import User
from accounts.sealing import IS_FERNET
from accounts.tracking import tracked
from domains.fields import LABEL
from domains.models import Domain, seen_by

IS_SELECTOR = rf"^{LABEL}(\.{LABEL})*$"  # RFC 6376, section 3.1: sub-domains, dots between them
LONGEST_SELECTOR = 63
IS_LOCAL_PARTS = r"^$|^{0}( {0})*$".format(r"[a-z0-9_+=~-]+(\.[a-z0-9_+=~-]+)*")
LONGEST_NAME = 253  # characters of a name in the DNS, without the dot at its end (RFC 1035, section 3.1)
# For so long no other key takes the name of one. BIND keeps a record for a week at most, and Postfix a message for five
# days; the rest is for who verifies late.
NAME_IS_LEFT_FREE = timedelta(days=30)
LONGEST_STRING = 255  # octets of one string of a TXT record (RFC 1035, section 3.3.14)


class DkimKeyQuerySet(models.QuerySet["DkimKey"]):
    def visible_to(self, user: User) -> models.QuerySet["DkimKey"]:
        return self.filter(seen_by(user, "domain__"))


@tracked(manual=["exported", "resealed"])
class DkimKey(models.Model):
    """A key by which the mail of a domain is signed: what everybody may know of it."""

    class Algorithm(models.TextChoices):
        RSA_1024 = "rsa-1024", "RSA 1024"
        RSA_2048 = "rsa-2048", "RSA 2048"
        RSA_3072 = "rsa-3072", "RSA 3072"
        RSA_4096 = "rsa-4096", "RSA 4096"
        ED25519 = "ed25519", "Ed25519"

    class State(models.TextChoices):
        PREPARED = "prepared", _("prepared")
        PUBLISHED = "published", _("published")
        SIGNING = "signing", _("signing")
        RETIRING = "retiring", _("retiring")
        REVOKED = "revoked", _("revoked")
        GONE = "gone", _("gone")

    domain = models.ForeignKey(Domain, verbose_name=_("domain"), on_delete=models.CASCADE, related_name="dkim_keys")
    selector = models.CharField(_("selector"), max_length=LONGEST_SELECTOR, db_collation="C")
    algorithm = models.CharField(_("algorithm"), max_length=10, choices=Algorithm.choices, default=Algorithm.RSA_2048)
    public_key = models.TextField(_("public key"), db_collation="C")  # as in p=: base64 (RFC 6376, RFC 8463)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PREPARED)
    for_subdomains = models.BooleanField(
        _("signs for subdomains"),
        default=False,
        help_text=_("Mail from addresses below the domain is signed in the name of the domain."),
    )
    for_alias_domains = models.BooleanField(
        _("signs for alias domains"),
        default=False,
        help_text=_("Mail from an alias domain is signed in its own name; its zone needs the record too, or a CNAME."),
    )
    local_parts = models.CharField(
        _("signs only for"),
        max_length=500,
        blank=True,
        default="",
        db_collation="C",
        help_text=_(
            "Local parts with a blank between them, for example newsletter. Empty: every address signs with it."
        ),
    )
    signs_by_itself = models.BooleanField(
        _("signs by itself"),
        default=False,
        help_text=_("As soon as all name servers have its record, and all hosts that sign have its file."),
    )
    reason = LineField(
        _("reason"),
        max_length=300,
        blank=True,
        default="",
        help_text=_("Why a person moved it on, where the DNS did not show it."),
    )
    made_by = models.BigIntegerField(null=True, editable=False, unique=True)  # the job: done twice it is there once
    created_at = models.DateTimeField(_("prepared"), auto_now_add=True)
    published_at = models.DateTimeField(_("published since"), null=True, editable=False)
    signing_at = models.DateTimeField(_("signing since"), null=True, editable=False)
    retiring_at = models.DateTimeField(_("retiring since"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked since"), null=True, editable=False)
    gone_at = models.DateTimeField(_("gone since"), null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = DkimKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("DKIM key")
        verbose_name_plural = _("DKIM keys")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "selector"],
                name="a_selector_names_one_key",
                violation_error_message=_("The domain has a key with this selector already. Take another selector."),
            ),
            models.UniqueConstraint(
                fields=["domain", "local_parts"],
                condition=Q(state="signing") & ~Q(algorithm="ed25519"),
                name="one_rsa_key_signs",
                violation_error_message=_("Another RSA key signs for this domain."),
            ),
            models.UniqueConstraint(
                fields=["domain", "local_parts"],
                condition=Q(state="signing", algorithm="ed25519"),
                name="one_ed25519_key_signs",
                violation_error_message=_("Another Ed25519 key signs for this domain."),
            ),
            models.CheckConstraint(
                name="a_selector_is_a_name_in_the_dns",
                condition=Q(selector__regex=IS_SELECTOR),
                violation_error_message=_(
                    "A selector has letters, digits and hyphens, with a dot between two parts, for example s2026."
                ),
            ),
            models.CheckConstraint(
                name="a_dkim_algorithm_is_known",
                condition=Q(algorithm__in=["rsa-1024", "rsa-2048", "rsa-3072", "rsa-4096", "ed25519"]),
            ),
            models.CheckConstraint(
                name="a_dkim_state_is_known",
                condition=Q(state__in=["prepared", "published", "signing", "retiring", "revoked", "gone"]),
            ),
            # Neither a path nor a PEM file by mistake; and nothing that would end a line of a table.
            models.CheckConstraint(
                name="a_public_key_is_base64", condition=Q(public_key__regex=r"^[A-Za-z0-9+/]+={0,2}$")
            ),
            # They become keys of the SigningTable.
            models.CheckConstraint(
                name="a_key_signs_for_local_parts",
                condition=Q(local_parts__regex=IS_LOCAL_PARTS),
                violation_error_message=_(
                    "Type what stands before the @, in letters, digits and . _ + = ~ -, with a blank between two."
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["signing_at"], name="dkim_keys_that_sign", condition=Q(state="signing")),
            models.Index(
                fields=["id"],
                name="dkim_keys_that_wait",
                condition=Q(state__in=["prepared", "published", "retiring", "revoked"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain.name}"

    def get_absolute_url(self) -> str:
        return f"{reverse('dkim_list', args=[self.domain.name])}#{self.selector}"

    def clean(self) -> None:
        """An undo may bring back a key whose private half is gone by now, or whose name another one has taken."""
        may_sign = self.state in (self.State.PREPARED, self.State.PUBLISHED, self.State.SIGNING)
        if self.pk and may_sign and not DkimPrivateKey.objects.filter(pk=self.pk).exists():
            raise ValidationError(_("The private key of %(key)s is gone. Make a new key.") % {"key": self.selector})
        longest = max(self.record_names, key=len).removesuffix(".")
        if may_sign and len(longest) > LONGEST_NAME:
            words = {"name": longest, "number": len(longest), "most": LONGEST_NAME}
            sentence = _(
                "%(name)s has %(number)d characters; a name in the DNS has %(most)d at most. Take a shorter selector."
            )
            raise ValidationError(sentence % words)
        if self.state != self.State.GONE and (found := self._at_one_name()):
            name, other = found
            sentence = _("%(name)s holds a key of %(domain)s already. Take another selector, or delete that key.")
            raise ValidationError(sentence % {"name": name, "domain": other.domain})

    def _at_one_name(self) -> "tuple[str, DkimKey] | None":
        """The name of a record that would hold a second key (RFC 6376, section 3.6.2.2), and the key that is there. A
        key that signs for alias domains stands in their zones, too."""
        there = DkimKey.objects.filter(selector=self.selector).exclude(state=self.State.GONE).select_related("domain")
        if self.domain.target_id:
            other = there.filter(domain=self.domain.target_id, for_alias_domains=True).first()
            return (str(self), other) if other else None
        other = there.filter(domain__target=self.domain_id).first() if self.for_alias_domains else None
        return (str(other), other) if other else None

    @property
    def family(self) -> str:
        """rsa or ed25519, as in k= of the record; one of each may sign side by side."""
        return "ed25519" if self.algorithm == self.Algorithm.ED25519 else "rsa"

    @property
    def senders(self) -> list[str]:
        """The local parts for which alone it signs; empty: for all."""
        return self.local_parts.split()

    @property
    def scope(self) -> tuple[str, str]:
        """One key signs at a time for this; the next one takes its place."""
        return self.family, self.local_parts

    @property
    def record_names(self) -> list[str]:
        """All names at which its record must be, the own domain first."""
        domains = [self.domain.name]
        if self.for_alias_domains:
            domains += sorted(one.name for one in self.domain.alias_domains.all())
        return [f"{self.selector}._domainkey.{name}." for name in domains]

    @property
    def record_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain.name}."

    @property
    def record_text(self) -> str:
        """RFC 6376, section 3.6.1, and RFC 8463; a revoked key is published with an empty p=."""
        key = "" if self.state == self.State.REVOKED else self.public_key
        return f"v=DKIM1; h=sha256; k={self.family}; s=email; p={key}"

    @property
    def record_strings(self) -> list[str]:
        """The text as a TXT record holds it."""
        text = self.record_text
        return [text[at : at + LONGEST_STRING] for at in range(0, len(text), LONGEST_STRING)]

    @property
    def record_quoted(self) -> str:
        return " ".join(f'"{part}"' for part in self.record_strings)

    @property
    def zone_line(self) -> str:
        return f"{self.record_name} 3600 IN TXT {self.record_quoted}"

    @property
    def since(self) -> object:
        """When it came into its state."""
        return getattr(self, f"{self.state}_at") if self.state != self.State.PREPARED else self.created_at


class DkimPrivateKey(models.Model):
    """The private half, encrypted; not in the history, never shown. It stays behind a deleted key for a while, without
    a foreign key, so that an undo finds it."""

    key = models.OneToOneField(
        DkimKey, primary_key=True, on_delete=models.DO_NOTHING, related_name="private", db_constraint=False
    )
    token = models.TextField(editable=False)
    retired_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            # What somebody stores in plain text by mistake is refused.
            models.CheckConstraint(name="a_private_key_is_encrypted", condition=Q(token__regex=IS_FERNET)),
        ]

    def __str__(self) -> str:
        return str(self.key_id)


class DkimKeyOnHost(models.Model):
    """A host that signs has written the file of a key; OpenDKIM there sees keys with such a row only."""

    host = models.CharField(_("host"), max_length=253, db_collation="C")
    key = models.ForeignKey(DkimKey, on_delete=models.CASCADE, related_name="on_hosts", db_constraint=False)
    path = models.CharField(_("path"), max_length=500, db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["host", "key"], name="a_host_has_a_key_once"),
            # OpenDKIM takes what begins with a slash for a file, anything else for the key itself.
            models.CheckConstraint(name="a_key_file_has_a_whole_path", condition=Q(path__regex=r"^/[!-$&-9;-~]+$")),
        ]

    def __str__(self) -> str:
        return f"{self.host}: {self.path}"


class LeftDkimName(models.Model):
    """A name in the DNS that a key has left: it is gone, deleted, or signs for alias domains no longer; or the alias
    domain is gone. Others may remember its record still, and would not verify what another key of that name signs.
    Triggers write these rows (migration 0015), whoever deletes the key or the domain; not in the history."""

    name = models.TextField(db_collation="C")
    public_key = models.TextField(db_collation="C")
    left_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["name"], name="left_dkim_names_by_name")]

    def __str__(self) -> str:
        return self.name
