"""script/manage: the same environment beside the running panel and without it."""

import grp
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from mailadmin.launch.at_hand import answer_lines
from mailadmin.launch.cluster import Cluster
from mailservers.root import Root, RootIsGone
from tests.launch.panel import GONE_WITHIN, Panel, until

NAP = "__import__('time').sleep(30)"


def test_it_works_beside_the_server(panel: Panel) -> None:
    assert panel.value("__import__('django.db').db.connection.settings_dict['NAME']") == "mailadmin"
    assert panel.health()[0] == 200


def test_it_says_nothing_of_its_own(panel: Panel) -> None:
    done = panel.manage("shell", "--verbosity", "0", "--command", "print('only this')")

    assert (done.stdout, done.stderr) == ("only this\n", "")


def test_standard_input_and_exit_code_pass_through(panel: Panel) -> None:
    code = "import sys; print(sys.stdin.read().upper()); sys.exit(7)"

    done = panel.manage("shell", "--verbosity", "0", "--command", code, stdin="a secret")

    assert (done.stdout, done.returncode) == ("A SECRET\n", 7)


def test_relative_paths_mean_what_they_say(panel: Panel, tmp_path: Path) -> None:
    done = panel.manage("shell", "-v", "0", "-c", "import os; print(os.getcwd())", cwd=tmp_path)

    assert done.stdout.strip() == str(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can write for Postfix.")
def test_root_writes_the_files_of_postfix(panel: Panel, tmp_path: Path) -> None:
    directory = tmp_path / "mailadmin"  # below a directory that is root's alone

    done = panel.manage("postfix_config", "--output", str(directory))

    assert done.returncode == 0, done.stderr
    written = directory / "virtual_alias_maps.cf"
    found = written.stat()
    assert (found.st_uid, grp.getgrgid(found.st_gid).gr_name, stat.S_IMODE(found.st_mode)) == (0, "postfix", 0o640)
    assert str(directory) in (directory / "main.cf.mailadmin").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can write for Dovecot.")
def test_root_writes_the_files_of_dovecot(panel: Panel, tmp_path: Path) -> None:
    directory = tmp_path / "mailadmin"

    done = panel.manage("dovecot_config", "--output", str(directory))

    assert done.returncode == 0, done.stderr
    found = (directory / "sql.conf").stat()
    assert (found.st_uid, grp.getgrgid(found.st_gid).gr_name, stat.S_IMODE(found.st_mode)) == (0, "dovecot", 0o640)
    assert f"args = {directory}/sql.conf" in (directory / "dovecot.conf").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root may ask doveadm.")
def test_root_asks_dovecot_who_is_signed_in(panel: Panel, tmp_path: Path) -> None:
    """The system user could not even read this configuration; that nobody answers there is what root found."""
    conf = tmp_path / "dovecot.conf"
    conf.write_text(f"base_dir = {tmp_path}/nobody\nssl = no\n")
    conf.chmod(0o600)

    done = panel.manage("end_sessions", "--conf", str(conf))

    assert done.returncode == 1
    assert f"{tmp_path}/nobody/anvil" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root may ask doveadm.")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_a_command_ends_with_root_whom_it_asks(panel: Panel, tmp_path: Path, number: int) -> None:
    conf = tmp_path / "dovecot.conf"
    conf.write_text(f"base_dir = {tmp_path}/nobody\nssl = no\n")
    # Who runs the tests by nohup(1) has them ignore SIGHUP, and all that they start.
    command = ["env", "--default-signal=HUP", str(panel.checkout / "script/manage")]
    command += ["end_sessions", "--every", "60", "--conf", str(conf)]
    with subprocess.Popen(command, env=panel.environment, stderr=subprocess.PIPE, text=True) as root:
        assert root.stderr
        while "could not be ended" not in (line := root.stderr.readline()):
            assert line, "It ended by itself."
        root.send_signal(number)
        root.wait()
        until(lambda: not any("end_sessions" in process.command for process in panel.processes()), GONE_WITHIN)


def test_neither_end_minds_that_the_other_is_gone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b'["who"]\n')

        def leave(asked: list[str]) -> dict[str, str]:
            ours.close()
            return {"said": ""}

        answer_lines(theirs, leave)
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        with pytest.raises(RootIsGone):
            Root(ours).ask("who")


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root can write for Postfix.")
def test_wrong_usage_writes_nothing(panel: Panel, tmp_path: Path) -> None:
    done = panel.manage("postfix_config", "--output", str(tmp_path / "mailadmin"), "--nonsense")

    assert done.returncode == 2
    assert not (tmp_path / "mailadmin").exists()


def test_without_the_server_it_runs_the_database_itself(panel: Panel) -> None:
    panel.end()

    assert panel.value("__import__('accounts.models').models.User.objects.count()") == "1"
    assert panel.processes() == []


def test_two_commands_share_the_database(panel: Panel) -> None:
    """The first starts PostgreSQL and waits with stopping it until the second is done."""
    first = start_napping(panel, seconds=2)
    until(lambda: any("/postgres -D" in process.command for process in panel.processes()))

    second = panel.manage(
        "shell",
        "-v",
        "0",
        "-c",
        "import time; time.sleep(4); from accounts.models import User; print(User.objects.count())",
    )

    assert (first.wait(), second.stdout) == (0, "1\n")
    until(lambda: not panel.processes())


def test_term_ends_the_command_and_its_database(panel: Panel) -> None:
    command = start_napping(panel, seconds=60)
    until(
        lambda: any("time.sleep" in process.command and "manage.py" in process.command for process in panel.processes())
    )

    command.send_signal(signal.SIGTERM)

    assert command.wait(20) != 0
    until(lambda: not panel.processes())


def start_napping(panel: Panel, *, seconds: int) -> "subprocess.Popen[bytes]":
    code = f"import time; time.sleep({seconds})"
    return subprocess.Popen([panel.checkout / "script/manage", "shell", "-v", "0", "-c", code], env=panel.environment)


@pytest.mark.parametrize("words", [["--help"], ["domain", "list"], ["migrate"]])
def test_without_a_panel_it_makes_nothing(new_panel: Panel, words: list[str]) -> None:
    done = new_panel.manage(*words)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"There is no panel at {new_panel.state} yet: start script/server")
    assert done.stderr.count("\n") == 1
    assert not new_panel.state.exists()


def test_a_database_of_ones_own_may_be_filled_first(new_panel: Panel) -> None:
    directory = new_panel.directory / "elsewhere"
    with Cluster(directory, run_as="postgres" if os.geteuid() == 0 else "", fsync=False, first_port=56600) as cluster:
        new_panel.settings["DATABASE_URL"] = cluster.url(tcp=True)

        too_early = new_panel.manage("domain", "list")
        migrated = new_panel.manage("migrate", "--verbosity", "0", timeout=180)
        listed = new_panel.manage("domain", "list")

    assert (too_early.returncode, too_early.stdout) == (1, "")
    assert too_early.stderr == (
        "The database has not got the tables of this version yet: start script/server, or run “migrate”.\n"
    )
    assert migrated.returncode == 0, migrated.stderr
    assert (listed.returncode, listed.stdout, listed.stderr) == (0, "", "")
