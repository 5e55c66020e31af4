"""The cluster alone: what a start finds, and what it says when it cannot."""

import os
import pwd
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg2
import pytest

from mailadmin.launch import LaunchError
from mailadmin.launch.cluster import Cluster, free_port, port_is_free
from mailadmin.launch.programs import find_programs, need_programs, system_places
from tests.launch.panel import until

RUN_AS = "postgres" if os.geteuid() == 0 else ""


@pytest.fixture
def directory() -> Generator[Path, None, None]:
    base = Path(tempfile.mkdtemp(prefix="cluster-", dir="/tmp"))
    base.chmod(0o755)
    yield base / "postgres"
    shutil.rmtree(base, ignore_errors=True)


def test_it_works(directory: Path) -> None:
    with Cluster(directory, run_as=RUN_AS, fsync=False, first_port=56000) as cluster:
        settings = "server_encoding", "data_checksums", "password_encryption", "max_connections"
        assert [ask(cluster.url(), f"SHOW {name}") for name in settings] == ["UTF8", "on", "scram-sha-256", "200"]
        assert ask(cluster.url(tcp=True), "SELECT datcollate FROM pg_database WHERE datname = 'mailadmin'") == "C.UTF-8"
    assert not cluster.running


def test_the_port_stays(directory: Path) -> None:
    cluster = Cluster(directory, run_as=RUN_AS, fsync=False, first_port=56000)
    with cluster:
        port = cluster.port
    with Cluster(directory, run_as=RUN_AS, fsync=False, first_port=57000) as again:
        assert again.port == port


def test_a_taken_port_is_passed_over_at_first_and_named_later(directory: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", first := free_port(56100)))
        other.listen()
        with Cluster(directory, run_as=RUN_AS, fsync=False, first_port=first) as cluster:
            assert cluster.port > first
    with socket.socket() as other:
        other.bind(("127.0.0.1", cluster.port))
        other.listen()
        with pytest.raises(LaunchError, match=f"Another program uses port {cluster.port}"):
            Cluster(directory, run_as=RUN_AS, fsync=False).start()


def test_without_a_password_nobody_comes_in(directory: Path) -> None:
    with Cluster(directory, run_as=RUN_AS, fsync=False, first_port=56200) as cluster:
        for url in (cluster.url(), cluster.url(tcp=True)):
            with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
                psycopg2.connect(re.sub(r":[^:@/]+@", "@", url), passfile="/dev/null")


def test_a_start_cut_off_in_the_middle_is_made_good(directory: Path) -> None:
    (directory / "data.unfinished").mkdir(parents=True)
    if RUN_AS:
        for path in (directory, directory / "data.unfinished"):
            os.chown(path, pwd.getpwnam(RUN_AS).pw_uid, -1)

    with Cluster(directory, run_as=RUN_AS, fsync=False, first_port=56300) as cluster:
        assert ask(cluster.url(), "SELECT 1") == 1


def test_kill_9_and_start_at_once(directory: Path) -> None:
    cluster = Cluster(directory, run_as=RUN_AS, first_port=56400)
    cluster.start()
    ask(cluster.url(), "CREATE TABLE kept AS SELECT 1", commit=True)

    assert cluster.process
    os.kill(cluster.process.pid, signal.SIGKILL)
    cluster.process.wait()
    cluster.start()

    assert ask(cluster.url(), "SELECT * FROM kept") == 1
    cluster.stop()
    until(lambda: port_is_free(cluster.port))


def test_a_long_path_goes_without_a_socket(directory: Path) -> None:
    deep = directory / ("x" * 100)
    directory.mkdir(mode=0o755)
    with Cluster(deep, run_as=RUN_AS, fsync=False, first_port=56500) as cluster:
        assert "@127.0.0.1:" in cluster.url()
        assert ask(cluster.url(), "SELECT 1") == 1


def test_an_existing_cluster_keeps_its_version() -> None:
    with pytest.raises(LaunchError, match="The database was made by PostgreSQL 12"):
        need_programs(system_places(), made_by=12)


def test_a_machine_without_postgresql(tmp_path: Path) -> None:
    assert find_programs([tmp_path]) is None
    with pytest.raises(LaunchError, match="apt install postgresql"):
        need_programs([tmp_path])


def ask(url: str, query: str, *, commit: bool = False) -> object:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            if commit:
                connection.commit()
                return None
            row = cursor.fetchone()
            return row[0] if row else None
    finally:
        connection.close()
