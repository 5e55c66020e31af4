"""What was seen in the DNS at the last check, since when it is so, what we have put there, and what senders hold."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.tracking import tracked
from domains.models import Domain, seen_by


class RecordState(models.TextChoices):
    RIGHT = "right", _("as expected")
    MISSING = "missing", _("missing")
    DIFFERENT = "different", _("differs")
    SEVERAL = "several", _("more than one")
    NOT_EVERYWHERE = "not_everywhere", _("not yet everywhere")
    WAITS = "waits", _("to be published")
    UNKNOWN = "unknown", _("no answer")


DNSSEC_STATES = {
    "signed": _("signed"),
    "unsigned": _("not signed"),
    "broken": _("broken"),
    "unknown": _("not known"),
}
LONGEST_NAME = 600  # characters: one of a report is made of two, and what is longer than the DNS allows is said
BROKEN = (RecordState.MISSING, RecordState.DIFFERENT, RecordState.SEVERAL)


class ZoneCheck(models.Model):
    """When the records of a domain were asked for last, and how they are: one row a domain. The mail hosts, which
    belong to no domain, have the row without one."""

    domain = models.OneToOneField(
        Domain, null=True, on_delete=models.CASCADE, related_name="zone_check", db_constraint=False
    )
    checked_at = models.DateTimeField(_("asked"))
    right = models.PositiveIntegerField(default=0)
    broken = models.PositiveIntegerField(default=0)
    others = models.PositiveIntegerField(default=0)
    dnssec = models.CharField(max_length=10, default="unknown")
    dnssec_known = models.CharField(max_length=10, default="")  # the last one but for unknown
    servers = ArrayField(models.CharField(max_length=253), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(Coalesce("domain", 0), name="one_check_of_a_domain"),
        ]
        indexes = [models.Index(fields=["domain"], name="zones_to_look_at", condition=Q(broken__gt=0))]

    def __str__(self) -> str:
        return str(self.domain or "")

    @property
    def dnssec_words(self) -> str:
        return str(DNSSEC_STATES[self.dnssec])


class RecordQuerySet(models.QuerySet["Record"]):
    def visible_to(self, user: User) -> models.QuerySet["Record"]:
        return self.filter(seen_by(user, "domain__"))


class Record(models.Model):
    """A record that is expected, what was seen of it last, and since when it is so. It changes with each check, so it
    has a history of its own, of states only: `RecordChange`."""

    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="records", db_constraint=False)
    purpose = models.CharField(max_length=20)
    name = models.CharField(max_length=LONGEST_NAME, db_collation="C")
    rdtype = models.CharField(max_length=5)
    expected = ArrayField(models.TextField())
    published = ArrayField(models.TextField(), default=list)
    state = models.CharField(max_length=14, choices=RecordState.choices)
    why = models.CharField(max_length=30, blank=True)  # a key of dns_records.words.WHY
    words = models.JSONField(default=dict)  # what stands in its sentence
    since = models.DateTimeField()
    # What was expected and what was there when it was right last. Empty once it is known to be lost.
    right_for = ArrayField(models.TextField(), default=list)
    right_with = ArrayField(models.TextField(), default=list)
    position = models.PositiveIntegerField(default=0)

    objects = RecordQuerySet.as_manager()

    class Meta:
        ordering = ["domain_id", "position"]
        constraints = [
            models.UniqueConstraint(
                Coalesce("domain", 0), "name", "rdtype", "purpose", name="a_record_is_expected_once"
            ),
        ]
        indexes = [models.Index(fields=["state", "domain"], name="records_by_state")]

    def __str__(self) -> str:
        return f"{self.name} {self.rdtype}"


TO_TELL = models.Q(told_at=None, is_loss=True)  # by the alarm mail


class RecordChange(models.Model):
    """A record was seen in another state than before, or what had been right before is lost."""

    domain = models.ForeignKey(
        Domain, null=True, on_delete=models.CASCADE, related_name="record_changes", db_constraint=False
    )
    purpose = models.CharField(max_length=20)
    name = models.CharField(max_length=LONGEST_NAME, db_collation="C")
    rdtype = models.CharField(max_length=5)
    at = models.DateTimeField(_("seen"))
    before = models.CharField(max_length=14, blank=True)
    after = models.CharField(max_length=14, choices=RecordState.choices)
    published = ArrayField(models.TextField(), default=list)
    why = models.CharField(max_length=30, blank=True)
    words = models.JSONField(default=dict)
    is_loss = models.BooleanField(default=False)  # what was right is not any more, and we expect nothing else
    told_to = ArrayField(models.BigIntegerField(), default=list)  # people, by their numbers
    told_at = models.DateTimeField(null=True)  # when all of them had the alarm mail about it

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["domain", "-id"], name="record_changes_of_a_domain"),
            models.Index(fields=["-id"], name="record_changes_of_mail_hosts", condition=Q(domain=None)),
            models.Index(fields=["id"], name="record_changes_to_tell", condition=TO_TELL),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.rdtype}: {self.after}"


@tracked()
class PublishedRecord(models.Model):
    """What the panel has put into the DNS: only this does it change or take away again."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="published_records", db_constraint=False)
    name = models.CharField(max_length=253, db_collation="C")
    rdtype = models.CharField(max_length=5)
    value = models.TextField()
    at = models.DateTimeField(_("published"), auto_now=True)

    class Meta:
        verbose_name = _("published record")
        constraints = [
            models.UniqueConstraint(fields=["domain", "name", "rdtype", "value"], name="a_record_is_put_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.rdtype} {self.value}"


class SentRecord(models.Model):
    """What an update was to put into the DNS, from before it is sent until its answer has come. Without an answer
    nobody knows whether it is there; if it is, it is ours."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="sent_records", db_constraint=False)
    name = models.CharField(max_length=253, db_collation="C")
    rdtype = models.CharField(max_length=5)
    value = models.TextField()

    def __str__(self) -> str:
        return f"{self.name} {self.rdtype} {self.value}"


class HeldPolicy(models.Model):
    """Until when senders may hold a policy of MTA-STS that was served for a domain and was not “none”. It changes with
    what others ask for, so it is not in the history."""

    domain = models.OneToOneField(Domain, primary_key=True, on_delete=models.CASCADE, related_name="held_policy")
    until = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.domain_id)
