"""Mailboxes, aliases and relay recipients: what hangs on an address, and is found by it."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.serializers import CharField, ChoiceField, DateTimeField, IntegerField

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from accounts.saving import said_at
from api.fields import Texts, Truth
from api.noun import (
    ACTIVE,
    ADD,
    CHANGE,
    OF_DOMAIN,
    PUT,
    Field,
    Noun,
    Values,
    acting,
    domain_seen_by,
    key_field,
    of_model,
    secret,
    shown_only,
    truth,
)
from domains.models import Domain
from domains.services import locked_version
from mailboxes.credentials import is_password
from mailboxes.destinations import lock_alias_graph
from mailboxes.models import Alias, Mailbox, MailboxCredential, RelayRecipient
from mailboxes.parsing import parse_address, written_local_part
from mailboxes.relay import add_relay_recipients, delete_relay_recipients
from mailboxes.removal import what_is_lost
from mailboxes.renaming import rename_address
from mailboxes.services import (
    add_alias,
    add_mailbox,
    change_alias,
    change_mailbox,
    delete_alias,
    delete_mailbox,
    set_mailbox_password,
)
from mailboxes.stopping import release_mailboxes, stop_mailboxes

ADDRESSES = gettext_lazy("addresses that begin like this")


class OfAddress(Noun):
    """What hangs on an address, and is found by it."""

    # The table of addresses holds all kinds: in the order of addresses, a list would walk past those of other kinds.
    orderings = {"added": ("pk",), "address": ("address__local_part", "address__domain_id")}
    ordered_in_domain = "address"
    searches = ADDRESSES
    service_names = {"local_part": "address", "recipients": "address"}

    def listed(self, user: User) -> QuerySet[Any]:
        """The domains by their numbers, too: then PostgreSQL knows how few rows they have, and begins with these."""
        rows = self.rows(user)
        if user.is_superuser:
            return rows
        numbers = Domain.objects.visible_to(user).values_list("pk", flat=True)
        return rows.filter(address__domain__in=list(numbers))

    def lookup(self, key: str) -> Mapping[str, Any]:
        address = parse_address(key, may_be_whole_domain=True)
        return {"address__domain__name": address.domain, "address__local_part": address.local_part}

    def key_values(self, key: str) -> Values:
        return {"address": str(parse_address(key, may_be_whole_domain=True))}

    def domain_of(self, key: str) -> str:
        return parse_address(key, may_be_whole_domain=True).domain

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "domain":
            return rows.filter(address__domain=domain_seen_by(user, text))
        return rows.filter(active=truth(text))

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        local_part, at, domain = text.lower().partition("@")
        if at:
            return rows.filter(address__local_part=local_part, address__domain__name__startswith=domain)
        return rows.filter(address__local_part__startswith=local_part)


def place_of(address: str, user: User) -> tuple[Domain, str]:
    """The domain, which must be one's own, and the local part as people write it."""
    with said_at("address"):
        parsed = parse_address(address, may_be_whole_domain=True)
        return domain_seen_by(user, parsed.domain), written_local_part(parsed.local_part)


DESPITE_QUARANTINE = Field(
    "despite_quarantine",
    partial(Truth, help_text=gettext_lazy("Take the address of a mailbox that was deleted lately, all the same.")),
    on=frozenset({ADD, PUT, CHANGE}),
)
KEEP_OLD = Field(
    "keep_old",
    partial(Truth, help_text=gettext_lazy("With another address: the old one becomes an alias of the new one.")),
    on=frozenset({CHANGE}),
)
WHOLE_ADDRESS = gettext_lazy("The whole address. Another one renames it.")


def renaming(row: Any, values: Values, by: Actor) -> Callable[[], Any] | None:
    """What gives the row the address in `values`, if that is another one. Takes from `values` what is about it."""
    keep_old, despite = values.pop("keep_old", False), values.pop("despite_quarantine", False)
    wanted = values.pop("address", None)
    if wanted is None:
        return None
    domain, local_part = place_of(wanted, acting(by))
    if str(parse_address(wanted, may_be_whole_domain=True)) == str(row.address):
        return None
    options = {"keep_old": keep_old, "despite_quarantine": despite}
    return partial(rename_address, row.address, domain, local_part, **options, by=by)


def together(noun: str, row: Any, acts: list[Callable[[], Any] | None], version: int | None, by: Actor) -> None:
    """Several services for one thing are one change set, and none of them works on a row that is not what was seen."""
    wanted = [act for act in acts if act]
    if len(wanted) == 1 and version is None:
        wanted[0]()
    elif wanted:
        domain = row.address.domain.name
        with recorded("change", noun, str(row), domain="" if acts[-1] else domain, by=by):
            lock_alias_graph()
            locked_version(type(row)._default_manager, row.pk, version)
            for act in wanted:
                act()


STOPPED = Field(
    "stopped",
    partial(
        Truth,
        help_text=gettext_lazy("The emergency stop: nobody signs in to it or sends from it. Mail still arrives."),
    ),
    lambda mailbox: mailbox.stopped_at is not None,
    on=frozenset({CHANGE}),
)


class Mailboxes(OfAddress):
    name, slug, resource, words = "Mailbox", "mailboxes", "mailboxes", gettext_lazy("Mailboxes")
    fields = [
        key_field("address", WHOLE_ADDRESS, may_change=True),
        *of_model(Mailbox, "name quota_bytes active receives sends imap pop expires_at mail_path"),
        Field(
            "allowed_networks",
            partial(Texts, help_text=gettext_lazy("Address ranges; its owner signs in only from there.")),
            attrgetter("allowed_networks"),
            default=(),
        ),
        STOPPED,
        Field(
            "mail_format",
            partial(
                ChoiceField,
                choices=["maildir", "mbox"],
                help_text=gettext_lazy("Of a new mailbox; afterwards the mail path says it."),
            ),
            attrgetter("mail_format"),
            on=frozenset({ADD}),
        ),
        secret(gettext_lazy("It is sent and never shown. The password settings say how good it must be.")),
        Field("has_password", Truth, attrgetter("has_password"), on=frozenset()),
        Field(
            "must_change_password",
            partial(
                Truth,
                help_text=gettext_lazy("Said with a new password: the owner must choose another one in the panel."),
            ),
            attrgetter("must_change_password"),
        ),
        Field(
            "used_bytes",
            partial(
                IntegerField,
                allow_null=True,
                help_text=gettext_lazy("What it stores, as Dovecot said last; null before the first message."),
            ),
            attrgetter("used_bytes"),
            on=frozenset(),
            moves=True,
        ),
        Field(
            "welcome",
            partial(
                Truth,
                help_text=gettext_lazy("Of a new mailbox: whether it gets a welcome mail; else the settings say it."),
            ),
            on=frozenset({ADD, PUT}),
        ),
        Field(
            "welcomed_at",
            partial(
                DateTimeField,
                allow_null=True,
                help_text=gettext_lazy("When its welcome mail was sent; null where none was, or not yet."),
            ),
            attrgetter("welcomed_at"),
            on=frozenset(),
            moves=True,
        ),
        Field(
            "welcome_refusal",
            partial(CharField, help_text=gettext_lazy("Why it never will be sent, as the mail server said it.")),
            attrgetter("welcome_refusal"),
            on=frozenset(),
            moves=True,
        ),
        DESPITE_QUARANTINE,
        KEEP_OLD,
        *shown_only(Mailbox, "stopped_at version created_at changed_at"),
    ]
    filters = {"domain": OF_DOMAIN, "active": ACTIVE}

    def rows(self, user: User) -> QuerySet[Any]:
        credential = MailboxCredential.objects.filter(mailbox=OuterRef("pk"))
        found = Mailbox.objects.visible_to(user).with_address().select_related("usage", "welcome")
        return found.annotate(
            has_password=Exists(credential), must_change_password=Exists(credential.filter(must_change=True))
        )

    def add(self, values: Values, by: Actor) -> Any:
        domain, local_part = place_of(values.pop("address"), acting(by))
        return add_mailbox(domain, local_part, **values, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        password, rename = values.pop("password", None), renaming(row, values, by)
        stopped = values.pop("stopped", None)
        values.pop("welcome", None)  # it is no new one
        must_change = values.pop("must_change_password", row.must_change_password if password is None else False)
        if password is None and must_change != row.must_change_password:
            raise ValidationError({"must_change_password": _("Send a new password with it.")})
        set_password = partial(set_mailbox_password, row, password, must_change=must_change, by=by)
        acts = [
            partial(change_mailbox, row, **values, by=by) if values else None,
            set_password if password is not None else None,
            partial(stop_mailboxes if stopped else release_mailboxes, [row], by=by) if stopped is not None else None,
            rename,
        ]
        together("mailbox", row, acts, version, by)
        return row

    def has_password(self, row: Any, password: str) -> bool:
        credential = MailboxCredential.objects.filter(mailbox=row).first()
        return credential is not None and is_password(password, credential.hash)

    def lost_with(self, row: Any, user: User) -> list[str]:
        return what_is_lost(row) if user.is_superuser else []  # it names aliases of other domains, too

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_mailbox(row, version=version, by=by)


class Aliases(OfAddress):
    name, slug, resource, words = "Alias", "aliases", "aliases", gettext_lazy("Aliases")
    fields = [
        key_field("address", WHOLE_ADDRESS, may_change=True),
        Field(
            "destinations",
            partial(Texts, help_text=gettext_lazy("Where the mail goes, in this order; 1 to 1000.")),
            lambda alias: [str(destination) for destination in alias.destinations.all()],
            required=True,
        ),
        *of_model(Alias, "comment active starts_at ends_at"),
        Field("is_catch_all", Truth, attrgetter("is_catch_all"), on=frozenset()),
        Field("keeps_copy", Truth, attrgetter("has_mailbox"), on=frozenset()),
        DESPITE_QUARANTINE,
        KEEP_OLD,
        *shown_only(Alias, "version created_at changed_at"),
    ]
    filters = {"domain": OF_DOMAIN, "active": ACTIVE}

    def rows(self, user: User) -> QuerySet[Any]:
        return Alias.objects.visible_to(user).with_destinations().select_related("address__mailbox")

    def add(self, values: Values, by: Actor) -> Any:
        domain, local_part = place_of(values.pop("address"), acting(by))
        return add_alias(domain, local_part, values.pop("destinations"), **values, by=by)

    def change(self, row: Any, values: Values, version: Any, by: Actor) -> Any:
        rename = renaming(row, values, by)
        together("alias", row, [partial(change_alias, row, **values, by=by) if values else None, rename], version, by)
        return row

    def lost_with(self, row: Any, user: User) -> list[str]:
        return what_is_lost(row) if user.is_superuser else []  # it names aliases of other domains, too

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_alias(row, version=version, by=by)


class RelayRecipients(OfAddress):
    name, slug, resource = "RelayRecipient", "relay-recipients", "relay_recipients"
    words = gettext_lazy("Relay recipients")
    can_change = False
    fields = [
        key_field("address", gettext_lazy("The whole address.")),
        DESPITE_QUARANTINE,
        *shown_only(RelayRecipient, "created_at"),
    ]
    filters = {"domain": OF_DOMAIN}

    def rows(self, user: User) -> QuerySet[Any]:
        return RelayRecipient.objects.visible_to(user).with_address()

    def add(self, values: Values, by: Actor) -> Any:
        domain, local_part = place_of(values["address"], acting(by))
        if not add_relay_recipients(
            domain, [local_part], despite_quarantine=values.get("despite_quarantine", False), by=by
        ):
            raise ValidationError({"address": _("%(address)s is a relay recipient already.") % values})
        return self.find(acting(by), values["address"])

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        delete_relay_recipients(row.address.domain, [row], by=by)
