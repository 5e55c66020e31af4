"""script/server: it starts, it watches, it ends, and nothing is left or lost."""

import contextlib
import http.client
import os
import pwd
import signal
import stat
import time

from tests.launch.panel import GONE_WITHIN, Panel, until
from tests.plugins.coming_back import Noted

ADD_DOMAIN = """
from accounts.actors import Actor
from domains.services import add_domain
add_domain("{name}", by=Actor.from_command())
"""
LEFT_BEHIND = """
from jobs.models import Job
Job.objects.create(kind="alias_report", label="left behind", state="running", tries=1)
"""
STATE_OF = "__import__('jobs.models').models.Job.objects.get(label='{label}').state"
DOMAINS = "list(__import__('domains.models').models.Domain.objects.values_list('name', flat=True))"


def test_it_works(panel: Panel) -> None:
    status, answer = panel.health()

    assert (status, answer["status"]) == (200, "ok")
    assert set(answer["checks"]) == {"database", "worker", "functions", "rights", "sessions"}
    assert f"http://127.0.0.1:{panel.port}/" in panel.output


def test_the_first_password_is_shown_once(panel: Panel) -> None:
    assert panel.output.count("It is shown only this once.") == 1


def test_everything_runs_as_one_user(panel: Panel) -> None:
    users = {pwd.getpwuid(process.user).pw_name for process in panel.processes()}

    assert users == {"mailadmin" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name}


def test_nobody_else_reads_the_state(panel: Panel) -> None:
    modes = {name: stat.S_IMODE((panel.state / name).stat().st_mode) for name in ("", "postgres", "tmp", "secret_key")}

    assert modes == {"": 0o750, "postgres": 0o700, "tmp": 0o700, "secret_key": 0o600}


def test_a_second_server_refuses(panel: Panel) -> None:
    second = panel.run_server()

    assert second.returncode == 1
    assert second.stderr.startswith(f"The panel of {panel.state} is running already (process {panel.server.pid}).")
    assert panel.health()[0] == 200


def test_the_worker_does_what_a_command_starts(panel: Panel) -> None:
    """The command writes the row; beat, the sweeper and the worker do the rest."""
    started = panel.manage("alias_report")
    assert started.returncode == 0, started.stderr

    until(lambda: "done" in panel.manage("job", "list", "--limit", "1").stdout)


def test_a_job_outlives_its_worker(panel: Panel) -> None:
    """What says that it is running while its worker is dead runs again."""
    panel.run(LEFT_BEHIND)

    until(lambda: panel.value(STATE_OF.format(label="left behind")) == "done")


def test_a_dead_worker_comes_back(panel: Panel) -> None:
    dead = panel.process("celery -A mailadmin worker")
    os.kill(dead.pid, signal.SIGKILL)

    until(lambda: "The worker was killed by signal 9 and starts again" in panel.output)
    until(lambda: any("celery -A mailadmin worker" in process.command for process in panel.processes()))


def test_a_dead_postgresql_comes_back(panel: Panel) -> None:
    os.kill(panel.process("/postgres -D").pid, signal.SIGKILL)

    until(lambda: "PostgreSQL ended and starts again." in panel.output)
    until(lambda: panel.health()[0] == 200)


def test_everything_goes_on_after_a_dead_postgresql(panel: Panel, noted: Noted) -> None:
    """Each of eight threads of the web and each process of the worker has kept a connection that is dead now."""
    made = panel.manage("api_token", "create", "admin", "restarts", "--scope", "write")
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    for _turn in range(24):
        assert ask_for_domains(panel, token) == 200
    restarts = panel.output.count("PostgreSQL ended and starts again.")
    os.kill(panel.process("/postgres -D").pid, signal.SIGKILL)
    since = time.monotonic()

    until(lambda: panel.output.count("PostgreSQL ended and starts again.") > restarts)
    until(lambda: panel.health()[0] == 200)
    noted("/health/, after PostgreSQL of the panel was killed", time.monotonic() - since)
    for _turn in range(24):
        assert ask_for_domains(panel, token) == 200
    noted("every request, after PostgreSQL of the panel was killed", time.monotonic() - since)
    panel.run(LEFT_BEHIND.replace("left behind", "after the restart").replace("running", "waiting"))
    until(lambda: panel.value(STATE_OF.format(label="after the restart")) == "done")
    noted("a job, after PostgreSQL of the panel was killed", time.monotonic() - since)


def ask_for_domains(panel: Panel, token: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", panel.port, timeout=60)
    connection.request("GET", "/api/v1/domains/", headers={"Authorization": f"Bearer {token}"})
    return connection.getresponse().status


def test_health_says_that_a_database_hangs(panel: Panel) -> None:
    sleeping = [process.pid for process in panel.processes() if "postgres" in process.command.split()[0]]
    for pid in sleeping:
        with contextlib.suppress(ProcessLookupError):  # a worker of autovacuum may have ended
            os.kill(pid, signal.SIGSTOP)
    try:
        asked = time.monotonic()
        status, answer = panel.health()
        took = time.monotonic() - asked
    finally:
        for pid in sleeping:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    assert (status, answer["checks"]["database"]) == (503, "The database does not answer.")
    assert took < 3
    until(lambda: panel.health()[0] == 200)


def test_kill_9_leaves_no_process_and_loses_nothing(panel: Panel) -> None:
    panel.run(ADD_DOMAIN.format(name="kept.example"))

    panel.end(signal.SIGKILL)
    until(lambda: not panel.processes(), GONE_WITHIN)
    panel.start()

    assert "kept.example" in panel.value(DOMAINS)


def test_start_at_once_after_kill_9(panel: Panel) -> None:
    panel.end(signal.SIGKILL)

    panel.start()

    assert panel.health()[0] == 200


def test_kill_9_of_everything_at_once(panel: Panel) -> None:
    panel.run(ADD_DOMAIN.format(name="kept-too.example"))

    for process in panel.processes():
        with contextlib.suppress(ProcessLookupError):  # gone with its parent, a moment ago
            os.kill(process.pid, signal.SIGKILL)
    panel.server.wait()
    panel.start()

    assert "kept-too.example" in panel.value(DOMAINS)


def test_term_stops_everything(panel: Panel) -> None:
    code = panel.end(signal.SIGTERM)

    assert code == 0
    assert panel.processes() == []
    assert not (panel.state / "postgres/data/postmaster.pid").exists()
    panel.start()


def test_ctrl_c_stops_everything(panel: Panel) -> None:
    code = panel.end(signal.SIGINT)

    assert code == 0
    assert panel.processes() == []
