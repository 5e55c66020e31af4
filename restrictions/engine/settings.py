"""Which parameters of main.cf a walk depends on and people may state, by what their values are (postconf(5))."""

from dataclasses import fields

from restrictions.engine.policy import Settings

_OF_OUR_OWN = ("parents_match_subdomains",)  # no parameter has this name

SWITCHES = tuple(one.name for one in fields(Settings) if one.type is bool and one.name not in _OF_OUR_OWN)
CODES = tuple(one.name for one in fields(Settings) if one.type is int)
ACTIONS = tuple(one.name for one in fields(Settings) if one.name.endswith("_tempfail_action"))
KNOWN = tuple(sorted((*SWITCHES, *CODES, *ACTIONS)))

REJECT_TEMPFAIL_ACTION = "reject_tempfail_action"  # the default of each of ACTIONS
WHAT_TO_DO = ("defer_if_permit", "defer")

OF_VERIFICATION = tuple(name for name in CODES if name.startswith("unverified_"))
ONLY_FOR_NOW = tuple(name for name in OF_VERIFICATION if name.endswith("_defer_code"))
TAKES_IT = 250  # one of OF_VERIFICATION: the mail is taken all the same
HANGS_UP = (421, 521)  # ends the session, which a walk does not


def codes_of(name: str) -> tuple[int, int]:
    """The least and the most of a reply code; smtpd does not start with 500 or more in ONLY_FOR_NOW."""
    return 400, 499 if name in ONLY_FOR_NOW else 599
