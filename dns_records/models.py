"""What should stand in the DNS: settings for all domains and for one, and the name servers that take updates."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.sealing import IS_FERNET
from accounts.tracking import tracked
from dns_records import fields
from dns_records.fields import MailHost
from dns_records.record_models import (
    HeldPolicy,
    PublishedRecord,
    Record,
    RecordChange,
    RecordState,
    SentRecord,
    ZoneCheck,
)
from domains.fields import DOMAIN_REGEX, normalised_domain
from domains.models import Domain

__all__ = ["DmarcPolicy", "DnsSettings", "DomainDns", "UpdateSecret", "UpdateServer"]
__all__ += ["HeldPolicy", "PublishedRecord", "Record", "RecordChange", "RecordState", "SentRecord", "ZoneCheck"]

LONGEST_SENTENCE = 500


class DmarcPolicy(models.TextChoices):
    """RFC 7489, section 6.3."""

    NONE = "none", _("none: only report")
    QUARANTINE = "quarantine", _("quarantine: mark as suspicious")
    REJECT = "reject", _("reject")


@tracked(manual=["password_changed"])
class UpdateServer(models.Model):
    """A name server that takes dynamic updates (RFC 2136), and the key (TSIG, RFC 8945) by which it knows the panel."""

    class Algorithm(models.TextChoices):
        SHA256 = "hmac-sha256", "HMAC-SHA256"
        SHA512 = "hmac-sha512", "HMAC-SHA512"

    name = models.CharField(
        _("name of the key"),
        max_length=253,
        unique=True,
        db_collation="C",
        help_text=_("As the name server has it; a key of this name must be there too."),
        error_messages={"unique": _("There is a key of this name already. Change that one.")},
    )
    address = models.GenericIPAddressField(
        _("address of the name server"), help_text=_("Of the primary server, which takes updates.")
    )
    port = models.PositiveIntegerField(_("port"), default=53)
    algorithm = models.CharField(_("algorithm"), max_length=11, choices=Algorithm.choices, default=Algorithm.SHA256)
    for_all = models.BooleanField(
        _("for all domains"),
        default=False,
        help_text=_("Holds for every domain whose own settings name no other."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("update server")
        verbose_name_plural = _("update servers")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="a_tsig_key_has_a_name",
                condition=Q(name__regex=DOMAIN_REGEX.replace("a-z0-9", "a-z0-9_")),
                violation_error_message=_("The name of a key has letters, digits, hyphens and dots."),
            ),
            models.CheckConstraint(
                name="a_tsig_algorithm_is_known", condition=Q(algorithm__in=["hmac-sha256", "hmac-sha512"])
            ),
            models.CheckConstraint(
                name="an_update_server_has_a_port",
                condition=Q(port__gte=1, port__lte=65535),
                violation_error_message=_("A port is a number from 1 to 65535."),
            ),
            models.UniqueConstraint(
                fields=["for_all"],
                condition=Q(for_all=True),
                name="one_update_server_for_all",
                violation_error_message=_("Another update server is for all domains already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("dns_settings") + "#updates"


class UpdateSecret(models.Model):
    """The secret of a key, encrypted; not in the history, never shown."""

    server = models.OneToOneField(UpdateServer, primary_key=True, on_delete=models.CASCADE, related_name="secret")
    token = models.TextField(editable=False)

    class Meta:
        constraints = [
            # What somebody stores in plain text by mistake is refused.
            models.CheckConstraint(name="a_tsig_secret_is_encrypted", condition=Q(token__regex=IS_FERNET)),
        ]

    def __str__(self) -> str:
        return str(self.server_id)


@tracked()
class DnsSettings(models.Model):
    """What holds for the records of all domains: one row."""

    class StsMode(models.TextChoices):
        OFF = "", _("off: no policy")
        NONE = "none", _("none: a policy that asks for nothing")
        TESTING = "testing", _("testing: only report")
        ENFORCE = "enforce", _("enforce: no delivery without TLS")

    SERVICES = {  # port of each (RFC 6186, RFC 8314)
        "imaps": 993,
        "imap": 143,
        "pop3s": 995,
        "submissions": 465,
        "submission": 587,
        "sieve": 4190,
    }

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    hosts = models.TextField(
        _("mail hosts"),
        blank=True,
        help_text=_("One a line: its name, then its addresses. The first is preferred, the others stand behind it."),
    )
    certificates = models.TextField(
        _("certificates"),
        blank=True,
        help_text=_("Of the mail hosts, for TLSA: in PEM, or the whole path of a file that the panel can read."),
    )
    spf_senders = models.CharField(
        _("other servers that send"),
        max_length=LONGEST_SENTENCE,
        blank=True,
        help_text=_("Terms of SPF, for example ip4:192.0.2.8 include:_spf.example.net. The mail hosts are in anyway."),
    )
    spf_strict = models.BooleanField(
        _("refuse other servers"),
        default=True,
        help_text=_("-all: mail from other servers is not from us. Otherwise ~all: it is suspicious."),
    )
    dmarc_policy = models.CharField(
        _("DMARC policy"), max_length=10, choices=DmarcPolicy.choices, default=DmarcPolicy.NONE
    )
    dmarc_subdomains = models.CharField(
        _("DMARC policy of subdomains"),
        max_length=10,
        blank=True,
        choices=[("", _("as the domain")), *DmarcPolicy.choices],
    )
    dmarc_percent = models.PositiveSmallIntegerField(
        _("percent of mail"), default=100, help_text=_("To how much of the mail that fails the policy applies (pct).")
    )
    dmarc_reports = models.CharField(
        _("DMARC reports"),
        max_length=LONGEST_SENTENCE,
        blank=True,
        help_text=_("Who gets the daily reports (rua): addresses with blanks between them."),
    )
    dmarc_failures = models.CharField(
        _("reports of single messages"),
        max_length=LONGEST_SENTENCE,
        blank=True,
        help_text=_("Who gets a report for a message that fails (ruf). Few receivers send them."),
    )
    dmarc_strict = models.BooleanField(
        _("strict alignment"),
        default=False,
        help_text=_("The names in From, DKIM and the envelope must be the same, not only of one organisation."),
    )
    sts_mode = models.CharField(
        "MTA-STS",
        max_length=7,
        blank=True,
        choices=StsMode.choices,
        default=StsMode.OFF,
        help_text=_("Switched off, it is none first, for as long as senders may hold another policy."),
    )
    sts_days = models.PositiveSmallIntegerField(
        _("days that a policy is kept"), default=7, help_text=_("So long others remember it (max_age of RFC 8461).")
    )
    tls_reports = models.CharField(
        _("TLS reports"),
        max_length=LONGEST_SENTENCE,
        blank=True,
        help_text=_("Who gets reports about deliveries without TLS (RFC 8460)."),
    )
    client_host = models.CharField(
        _("server for mail programs"),
        max_length=253,
        blank=True,
        help_text=_("The name at which mail programs find IMAP and submission. Empty: no such records."),
    )
    services = models.CharField(
        _("services for mail programs"),
        max_length=100,
        blank=True,
        default="imaps submissions",
        help_text=_("Of imaps, imap, pop3s, submissions, submission and sieve, with blanks between them."),
    )
    panel_host = models.CharField(
        _("web server of the panel"),
        max_length=253,
        blank=True,
        help_text=_("Names such as mta-sts.example.org and autoconfig.example.org point there."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("DNS settings")
        constraints = [
            models.CheckConstraint(name="one_row_of_dns_settings", condition=Q(id=1)),
            models.CheckConstraint(
                name="a_dmarc_policy_is_known",
                condition=Q(dmarc_policy__in=["none", "quarantine", "reject"])
                & Q(dmarc_subdomains__in=["", "none", "quarantine", "reject"]),
            ),
            models.CheckConstraint(
                name="a_percentage_ends_at_100",
                condition=Q(dmarc_percent__lte=100),
                violation_error_message=_("A percentage is a number from 0 to 100."),
            ),
            models.CheckConstraint(
                name="an_mta_sts_mode_is_known", condition=Q(sts_mode__in=["", "none", "testing", "enforce"])
            ),
            models.CheckConstraint(
                name="an_mta_sts_policy_is_kept_for_a_year_at_most",
                condition=Q(sts_days__gte=1, sts_days__lte=365),
                violation_error_message=_("Others keep a policy for 1 to 365 days."),
            ),
        ]

    def __str__(self) -> str:
        return str(_("DNS settings"))

    @classmethod
    def current(cls) -> "DnsSettings":
        return cls.objects.get(pk=1)

    @property
    def mail_hosts(self) -> list[MailHost]:
        return fields.mail_hosts(self.hosts)

    def clean(self) -> None:
        """Each value in its normal spelling; all faults at once."""
        faults = _normalise(
            self,
            hosts=fields.normal_hosts,
            spf_senders=fields.spf_terms,
            dmarc_reports=fields.report_addresses,
            dmarc_failures=fields.report_addresses,
            tls_reports=fields.report_addresses,
            client_host=_name_or_nothing,
            panel_host=_name_or_nothing,
            services=_known_services,
            certificates=_readable_certificates,
        )
        if self.sts_mode and not self.panel_host:
            faults.setdefault("sts_mode", []).append(
                str(_("The policy is served by the panel. Name the web server of the panel too."))
            )
        if faults:
            raise ValidationError(faults)


@tracked()
class DomainDns(models.Model):
    """Where one domain differs from the DNS settings. A domain without such a row follows them."""

    domain = models.OneToOneField(Domain, verbose_name=_("domain"), on_delete=models.CASCADE, related_name="dns")
    is_checked = models.BooleanField(
        _("records are checked"),
        default=True,
        help_text=_("Every night, with a mail to its admins when what was right breaks."),
    )
    dmarc_policy = models.CharField(
        _("DMARC policy"),
        max_length=10,
        blank=True,
        choices=[("", _("as in the DNS settings")), *DmarcPolicy.choices],
    )
    dmarc_reports = models.CharField(
        _("DMARC reports"),
        max_length=LONGEST_SENTENCE,
        blank=True,
        help_text=_("Who gets the daily reports of this domain; empty: as in the DNS settings."),
    )
    spf_senders = models.CharField(
        _("other servers that send"),
        max_length=LONGEST_SENTENCE,
        blank=True,
        help_text=_("Terms of SPF for this domain, for example include:_spf.example.net."),
    )
    server = models.ForeignKey(
        UpdateServer,
        verbose_name=_("update server"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="domains",
        help_text=_("Where its records are published; empty: the one for all domains."),
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("DNS settings of a domain")
        constraints = [
            models.CheckConstraint(
                name="a_dmarc_policy_of_a_domain_is_known",
                condition=Q(dmarc_policy__in=["", "none", "quarantine", "reject"]),
            ),
        ]

    def __str__(self) -> str:
        return str(self.domain)

    def clean(self) -> None:
        if faults := _normalise(self, spf_senders=fields.spf_terms, dmarc_reports=fields.report_addresses):
            raise ValidationError(faults)


def _normalise(row: models.Model, **spellings: Callable[[str], str]) -> dict[str, list[str]]:
    """Brings each of these columns into its normal spelling; what is wrong, by column."""
    faults: dict[str, list[str]] = {}
    for name, normal in spellings.items():
        try:
            setattr(row, name, normal(getattr(row, name)))
        except ValidationError as error:
            faults[name] = error.messages
    return faults


def _name_or_nothing(text: str) -> str:
    return normalised_domain(text) if text.strip() else ""


def _known_services(text: str) -> str:
    wanted = text.split()
    unknown = [word for word in wanted if word not in DnsSettings.SERVICES]
    if unknown:
        words = {"word": unknown[0], "known": ", ".join(DnsSettings.SERVICES)}
        raise ValidationError(_("“%(word)s” is no service. Known are: %(known)s.") % words)
    return " ".join(word for word in DnsSettings.SERVICES if word in wanted)


def _readable_certificates(text: str) -> str:
    fields.certificates(text)
    return text.strip()
