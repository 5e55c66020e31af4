"""A PostgreSQL cluster for one measurement, with a database for each size, and the maps that answer from it."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from bench.data import Size, load
from bench.figures import say
from mailadmin.launch.cluster import Cluster

ROLE = "bench"  # asks the peer's tables and the ideal one; like the role postfix it is no superuser
OPTIONS = {
    "shared_buffers": "2GB",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "top",  # what Postfix sends, not what a function does inside
    "pg_stat_statements.track_utility": "off",  # SET client_encoding of each new connection
}


@dataclass
class Database:
    """The server below `place`, which Postfix reaches by TCP or by a Unix socket, and its maps below `place` too."""

    place: Path
    by_socket: bool = False
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def __enter__(self) -> "Database":
        run_as = "postgres" if os.geteuid() == 0 else ""
        sockets, state = self.place / "sockets", self.place / "state"
        for folder in (sockets, state):
            folder.mkdir()
            folder.chmod(0o755)
        if run_as:
            shutil.chown(sockets, run_as)
        own = {"unix_socket_directories": str(sockets), "unix_socket_permissions": "0777"}
        self.cluster = Cluster(self.place / "pg", run_as=run_as, fsync=False, options={**OPTIONS, **own})
        self.cluster.start()
        self._set_up_django(state)
        return self

    def __exit__(self, *_error: object) -> None:
        self.cluster.stop()

    def _set_up_django(self, state: Path) -> None:
        import django
        from django.db import connection

        for name in [name for name in os.environ if name.startswith(("MAILADMIN_", "PG"))]:
            del os.environ[name]
        os.environ |= {
            "DATABASE_URL": self.cluster.url(tcp=True),
            "MAILADMIN_STATE": str(state),
            "DJANGO_SETTINGS_MODULE": "mailadmin.settings",
        }
        django.setup()
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD %s", [self.password])

    @property
    def host(self) -> str:
        """As postfix_config wants it."""
        return f"{self.place / 'sockets' if self.by_socket else '127.0.0.1'}:{self.cluster.port}"

    def make(self, size: Size, load: Callable[[Size], None] = load) -> Path:
        """A database of this size, from now on Django's; returns the folder with the panel's maps."""
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        name = f"bench_{size.name.lower()}"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
        connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name
        say(f"Loading {size.mailboxes:,} mailboxes and {size.aliases:,} aliases")
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION pg_stat_statements")
        load(size)
        directory = self.place / size.name
        with open(os.devnull, "w") as nowhere:
            call_command("postfix_config", output=str(directory), host=[self.host], stdout=nowhere)
        # lmdb_table(5): the default of 16 MB holds about 100,000 addresses.
        self.write(directory, "main.cf", "lmdb_map_size = 4294967296\n")
        return directory

    def with_domains_as_cdb(self, directory: Path) -> str:
        """The lines of main.cf for the same maps with the lists of domains as files."""
        from django.core.management import call_command

        other = directory.with_name(f"{directory.name}_cdb")
        with open(os.devnull, "w") as nowhere:
            call_command("postfix_config", output=str(other), host=[self.host], domains_as="cdb", stdout=nowhere)
        return (other / "main.cf.mailadmin").read_text()

    def write(self, directory: Path, name: str, text: str) -> None:
        """A file beside the panel's own; older than it is, because Postfix reads a new one again and again."""
        path = directory / name
        path.write_text(text)
        path.chmod(0o644)
        model = (directory / "main.cf.mailadmin").stat()
        os.utime(path, (model.st_atime, model.st_mtime))

    def write_query(self, directory: Path, name: str, query: str) -> None:
        """A pgsql: map with a query of the bench, over the same way as the panel's maps."""
        from django.db import connection

        database, (host, _colon, port) = connection.settings_dict["NAME"], self.host.rpartition(":")
        where = f"/{database}?host={quote(host)}&port={port}&" if self.by_socket else f"{self.host}/{database}?"
        url = f"postgresql://{ROLE}:{self.password}@{where}sslmode=disable"
        self.write(directory, f"{name}.cf", f"hosts = {url}\ndbname = {database}\nquery = {query}\n")

    def export(self, directory: Path, name: str, select: str, kinds: tuple[str, ...]) -> None:
        """The answer to a query, two columns, as an indexed file of each of these kinds."""
        from django.db import connection

        path = directory / name
        with connection.cursor() as cursor, path.open("w") as file:
            cursor.copy_expert(f"COPY ({select}) TO STDOUT", file)
        for kind in kinds:
            postmap(directory, f"{kind}:{path}")


def postmap(directory: Path, *words: str, text: str = "") -> str:
    """postmap, which must not say anything on stderr: exit 1 means both "not found" and "error"."""
    result = subprocess.run(
        ["postmap", "-c", str(directory), *words], input=text, capture_output=True, text=True, check=False
    )
    if result.stderr:
        raise SystemExit(f"postmap {' '.join(words)} said: {result.stderr}")
    return result.stdout
