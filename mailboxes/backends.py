"""How mailbox owners sign in: with the address and the credential of their mailbox."""

from collections.abc import Mapping
from typing import Any

from axes.backends import AxesStandaloneBackend
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest

from accounts.actors import Actor, Door
from accounts.models import User
from domains.networks import is_within
from mailboxes.credentials import better_hash, is_password, reads_eight_bytes, takes_as_long, waste_time
from mailboxes.models import Mailbox, MailboxCredential
from mailboxes.parsing import parse_address
from mailboxes.services import owner_of


class MailboxOwnerBackend(BaseBackend):
    """A User row without a password appears at the first sign-in. It is found by the mailbox, never by its name:
    whoever may add mailboxes must not become somebody else by the choice of an address."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        credential = _credential_for(username or "")
        if not password or credential is None or credential.mailbox is None:
            waste_time(password or "")
            return None
        if not is_password(password, credential.hash):
            if not takes_as_long(credential.hash):
                waste_time(password)
            return None
        if not may_sign_in(credential.mailbox):
            return None
        host = request.META.get("REMOTE_ADDR", "") if request else ""
        if not is_within(host, credential.mailbox.allowed_networks):
            return None
        _hash_anew(password, credential)
        owner = owner_of(credential.mailbox, by=Actor(door=Door.SIGN_IN, name=str(credential.mailbox), host=host))
        return owner if owner.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """Asked at every request: an owner whose mailbox or domain was deactivated is out at once."""
        related = ("address__domain", "owner__user", "credential")
        mailbox = Mailbox.objects.select_related(*related).filter(owner__user_id=user_id).first()
        if mailbox is None or not may_sign_in(mailbox) or not mailbox.owner.user.is_active:
            return None
        user = mailbox.owner.user
        user.needs_new_password = hasattr(mailbox, "credential") and mailbox.credential.is_due
        return user


def knows_password(request: HttpRequest, mailbox: Mailbox, password: str) -> bool:
    """Whether who sits at the owner's session knows the password of the mailbox. django-axes counts a wrong one as at
    the sign-in, and after too many answers in place of the page. A session is let in from anywhere, so networks are
    not asked."""
    named = {"username": str(mailbox)}
    credential = MailboxCredential.objects.filter(mailbox=mailbox).first()
    try:
        AxesStandaloneBackend().authenticate(request, **named)  # raises for who has tried too often
        is_right = credential is not None and is_password(password, credential.hash)
    except PermissionDenied:
        is_right = False
    if not is_right:
        user_login_failed.send(sender=__name__, credentials=named, request=request)
    return is_right


def name_to_count(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Under which name django-axes counts failures: one for all spellings that the backends take for the same, or every
    spelling would have ten attempts of its own."""
    name = str((credentials or request.POST).get("username") or "").strip().lower()
    try:
        return str(parse_address(name))
    except ValidationError:
        return name


def mailbox_named(text: str) -> Mailbox | None:
    """By its own address, in any spelling."""
    try:
        parsed = parse_address(text)
    except ValidationError:
        return None
    mailboxes = Mailbox.objects.select_related("address__domain", "credential")
    return mailboxes.filter(address__domain__name=parsed.domain, address__local_part=parsed.local_part).first()


def _credential_for(username: str) -> MailboxCredential | None:
    return getattr(mailbox_named(username), "credential", None)


def _hash_anew(password: str, credential: MailboxCredential) -> None:
    """An old hash becomes one of today, now that the password is known. It is the same password, so that nobody need be
    told; and nobody's new one is overwritten who sets it at this moment. Of a hash that reads eight bytes nobody knows
    the password: its owner chooses another one."""
    better = better_hash(password, credential.hash)
    changes = {"must_change": True} if reads_eight_bytes(credential.hash) else {"hash": better} if better else {}
    if changes:
        MailboxCredential.objects.filter(pk=credential.pk, hash=credential.hash).update(**changes)


def may_sign_in(mailbox: Mailbox) -> bool:
    return mailbox.state in ("active", "receives_no_mail") and mailbox.address.domain.active
