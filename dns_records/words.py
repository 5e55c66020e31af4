"""What is said about records: what each is called, why it is expected, and what is wrong with one."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dns_records.authoritative import NOBODY
from dns_records.record_models import Record, RecordChange

LABELS = {
    "mx": gettext_lazy("MX"),
    "spf": gettext_lazy("SPF"),
    "dkim": gettext_lazy("DKIM key"),
    "dkim_prepared": gettext_lazy("DKIM key"),
    "dkim_retiring": gettext_lazy("DKIM key"),
    "dkim_revoked": gettext_lazy("DKIM key"),
    "dmarc": gettext_lazy("DMARC"),
    "dmarc_reports": gettext_lazy("DMARC reports"),
    "sts": gettext_lazy("MTA-STS"),
    "sts_host": gettext_lazy("MTA-STS"),
    "tls_reports": gettext_lazy("TLS reports"),
    "srv": gettext_lazy("Mail programs"),
    "autoconfig": gettext_lazy("Mail programs"),
    "autodiscover": gettext_lazy("Mail programs"),
    "address": gettext_lazy("Address"),
    "reverse": gettext_lazy("Reverse name"),
    "tlsa": gettext_lazy("DANE"),
    "dnssec": gettext_lazy("DNSSEC"),
}
REASONS = {
    "mx": gettext_lazy("Other servers bring mail for %(domain)s to these hosts, in this order."),
    "spf": gettext_lazy("Says which servers send mail from %(domain)s. Each term before “all” names some."),
    "dkim": gettext_lazy("Receivers verify with it what the key %(selector)s has signed."),
    "dkim_prepared": gettext_lazy("The key %(selector)s is prepared. It may sign once its record is seen everywhere."),
    "dkim_retiring": gettext_lazy(
        "Mail that the key %(selector)s has signed may still be on its way. Keep the record."
    ),
    "dkim_revoked": gettext_lazy("An empty p= says that nobody may trust the key %(selector)s any more."),
    "dmarc": gettext_lazy("Says what happens to mail that claims to be from %(domain)s and is not."),
    "dmarc_reports": gettext_lazy("%(other)s agrees to get the DMARC reports about %(domain)s, or nobody sends them."),
    "sts": gettext_lazy("Tells other servers that there is a policy of MTA-STS, and when it is another one."),
    "sts_held": gettext_lazy(
        "MTA-STS is off, but senders may hold the old policy until %(until)s. By this they learn that it is none now."
    ),
    "sts_host": gettext_lazy(
        "The panel serves the policy of MTA-STS there, by HTTPS: the web server needs a certificate."
    ),
    "tls_reports": gettext_lazy("Others report there when they could not deliver by TLS."),
    "srv": gettext_lazy("Mail programs find the service %(service)s by it."),
    "autoconfig": gettext_lazy("Thunderbird and others find their settings there."),
    "autodiscover": gettext_lazy("Outlook finds its settings there."),
    "address": gettext_lazy("The mail host must be found: an MX record points at it, so it cannot be an alias."),
    "reverse": gettext_lazy("Many servers refuse mail from %(address)s if its name does not lead back to it."),
    "tlsa": gettext_lazy("Servers that know DANE deliver only to the key of this certificate. It needs DNSSEC."),
}
WHY = {
    "nothing": gettext_lazy("There is no such record."),
    "alias": gettext_lazy("The name is an alias (CNAME) of %(target)s. Give it the addresses themselves (RFC 2181)."),
    "mx_null": gettext_lazy("This MX record says that the domain takes no mail at all."),
    "mx_lacks": gettext_lazy("No MX record for %(hosts)s."),
    "mx_others": gettext_lazy("Mail also goes to %(hosts)s, which the DNS settings do not know."),
    "mx_order": gettext_lazy("The hosts are right, their order is not: mail goes to %(hosts)s first."),
    "several": gettext_lazy("There are %(number)s such records. Receivers then take none of them; put them into one."),
    "spf_lacks": gettext_lazy("The record does not name %(terms)s. Add it before “all”; what else is there may stay."),
    "spf_softer": gettext_lazy("Mail from other servers is only suspicious (~all). The settings ask for -all."),
    "spf_open": gettext_lazy("The record refuses nobody: it does not end with -all or ~all."),
    "spf_lookups": gettext_lazy(
        "The record needs %(number)s lookups. Receivers stop after 10, and it fails (RFC 7208)."
    ),
    "spf_wrong": gettext_lazy("“%(term)s” is no term of SPF, so the whole record fails."),
    "dkim_cut": gettext_lazy(
        "Only the first %(number)s characters of the key are there. Put all strings into one record."
    ),
    "dkim_other": gettext_lazy("Another key is published: signatures of ours cannot be verified."),
    "dkim_empty": gettext_lazy("The record says that the key is revoked: its p= is empty."),
    "dkim_not_revoked": gettext_lazy("The record still holds the key. Empty its p=, so that nobody trusts it."),
    "dkim_tag": gettext_lazy("The tag %(tag)s does not fit the key."),
    "dkim_testing": gettext_lazy("The record has t=y: receivers treat signed mail as if it were not signed."),
    "dmarc_softer": gettext_lazy("The policy is %(found)s. The settings ask for %(wanted)s."),
    "dmarc_stricter": gettext_lazy("The policy is %(found)s, stricter than the settings ask for (%(wanted)s)."),
    "dmarc_reports": gettext_lazy("No reports go to %(addresses)s."),
    "dmarc_tags": gettext_lazy("These tags are not as the settings ask: %(tags)s."),
    "sts_id": gettext_lazy("The id is an old one, so others keep the policy that they have. Put in the new id."),
    "tls_reports": gettext_lazy("No reports go to %(addresses)s."),
    "points_elsewhere": gettext_lazy("It leads elsewhere: %(found)s."),
    "srv_other": gettext_lazy("It names another server or port."),
    "addresses": gettext_lazy("The addresses are %(found)s."),
    "reverse": gettext_lazy("The address has the name %(found)s."),
    "tlsa": gettext_lazy("No TLSA record fits the certificate: servers that know DANE do not deliver."),
    "certificate_unreadable": gettext_lazy(
        "The panel cannot read a certificate from %(files)s, so it does not know which record is right."
    ),
    "certificate_of_others": gettext_lazy(
        "A certificate is for %(names)s. No mail host has such a name, so it is not known which record is right."
    ),
    "not_everywhere": gettext_lazy("%(servers)s: not there yet. Others are right already."),
    "lost_somewhere": gettext_lazy("%(servers)s: not there any more, or another one. Others still have the right one."),
    "silent": gettext_lazy("No answer: %(servers)s."),
    "not_judged": gettext_lazy("The panel could not judge the answer. Its log says why."),
    "dnssec_unsigned": gettext_lazy("Not signed: the parent zone has no DS record for it."),
    "dnssec_broken": gettext_lazy(
        "Broken: the parent zone has a DS record, but the signatures do not fit it. Validating resolvers refuse "
        "all that this zone says."
    ),
    **NOBODY,
}
# Why a plan leaves a record alone.
LEFT_ALONE = {
    "foreign": gettext_lazy(
        "There is a record that the panel did not put there: %(value)s. Take it out, or change it."
    ),
    "merge": gettext_lazy("There is an SPF record that the panel did not put there. Change it by hand to: %(value)s"),
    "alias": gettext_lazy(
        "The name is an alias (CNAME) of %(value)s, and nothing else can stand beside an alias. Put the record at that "
        "name, or take the alias out."
    ),
    "address": gettext_lazy(
        "The name has an address of its own, %(value)s, so no alias can stand there. Leave it if it is the right one: "
        "the check says so."
    ),
}
ADVICE = {
    "none": gettext_lazy(
        "DMARC only reports. When the reports name no server of yours that fails for some weeks, take quarantine."
    ),
    "quarantine": gettext_lazy(
        "DMARC marks what fails as suspicious. When the reports stay clean for some weeks, take reject."
    ),
    "reject": gettext_lazy("DMARC rejects what fails. There is nothing stricter."),
}
DNSSEC = {
    "signed": gettext_lazy("Signed: the DS record of the parent zone fits its key, and its signatures are good."),
    "unsigned": WHY["dnssec_unsigned"],
    "broken": WHY["dnssec_broken"],
    "unknown": gettext_lazy("Not known: there was no answer."),
}


TLSA_NEEDS_DNSSEC = {
    "unsigned": gettext_lazy("While the zone %(zone)s is not signed by DNSSEC, nobody heeds this record (RFC 7672)."),
    "broken": gettext_lazy("The signatures of the zone %(zone)s are broken: servers that know DANE do not deliver."),
}


def sentence(why: str, words: Mapping[str, Any]) -> str:
    """What is wrong, in the reader's language; "" for nothing. What stands in the way of mending it, servers that were
    silent, and a zone without good signatures where TLSA needs them, are named behind it."""
    said = [str(WHY[why]) % _in_line(words)] if why else []
    if words.get("costs_too_much"):
        said.append(
            _("The expected record would need more than 10 lookups, and fail (RFC 7208): take terms out of it first.")
        )
    if words.get("silent"):
        said.append(_("These servers do not answer: %(servers)s.") % {"servers": ", ".join(words["silent"])})
    if words.get("dnssec"):
        said.append(str(TLSA_NEEDS_DNSSEC[words["dnssec"]]) % {"zone": words["zone"]})
    return " ".join(said)


def said_by_all(records: Iterable[Record | RecordChange]) -> str:
    """Why nobody could be asked for any of them, to be said once; "" where at least one was asked for."""
    sentences = {sentence(one.why, one.words) if one.why in NOBODY else "" for one in records}
    return sentences.pop() if len(sentences) == 1 else ""


def _in_line(words: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ", ".join(value) if isinstance(value, list) else value for name, value in words.items()}
