"""What Falcot's mailboxes store in the demo, as if Dovecot had said it for two months."""

from datetime import timedelta

from django.utils import timezone

from domains.models import Domain
from mailboxes.models import DomainUse, Mailbox, Usage
from mailboxes.usage import FIRST_LEVEL, LAST_LEVEL

GIB = 2**30
STORED = {"jean": (9.1, 20_412), "laure": (3.2, 8_930), "sophie": (4.85, 11_004)}  # GiB, messages
DAYS = 60


def load_use() -> None:
    """Nothing here has a history: it is what is stored, not what somebody did."""
    domain = Domain.objects.get(name="falcot.org")
    for mailbox in Mailbox.objects.with_address().filter(address__domain=domain, address__local_part__in=STORED):
        gib, messages = STORED[mailbox.address.local_part]
        values = {"domain": domain, "username": str(mailbox), "bytes": int(gib * GIB), "messages": messages}
        Usage.objects.update_or_create(mailbox=mailbox, defaults=values)
        Usage.objects.filter(pk=mailbox.pk, percent__gte=FIRST_LEVEL).update(warned=LAST_LEVEL)  # no mail
    today, all_of_it = timezone.localdate(), sum(gib for gib, _messages in STORED.values()) * GIB
    DomainUse.objects.bulk_create(
        [
            DomainUse(
                domain=domain,
                day=today - timedelta(days=back),
                bytes=int(all_of_it * (1 - back / 90 + (back % 7) / 200)),
                messages=40_000 - 250 * back,
                mailboxes=len(STORED),
            )
            for back in range(DAYS)
        ],
        ignore_conflicts=True,
    )
