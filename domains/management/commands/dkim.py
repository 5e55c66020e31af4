"""DKIM keys from the shell."""

import os
import re
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import NounCommand, Options, delete_arguments, list_arguments, stream, version_argument
from domains.commands import domain_named
from domains.dkim_keys import seal_anew, unsealed
from domains.dkim_models import DkimKey, DkimPrivateKey
from domains.dkim_services import (
    VERBS,
    delete_dkim_key,
    import_dkim_key,
    move_dkim_key,
    start_generation,
    what_is_lost_with_key,
)
from domains.fields import shown

OF_GENKEY = re.compile(r"(?P<selector>.+)\.private")  # opendkim-genkey(8)


class Command(NounCommand):
    help = _("Make, list, publish, use, retire, revoke, import and export DKIM keys.")

    def add_verbs(self) -> None:
        generate = self.verb("generate", _("Let the worker make a key."))
        generate.add_argument("domain", metavar="DOMAIN")
        generate.add_argument("--selector", required=True, metavar="S", help=_("Its name in the DNS: S._domainkey."))
        generate.add_argument("--algorithm", choices=DkimKey.Algorithm.values, default=str(DkimKey.Algorithm.RSA_2048))
        _what_it_signs(generate)

        taken = self.verb("import", _("Import a private key in PEM, such as opendkim-genkey writes as S.private."))
        taken.add_argument("domain", metavar="DOMAIN")
        taken.add_argument("file", metavar="FILE", help=_("The private key; - for standard input."))
        taken.add_argument("--selector", metavar="S", help=_("Default: what stands before .private."))
        _what_it_signs(taken)

        sentences = {
            "publish": _("Say that the record is in the DNS."),
            "sign": _("Sign with this key; the one of its kind that signs till now is retiring then."),
            "retire": _("Sign with it no longer; its record stays until the last mail has arrived."),
            "revoke": _("Say that nobody may trust it any more; its record has an empty p= then."),
            "take-out": _("Say that the record is gone from the DNS; the private key goes for good."),
        }
        for verb, sentence in sentences.items():
            parser = self.verb(verb, sentence)
            _key_arguments(parser)
            version_argument(parser)

        delete = self.verb("delete", _("Delete a key."))
        _key_arguments(delete)
        delete_arguments(delete)
        _key_arguments(self.verb("show", _("Show a key with its record.")))

        export = self.verb("export", _("Write the private key and its record, as opendkim-genkey does."))
        _key_arguments(export)
        export.add_argument("--output", required=True, metavar="DIR", help=_("Directory to write to."))

        keys = self.verb("list", _("List keys."))
        keys.add_argument("--domain", metavar="DOMAIN", help=_("Its keys only."))
        keys.add_argument("--state", choices=DkimKey.State.values, help=_("Keys in this state only."))
        list_arguments(keys, after="ID", search=_("Selectors that begin like this."))

        self.verb("reseal", _("Encrypt all private keys with the first line of dkim_sealing_keys."))

    def do_generate(self, options: Options) -> None:
        domain = domain_named(options["domain"])
        job = start_generation(domain, options["selector"], options["algorithm"], by=self.by, **_of_key(options))
        sentence = _("The worker makes the key %(selector)s of %(domain)s. Job %(job)d.")
        words = {"selector": options["selector"], "domain": domain, "job": job.pk}
        self.done(sentence % words, {"job": job.pk, "domain": domain.name, "selector": options["selector"]}, options)

    def do_import(self, options: Options) -> None:
        domain = domain_named(options["domain"])
        of_genkey = OF_GENKEY.fullmatch(Path(options["file"]).name)
        selector = options["selector"] or (of_genkey["selector"] if of_genkey else "")
        pem = _read(options["file"])
        key = import_dkim_key(domain, selector, pem, by=self.by, **_of_key(options))
        self.done(_("Imported %(key)s.") % {"key": key}, _row(key), options)

    def do_publish(self, options: Options) -> None:
        self._move(DkimKey.State.PUBLISHED, options)

    def do_sign(self, options: Options) -> None:
        self._move(DkimKey.State.SIGNING, options)

    def do_retire(self, options: Options) -> None:
        self._move(DkimKey.State.RETIRING, options)

    def do_revoke(self, options: Options) -> None:
        self._move(DkimKey.State.REVOKED, options)

    def do_take_out(self, options: Options) -> None:
        self._move(DkimKey.State.GONE, options)

    def do_delete(self, options: Options) -> None:
        key = _found(options)
        self.make_sure(_("Delete %(key)s?") % {"key": key}, what_is_lost_with_key(key), options)
        name = str(key)
        delete_dkim_key(key, by=self.by)
        self.done(_("Deleted %(key)s.") % {"key": name}, {"deleted": name}, options)

    def do_show(self, options: Options) -> None:
        self.card(_row(_found(options)), options)

    def do_export(self, options: Options) -> None:
        key = _found(options)
        private = DkimPrivateKey.objects.filter(key=key).first()
        if private is None:
            raise ValidationError(_("The private key of %(key)s is gone. Make a new key.") % {"key": key})
        directory = Path(options["output"])
        path, record = directory / f"{key.selector}.private", directory / f"{key.selector}.txt"
        try:
            _write_for_owner(path, unsealed(private))
            record.write_text(f"{key.zone_line}\n")
        except OSError as error:
            words = {"file": error.filename, "reason": error.strerror}
            raise ValidationError(_("%(file)s cannot be written: %(reason)s.") % words) from error
        self.done(
            _("Wrote %(private)s and %(record)s.") % {"private": path, "record": record},
            {"private": str(path), "record": str(record)},
            options,
        )

    def do_list(self, options: Options) -> None:
        keys = DkimKey.objects.select_related("domain").prefetch_related("on_hosts").order_by("pk")
        if options["domain"]:
            keys = keys.filter(domain=domain_named(options["domain"]))
        if options["state"]:
            keys = keys.filter(state=options["state"])
        if options["search"]:
            keys = keys.filter(selector__startswith=options["search"].lower())
        if options["after"]:
            if not options["after"].isdecimal():
                self.wrong_usage(_("--after takes the id of a key."))
            keys = keys.filter(pk__gt=int(options["after"]))
        columns = {"id": 6, "domain": 30, "selector": 12, "algorithm": 8, "state": 0}
        self.table((_row(key) for key in stream(keys, options["limit"])), columns, options)

    def do_reseal(self, options: Options) -> None:
        number = seal_anew()
        sentence = _("Encrypted private keys with the first line of dkim_sealing_keys: %(number)d.")
        self.done(sentence % {"number": number}, {"resealed": number}, options)

    def _move(self, state: str, options: Options) -> None:
        key = move_dkim_key(_found(options), state, version=options["if_version"], by=self.by)
        words = {"key": key, "state": key.get_state_display()}
        self.done(_("%(key)s is %(state)s.") % words, _row(key), options)


def _key_arguments(parser: Any) -> None:
    parser.add_argument("domain", metavar="DOMAIN")
    parser.add_argument("selector", metavar="SELECTOR")


def _what_it_signs(parser: Any) -> None:
    parser.add_argument("--for-subdomains", action="store_true", help=_("Signs mail from subdomains too."))
    parser.add_argument("--for-alias-domains", action="store_true", help=_("Signs mail from alias domains too."))


def _of_key(options: Options) -> dict[str, bool]:
    return {name: options[name] for name in ("for_subdomains", "for_alias_domains")}


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        words = {"file": shown(file), "reason": getattr(error, "strerror", None) or _("it is no text")}
        raise ValidationError(_("%(file)s cannot be read: %(reason)s.") % words) from error


def _write_for_owner(path: Path, text: str) -> None:
    """A new file of mode 0600; one that is there already is left alone."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _found(options: Options) -> DkimKey:
    domain, selector = domain_named(options["domain"]), options["selector"].strip().lower()
    key: DkimKey | None = DkimKey.objects.select_related("domain").filter(domain=domain, selector=selector).first()
    if key is None:
        words = {"domain": domain, "selector": shown(selector)}
        raise ValidationError(_("%(domain)s has no DKIM key with the selector “%(selector)s”.") % words)
    return key


def _row(key: DkimKey) -> dict[str, Any]:
    """A private key is never in it."""
    return {
        "id": key.pk,
        "domain": key.domain.name,
        "selector": key.selector,
        "algorithm": str(key.algorithm),
        "state": str(key.state),
        "for_subdomains": key.for_subdomains,
        "for_alias_domains": key.for_alias_domains,
        "record_name": key.record_name,
        "record": key.record_text,
        "zone_line": key.zone_line,
        "hosts": sorted(one.host for one in key.on_hosts.all()),
        "created_at": key.created_at,
        **{f"{state}_at": getattr(key, f"{state}_at") for state in VERBS},
        "version": key.version,
    }
