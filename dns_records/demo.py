"""What `--demo` shows about the DNS: Falcot's mail hosts, and what a check might have seen."""

from accounts.actors import Actor
from dns_records.checks import Seen, keep
from dns_records.expected import expected_of, expected_of_hosts
from dns_records.judging import RIGHT, Verdict
from dns_records.record_models import RecordState
from dns_records.services import change_dns_settings, change_domain_dns
from domains.models import Domain

# What differs, by purpose; everything else is as expected.
NONE = ("v=DMARC1; p=none; rua=mailto:dmarc@falcot.com",)
SEEN = {
    "spf": Verdict(RecordState.DIFFERENT, "spf_softer", {}, ("v=spf1 mx ~all",)),
    "dmarc": Verdict(RecordState.DIFFERENT, "dmarc_softer", {"found": "none", "wanted": "quarantine"}, NONE),
    "dkim_prepared": Verdict(RecordState.WAITS),
    "tls_reports": Verdict(RecordState.NOT_EVERYWHERE, "not_everywhere", {"servers": ["ns2.falcot.com"]}, ()),
}


def load_dns(*, by: Actor) -> None:
    """Within the change set of the demo, when its DKIM keys are there."""
    change_dns_settings(
        hosts="mx1.falcot.com 192.0.2.25 2001:db8::25\nmx2.falcot.com 192.0.2.26",
        dmarc_reports="dmarc@falcot.com",
        tls_reports="tls@falcot.com",
        sts_mode="testing",
        client_host="imap.falcot.com",
        panel_host="panel.falcot.com",
        by=by,
    )
    domain = Domain.objects.get(name="falcot.org")
    change_domain_dns(domain, dmarc_policy="quarantine", by=by)
    seen = [(one, SEEN.get(one.purpose, RIGHT)) for one in expected_of(domain)]
    keep([Seen(domain.pk, seen, "signed", ("ns1.falcot.com", "ns2.falcot.com"))])
    hosts = expected_of_hosts()
    nothing = Verdict(RecordState.MISSING, "nothing")
    keep([Seen(None, [(one, nothing if one.purpose == "reverse" else RIGHT) for one in hosts])])
    keep([Seen(None, [(one, RIGHT) for one in hosts])])
