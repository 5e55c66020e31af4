"""DKIM keys for the demo, in each state: one that signs, those before it, one of which leaked, and two that wait for
their record and for a person."""

from datetime import datetime, timedelta

from django.utils import timezone

from accounts.actors import Actor
from accounts.history import recorded
from domains.dkim_hosts import report_host
from domains.dkim_keys import generate
from domains.dkim_models import DkimKey, DkimKeyOnHost
from domains.dkim_services import add_dkim_key, move_dkim_key
from domains.dkim_waits import DkimWait, begin_to_wait
from domains.models import Domain

State = DkimKey.State
REASON = "The demo says so"
HOST = "mx1.falcot.com"


def load_dkim_keys(*, by: Actor) -> None:
    """In one change set, as if it had gone on for half a year."""
    domain, now = Domain.objects.get(name="falcot.org"), timezone.now()
    with recorded("load", "demo", "DKIM", domain=domain.name, by=by):
        leaked = _signing(domain, "fc2025", now - timedelta(days=240), by)
        move_dkim_key(leaked, State.REVOKED, reason="Its file was readable by everybody", by=by)
        DkimKey.objects.filter(pk=leaked.pk).update(revoked_at=now - timedelta(days=200))
        emptied = {"reason": DkimWait.Reason.EMPTIED, "needs_person": False, "asked_at": now}
        DkimWait.objects.filter(pk=leaked.pk).update(**emptied, ask_again_at=now + timedelta(days=1))
        DkimKeyOnHost.objects.filter(key=leaked).delete()
        first = _signing(domain, "fc2026a", now - timedelta(days=200), by)
        second = _signing(domain, "fc2026b", now - timedelta(days=80), by)
        move_dkim_key(first, State.GONE, reason=REASON, by=by)
        DkimKeyOnHost.objects.filter(key=first).delete()
        since = {"retiring_at": now - timedelta(days=80), "gone_at": now - timedelta(days=72)}
        DkimKey.objects.filter(pk=first.pk).update(**since)
        _signing(domain, "fc2026c", now - timedelta(days=3), by)
        DkimKey.objects.filter(pk=second.pk).update(retiring_at=now - timedelta(days=3))
        second.refresh_from_db()
        begin_to_wait(second)
        news = add_dkim_key(domain, "news2026", generate("rsa-2048"), local_parts="newsletter", by=by)
        _give(move_dkim_key(news, State.PUBLISHED, is_seen=True, by=by))
        add_dkim_key(domain, "fc2026d", generate("ed25519"), signs_by_itself=True, by=by)
        report_host(HOST, by=by)


def _signing(domain: Domain, selector: str, since: datetime, by: Actor) -> DkimKey:
    key = add_dkim_key(domain, selector, generate("rsa-2048"), by=by)
    key = move_dkim_key(key, State.PUBLISHED, reason=REASON, by=by)
    _give(key)
    key = move_dkim_key(key, State.SIGNING, by=by)
    DkimKey.objects.filter(pk=key.pk).update(
        created_at=since - timedelta(days=4), published_at=since - timedelta(days=1), signing_at=since
    )
    key.refresh_from_db()
    return key


def _give(key: DkimKey) -> None:
    """As if the host had written its file."""
    path = f"/etc/dkimkeys/mailadmin/mailadmin-{key.pk}.private"
    DkimKeyOnHost.objects.create(host=HOST, key=key, path=path)
