"""What belongs to a mailbox: as whom it may send, what it answers, and which mail programs sign in to it."""

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.serializers import DateTimeField

from accounts.actors import Actor
from accounts.models import User
from api.noun import (
    ACTIVE,
    OF_DOMAIN,
    Field,
    Noun,
    Values,
    acting,
    domain_seen_by,
    key_field,
    of_model,
    shown_only,
    truth,
)
from api.nouns_of_addresses import Mailboxes
from domains.models import Domain
from mailboxes.app_passwords import revoke_app_password
from mailboxes.models import (
    AppPassword,
    Mailbox,
    OutOfOffice,
    PermittedSender,
    RecoveryAddress,
    SessionCheck,
    SignIn,
)
from mailboxes.out_of_office import delete_out_of_office, set_out_of_office
from mailboxes.parsing import parse_address
from mailboxes.recovery import delete_recovery_address
from mailboxes.senders import forbid_senders, permit_senders
from mailboxes.sessions import forget_host

THE_MAILBOX = gettext_lazy("The address of the mailbox.")


class OfMailbox(Noun):
    """What belongs to a mailbox, and is found by its address; `second`, if there is one, is the name of the rest of the
    key."""

    resource = "mailboxes"
    orderings = {"added": ("pk",)}
    second: ClassVar[str] = ""

    def all_rows(self) -> QuerySet[Any]:
        raise NotImplementedError

    def rows(self, user: User) -> QuerySet[Any]:
        rows = self.all_rows()
        if user.is_superuser:
            return rows
        numbers = Domain.objects.visible_to(user).values_list("pk", flat=True)
        return rows.filter(mailbox__address__domain__in=list(numbers))

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        return self._of_mailbox(values["mailbox"]) | (self.lookup_second(values[self.second]) if self.second else {})

    def lookup_second(self, text: str) -> dict[str, Any]:
        raise NotImplementedError

    def key_values(self, key: str) -> Values:
        mailbox, _slash, rest = key.partition("/") if self.second else (key, "", "")
        values = {"mailbox": str(parse_address(mailbox))}
        return values | {self.second: self.normal_second(rest)} if self.second else values

    def normal_second(self, text: str) -> str:
        raise NotImplementedError

    def normal_key_value(self, name: str, value: str) -> Any:
        return self.normal_second(value) if name == self.second else str(parse_address(value))

    def key_of(self, row: Any) -> str:
        return f"{row.mailbox.address}/{row}" if self.second else str(row)

    def domain_of(self, key: str) -> str:
        return parse_address(self.key_values(key)["mailbox"]).domain

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "domain":
            return rows.filter(mailbox__address__domain=domain_seen_by(user, text))
        return rows.filter(**self._of_mailbox(text))

    def _of_mailbox(self, text: str) -> dict[str, Any]:
        address = parse_address(text)
        return {
            "mailbox__address__domain__name": address.domain,
            "mailbox__address__local_part": address.local_part,
        }


def mailbox_seen_by(user: User, address: str) -> Mailbox:
    mailbox: Mailbox | None = Mailboxes().find(user, address)
    if mailbox is None:
        sentence = _("%(address)s is no mailbox of yours. Add it first, or correct the address.")
        raise ValidationError({"mailbox": sentence % {"address": address}})
    return mailbox


class PermittedSenders(OfMailbox):
    """A pair of a mailbox and an address, or a whole domain, as which it may send."""

    name, slug, words = "PermittedSender", "permitted-senders", gettext_lazy("Permitted senders")
    second, can_change = "sender", False
    fields = [
        key_field("mailbox", THE_MAILBOX, read=lambda row: str(row.mailbox.address)),
        key_field("sender", gettext_lazy("An address, or @example.org for a whole domain.")),
        *shown_only(PermittedSender, "created_at"),
    ]
    filters = {"domain": OF_DOMAIN, "mailbox": gettext_lazy("The address of a mailbox: only its senders.")}
    service_names = {"senders": "sender"}

    def all_rows(self) -> QuerySet[Any]:
        return PermittedSender.objects.select_related("mailbox__address__domain")

    def lookup_second(self, text: str) -> dict[str, Any]:
        sender = parse_address(text, may_be_whole_domain=True)
        return {"domain_name": sender.domain, "local_part": sender.local_part}

    def normal_second(self, text: str) -> str:
        return str(parse_address(text, may_be_whole_domain=True))

    def add(self, values: Values, by: Actor) -> Any:
        mailbox = mailbox_seen_by(acting(by), values["mailbox"])
        if not permit_senders(mailbox, [values["sender"]], by=by):
            sentence = _("%(mailbox)s may send as %(sender)s already.")
            raise ValidationError({"sender": sentence % values})
        return self.find(acting(by), f"{values['mailbox']}/{values['sender']}")

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        forbid_senders(row.mailbox, [row], by=by)


class AppPasswords(OfMailbox):
    """Which mail programs sign in to a mailbox. Whoever added one here would know it, and read the mail of somebody
    else, who would not notice: owners add them, on a page."""

    name, slug, words = "AppPassword", "app-passwords", gettext_lazy("App passwords")
    second, is_only_deleted, can_change = "name", True, False
    fields = [
        key_field("mailbox", THE_MAILBOX, read=lambda row: str(row.mailbox.address)),
        key_field("name", gettext_lazy("What uses it.")),
        *shown_only(AppPassword, "imap pop sends expires_at created_at"),
        Field(
            "used_at",
            partial(
                DateTimeField,
                allow_null=True,
                help_text=gettext_lazy("When somebody last signed in with it, to the hour; null if never."),
            ),
            attrgetter("used_at"),
            on=frozenset(),
            moves=True,
        ),
    ]
    filters = {"domain": OF_DOMAIN, "mailbox": gettext_lazy("The address of a mailbox: only its app passwords.")}

    def all_rows(self) -> QuerySet[Any]:
        return AppPassword.objects.select_related("mailbox__address__domain", "secret")

    def lookup_second(self, text: str) -> dict[str, Any]:
        return {"name": text}

    def normal_second(self, text: str) -> str:
        return text.strip()

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        revoke_app_password(row, by=by)


class RecoveryAddresses(OfMailbox):
    """Where the owner of a mailbox gets a link to set a new password. Whoever named one here could set the password:
    owners name theirs, on a page."""

    name, slug, words = "RecoveryAddress", "recovery-addresses", gettext_lazy("Recovery addresses")
    is_only_deleted, can_change = True, False
    fields = [
        key_field("mailbox", THE_MAILBOX, read=lambda row: str(row.mailbox.address)),
        *shown_only(RecoveryAddress, "address created_at confirmed_at"),
    ]
    filters = {"domain": OF_DOMAIN}

    def all_rows(self) -> QuerySet[Any]:
        return RecoveryAddress.objects.select_related("mailbox__address__domain")

    def key_of(self, row: Any) -> str:
        return str(row.mailbox.address)

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_recovery_address(row, by=by)


class SignIns(OfMailbox):
    """Who signed in to a mailbox last, as Dovecot says; each once a service and address."""

    name, slug, words = "SignIn", "sign-ins", gettext_lazy("Sign-ins")
    is_read_only, can_change = True, False
    fields = [
        key_field("mailbox", THE_MAILBOX, read=lambda row: str(row.mailbox.address)),
        key_field("service", gettext_lazy("imap or pop3."), read=attrgetter("service")),
        key_field("remote_ip", gettext_lazy("The address of the mail program."), read=attrgetter("remote_ip")),
        *shown_only(SignIn, "signed_in_at"),
    ]
    filters = {"domain": OF_DOMAIN, "mailbox": gettext_lazy("The address of a mailbox: only its sign-ins.")}

    def all_rows(self) -> QuerySet[Any]:
        return SignIn.objects.select_related("mailbox__address__domain")

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        return self._of_mailbox(values.pop("mailbox")) | values

    def key_values(self, key: str) -> Values:
        mailbox, _slash, rest = key.partition("/")
        service, _slash, remote_ip = rest.partition("/")
        return {"mailbox": str(parse_address(mailbox)), "service": service, "remote_ip": remote_ip}

    def key_of(self, row: Any) -> str:
        return f"{row.mailbox.address}/{row.service}/{row.remote_ip}"


class DovecotHosts(Noun):
    """The hosts that have said here that they end sessions (end_sessions). To delete one is to forget it."""

    name, slug, resource, words = "DovecotHost", "dovecot-hosts", "mailboxes", gettext_lazy("Dovecot hosts")
    only_superusers, is_only_deleted, can_change = True, True, False
    fields = [
        key_field("host", gettext_lazy("The name of the host.")),
        Field(
            "looked_at",
            partial(
                DateTimeField,
                help_text=gettext_lazy("When it last looked: a mailbox that was stopped before has no session there."),
            ),
            attrgetter("looked_at"),
            on=frozenset(),
            moves=True,
        ),
    ]
    orderings = {"host": ("host",)}

    def rows(self, user: User) -> QuerySet[Any]:
        return SessionCheck.objects.all()

    def lookup(self, key: str) -> Mapping[str, Any]:
        return self.key_values(key)

    def key_values(self, key: str) -> Values:
        return {"host": key.strip()}

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        forget_host(row)


class OutOfOfficeAnswers(OfMailbox):
    """What a mailbox answers while its owner is away."""

    name, slug, words = "OutOfOffice", "out-of-office", gettext_lazy("Out-of-office answers")
    fields = [
        key_field("mailbox", THE_MAILBOX),
        *of_model(OutOfOffice, "text", required=True),
        *of_model(OutOfOffice, "subject starts_at ends_at days active"),
        *shown_only(OutOfOffice, "version changed_at"),
    ]
    filters = {"domain": OF_DOMAIN, "active": ACTIVE}

    def all_rows(self) -> QuerySet[Any]:
        return OutOfOffice.objects.with_address()

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        return rows.filter(active=truth(text)) if name == "active" else super().filtered(rows, name, text, user)

    def add(self, values: Values, by: Actor) -> Any:
        address = values.pop("mailbox")
        mailbox = mailbox_seen_by(acting(by), address)
        if OutOfOffice.objects.filter(mailbox=mailbox).exists():
            raise ValidationError(
                {"mailbox": _("%(address)s has an answer already. Change that one.") % {"address": address}}
            )
        return set_out_of_office(mailbox, **values, version=0, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        return set_out_of_office(row.mailbox, **values, version=version, by=by) if values else row

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_out_of_office(row, version=version, by=by)
