"""Which database: DATABASE_URL, or the cluster in the state directory, which one process runs and others borrow."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from mailadmin.launch.cluster import FIRST_PORT, Cluster
from mailadmin.launch.packages import unpacked_programs
from mailadmin.launch.programs import need_programs, system_places, unpacked_places
from mailadmin.launch.state import State

RUNS = "postgres/runs.lock"  # held by the process whose child the cluster is
IN_USE = "postgres/in-use.lock"  # shared by commands that use a cluster which a command runs


def own_cluster(state: State, code: Path) -> Cluster:
    """The cluster in the state directory, with the system's programs or the unpacked ones."""
    directory = state / "postgres"
    version = directory / "data/PG_VERSION"
    made_by = int(version.read_text()) if version.exists() else None
    places = [*system_places(), *unpacked_places(unpacked_programs(state, code))]
    return Cluster(
        directory,
        programs=need_programs(places, made_by=made_by),
        log=state / "log/postgres.log",
        first_port=int(os.environ.get("MAILADMIN_DATABASE_PORT") or FIRST_PORT),
    )


def claim(state: State) -> int | None:
    """The right to run the cluster; None while another process runs it."""
    return state.try_lock(RUNS)


@contextlib.contextmanager
def borrowed(state: State, code: Path) -> Iterator[tuple[str, bool]]:
    """The URL of the own cluster for one command, and whether we started it and must outlive the command.

    A command that started the cluster stops it only when no other command uses it.
    """
    while (claimed := claim(state)) is None:
        in_use = state.try_lock(IN_USE, shared=True, wait=True)
        cluster = own_cluster(state, code)
        if in_use is not None and cluster.answers_somebody():
            os.set_inheritable(in_use, True)  # the command replaces this process and keeps the lock
            yield cluster.url(), False
            os.close(in_use)
            return
        if in_use is not None:
            os.close(in_use)
        time.sleep(0.1)  # it is being started or stopped
    cluster = own_cluster(state, code)
    with contextlib.closing(os.fdopen(claimed)):
        cluster.start()
        try:
            yield cluster.url(), True
        finally:
            last = state.try_lock(IN_USE, wait=True)
            cluster.stop()
            if last is not None:
                os.close(last)
