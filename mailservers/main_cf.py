"""What main.cf says to use the panel's maps and lists: each parameter, in an order in which any process may start."""

import re

from domains.models import MailSettings
from lookup_tables.main_cf import has_passwords, parameters_in_use, uses_dane
from mailservers import submission
from mailservers.postfix_host import LISTS_OF_DOMAINS, MAPS_FOR_SUBMISSION, PostfixHost
from restrictions import main_cf as restrictions
from restrictions.access_main_cf import DIRECTORY

# proxymap(8) answers for maps of these parameters alone. A map that only a class or the list of a later stage names
# would let smtpd die at its start, and so would a list without the default of Postfix.
READ_MAPS = "proxy_read_maps"
ASKED_BY_DEFAULT = tuple(f"smtpd_{stage}_restrictions" for stage in ("client", "helo", "sender", "relay", "recipient"))
IS_PROXIED = re.compile(r"proxy:[^\s,}]+")

# smtp(8) reads it as root before it becomes postfix, so nobody else needs to; texthash(5) needs no postmap.
RELAY_PASSWORDS_FILE = "sasl_passwd"
# A password in the clear only within TLS: whoever sits between takes STARTTLS out of what the relay offers.
SIGN_IN = {
    "smtp_sasl_auth_enable": "yes",
    "smtp_sender_dependent_authentication": "yes",
    "smtp_sasl_security_options": "noanonymous, noplaintext",
    "smtp_sasl_tls_security_options": "noanonymous",
}
PASSWORDS_OF_RELAYS = "smtp_sasl_password_maps"

# The default of Postfix 3.5 and later (postconf(5)), less relay_domains.
WITH_SUBDOMAINS = (
    "debug_peer_list, fast_flush_domains, mynetworks, permit_mx_backup_networks, qmqpd_authorized_clients, "
    "smtpd_access_maps"
)

# `postconf -d proxy_read_maps` of Postfix 3.7; install-commands takes that of the host.
READ_MAPS_OF_POSTFIX = (
    "$local_recipient_maps, $mydestination, $virtual_alias_maps, $virtual_alias_domains, $virtual_mailbox_maps, "
    "$virtual_mailbox_domains, $relay_recipient_maps, $relay_domains, $canonical_maps, $sender_canonical_maps, "
    "$recipient_canonical_maps, $relocated_maps, $transport_maps, $mynetworks, $smtpd_sender_login_maps, "
    "$sender_bcc_maps, $recipient_bcc_maps, $smtp_generic_maps, $lmtp_generic_maps, $alias_maps, "
    "$smtpd_client_restrictions, $smtpd_helo_restrictions, $smtpd_sender_restrictions, $smtpd_relay_restrictions, "
    "$smtpd_recipient_restrictions, $address_verify_sender_dependent_default_transport_maps, "
    "$address_verify_sender_dependent_relayhost_maps, $address_verify_transport_maps, $fallback_transport_maps, "
    "$lmtp_discard_lhlo_keyword_address_maps, $lmtp_pix_workaround_maps, $lmtp_sasl_password_maps, "
    "$lmtp_tls_policy_maps, $mailbox_command_maps, $mailbox_transport_maps, "
    "$postscreen_discard_ehlo_keyword_address_maps, $rbl_reply_maps, $sender_dependent_default_transport_maps, "
    "$sender_dependent_relayhost_maps, $smtp_discard_ehlo_keyword_address_maps, $smtp_pix_workaround_maps, "
    "$smtp_sasl_password_maps, $smtp_tls_policy_maps, $smtpd_discard_ehlo_keyword_address_maps, "
    "$smtpd_milter_maps, $virtual_gid_maps, $virtual_uid_maps, $local_login_sender_maps, "
    "$postscreen_reject_footer_maps, $smtpd_reject_footer_maps, $tls_server_sni_maps, "
    "$tlsproxy_client_policy_maps, $default_delivery_status_filter, $lmtp_delivery_status_filter, "
    "$lmtp_dns_reply_filter, $lmtp_reply_filter, $local_delivery_status_filter, $pipe_delivery_status_filter, "
    "$postscreen_command_filter, $smtp_delivery_status_filter, $smtp_dns_reply_filter, $smtp_reply_filter, "
    "$smtpd_command_filter, $smtpd_dns_reply_filter, $virtual_delivery_status_filter, $body_checks, "
    "$header_checks, $lmtp_body_checks, $lmtp_header_checks, $lmtp_mime_header_checks, "
    "$lmtp_nested_header_checks, $milter_header_checks, $mime_header_checks, $nested_header_checks, "
    "$smtp_body_checks, $smtp_header_checks, $smtp_mime_header_checks, $smtp_nested_header_checks"
)

REASONS = {
    **submission.REASONS,
    READ_MAPS: "the default, and the maps that only classes, the lists of later stages or submission name",
    "alias_maps": "the own aliases of the host first: alias_database is not $alias_maps then (install-commands)",
    "recipient_delimiter": "the same as in the panel's settings: the functions split addresses by it",
    "virtual_alias_domains": "always written: its default asks virtual_alias_maps for bare domains",
    "local_recipient_maps": "the users of the mail host, as import_local_users found them",
    "smtpd_sender_login_maps": "asked only where submission rejects a sender login mismatch",
    "smtp_dns_support_level": "TLS policies say dane: smtp(8) believes TLSA records that the resolver has validated",
    "smtp_sasl_auth_enable": "the passwords for relays, found by the sender; in the clear within TLS only",
    "parent_domain_matches_subdomains": "the default less relay_domains: a subdomain of a relay domain is not ours",
    "virtual_mailbox_limit": "bytes; 0 = no limit here: the default of 50 MB would stop mbox files",
}


def map_for(name: str, host: PostfixHost) -> str:
    if host.domains_as and name in LISTS_OF_DOMAINS:
        return f"{host.domains_as}:{host.directory}/{name}"
    return f"proxy:pgsql:{host.directory}/{name}.cf"


def local_recipients(host: PostfixHost) -> str:
    return f"{map_for('local_recipient_maps', host)}, $alias_maps"


def texthash_for(host: PostfixHost) -> str:
    return f"texthash:{host.directory}/{RELAY_PASSWORDS_FILE}"


def parameters_for(host: PostfixHost) -> list[tuple[str, str]]:
    def maps(name: str) -> str:
        return map_for(name, host)

    parameters = [
        ("recipient_delimiter", MailSettings.current().recipient_delimiter),
        ("virtual_alias_domains", maps("virtual_alias_domains")),
        ("virtual_alias_maps", maps("virtual_alias_maps")),
        ("virtual_mailbox_domains", maps("virtual_mailbox_domains")),
        ("virtual_mailbox_maps", maps("virtual_mailbox_maps")),
        ("smtpd_sender_login_maps", maps("smtpd_sender_login_maps")),
        *_restrictions(host),
        *(submission.main_cf(_of_every_recipient(host), maps("check_sasl_access")) if host.with_dovecot else ()),
        ("virtual_mailbox_base", host.mail_base),
        ("virtual_mailbox_limit", "0"),
        ("virtual_uid_maps", f"static:{host.mail_uid}"),
        ("virtual_gid_maps", f"static:{host.mail_gid}"),
    ]
    if host.with_local:
        # The host's own names stay beside the map, or root's mail is lost; so does the host's own alias file.
        parameters += [
            ("mydestination", f"$myhostname, localhost.$mydomain, localhost, {maps('mydestination')}"),
            ("alias_maps", f"$alias_database, {maps('alias_maps')}"),
        ]
    if host.knows_local_users:
        # Until then the default stands, which asks passwd(5) of the host.
        parameters.append(("local_recipient_maps", local_recipients(host)))
    if host.with_relay:
        parameters += [
            ("relay_domains", maps("relay_domains")),
            ("relay_recipient_maps", maps("relay_recipient_maps")),
            ("parent_domain_matches_subdomains", WITH_SUBDOMAINS),
        ]
    parameters += [(name, maps(name)) for name in parameters_in_use()]
    if uses_dane():
        parameters.append(("smtp_dns_support_level", "dnssec"))
    if has_passwords():
        parameters += [*SIGN_IN.items(), (PASSWORDS_OF_RELAYS, texthash_for(host))]
    return parameters


def _lists(host: PostfixHost) -> list[restrictions.Parameter]:
    """All about the lists of the panel, and the classes, as this host has it."""
    found = restrictions.all_parameters(host.lists, [submission.ASKS_FOR_ROOM] if host.with_dovecot else [])
    return [one._replace(value=one.value.replace(DIRECTORY, host.directory)) for one in found]


def _restrictions(host: PostfixHost) -> list[tuple[str, str]]:
    values = [(one.name, one.value) for one in _lists(host)]
    found = {one for name, value in values if name not in ASKED_BY_DEFAULT for one in IS_PROXIED.findall(value)}
    unknown = sorted(found | {map_for(name, host) for name in host.maps if name in MAPS_FOR_SUBMISSION})
    if unknown:
        values.insert(0, (READ_MAPS, ", ".join([READ_MAPS_OF_POSTFIX, *unknown])))
    return values


def _of_every_recipient(host: PostfixHost) -> str:
    """What is asked of every recipient, whoever sends."""
    first = [restrictions.SUSPENDED, *restrictions.asked_first(host.lists), submission.ASKS_FOR_ROOM]
    return ", ".join(first).replace(DIRECTORY, host.directory)


def fragment(host: PostfixHost) -> str:
    lines = ["# For main.cf, written by mailadmin. See postconf(5) for each parameter."]
    reasons = REASONS | {one.name: one.reason for one in _lists(host)}
    for name, value in parameters_for(host):
        if name in reasons:
            lines.append(f"# {reasons[name]}")
        lines.append(f"{name} = {value}".rstrip())
    return "\n".join(lines) + "\n"
