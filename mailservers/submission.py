"""The services of Postfix where people sign in and send: submission and submissions in master.cf, and what main.cf
needs for Dovecot behind them."""

import shlex

AUTH_SOCKET = "private/auth"
DELIVERY = "lmtp:unix:private/dovecot-lmtp"

# Dovecot away: the message is taken all the same, and LMTP says later what there is to say.
QUOTA_STATUS = "unix:private/quota-status"
ASKS_FOR_ROOM = f"check_policy_service {{ {QUOTA_STATUS}, default_action=DUNNO }}"

# Nothing that main.cf has against strangers concerns who has signed in, but for what is asked of every recipient. That
# stands in main.cf under a name of ours, as does what is asked about who sends: an option of master.cf holds no blanks.
SENDERS, RECIPIENTS = "submission_sender_restrictions", "submission_recipient_restrictions"

# Dovecot 2.3 does not know SMTPUTF8 (RFC 6531), 2.4 only if it was built for that trial: what strangers send by it
# would be taken and then go back. Not offered it, they name a domain by its A-label. Who has signed in may write to
# others by it.
DISCARDED, DISCARDED_AT_SUBMISSION = "smtpd_discard_ehlo_keywords", "submission_discard_ehlo_keywords"
SMTPUTF8 = "smtputf8"
OF_BOTH = {
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": AUTH_SOCKET,
    "smtpd_tls_auth_only": "yes",
    "smtpd_client_restrictions": "",
    "smtpd_helo_restrictions": "",
    "smtpd_sender_restrictions": f"${SENDERS}",
    "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
    "smtpd_recipient_restrictions": f"${RECIPIENTS}",
    DISCARDED: f"${DISCARDED_AT_SUBMISSION}",
}
# RFC 6409 (STARTTLS before anything else), RFC 8314 (TLS from the first byte).
SAME_PORT = ("587", "465", "smtps")  # other names for it in master.cf: two entries would stop master(8)
SERVICES = {
    "submission": {"syslog_name": "postfix/submission", "smtpd_tls_security_level": "encrypt"},
    "submissions": {"syslog_name": "postfix/submissions", "smtpd_tls_wrappermode": "yes"},
}


REASONS = {
    "virtual_transport": "Dovecot stores the mail, and counts it",
    "smtpd_sasl_auth_enable": "people sign in to submission and submissions (master.cf), not at port 25",
    SENDERS: "a mailbox that was stopped sends nothing, not even from <>; the others as what they may",
    RECIPIENTS: "what is asked of each recipient of those who have signed in",
    DISCARDED: "Dovecot does not take what needs SMTPUTF8: not offered, so that nothing is taken that goes back",
    DISCARDED_AT_SUBMISSION: "who has signed in may use SMTPUTF8; what else main.cf discards stays discarded",
}


def main_cf(of_every_recipient: str, who_sends: str) -> list[tuple[str, str]]:
    """Delivery to Dovecot; at port 25 nobody signs in. `who_sends` is the map that refuses logins."""
    return [
        ("virtual_transport", DELIVERY),
        ("smtpd_sasl_auth_enable", "no"),
        (SENDERS, f"check_sasl_access {who_sends}, reject_sender_login_mismatch"),
        (RECIPIENTS, f"{of_every_recipient}, permit_sasl_authenticated, reject"),
        (DISCARDED, SMTPUTF8),
        (DISCARDED_AT_SUBMISSION, ""),
    ]


def master_cf() -> str:
    """Both services as master.cf has them, to be read; commands() puts them there."""
    lines = ["# For master.cf, written by mailadmin. See master(5), RFC 6409 and RFC 8314."]
    for name, own in SERVICES.items():
        lines.append(_entry(name))
        lines += [f"  -o {parameter}={value}" for parameter, value in (own | OF_BOTH).items()]
    return "\n".join(lines) + "\n"


def commands() -> list[str]:
    """`postconf -M` replaces an entry of the same name and touches no other; -P adds its options."""
    found = [
        f'if [ -n "$(postconf -M {name}/inet 2>/dev/null)" ]; then postconf -MX {name}/inet; fi' for name in SAME_PORT
    ]
    for name, own in SERVICES.items():
        found.append(_quoted("postconf", "-M", f"{name}/inet={_entry(name)}"))
        found += [
            _quoted("postconf", "-P", f"{name}/inet/{parameter}={value}")
            for parameter, value in (own | OF_BOTH).items()
        ]
    return found


def _entry(name: str) -> str:
    return f"{name} inet n - n - - smtpd"


def _quoted(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)
