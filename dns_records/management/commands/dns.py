"""DNS records from the shell: what is expected, what was seen and what became of it, what is different for a domain."""

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from accounts.commands import (
    NounCommand,
    Options,
    as_json,
    at_least_one,
    delete_arguments,
    given,
    stream,
    version_argument,
)
from dns_records.alarm import tell_what_broke
from dns_records.beside import expected_for, seen_row
from dns_records.changes import change_row, record_changes
from dns_records.checks import all_unknown, check_domains
from dns_records.jobs import domains_to_check, plan_row
from dns_records.models import DmarcPolicy, DomainDns
from dns_records.publishing import plan_for, publish
from dns_records.record_models import Record, RecordState, ZoneCheck
from dns_records.services import change_domain_dns, server_named
from dns_records.words import DNSSEC, LABELS, said_by_all, sentence
from dns_records.zone_text import json_text, zone_text
from domains.commands import domain_named
from domains.models import Domain


class Command(NounCommand):
    help = _("Show, check, export and publish the DNS records of a domain.")

    def add_verbs(self) -> None:
        show = self.verb("show", _("Show what is expected beside what was seen last."))
        _domain_or_hosts(show, required=True)

        check = self.verb("check", _("Ask the authoritative name servers now; without a domain for all."))
        _domain_or_hosts(check, required=False)

        changes = self.verb(
            "changes", _("List what became of each record, the last first; without a domain, of the mail hosts.")
        )
        changes.add_argument("domain", metavar="DOMAIN", nargs="?")
        changes.add_argument("--limit", type=at_least_one, default=50, metavar="N", help=_("This many at most."))

        export = self.verb("export", _("Print the expected records."))
        _domain_or_hosts(export, required=True)
        export.add_argument("--format", choices=["zone", "json"], default="zone", help=_("Default: zone."))

        publish = self.verb("publish", _("Put the records into the zone by dynamic update (RFC 2136)."))
        publish.add_argument("domain", metavar="DOMAIN")
        publish.add_argument("--plan", action="store_true", help=_("Only say what would change."))
        delete_arguments(publish)

        change = self.verb("change", _("Change where a domain differs from the DNS settings."))
        change.add_argument("domain", metavar="DOMAIN")
        policies = [*DmarcPolicy.values, "default"]
        change.add_argument("--dmarc-policy", choices=policies, help=_("Its own DMARC policy."))
        change.add_argument("--dmarc-reports", metavar="ADDRESSES", help=_("Who gets its DMARC reports."))
        change.add_argument("--spf-senders", metavar="TERMS", help=_("Terms of SPF for this domain."))
        change.add_argument("--server", metavar="NAME", help=_("Its update server, by the name of the key; or none."))
        change.add_argument(
            "--checked", dest="is_checked", action="store_const", const=True, help=_("Check its records every night.")
        )
        change.add_argument(
            "--not-checked", dest="is_checked", action="store_const", const=False, help=_("Do not check its records.")
        )
        version_argument(change)

    def do_show(self, options: Options) -> None:
        self._show(domain_named(options["domain"]) if options["domain"] else None, options)

    def do_check(self, options: Options) -> None:
        domains: list[Domain] = []
        if not options["hosts"]:
            domains = [domain_named(options["domain"])] if options["domain"] else domains_to_check()
        # The mail hosts are asked for with any of them.
        changed = check_domains(domains, show=lambda done, total: self._progress(done, total, options))
        tell_what_broke()
        if options["hosts"]:
            self._show(None, options)
            if said_by_all(Record.objects.filter(domain=None)):
                self.refuse(_("Nothing is known of the records of the mail hosts."))
            return
        if options["domain"]:
            self._show(domains[0], options)
            if all_unknown([domains[0].pk]):
                self.refuse(_("Nothing is known of the records of %(domain)s.") % {"domain": domains[0]})
            return
        numbers = [domain.pk for domain in domains]
        broken = ZoneCheck.objects.filter(domain__in=numbers, broken__gt=0).count()
        unknown = all_unknown(numbers)
        figures = {"domains": len(domains), "broken": broken, "unknown": unknown, "changed": changed}
        words = _(
            "Domains asked for: %(domains)d. With records to look at: %(broken)d. Without any answer: %(unknown)d."
        )
        self.done(words % figures, figures, options)
        if unknown and unknown == len(domains):
            unasked = said_by_all(Record.objects.filter(domain__in=numbers).order_by().distinct("why", "words"))
            self.refuse(unasked or _("No name server has answered."))

    def do_changes(self, options: Options) -> None:
        domain = domain_named(options["domain"]) if options["domain"] else None
        changes, limit = record_changes(domain), options["limit"]
        columns = {"at": 23, "before": 14, "after": 14, "type": 5, "name": 24, "why": 0}
        self.table(map(change_row, stream(changes, limit)), columns, options)
        if changes[limit : limit + 1]:
            self.remark(_("There are older ones as well: say --limit N for more than %(number)d.") % {"number": limit})

    def do_export(self, options: Options) -> None:
        domain = domain_named(options["domain"]) if options["domain"] else None
        expected = expected_for(domain)
        as_json = options["json"] or options["format"] == "json"
        self.stdout.write(json_text(expected) if as_json else zone_text(domain, expected), ending="")

    def do_publish(self, options: Options) -> None:
        domain = domain_named(options["domain"])
        plan = plan_for(domain)
        for step in plan.left_alone:
            self.remark(f"{step.name} {step.rdtype}: {step.sentence}")
        if plan.to_do and not options["json"] and (options["plan"] or options["yes"]):
            self.stdout.write("\n".join(plan.lines))
        if options["plan"] or not plan.to_do:
            sentence = _("Nothing was changed.") if plan.to_do else _("There is nothing to publish.")
            self.done(sentence, plan_row(plan), options)
            return
        question = _("Publish this in the zone %(zone)s?") % {"zone": plan.zone}
        self.make_sure(question, plan.lines, options, otherwise=_("Nothing was published."))
        unseen = publish(domain, plan, by=self.by)
        check_domains([domain])
        for name in unseen:
            self.remark(_("%(name)s: the name server took the update and does not show it yet.") % {"name": name})
        sentence = _("Published the records of %(domain)s.") % {"domain": domain}
        self.done(sentence, plan_row(plan) | {"unseen": unseen}, options)

    def do_change(self, options: Options) -> None:
        changes = given(options, "dmarc_policy", "dmarc_reports", "spf_senders", "server", "is_checked")
        if not changes:
            self.wrong_usage(_("Say what is to change; “dns change --help” names the options."))
        if changes.get("dmarc_policy") == "default":
            changes["dmarc_policy"] = ""
        if "server" in changes:
            changes["server"] = server_named(changes["server"]) if changes["server"] != "none" else None
        domain = domain_named(options["domain"])
        own = change_domain_dns(domain, **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed the DNS settings of %(domain)s.") % {"domain": domain}, own_row(own), options)

    def _progress(self, done: int, total: int, options: Options) -> None:
        if done and done % 200 == 0 and not options["json"]:
            self.remark(_("%(done)d of %(total)d") % {"done": done, "total": total})

    def _show(self, domain: Domain | None, options: Options) -> None:
        """Without a domain, the mail hosts."""
        row = seen_row(domain)
        if options["json"]:
            self.stdout.write(as_json(row))
            return
        self.table(row["records"], {"state": 18, "type": 5, "name": 0}, options)
        self._say_what_is_wrong(domain)

    def _say_what_is_wrong(self, domain: Domain | None) -> None:
        records = Record.objects.filter(domain=domain)
        unasked = said_by_all(records)
        if unasked:
            self.remark(unasked)
        for record in records if not unasked else ():
            said = sentence(record.why, record.words)
            if said or record.state != RecordState.RIGHT:
                self.remark(f"{LABELS[record.purpose]}, {record.name}: {said or record.get_state_display()}")
        check = ZoneCheck.objects.filter(domain=domain).first()
        if check is None:
            self.remark(_("Nobody has asked yet: dns check %(domain)s") % {"domain": domain or "--hosts"})
        elif domain:
            self.remark(f"DNSSEC: {DNSSEC[check.dnssec]}")


def own_row(own: DomainDns) -> dict[str, Any]:
    return {
        "domain": own.domain.name,
        "is_checked": own.is_checked,
        "dmarc_policy": own.dmarc_policy,
        "dmarc_reports": own.dmarc_reports,
        "spf_senders": own.spf_senders,
        "server": own.server.name if own.server else None,
        "version": own.version,
    }


def _domain_or_hosts(parser: CommandParser, *, required: bool) -> None:
    which = parser.add_mutually_exclusive_group(required=required)
    which.add_argument("domain", metavar="DOMAIN", nargs="?")
    which.add_argument("--hosts", action="store_true", help=_("Of the mail hosts: A, AAAA, reverse names and TLSA."))
