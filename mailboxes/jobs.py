"""Long work of this room, by the names under which jobs are started."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, override

from accounts.actors import Actor, Door
from accounts.models import ChangeSet
from domains.dkim_keys import forget_private_keys
from domains.history import change_sets_visible_to
from jobs.mail import automatic_mail
from jobs.models import Job
from jobs.services import job_kind, show_progress, start_job
from mailboxes.broadcasts import BROADCAST, go_on
from mailboxes.credentials_purge import purge_credentials
from mailboxes.default_aliases import add_all_default_aliases
from mailboxes.domain_use import write_day
from mailboxes.imports import forget_old_imports, write_import
from mailboxes.loops import refuse_loop_by_delimiter
from mailboxes.models import Import, PasswordLink
from mailboxes.quarantine import delete_ended_quarantines
from mailboxes.recovery import SENDING, WHAT_OPENS, forget_old_links, new_token
from mailboxes.report import check_aliases
from mailboxes.undo import undo_change_set

ALIAS_REPORT, DEFAULT_ALIASES, IMPORT, UNDO = "alias_report", "default_aliases", "import", "undo"
REMARKS_KEPT = 100  # of an undo
IMPORT_LABELS = {
    Import.Kind.MAILBOXES: gettext_noop("Import of mailboxes"),
    Import.Kind.ALIASES: gettext_noop("Import of aliases"),
    Import.Kind.DOMAINS: gettext_noop("Import of domains"),
}


@job_kind(ALIAS_REPORT)
def alias_report(job: Job) -> dict[str, Any]:
    purge_credentials()
    delete_ended_quarantines(by=Actor.from_task("the nightly check"))
    forget_old_imports()
    forget_private_keys()
    write_day(timezone.localdate())
    forget_old_links()
    return check_aliases(job)


@job_kind(DEFAULT_ALIASES)
def default_aliases(job: Job) -> dict[str, Any]:
    by = Actor(user=job.started_by, door=Door.TASK) if job.started_by else Actor.from_task(DEFAULT_ALIASES)
    return add_all_default_aliases(show=lambda done, total: show_progress(job, done, total), by=by)


@job_kind(SENDING)
def send_password_link(job: Job) -> dict[str, Any]:
    """By mail. What opens the link is made here, so that it stands in no table and no queue."""
    link = PasswordLink.objects.select_related("mailbox__address__domain").filter(pk=job.arguments["link"]).first()
    if link is None or link.used_at or link.expires_at <= timezone.now():
        return {"sent": False}
    with override(job.arguments["language"]):
        words = {"mailbox": link.mailbox, "url": job.arguments["url"].replace(WHAT_OPENS, new_token(link))}
        is_reset = link.purpose == PasswordLink.Purpose.RESET
        subject = _("A new password for %(mailbox)s") if is_reset else _("Recovery address of %(mailbox)s")
        text = render_to_string(f"mailboxes/mail_{link.purpose}.txt", words)
        automatic_mail(subject % words, text, link.address).send()
    return {"sent": True}


@job_kind(BROADCAST)
def broadcast(job: Job) -> dict[str, Any]:
    return go_on(job)


def start_default_aliases(*, by: Actor) -> Job:
    return start_job(DEFAULT_ALIASES, by=by, label=gettext_noop("Adding of default aliases"))


def after_another_delimiter(by: Actor) -> None:
    """No loop that is found at once is saved; what else leads elsewhere now is for the check of all aliases to say."""
    refuse_loop_by_delimiter()
    start_alias_report(by=by)


def start_alias_report(*, by: Actor) -> Job:
    return start_job(ALIAS_REPORT, by=by, label=gettext_noop("Check of all aliases"))


@job_kind(IMPORT)
def import_lines(job: Job) -> dict[str, Any]:
    """Writes what was looked at, in the name of the person who uploaded it. Written once, it is only told again."""
    one = Import.objects.select_related("user").filter(pk=job.arguments["import"]).first()
    if one is None or one.user is None:
        raise RuntimeError(_("This file was forgotten meanwhile. Upload it again."))
    door, token = Door(job.arguments["door"]), job.arguments.get("token", "")
    by = Actor(user=one.user, door=door, host=one.host, token=token)
    with override(one.user.language or settings.LANGUAGE_CODE):
        try:
            change_set = write_import(one, show=lambda done, total: show_progress(job, done, total), by=by)
        except ValidationError as error:
            raise RuntimeError(" ".join(error.messages)) from error
    show_progress(job, one.lines, one.lines)
    result = {"kind": one.kind, "new": one.new, "there": one.there, "change_set": None, "may_undo": False}
    if change_set:
        seen = change_sets_visible_to(one.user).filter(pk=change_set)
        result |= {"change_set": str(change_set), "may_undo": seen.exists()}
    return result


def start_import(one: Import, *, by: Actor) -> Job:
    """Once only: a second call gives the job of the first."""
    with transaction.atomic():
        locked = Import.objects.select_for_update(of=("self",)).select_related("job").get(pk=one.pk)
        if locked.job is None:
            label = IMPORT_LABELS[Import.Kind(one.kind)]
            arguments: dict[str, Any] = {"import": one.pk, "door": str(by.door), "token": by.token}
            locked.job = start_job(IMPORT, by=by, label=label, **arguments)
            locked.save(update_fields=["job"])
    return locked.job


@job_kind(UNDO)
def undo(job: Job) -> dict[str, Any]:
    """In the name of the person who started it, with the rights of now. Done once, it is only told again: the result is
    written with what was done."""
    if job.result:
        return dict(job.result)
    user, door = job.started_by, Door(job.arguments["door"])
    remarks: list[str] = []
    seen = change_sets_visible_to(user).filter(pk=job.arguments["change_set"]) if user and user.is_active else None
    change_set = seen.first() if seen is not None else None
    if user is None or change_set is None:
        raise RuntimeError(_("Whoever started this may not see that change any more."))
    by = Actor(user=user, door=door, host=job.arguments["host"], token=job.arguments["token"])
    with override(user.language or settings.LANGUAGE_CODE), transaction.atomic():
        number = undo_change_set(change_set, tell=remarks.append, by=by)
        result: dict[str, Any] = {
            "undid": str(change_set.pk),
            "change_set": str(number),
            "sentence": change_set.sentence,
        }
        result |= {"remarks": remarks[:REMARKS_KEPT], "more_remarks": len(remarks[REMARKS_KEPT:])}
        Job.objects.filter(pk=job.pk).update(result=result)
    return result


def start_undo(change_set: ChangeSet, *, by: Actor) -> Job:
    """Of a change set that is too large for a request. While that is not finished, a second call gives the same job."""
    arguments = {"change_set": str(change_set.pk), "door": str(by.door), "host": by.host, "token": by.token}
    unfinished = Job.objects.filter(state__in=[Job.State.WAITING, Job.State.RUNNING], kind=UNDO, started_by=by.user)
    there = unfinished.filter(arguments__change_set=str(change_set.pk)).first()
    return there or start_job(UNDO, by=by, label=gettext_noop("Undo of a large change"), **arguments)
