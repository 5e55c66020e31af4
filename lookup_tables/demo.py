"""What `--demo` loads beside addresses: DKIM keys, one colleague who has left, and one who sends as the press and reads
mail on a phone and has named a recovery address, and one mailbox that is stopped."""

from django.utils import timezone

from accounts.actors import Actor
from accounts.history import recorded
from dns_records.demo import load_dns
from domains.dkim_demo import load_dkim_keys
from lookup_tables.models import Relocated
from lookup_tables.services import add_entry
from mailboxes.app_passwords import add_app_password
from mailboxes.demo import GIB, load_falcot
from mailboxes.models import Mailbox, RecoveryAddress
from mailboxes.senders import permit_senders
from mailboxes.server_names import change_server_names
from mailboxes.services import add_mailbox
from mailboxes.stopping import stop_mailboxes
from mailboxes.use_demo import load_use


def load_demo(*, by: Actor) -> bool:
    """Falcot's mail, its DNS records and its lookup tables in one change set. False if they are there already."""
    with recorded("load", "demo", "Falcot", by=by):
        if not load_falcot(by=by):
            return False
        laure = Mailbox.objects.with_address().get(address__local_part="laure", address__domain__name="falcot.org")
        load_dkim_keys(by=by)
        load_dns(by=by)
        load_use()
        change_server_names(imap_host="imap.falcot.com", submission_host="imap.falcot.com", by=by)
        permit_senders(laure, ["press@falcotsbrand.com"], by=by)
        add_app_password(laure, "Phone", pop=False, by=by)  # nobody has seen it
        RecoveryAddress.objects.create(  # nobody has sent a link there
            mailbox=laure, address="laure@elsewhere.example", confirmed_at=timezone.now()
        )
        roland = add_mailbox(laure.address.domain, "roland", name="Roland Petit", quota_bytes=GIB, by=by)
        stop_mailboxes([roland], by=by)
        add_entry(
            Relocated, "pierre@falcot.org", "pierre@elsewhere.example", comment="Left the company in spring", by=by
        )
    return True
