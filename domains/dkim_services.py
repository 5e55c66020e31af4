"""Every write about DKIM keys. The worker makes them; each step of a key is one change set."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pghistory
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.actors import Actor
from accounts.history import recorded
from accounts.saving import save_checked
from domains.dkim_keys import PrivateKey, algorithm_of, generate, public_text, read_pem, seal_anew, sealed, unsealed
from domains.dkim_models import NAME_IS_LEFT_FREE, DkimKey, DkimPrivateKey, LeftDkimName
from domains.dkim_waits import begin_to_wait, lacks_host
from domains.models import Domain
from domains.services import locked_version
from jobs.models import Job
from jobs.services import start_job

GENERATE = "dkim_generate"
OPTIONS = ("for_subdomains", "for_alias_domains", "local_parts", "signs_by_itself")
State = DkimKey.State

# What a key may become, and from where. A key signs only when its record is in the DNS.
COMES_FROM: Mapping[str, tuple[str, ...]] = {
    State.PUBLISHED: (State.PREPARED,),
    State.SIGNING: (State.PUBLISHED, State.RETIRING),
    State.RETIRING: (State.SIGNING,),
    State.REVOKED: (State.PUBLISHED, State.SIGNING, State.RETIRING),
    State.GONE: (State.PUBLISHED, State.RETIRING, State.REVOKED),
}
VERBS = {
    State.PUBLISHED: "publish",
    State.SIGNING: "sign",
    State.RETIRING: "retire",
    State.REVOKED: "revoke",
    State.GONE: "take_out",
}


@transaction.atomic
def start_generation(
    domain: Domain, selector: str, algorithm: str = DkimKey.Algorithm.RSA_2048, *, by: Actor, **options: Any
) -> Job:
    """Lets the worker make a key. What is wrong with the selector is said at once."""
    options = _clean(options)
    key = DkimKey(domain=domain, selector=_selector(selector), algorithm=algorithm, public_key="later", **options)
    key.full_clean()
    _refuse_left_names(key, key.record_names, "selector")
    waiting = Job.objects.filter(kind=GENERATE, state__in=[Job.State.WAITING, Job.State.RUNNING])
    if waiting.filter(arguments__domain=domain.pk, arguments__selector=key.selector).exists():
        raise ValidationError({"selector": _("A key with this selector is being made already.")})
    arguments: dict[str, Any] = {"domain": domain.pk, "selector": key.selector, "algorithm": algorithm, **options}
    arguments["who"] = by.label
    return start_job(GENERATE, by=by, label=gettext_noop("Making of a DKIM key"), **arguments)


def add_dkim_key(
    domain: Domain, selector: str, private: PrivateKey, *, made_by: int | None = None, by: Actor, **options: Any
) -> DkimKey:
    """Keeps a new key. The state is prepared: nothing is signed by it before its record is in the DNS."""
    key = DkimKey(
        domain=domain,
        selector=_selector(selector),
        algorithm=algorithm_of(private),
        public_key=public_text(private),
        made_by=made_by,
        **_clean(options),
    )
    with recorded("add", "dkim_key", str(key), domain=domain.name, by=by):
        key.domain = locked_version(Domain.objects, domain.pk, None)
        _refuse_left_names(key, key.record_names, "selector")
        save_checked(key)
        DkimPrivateKey.objects.create(key=key, token=sealed(private))
        begin_to_wait(key)
    return key


def generate_dkim_key(job: Job, *, by: Actor) -> DkimKey:
    """The work of the worker. Killed before the end it leaves nothing, killed after it, the key is found again."""
    arguments = dict(job.arguments)
    there = DkimKey.objects.select_related("domain").filter(made_by=job.pk).first()
    if there:
        return there
    domain = Domain.objects.filter(pk=arguments["domain"]).first()
    if domain is None:
        raise ValidationError(_("The domain was deleted meanwhile. Nothing was changed."))
    options = {name: arguments[name] for name in OPTIONS if name in arguments}
    private = generate(arguments["algorithm"])
    return add_dkim_key(domain, arguments["selector"], private, made_by=job.pk, by=by, **options)


def import_dkim_key(domain: Domain, selector: str, pem: str, *, by: Actor, **options: Any) -> DkimKey:
    """Keeps a key that was made elsewhere, from its PEM text."""
    return add_dkim_key(domain, selector, read_pem(pem), by=by, **options)


def move_dkim_key(
    key: DkimKey, state: str, *, reason: str = "", is_seen: bool = False, version: int | None = None, by: Actor
) -> DkimKey:
    """The next step of a key. `is_seen`: the name servers show it; else a person says why it is so. Where it begins to
    sign, the one that signed till now for the same addresses is retiring."""
    with recorded(VERBS[State(state)], "dkim_key", str(key), domain=key.domain.name, by=by):
        domain = locked_version(Domain.objects, key.domain_id, None)
        key = locked_version(DkimKey.objects.select_related("domain"), key.pk, version)
        if key.state not in COMES_FROM[state]:
            raise ValidationError(_refusal(key, state))
        if not reason.strip() and (doubt := doubt_about(key, state, is_seen=is_seen)):
            raise ValidationError({"reason": doubt})
        if state == State.SIGNING:
            if not DkimPrivateKey.objects.filter(key=key).exists():
                raise ValidationError(_("The private key of %(key)s is gone. Make a new key.") % {"key": key})
            for other in _beside(key, domain):
                if other.scope == key.scope:
                    _enter(other, State.RETIRING)
        _enter(key, state, reason=reason.strip())
        _refuse_two_for_one_address(key)
        if state == State.GONE:
            DkimPrivateKey.objects.filter(key=key).delete()
    return key


def change_dkim_key(key: DkimKey, *, version: int | None = None, by: Actor, **changes: Any) -> DkimKey:
    """Changes for whom a key signs, and whether it does so by itself."""
    with recorded("change", "dkim_key", str(key), domain=key.domain.name, by=by):
        locked_version(Domain.objects, key.domain_id, None)
        key = locked_version(DkimKey.objects.select_related("domain"), key.pk, version)
        was_by_itself, names = key.signs_by_itself, key.record_names
        for name, value in _clean(changes).items():
            setattr(key, name, value)
        key.version += 1
        save_checked(key)
        _refuse_two_for_one_address(key)
        _refuse_left_names(key, [name for name in key.record_names if name not in names], "for_alias_domains")
        if key.signs_by_itself != was_by_itself:
            begin_to_wait(key)
    return key


def delete_dkim_key(key: DkimKey, *, version: int | None = None, by: Actor) -> None:
    """Its private key stays for 30 days, so that an undo brings it back."""
    with recorded("delete", "dkim_key", str(key), domain=key.domain.name, by=by):
        locked_version(Domain.objects, key.domain_id, None)
        key = locked_version(DkimKey.objects.select_related("domain"), key.pk, version)
        if key.state == State.SIGNING:
            sentence = _("%(key)s signs. Sign with another key, or retire it, before you delete it.")
            raise ValidationError(sentence % {"key": key})
        key.delete()


def export_dkim_key(key: DkimKey, *, by: Actor) -> str:
    """The private key in PEM, for a file. The history says that it left."""
    with recorded("export", "dkim_key", str(key), domain=key.domain.name, by=by):
        key = locked_version(DkimKey.objects.select_related("domain"), key.pk, None)
        private = DkimPrivateKey.objects.filter(key=key).first()
        if private is None:
            raise ValidationError(_("The private key of %(key)s is gone. Make a new key.") % {"key": key})
        pghistory.create_event(key, label="exported")
        return unsealed(private)


def reseal_dkim_keys(*, by: Actor) -> int:
    """Encrypts every private key with the first line of the key file; says how many."""
    with recorded("reseal", "dkim_key", "dkim_sealing_keys", by=by):
        number = seal_anew()
        for key in DkimKey.objects.filter(private__isnull=False).order_by("pk").iterator():
            pghistory.create_event(key, label="resealed")
    return number


def what_is_lost_with_key(key: DkimKey) -> list[str]:
    """Sentences for the question before it is deleted."""
    sentences = [_("Its private key is kept for 30 days for an undo, then it is gone for good.")]
    if key.state in (State.PUBLISHED, State.RETIRING):
        sentences.append(_("Its record is in the DNS: mail that it signed cannot be verified when that goes."))
    return sentences


def next_states(key: DkimKey) -> list[str]:
    return [str(state) for state, before in COMES_FROM.items() if key.state in before]


def doubt_about(key: DkimKey, state: str, *, is_seen: bool = False) -> str:
    """Why a step needs a reason of the person who takes it, in a sentence; "" if it needs none."""
    if state in (State.PUBLISHED, State.GONE) and not is_seen:
        return _("The name servers do not show it yet. Say why you say so.")
    if state != State.SIGNING:
        return ""
    if key.state == State.RETIRING and not is_seen:
        sentence = _("Nobody has looked whether all name servers still have the record of %(key)s. Say how you know.")
        return sentence % {"key": key}
    if (why := lacks_host(key)) is None:
        return ""
    if host := why[1].get("host"):
        sentence = _(
            "%(host)s has no file of %(key)s, so mail would leave there unsigned. Run opendkim_sync there, or say why "
            "it signs all the same."
        )
        return sentence % {"host": host, "key": key}
    sentence = _(
        "No host has the file of %(key)s, so mail would leave unsigned. Run opendkim_sync where mail is signed, or say "
        "who signs without it."
    )
    return sentence % {"key": key}


def _enter(key: DkimKey, state: str, *, reason: str = "") -> None:
    key.state, key.reason = state, reason
    setattr(key, f"{state}_at", timezone.now())
    key.version += 1
    save_checked(key)
    begin_to_wait(key)


def _beside(key: DkimKey, domain: Domain) -> Iterable[DkimKey]:
    """The other keys that sign for the domain, locked."""
    return DkimKey.objects.select_for_update().filter(domain=domain, state=State.SIGNING).exclude(pk=key.pk)


def _refuse_two_for_one_address(key: DkimKey) -> None:
    """OpenDKIM takes whichever it finds first; the constraints know only the same list of addresses."""
    if key.state != State.SIGNING:
        return
    for other in _beside(key, key.domain):
        both = set(key.senders) & set(other.senders)
        if other.family == key.family and both:
            words = {"key": other, "sender": sorted(both)[0]}
            sentence = _("%(key)s signs for %(sender)s already. Take it out of that key first, or retire that key.")
            raise ValidationError({"local_parts": sentence % words})


def _refuse_left_names(key: DkimKey, names: Sequence[str], field: str) -> None:
    """Another key that had one of these names may be remembered (RFC 6376, section 3.1). The same key may come back."""
    recent = LeftDkimName.objects.filter(left_at__gt=timezone.now() - NAME_IS_LEFT_FREE)
    others = recent.filter(name__in=[name.removesuffix(".") for name in names]).exclude(public_key=key.public_key)
    if left := others.order_by("-left_at").first():
        day = date_format(timezone.localtime(left.left_at + NAME_IS_LEFT_FREE), "DATE_FORMAT")
        sentence = _("%(name)s had another key, which others may remember until %(day)s. Take another selector.")
        raise ValidationError({field: sentence % {"name": left.name, "day": day}})


def _clean(options: Mapping[str, Any]) -> dict[str, Any]:
    """Local parts in lower case, each once, in order: newsletter@ is written newsletter, too."""
    unknown = set(options) - set(OPTIONS)
    if unknown:
        raise TypeError(f"a DKIM key has no option {', '.join(sorted(unknown))}")
    cleaned = dict(options)
    if "local_parts" in cleaned:
        words = str(cleaned["local_parts"]).lower().replace(",", " ").split()
        cleaned["local_parts"] = " ".join(sorted({word.removesuffix("@") for word in words}))
    return cleaned


def _refusal(key: DkimKey, state: str) -> str:
    words = {"key": key, "state": key.get_state_display(), "wanted": State(state).label}
    if key.state == State.PREPARED and state == State.SIGNING:
        return _("%(key)s is only prepared. Put its record into the DNS first.") % words
    return _("%(key)s is %(state)s and cannot become %(wanted)s.") % words


def _selector(text: str) -> str:
    selector = text.strip().lower()
    if not selector:
        raise ValidationError({"selector": _("Type a selector, for example s2026.")})
    return selector
