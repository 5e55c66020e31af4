"""Root's half of the commands that write for Postfix, Dovecot or OpenDKIM: puts the files of an archive into a
directory, and nothing else.

The archive comes from the system user, which root does not trust with paths.
"""

import io
import os
import pwd
import re
import tarfile
from pathlib import Path

from mailadmin.launch import LaunchError

FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")


def unpack(archive: bytes, directory: Path, group: int, reader: str = "postfix") -> int:
    """Writes each file as root:group 0640, or for the reader or root alone if it says so (passwords), with the time it
    carries, complete before it takes its name. How many."""
    files = _read(archive)
    os.umask(0o022)  # the readers must find the way through directories that we make
    try:
        if not directory.exists():
            directory.mkdir(mode=0o750, parents=True)
            os.chown(directory, 0, group)
        for entry, content in files:
            _write(directory / entry.name, content, entry, group, reader)
    except OSError as error:
        raise LaunchError(f"The files cannot be written to {directory}: {error.strerror}.") from error
    return len(files)


def _read(archive: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            entries = [(entry, tar.extractfile(entry)) for entry in tar.getmembers() if _is_plain(entry)]
            return [(entry, content.read()) for entry, content in entries if content]
    except tarfile.TarError as error:
        raise LaunchError(f"The command did not give an archive of files: {error}.") from error


def _is_plain(entry: tarfile.TarInfo) -> bool:
    if not entry.isfile() or not FILE_NAME.fullmatch(entry.name):
        raise LaunchError(f"The command gave {entry.name!r}, which is not a plain file name. Nothing was written.")
    return True


def _write(path: Path, content: bytes, entry: tarfile.TarInfo, group: int, reader: str) -> None:
    owner, mode = (pwd.getpwnam(reader).pw_uid, entry.mode & 0o600) if entry.uname == reader else (0, 0o640)
    if (entry.uname, entry.gname) == ("root", "root"):  # smtp(8) reads it before it becomes postfix
        group, mode = 0, 0o600
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchown(descriptor, owner, group)
        os.fchmod(descriptor, mode)
    os.utime(unfinished, (entry.mtime, entry.mtime))
    unfinished.rename(path)
