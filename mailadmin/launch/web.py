"""What gunicorn is told beyond its command line."""

import os
import signal
from typing import Any

from mailadmin.launch.leash import die_with_parent

wsgi_app = "mailadmin.wsgi"
worker_class = "gthread"
preload_app = True  # loaded once, then forked
workers = 2
threads = 4
timeout = 60  # seconds without a sign of life from a worker
graceful_timeout = 8  # seconds for open requests at the end; the supervisor waits 10
worker_tmp_dir = os.environ["TMPDIR"]
control_socket_disable = True


def post_fork(arbiter: Any, worker: Any) -> None:
    """Runs in each worker, right after the fork."""
    die_with_parent(signal.SIGKILL, arbiter.pid)
