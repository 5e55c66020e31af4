"""What became of the restriction lists, classes and access tables of a configuration, in sentences."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from restrictions.access_models import AppliesTo

WORDS = {
    "came": _("%(thing)s came in."),
    "would_come": _("%(thing)s would come in."),
    "there": _("%(thing)s is here already, the same."),
    "differs": _("%(thing)s is here already with other entries, and stays as it is."),
    "stays": _("%(thing)s stays in main.cf as it is: %(why)s"),
    "refused": _("%(thing)s stays in main.cf as it is: %(why)s"),
    "kept": _("%(thing)s is kept word for word, and stays in main.cf as it is."),
}
SAID_ALREADY = ("differs", "stays", "refused")  # remarks and refusals have the same sentence
OF_KIND = {
    AppliesTo.CLIENT: _("%(thing)s is the access table of clients."),
    AppliesTo.HELO: _("%(thing)s is the access table of HELO names."),
    AppliesTo.SENDER: _("%(thing)s is the access table of senders."),
    AppliesTo.RECIPIENT: _("%(thing)s is the access table of recipients."),
}
WITH_A_NAME = _("%(thing)s is the access table %(name)s.")


def sentence_of_kept(one: Mapping[str, str]) -> str:
    """In the reader's language; the reason as it was said when it came."""
    if one["code"] != "table":
        return str(WORDS[one["code"]]) % one
    kind, _blank, name = one["why"].partition(" ")
    sentence = WITH_A_NAME if name else OF_KIND[AppliesTo(kind)]
    return str(sentence) % {"thing": one["thing"], "name": name}


def said_of_kept(one: Mapping[str, str]) -> dict[str, str]:
    """For programs."""
    return {"code": one["code"], "thing": one["thing"], "sentence": sentence_of_kept(one)}
