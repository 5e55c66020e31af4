"""What the commands about domains and people share: finding what was named, or saying that it is not there."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from domains.fields import normalised_domain, shown
from domains.models import Domain
from domains.services import LIMITS


def domain_named(text: str) -> Domain:
    name = normalised_domain(text)
    domain: Domain | None = Domain.objects.select_related("target").filter(name=name).first()
    if domain is None:
        raise ValidationError(_("There is no domain %(name)s here.") % {"name": name})
    return domain


def person_named(text: str) -> User:
    """A superuser or domain admin; mailbox owners are known by their mailboxes."""
    username = text.strip().lower()
    person: User | None = User.objects.people().filter(username=username).first()
    if person is None:
        raise ValidationError(_("There is no person “%(name)s”.") % {"name": shown(text)})
    return person


def domain_row(domain: Domain) -> dict[str, Any]:
    return {
        "name": domain.name,
        "unicode_name": domain.unicode_name,
        "address_class": str(domain.address_class),
        "target": domain.target.name if domain.target else None,
        "description": domain.description,
        "any_recipient": domain.any_recipient,
        **{limit: getattr(domain, limit) for limit in LIMITS},
        "mailboxes": domain.counted.mailboxes,
        "aliases": domain.counted.aliases,
        "relay_recipients": domain.counted.recipients,
        "total_quota_bytes": int(domain.counted.quota_bytes),
        "active": domain.active,
        "suspended": domain.suspended,
        "state": domain.state,
        "admins": sorted(person.username for person in domain.admins.all()),
        "version": domain.version,
        "created_at": domain.created_at,
        "changed_at": domain.changed_at,
    }


def person_row(person: User) -> dict[str, Any]:
    return {
        "username": person.username,
        "name": person.name,
        "language": person.language,
        "is_superuser": person.is_superuser,
        "active": person.is_active,
        "domains": sorted(domain.name for domain in person.domains.all()),
        "version": person.version,
        "created_at": person.created_at,
        "last_sign_in_at": person.last_login,
    }
