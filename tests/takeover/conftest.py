"""Directories for configurations that are written by hand, and a PostfixAdmin over PostgreSQL for the whole run; a test
that changes it gets a copy of its database."""

from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import execute_values

from mailadmin.launch.cluster import Cluster
from tests.commands.conftest import shell  # noqa: F401
from tests.takeover.handwritten import Handwritten
from tests.takeover.postfixadmin import PostfixAdmin
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
        foreign.url,
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
    admin = PostfixAdmin(base, f"sqlite://{path}", database_type="sqlite", database_name=str(path), database_host="")
    admin.add_some_of_all()
    return path


@pytest.fixture
def folder() -> Generator[Path, None, None]:
    """A place that Postfix and PostgreSQL can reach, unlike pytest's own."""
    with TemporaryDirectory(prefix="handwritten-", dir="/tmp") as base:
        Path(base).chmod(0o755)
        yield Path(base)


@pytest.fixture
def handwritten(folder: Path) -> Callable[[str], Handwritten]:
    return lambda name: Handwritten(folder / name)
