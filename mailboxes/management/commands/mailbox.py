"""Mailboxes from the shell."""

from argparse import BooleanOptionalAction
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.commands import (
    NounCommand,
    Options,
    active_arguments,
    delete_arguments,
    given,
    list_arguments,
    password_arguments,
    stream,
    version_argument,
)
from domains.fields import size_as_typed
from mailboxes.commands import (
    NO_QUOTA,
    found_at,
    given_times,
    listed,
    place_for,
    quarantine_argument,
    quota_bytes,
    rename_arguments,
    time,
    values_of_rename,
)
from mailboxes.models import Mailbox, MailboxCredential, MailboxQuerySet, SessionCheck
from mailboxes.parsing import parse_address
from mailboxes.removal import what_is_lost
from mailboxes.renaming import rename_address
from mailboxes.senders import forbid_senders, permit_senders
from mailboxes.services import add_mailbox, change_mailbox, delete_mailbox, set_mailbox_password
from mailboxes.stopping import release_mailboxes, stop_mailboxes

ANYWHERE = "anywhere"


class Command(NounCommand):
    help = _("Add, change, delete and list mailboxes.")

    def add_verbs(self) -> None:
        add = self.verb("add", _("Add a mailbox."))
        self._address_argument(add)
        self._value_arguments(add)
        add.add_argument("--format", choices=["maildir", "mbox"], default="maildir", help=_("How mail is stored."))
        add.add_argument("--inactive", dest="active", action="store_false", help=_("Mail to it is refused for now."))
        quarantine_argument(add)
        password_arguments(add, may_be_none=True)
        _must_change_argument(add)
        add.add_argument(
            "--welcome",
            action=BooleanOptionalAction,
            default=None,
            help=_("Whether it gets a welcome mail; else the mailing settings say it."),
        )

        change = self.verb("change", _("Change a mailbox. A new mail path does not move the mail that is stored."))
        self._address_argument(change)
        self._value_arguments(change)
        active_arguments(change)
        version_argument(change)

        password = self.verb("password", _("Set the password of a mailbox."))
        self._address_argument(password)
        password_arguments(password)
        _must_change_argument(password)

        rename = self.verb(
            "rename", _("Rename a mailbox, or move it to another domain; the files stay where they are.")
        )
        rename_arguments(rename)

        for name, sentence in (
            ("permit-sender", _("Let a mailbox send as other addresses too, or as all of a domain: @example.org.")),
            ("forbid-sender", _("Take back what permit-sender permitted.")),
        ):
            senders = self.verb(name, sentence)
            self._address_argument(senders)
            senders.add_argument("senders", nargs="+", metavar="SENDER")
        self._address_argument(self.verb("senders", _("List the senders that are permitted to a mailbox.")))

        for name, sentence in (
            ("stop", _("Emergency stop: nobody signs in to a mailbox or sends from it. Mail still arrives.")),
            ("release", _("End the emergency stop of a mailbox.")),
        ):
            self.verb(name, sentence).add_argument("addresses", nargs="+", metavar="ADDRESS")

        delete = self.verb("delete", _("Delete a mailbox; the files stay where they are."))
        self._address_argument(delete)
        delete_arguments(delete)

        self._address_argument(self.verb("show", _("Show a mailbox.")))
        self._address_argument(self.verb("sign-ins", _("List the last sign-ins to a mailbox by IMAP and POP.")))

        mailboxes = self.verb("list", _("List mailboxes."))
        mailboxes.add_argument("--domain", metavar="DOMAIN", help=_("Of this domain only."))
        mailboxes.add_argument(
            "--costly-hash",
            action="store_true",
            help=_("Only those whose password hash takes too long to check: it lets nobody in."),
        )
        list_arguments(mailboxes, after="ADDRESS", search=_("Addresses that begin like this."))

    def _address_argument(self, parser: Any) -> None:
        parser.add_argument("address", metavar="ADDRESS")

    def _value_arguments(self, parser: Any) -> None:
        parser.add_argument("--name", help=_("Shown in lists, and to the owner."))
        parser.add_argument("--quota", type=quota_bytes, metavar="SIZE", help=_("10G, 500M, bytes, or none."))
        parser.add_argument(
            "--mail-path",
            metavar="PATH",
            help=_("Where mail is stored, below virtual_mailbox_base; a path that ends in / is a maildir."),
        )
        for option, field, sentence in (
            ("--receive", "receives", _("Whether mail to it is taken.")),
            ("--send", "sends", _("Whether its owner may send mail.")),
            ("--imap", "imap", _("Whether its owner reads mail by IMAP.")),
            ("--pop", "pop", _("Whether its owner fetches mail by POP.")),
        ):
            parser.add_argument(option, dest=field, action=BooleanOptionalAction, default=None, help=sentence)
        parser.add_argument(
            "--only-from",
            dest="allowed_networks",
            nargs="+",
            metavar="CIDR",
            help=_("From where its owner may sign in: address ranges, or anywhere."),
        )
        parser.add_argument(
            "--expires",
            dest="expires_at",
            type=time,
            metavar="WHEN",
            help=_("From then on it is as if it were inactive: 2027-01-31, “2027-01-31 18:00”, or never."),
        )

    def do_add(self, options: Options) -> None:
        domain, local_part = place_for(options["address"])
        mailbox = add_mailbox(
            domain,
            local_part,
            password=None if options["no_password"] else self.typed_password(options),
            must_change_password=options["must_change"],
            mail_format=options["format"],
            active=options["active"],
            despite_quarantine=options["despite_quarantine"],
            welcome=options["welcome"],
            by=self.by,
            **_values(options),
        )
        self.done(_("Added mailbox %(mailbox)s.") % {"mailbox": mailbox}, _reread(mailbox), options)

    def do_change(self, options: Options) -> None:
        changes = _values(options) | given(options, "active")
        if not changes:
            self.wrong_usage(_("Say what is to change; “mailbox change --help” names the options."))
        mailbox = change_mailbox(self._found(options), **changes, version=options["if_version"], by=self.by)
        self.done(_("Changed mailbox %(mailbox)s.") % {"mailbox": mailbox}, _reread(mailbox), options)

    def do_password(self, options: Options) -> None:
        mailbox = self._found(options)
        set_mailbox_password(mailbox, self.typed_password(options), must_change=options["must_change"], by=self.by)
        sentence = _("Changed the password of mailbox %(mailbox)s.") % {"mailbox": mailbox}
        self.done(sentence, _reread(mailbox), options)

    def do_rename(self, options: Options) -> None:
        mailbox = self._found(options)
        rename_address(mailbox.address, **values_of_rename(options), tell=self.remark, by=self.by)
        row = _reread(mailbox)
        words = {"old": mailbox, "new": row["address"]}
        self.done(_("Renamed mailbox %(old)s to %(new)s. Its files stay where they are.") % words, row, options)

    def do_permit_sender(self, options: Options) -> None:
        mailbox = self._found(options)
        number = permit_senders(mailbox, options["senders"], by=self.by)
        sentence = ngettext("Permitted %(count)d more sender.", "Permitted %(count)d more senders.", number)
        self.done(sentence % {"count": number}, {"permitted": number}, options)

    def do_forbid_sender(self, options: Options) -> None:
        mailbox = self._found(options)
        permitted = {str(sender): sender for sender in mailbox.permitted_senders.all()}
        typed = [str(parse_address(text, may_be_whole_domain=True)) for text in options["senders"]]
        missing = [sender for sender in typed if sender not in permitted]
        if missing:
            sentence = _("%(mailbox)s is not permitted to send as %(senders)s. Nothing was changed.")
            raise ValidationError(sentence % {"mailbox": mailbox, "senders": ", ".join(missing)})
        forbid_senders(mailbox, [permitted[sender] for sender in dict.fromkeys(typed)], by=self.by)
        number = len(set(typed))
        sentence = ngettext("Forbade %(count)d sender.", "Forbade %(count)d senders.", number)
        self.done(sentence % {"count": number}, {"forbidden": number}, options)

    def do_senders(self, options: Options) -> None:
        rows = (
            {"sender": str(sender), "created_at": sender.created_at}
            for sender in self._found(options).permitted_senders.all()
        )
        self.table(rows, {"sender": 0}, options)

    def do_stop(self, options: Options) -> None:
        mailboxes = self._all_found(options)
        stop_mailboxes(mailboxes, by=self.by)
        sentence = ngettext("Stopped %(count)d mailbox.", "Stopped %(count)d mailboxes.", len(mailboxes))
        self.done(sentence % {"count": len(mailboxes)}, {"stopped": [str(one) for one in mailboxes]}, options)
        self.remark(_("Who is signed in to Dovecot is out when end_sessions runs next on its host."))

    def do_release(self, options: Options) -> None:
        mailboxes = self._all_found(options)
        release_mailboxes(mailboxes, by=self.by)
        sentence = ngettext("Released %(count)d mailbox.", "Released %(count)d mailboxes.", len(mailboxes))
        self.done(sentence % {"count": len(mailboxes)}, {"released": [str(one) for one in mailboxes]}, options)

    def do_delete(self, options: Options) -> None:
        mailbox = self._found(options)
        self.make_sure(_("Delete mailbox %(mailbox)s?") % {"mailbox": mailbox}, what_is_lost(mailbox), options)
        delete_mailbox(mailbox, by=self.by)
        self.done(_("Deleted mailbox %(mailbox)s.") % {"mailbox": mailbox}, {"deleted": str(mailbox)}, options)

    def do_show(self, options: Options) -> None:
        mailbox = self._found(options)
        self.card(_row(mailbox) | {"sessions_ended_on": _ended_on(mailbox)}, options)

    def do_sign_ins(self, options: Options) -> None:
        rows = (
            {"service": one.service, "remote_ip": one.remote_ip, "signed_in_at": one.signed_in_at}
            for one in self._found(options).sign_ins.order_by("-signed_in_at", "-pk")
        )
        self.table(rows, {"service": 8, "remote_ip": 40, "signed_in_at": 0}, options)

    def do_list(self, options: Options) -> None:
        columns = {"address": 30, "name": 25, "quota": 6, "state": 8, "mail_path": 0}
        mailboxes = _mailboxes().with_costly_hash() if options["costly_hash"] else _mailboxes()
        rows = (_row(mailbox) for mailbox in stream(listed(mailboxes, options), options["limit"]))
        if not options["json"]:
            rows = (
                row | {"quota": size_as_typed(row["quota_bytes"]) if row["quota_bytes"] else NO_QUOTA} for row in rows
            )
        self.table(rows, columns, options)

    def _all_found(self, options: Options) -> list[Mailbox]:
        missing = _("There is no mailbox %(address)s.")
        return [found_at(_mailboxes(), text, missing, self.remark) for text in dict.fromkeys(options["addresses"])]

    def _found(self, options: Options) -> Mailbox:
        return found_at(_mailboxes(), options["address"], _("There is no mailbox %(address)s."), self.remark)


def _must_change_argument(parser: Any) -> None:
    parser.add_argument(
        "--must-change", action="store_true", help=_("The owner chooses another one at the next sign-in to the panel.")
    )


def _mailboxes() -> MailboxQuerySet:
    credential = MailboxCredential.objects.filter(mailbox=OuterRef("pk"))
    found = Mailbox.objects.with_address().select_related("usage", "welcome")
    return found.annotate(
        has_password=Exists(credential),
        must_change_password=Exists(credential.filter(must_change=True)),
        has_costly_hash=Exists(credential.filter(is_costly=True)),
    )


def _values(options: Options) -> dict[str, Any]:
    values = given(options, "name", "mail_path", "receives", "sends", "imap", "pop")
    values |= given_times(options, "expires_at")
    if options["allowed_networks"] is not None:
        values["allowed_networks"] = [] if options["allowed_networks"] == [ANYWHERE] else options["allowed_networks"]
    if options["quota"] is not None:
        values["quota_bytes"] = None if options["quota"] == NO_QUOTA else options["quota"]
    return values


def _ended_on(mailbox: Mailbox) -> list[str] | None:
    """The hosts with Dovecot that have looked since a mailbox was stopped; None if it is not."""
    if mailbox.stopped_at is None:
        return None
    return list(SessionCheck.objects.filter(looked_at__gt=mailbox.stopped_at).values_list("host", flat=True))


def _reread(mailbox: Mailbox) -> dict[str, Any]:
    return _row(_mailboxes().get(pk=mailbox.pk))


def _row(mailbox: Any) -> dict[str, Any]:
    """`mailbox` comes from _mailboxes(), which knows whether it has a password."""
    return {
        "address": str(mailbox),
        "name": mailbox.name,
        "quota_bytes": mailbox.quota_bytes,
        "used_bytes": mailbox.used_bytes,
        "mail_path": mailbox.mail_path,
        "mail_format": mailbox.mail_format,
        "active": mailbox.active,
        "state": mailbox.state,
        "receives": mailbox.receives,
        "sends": mailbox.sends,
        "imap": mailbox.imap,
        "pop": mailbox.pop,
        "expires_at": mailbox.expires_at,
        "allowed_networks": mailbox.allowed_networks,
        "stopped_at": mailbox.stopped_at,
        "has_password": mailbox.has_password,
        "must_change_password": mailbox.must_change_password,
        "has_costly_hash": mailbox.has_costly_hash,
        "welcomed_at": mailbox.welcomed_at,
        "welcome_refusal": mailbox.welcome_refusal,
        "version": mailbox.version,
        "created_at": mailbox.created_at,
        "changed_at": mailbox.changed_at,
    }
