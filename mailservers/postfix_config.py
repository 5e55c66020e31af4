"""The files a Postfix host needs: one .cf for each map, a main.cf fragment, and the commands that put them in place."""

import io
import os
import pwd
import re
import shlex
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import connection

from domains.models import AddressClass, Domain, MailSettings
from lookup_tables.main_cf import all_parameters, has_passwords, parameters_in_use
from lookup_tables.models import SenderRelay
from lookup_tables.relay_passwords import decrypted
from mailboxes.models import LocalUser
from mailservers import submission
from mailservers.functions import postfix_password, postfix_role
from restrictions import access_main_cf as access
from restrictions import main_cf as restrictions
from restrictions.lists import Lists

# Keyed by a full address: '%u' keeps bare domains and "@domain" keys away from SQL (pgsql_table(5)).
MAPS_BY_ADDRESS = (
    "virtual_alias_maps",
    "virtual_mailbox_maps",
    "sender_dependent_relayhost_maps",
    "sender_bcc_maps",
    "recipient_bcc_maps",
    "relocated_maps",
    "canonical_maps",
    "sender_canonical_maps",
    "recipient_canonical_maps",
    "relay_recipient_maps",
    "smtpd_sender_login_maps",
    "local_recipient_maps",
    "suspended_domains",
)
# Suspending a domain must act at once, so its table is asked even while no domain is suspended.
MAPS_ALWAYS = ("virtual_alias_maps", "virtual_mailbox_maps", "smtpd_sender_login_maps", "suspended_domains")
MAPS_BY_DOMAIN = ("virtual_alias_domains", "virtual_mailbox_domains")
MAPS_FOR_LOCAL_DOMAINS = ("alias_maps", "mydestination")
MAPS_FOR_RELAY_DOMAINS = ("relay_domains", "relay_recipient_maps")

# What trivial-rewrite(8) asks to know the address class of a domain. These may be files (mailservers/domain_files.py).
LISTS_OF_DOMAINS = (*MAPS_BY_DOMAIN, "mydestination", "relay_domains")
KINDS_OF_FILES = ("cdb", "lmdb", "hash")

# Postfix distrusts a file younger than two seconds and reads it again and again until it is older.
BACK_DATED = 60  # seconds
FILE_MODE = 0o640  # root writes, the group postfix (proxymap) reads

# Not in the URL: Postfix writes that into the mail log whenever the database is away. libpq takes a password file only
# if nobody but its owner can read it, and proxymap runs as postfix.
PASSWORD_FILE, PASSWORD_MODE = "password", 0o400

# What the host has in this list stays, behind what is ours, until the panel has a recipient list of its own.
RECIPIENT_RESTRICTIONS = "smtpd_recipient_restrictions"
RESTRICTION_CLASSES = "smtpd_restriction_classes"

# proxymap(8) answers for maps of these parameters alone. A map that only a class or the list of a later stage names
# would let smtpd die at its start, and so would a list without the default of Postfix.
READ_MAPS = "proxy_read_maps"
ASKED_BY_DEFAULT = tuple(f"smtpd_{stage}_restrictions" for stage in ("client", "helo", "sender", "relay", "recipient"))
IS_PROXIED = re.compile(r"proxy:[^\s,}]+")

# smtp(8) reads it as root before it becomes postfix, so nobody else needs to; texthash(5) needs no postmap.
RELAY_PASSWORDS_FILE, RELAY_PASSWORDS_MODE = "sasl_passwd", 0o600
SIGN_IN = (
    "smtp_sasl_auth_enable",
    "smtp_sender_dependent_authentication",
    "smtp_sasl_security_options",
    "smtp_sasl_password_maps",
)


@dataclass(frozen=True, kw_only=True)
class PostfixHost:
    """What is particular to a host. `directory` is where Postfix will find the files."""

    directory: str
    hosts: list[str] = field(default_factory=list)  # "HOST:PORT", or "/DIRECTORY:PORT" for a Unix socket
    tls_mode: str = ""  # sslmode of libpq; empty: none on this machine, "require" elsewhere
    tls_root: str = ""
    statement_timeout: int = 5000  # milliseconds; a lookup takes about a tenth of one
    mail_base: str = "/srv/vmail"
    mail_uid: int = 5000
    mail_gid: int = 5000
    with_local: bool = False
    with_relay: bool = False
    with_local_users: bool = field(default_factory=lambda: LocalUser.objects.exists())
    with_dovecot: bool = False  # delivers, and says who may sign in to submission (mailservers/dovecot_config.py)
    domains_as: str = ""  # one of KINDS_OF_FILES; empty: asked in SQL

    @property
    def knows_local_users(self) -> bool:
        return self.with_local and self.with_local_users

    @property
    def maps(self) -> list[str]:
        return [
            *MAPS_BY_DOMAIN,
            *MAPS_ALWAYS,
            *(MAPS_FOR_LOCAL_DOMAINS if self.with_local else ()),
            *(("local_recipient_maps",) if self.knows_local_users else ()),
            *(MAPS_FOR_RELAY_DOMAINS if self.with_relay else ()),
            *parameters_in_use(),
        ]


def default_hosts() -> list[str]:
    """The panel's own database server. This machine is named twice: after a lost connection Postfix leaves a server
    alone for a minute, and a second name for the same one makes a quick restart invisible."""
    host = settings.DATABASES["default"].get("HOST") or "127.0.0.1"
    port = settings.DATABASES["default"].get("PORT") or "5432"
    if host.startswith("/") or host in ("127.0.0.1", "localhost", "::1"):
        return [f"127.0.0.1:{port}", f"localhost:{port}"]
    return [f"{name}:{port}" for name in host.split(",")]


def classes_with_own_maps() -> set[str]:
    """Which of the classes are there whose maps are written only then: each costs a question a message."""
    first = {
        address_class: Domain.objects.filter(address_class=address_class).order_by().values_list("address_class")[:1]
        for address_class in (AddressClass.LOCAL, AddressClass.RELAY)
    }
    return {row[0] for row in first[AddressClass.LOCAL].union(first[AddressClass.RELAY])}


def files_for(host: PostfixHost) -> dict[str, str]:
    """File name -> text."""
    texts = {f"{name}.cf": _map_file(name, host) for name in host.maps}
    texts |= {f"{one.name}.cf": _text_of_map(one.name, one.call, host) for one in access.access_maps()}
    texts["main.cf.mailadmin"] = _fragment(host)
    if host.with_dovecot:
        texts["master.cf.mailadmin"] = submission.master_cf()
    texts["install-commands"] = commands_for(host)
    texts[PASSWORD_FILE] = f"*:*:*:{postfix_role()}:{postfix_password()}\n"  # .pgpass of libpq
    texts[RELAY_PASSWORDS_FILE] = _relay_passwords()  # also without any: those of yesterday must not stay there
    return texts


# A table of the host's own stays, before ours; `postconf -X` takes out a parameter (postconf(1)).
KEEP_THE_OTHERS = """\
add() {
    has=$(postconf -h "$1")
    case "$has" in *"$2"*) ;; *) postconf -e "$1 = ${has:+$has, }$2" ;; esac
}
take_out() {
    has=$(postconf -h "$1") parameter=$1 ours=$2
    case "$has" in *"$ours"*) ;; *) return ;; esac
    left=$(printf %s "$has" | sed "s|[, ]*$ours||; s|^[, ]*||")
    shift 2
    if [ -n "$left" ]; then postconf -e "$parameter = $left"; else postconf -X "$parameter" "$@"; fi
}
add_class() {
    has=$(postconf -h smtpd_restriction_classes)
    case " $(echo $has | tr , ' ') " in
    *" $1 "*) ;;
    *) postconf -e "smtpd_restriction_classes = ${has:+$has, }$1" ;;
    esac
}
read_maps() {
    others=$(postconf -h proxy_read_maps | sed "s#[, ]*proxy:pgsql:$1/[^ ,]*##g")
    shift
    for one in "$@"; do others="$others, $one"; done
    postconf -e "proxy_read_maps = $others"
}
drop_classes() {
    kept= gone=
    for one in $(postconf -h smtpd_restriction_classes | tr , ' '); do
        case "$one" in
        Writers_*|Senders_*|Signed_in) case " $* " in *" $one "*) ;; *) gone="$gone $one"; continue ;; esac ;;
        esac
        kept="${kept:+$kept, }$one"
    done
    if [ -z "$gone" ]; then return; fi
    postconf -e "smtpd_restriction_classes = $kept"
    postconf -X $gone
}
"""


def commands_for(host: PostfixHost) -> str:
    """A shell script that puts the fragment into main.cf; read it before you run it."""
    commands = [command for name, value in _parameters(host) for command in _commands_for(name, value, host.directory)]
    return "\n".join(
        [
            "#!/bin/sh",
            "# Puts the parameters of main.cf.mailadmin into main.cf, as root on the mail host.",
            "set -e",
            KEEP_THE_OTHERS + "\n".join([*commands, *_commands_for_what_is_unused(host)]),
            *(submission.commands() if host.with_dovecot else ()),
            "postfix check",
            "postfix reload",
            "",
        ]
    )


def _commands_for(name: str, value: str, directory: str) -> list[str]:
    if name == RECIPIENT_RESTRICTIONS and not _has_recipient_list():
        return [_command_for_list(name, value)]
    if name == RESTRICTION_CLASSES:  # the host's own stay, and are still defined
        return [_command("add_class", one) for one in value.split(", ")]
    if name == READ_MAPS:
        return [_command("read_maps", directory, *IS_PROXIED.findall(value))]
    if name in (*all_parameters(), SIGN_IN[-1]):
        return [_command("add", name, value)]
    return [_command("postconf", "-e", f"{name} = {value}")]


def _command_for_list(name: str, ours: str) -> str:
    """Puts what is ours before what the host has in the list; once, and from no other directory."""
    without_ours = shlex.quote(
        r"s#check_recipient_access proxy:pgsql:[^ ,]*/suspended_domains\.cf[ ,]*##g; "
        r"s#check_recipient_access proxy:pgsql:[^ ,]*/recipient_classes-[0-9a-f]*\.cf[ ,]*##g; "
        f"s#{submission.ASKS_FOR_ROOM}[ ,]*##g"
    )
    return (
        f"rest=$(postconf -h {name} | sed {without_ours})\n"
        f'postconf -e {shlex.quote(f"{name} = {ours}")}"${{rest:+, $rest}}"'
    )


def _commands_for_what_is_unused(host: PostfixHost) -> list[str]:
    """An empty table needs no parameter: each asks the database several times per message."""
    used = [name for name, _value in _parameters(host)]
    commands = [_command("take_out", name, _map(name, host)) for name in all_parameters() if name not in used]
    if "local_recipient_maps" not in used:
        commands.append(_command("take_out", "local_recipient_maps", _local_recipients(host)))
    if SIGN_IN[-1] not in used:
        commands.append(_command("take_out", SIGN_IN[-1], _texthash(host), *SIGN_IN[:-1]))
    commands.append(_command("drop_classes", *access.written_classes()))
    return commands


def _command(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)


def write_directory(host: PostfixHost, directory: Path) -> list[str]:
    """Writes the files, each complete or not at all. Returns the names written."""
    is_new = not directory.exists()
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    texts = files_for(host)
    for name, text in texts.items():
        write_file(directory / name, text)
    if is_new:
        _give_to_postfix(directory, mode=0o750)
    return sorted(texts)


def write_file(path: Path, text: str) -> None:
    """A file for Postfix, complete or not at all, and older than it is."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    if path.name == RELAY_PASSWORDS_FILE:
        _keep_for_root(new)
    else:
        _give_to_postfix(new, secret=path.name == PASSWORD_FILE)
    past = time.time() - BACK_DATED
    os.utime(new, (past, past))
    new.rename(path)


def as_tar(host: PostfixHost) -> bytes:
    """The same files as a tar archive, for a host where the panel may not write."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files_for(host).items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(text.encode()), FILE_MODE, int(time.time()) - BACK_DATED
            member.uname, member.gname = "root", "postfix"
            if name == PASSWORD_FILE:
                member.uname, member.mode = "postfix", PASSWORD_MODE
            if name == RELAY_PASSWORDS_FILE:
                member.gname, member.mode = "root", RELAY_PASSWORDS_MODE
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _map_file(name: str, host: PostfixHost) -> str:
    arguments = "'%u', '%d'" if name in MAPS_BY_ADDRESS else "'%s'"
    return _text_of_map(name, f"{name}({arguments})", host)


def _text_of_map(name: str, call: str, host: PostfixHost) -> str:
    return (
        f"# {name}: answered by a function of mailadmin's database. pgsql_table(5)\n"  # noqa: S608  Postfix escapes
        f"hosts = {' '.join(_url(one, host) for one in host.hosts)}\n"
        f"dbname = {connection.settings_dict['NAME']}\n"
        f"query = SELECT * FROM postfix.{call}\n"
    )


def _url(server: str, host: PostfixHost) -> str:
    """A libpq URL. Postfix asks for no other way to name a port for a Unix socket, or TLS, or a time limit."""
    name, _colon, port = server.rpartition(":")
    is_socket, is_here = name.startswith("/"), name in ("127.0.0.1", "localhost", "::1")
    options = {
        "sslmode": host.tls_mode or ("disable" if is_socket or is_here else "require"),
        "sslrootcert": host.tls_root,
        "passfile": f"{host.directory}/{PASSWORD_FILE}",
        "connect_timeout": "5",
        "application_name": "postfix",
        "options": f"-c statement_timeout={host.statement_timeout}" if host.statement_timeout else "",
        "host": name if is_socket else "",
        "port": port if is_socket else "",
    }
    query = urlencode({key: value for key, value in options.items() if value}, quote_via=quote, safe="/")
    place = "" if is_socket else f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    role, database = (quote(text, safe="") for text in (postfix_role(), connection.settings_dict["NAME"]))
    return f"postgresql://{role}@{place}/{database}?{query}"


def _map(name: str, host: PostfixHost) -> str:
    if host.domains_as and name in LISTS_OF_DOMAINS:
        return f"{host.domains_as}:{host.directory}/{name}"
    return f"proxy:pgsql:{host.directory}/{name}.cf"


def _local_recipients(host: PostfixHost) -> str:
    return f"{_map('local_recipient_maps', host)}, $alias_maps"


def _texthash(host: PostfixHost) -> str:
    return f"texthash:{host.directory}/{RELAY_PASSWORDS_FILE}"


def _parameters(host: PostfixHost) -> list[tuple[str, str]]:
    def maps(name: str) -> str:
        return _map(name, host)

    parameters = [
        ("recipient_delimiter", MailSettings.current().recipient_delimiter),
        ("virtual_alias_domains", maps("virtual_alias_domains")),
        ("virtual_alias_maps", maps("virtual_alias_maps")),
        ("virtual_mailbox_domains", maps("virtual_mailbox_domains")),
        ("virtual_mailbox_maps", maps("virtual_mailbox_maps")),
        ("smtpd_sender_login_maps", maps("smtpd_sender_login_maps")),
        *_restrictions(host),
        *(submission.main_cf(_first_for_recipients(host)) if host.with_dovecot else ()),
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
        parameters.append(("local_recipient_maps", _local_recipients(host)))
    if host.with_relay:
        parameters += [
            ("relay_domains", maps("relay_domains")),
            ("relay_recipient_maps", maps("relay_recipient_maps")),
            ("parent_domain_matches_subdomains", WITH_SUBDOMAINS),
        ]
    parameters += [(name, maps(name)) for name in parameters_in_use()]
    if has_passwords():
        parameters += zip(SIGN_IN, ("yes", "yes", "noanonymous", _texthash(host)), strict=True)
    return parameters


def _has_recipient_list() -> bool:
    return "recipient" in Lists.current().stages


def _restrictions(host: PostfixHost) -> list[tuple[str, str]]:
    """The lists of the panel. Suspended domains come first of all recipients, whoever writes the rest."""
    written = {one.name: one.value.replace(access.DIRECTORY, host.directory) for one in restrictions.what_is_written()}
    theirs = written.get(RECIPIENT_RESTRICTIONS, "")
    written[RECIPIENT_RESTRICTIONS] = ", ".join(filter(None, [_first_for_recipients(host), theirs]))
    # A class is defined before it is named, and named before a list uses it: any smtpd that starts meanwhile works.
    made = access.written_classes()
    classes = ", ".join([*made, *filter(None, [written.pop(RESTRICTION_CLASSES, "")])])
    values = {name: value.replace(access.DIRECTORY, host.directory) for name, value in made.items()}
    values |= {name: value for name, value in written.items() if not name.startswith("smtpd_")}
    values |= {RESTRICTION_CLASSES: classes} if classes else {}
    values |= written
    unknown = sorted(
        {one for name, value in values.items() if name not in ASKED_BY_DEFAULT for one in IS_PROXIED.findall(value)}
    )
    if unknown:
        values = {READ_MAPS: ", ".join([READ_MAPS_OF_POSTFIX, *unknown])} | values
    return list(values.items())


def _first_for_recipients(host: PostfixHost) -> str:
    """What is asked of every recipient, whoever sends."""
    names = ("suspended_domains", *(one.name for one in access.maps_before_all()))
    asked = [f"check_recipient_access {_map(name, host)}" for name in names]
    return ", ".join([*asked, *([submission.ASKS_FOR_ROOM] if host.with_dovecot else [])])


def _reasons() -> dict[str, str]:
    """What the comment before a parameter says."""
    lists = {one.name: one.reason for one in restrictions.what_is_written()}
    lists |= dict.fromkeys(access.written_classes(), "made by the panel for protected aliases and rules of domains")
    if RECIPIENT_RESTRICTIONS in lists:
        lists[RECIPIENT_RESTRICTIONS] = f"suspended domains, then {lists[RECIPIENT_RESTRICTIONS]}"
    return REASONS | lists


def _relay_passwords() -> str:
    """texthash: the sender, the user name, the password, as smtp_sasl_password_maps in postconf(5) has them."""
    relays = SenderRelay.objects.filter(active=True, credential__isnull=False).select_related("credential")
    lines = [f"{relay.key} {relay.username}:{decrypted(relay.credential.token)}\n" for relay in relays.order_by("key")]
    return "# The passwords for relays. Written by mailadmin, for root only.\n" + "".join(lines)


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
    READ_MAPS: "the default, and the maps that only classes or the lists of later stages name",
    "recipient_delimiter": "the same as in the panel's settings: the functions split addresses by it",
    "virtual_alias_domains": "always written: its default asks virtual_alias_maps for bare domains",
    "local_recipient_maps": "the users of the mail host, as import_local_users found them",
    "smtpd_sender_login_maps": "asked only where submission rejects a sender login mismatch",
    "smtp_sasl_auth_enable": "the passwords for relays, found by the sender",
    "parent_domain_matches_subdomains": "the default less relay_domains: a subdomain of a relay domain is not ours",
    RECIPIENT_RESTRICTIONS: "suspended domains; what the host has in this list goes behind (install-commands)",
    "virtual_mailbox_limit": "bytes; 0 = no limit here: the default of 50 MB would stop mbox files",
}


def _fragment(host: PostfixHost) -> str:
    lines = ["# For main.cf, written by mailadmin. See postconf(5) for each parameter."]
    reasons = _reasons()
    for name, value in _parameters(host):
        if name in reasons:
            lines.append(f"# {reasons[name]}")
        lines.append(f"{name} = {value}".rstrip())
    return "\n".join(lines) + "\n"


def _keep_for_root(path: Path) -> None:
    path.chmod(RELAY_PASSWORDS_MODE)
    if os.geteuid() == 0:
        os.chown(path, 0, 0)


def _give_to_postfix(path: Path, *, mode: int = FILE_MODE, secret: bool = False) -> None:
    path.chmod(PASSWORD_MODE if secret else mode)
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam("postfix")
        except KeyError:
            os.chown(path, 0, 0)
        else:
            os.chown(path, user.pw_uid if secret else 0, user.pw_gid)
