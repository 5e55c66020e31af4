"""The files a Postfix host needs: one .cf for each map, a main.cf fragment, and the commands that put them in place."""

import pwd
from pathlib import Path
from urllib.parse import quote, urlencode

from django.db import connection

from lookup_tables.models import SenderRelay
from lookup_tables.relay_passwords import decrypted
from mailservers import submission
from mailservers.files import ROOT, Owner, Packed, as_tar, give, write_whole
from mailservers.install_commands import commands_for
from mailservers.mail_servers import POSTFIX
from mailservers.main_cf import RELAY_PASSWORDS_FILE, fragment
from mailservers.postfix_host import MAPS_BY_ADDRESS, PostfixHost
from restrictions import access_main_cf as access

# Postfix distrusts a file younger than two seconds and reads it again and again until it is older.
BACK_DATED = 60  # seconds
FILE_MODE = 0o640  # root writes, the group postfix (proxymap) reads

# Not in the URL: Postfix writes that into the mail log whenever the database is away. libpq takes a password file only
# if nobody but its owner can read it, and proxymap runs as postfix.
PASSWORD_FILE, PASSWORD_MODE = "password", 0o400
RELAY_PASSWORDS_MODE = 0o600


def files_for(host: PostfixHost) -> dict[str, str]:
    """File name -> text."""
    texts = {f"{name}.cf": _map_file(name, host) for name in host.maps}
    others = access.access_maps(host.lists.defined)
    texts |= {f"{one.name}.cf": _text_of_map(one.name, one.call, host) for one in others}
    texts["main.cf.mailadmin"] = fragment(host)
    if host.with_dovecot:
        texts["master.cf.mailadmin"] = submission.master_cf()
    texts["install-commands"] = commands_for(host)
    texts[PASSWORD_FILE] = f"*:*:*:{POSTFIX.role}:{POSTFIX.password}\n"  # .pgpass of libpq
    texts[RELAY_PASSWORDS_FILE] = _relay_passwords()  # also without any: those of yesterday must not stay there
    return texts


def write_directory(host: PostfixHost, directory: Path) -> list[str]:
    """Writes the files, each complete or not at all. Returns the names written."""
    is_new = not directory.exists()
    directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    texts = files_for(host)
    for name, text in texts.items():
        write_file(directory / name, text)
    if is_new:
        directory.chmod(0o750)
        give(directory, postfix_owner())
    return sorted(texts)


def write_file(path: Path, text: str) -> None:
    """A file for Postfix, older than it is."""
    mode, owner = FILE_MODE, postfix_owner()
    if path.name == RELAY_PASSWORDS_FILE:
        mode, owner = RELAY_PASSWORDS_MODE, ROOT
    elif path.name == PASSWORD_FILE:
        mode, owner = PASSWORD_MODE, postfix_owner(secret=True)
    write_whole(path, text, mode=mode, owner=owner, age=BACK_DATED)


def packed(host: PostfixHost) -> bytes:
    """The same files as a tar archive, for a host where the panel may not write."""
    secret = {
        PASSWORD_FILE: (PASSWORD_MODE, "postfix", "postfix"),
        RELAY_PASSWORDS_FILE: (RELAY_PASSWORDS_MODE, "root", "root"),
    }
    usual = (FILE_MODE, "root", "postfix")
    files = (Packed(name, text, *secret.get(name, usual)) for name, text in files_for(host).items())
    return as_tar(files, age=BACK_DATED)


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
    role, database = (quote(text, safe="") for text in (POSTFIX.role, connection.settings_dict["NAME"]))
    return f"postgresql://{role}@{place}/{database}?{query}"


def postfix_owner(*, secret: bool = False) -> Owner:
    """Root writes and the group reads; what libpq wants to be secret is the user's own."""
    try:
        user = pwd.getpwnam("postfix")
    except KeyError:
        return ROOT
    return user.pw_uid if secret else 0, user.pw_gid


def _relay_passwords() -> str:
    """texthash: the sender, the user name, the password, as smtp_sasl_password_maps in postconf(5) has them."""
    signs_in = {"active": True, "credential__isnull": False, "credential__retired_at": None}
    relays = SenderRelay.objects.filter(**signs_in).select_related("credential")
    lines = [
        f"{key} {relay.username}:{decrypted(relay.credential.token)}\n"
        for relay in relays.order_by("key")
        for key in filter(None, (relay.key, relay.own_script))
    ]
    return "# The passwords for relays. Written by mailadmin, for root only.\n" + "".join(lines)
