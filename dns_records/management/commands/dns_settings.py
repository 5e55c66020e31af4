"""The DNS settings from the shell: what holds for the records of all domains."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, given, version_argument
from dns_records.models import DmarcPolicy, DnsSettings
from dns_records.services import SETTINGS, change_dns_settings
from dns_records.sts import held_by_anybody


class Command(NounCommand):
    help = _("Show or change the DNS settings: mail hosts, SPF, DMARC, MTA-STS and what mail programs look for.")

    def add_verbs(self) -> None:
        self.verb("show", _("Show the DNS settings."))
        change = self.verb("change", _("Change the DNS settings."))
        change.add_argument(
            "--host",
            dest="hosts",
            action="append",
            metavar="'NAME ADDRESS…'",
            help=_("A mail host with its addresses, the preferred one first; all of them, each with --host."),
        )
        change.add_argument(
            "--certificates", metavar="FILE", help=_("A file with certificates in PEM, which are kept; or none.")
        )
        change.add_argument(
            "--certificate-path",
            action="append",
            metavar="PATH",
            help=_("A file that is read at each check, so that a renewed certificate is seen."),
        )
        change.add_argument("--spf-senders", metavar="TERMS", help=_("Other servers that send, as terms of SPF."))
        change.add_argument("--spf-strict", choices=["yes", "no"], help=_("yes: -all; no: ~all."))
        change.add_argument("--dmarc-policy", choices=DmarcPolicy.values, help=_("What happens to mail that fails."))
        change.add_argument(
            "--dmarc-subdomains", choices=[*DmarcPolicy.values, "same"], help=_("The same for subdomains.")
        )
        change.add_argument("--dmarc-percent", type=int, metavar="N", help=_("To how much of it: 0 to 100."))
        change.add_argument("--dmarc-reports", metavar="ADDRESSES", help=_("Who gets the daily reports."))
        change.add_argument("--dmarc-failures", metavar="ADDRESSES", help=_("Who gets reports of single messages."))
        change.add_argument("--dmarc-strict", choices=["yes", "no"], help=_("Strict alignment of the names."))
        change.add_argument("--sts-mode", choices=["off", "none", "testing", "enforce"], help=_("The mode of MTA-STS."))
        change.add_argument("--sts-days", type=int, metavar="N", help=_("So long others keep the policy."))
        change.add_argument("--tls-reports", metavar="ADDRESSES", help=_("Who gets reports about TLS."))
        change.add_argument("--client-host", metavar="NAME", help=_("Where mail programs find IMAP and submission."))
        change.add_argument("--services", metavar="NAMES", help=_("Which services they find there."))
        change.add_argument("--panel-host", metavar="NAME", help=_("The web server of the panel."))
        version_argument(change)

    def do_show(self, options: Options) -> None:
        self.card(settings_row(DnsSettings.current()), options)

    def do_change(self, options: Options) -> None:
        changes = given(options, *(name for name in SETTINGS if name in options))
        if options["certificate_path"]:
            changes["certificates"] = "\n".join(options["certificate_path"])
        elif options["certificates"]:
            changes["certificates"] = _text_of(options["certificates"])
        if not changes:
            self.wrong_usage(_("Say what is to change; “dns_settings change --help” names the options."))
        if "hosts" in changes:
            changes["hosts"] = "\n".join(changes["hosts"])
        for name in ("spf_strict", "dmarc_strict"):
            if name in changes:
                changes[name] = changes[name] == "yes"
        for name, nothing in (("sts_mode", "off"), ("dmarc_subdomains", "same")):
            if changes.get(name) == nothing:
                changes[name] = ""
        settings = change_dns_settings(**changes, version=options["if_version"], by=self.by)
        self.done(_("Changed the DNS settings."), settings_row(settings), options)


def settings_row(settings: DnsSettings) -> dict[str, Any]:
    return {
        **{name: getattr(settings, name) for name in SETTINGS},
        "hosts": settings.hosts.splitlines(),
        "sts_held_until": held_by_anybody(),
        "version": settings.version,
        "changed_at": settings.changed_at,
    }


def _text_of(file: str) -> str:
    if file == "none":
        return ""
    try:
        return Path(file).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        words = {"file": file, "reason": getattr(error, "strerror", None) or _("it is no text")}
        raise ValidationError(_("%(file)s cannot be read: %(reason)s.") % words) from error
