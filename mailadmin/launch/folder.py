"""Root's half of opendkim_sync and domain_files: the files of one directory, which root itself read from the command
line, and what follows from them. The system user says which of a few names gets which text."""

import argparse
import contextlib
import errno
import fcntl
import os
import pwd
import re
import secrets
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mailadmin.launch import LaunchError

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
OLD_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

# The names of opendkim_sync (mailservers/opendkim.py): what it reads, no private key; what it writes; and what it
# removes, also by the names that it gave at first.
TABLES = re.compile(r"KeyTable|SigningTable(\.ed25519)?")
OF_KEYS = re.compile(rf"mailadmin-[0-9]{{1,19}}\.private|opendkim-not-told|{TABLES.pattern}")
OF_OLD_KEYS = re.compile(rf"[0-9]{{1,18}}\.[A-Za-z0-9._-]{{1,240}}\.private|{OF_KEYS.pattern}")
# Those of domain_files.
OF_LISTS = re.compile(r"(virtual_alias_domains|virtual_mailbox_domains|mydestination|relay_domains)(\.not-indexed)?")
KINDS = ("cdb", "lmdb", "hash")


class Folder:
    """A file is complete before it takes its name; no link is followed, neither on the way nor at the end."""

    read_names: re.Pattern[str]
    written_names: re.Pattern[str]
    removed_names: re.Pattern[str]
    mode: int  # of files
    age = 0  # seconds that a file looks older than it is

    def __init__(self, directory: str, reader: str) -> None:
        self.path, self.reader = Path(os.path.abspath(directory)), reader
        self.descriptor = -1

    @property
    def owner(self) -> tuple[int, int]:
        raise NotImplementedError

    @property
    def operations(self) -> dict[str, Callable[..., Any]]:
        return {"open": self.open, "names": self.names, "read": self.read, "write": self.write, "remove": self.remove}

    def answer_to(self, asked: list[str]) -> dict[str, Any]:
        operation, *words = asked
        if operation not in self.operations or (operation != "open" and self.descriptor < 0):
            raise LaunchError(f"The command asked root for {operation!r}, which root does not do for it.")
        try:
            return {"said": self.operations[operation](*words)}
        except OSError as error:
            return {"fault": [error.errno, error.strerror]}

    def open(self) -> None:
        """Raises OSError where somebody else could lead us to another place."""
        self.descriptor = self._opened()
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)  # until we end

    def names(self) -> list[str]:
        with os.scandir(self.descriptor) as entries:
            return sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))

    def read(self, name: str) -> str | None:
        with self._file(_plain(name, self.read_names)) as file:
            return None if file is None else _content(file).decode(errors="replace")

    def write(self, name: str, text: str) -> bool:
        """Whether the file has not been so before."""
        content, owner = text.encode(), self.owner
        with self._file(_plain(name, self.written_names)) as file:
            if file is not None and _content(file) == content:
                os.fchown(file, *owner)
                os.fchmod(file, self.mode)
                return False
        unfinished = f".{name}.{secrets.token_hex(8)}"
        try:
            with os.fdopen(os.open(unfinished, NEW_FILE, 0o600, dir_fd=self.descriptor), "wb") as new:
                new.write(content)
                new.flush()
                os.fchown(new.fileno(), *owner)
                os.fchmod(new.fileno(), self.mode)
                if self.age:
                    os.utime(new.fileno(), (time.time() - self.age,) * 2)
                os.fsync(new.fileno())
            os.replace(unfinished, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(unfinished, dir_fd=self.descriptor)
        return True

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_plain(name, self.removed_names), dir_fd=self.descriptor)

    @contextlib.contextmanager
    def _file(self, name: str) -> Iterator[int | None]:
        """A plain file, not one that a link leads to; None for everything else."""
        try:
            descriptor = os.open(name, OLD_FILE, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                raise
            yield None
            return
        try:
            yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        """Goes down from the root of the file system, so that what was looked at is what is opened."""
        descriptor, way = os.open("/", DIRECTORY), Path("/")
        for part in self.path.parts[1:]:
            above, way = descriptor, way / part
            try:
                descriptor = self._below(above, part)
            except OSError as error:
                is_link = error.errno in (errno.ELOOP, errno.ENOTDIR)
                raise OSError(
                    error.errno, f"{way}: {'no directory, or a link' if is_link else error.strerror}"
                ) from error
            finally:
                os.close(above)
            found = os.fstat(descriptor)
            is_sticky = found.st_mode & stat.S_ISVTX and way != self.path  # as /tmp: names there stay whose they are
            if not self._is_trusted(found.st_uid) or (found.st_mode & OTHERS_WRITE and not is_sticky):
                os.close(descriptor)
                raise OSError(errno.EPERM, f"others than root may write to {way}")
        return descriptor

    def _below(self, above: int, part: str) -> int:
        return os.open(part, DIRECTORY, dir_fd=above)

    def _is_trusted(self, user: int) -> bool:
        return user == 0


class Keys(Folder):
    """For OpenDKIM, whose user may have the directory: Debian gives /etc/dkimkeys to it."""

    read_names, written_names, removed_names = TABLES, OF_KEYS, OF_OLD_KEYS
    mode = 0o600

    def __init__(self, arguments: Sequence[str]) -> None:
        parser = argparse.ArgumentParser(prog="opendkim_sync", add_help=False)
        parser.add_argument("--directory", default="/etc/dkimkeys/mailadmin")  # as opendkim_sync has them
        parser.add_argument("--user", default="opendkim")
        parser.add_argument("--pid-file", action="append", default=[])
        given, _others = parser.parse_known_args(arguments)
        super().__init__(given.directory, given.user)
        self.pid_files = {str(Path(file)) for file in given.pid_file}
        # The last word counts, so the command means the same directory as we do.
        self.options = ["--directory", str(self.path), "--user", self.reader]

    @property
    def owner(self) -> tuple[int, int]:
        if not self.reader:
            return 0, 0
        found = _user(self.reader)
        return found.pw_uid, found.pw_gid

    @property
    def operations(self) -> dict[str, Callable[..., Any]]:
        return super().operations | {"tell": self.tell}

    def tell(self, pid_file: str) -> bool:
        """SIGUSR1 for the OpenDKIM that the file names; False if it names none."""
        if pid_file not in self.pid_files:
            raise LaunchError(f"The command asked root for {pid_file}, which was not named to root.")
        file = os.open(pid_file, os.O_RDONLY | os.O_NONBLOCK)
        number = os.read(file, 100).strip()
        os.close(file)
        command = Path("/proc", number.decode() if number.isdigit() else "none", "comm")  # proc(5)
        if not command.exists() or command.read_bytes() != b"opendkim\n":
            return False
        os.kill(int(number), signal.SIGUSR1)
        return True

    def open(self) -> None:
        super().open()
        os.fchown(self.descriptor, 0, self.owner[1])
        os.fchmod(self.descriptor, 0o750)

    def _below(self, above: int, part: str) -> int:
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=above)
        return super()._below(above, part)

    def _is_trusted(self, user: int) -> bool:
        return user in (0, self.owner[0])


class Lists(Folder):
    """For Postfix; postmap(1) makes an index of each."""

    read_names = written_names = removed_names = OF_LISTS
    mode, age = 0o640, 60

    def __init__(self, directory: str, kind: str) -> None:
        super().__init__(directory, "postfix")
        self.kind = kind
        self.options = ["--output", str(self.path), "--as", kind]

    @classmethod
    def named_in(cls, arguments: Sequence[str]) -> "Lists | None":
        """None where something is missing, which the command says."""
        parser = argparse.ArgumentParser(prog="domain_files", add_help=False)
        parser.add_argument("--output")
        parser.add_argument("--as", dest="kind")
        given, _others = parser.parse_known_args(arguments)
        return cls(given.output, given.kind) if given.output and given.kind in KINDS else None

    @property
    def owner(self) -> tuple[int, int]:
        return 0, _user(self.reader).pw_gid

    @property
    def operations(self) -> dict[str, Callable[..., Any]]:
        return super().operations | {"index": self.index}

    def index(self, name: str) -> str:
        """What postmap(1) says of it; nothing if all went well. Only root can change the way to the file (open)."""
        command = ["postmap", f"{self.kind}:{self.path / _plain(name, self.written_names)}"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return done.stderr.strip() or ("postmap failed." if done.returncode else "")


def _plain(name: str, names: re.Pattern[str]) -> str:
    if not names.fullmatch(name):
        raise LaunchError(f"The command asked root for the file {name!r}, which is none of its own.")
    return name


def _content(file: int) -> bytes:
    with os.fdopen(os.dup(file), "rb") as opened:
        return opened.read()


def _user(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError as error:
        raise OSError(errno.ENOENT, f"this machine has no user {name}") from error
