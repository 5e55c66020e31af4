"""Every write about domains, their admins and the mail settings (mailboxes/removal.py deletes domains)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.history import recorded
from accounts.models import User
from accounts.saving import refuse_other_version, save_checked, set_fields
from accounts.services import add_user
from domains.fields import normalised_domain
from domains.guards import delimiter_changed, follow, guarded
from domains.models import AddressClass, Domain, DomainAdmin, MailSettings

MAIL_SETTINGS = (
    "recipient_delimiter",
    "mail_path_template",
    "quarantine_days",
    "dkim_retiring_days",
    "dkim_rotation_months",
)
LIMITS = ("max_mailboxes", "max_aliases", "max_quota_bytes", "max_total_quota_bytes")
CHANGEABLE = ("address_class", "target", "description", "any_recipient", "active", "suspended", *LIMITS)


def add_domain(
    name: str,
    *,
    address_class: str = AddressClass.VIRTUAL_MAILBOX,
    target: Domain | None = None,
    description: str = "",
    any_recipient: bool = False,
    max_mailboxes: int | None = None,
    max_aliases: int | None = None,
    max_quota_bytes: int | None = None,
    max_total_quota_bytes: int | None = None,
    active: bool = True,
    suspended: bool = False,
    by: Actor,
) -> Domain:
    """Adds a domain. The limits hold for everybody; None is unlimited, 0 is none."""
    try:
        name = normalised_domain(name)
    except ValidationError as error:
        raise ValidationError({"name": error.messages}) from error
    domain = Domain(
        name=name,
        address_class=address_class,
        target=target,
        description=description,
        any_recipient=any_recipient,
        max_mailboxes=max_mailboxes,
        max_aliases=max_aliases,
        max_quota_bytes=max_quota_bytes,
        max_total_quota_bytes=max_total_quota_bytes,
        active=active,
        suspended=suspended,
    )
    with recorded("add", "domain", domain.name, domain=domain.name, by=by), guarded(domain.name):
        _lock_target(domain)
        save_checked(domain)
        follow(domain, by=by)
    return domain


def change_domain(domain: Domain, *, by: Actor, version: int | None = None, **changes: Any) -> Domain:
    """Changes what may change; `version` is the one the person saw, so that nobody overwrites a colleague. A limit may
    be lower than what is there: that stays, and nothing is added until there is room again."""
    _refuse_limits_from(by, changes)
    with recorded("change", "domain", domain.name, domain=domain.name, by=by), guarded(domain.name):
        domain = locked_version(Domain.objects, domain.pk, version)
        set_fields(domain, CHANGEABLE, changes)
        if domain.address_class != AddressClass.ALIAS_DOMAIN:
            domain.target = None
        if not domain.has_recipients and not changes.get("any_recipient"):
            domain.any_recipient = False
        _lock_target(domain)
        refuse_unfitting_class(domain)
        domain.version += 1
        save_checked(domain)
    return domain


def add_domain_admin(domain: Domain, user: User, *, by: Actor) -> DomainAdmin:
    with recorded("add_admin", "domain", f"{domain.name}, {user.label}", domain=domain.name, by=by):
        domain = locked_version(Domain.objects, domain.pk, None)
        if not User.objects.select_for_update(no_key=True).filter(pk=user.pk).exists():
            raise ValidationError({"user": _("This person was deleted meanwhile. Nothing was changed.")})
        if user.is_owner:
            raise ValidationError({"user": _("A mailbox owner cannot be a domain admin. Add a person for this first.")})
        if user.is_superuser:
            raise ValidationError(
                {"user": _("%(person)s is a superuser and manages every domain.") % {"person": user.label}}
            )
        admin = DomainAdmin(domain=domain, user=user)
        try:
            save_checked(admin)
        except ValidationError as error:
            sentence = _("%(person)s is a domain admin of %(domain)s already.") % {
                "person": user.label,
                "domain": domain,
            }
            raise ValidationError({"user": sentence}) from error
    return admin


def add_person(username: str, *, domains: Sequence[Domain] = (), by: Actor, **values: Any) -> User:
    """As add_user, and domain admin of these domains, in one change."""
    with recorded("add", "person", username.strip().lower(), by=by):
        user = add_user(username, **values, by=by)
        for domain in domains:
            add_domain_admin(domain, user, by=by)
    return user


def remove_domain_admin(domain: Domain, user: User, *, by: Actor) -> None:
    with recorded("remove_admin", "domain", f"{domain.name}, {user.label}", domain=domain.name, by=by):
        DomainAdmin.objects.filter(domain=domain, user=user).delete()


def change_mail_settings(*, by: Actor, version: int | None = None, **changes: Any) -> MailSettings:
    """The delimiter counts at once for the maps; main.cf must say the same (`postfix_config`). With another one,
    addresses may lead elsewhere: no loop is closed by it, and all aliases are checked afterwards."""
    with recorded("change", "mail_settings", "", by=by):
        settings = locked_version(MailSettings.objects, 1, version)
        delimiter = settings.recipient_delimiter
        set_fields(settings, MAIL_SETTINGS, changes)
        settings.version += 1
        settings.full_clean()
        settings.save()
        if settings.recipient_delimiter != delimiter:
            delimiter_changed(by)
    return settings


def locked_version(rows: Any, pk: int, version: int | None) -> Any:
    """The row, locked; a sentence if it is gone or is no longer the one that the person saw."""
    locked: QuerySet[Any] = rows.select_for_update(no_key=True, of=("self",))
    row = locked.filter(pk=pk).first()
    if row is None:
        raise ValidationError(_("This was deleted meanwhile. Nothing was changed."), code="deleted_meanwhile")
    if version is not None:
        refuse_other_version(version, row.version)
    return row


def _refuse_limits_from(by: Actor, changes: Mapping[str, Any]) -> None:
    if by.user and not by.user.is_superuser and set(changes) & set(LIMITS):
        raise ValidationError(_("Only a superuser sets the limits of a domain."))


def _lock_target(domain: Domain) -> None:
    """The target must stay what it is until we are done; clean() judges the locked row."""
    if domain.target_id is not None:
        domain.target = Domain.objects.select_for_update(no_key=True).filter(pk=domain.target_id).first()
        if domain.target is None:
            raise ValidationError({"target": _("The target was deleted meanwhile. Choose another one.")})


def refuse_unfitting_class(domain: Domain) -> None:
    """A class that its addresses or alias domains do not fit would lose mail."""
    if domain.address_class == Domain.objects.values_list("address_class", flat=True).get(pk=domain.pk):
        return
    if not domain.has_mailboxes and domain.addresses.filter(mailbox__isnull=False).exists():
        raise ValidationError(
            {
                "address_class": _("%(domain)s has mailboxes. Delete them before you change its address class.")
                % {"domain": domain}
            }
        )
    if not domain.has_recipients and domain.addresses.filter(relay_recipient__isnull=False).exists():
        raise ValidationError(
            {
                "address_class": _("%(domain)s has relay recipients. Delete them before you change its address class.")
                % {"domain": domain}
            }
        )
    if not domain.has_catch_all and domain.addresses.exists():
        raise ValidationError(
            {
                "address_class": _("%(domain)s has aliases. Delete them before you change its address class.")
                % {"domain": domain}
            }
        )
    if not domain.may_be_target and domain.alias_domains.exists():
        raise ValidationError(
            {
                "address_class": _("%(domain)s is the target of an alias domain. Give that one another target first.")
                % {"domain": domain}
            }
        )
