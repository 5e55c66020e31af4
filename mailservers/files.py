"""Files for mail servers, each written complete or not at all."""

import os
import tempfile
import time
from pathlib import Path

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
