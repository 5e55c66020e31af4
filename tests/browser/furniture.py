"""Falcot's house with all that a page can show: inactive things, long names, findings, failed and running work."""

from datetime import timedelta

from django.utils import timezone

from accounts import services as accounts
from accounts.actors import Actor, Door
from domains import services as domains
from domains.dkim_demo import load_dkim_keys
from domains.dkim_hosts import SigningHost
from domains.dkim_models import DkimKey, DkimKeyOnHost
from domains.dkim_waits import DkimWait
from domains.models import Domain
from jobs.models import Job
from jobs.services import run_job
from mailboxes import services as mailboxes
from mailboxes.forwarding import set_forwarding
from mailboxes.jobs import start_alias_report
from mailboxes.models import Broadcast, BroadcastProgress, BroadcastRecipient, Mailbox, SignIn, Usage
from mailboxes.out_of_office import set_out_of_office
from tests.plugins import household as people
from tests.plugins.household import SUPERUSER

LONG = "a-very-long-local-part-that-somebody-chose-in-all-earnestness-64"
LONGEST_LABEL = "donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunter"
LONG_DOMAIN = f"{LONGEST_LABEL}.example"


def furnish() -> dict[str, object]:
    numbers = people.move_in()
    by = Actor(user=people.user_of(SUPERUSER), door=Door.PAGE, host="192.0.2.7")
    falcot = Domain.objects.get(name="falcot.org")

    load_dkim_keys(by=by)
    words = {"server": "ns2.example.net", "name": "s1._domainkey.falcot.org", "found": f"v=DKIM1; p={'x' * 180}"}
    DkimWait.objects.filter(key__selector="s1").update(reason="different", words=words, asked_at=timezone.now())
    _silent_host()
    _long_names(by)
    _owner_s_house(by)
    _many_of(falcot, by)
    domains.change_domain(falcot, max_mailboxes=200, by=by)
    sophie = Mailbox.objects.with_address().get(address__local_part="sophie")
    mailboxes.change_mailbox(sophie, active=False, by=by)
    mailboxes.set_mailbox_password(sophie, "sophie has a new one", by=by)
    domains.add_domain("bücher.example", description="Letters beyond ASCII", by=by)
    closed = domains.add_domain("closed.example", description="Sold", by=by)
    domains.change_domain(closed, active=False, by=by)
    inactive = accounts.add_user("former", name="Somebody who left", by=by)
    accounts.change_user(inactive, is_active=False, by=by)
    refusal = "552 5.2.2 Mailbox is full / Blocks limit exceeded"
    broadcast = Broadcast.objects.get(started_by=by.user)
    BroadcastProgress.objects.filter(broadcast=broadcast).update(total=96, reached=40, refused=1)
    BroadcastRecipient.objects.create(broadcast=broadcast, mailbox=sophie, refusal=refusal)
    return numbers | _work(by)


def _silent_host() -> None:
    name = f"mx2.{LONG_DOMAIN}"
    SigningHost.objects.create(name=name, reported_at=timezone.now() - timedelta(days=3))
    for key in DkimKey.objects.filter(domain__name="falcot.org"):
        DkimKeyOnHost.objects.create(host=name, key=key, path="/keys/1")


def _long_names(by: Actor) -> None:
    domain = domains.add_domain(LONG_DOMAIN, description="Long words " * 20, by=by)
    mailbox = mailboxes.add_mailbox(domain, LONG, name="Hildegard " * 15, by=by)
    mailboxes.add_alias(domain, LONG, [f"{LONG}@elsewhere.example"], comment="Because " * 40, by=by)
    mailboxes.add_alias(domain, "team", [str(mailbox), *(f"{n}{LONG[3:]}@elsewhere.example" for n in range(30))], by=by)
    mailboxes.add_alias(domain, "", [f"{LONG}@elsewhere.example"], by=by)
    domains.change_domain(domain, max_mailboxes=1, max_aliases=2, max_total_quota_bytes=2**30, by=by)


def _owner_s_house(by: Actor) -> None:
    """Nearly full, out of office, forwarded, with sign-ins."""
    jean = Mailbox.objects.with_address().get(address__local_part="jean")
    mailboxes.change_mailbox(jean, quota_bytes=10 * 2**30, by=by)
    Usage.objects.create(
        mailbox=jean, domain=jean.address.domain, username=str(jean), bytes=94 * 2**30 // 10, messages=18_204
    )
    for service, remote_ip in (("imap", "198.51.100.23"), ("imap", "2001:db8:77::12"), ("pop3", "203.0.113.201")):
        SignIn.objects.create(mailbox=jean, username=str(jean), service=service, remote_ip=remote_ip)
    set_out_of_office(jean, text="I am away until 4 January.\nFor orders: contact@falcotsbrand.com", by=by)
    set_forwarding(jean, ["jean.falcot@elsewhere.example"], by=by)


def _many_of(domain: Domain, by: Actor) -> None:
    """More than a page of mailboxes."""
    for number in range(60):
        mailboxes.add_mailbox(domain, f"person.{number:02}", name=f"Person {number}", by=by)


def _work(by: Actor) -> dict[str, object]:
    """A report with findings, one that failed, one that runs."""
    report = start_alias_report(by=by)
    run_job(report.pk)
    failed = start_alias_report(by=by)
    Job.objects.filter(pk=failed.pk).update(state=Job.State.FAILED, error="The database did not answer.")
    running = start_alias_report(by=by)
    Job.objects.filter(pk=running.pk).update(state=Job.State.RUNNING, done=1234, total=5000)
    return {"report": report.pk, "failed": failed.pk, "running": running.pk}
