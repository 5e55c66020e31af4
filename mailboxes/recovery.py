"""How an owner who forgot the password gets a new one: by a link that is sent to a second address.

A link is 128 random bits, good for an hour and once. The worker makes and sends it; only its SHA-256 is stored."""

import secrets
from datetime import timedelta

import pghistory
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.actors import Actor
from accounts.digests import sha256_of
from accounts.history import recorded
from accounts.saving import save_checked
from domains.models import Domain
from domains.services import locked_version
from jobs.services import start_job
from mailboxes.backends import mailbox_named, may_sign_in
from mailboxes.models import Mailbox, PasswordLink, RecoveryAddress
from mailboxes.parsing import parse_address
from mailboxes.services import set_mailbox_password
from mailboxes.ways import Request, places_of

GOOD_FOR = timedelta(hours=1)
MOST_AN_HOUR = 3  # links to one mailbox, of each purpose
KEPT = timedelta(days=1)  # after which nobody counts them any more
RANDOM_OCTETS = 16
SENDING = "password_link"  # the kind of job
WHAT_OPENS = "-what-opens-it-"  # stands in a `url` for what opens the link


def set_recovery_address(mailbox: Mailbox, text: str, *, url: str, language: str, by: Actor) -> RecoveryAddress:
    """From when its owner opens the link that is sent there, a new password can be had by it. `url` is where the link
    leads, with WHAT_OPENS in it; the mail is in `language`."""
    try:
        address = str(parse_address(text))
    except ValidationError as error:
        raise ValidationError({"address": error.messages}) from error
    if _ends_in(mailbox, address):
        raise ValidationError({"address": _("This is the mailbox itself, which you cannot read without a password.")})
    with recorded("set", "recovery_address", str(mailbox), domain=mailbox.address.domain.name, by=by):
        mailbox = locked_version(Mailbox.objects.with_address(), mailbox.pk, None)
        if not _may_be_sent(mailbox, PasswordLink.Purpose.CONFIRM):
            raise ValidationError(_("Too many links were sent. Wait an hour, then try again."))
        recovery = RecoveryAddress.objects.filter(mailbox=mailbox).first() or RecoveryAddress(mailbox=mailbox)
        recovery.address, recovery.confirmed_at = address, None
        save_checked(recovery)
        PasswordLink.use_up(mailbox)  # also those for a new password, which went to the address before
        _send(mailbox, PasswordLink.Purpose.CONFIRM, address, url=url, language=language, by=by)
    return recovery


def delete_recovery_address(recovery: RecoveryAddress, *, by: Actor) -> None:
    mailbox = recovery.mailbox
    with recorded("delete", "recovery_address", str(mailbox), domain=mailbox.address.domain.name, by=by):
        RecoveryAddress.objects.filter(pk=recovery.pk).delete()
        PasswordLink.use_up(mailbox)


def what_is_lost() -> list[str]:
    return [_("Its owner gets no link for a new password any more, until an address is named and confirmed again.")]


def confirm_recovery_address(token: str, *, by: Actor) -> RecoveryAddress:
    """Whoever has the link reads the mail of the address."""
    link = link_of(token, PasswordLink.Purpose.CONFIRM)
    domain = link.mailbox.address.domain.name
    with recorded("confirm", "recovery_address", str(link.mailbox), domain=domain, by=by):
        locked_version(Mailbox.objects, link.mailbox_id, None)
        link = link_of(token, PasswordLink.Purpose.CONFIRM)
        recovery = RecoveryAddress.objects.filter(mailbox=link.mailbox, address=link.address).first()
        if recovery is None:
            raise ValidationError(_("This link is no longer good. Ask for another one."))
        recovery.confirmed_at = timezone.now()
        recovery.save()
        PasswordLink.objects.filter(pk=link.pk).update(used_at=timezone.now())
    return recovery


def ask_for_reset(text: str, *, url: str, language: str, by: Actor) -> None:
    """Sends a link, if this is a mailbox with a confirmed recovery address and an owner who may sign in. Says nothing
    about whether it is."""
    mailbox = mailbox_named(text)
    if mailbox is None or not may_sign_in(mailbox):
        return
    recovery = RecoveryAddress.objects.filter(mailbox=mailbox, confirmed_at__isnull=False).first()
    if recovery is None or not _may_be_sent(mailbox, PasswordLink.Purpose.RESET):
        return
    with recorded("ask_reset", "mailbox", str(mailbox), domain=mailbox.address.domain.name, by=by):
        mailbox = locked_version(Mailbox.objects.with_address(), mailbox.pk, None)
        recovery = RecoveryAddress.objects.filter(mailbox=mailbox, confirmed_at__isnull=False).first()
        if recovery and may_sign_in(mailbox) and _may_be_sent(mailbox, PasswordLink.Purpose.RESET):
            pghistory.create_event(recovery, label="link_sent")
            _send(mailbox, PasswordLink.Purpose.RESET, recovery.address, url=url, language=language, by=by)


def reset_password(token: str, password: str, *, by: Actor) -> Mailbox:
    """Sets the password and ends the owner's sessions. No link to this mailbox is good any more."""
    link = link_of(token, PasswordLink.Purpose.RESET)
    domain = link.mailbox.address.domain.name
    with recorded("reset_password", "mailbox", str(link.mailbox), domain=domain, by=by):
        mailbox: Mailbox = locked_version(Mailbox.objects.with_address(), link.mailbox_id, None)
        link_of(token, PasswordLink.Purpose.RESET)
        set_mailbox_password(mailbox, password, by_owner=True, by=by)
    return mailbox


def link_of(token: str, purpose: str) -> PasswordLink:
    """The link that somebody opened. Raises ValidationError where it is unknown, used or too old, or where the owner
    may not sign in by now."""
    links = PasswordLink.objects.select_related("mailbox__address__domain")
    link = links.filter(digest=sha256_of(token), purpose=purpose, used_at=None, expires_at__gt=timezone.now()).first()
    if link is None or not may_sign_in(link.mailbox):
        raise ValidationError(_("This link is no longer good. Ask for another one."))
    return link


def new_token(link: PasswordLink) -> str:
    """What opens the link from now on: whoever makes it twice sends two, and the second one counts."""
    token = secrets.token_urlsafe(RANDOM_OCTETS)
    PasswordLink.objects.filter(pk=link.pk).update(digest=sha256_of(token))
    return token


def forget_old_links() -> None:
    PasswordLink.objects.filter(expires_at__lt=timezone.now() - KEPT).delete()


def _ends_in(mailbox: Mailbox, address: str) -> bool:
    """Whether mail to an address goes to this mailbox and nowhere else: it is its own, or one of an alias domain, with
    an extension, or of an alias that leads here."""
    parsed = parse_address(address)
    domain = Domain.objects.filter(name=parsed.domain).first()
    if domain is None:
        return False
    own, start = Request(mailbox.address.domain_id, mailbox.address.local_part), Request(domain.pk, parsed.local_part)
    return start == own or places_of(start) == {own}


def _may_be_sent(mailbox: Mailbox, purpose: str) -> bool:
    lately = Q(mailbox=mailbox, purpose=purpose, created_at__gt=timezone.now() - timedelta(hours=1))
    return PasswordLink.objects.filter(lately).count() < MOST_AN_HOUR


def _send(mailbox: Mailbox, purpose: str, address: str, *, url: str, language: str, by: Actor) -> None:
    expires_at = timezone.now() + GOOD_FOR
    link = PasswordLink.objects.create(mailbox=mailbox, purpose=purpose, address=address, expires_at=expires_at)
    start_job(SENDING, by=by, label=gettext_noop("Sending of a link"), link=link.pk, url=url, language=language)
