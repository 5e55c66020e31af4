"""Each restriction of smtpd(8) by its name in postconf(5): what it looks at, what it says."""

from collections.abc import Callable, Iterable, Iterator

from restrictions.engine import dns
from restrictions.engine.actions import action_of, fixed_status
from restrictions.engine.keys import NULL_SENDER, is_address, keys_of_client, keys_of_mail_address, keys_of_name
from restrictions.engine.names import is_host, is_literal, is_qualified, without_last_dot
from restrictions.engine.policy import Entry, Fault
from restrictions.engine.walk import (
    CERTIFICATE,
    CLIENT,
    HELO,
    LOGIN,
    RECIPIENT,
    REVERSE_CLIENT,
    RULES,
    SENDER,
    Outcome,
    Place,
    Walk,
)

Rule = Callable[[Walk, Entry], Outcome]


def rule(name: str) -> Callable[[Rule], Rule]:
    def remember(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return remember


# For every stage


@rule("permit")
def _permit(walk: Walk, _entry: Entry) -> Outcome:
    return walk.permit("everybody")


@rule("reject")
def _reject(walk: Walk, _entry: Entry) -> Outcome:
    return walk.refuse(walk.setting("reject_code"), "5.7.1", _said(walk, "Access denied"), "everybody")


@rule("defer")
def _defer(walk: Walk, _entry: Entry) -> Outcome:
    return walk.refuse(walk.setting("defer_code"), "4.3.2", _said(walk, "Try again later"), "everybody")


@rule("defer_if_permit")
def _defer_if_permit(walk: Walk, _entry: Entry) -> Outcome:
    return walk.refuse_if_taken(450, "4.7.0", _said(walk, "defer_if_permit requested"), "if_permitted")


@rule("defer_if_reject")
def _defer_if_reject(walk: Walk, _entry: Entry) -> Outcome:
    return walk.refuse_softly(450, "4.7.0", _said(walk, "defer_if_reject requested"), "if_refused")


@rule("reject_unauth_pipelining")
def _pipelining(walk: Walk, _entry: Entry) -> Outcome:
    if walk.session.pipelines and walk.command in ("DATA", "END-OF-MESSAGE"):
        words = _said(walk, "Improper use of SMTP command pipelining")
        return walk.refuse(503, "5.5.0", words, "talks_on")
    return walk.passes("waits")


@rule("check_policy_service")
def _policy_service(walk: Walk, entry: Entry) -> Outcome:
    service = entry.argument.strip("{} ").partition(",")[0].strip()
    stated = walk.assumptions.policy_services.get(service)
    answer = stated or "DUNNO"
    walk.take_for_granted(service, answer, is_stated=stated is not None)
    with walk.at(Place("policy_service", service)):
        return action_of(walk, answer, walk.said_of)


@rule("sleep")
def _sleep(walk: Walk, entry: Entry) -> Outcome:
    return walk.passes("waited", seconds=entry.argument)


@rule("reject_plaintext_session")
def _plaintext(walk: Walk, _entry: Entry) -> Outcome:
    if walk.session.is_encrypted:
        return walk.passes("encrypted")
    code = walk.setting("plaintext_reject_code")
    return walk.refuse(code, "4.7.1", "Session encryption is required", "not_encrypted")


# The client


@rule("permit_mynetworks")
def _mynetworks(walk: Walk, _entry: Entry) -> Outcome:
    inside = walk.session.is_in(walk.setting("mynetworks"))
    return _permit_if(walk, inside, "in_mynetworks", "not_in_mynetworks", client=walk.session.client)


@rule("permit_inet_interfaces")
def _interfaces(walk: Walk, _entry: Entry) -> Outcome:
    ours = walk.session.is_in(walk.setting("inet_interfaces"))
    return _permit_if(walk, ours, "own_address", "not_own_address", client=walk.session.client)


@rule("permit_sasl_authenticated")
def _signed_in(walk: Walk, _entry: Entry) -> Outcome:
    knows = bool(walk.session.login) and walk.setting("smtpd_sasl_auth_enable")
    return _permit_if(walk, knows, "signed_in", "not_signed_in", login=walk.session.login)


@rule("reject_unknown_client_hostname")
def _client_name(walk: Walk, _entry: Entry) -> Outcome:
    if walk.session.name:
        return walk.passes("has_name", name=walk.session.name)
    code = 450 if walk.session.lookup_failed else walk.setting("unknown_client_reject_code")
    words = f"Client host rejected: cannot find your hostname, [{walk.session.client}]"
    return walk.refuse(code, "4.7.25", words, "no_name", client=walk.session.client)


@rule("reject_unknown_reverse_client_hostname")
def _reverse_name(walk: Walk, _entry: Entry) -> Outcome:
    name = walk.session.shown_reverse_name
    if name != "unknown":
        return walk.passes("has_name", name=name)
    code = 450 if walk.session.lookup_failed else walk.setting("unknown_client_reject_code")
    words = f"Client host rejected: cannot find your reverse hostname, [{walk.session.client}]"
    return walk.refuse(code, "4.7.1", words, "no_name", client=walk.session.client)


@rule("reject_rbl_client")
def _rbl_client(walk: Walk, entry: Entry) -> Outcome:
    return dns.reject_address(walk, entry.argument, walk.session.client, CLIENT)


@rule("permit_dnswl_client")
def _dnswl_client(walk: Walk, entry: Entry) -> Outcome:
    return _permit_listed(walk, lambda: dns.permit_address(walk, entry.argument, walk.session.client, CLIENT))


@rule("reject_rhsbl_client")
def _rhsbl_client(walk: Walk, entry: Entry) -> Outcome:
    return _if_named(walk, walk.session.shown_name, lambda name: dns.reject_name(walk, entry.argument, name, CLIENT))


@rule("reject_rhsbl_reverse_client")
def _rhsbl_reverse_client(walk: Walk, entry: Entry) -> Outcome:
    name = walk.session.shown_reverse_name
    return _if_named(walk, name, lambda name: dns.reject_name(walk, entry.argument, name, REVERSE_CLIENT))


@rule("permit_rhswl_client")
def _rhswl_client(walk: Walk, entry: Entry) -> Outcome:
    def ask(name: str) -> Outcome:
        return _permit_listed(walk, lambda: dns.permit_name(walk, entry.argument, name, CLIENT))

    return _if_named(walk, walk.session.shown_name, ask)


@rule("check_client_access")
def _client_access(walk: Walk, entry: Entry) -> Outcome:
    session, plain = walk.session, walk.policy.settings.parents_match_subdomains
    keys = keys_of_client(session.shown_name, session.client, plain_parents=plain)
    return access(walk, entry, keys, (session.shown_client, CLIENT))


@rule("check_reverse_client_hostname_access")
def _reverse_client_access(walk: Walk, entry: Entry) -> Outcome:
    session, plain = walk.session, walk.policy.settings.parents_match_subdomains
    keys = keys_of_client(session.shown_reverse_name, session.client, plain_parents=plain)
    return no_permission(walk, access(walk, entry, keys, (session.shown_reverse_name, REVERSE_CLIENT)))


@rule("check_sasl_access")
def _sasl_access(walk: Walk, entry: Entry) -> Outcome:
    if not walk.session.login or not walk.setting("smtpd_sasl_auth_enable"):
        return walk.passes("not_signed_in", login="")
    return access(walk, entry, [walk.session.login], (walk.session.login, LOGIN))


@rule("permit_tls_clientcerts")
def _known_certificate(walk: Walk, _entry: Entry) -> Outcome:
    """What was stated counts as one that relay_clientcerts lists: that table is the host's own."""
    return _permit_if(walk, bool(walk.session.certificate), "certificate", "no_certificate")


@rule("permit_tls_all_clientcerts")
def _trusted_certificate(walk: Walk, entry: Entry) -> Outcome:
    return _known_certificate(walk, entry)


@rule("check_ccert_access")
def _certificate_access(walk: Walk, entry: Entry) -> Outcome:
    certificate = walk.session.certificate
    if not certificate:
        return walk.passes("no_certificate")
    return access(walk, entry, [certificate], (certificate, CERTIFICATE))


# HELO


@rule("check_helo_access")
def _helo_access(walk: Walk, entry: Entry) -> Outcome:
    plain = walk.policy.settings.parents_match_subdomains
    return _if_greeted(walk, lambda name: access(walk, entry, keys_of_name(name, plain_parents=plain), (name, HELO)))


@rule("reject_invalid_helo_hostname")
def _invalid_helo(walk: Walk, _entry: Entry) -> Outcome:
    def look(name: str) -> Outcome:
        if is_host(without_last_dot(name)) or is_address(without_last_dot(name)):
            return walk.passes("well_formed", name=name)
        code = walk.setting("invalid_hostname_reject_code")
        return walk.refuse(code, "5.5.2", f"<{name}>: {HELO} rejected: Invalid name", "malformed", name=name)

    return _if_greeted(walk, look, literals=True)


@rule("reject_non_fqdn_helo_hostname")
def _unqualified_helo(walk: Walk, _entry: Entry) -> Outcome:
    def look(name: str) -> Outcome:
        if is_qualified(name):
            return walk.passes("qualified", name=name)
        code, words = walk.setting("non_fqdn_reject_code"), "need fully-qualified hostname"
        return walk.refuse(code, "5.5.2", f"<{name}>: {HELO} rejected: {words}", "unqualified", name=name)

    return _if_greeted(walk, look, literals=True)


@rule("reject_unknown_helo_hostname")
def _unknown_helo(walk: Walk, _entry: Entry) -> Outcome:
    def look(name: str) -> Outcome:
        state = dns.state_of(walk, name)
        if state in ("exists", "takes_no_mail"):
            return walk.passes("exists", name=name)
        words = f"<{name}>: {HELO} rejected: Host not found"
        if state == "down":
            action = walk.setting("unknown_helo_hostname_tempfail_action")
            return walk.refuse_for_now(action, 450, "4.7.1", words, "dns_down", name=name)
        code = walk.setting("unknown_hostname_reject_code")
        return walk.refuse(code, "4.7.1", words, "does_not_exist", name=name)

    return _if_greeted(walk, look, literals=True)


@rule("reject_rhsbl_helo")
def _rhsbl_helo(walk: Walk, entry: Entry) -> Outcome:
    return _if_greeted(walk, lambda name: dns.reject_name(walk, entry.argument, name, HELO))


# The sender


@rule("check_sender_access")
def _sender_access(walk: Walk, entry: Entry) -> Outcome:
    if walk.sender is None:
        return walk.passes("no_sender_yet")
    keys = mail_keys(walk, walk.sender) if walk.sender else [NULL_SENDER]
    return access(walk, entry, keys, (walk.sender, SENDER))


@rule("reject_unknown_sender_domain")
def _unknown_sender(walk: Walk, _entry: Entry) -> Outcome:
    return _if_from(walk, lambda sender: dns.reject_unknown_domain(walk, sender, SENDER))


@rule("reject_non_fqdn_sender")
def _unqualified_sender(walk: Walk, _entry: Entry) -> Outcome:
    return _if_from(walk, lambda sender: _need_qualified(walk, sender, SENDER))


@rule("reject_rhsbl_sender")
def _rhsbl_sender(walk: Walk, entry: Entry) -> Outcome:
    return _if_from(walk, lambda sender: dns.reject_name(walk, entry.argument, sender, SENDER))


@rule("reject_unverified_sender")
def _unverified_sender(walk: Walk, _entry: Entry) -> Outcome:
    return _if_from(walk, lambda sender: _verify(walk, sender, SENDER, "4.1.7"))


@rule("reject_unlisted_sender")
def _unlisted_sender(walk: Walk, _entry: Entry) -> Outcome:
    return _if_from(walk, lambda sender: check_sender(walk, sender))


@rule("reject_authenticated_sender_login_mismatch")
def _not_owned(walk: Walk, _entry: Entry) -> Outcome:
    return _if_from(walk, lambda sender: _owned_by_login(walk, sender, unknown_is_fine=False), sasl=True)


@rule("reject_unauthenticated_sender_login_mismatch")
def _owned(walk: Walk, _entry: Entry) -> Outcome:
    return _if_from(walk, lambda sender: _owned_by_nobody(walk, sender), sasl=True)


@rule("reject_known_sender_login_mismatch")
def _known_not_owned(walk: Walk, _entry: Entry) -> Outcome:
    def look(sender: str) -> Outcome:
        if walk.session.login:
            return _owned_by_login(walk, sender, unknown_is_fine=True)
        return _owned_by_nobody(walk, sender)

    return _if_from(walk, look, sasl=True)


# The recipient


@rule("check_recipient_access")
def _recipient_access(walk: Walk, entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: access(walk, entry, mail_keys(walk, one), (one, RECIPIENT)))


@rule("permit_auth_destination")
def _our_destination(walk: Walk, _entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: _permit_if(walk, walk.is_ours(one), "ours", "not_ours", domain=walk.domain_of(one)))


@rule("reject_unauth_destination")
def _foreign_destination(walk: Walk, _entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: _only_ours(walk, one, 0, "5.7.1"))


@rule("defer_unauth_destination")
def _foreign_destination_later(walk: Walk, _entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: _only_ours(walk, one, 100, "4.7.1"))


@rule("reject_unknown_recipient_domain")
def _unknown_recipient_domain(walk: Walk, _entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: dns.reject_unknown_domain(walk, one, RECIPIENT))


@rule("reject_non_fqdn_recipient")
def _unqualified_recipient(walk: Walk, _entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: _need_qualified(walk, one, RECIPIENT))


@rule("reject_rhsbl_recipient")
def _rhsbl_recipient(walk: Walk, entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: dns.reject_name(walk, entry.argument, one, RECIPIENT))


@rule("reject_unlisted_recipient")
def _unlisted_recipient(walk: Walk, _entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: check_recipient(walk, one))


@rule("reject_unverified_recipient")
def _unverified_recipient(walk: Walk, _entry: Entry) -> Outcome:
    return _if_to(walk, lambda one: _verify(walk, one, RECIPIENT, "4.1.1"))


@rule("reject_multi_recipient_bounce")
def _bounce_to_many(walk: Walk, _entry: Entry) -> Outcome:
    if walk.sender == "" and walk.accepted > (walk.command != "RCPT"):
        code = walk.setting("multi_recipient_bounce_reject_code")
        return walk.refuse(code, "5.5.3", _said(walk, "Multi-recipient bounce"), "bounce_to_many")
    return walk.passes("no_bounce_to_many")


# What several of them do


def access(walk: Walk, entry: Entry, keys: Iterable[str], said_of: tuple[str, str]) -> Outcome:
    """check_*_access: the first key that the table knows decides."""
    table, asked = walk.policy.tables[entry.argument], []
    for key in keys:
        asked.append(key.lower())
        result = table(asked[-1])
        if result is not None:
            with walk.at(Place("table", entry.argument)):
                return action_of(walk, result, said_of, key=asked[-1])
    return walk.passes("not_in_table", keys=", ".join(asked))


def no_permission(walk: Walk, outcome: Outcome) -> Outcome:
    """A client chooses its name itself: smtpd takes a permission for a mistake."""
    if outcome is Outcome.PERMIT and not walk.is_discarded:
        raise walk.stop("permission_not_allowed")
    return outcome


def mail_keys(walk: Walk, address: str) -> Iterator[str]:
    settings = walk.policy.settings
    plain, delimiters = settings.parents_match_subdomains, settings.recipient_delimiter
    return keys_of_mail_address(walk.qualified(address), delimiters=delimiters, plain_parents=plain)


def check_recipient(walk: Walk, recipient: str) -> Outcome:
    """Once for each recipient; behind warn_if_reject it counts for nothing."""
    if walk.has_checked_recipient:
        return walk.passes("checked_before")
    walk.has_checked_recipient = not walk.warns_since
    return _unlisted(walk, recipient, RECIPIENT)


def check_sender(walk: Walk, sender: str) -> Outcome:
    if walk.has_checked_sender:
        return walk.passes("checked_before")
    walk.has_checked_sender = not walk.warns_since
    return _unlisted(walk, sender, SENDER)


def _unlisted(walk: Walk, address: str, said: str) -> Outcome:
    fault = walk.policy.addresses.fault(walk.qualified(address))
    if fault is None:
        return walk.passes("listed", address=address)
    status = fixed_status(fault.status, said) if fault.status else "5.1.1" if said == RECIPIENT else "5.1.0"
    code = _code_of_unlisted(walk, address, fault)
    return walk.refuse(code, status, f"<{address}>: {said} rejected: {fault.words}", "unlisted", address=address)


# By the address class: the table in which an address is unknown, and the parameter that has the code for it.
UNLISTED = {
    "local": ("local recipient table", "unknown_local_recipient_reject_code"),
    "relay": ("relay recipient table", "unknown_relay_recipient_reject_code"),
    "virtual_alias": ("virtual alias table", "unknown_virtual_alias_reject_code"),
    "virtual_mailbox": ("virtual mailbox table", "unknown_virtual_mailbox_reject_code"),
}


def _code_of_unlisted(walk: Walk, address: str, fault: Fault) -> int:
    """check_rcpt_maps(): in a virtual alias domain one code is for all that is undeliverable, elsewhere what a map
    itself refuses has a code of its own."""
    address_class = walk.policy.addresses.address_class(walk.domain_of(address))
    table, parameter = UNLISTED.get(address_class, ("", ""))
    is_of_alias_domain = address_class == "virtual_alias" and fault.code >= 500
    if is_of_alias_domain or (table and fault.words == f"User unknown in {table}"):
        return int(walk.setting(parameter))
    return fault.code


def _said(walk: Walk, words: str) -> str:
    name, said = walk.said_of
    return f"<{name}>: {said} rejected: {words}"


def _permit_if(walk: Walk, condition: bool, why: str, why_not: str, **about: str) -> Outcome:
    return walk.permit(why, **about) if condition else walk.passes(why_not, **about)


def _permit_listed(walk: Walk, ask: Callable[[], Outcome]) -> Outcome:
    """A list of good clients opens no relay."""
    if walk.command == "RCPT" and walk.recipient is not None and not walk.is_ours(walk.recipient):
        return walk.passes("not_ours", domain=walk.domain_of(walk.recipient))
    return ask()


def _if_named(walk: Walk, name: str, look: Callable[[str], Outcome]) -> Outcome:
    return look(name) if name != "unknown" else walk.passes("no_name", client=walk.session.client)


def _if_greeted(walk: Walk, look: Callable[[str], Outcome], *, literals: bool = False) -> Outcome:
    """`literals`: an address in brackets is looked at by itself."""
    if not walk.helo:
        return walk.passes("no_helo")
    if literals and walk.helo.startswith("["):
        if is_literal(walk.helo):
            return walk.passes("well_formed", name=walk.helo)
        code = walk.setting("invalid_hostname_reject_code")
        words = f"<{walk.helo}>: {HELO} rejected: invalid ip address"
        return walk.refuse(code, "5.5.2", words, "malformed", name=walk.helo)
    return look(walk.helo)


def _if_from(walk: Walk, look: Callable[[str], Outcome], *, sasl: bool = False) -> Outcome:
    if sasl and not walk.setting("smtpd_sasl_auth_enable"):
        return walk.passes("no_sign_in")
    if walk.sender is None:
        return walk.passes("no_sender_yet")
    return look(walk.sender) if walk.sender else walk.passes("null_sender")


def _if_to(walk: Walk, look: Callable[[str], Outcome]) -> Outcome:
    return look(walk.recipient) if walk.recipient is not None else walk.passes("no_single_recipient")


def _need_qualified(walk: Walk, address: str, said: str) -> Outcome:
    domain = address.rpartition("@")[2] if "@" in address else ""
    if domain.startswith("[") or is_qualified(domain):
        return walk.passes("qualified", name=address)
    code, words = walk.setting("non_fqdn_reject_code"), "need fully-qualified address"
    return walk.refuse(code, "4.5.2", f"<{address}>: {said} rejected: {words}", "unqualified", name=address)


def _only_ours(walk: Walk, recipient: str, milder: int, status: str) -> Outcome:
    domain = walk.domain_of(recipient)
    if walk.is_ours(recipient):
        return walk.passes("ours", domain=domain)
    code = walk.setting("relay_domains_reject_code") - milder
    return walk.refuse(code, status, f"<{recipient}>: Relay access denied", "not_ours", domain=domain)


def _owned_by_login(walk: Walk, sender: str, *, unknown_is_fine: bool) -> Outcome:
    login = walk.session.login
    if not login:
        return walk.passes("not_signed_in", login="")
    owners = walk.policy.addresses.logins(walk.qualified(sender))
    if login.lower() in map(str.lower, owners) or (not owners and unknown_is_fine):
        return walk.passes("may_send", login=login, address=sender)
    words = f"<{sender}>: Sender address rejected: not owned by user {login}"
    return walk.refuse(553, "5.7.1", words, "may_not_send", login=login, address=sender)


def _owned_by_nobody(walk: Walk, sender: str) -> Outcome:
    if walk.session.login:
        return walk.passes("signed_in", login=walk.session.login)
    if not walk.policy.addresses.logins(walk.qualified(sender)):
        return walk.passes("belongs_to_nobody", address=sender)
    words = f"<{sender}>: Sender address rejected: not logged in"
    return walk.refuse(553, "5.7.1", words, "belongs_to_somebody", address=sender)


def _verify(walk: Walk, address: str, said: str, status: str) -> Outcome:
    stated = walk.assumptions.verified.get(address.lower())
    state, _blank, words = (stated or "ok").partition(" ")
    walk.take_for_granted(address, stated or "ok", is_stated=stated is not None)
    if state == "ok":
        return walk.passes("deliverable", address=address)
    about = "unverified_sender" if said == SENDER else "unverified_recipient"
    code: int = walk.setting(f"{about}_{'reject' if state == 'bounce' else 'defer'}_code")
    if code < 300:
        return walk.passes("deliverable", address=address)
    if code < 500:
        reply = f"<{address}>: {said} rejected: unverified address: {words:.250}"
        action = walk.setting(f"{about}_tempfail_action")
        return walk.refuse_for_now(action, code, status, reply, "not_deliverable", address=address)
    reply = f"<{address}>: {said} rejected: undeliverable address: {words}"
    return walk.refuse(code, status, reply, "not_deliverable", address=address)
