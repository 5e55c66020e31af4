"""A whole session: what smtpd(8) answers to CONNECT, HELO, MAIL, each RCPT, DATA and the end of the message."""

from restrictions.engine import servers  # noqa: F401  its rules
from restrictions.engine.policy import Assumptions, Policy, Session
from restrictions.engine.rules import check_recipient, check_sender
from restrictions.engine.verdict import Answer, Place, Verdict
from restrictions.engine.walk import CLIENT, DATA, END_OF_DATA, HELO, RECIPIENT, SENDER, Outcome, Stop, Walk

GREETING, WELL = "220 ESMTP", "250 2.0.0 Ok"
UNLISTED_RECIPIENT, UNLISTED_SENDER = "smtpd_reject_unlisted_recipient", "smtpd_reject_unlisted_sender"
RELAY_FIRST = "smtpd_relay_before_recipient_restrictions"


def simulate(policy: Policy, session: Session, assumptions: Assumptions | None = None) -> Verdict:
    """Plays the session up to the first refusal after which a client has nothing more to say: a refused RCPT is not
    such a one, as long as another recipient is taken."""
    walk = Walk(policy, session, assumptions or Assumptions())
    return Verdict(tuple(_answers(walk)), tuple(walk.assumed.values()))


def _answers(walk: Walk) -> list[Answer]:
    session, answers = walk.session, []
    at_once = not walk.setting("smtpd_delay_reject", matters=_has_early_lists(walk))

    def say(command: str, outcome: Outcome, well: str, address: str = "") -> bool:
        reply = walk.reply if outcome is Outcome.REFUSE else well
        answers.append(Answer(command, reply, tuple(walk.steps), walk.decided, address))
        walk.steps, walk.decided = [], walk.decided if walk.is_discarded else None
        return outcome is not Outcome.REFUSE

    if not say("CONNECT", _client(walk) if at_once else Outcome.PASS, GREETING):
        return answers
    if session.helo:
        walk.command, walk.helo = "HELO", session.helo
        if not say("HELO", _helo(walk) if at_once else Outcome.PASS, "250"):
            return answers
    walk.command = "MAIL"
    if not session.helo and walk.setting("smtpd_helo_required"):
        walk.begin(goes_on=False)  # no list says this, so none puts it off
        with walk.at(Place("setting", "smtpd_helo_required")):
            walk.refuse(503, "5.5.1", "Error: send HELO/EHLO first", "no_helo")
        say("MAIL", Outcome.REFUSE, "", session.sender)
        return answers
    walk.sender = session.sender
    if not say("MAIL", _mail(walk) if at_once else Outcome.PASS, "250 2.1.0 Ok", session.sender):
        return answers
    first = None
    for recipient in session.recipients:
        walk.command = "RCPT"
        if say("RCPT", _rcpt(walk, recipient), "250 2.1.5 Ok", recipient):
            walk.accepted, first = walk.accepted + 1, first or recipient
        walk.recipient = None
    if not walk.accepted:
        return answers
    walk.recipient = first if walk.accepted == 1 else None
    walk.command = "DATA"
    if say("DATA", _data(walk, "data", DATA), "354 End data with <CR><LF>.<CR><LF>"):
        walk.command = "END-OF-MESSAGE"
        say("END-OF-MESSAGE", _data(walk, "end_of_data", END_OF_DATA), WELL)
    return answers


def _has_early_lists(walk: Walk) -> bool:
    is_asked = walk.policy.settings.smtpd_reject_unlisted_sender
    return is_asked or any(walk.policy.stages.get(stage) for stage in ("client", "helo", "sender"))


def _list(walk: Walk, stage: str, said_of: tuple[str, str], *, goes_on: bool = False) -> Outcome:
    """`goes_on`: what an earlier list has put off at a refusal stays put off."""
    walk.begin(goes_on=goes_on)
    try:
        return walk.run(Place("stage", stage), tuple(walk.policy.stages.get(stage, ())), said_of)
    except Stop:
        return Outcome.REFUSE


def _client(walk: Walk) -> Outcome:
    walk.defer_if_permit = None
    outcome = _list(walk, "client", (walk.session.shown_client, CLIENT))
    walk.of_stage["client"] = walk.defer_if_permit
    return outcome


def _helo(walk: Walk) -> Outcome:
    walk.defer_if_permit = walk.of_stage.get("client")
    outcome = _list(walk, "helo", (walk.helo, HELO))
    walk.of_stage["helo"] = walk.defer_if_permit
    return outcome


def _mail(walk: Walk) -> Outcome:
    sender = walk.sender or ""
    walk.defer_if_permit = walk.of_stage.get("client") or walk.of_stage.get("helo")
    walk.has_checked_sender = False
    outcome = _list(walk, "sender", (sender, SENDER))
    walk.of_stage["sender"] = walk.defer_if_permit
    is_open = outcome is not Outcome.REFUSE and not walk.has_checked_sender and not walk.is_discarded
    if is_open and sender and walk.setting(UNLISTED_SENDER, matters=walk.is_ours(sender)):
        with walk.at(Place("setting", UNLISTED_SENDER)):
            return check_sender(walk, sender)
    return outcome


def _rcpt(walk: Walk, recipient: str) -> Outcome:
    if recipient.lower() == "postmaster":  # RFC 5321, 4.5.1
        return Outcome.PASS
    walk.recipient, walk.has_checked_recipient = recipient, False
    if walk.policy.settings.smtpd_delay_reject:
        early = [_client, *([_helo] if walk.helo else []), _mail]
        if any(stage(walk) is Outcome.REFUSE for stage in early):
            return Outcome.REFUSE
    walk.defer_if_permit = walk.of_stage.get("sender")
    stages = ("relay", "recipient")
    if not walk.setting(RELAY_FIRST, matters=False):
        stages = stages[::-1]
    for number, stage in enumerate(stages):
        outcome = _list(walk, stage, (recipient, RECIPIENT), goes_on=number == 1)
        if outcome is Outcome.REFUSE:
            walk.setting(RELAY_FIRST, matters=number == 0 and bool(walk.policy.stages.get(stages[1])))
            return outcome
    if walk.put_off_at_the_end() is Outcome.REFUSE:
        return Outcome.REFUSE
    is_open = not walk.has_checked_recipient and not walk.is_discarded
    if is_open and walk.setting(UNLISTED_RECIPIENT, matters=walk.is_ours(recipient)):
        with walk.at(Place("setting", UNLISTED_RECIPIENT)):
            return check_recipient(walk, recipient)
    return outcome


def _data(walk: Walk, stage: str, said: str) -> Outcome:
    walk.defer_if_permit = None
    outcome = _list(walk, stage, (walk.command, said))
    return outcome if outcome is Outcome.REFUSE else walk.put_off_at_the_end()
