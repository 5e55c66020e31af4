"""What `celery worker --include` loads, so that the processes of its pool end when the worker is gone."""

from typing import Any

from celery.signals import worker_process_init

from mailadmin.launch.leash import watch_parent


@worker_process_init.connect
def tie_to_worker(**_signal: Any) -> None:
    """Runs in each process of the pool, right after the fork."""
    watch_parent()
