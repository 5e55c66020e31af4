"""What a takeover from PostfixAdmin has to say, each in a sentence."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from takeover.kept_models import KeptRow

# What cannot come as it is. --leave-out-refused leaves out what the sentence is about, and no more.
REFUSALS = {
    "fault": _("%(thing)s: %(sentence)s"),
    "twice": _("%(thing)s is there a second time as %(other)s. For Postfix both are one address."),
    "dead_destination": _("%(thing)s delivers to %(other)s, which nobody has. This destination can only be left out."),
    "only_itself": _("%(thing)s delivers to nobody but itself, and has no mailbox."),
    "unlike_target": _("%(thing)s goes elsewhere than %(other)s, and an alias domain has no aliases of its own here."),
    "mailbox_of_alias_domain": _("%(thing)s is a mailbox of an alias domain, which has none here."),
    "copy_at_relay": _("%(thing)s keeps a copy at a domain that is only relayed. The copy can only be left out."),
    "costly_hash": _("%(thing)s has a password hash that takes too long to check. It can only come without one."),
    "strange_hash": _("%(thing)s has a password hash that is not known here. It can only come without a password."),
    "des_or_plain": _("The password of %(thing)s is 13 letters and digits without a scheme: a hash of DES-CRYPT, or a "
                      "password as it was typed. It can only come without a password. If it is a hash, write "
                      "{DES-CRYPT} before it there."),
}  # fmt: skip
REMARKS = {
    "differs": _("%(thing)s is here already with something else: %(fields)s. It stays as it is here."),
    "other_case": _("%(thing)s is written with capitals there, and Postfix never found it. From now on it does."),
    "inactive_mailbox": _("%(thing)s is an inactive mailbox with an active alias. Its mail was taken and sent back; "
                          "here it is refused at the door."),
    "inactive_forward": _("%(thing)s is an inactive mailbox that forwards. It goes on to forward."),
    "catch_all_took": _("%(thing)s has no active alias of its own, so the catch-all got the mail of this mailbox. Here "
                        "the mailbox gets it."),
    "catch_all_took_alias": _("%(thing)s is an inactive alias, so the catch-all got its mail. Here it is refused; "
                              "delete the alias if the catch-all shall have that mail."),
    "password_ran_out": _("The password of %(thing)s ran out on %(other)s there. Here it is good until it is changed: "
                          "set a new one, or deactivate the mailbox."),
    "only_vacation": _("%(thing)s delivers to its vacation message only. Here its mail is stored."),
    "unsalted": _("The password of %(thing)s is hashed without salt. Give it a new password soon."),
    "no_path": _("%(thing)s has no maildir there. It gets the path of the mail settings."),
    "not_in_domains": _("The alias domain %(thing)s is not among the domains there, so Postfix may not have known it."),
    "over_many_mailboxes": _("%(thing)s has %(used)s mailboxes, its limit is %(limit)s. None is added until that is "
                             "raised."),
    "over_many_aliases": _("%(thing)s has %(used)s aliases, its limit is %(limit)s. None is added until that is "
                           "raised."),
    "over_quota": _("Mailboxes of %(thing)s without a quota, or with a larger one than its limit allows: %(number)s. "
                    "If PostfixAdmin never enforced quotas, use --without-quota-limits."),
    "relay": _("%(thing)s is relayed. As there, mail for any recipient is taken; list the recipients, and then take "
               "that away."),
    "mailbox_of_relay": _("%(thing)s is a mailbox of a domain that is only relayed. It becomes a relay recipient, and "
                          "no mail is stored here."),
    "admin_without_password": _("%(thing)s cannot sign in here until a password is set: the hash there is of a kind "
                                "that this panel does not check."),
    "orphan": _("%(thing)s belongs to no mailbox there (%(what)s). It is kept anyway."),
    "orphan_admin": _("%(thing)s is admin of %(other)s, and one of both is not there."),
    "vacation_stays": _("The vacation message of %(thing)s does not come: %(why)s It is kept."),
    "vacation_not_reached": _("The vacation message of %(thing)s is active there, but no mail of this mailbox goes to "
                              "the vacation script. Here it is an inactive out-of-office answer."),
    "answer_without_mail": _("%(thing)s keeps no mail, and then nobody is told that its owner is out of office. Let it "
                             "keep a copy, and they are."),
    "bad_key": _("The DKIM key %(thing)s cannot be used: %(why)s It is kept anyway."),
    "key_comes": _("%(thing)s signs there already. Here it is prepared, and signs by itself as soon as all name "
                   "servers have its record."),
    "key_waits": _("No signing entry there makes %(thing)s sign. Here it is prepared, and signs when you say so."),
    "key_beside": _("%(thing)s is prepared and does not sign by itself: %(other)s signs for the same addresses."),
    "key_differs": _("%(thing)s is here already with another private key. It stays as it is here, and the other one "
                     "is kept."),
    "key_stays": _("The DKIM key %(thing)s does not come: %(sentence)s It is kept."),
    "key_without_domain": _("The DKIM key %(thing)s belongs to a domain that is not here. It is kept."),
    "entry_stays": _("%(thing)s is signed with %(key)s there, and is not here. The signing entry is kept."),
    "entry_without_key": _("The DKIM signing entry of %(thing)s names a key that is not there. It is kept."),
    "log_without_numbers": _("The log of %(thing)s has no numbers, so its lines cannot be told apart. It stays there."),
    "said": "%(sentence)s",  # of a configuration: as it was said when it came
    "old_version": _("%(thing)s has the database version %(version)s. PostfixAdmin 3.2 begins with 1837."),
}  # fmt: skip
WHY = {
    "unreadable": _("it is no private key."),
    "locked": _("it is locked with a passphrase."),
    "strange": _("it is neither RSA with 1024, 2048, 3072 or 4096 bits nor Ed25519."),
    "no_pair": _("the public key beside it belongs to another one."),
    "no_mailbox": _("there is no such mailbox here."),
    "no_text": _("it has no text."),
    "long_text": _("its text has more than 5000 characters."),
    "long_subject": _("its subject has more than 200 characters."),
    "controls": _("it holds control characters."),
    "ends_first": _("it ends before it starts."),
    "strange_time": _("its time is not between 1971 and 2998."),
}


def sentence_of(remark: Mapping[str, Any]) -> str:
    """A refusal or a remark in the reader's language."""
    sentence = REFUSALS.get(remark["code"]) or REMARKS[remark["code"]]
    words = dict(remark)
    if "why" in words:
        words["why"] = WHY[words["why"]]
    return str(sentence) % words


def said(remark: Mapping[str, Any]) -> dict[str, str]:
    """For programs."""
    return {"code": remark["code"], "thing": str(remark["thing"]), "sentence": sentence_of(remark)}


def is_refusal(remark: Mapping[str, Any]) -> bool:
    """Whether this was left out; what is only strange came."""
    return remark["code"] in REFUSALS


KINDS = {
    "people": _("people"),
    "domains": _("domains"),
    "mailboxes": _("mailboxes"),
    "aliases": _("aliases"),
    "relay_recipients": _("relay recipients"),
    "transports": _("transports"),
    "domain_admins": _("domain admins"),
    "dkim_keys": _("DKIM keys of domains here"),
    "out_of_office": _("out-of-office answers"),
    "usage": _("used space of mailboxes"),
    "restriction_lists": _("restriction lists"),
    "restriction_classes": _("restriction classes"),
    "access_tables": _("access tables"),
    "access_rules": _("access rules"),
    "log": _("lines of the log"),
    **dict(KeptRow.Kind.choices),
}


def words_of(kind: str) -> str:
    """What is counted, in the reader's language."""
    return str(KINDS.get(kind, kind.replace("_", " ")))


def nothing_came(refused: int) -> str:
    """The last sentence of a takeover that was refused for so many things."""
    return ngettext(
        "%(number)d thing cannot come as it is. Nothing was changed. Mend it there and run this again, or use "
        "--leave-out-refused to bring everything else.",
        "%(number)d things cannot come as they are. Nothing was changed. Mend them there and run this again, "
        "or use --leave-out-refused to bring everything else.",
        refused,
    ) % {"number": refused}
