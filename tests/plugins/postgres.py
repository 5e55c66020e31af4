"""Starts a PostgreSQL cluster for this run alone before Django reads its settings, and stops it at the end."""

import atexit
import os
import random
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from mailadmin.launch import LaunchError
from mailadmin.launch.cluster import Cluster

CLUSTER = pytest.StashKey[Cluster]()
HARMLESS = {"synchronous_commit": "off", "full_page_writes": "off"}  # nothing in this cluster outlives the run


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """A wrapper, so that it stands before pytest-django, which reads the settings in the same hook."""
    # Not pytest's tmp_path, whose parents are 0700: PostgreSQL and Postfix run as users of their own. Short, because
    # the path of a Unix socket has at most 107 characters.
    base = Path(tempfile.mkdtemp(prefix="mailadmin-", dir="/tmp"))
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    for folder in (base, base / "state", base / "state" / "static", base / "sockets"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    try:
        cluster = start_cluster(base)
    except (LaunchError, KeyError) as error:
        raise pytest.UsageError(f"There is no PostgreSQL for the tests: {error}") from error
    atexit.register(cluster.stop)
    early_config.stash[CLUSTER] = cluster
    set_environment(cluster, base)
    return (yield)


def start_cluster(base: Path) -> Cluster:
    """PostgreSQL by TCP and by a Unix socket that Postfix, another user, can reach."""
    sockets = {"unix_socket_directories": str(base / "sockets"), "unix_socket_permissions": "0777"}
    run_as = "postgres" if os.geteuid() == 0 else ""  # PostgreSQL refuses to run as root
    if run_as:
        shutil.chown(base / "sockets", run_as)
    # Below the ports that the kernel gives to clients, and not where another run beside this one begins: a test that
    # stops the server wants the same port again.
    first_port = random.randrange(20000, 31000)
    options = {**HARMLESS, **sockets}
    cluster = Cluster(base / "postgres", run_as=run_as, first_port=first_port, fsync=False, options=options)
    cluster.start()
    return cluster


def set_environment(cluster: Cluster, base: Path) -> None:
    """Nothing of the developer's own environment reaches the settings."""
    for name in [name for name in os.environ if name.startswith(("MAILADMIN_", "CELERY_", "PG"))]:
        del os.environ[name]
    url = f"postgresql://mailadmin:{cluster.password}@/mailadmin?host={base / 'sockets'}&port={cluster.port}"
    os.environ |= {"DATABASE_URL": url, "MAILADMIN_STATE": str(base / "state"), "MAILADMIN_TEST": "1"}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without the database every test would fail, each after a while; say it once, with the reason."""
    cluster = item.config.stash[CLUSTER]
    if not cluster.running:
        last_words = cluster.log.read_text(errors="replace")[-2000:]
        pytest.exit(f"The tests' PostgreSQL is gone. Its last words:\n{last_words}", returncode=3)


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Cluster:
    """The running PostgreSQL; a test may stop it and must start it again."""
    return pytestconfig.stash[CLUSTER]
