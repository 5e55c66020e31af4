"""script/server --setup-only: from nothing to everything in place, by root and by others, from any checkout."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest

from mailadmin.launch.cluster import Cluster
from mailadmin.launch.service_user import LEFT_BEHIND
from tests.launch.panel import CHECKOUT, PATIENCE, Panel

ORDINARY_USER = "nobody"
CAN_HIDE = os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


@pytest.fixture
def own_checkout(new_panel: Panel) -> Path:
    """A checkout of the test's own, as after `git clone`."""
    copy = new_panel.directory / "closed/mailadmin"
    shutil.copytree(CHECKOUT, copy, ignore=lambda folder, names: [n for n in names if n[0] == "." or n in LEFT_BEHIND])
    copy.parent.chmod(0o700)
    return copy


def test_it_works(new_panel: Panel) -> None:
    done = new_panel.run_server("--setup-only")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Everything is set up. Start the panel with script/server."
    assert new_panel.processes() == []
    assert new_panel.value("__import__('accounts.models').models.User.objects.get().username") == "admin"


def test_the_first_superuser_from_options(new_panel: Panel) -> None:
    password_file = new_panel.directory / "password"
    password_file.write_text("Zwetschgendatschi 7\n")
    password_file.chmod(0o600)  # root's alone, where root starts the panel

    done = new_panel.run_server("--setup-only", "--admin", "jean", "--admin-password-file", str(password_file))
    again = new_panel.run_server("--setup-only", "--admin", "someone-else")

    assert "Sign in as jean with the password from the file." in done.stdout
    assert "Zwetschgendatschi" not in done.stdout + done.stderr
    assert "There is a superuser already, so --admin changed nothing." in again.stdout
    user = "__import__('accounts.models').models.User.objects.get()"
    assert new_panel.value(f"{user}.username, {user}.check_password('Zwetschgendatschi 7')") == "jean True"


def test_a_weak_password_is_refused(new_panel: Panel) -> None:
    password_file = new_panel.directory / "password"
    password_file.write_text("12345\n")

    done = new_panel.run_server("--setup-only", "--admin-password-file", str(password_file))

    assert done.returncode == 1
    assert "This password is too short." in done.stderr
    assert new_panel.processes() == []


def test_the_example(new_panel: Panel) -> None:
    assert new_panel.run_server("--setup-only", "--demo").returncode == 0

    assert "falcot.org" in new_panel.value("list(__import__('domains.models').models.Domain.objects.all())")


def test_a_database_of_ones_own_is_named_once(new_panel: Panel) -> None:
    directory = new_panel.directory / "elsewhere"
    with Cluster(directory, run_as="postgres" if os.geteuid() == 0 else "", fsync=False, first_port=56600) as cluster:
        new_panel.settings["DATABASE_URL"] = cluster.url(tcp=True)
        assert new_panel.run_server("--setup-only").returncode == 0
        del new_panel.settings["DATABASE_URL"]

        assert new_panel.value("__import__('django.db').db.connection.settings_dict['PORT']") == str(cluster.port)
        assert not (new_panel.state / "postgres/data").exists()


def test_a_database_that_does_not_answer(new_panel: Panel) -> None:
    new_panel.settings["DATABASE_URL"] = "postgresql://127.0.0.1:1/mailadmin"

    done = new_panel.run_server("--setup-only")

    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_that_is_not_ours(new_panel: Panel) -> None:
    done = new_panel.run_server("--host", "203.0.113.1")

    assert done.returncode == 1
    assert "Cannot assign requested address. Choose another --port." in done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "0"], "0 is not a port."),
        (["--prot", "80"], "unrecognized arguments: --prot"),
    ],
)
def test_wrong_usage(new_panel: Panel, options: list[str], sentence: str) -> None:
    done = subprocess.run(
        [CHECKOUT / "script/server", *options], env=new_panel.environment, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert sentence in done.stderr
    assert not new_panel.state.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root has another user to run the panel as.")
def test_a_checkout_that_only_root_can_read(new_panel: Panel, own_checkout: Path) -> None:
    before = sorted(own_checkout.rglob("*"))
    new_panel.checkout = own_checkout

    assert new_panel.run_server("--setup-only").returncode == 0
    (own_checkout / "docs/changed").write_text("A newer version.\n")
    assert new_panel.run_server("--setup-only").returncode == 0

    [code] = (new_panel.state / "code").iterdir()
    assert (code / "docs/changed").read_text() == "A newer version.\n"
    assert sorted(own_checkout.rglob("*")) == sorted([*before, own_checkout / "docs/changed"])


@pytest.mark.skipif(not CAN_HIDE, reason="Only root can hide the system's PostgreSQL, and not in every container.")
def test_a_machine_without_postgresql(new_panel: Panel) -> None:
    hidden = "for place in /usr/lib/postgresql /usr/pgsql-*; do [ ! -d $place ] || mount -t tmpfs none $place; done; "

    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{hidden} exec "$0" --setup-only', new_panel.checkout / "script/server"],
        env=new_panel.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
    )

    assert done.returncode == 0, done.stderr
    assert "Installing PostgreSQL's programs" in done.stderr
    assert (new_panel.state / "postgres/data/PG_VERSION").read_text() == "18\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="Without root we are the normal user, whom all other tests try.")
def test_a_normal_user(new_panel: Panel, own_checkout: Path) -> None:
    person = pwd.getpwnam(ORDINARY_USER)
    for path in [own_checkout.parent, own_checkout, *own_checkout.rglob("*")]:
        os.chown(path, person.pw_uid, person.pw_gid)
    environment = {name: value for name, value in new_panel.environment.items() if name != "MAILADMIN_STATE"}

    done = subprocess.run(
        [own_checkout / "script/server", "--setup-only"],
        user=person.pw_uid,
        group=person.pw_gid,
        extra_groups=[],
        env={**environment, "HOME": str(own_checkout)},
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
    )

    assert done.returncode == 0, done.stderr
    assert (own_checkout / "var").stat().st_uid == person.pw_uid
    assert (own_checkout / "var/postgres/data/PG_VERSION").exists()
