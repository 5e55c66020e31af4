"""Files for mail servers, each written complete or not at all."""

import io
import os
import socket
import tarfile
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from mailservers.root import Root

Owner = tuple[int, int]  # uid, gid
ROOT: Owner = (0, 0)


def write_whole(path: Path, text: str, *, mode: int, owner: Owner = ROOT, age: int = 0) -> None:
    """Never readable by others meanwhile (mkstemp makes it 0600). Only root gives it to an owner. `age` is by how many
    seconds it looks older than it is."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        give(Path(name), owner)
        if age:
            past = time.time() - age
            os.utime(name, (past, past))
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def give(path: Path, owner: Owner) -> None:
    if os.geteuid() == 0:
        os.chown(path, *owner)


class Packed(NamedTuple):
    """A file in an archive. Its owner is named: on the host where it is unpacked he may have another number."""

    name: str
    text: str
    mode: int
    user: str = "root"
    group: str = ""


def as_tar(files: Iterable[Packed], *, age: int = 0) -> bytes:
    """For a host where the panel may not write. `age` is by how many seconds they look older than they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for file in files:
            content, member = file.text.encode(), tarfile.TarInfo(file.name)
            member.size, member.mode, member.mtime = len(content), file.mode, int(time.time()) - age
            member.uname, member.gname = file.user, file.group
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


class Folder(Protocol):
    """A directory on a mail host, and plain files in it by their names. What fails is an OSError."""

    directory: Path

    def names(self) -> list[str]: ...

    def read(self, name: str) -> str | None: ...

    def write(self, name: str, text: str) -> bool:
        """Whether the file has not been so before."""

    def remove(self, name: str) -> None: ...


class FolderHere:
    """For who may write there."""

    def __init__(self, directory: Path, *, mode: int, owner: Owner, age: int = 0) -> None:
        self.directory, self.mode, self.owner, self.age = directory, mode, owner, age

    def names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir() if path.is_file())

    def read(self, name: str) -> str | None:
        path = self.directory / name
        return path.read_text(errors="replace") if path.is_file() else None

    def write(self, name: str, text: str) -> bool:
        path = self.directory / name
        is_new = not path.exists() or path.read_bytes() != text.encode()
        if is_new:
            write_whole(path, text, mode=self.mode, owner=self.owner, age=self.age)
        path.chmod(self.mode)
        give(path, self.owner)
        return is_new

    def remove(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)


class FolderByRoot:
    """For the system user, whom root answers at the other end of standard input (mailadmin/launch/folder.py)."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.ask = directory, Root(socket.socket(fileno=0)).ask

    def open(self) -> None:
        """Root looks whether the directory is its own, and keeps others out until this command ends."""
        self.ask("open")

    def names(self) -> list[str]:
        return list(self.ask("names"))

    def read(self, name: str) -> str | None:
        text: str | None = self.ask("read", name)
        return text

    def write(self, name: str, text: str) -> bool:
        return bool(self.ask("write", name, text))

    def remove(self, name: str) -> None:
        self.ask("remove", name)
