"""Rotation: a key that signs gets a successor, which the worker makes and which takes its place by itself."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.actors import Actor
from domains.dkim_models import NAME_IS_LEFT_FREE, DkimKey, LeftDkimName
from domains.dkim_services import GENERATE, start_generation
from domains.models import Domain
from domains.services import locked_version
from jobs.models import Job
from jobs.services import start_job

LOOK = "dkim_look"  # the work of dns_records/rotation.py
State = DkimKey.State


@transaction.atomic
def start_rotation(domain: Domain, selector: str = "", *, by: Actor) -> Job:
    """Lets the worker make the successor of the key that signs; without one, the first key. Which key is meant must be
    said where several sign."""
    domain = locked_version(Domain.objects, domain.pk, None)  # who asks twice at a time gets one successor
    signing = list(DkimKey.objects.filter(domain=domain, state=State.SIGNING).order_by("pk"))
    if selector:
        wanted = [key for key in signing if key.selector == selector.strip().lower()]
        if not wanted:
            words = {"selector": selector, "domain": domain}
            raise ValidationError({"selector": _("No key %(selector)s signs for %(domain)s.") % words})
    elif len(signing) > 1:
        names = ", ".join(key.selector for key in signing)
        raise ValidationError({"selector": _("Several keys sign for it: %(names)s. Say which one.") % {"names": names}})
    else:
        wanted = signing
    return _start_successor(domain, wanted[0] if wanted else None, by=by)


def successor_of(key: DkimKey) -> DkimKey | None:
    """What is on its way to take its place."""
    coming = DkimKey.objects.filter(domain_id=key.domain_id, state__in=[State.PREPARED, State.PUBLISHED])
    return next((one for one in coming.order_by("pk") if one.scope == key.scope), None)


def keys_to_rotate(before: datetime) -> QuerySet[DkimKey]:
    """Keys of active domains that began to sign before this moment, the oldest first; by an index."""
    keys = DkimKey.objects.filter(state=State.SIGNING, signing_at__lt=before, domain__active=True)
    return keys.select_related("domain").order_by("signing_at")


def start_look(domain: Domain, *, by: Actor) -> Job:
    """Lets the worker ask the name servers at once about all keys of a domain that wait for them."""
    label = gettext_noop("Look for DKIM records in the DNS")
    return start_job(LOOK, by=by, label=label, domain=domain.pk, who=by.label)


def _start_successor(domain: Domain, key: DkimKey | None, *, by: Actor) -> Job:
    algorithm = key.algorithm if key else str(DkimKey.Algorithm.RSA_2048)
    coming = successor_of(key) if key else _first_of(domain)
    if coming:
        sentence = _("%(key)s is on its way already. Publish its record, or delete it.")
        raise ValidationError(sentence % {"key": coming})
    local_parts = key.local_parts if key else ""
    if _being_made(domain).filter(arguments__algorithm=algorithm, arguments__local_parts=local_parts).exists():
        raise ValidationError(_("The worker makes the next key of %(domain)s already.") % {"domain": domain})
    options: dict[str, Any] = {"local_parts": local_parts, "signs_by_itself": True}
    if key:
        options |= {"for_subdomains": key.for_subdomains, "for_alias_domains": key.for_alias_domains}
    return start_generation(domain, next_selector(domain), algorithm, by=by, **options)


def _first_of(domain: Domain) -> DkimKey | None:
    return DkimKey.objects.filter(domain=domain, state__in=[State.PREPARED, State.PUBLISHED]).order_by("pk").first()


def _being_made(domain: Domain) -> QuerySet[Job]:
    unfinished = Job.objects.filter(kind=GENERATE, state__in=[Job.State.WAITING, Job.State.RUNNING])
    return unfinished.filter(arguments__domain=domain.pk)


def next_selector(domain: Domain) -> str:
    """Year and month, s202611, then s202611b: another key has another selector (RFC 6376, 3.1), also beside those of
    its alias domains or of its target, which may sign for it, and not one that a key has left of late."""
    month = f"s{timezone.now():%Y%m}"
    related = {domain.pk: domain.name} | dict(domain.alias_domains.values_list("pk", "name"))
    if domain.target:
        related[domain.target.pk] = domain.target.name
    selectors = [month, *(month + ending for ending in "bcdefghijklmnopqrstuvwxyz")]
    keys = DkimKey.objects.filter(domain__in=related, selector__startswith=month)
    taken = set(keys.values_list("selector", flat=True))
    taken |= set(_being_made(domain).values_list("arguments__selector", flat=True))
    names = {f"{selector}._domainkey.{name}": selector for selector in selectors for name in related.values()}
    left = LeftDkimName.objects.filter(name__in=names, left_at__gt=timezone.now() - NAME_IS_LEFT_FREE)
    taken |= {names[name] for name in left.values_list("name", flat=True)}
    return next((selector for selector in selectors if selector not in taken), f"{month}-{len(taken)}")
