"""The flat lookup tables of Postfix: a key, a result, and one table for each noun, all of the same shape.

A new noun: a class here with its two shapes, an SQL function for each of its parameters, its words in nouns.py and
history_words.py, a command of three lines. Pages and services are there already."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Reverse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.lines import LineField
from accounts.sealing import IS_FERNET
from accounts.tracking import tracked
from lookup_tables import keys, results

LONGEST_KEY, LONGEST_RESULT = 320, 500  # characters


class Entry(models.Model):
    """One row of a table. Concrete classes say what a key and a result look like, and which parameters they answer."""

    noun: ClassVar[str]
    parameters: ClassVar[Mapping[str, str]]  # what it applies to -> the parameter that asks
    normalised_key: ClassVar["staticmethod[[str], str]"]  # what people type as Postfix has it, or ValidationError
    normalised_result: ClassVar["staticmethod[[str], str]"]

    key = models.CharField(_("key"), max_length=LONGEST_KEY, db_collation="C")
    own_script = models.CharField(
        _("key in its own script"),
        max_length=LONGEST_KEY,
        blank=True,
        default="",
        editable=False,
        db_collation="C",
        help_text=_("What Postfix asks for when somebody names the domain by its U-label (RFC 6531); else empty."),
    )
    result = models.CharField(_("result"), max_length=LONGEST_RESULT, db_collation="C")
    comment = LineField(_("comment"), max_length=500, blank=True)
    active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        abstract = True
        ordering = ["key"]
        indexes = [
            models.Index(fields=["own_script"], name="%(class)s_own_script", condition=~Q(own_script="")),
            models.Index(Reverse("key"), name="%(class)s_by_domain"),  # of all addresses in one
        ]

    def __str__(self) -> str:
        return self.key

    def get_absolute_url(self) -> str:
        return reverse(self.noun, args=[self.pk])

    @property
    def parameter(self) -> str:
        """The parameter of main.cf by which Postfix asks for this row."""
        return self.parameters[getattr(self, "applies_to", "")]


def shapes(noun: str, *, key: str, result: str, twice: Any, unique: tuple[str, ...] = ("key",)) -> list[Any]:
    """The constraints that every table has: what Postfix would stumble over, or never ask for, cannot be stored."""
    return [
        models.UniqueConstraint(fields=unique, name=f"a_{noun}_key_is_there_once", violation_error_message=twice),
        models.CheckConstraint(
            name=f"a_{noun}_key_is_what_postfix_asks_for",
            condition=Q(key__regex=key),
            violation_error_message=_("Postfix would never ask for this key."),
        ),
        models.CheckConstraint(
            name=f"a_{noun}_result_is_what_postfix_takes",
            condition=Q(result__regex=result),
            violation_error_message=_("Postfix would not take this result."),
        ),
    ]


@tracked()
class Transport(Entry):
    """transport(5): by which program and to which next hop mail for an address or a domain goes."""

    noun = "transport"
    parameters = {"": "transport_maps"}
    normalised_key = staticmethod(keys.transport_key)
    normalised_result = staticmethod(results.transport)

    class Meta(Entry.Meta):
        verbose_name = _("transport")
        verbose_name_plural = _("transports")
        constraints = shapes(
            "transport",
            key=keys.IS_TRANSPORT_KEY,
            result=results.IS_TRANSPORT,
            twice=_("There is a transport for this already."),
        )


@tracked()
class TlsPolicy(Entry):
    """postconf(5), smtp_tls_policy_maps: how mail to a next hop is encrypted."""

    noun = "tls_policy"
    parameters = {"": "smtp_tls_policy_maps"}
    normalised_key = staticmethod(keys.nexthop_key)
    normalised_result = staticmethod(results.tls_policy)

    class Meta(Entry.Meta):
        verbose_name = _("TLS policy")
        verbose_name_plural = _("TLS policies")
        constraints = shapes(
            "tls_policy",
            key=results.IS_NEXTHOP_KEY,
            result=results.IS_TLS_POLICY,
            twice=_("There is a TLS policy for this next hop already."),
        )


@tracked(manual=["password_changed"])
class SenderRelay(Entry):
    """postconf(5), sender_dependent_relayhost_maps: through which relay a sender's mail leaves, and as whom."""

    noun = "sender_relay"
    parameters = {"": "sender_dependent_relayhost_maps"}
    normalised_key = staticmethod(keys.address_or_domain)
    normalised_result = staticmethod(keys.host_and_port)

    username = models.CharField(
        _("user name"), max_length=254, blank=True, default="", help_text=_("With which Postfix signs in at the relay.")
    )

    class Meta(Entry.Meta):
        verbose_name = _("sender relay")
        verbose_name_plural = _("sender relays")
        constraints = [
            *shapes(
                "sender_relay",
                key=keys.IS_ADDRESS_OR_DOMAIN,
                result=results.IS_RELAY,
                twice=_("There is a relay for this sender already."),
            ),
            # One line of texthash: "key username:password". The first colon ends the user name.
            models.CheckConstraint(
                name="a_relay_username_is_plain",
                condition=Q(username__regex=r"^([!-9;-~]([ -9;-~]*[!-9;-~])?)?$"),
                violation_error_message=_("A user name is ASCII without a colon, by which Postfix parts it off."),
            ),
            # texthash takes no other way to write such a key, not even quotes (postmap(1)).
            models.CheckConstraint(
                name="a_relay_password_is_no_comment",
                condition=~Q(key__startswith="#") | Q(username=""),
                violation_error_message=_(
                    "Postfix takes a line that begins with # for a comment and would not sign in for this sender. "
                    "Leave the user name out, or write @ and the domain as the sender."
                ),
            ),
        ]


class RelayPassword(models.Model):
    """The password for a relay, encrypted. Not in the history, never shown.

    It outlives the relay, or its user name, until it is purged, so that an undo brings back who can sign in."""

    relay = models.OneToOneField(
        SenderRelay, on_delete=models.DO_NOTHING, related_name="credential", db_constraint=False
    )
    token = models.TextField(editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # What somebody stores in plain text by mistake is refused.
            models.CheckConstraint(name="a_relay_password_is_encrypted", condition=Q(token__regex=IS_FERNET)),
        ]

    def __str__(self) -> str:
        return str(self.relay_id)


@tracked()
class Bcc(Entry):
    """postconf(5), sender_bcc_maps and recipient_bcc_maps: one address that gets a copy."""

    class AppliesTo(models.TextChoices):
        SENDER = "sender", _("mail from it")
        RECIPIENT = "recipient", _("mail to it")

    noun = "bcc"
    parameters = {"sender": "sender_bcc_maps", "recipient": "recipient_bcc_maps"}
    normalised_key = staticmethod(keys.address_or_domain)
    normalised_result = staticmethod(results.one_address)

    applies_to = models.CharField(_("applies to"), max_length=9, choices=AppliesTo.choices, default=AppliesTo.RECIPIENT)

    class Meta(Entry.Meta):
        indexes = [*Entry.Meta.indexes, models.Index(fields=["result"], name="%(class)s_by_result")]
        verbose_name = _("BCC")
        verbose_name_plural = _("BCC")
        constraints = [
            *shapes(
                "bcc",
                key=keys.IS_ADDRESS_OR_DOMAIN,
                result=keys.IS_ONE_ADDRESS,
                twice=_("There is a copy for this already."),
                unique=("applies_to", "key"),
            ),
            models.CheckConstraint(name="a_bcc_is_known", condition=Q(applies_to__in=["sender", "recipient"])),
            models.CheckConstraint(
                name="a_bcc_is_not_for_itself",
                condition=~Q(key=F("result")),
                violation_error_message=_("This address gets the message anyway. Choose another one for the copy."),
            ),
        ]


@tracked()
class Relocated(Entry):
    """relocated(5): people who have gone, and where; smtpd says it in its 550."""

    noun = "relocated"
    parameters = {"": "relocated_maps"}
    normalised_key = staticmethod(keys.address_or_domain)
    normalised_result = staticmethod(results.one_line)

    class Meta(Entry.Meta):
        indexes = [*Entry.Meta.indexes, models.Index(fields=["result"], name="%(class)s_by_result")]
        verbose_name = _("relocated address")
        verbose_name_plural = _("relocated addresses")
        constraints = shapes(
            "relocated",
            key=keys.IS_ADDRESS_OR_DOMAIN,
            result=results.IS_ONE_LINE,
            twice=_("This address has a new place already."),
        )


@tracked()
class Canonical(Entry):
    """canonical(5): addresses that are rewritten in envelopes and headers."""

    class AppliesTo(models.TextChoices):
        ALL = "all", _("senders and recipients")
        SENDER = "sender", _("senders")
        RECIPIENT = "recipient", _("recipients")

    noun = "canonical"
    parameters = {
        "all": "canonical_maps",
        "sender": "sender_canonical_maps",
        "recipient": "recipient_canonical_maps",
    }
    normalised_key = staticmethod(keys.address_or_domain)
    normalised_result = staticmethod(results.address_or_domain)

    applies_to = models.CharField(_("applies to"), max_length=9, choices=AppliesTo.choices, default=AppliesTo.ALL)

    class Meta(Entry.Meta):
        indexes = [*Entry.Meta.indexes, models.Index(fields=["result"], name="%(class)s_by_result")]
        verbose_name = _("canonical address")
        verbose_name_plural = _("canonical addresses")
        constraints = [
            *shapes(
                "canonical",
                key=keys.IS_ADDRESS_OR_DOMAIN,
                result=keys.IS_ADDRESS_OR_DOMAIN_OF_ANYBODY,
                twice=_("This address is rewritten already."),
                unique=("applies_to", "key"),
            ),
            models.CheckConstraint(
                name="a_canonical_is_known", condition=Q(applies_to__in=["all", "sender", "recipient"])
            ),
        ]
