"""Directories for configurations that are written by hand, and a PostfixAdmin over PostgreSQL for the whole run; a test
that changes it gets a copy of its database."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
import pymysql
import pytest
from psycopg2.extras import execute_values

from mailadmin.launch.cluster import Cluster
from tests.commands.conftest import shell  # noqa: F401
from tests.plugins.mail_stack import eventually
from tests.takeover.handwritten import Handwritten
from tests.takeover.postfixadmin import PASSWORD, PostfixAdmin
from tests.takeover.village import fill

_numbers = count()


class Foreign:
    """A database of a PostfixAdmin in the cluster of the tests."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster, self.name = cluster, name
        self.url = f"postgresql://mailadmin:{cluster.password}@127.0.0.1:{cluster.port}/{name}"

    def sql(self, statement: str, values: list[Any] | None = None) -> None:
        with psycopg2.connect(self.url) as connection, connection.cursor() as cursor:
            if values and isinstance(values[0], tuple):
                execute_values(cursor, statement, values, page_size=5000)
            else:
                cursor.execute(statement, values)
        connection.close()


def _server(cluster: Cluster, statement: str) -> None:
    url = f"postgresql://mailadmin:{cluster.password}@127.0.0.1:{cluster.port}/postgres"
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


@pytest.fixture(scope="session")
def falcots_postfixadmin(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    """As its own command line left it: a few of all. To be read only."""
    _server(cluster, "CREATE DATABASE pfa_falcot")
    foreign = Foreign(cluster, "pfa_falcot")
    admin = PostfixAdmin(
        tmp_path_factory.mktemp("pgsql"),
        database_type="pgsql",
        database_host="127.0.0.1",
        database_port=str(cluster.port),
        database_user="mailadmin",
        database_password=cluster.password,
        database_name="pfa_falcot",
    )
    admin.add_some_of_all()
    return foreign


@pytest.fixture
def foreign(falcots_postfixadmin: Foreign) -> Generator[Foreign, None, None]:
    """A copy to be changed."""
    yield from _copied(falcots_postfixadmin, f"pfa_copy_{next(_numbers)}")


@pytest.fixture(scope="module")
def village(falcots_postfixadmin: Foreign) -> Generator[Foreign, None, None]:
    """With 2,000 rows of every kind more, in the shape of those that the command line wrote."""
    for copy in _copied(falcots_postfixadmin, f"pfa_village_{next(_numbers)}"):
        fill(copy.sql)
        yield copy


def _copied(source: Foreign, name: str) -> Generator[Foreign, None, None]:
    _server(source.cluster, f"CREATE DATABASE {name} TEMPLATE {source.name}")
    yield Foreign(source.cluster, name)
    _server(source.cluster, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_postfixadmin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("sqlite")
    path = base / "postfixadmin.db"
    path.touch()
    admin = PostfixAdmin(base, database_type="sqlite", database_name=str(path), database_host="")
    admin.add_some_of_all()
    return path


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    """The URL of a PostfixAdmin in a private MariaDB, which listens on a socket only."""
    base = Path(tempfile.mkdtemp(prefix="mariadb-", dir="/tmp"))  # the path of a socket is short
    shutil.chown(base, "mysql")
    base.chmod(0o755)
    private = ["--no-defaults", f"--datadir={base}/data"]
    subprocess.run(
        ["mariadb-install-db", *private, "--user=mysql", "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    socket = base / "socket"
    options = ["--user=mysql", f"--socket={socket}", "--skip-networking", f"--pid-file={base}/pid"]
    quick = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", f"--log-error={base}/log"]
    server = subprocess.Popen(["mariadbd", *private, *options, *quick])
    try:
        eventually(socket.exists, "MariaDB to listen", seconds=60)
        root = pymysql.connect(user="root", unix_socket=str(socket), autocommit=True)
        with closing(root), root.cursor() as cursor:
            cursor.execute("CREATE DATABASE pfa CHARACTER SET utf8mb4")
            cursor.execute(f"CREATE USER pfa@localhost IDENTIFIED BY '{PASSWORD}'")
            cursor.execute("GRANT ALL ON pfa.* TO pfa@localhost")
        admin = PostfixAdmin(
            tmp_path_factory.mktemp("mysql"),
            database_type="mysqli",
            database_host="localhost",
            database_socket=str(socket),
            database_user="pfa",
            database_password=PASSWORD,
            database_name="pfa",
            database_prefix="pre_",
        )
        admin.add_some_of_all()
        yield f"mysql://pfa@localhost/pfa?unix_socket={socket}"
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def folder() -> Generator[Path, None, None]:
    """A place that Postfix and PostgreSQL can reach, unlike pytest's own."""
    with TemporaryDirectory(prefix="handwritten-", dir="/tmp") as base:
        Path(base).chmod(0o755)
        yield Path(base)


@pytest.fixture
def handwritten(folder: Path) -> Callable[[str], Handwritten]:
    return lambda name: Handwritten(folder / name)
