"""What was changed about one mailbox, for its owner: nothing of other people's mailboxes that changed with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from uuid import UUID

from django.apps import apps
from django.db.models import QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.history_reading import events_of
from accounts.models import ChangeSet
from accounts.pages import PersonRequest, list_page, owner_required
from domains.history_views import ICONS, ON_A_PAGE, Difference, differences, moment
from mailboxes.models import Mailbox

MOST_OF_A_KIND = 500  # events; older ones are an administrator's to look up
ABOUT_ONE = (  # nouns whose sentence names nobody else
    "mailbox",
    "alias",
    "out_of_office",
    "owner",
    "sender",
    "app_password",
    "recovery_address",
)


@dataclass(frozen=True)
class Change:
    """A change set, as far as it was about this mailbox."""

    change_set: ChangeSet
    sentence: str
    icon: str
    differences: list[Difference]


@owner_required
@require_safe
def my_history(request: PersonRequest) -> HttpResponse:
    mailbox = get_object_or_404(Mailbox.objects.owned_by(request.user).with_address())
    page = list_page(
        change_sets_about(mailbox),
        request,
        key=("created_at", "id"),
        descending=True,
        size=ON_A_PAGE,
        read=(moment, UUID),
    )
    context = {"mailbox": mailbox, "page": page, "days": _days(page.rows, mailbox)}
    return render(request, "mailboxes/my_history.html", context)


def change_sets_about(mailbox: Mailbox) -> QuerySet[ChangeSet]:
    """By the events of the mailbox, of the alias beside it and of what belongs to it, since the mailbox is there: its
    address may have been somebody else's before."""
    events = apps.get_model("mailboxes", "MailboxEvent")._default_manager
    since = events.filter(pgh_obj=mailbox.pk).order_by("pgh_created_at").values("pgh_created_at")[:1]
    legs = [
        apps.get_model("mailboxes", name)
        ._default_manager.filter(**key, pgh_context__isnull=False, pgh_created_at__gte=Subquery(since))
        .order_by("-pgh_created_at")
        .values_list("pgh_context", flat=True)[:MOST_OF_A_KIND]
        for name, key in (
            ("MailboxEvent", {"pgh_obj": mailbox.pk}),
            ("AddressEvent", {"pgh_obj": mailbox.address_id}),
            ("AliasEvent", {"address": mailbox.address_id}),
            ("OutOfOfficeEvent", {"mailbox": mailbox.pk}),
            ("PermittedSenderEvent", {"mailbox": mailbox.pk}),
            ("AppPasswordEvent", {"mailbox": mailbox.pk}),
            ("RecoveryAddressEvent", {"mailbox": mailbox.pk}),
        )
    ]
    numbers = set(legs[0].union(*legs[1:]))
    return ChangeSet.objects.filter(pk__in=numbers).order_by("-created_at", "id")


def _days(change_sets: Sequence[ChangeSet], mailbox: Mailbox) -> list[tuple[date, list[Change]]]:
    events = events_of([change_set.pk for change_set in change_sets], limit=200)
    changes = []
    for change_set in change_sets:
        own = [event for event in events.get(change_set.pk, []) if event.subject == str(mailbox)]
        is_about_one = change_set.value("noun") in ABOUT_ONE
        sentence = change_set.sentence if is_about_one else _("Changed together with others")
        icon = ICONS.get(str(change_set.value("verb")), "pencil")
        changes.append(Change(change_set, sentence, icon, differences(own)))
    return [
        (day, list(group))
        for day, group in groupby(changes, key=lambda change: timezone.localdate(change.change_set.created_at))
    ]
