"""Domains from the shell. The command lives here and not in domains/, since a domain is deleted with its mailboxes."""

import argparse
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.commands import (
    NounCommand,
    Options,
    active_arguments,
    delete_arguments,
    given,
    list_arguments,
    stream,
    version_argument,
)
from domains.commands import domain_named, domain_row, person_named
from domains.fields import normalised_domain, size_in_bytes
from domains.models import AddressClass, Domain
from domains.own_maps import classes_with_own_maps, remark_since
from domains.services import LIMITS, add_domain, add_domain_admin, change_domain, remove_domain_admin
from mailboxes.counting import recount
from mailboxes.removal import delete_domain, what_is_lost

UNLIMITED = "unlimited"


def _most(text: str) -> int | str:
    """`unlimited` stays a word, since None means "not typed"."""
    word = text.strip().lower()
    if word != UNLIMITED and not (word.isascii() and word.isdigit() and len(word) < 19):
        raise argparse.ArgumentTypeError(_("“%s” is no limit. Write a number, or unlimited.") % text)
    return word if word == UNLIMITED else int(word)


def _largest(text: str) -> int | str:
    octets = size_in_bytes(text)
    if text.strip().lower() == UNLIMITED:
        return UNLIMITED
    if octets is None:
        raise argparse.ArgumentTypeError(_("“%s” is no limit. Write 10G, 500M, bytes, or unlimited.") % text)
    return octets


class Command(NounCommand):
    help = _("Add, change, delete and list domains, and say who manages them.")

    def add_verbs(self) -> None:
        add = self.verb("add", _("Add a domain."))
        add.add_argument("name", metavar="DOMAIN")
        self._value_arguments(add)
        add.add_argument("--inactive", dest="active", action="store_false", help=_("Mail to it is refused for now."))

        change = self.verb("change", _("Change a domain. It is not renamed: give it an alias domain."))
        change.add_argument("name", metavar="DOMAIN")
        self._value_arguments(change)
        active_arguments(change)
        version_argument(change)

        for name, sentence in (
            ("suspend", _("Put off new mail to a domain for a time; senders' servers keep it and try again.")),
            ("resume", _("Take mail to a suspended domain again.")),
        ):
            self.verb(name, sentence).add_argument("name", metavar="DOMAIN")

        delete = self.verb("delete", _("Delete a domain with its addresses."))
        delete.add_argument("name", metavar="DOMAIN")
        delete_arguments(delete)

        recounted = self.verb("recount", _("Count what domains have, and mend their counts where these are not true."))
        recounted.add_argument("name", metavar="DOMAIN", nargs="?", help=_("This one only; without, all of them."))

        self.verb("show", _("Show a domain.")).add_argument("name", metavar="DOMAIN")

        domains = self.verb("list", _("List domains."))
        domains.add_argument("--class", dest="address_class", type=_address_class, choices=AddressClass.values)
        list_arguments(domains, after="DOMAIN", search=_("Names that begin like this."))

        for name, sentence in (
            ("add-admin", _("Let a person manage the addresses of a domain.")),
            ("remove-admin", _("Let a person no longer manage a domain.")),
        ):
            admin = self.verb(name, sentence)
            admin.add_argument("name", metavar="DOMAIN")
            admin.add_argument("username", metavar="USERNAME")

    def _value_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--class",
            dest="address_class",
            type=_address_class,
            choices=AddressClass.values,
            help=_("The address class; with --target it is alias_domain, else virtual_mailbox."),
        )
        parser.add_argument("--target", metavar="DOMAIN", help=_("The domain for which an alias domain answers."))
        parser.add_argument(
            "--any-recipient",
            choices=["yes", "no"],
            help=_("Whether a relay domain takes mail for any recipient, or for those in its list."),
        )
        parser.add_argument("--description", help=_("For the people who look after it."))
        for limit, metavar, read, sentence in (
            ("max_mailboxes", "N", _most, _("So many mailboxes at most; 0 for none, or unlimited.")),
            ("max_aliases", "N", _most, _("So many aliases at most, catch-all and patterns included.")),
            ("max_quota_bytes", "SIZE", _largest, _("The largest quota of a mailbox: 10G, bytes, or unlimited.")),
            ("max_total_quota_bytes", "SIZE", _largest, _("What the quotas of its mailboxes may add up to.")),
        ):
            option = "--" + limit.removesuffix("_bytes").replace("_", "-")
            parser.add_argument(option, dest=limit, metavar=metavar, type=read, help=sentence)

    def do_add(self, options: Options) -> None:
        before = classes_with_own_maps()
        domain = add_domain(options["name"], **_values(options), active=options["active"], by=self.by)
        self.done(_("Added domain %(domain)s.") % {"domain": domain}, domain_row(domain), options)
        self._remark(before)

    def do_change(self, options: Options) -> None:
        domain = domain_named(options["name"])
        changes = _values(options) | given(options, "active")
        if not changes:
            self.wrong_usage(_("Say what is to change; “domain change --help” names the options."))
        before = classes_with_own_maps()
        domain = change_domain(domain, **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed domain %(domain)s.") % {"domain": domain}, domain_row(domain), options)
        self._remark(before)

    def do_suspend(self, options: Options) -> None:
        domain = change_domain(domain_named(options["name"]), suspended=True, by=self.by)
        self.done(_("Suspended domain %(domain)s.") % {"domain": domain}, domain_row(domain), options)

    def do_resume(self, options: Options) -> None:
        domain = change_domain(domain_named(options["name"]), suspended=False, by=self.by)
        self.done(_("Resumed domain %(domain)s.") % {"domain": domain}, domain_row(domain), options)

    def do_delete(self, options: Options) -> None:
        domain = domain_named(options["name"])
        self.make_sure(_("Delete domain %(domain)s?") % {"domain": domain}, what_is_lost(domain), options)
        before = classes_with_own_maps()
        delete_domain(domain, by=self.by)
        self.done(_("Deleted domain %(domain)s.") % {"domain": domain}, {"deleted": domain.name}, options)
        self._remark(before)

    def _remark(self, before: set[str]) -> None:
        sentence = remark_since(before)
        if sentence:
            self.remark(sentence)

    def do_recount(self, options: Options) -> None:
        named = {"pk": domain_named(options["name"]).pk} if options["name"] else {}
        differences = [vars(difference) for difference in recount(Domain.objects.filter(**named))]
        self.table(differences, {"domain": 30, "counted": 15, "was": 15, "found": 0}, options)
        if not differences:
            self.remark(_("All counts are true."))

    def do_show(self, options: Options) -> None:
        self.card(domain_row(domain_named(options["name"])), options)

    def do_list(self, options: Options) -> None:
        domains = Domain.objects.order_by("name").select_related("target", "counts").prefetch_related("admins")
        domains = domains.filter(**given(options, "address_class"))
        if options["search"]:
            domains = domains.filter(name__startswith=options["search"].lower())
        if options["after"]:
            domains = domains.filter(name__gt=normalised_domain(options["after"]))
        columns = {"name": 30, "address_class": 15, "state": 9, "target": 20, "description": 0}
        self.table((domain_row(domain) for domain in stream(domains, options["limit"])), columns, options)

    def do_add_admin(self, options: Options) -> None:
        domain, person = domain_named(options["name"]), person_named(options["username"])
        add_domain_admin(domain, person, by=self.by)
        sentence = _("%(person)s is now domain admin of %(domain)s.") % {"person": person, "domain": domain}
        self.done(sentence, domain_row(domain), options)

    def do_remove_admin(self, options: Options) -> None:
        domain, person = domain_named(options["name"]), person_named(options["username"])
        if not domain.admins.filter(pk=person.pk).exists():
            sentence = _("%(person)s is no domain admin of %(domain)s.")
            raise ValidationError(sentence % {"person": person, "domain": domain})
        remove_domain_admin(domain, person, by=self.by)
        sentence = _("%(person)s is no longer domain admin of %(domain)s.") % {"person": person, "domain": domain}
        self.done(sentence, domain_row(domain), options)


def _values(options: Options) -> dict[str, Any]:
    values = given(options, "address_class", "description")
    limits = given(options, *LIMITS)
    values |= {limit: None if value == UNLIMITED else value for limit, value in limits.items()}
    if options["any_recipient"]:
        values["any_recipient"] = options["any_recipient"] == "yes"
    if options["target"] is not None:
        values["target"] = domain_named(options["target"])
        values.setdefault("address_class", AddressClass.ALIAS_DOMAIN)
    return values


def _address_class(text: str) -> str:
    return text.lower().replace("-", "_").replace(" ", "_")
