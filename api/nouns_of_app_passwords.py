"""App passwords: which mail programs sign in to a mailbox. Their owner adds them, on a page; here they are revoked."""

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy
from rest_framework.serializers import DateTimeField

from accounts.actors import Actor
from accounts.models import User
from api.noun import OF_DOMAIN, Field, Noun, Values, domain_seen_by, key_field, shown_only
from domains.models import Domain
from mailboxes.app_passwords import revoke_app_password
from mailboxes.models import AppPassword
from mailboxes.parsing import parse_address


class AppPasswords(Noun):
    """Whoever added one would know it, and read the mail of somebody else, who would not notice."""

    name, slug, resource, words = "AppPassword", "app-passwords", "mailboxes", gettext_lazy("App passwords")
    is_only_deleted, can_change = True, False
    fields = [
        key_field("mailbox", gettext_lazy("The address of the mailbox."), read=lambda row: str(row.mailbox.address)),
        key_field("name", gettext_lazy("What uses it."), read=attrgetter("name")),
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
        ),
    ]
    orderings = {"added": ("pk",)}
    filters = {"domain": OF_DOMAIN, "mailbox": gettext_lazy("The address of a mailbox: only its app passwords.")}

    def rows(self, user: User) -> QuerySet[Any]:
        rows = AppPassword.objects.select_related("mailbox__address__domain", "secret")
        if user.is_superuser:
            return rows
        numbers = Domain.objects.visible_to(user).values_list("pk", flat=True)
        return rows.filter(mailbox__address__domain__in=list(numbers))

    def lookup(self, key: str) -> Mapping[str, Any]:
        values = self.key_values(key)
        mailbox = parse_address(values["mailbox"])
        return {
            "mailbox__address__domain__name": mailbox.domain,
            "mailbox__address__local_part": mailbox.local_part,
            "name": values["name"],
        }

    def key_values(self, key: str) -> Values:
        mailbox, _at, name = key.partition("/")
        return {"mailbox": str(parse_address(mailbox)), "name": name.strip()}

    def key_of(self, row: Any) -> str:
        return f"{row.mailbox.address}/{row.name}"

    def domain_of(self, key: str) -> str:
        return parse_address(key.partition("/")[0]).domain

    def filtered(self, rows: QuerySet[Any], name: str, text: str, user: User) -> QuerySet[Any]:
        if name == "domain":
            return rows.filter(mailbox__address__domain=domain_seen_by(user, text))
        address = parse_address(text)
        return rows.filter(
            mailbox__address__domain__name=address.domain, mailbox__address__local_part=address.local_part
        )

    def delete(self, row: Any, version: Any, by: Actor) -> None:
        revoke_app_password(row, by=by)
