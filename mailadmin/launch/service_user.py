"""The part of a start that only root can do: the system user, its directory, and code that this user can read."""

import hashlib
import io
import os
import pwd
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from mailadmin.launch import LaunchError
from mailadmin.launch.state import SERVICE_STATE, SERVICE_USER, State

LEFT_BEHIND = {"var", "node_modules", "__pycache__"}  # and everything whose name begins with a dot


def ensure_service_user() -> pwd.struct_passwd:
    """The system user that runs everything, PostgreSQL too; made at the first start."""
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    command += ["--home-dir", str(SERVICE_STATE), "--comment", "mailadmin, the panel for Postfix", SERVICE_USER]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    try:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
    except FileNotFoundError as error:
        raise LaunchError("The program useradd is missing. Install it (on Debian: apt install passwd).") from error
    if done.returncode and not _is_there():  # another start may have been quicker
        raise LaunchError(f"The system user {SERVICE_USER} cannot be made: {done.stderr.strip()}")
    return pwd.getpwnam(SERVICE_USER)


def _is_there() -> bool:
    return any(entry.pw_name == SERVICE_USER for entry in pwd.getpwall())


def become(user: pwd.struct_passwd) -> None:
    """Changes this process to the user for good."""
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def as_user(user: pwd.struct_passwd, question: Callable[[], bool]) -> bool:
    """Asks the question in a child that is this user, so that the answer is true and root touches nothing of it."""
    child = os.fork()
    if child == 0:
        answer = 1
        try:
            become(user)
            answer = 0 if question() else 1
        finally:
            os._exit(answer)
    return os.waitpid(child, 0)[1] == 0


def give_state(state: State, user: pwd.struct_passwd) -> None:
    """Makes the state directory and gives it to the user; takes one over only if it is empty and root's."""
    if not state.path.exists():
        previous = os.umask(0o022)
        state.path.parent.mkdir(parents=True, exist_ok=True)
        os.umask(previous)
        state.path.mkdir(mode=0o750)
        os.chown(state.path, user.pw_uid, user.pw_gid)
    elif state.path.is_dir() and state.path.stat().st_uid == 0 and not any(state.path.iterdir()):
        os.chown(state.path, user.pw_uid, user.pw_gid)
        state.path.chmod(0o750)
    if not as_user(user, lambda: os.access(state.path, os.R_OK | os.W_OK | os.X_OK)):
        raise LaunchError(
            f"The user {user.pw_name}, which runs the panel, cannot write in {state.path}. Give it that directory and "
            f"the way to it (chown {user.pw_name}: {state.path}), or name another one in MAILADMIN_STATE."
        )


def readable_code(checkout: Path, state: State, user: pwd.struct_passwd) -> Path:
    """The checkout if the user can read it, else a copy of it in the state directory."""
    if as_user(user, lambda: _can_read(checkout)):
        return checkout
    copy = state / "code" / _digest(checkout)
    if not as_user(user, copy.is_dir):
        _send_copy(checkout, copy, user)
    return copy


def _files(checkout: Path) -> Iterator[Path]:
    def stop(error: OSError) -> None:
        raise error

    for directory, folders, files in os.walk(checkout, onerror=stop):
        folders[:] = sorted(name for name in folders if name not in LEFT_BEHIND and not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and not name.endswith(".pyc"):
                yield Path(directory, name)


def _can_read(checkout: Path) -> bool:
    try:
        return all(os.access(path, os.R_OK) for path in _files(checkout))
    except PermissionError:
        return False


def _digest(checkout: Path) -> str:
    digest = hashlib.sha256()
    for path in _files(checkout):
        digest.update(f"{path.relative_to(checkout)}\0{os.access(path, os.X_OK)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _send_copy(checkout: Path, copy: Path, user: pwd.struct_passwd) -> None:
    """Root only reads and the user only writes: root follows no path that the user could have bent."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in _files(checkout):
            entry = tarfile.TarInfo(str(path.relative_to(checkout)))
            content = path.read_bytes()
            entry.size, entry.mode = len(content), 0o750 if os.access(path, os.X_OK) else 0o640
            tar.addfile(entry, io.BytesIO(content))
    archive.seek(0)

    def unpack() -> bool:
        unfinished = copy.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        with tarfile.open(fileobj=archive) as tar:
            tar.extractall(unfinished)  # noqa: S202  (we made it ourselves, a moment ago)
        unfinished.rename(copy)
        return True

    if not as_user(user, unpack):
        raise LaunchError(f"The program could not be copied to {copy}. Look whether the disk is full.")
