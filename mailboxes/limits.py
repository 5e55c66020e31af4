"""The limits of a domain in words: the database holds them, whoever writes; here is said what to do then."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _


@contextmanager
def within_limits() -> Iterator[None]:
    """Stands around the transaction of a service: what the database refused because of a limit becomes a sentence."""
    try:
        yield
    except IntegrityError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


def refusal_of(error: IntegrityError) -> ValidationError | None:
    """None if it was no limit that refused. The figures are those that the trigger saw while it held the lock."""
    refused: Any = getattr(error.__cause__, "diag", None)
    sentence = _SENTENCES.get(getattr(refused, "constraint_name", ""))
    return ValidationError(sentence(json.loads(refused.message_detail))) if sentence else None


def sentences_of(constraint: str, figures: Mapping[str, Any]) -> dict[str, str]:
    """Field -> what to do, for the constraint of a limit and the figures that it has in its DETAIL."""
    return _SENTENCES[constraint](figures)


def _mailboxes(figures: Mapping[str, Any]) -> dict[str, str]:
    sentence = (
        _("%(domain)s has %(used)s of %(limit)s mailboxes. Delete one first, or have a superuser raise the limit.")
        if figures["limit"]
        else _("%(domain)s may not have mailboxes. Have a superuser raise the limit.")
    )
    return {"local_part": sentence % figures}


def _aliases(figures: Mapping[str, Any]) -> dict[str, str]:
    sentence = (
        _("%(domain)s has %(used)s of %(limit)s aliases. Delete one first, or have a superuser raise the limit.")
        if figures["limit"]
        else _("%(domain)s may not have aliases. Have a superuser raise the limit.")
    )
    return {"local_part": sentence % figures}


def _sum_of_quotas(figures: Mapping[str, Any]) -> dict[str, str]:
    sentence = _(
        "The quotas of %(domain)s add up to %(used)s of %(limit)s, and %(more)s more are too many. "
        "Choose a smaller quota, or have a superuser raise the limit."
    )
    sizes = {name: filesizeformat(figures[name]) for name in ("used", "limit", "more")}
    return {"quota_bytes": sentence % {**figures, **sizes}}


def _quota(figures: Mapping[str, Any]) -> dict[str, str]:
    if figures["quota"] is None:
        sentence = _(
            "A mailbox of %(domain)s needs a quota, because the quotas of this domain have a limit. Choose one."
        )
    else:
        sentence = _(
            "A mailbox of %(domain)s has a quota of %(limit)s at most. "
            "Choose a smaller quota, or have a superuser raise the limit."
        )
    return {"quota_bytes": sentence % {**figures, "limit": filesizeformat(figures["limit"])}}


_SENTENCES = {
    "a_domain_has_its_most_mailboxes": _mailboxes,
    "a_domain_has_its_most_aliases": _aliases,
    "a_domain_has_its_largest_sum_of_quotas": _sum_of_quotas,
    "a_quota_is_one_that_its_domain_allows": _quota,
}
