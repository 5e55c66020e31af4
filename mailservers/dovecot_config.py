"""The files a Dovecot host needs: dovecot.conf, its SQL for users and for what it counts, and the commands to use them.

Written for Dovecot 2.3 (doc.dovecot.org/2.3); dovecot24_config.py has what 2.4 reads."""

import grp
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from mailservers.files import Packed, as_tar, write_whole
from mailservers.mail_servers import DOVECOT

SOCKETS = {"auth": "auth", "lmtp": "dovecot-lmtp", "quota-status": "quota-status"}  # service -> name below private/
SECRET_MODE = 0o640  # root writes, the group dovecot reads: the processes auth and dict
LOOKUPS = "delivery-userdb"  # a socket; its last word tells auth that userdb is asked there
FULL = "552 5.2.2 Mailbox is full"
# The folders that mail programs expect.
FOLDERS = """\
namespace inbox {
  inbox = yes
  mailbox Drafts {
    special_use = \\Drafts
    auto = subscribe
  }
  mailbox Sent {
    special_use = \\Sent
    auto = subscribe
  }
  mailbox Junk {
    special_use = \\Junk
    auto = subscribe
  }
  mailbox Trash {
    special_use = \\Trash
    auto = subscribe
  }
}
"""
# The login comes last: it may hold a slash.
SIGN_INS = """\
map {
  pattern = shared/last-login/$service/$remote_ip/$username
  table = dovecot.last_sign_in
  value_field = seconds
  value_type = uint
  fields {
    service = $service
    remote_ip = $remote_ip
    username = $username
  }
}
"""
# The name of a script is its number, and so is the number of its text (Pigeonhole, INSTALL: dict).
SCRIPTS = """\
map {
  pattern = priv/sieve/name/$id
  table = dovecot.sieve
  username_field = username
  value_field = id
  fields {
    id = $id
  }
}
map {
  pattern = priv/sieve/data/$id
  table = dovecot.sieve
  username_field = username
  value_field = script
  fields {
    id = $id
  }
}
"""


@dataclass(frozen=True, kw_only=True)
class DovecotHost:
    """What is particular to a host. `directory` is where Dovecot will find the files."""

    directory: str
    database: str  # "HOST:PORT", or "/DIRECTORY:PORT" for a Unix socket
    tls_mode: str = ""  # sslmode of libpq; empty: none on this machine, "require" elsewhere
    tls_root: str = ""
    statement_timeout: int = 5000  # milliseconds
    mail_base: str = "/srv/vmail"
    mail_uid: int = 5000
    mail_gid: int = 5000
    certificate: str = "/etc/dovecot/private/dovecot.pem"
    key: str = "/etc/dovecot/private/dovecot.key"
    queue_directory: str = "/var/spool/postfix"
    version: str = "2.3"  # of Dovecot


def files_for(host: DovecotHost) -> dict[str, str]:
    """File name -> text."""
    if host.version == "2.4":
        from mailservers import dovecot24_config

        return {**dovecot24_config.files(host), "install-commands": _commands(host)}
    return {
        "dovecot.conf": _dovecot_conf(host),
        "sql.conf": _users(host),
        "app-sql.conf": _app_passwords(host),
        "dict-sql.conf": _dicts(host),
        "install-commands": _commands(host),
    }


def write_directory(host: DovecotHost, directory: Path) -> list[str]:
    """Writes the files, each complete or not at all. Returns the names written."""
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    texts = files_for(host)
    for name, text in texts.items():
        if name.endswith("sql.conf"):
            write_whole(directory / name, text, mode=SECRET_MODE, owner=(0, _group()))
        else:
            write_whole(directory / name, text, mode=0o644)
    return sorted(texts)


def packed(host: DovecotHost) -> bytes:
    """The same files in an archive, for root to unpack."""
    return as_tar(Packed(name, text, SECRET_MODE, "root", "dovecot") for name, text in files_for(host).items())


def _group() -> int:
    try:
        return grp.getgrnam("dovecot").gr_gid
    except KeyError:  # Dovecot is not here; whoever takes the files there gives them to it
        return 0


def connection_parts(host: DovecotHost) -> dict[str, object]:
    """Parameters of libpq; those that are set."""
    server, _colon, port = host.database.rpartition(":")
    is_here = server.startswith("/") or server in ("127.0.0.1", "localhost", "::1")
    parts = {
        "host": server,
        "port": port,
        "dbname": connection.settings_dict["NAME"],
        "user": DOVECOT.role,
        "password": DOVECOT.password,
        "sslmode": host.tls_mode or ("disable" if is_here else "require"),
        "sslrootcert": host.tls_root,
        "connect_timeout": 5,
        "application_name": "dovecot",
        "options": f"-c statement_timeout={host.statement_timeout}" if host.statement_timeout else "",
    }
    return {name: value for name, value in parts.items() if value}


def _connect(host: DovecotHost) -> str:
    """A connection string of libpq. Dovecot writes no password into its log."""
    parts = connection_parts(host)
    return " ".join(f"{name}='{value}'" if " " in str(value) else f"{name}={value}" for name, value in parts.items())


def escaped_base(host: DovecotHost) -> str:
    """Within quotes of SQL, in a setting where Dovecot reads % as the beginning of a variable."""
    return host.mail_base.replace("'", "''").replace("%", "%%")


def _users(host: DovecotHost) -> str:
    base = escaped_base(host)
    return f"""\
# Who signs in, and where mail is stored: answered by functions of mailadmin's database.
# Each hash names its scheme, so the default is never used.
driver = pgsql
connect = {_connect(host)}
password_query = SELECT * FROM dovecot.passdb('%u', '%s', '{base}')
user_query = SELECT * FROM dovecot.userdb('%u', '%s', '{base}')
iterate_query = SELECT * FROM dovecot.iterate()
"""  # noqa: S608  Dovecot escapes


def _app_passwords(host: DovecotHost) -> str:
    base = escaped_base(host)
    return f"""\
# Who signs in with an app password: the panel is asked for the SHA-256 of what was typed.
driver = pgsql
connect = {_connect(host)}
password_query = SELECT * FROM dovecot.app_password('%u', '%s', '%{{sha256:password}}', '{base}')
"""  # noqa: S608  Dovecot escapes


def _dicts(host: DovecotHost) -> str:
    maps = "".join(
        f"""map {{
  pattern = priv/quota/{key}
  table = dovecot.quota
  username_field = username
  value_field = {column}
}}
"""
        for key, column in (("storage", "bytes"), ("messages", "messages"))
    )
    about = "# What is stored in each mailbox, who signed in last, and who is out of office."
    return f"{about}\nconnect = {_connect(host)}\n{maps}{SIGN_INS}{SCRIPTS}"


def listener(service: str, host: DovecotHost) -> str:
    return f"""\
  unix_listener {host.queue_directory}/private/{SOCKETS[service]} {{
    user = postfix
    group = postfix
    mode = 0600
  }}
"""


def for_postfix(host: DovecotHost, options: str = "") -> str:
    """`options` are those of quota-status."""
    return f"""\
# For Postfix: who signs in to submission, delivery, and whether a mailbox is full.
service auth {{
  # A hash of ARGON2ID may need more than the 256 MB of the default.
  vsz_limit = 1G
{listener("auth", host)}}}
service lmtp {{
{listener("lmtp", host)}}}
service quota-status {{
  executable = quota-status -p postfix{options}
  client_limit = 1
{listener("quota-status", host)}}}
"""


def _dovecot_conf(host: DovecotHost) -> str:
    return f"""\
# For Dovecot 2.3, written by mailadmin. What is particular to this host belongs into local.conf beside this file.

protocols = imap pop3 lmtp
ssl = required
ssl_cert = <{host.certificate}
ssl_key = <{host.key}
ssl_min_protocol = TLSv1.2

# The database decides who signs in, and to what: it is asked at every sign-in, so a change acts at once.
disable_plaintext_auth = yes
auth_mechanisms = plain login
# A login is an address, and may hold whatever an address holds. Empty: every character; SQL gets them escaped.
auth_username_chars =
auth_username_format = %Lu
# An app password is found by an index; any other password goes on to the hash of the mailbox, which takes its time.
passdb {{
  driver = sql
  args = {host.directory}/app-sql.conf
  auth_verbose = no
}}
passdb {{
  driver = sql
  args = {host.directory}/sql.conf
}}
# What passdb said of the mailbox is enough for who signed in.
userdb {{
  driver = prefetch
}}
userdb {{
  driver = sql
  args = {host.directory}/sql.conf
}}

# The same files as virtual(8): maildir or mbox at the mail path. What else Dovecot keeps is below .dovecot/.
mail_location = maildir:~/mail
mail_uid = {host.mail_uid}
mail_gid = {host.mail_gid}
first_valid_uid = {host.mail_uid}
first_valid_gid = {host.mail_gid}
# An address may hold the delimiter. The function finds the base of an extension, so Dovecot cuts off nothing.
recipient_delimiter =
{FOLDERS}
# Counted in the index of each mailbox; each change goes to the panel.
mail_plugins = $mail_plugins quota quota_clone
plugin {{
  quota = count:Mailbox
  quota_vsizes = yes
  quota_clone_dict = proxy:dict:quota
  quota_exceeded_message = Mailbox is full.
  last_login_dict = proxy:dict:sign-in
  last_login_key = last-login/%s/%r/%u
  quota_status_success = DUNNO
  quota_status_nouser = DUNNO
  quota_status_overquota = {FULL}
}}
dict {{
  quota = pgsql:{host.directory}/dict-sql.conf
  sign-in = pgsql:{host.directory}/dict-sql.conf
  sieve = pgsql:{host.directory}/dict-sql.conf
}}
protocol imap {{
  mail_plugins = $mail_plugins imap_quota last_login
}}
protocol pop3 {{
  mail_plugins = $mail_plugins last_login
}}
# Who is out of office: userdb names the script. It is read and compiled for each message, so a change acts at once.
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
  auth_socket_path = {LOOKUPS}
}}

{for_postfix(host, f" -o auth_socket_path={LOOKUPS}")}
# Hashes are verified by the process of the service auth, one after the other. Whoever tries passwords holds up those
# who sign in meanwhile, but no delivery: that asks where mail is from a process of its own.
service {LOOKUPS.removesuffix("-userdb")} {{
  executable = auth
  process_limit = 1
  unix_listener {LOOKUPS} {{
    mode = 0600
  }}
}}
!include_try {host.directory}/local.conf
"""


def _commands(host: DovecotHost) -> str:
    return f"""\
#!/bin/sh
# Lets Dovecot read what mailadmin wrote, as root on the mail host. What was in dovecot.conf is kept beside it.
set -e
conf=${{DOVECOT_CONF:-/etc/dovecot/dovecot.conf}}
ours='!include {host.directory}/dovecot.conf'
doveconf -c '{host.directory}/dovecot.conf' >/dev/null
modules=$(doveconf -c '{host.directory}/dovecot.conf' -h mail_plugin_dir)
if ! ls "$modules"/*_sieve_plugin.so >/dev/null 2>&1; then
    echo 'Pigeonhole is missing, without which LMTP delivers nothing. Install it: apt-get install dovecot-sieve' >&2
    exit 1
fi
if [ "$(cat "$conf" 2>/dev/null)" != "$ours" ]; then
    if [ -e "$conf" ]; then mv "$conf" "$conf.before-mailadmin"; fi
    printf '%s\\n' "$ours" >"$conf"
fi
doveadm -c "$conf" reload 2>/dev/null || echo 'Dovecot is not running. Start it: systemctl start dovecot'
if ! systemctl is-active --quiet mailadmin-end-sessions 2>/dev/null; then
    echo 'Who may not sign in any more stays signed in until end_sessions runs: docs/dovecot.md, "Who is out at once".'
fi
"""
