"""What the simulation says in sentences: why each restriction decided as it did, and where it stands."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailservers.simulation import Row
from restrictions.engine.verdict import Answer, Assumed, Place, Step, Verdict

WHY = {
    "everybody": gettext_lazy("It concerns everybody."),
    "if_permitted": gettext_lazy("Whatever is permitted later on is put off."),
    "if_refused": gettext_lazy("Whatever is refused later on is put off instead."),
    "talks_on": gettext_lazy("The client talks on without waiting for the answer."),
    "waits": gettext_lazy("The client waits for the answers."),
    "waited": gettext_lazy("It waits %(seconds)s seconds."),
    "encrypted": gettext_lazy("The session is encrypted."),
    "not_encrypted": gettext_lazy("The session is not encrypted."),
    "in_mynetworks": gettext_lazy("%(client)s is in mynetworks."),
    "not_in_mynetworks": gettext_lazy("%(client)s is not in mynetworks."),
    "own_address": gettext_lazy("%(client)s is an address of this host."),
    "not_own_address": gettext_lazy("%(client)s is no address of this host."),
    "signed_in": gettext_lazy("%(login)s has signed in."),
    "not_signed_in": gettext_lazy("Nobody has signed in."),
    "no_sign_in": gettext_lazy("Nobody can sign in here, so smtpd skips it."),
    "has_name": gettext_lazy("The client has the name %(name)s."),
    "no_name": gettext_lazy("%(client)s has no name."),
    "no_helo": gettext_lazy("The client has not said HELO."),
    "well_formed": gettext_lazy("%(name)s is well-formed."),
    "malformed": gettext_lazy("%(name)s is malformed."),
    "qualified": gettext_lazy("%(name)s is fully qualified."),
    "unqualified": gettext_lazy("%(name)s is not fully qualified."),
    "exists": gettext_lazy("%(name)s exists in the DNS."),
    "does_not_exist": gettext_lazy("%(name)s does not exist in the DNS."),
    "takes_no_mail": gettext_lazy("%(name)s takes no mail, its MX says (RFC 7505)."),
    "dns_down": gettext_lazy("The DNS does not answer about %(name)s now."),
    "on_list": gettext_lazy("%(zone)s lists %(what)s."),
    "not_on_list": gettext_lazy("%(zone)s does not list %(what)s."),
    "no_sender_yet": gettext_lazy("The sender is not known yet."),
    "null_sender": gettext_lazy("It does not concern the null sender."),
    "no_single_recipient": gettext_lazy("There is no single recipient here."),
    "ours": gettext_lazy("%(domain)s is ours."),
    "not_ours": gettext_lazy("%(domain)s is not ours."),
    "listed": gettext_lazy("Nothing is known against %(address)s: it is there, or not ours."),
    "unlisted": gettext_lazy("%(address)s is not there."),
    "checked_before": gettext_lazy("It was checked before."),
    "may_send": gettext_lazy("%(login)s may send as %(address)s."),
    "may_not_send": gettext_lazy("%(login)s may not send as %(address)s."),
    "belongs_to_nobody": gettext_lazy("%(address)s belongs to nobody here."),
    "belongs_to_somebody": gettext_lazy("%(address)s belongs to somebody who has to sign in."),
    "deliverable": gettext_lazy("%(address)s takes mail."),
    "not_deliverable": gettext_lazy("%(address)s takes no mail, or not now."),
    "bounce_to_many": gettext_lazy("A bounce goes to several recipients."),
    "no_bounce_to_many": gettext_lazy("It is no bounce to several recipients."),
    "certificate": gettext_lazy("The client shows a certificate, which is taken for one that the host knows."),
    "no_certificate": gettext_lazy("The client shows no certificate."),
    "mx_backup": gettext_lazy("This server is a backup MX of %(domain)s."),
    "no_mx_backup": gettext_lazy("This server is no backup MX of %(domain)s."),
    "no_name_to_ask": gettext_lazy("There is no name whose servers %(entry)s could look at."),
    "not_in_table": gettext_lazy("None of these keys is there: %(keys)s"),
    "permission_not_allowed": gettext_lazy("It must not permit, so smtpd takes this for a mistake."),
    "unknown_restriction": gettext_lazy("smtpd does not know %(name)s."),
    "too_deep": gettext_lazy("%(name)s leads back to itself, or there are too many lists inside each other."),
    "table_in_table": gettext_lazy("A result must not name a table or a service."),
    "not_simulated": gettext_lazy("%(name)s cannot be simulated; it is skipped here."),
}
ANSWERS = {
    "exists": gettext_lazy("exists"),
    "takes_no_mail": gettext_lazy("takes no mail"),
    "down": gettext_lazy("does not answer"),
    "missing": gettext_lazy("not there"),
}
OUTCOMES = {
    "permit": gettext_lazy("permits"),
    "refuse": gettext_lazy("refuses"),
    "warn": gettext_lazy("only warns"),
    "defer": gettext_lazy("puts off"),
    "pass": gettext_lazy("goes on"),
}


def why(step: Step) -> str:
    """A sentence. What a table or a service has answered says itself."""
    if sentence := WHY.get(step.why):
        said = str(sentence) % step.about
        return f"{step.about['key']} → {step.about['result']}. {said}" if step.about.get("key") else said
    if step.why == "comes_too_early":
        return _("“%(result)s” comes too early here, so smtpd skips it.") % step.about
    if step.about.get("key"):
        return _("It has “%(result)s” for %(key)s.") % step.about
    return _("It answers “%(result)s”.") % step.about


def where(step: Step) -> str:
    """`recipient 3 > greylisting 1`: the lists on the way, with the place in each that the page and `restriction list`
    number so. What the panel puts in front has no number: it stands in no list of people's."""
    return " > ".join(_named(place) for place in step.places if place.kind in ("stage", "class", "setting"))


def _named(place: Place) -> str:
    row = place.entry.row if place.entry else None
    return f"{place.name} {row.number}" if isinstance(row, Row) else place.name


def what(step: Step) -> str:
    """The restriction as main.cf has it."""
    entry = next((place.entry for place in reversed(step.places) if place.entry), None)
    return str(entry) if entry else step.place.name


def decided_by(answer: Answer) -> str:
    if answer.decided is None:
        return _("Nothing is against it.")
    rule, place = what(answer.decided), where(answer.decided)
    return rule if rule == place else f"{rule} ({place})"  # a parameter stands in no list


def answer_of(assumed: Assumed) -> str:
    return str(ANSWERS.get(assumed.answer, assumed.answer))


def said_of(assumed: Assumed) -> str:
    """Where the answer is from, in a few words."""
    if assumed.is_stated:
        return _("as you said")
    return _("the default of Postfix") if assumed.is_setting else _("assumed")


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The same for the command and the API."""
    return {
        "is_accepted": verdict.is_accepted,
        "is_complete": verdict.is_complete,
        "answers": [
            {
                "command": answer.command,
                "address": answer.address,
                "code": answer.code,
                "reply": answer.reply,
                "decided_by": what(answer.decided) if answer.decided else "",
                "where": where(answer.decided) if answer.decided else "",
                "why": why(answer.decided) if answer.decided else "",
                "warnings": [step.reply for step in answer.warnings],
                "steps": [
                    {
                        "where": where(step),
                        "restriction": what(step),
                        "outcome": step.outcome,
                        "why": why(step),
                        "reply": step.reply,
                    }
                    for step in answer.steps
                ],
            }
            for answer in verdict.answers
        ],
        "assumed": [
            {"question": one.question, "answer": one.answer, "is_stated": one.is_stated} for one in verdict.assumed
        ],
    }
