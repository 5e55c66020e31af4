"""DKIM keys from the shell."""

import os
import re
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.commands import (
    NounCommand,
    Options,
    at_least_one,
    delete_arguments,
    given,
    list_arguments,
    stream,
    version_argument,
)
from domains.commands import domain_named
from domains.dkim_hosts import SigningHost, forget_host, what_is_lost_with_host
from domains.dkim_keys import is_record_of, read_pem
from domains.dkim_models import DkimKey
from domains.dkim_rotation import start_look, start_rotation
from domains.dkim_services import (
    OPTIONS,
    VERBS,
    change_dkim_key,
    delete_dkim_key,
    export_dkim_key,
    import_dkim_key,
    move_dkim_key,
    reseal_dkim_keys,
    start_generation,
    what_is_lost_with_key,
)
from domains.dkim_waits import DkimWait, to_do, wait_of
from domains.fields import shown

OF_GENKEY = re.compile(r"(?P<selector>.+)\.private")  # opendkim-genkey(8)


class Command(NounCommand):
    help = _("Make, list, rotate, publish, use, retire, revoke, import and export DKIM keys; forget hosts.")

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
            parser.add_argument("--reason", default="", metavar="TEXT", help=_("Why, where the panel does not see it."))
            version_argument(parser)

        rotate = self.verb("rotate", _("Let the worker make the successor of the key that signs."))
        rotate.add_argument("domain", metavar="DOMAIN")
        rotate.add_argument("selector", nargs="?", default="", metavar="SELECTOR", help=_("Where several keys sign."))

        look = self.verb("look", _("Let the worker ask the name servers at once for what the keys wait for."))
        look.add_argument("domain", metavar="DOMAIN")

        change = self.verb("change", _("Change for whom a key signs, and whether it does so by itself."))
        _key_arguments(change)
        _what_it_signs(change, may_be_taken_back=True)
        version_argument(change)

        todo = self.verb("to-do", _("List what people have to do now, key by key."))
        todo.add_argument("--limit", type=at_least_one, metavar="N", help=_("This many at most."))
        todo.add_argument("--after", default="", metavar="ID", help=_("Begin behind the key with this id."))

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

        hosts = self.verb("hosts", _("List the hosts that sign, with the time at which each last reported."))
        list_arguments(hosts, after="HOST", search=_("Hosts that begin like this."))

        forget = self.verb("forget-host", _("Forget a host that signs no more: no key waits for its file then."))
        forget.add_argument("host", metavar="HOST")
        delete_arguments(forget)

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
        record = Path(options["file"]).with_suffix(".txt")
        if of_genkey and record.exists() and not is_record_of(read_pem(pem), _read(str(record))):
            sentence = _("%(file)s does not have the record of this key. Take that file away if it is an old one.")
            raise ValidationError(sentence % {"file": shown(str(record))})
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

    def do_rotate(self, options: Options) -> None:
        domain = domain_named(options["domain"])
        job = start_rotation(domain, options["selector"], by=self.by)
        selector = job.arguments["selector"]
        sentence = _("The worker makes the key %(selector)s of %(domain)s. Job %(job)d.")
        words = {"selector": selector, "domain": domain, "job": job.pk}
        self.done(sentence % words, {"job": job.pk, "domain": domain.name, "selector": selector}, options)

    def do_look(self, options: Options) -> None:
        job = start_look(domain_named(options["domain"]), by=self.by)
        sentence = _("The worker asks the name servers. Job %(job)d.")
        self.done(sentence % {"job": job.pk}, {"job": job.pk}, options)

    def do_change(self, options: Options) -> None:
        changes = given(options, *OPTIONS)
        if not changes:
            self.wrong_usage(_("Say what is to change; “dkim change --help” names the options."))
        key = change_dkim_key(_found(options), **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed %(key)s.") % {"key": key}, _row(key), options)

    def do_to_do(self, options: Options) -> None:
        waits = DkimWait.objects.for_people().select_related("key__domain").prefetch_related("key__on_hosts")
        waits = waits.order_by("pk")
        if options["after"]:
            waits = waits.filter(pk__gt=self._id(options["after"]))
        self.table(map(_row_to_do, stream(waits, options["limit"])), {"to_do": 50, "why": 0}, options)

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
        directory = Path(options["output"])
        path, record = directory / f"{key.selector}.private", directory / f"{key.selector}.txt"
        try:
            with transaction.atomic():  # what cannot be written did not leave
                _write_for_owner(path, export_dkim_key(key, by=self.by))
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
        keys = DkimKey.objects.select_related("domain", "wait").prefetch_related("on_hosts").order_by("pk")
        if options["domain"]:
            keys = keys.filter(domain=domain_named(options["domain"]))
        if options["state"]:
            keys = keys.filter(state=options["state"])
        if options["search"]:
            keys = keys.filter(selector__startswith=options["search"].lower())
        if options["after"]:
            keys = keys.filter(pk__gt=self._id(options["after"]))
        columns = {"id": 6, "domain": 30, "selector": 12, "algorithm": 8, "state": 0}
        self.table((_row(key) for key in stream(keys, options["limit"])), columns, options)

    def do_hosts(self, options: Options) -> None:
        hosts = SigningHost.objects.order_by("name")
        if options["search"]:
            hosts = hosts.filter(name__startswith=options["search"])
        if options["after"]:
            hosts = hosts.filter(name__gt=options["after"])
        rows = (_row_of_host(host) for host in stream(hosts, options["limit"]))
        self.table(rows, {"host": 30, "reported_at": 0}, options)

    def do_forget_host(self, options: Options) -> None:
        host = SigningHost.objects.filter(name=options["host"]).first()
        if host is None:
            raise ValidationError(_("No host %(host)s signs here.") % {"host": shown(options["host"])})
        self.make_sure(_("Forget %(host)s?") % {"host": host}, what_is_lost_with_host(host), options)
        name = host.name
        forget_host(host, by=self.by)
        self.done(_("Forgot %(host)s.") % {"host": name}, {"forgotten": name}, options)

    def do_reseal(self, options: Options) -> None:
        number = reseal_dkim_keys(by=self.by)
        sentence = _("Encrypted private keys with the first line of dkim_sealing_keys: %(number)d.")
        self.done(sentence % {"number": number}, {"resealed": number}, options)

    def _id(self, text: str) -> int:
        if not text.isdecimal():
            self.wrong_usage(_("--after takes the id of a key."))
        return int(text)

    def _move(self, state: str, options: Options) -> None:
        reason, version = options["reason"], options["if_version"]
        key = move_dkim_key(_found(options), state, reason=reason, version=version, by=self.by)
        words = {"key": key, "state": key.get_state_display()}
        self.done(_("%(key)s is %(state)s.") % words, _row(key), options)


def _key_arguments(parser: Any) -> None:
    parser.add_argument("domain", metavar="DOMAIN")
    parser.add_argument("selector", metavar="SELECTOR")


def _what_it_signs(parser: Any, *, may_be_taken_back: bool = False) -> None:
    words = {
        "for-subdomains": _("Signs mail from subdomains too."),
        "for-alias-domains": _("Signs mail from alias domains too."),
        "by-itself": _("Signs as soon as the DNS shows its record everywhere."),
    }
    for name, sentence in words.items():
        dest = "signs_by_itself" if name == "by-itself" else name.replace("-", "_")
        parser.add_argument(f"--{name}", dest=dest, action="store_const", const=True, help=sentence)
        if may_be_taken_back:
            parser.add_argument(f"--not-{name}", dest=dest, action="store_const", const=False, help=_("The opposite."))
    parser.add_argument(
        "--only",
        dest="local_parts",
        metavar="LOCAL_PARTS",
        help=_("Signs only for these, for example “newsletter billing”; “” for every address."),
    )


def _of_key(options: Options) -> dict[str, Any]:
    return given(options, *OPTIONS)


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
        "local_parts": key.senders,
        "signs_by_itself": key.signs_by_itself,
        "reason": key.reason,
        "to_do": to_do(key),
        "waits_for": wait.why if (wait := wait_of(key)) else "",
        "record_name": key.record_name,
        "record": key.record_text,
        "zone_line": key.zone_line,
        "hosts": sorted(one.host for one in key.on_hosts.all()),
        "created_at": key.created_at,
        **{f"{state}_at": getattr(key, f"{state}_at") for state in VERBS},
        "version": key.version,
    }


def _row_of_host(host: SigningHost) -> dict[str, Any]:
    return {"host": host.name, "reported_at": host.reported_at, "is_silent": host.is_silent}


def _row_to_do(wait: DkimWait) -> dict[str, Any]:
    key = wait.key
    return {
        "id": key.pk,
        "domain": key.domain.name,
        "selector": key.selector,
        "to_do": to_do(key),
        "why": why.why if (why := wait_of(key)) else "",
        "zone_line": key.zone_line,
    }
