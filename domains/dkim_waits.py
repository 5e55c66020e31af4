"""What a DKIM key waits for on its way from state to state, in a sentence; dns_records/rotation.py asks the DNS."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from domains.dkim_models import DkimKey, DkimKeyOnHost
from domains.models import MailSettings, seen_by

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

State = DkimKey.State
DAYS_IN_A_MONTH = 365.25 / 12
SILENT = timedelta(minutes=15)  # a host that signs reports each minute


class DkimWaitQuerySet(models.QuerySet["DkimWait"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(seen_by(user, "key__domain__"))

    def for_people(self) -> Self:
        """What people have to do now. A look that came before the last step of a key no longer counts."""
        return self.filter(needs_person=True, key__state=F("state"))


class DkimWait(models.Model):
    """The last look at a key that is on its way. Not in the history: it changes with each look."""

    class Reason(models.TextChoices):
        NOT_ASKED = "not_asked", _("The name servers have not been asked yet.")
        MISSING = "missing", _("%(server)s does not have %(name)s yet.")
        DIFFERENT = "different", _("%(server)s has another record at %(name)s: %(found)s")
        SEVERAL = "several", _("%(server)s has more than one record at %(name)s.")
        NO_ANSWER = "no_answer", _("It is not known whether it is everywhere: %(said)s")
        HOST = "host", _("%(host)s has no file of it yet. Run opendkim_sync there, or sign by hand.")
        NO_HOST = "no_host", _("No host has its file yet. Run opendkim_sync where mail is signed, or sign by hand.")
        BY_HAND = "by_hand", _("All name servers have the record. It signs when you say so.")
        KEPT = "kept", _("Mail on its way is verified with this record until %(until)s.")
        STILL_THERE = "still_there", _("%(server)s still has %(name)s.")
        EMPTIED = "emptied", _("All name servers have the record with an empty p=. It may stay.")
        FAILED = "failed", _("The panel fails at it, and tries again: %(said)s")

    key = models.OneToOneField(DkimKey, primary_key=True, on_delete=models.CASCADE, related_name="wait")
    state = models.CharField(max_length=10, choices=State.choices)  # of the key at that look
    reason = models.CharField(max_length=12, choices=Reason.choices, default=Reason.NOT_ASKED)
    words = models.JSONField(default=dict)
    needs_person = models.BooleanField(default=True)
    since = models.DateTimeField(default=timezone.now)  # when this state began to wait
    asked_at = models.DateTimeField(null=True)
    ask_again_at = models.DateTimeField(null=True, default=timezone.now)  # null: a person moves it on

    objects = DkimWaitQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["ask_again_at"], name="dkim_waits_by_time"),
            models.Index(fields=["key"], name="dkim_waits_for_people", condition=Q(needs_person=True)),
        ]
        constraints = [
            models.CheckConstraint(
                name="a_dkim_wait_has_a_known_reason",
                condition=Q(
                    reason__in=[
                        *("not_asked", "missing", "different", "several", "no_answer"),
                        *("host", "no_host", "by_hand", "kept", "still_there", "emptied", "failed"),
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        return str(self.key_id)

    @property
    def why(self) -> str:
        """Why it goes no further, in a sentence."""
        words = dict(self.words)
        if "until" in words:
            words["until"] = date_format(timezone.localtime(datetime.fromisoformat(words["until"])), "DATE_FORMAT")
        if self.reason == self.Reason.HOST and (time := self._silence()):
            return str(IS_SILENT) % (words | {"time": time})
        if self.reason == self.Reason.FAILED and "said" not in words:
            return str(ITS_LOG_SAYS_WHY)
        return str(self.Reason(self.reason).label) % words

    def _silence(self) -> str:
        """For how long the host had not reported when it was looked at; "" if not for long."""
        reported_at = self.words.get("reported_at")
        if not reported_at or not self.asked_at or self.asked_at - datetime.fromisoformat(reported_at) <= SILENT:
            return ""
        return timesince(datetime.fromisoformat(reported_at), self.asked_at, depth=1)


IS_SILENT = _(
    "%(host)s has no file of it yet, and had not reported for %(time)s. Run opendkim_sync there, or forget that host "
    "if it is gone."
)
ITS_LOG_SAYS_WHY = _("The panel fails at it, and tries again. Its log says why.")
TO_DO: dict[str, "StrOrPromise"] = {
    State.PREPARED: _("Publish the record of %(key)s."),
    State.PUBLISHED: _("Sign with %(key)s."),
    State.RETIRING: _("Remove the record of %(key)s from the DNS."),
    State.REVOKED: _("Empty the p= in the record of %(key)s, or remove it."),
}
PUBLISH = TO_DO[State.PREPARED]
PAUSES: dict[str, "StrOrPromise"] = {
    DkimWait.Reason.MISSING: PUBLISH,
    DkimWait.Reason.NO_ANSWER: PUBLISH,
    DkimWait.Reason.DIFFERENT: _("Correct the record of %(key)s."),
    DkimWait.Reason.SEVERAL: _("Leave one record at the name of %(key)s."),
    DkimWait.Reason.HOST: _("Let %(host)s write the file of %(key)s: run opendkim_sync there."),
    DkimWait.Reason.NO_HOST: _("Let a host write the file of %(key)s: run opendkim_sync where mail is signed."),
}
FAILED = _("Mend what the panel says of %(key)s, or delete it.")


def to_do(key: DkimKey) -> str:
    """What a person does next about a key, in a sentence; "" if nothing is to be done."""
    wait = wait_of(key)
    if wait is None or not wait.needs_person:
        return ""
    is_on_its_way_in = key.state in (State.PREPARED, State.PUBLISHED)
    sentence = is_on_its_way_in and PAUSES.get(wait.reason) or TO_DO[key.state]
    if wait.reason == DkimWait.Reason.FAILED:
        sentence = FAILED
    return str(sentence) % {**wait.words, "key": key}


def wait_of(key: DkimKey) -> DkimWait | None:
    """What it waits for in the state in which it is now; None if for nothing."""
    wait: DkimWait | None = getattr(key, "wait", None)
    if key.state not in TO_DO:
        return None
    wait = wait if wait and wait.state == key.state else first_wait(key)
    if wait.reason == DkimWait.Reason.BY_HAND and not key.on_hosts.all():
        return DkimWait(key=key, state=key.state, reason=DkimWait.Reason.NO_HOST, since=wait.since, ask_again_at=None)
    return wait


def lacks_host(key: DkimKey) -> tuple[str, dict[str, str]] | None:
    """Why mail would leave unsigned if the key signed now, as the reason of a wait and its words: a host that signs
    with the key before has no file of this one, or no host has. None if all is well."""
    signing = DkimKey.objects.filter(domain_id=key.domain_id, state=State.SIGNING).exclude(pk=key.pk)
    before = [one.pk for one in signing if one.scope == key.scope]
    there = DkimKeyOnHost.objects.filter(key=key).values("host")
    lacking = DkimKeyOnHost.objects.filter(key__in=before).exclude(host__in=there).order_by("host")
    if host := lacking.values_list("host", flat=True).first():
        return DkimWait.Reason.HOST, {"host": host}
    return None if there.exists() else (DkimWait.Reason.NO_HOST, {})


def first_wait(key: DkimKey) -> DkimWait:
    """Before the first look. A retired key is looked at when its record may go."""
    wait = DkimWait(key=key, state=key.state)
    if key.state == State.RETIRING:
        until = may_go_at(key)
        wait.ask_again_at, wait.needs_person = until, False
        wait.reason, wait.words = DkimWait.Reason.KEPT, {"until": until.isoformat()}
    elif key.state == State.PUBLISHED:
        wait.needs_person = not key.signs_by_itself
        if wait.needs_person:
            wait.reason, wait.ask_again_at = DkimWait.Reason.BY_HAND, None
    return wait


def may_go_at(key: DkimKey, settings: MailSettings | None = None) -> datetime:
    """When the record of a retiring key may leave the DNS."""
    days = (settings or MailSettings.current()).dkim_retiring_days
    return (key.retiring_at or timezone.now()) + timedelta(days=days)


def rotates_at(key: DkimKey, settings: MailSettings) -> datetime | None:
    """When a key that signs gets a successor by itself; None if never."""
    months = settings.dkim_rotation_months
    return key.signing_at + timedelta(days=months * DAYS_IN_A_MONTH) if months and key.signing_at else None


def begin_to_wait(key: DkimKey) -> None:
    """Together with each new state."""
    if key.state not in TO_DO:
        DkimWait.objects.filter(key=key).delete()
        return
    wait = first_wait(key)
    values: dict[str, Any] = {
        field.name: getattr(wait, field.name) for field in DkimWait._meta.fields if not field.primary_key
    }
    DkimWait.objects.update_or_create(key=key, defaults=values)
