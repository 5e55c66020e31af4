"""The state directory, where everything lies that the panel keeps, and the environment of its processes."""

import contextlib
import fcntl
import json
import os
import pwd
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mailadmin.launch import LaunchError

SERVICE_USER = "mailadmin"
SERVICE_STATE = Path("/var/lib/mailadmin")

# Settings that are given once, in the environment of script/server, and hold for script/manage and later starts too.
REMEMBERED = (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "MAILADMIN_ALLOWED_HOSTS",
    "MAILADMIN_BEHIND_PROXY",
    "MAILADMIN_MAIL_FROM",
    "MAILADMIN_PASSWORD_SCHEME",
    "MAILADMIN_SMTP",
    "MAILADMIN_DNS_RESOLVERS",
    "MAILADMIN_ROLE_PREFIX",
    "TZ",
)
# What would lead Python away from our virtual environment.
UNWANTED = ("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")

DIRECTORIES = {
    "tmp": 0o700,
    "postgres": 0o700,
    "broker": 0o750,
    "broker-control": 0o750,
    "log": 0o750,
    "static": 0o750,
    "pycache": 0o750,
    "venv": 0o750,
    "code": 0o750,
    "postgres-programs": 0o750,
}


@dataclass(frozen=True)
class State:
    """The state directory of one panel."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def make(self) -> None:
        """Makes the directories that are missing, each with its mode."""
        try:
            self.path.mkdir(mode=0o750, parents=True, exist_ok=True)
            for name, mode in DIRECTORIES.items():
                if not (self / name).is_dir():
                    (self / name).mkdir(exist_ok=True)
                    (self / name).chmod(mode)
        except OSError as error:
            raise LaunchError(
                f"The state directory {self.path} cannot be used: {error.strerror}. "
                "Name one that is yours in MAILADMIN_STATE."
            ) from error

    def has_database(self) -> bool:
        """Whether script/server made a cluster here, or DATABASE_URL names one elsewhere."""
        try:
            return (self / "postgres/data/PG_VERSION").exists() or "DATABASE_URL" in self.settings()
        except PermissionError:
            return True  # whoever may not look is told so when the directory is used

    def try_lock(self, name: str, *, shared: bool = False, wait: bool = False) -> int | None:
        """The descriptor of a locked file, or None if somebody else holds it. The kernel frees it when we die."""
        descriptor = os.open(self / name, os.O_RDWR | os.O_CREAT, 0o600)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Waits for the lock and holds it for the block."""
        descriptor = self.try_lock(name, wait=True)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def logs(self) -> list[Path]:
        return list((self / "log").glob("*.log"))

    def keep_only(self, directory: str, current: Path) -> None:
        """Removes what earlier versions left in a directory that holds one folder a version."""
        for old in (self / directory).iterdir():
            if old != current and old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
                shutil.rmtree(Path(f"{self / 'pycache'}{old}"), ignore_errors=True)

    # Settings that are given once

    def remembered(self) -> dict[str, str]:
        """The settings of earlier starts."""
        try:
            return {name: str(value) for name, value in json.loads((self / "environment.json").read_text()).items()}
        except FileNotFoundError:
            return {}

    def settings(self) -> dict[str, str]:
        """What holds now: the environment, then what is remembered. An empty value in the environment forgets."""
        given = {name: os.environ[name] for name in REMEMBERED if name in os.environ}
        return {name: value for name, value in {**self.remembered(), **given}.items() if value}

    def remember(self, settings: Mapping[str, str]) -> None:
        """Writes the settings for later starts; the file is ours alone, since a URL may hold a password."""
        if settings == self.remembered():
            return
        unfinished = self / "environment.json.unfinished"
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(settings, file, indent=2)
        unfinished.rename(self / "environment.json")


def default_state(checkout: Path) -> State:
    """MAILADMIN_STATE, or /var/lib/mailadmin for root and the system user, or var/ in the checkout."""
    if given := os.environ.get("MAILADMIN_STATE"):
        return State(Path(given).absolute())
    try:
        is_service = os.geteuid() in (0, pwd.getpwnam(SERVICE_USER).pw_uid)
    except KeyError:
        is_service = os.geteuid() == 0
    return State(SERVICE_STATE if is_service else checkout / "var")


def environment(state: State, code: Path) -> dict[str, str]:
    """The environment of every process of the panel, but for DATABASE_URL."""
    inherited = {name: value for name, value in os.environ.items() if name not in (*UNWANTED, *REMEMBERED)}
    return {
        **inherited,
        **state.settings(),
        "MAILADMIN_STATE": str(state.path),
        "PYTHONPATH": str(code),
        "PYTHONPYCACHEPREFIX": str(state / "pycache"),  # nothing is written below the checkout
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(state / "tmp"),
    }
