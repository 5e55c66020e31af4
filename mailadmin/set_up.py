"""What happens inside Django before the panel runs: tables, functions, static files, first superuser, example data."""

import hashlib
import json
import os
import secrets
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import DatabaseError

ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that looks like something else
FIRST_ADMIN = "admin"


def collect_static_files() -> None:
    """Copies the static files below STATIC_ROOT when one of them is new or changed."""
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            with storage.open(path) as file:
                digest.update(f"{path}\0".encode() + file.read())
    collected = Path(settings.STATIC_ROOT) / ".collected"
    if collected.exists() and collected.read_text() == digest.hexdigest():
        return
    collected.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    collected.write_text(digest.hexdigest())


def add_first_admin(name: str, password: str) -> None:
    """Adds a superuser if there is none; a password that nobody chose is shown once."""
    from accounts.actors import Actor
    from accounts.models import User
    from accounts.services import add_user

    if User.objects.filter(is_superuser=True).exists():
        if name or password:
            say("There is a superuser already, so --admin changed nothing. Use script/manage admin.")
        return
    shown = "" if password else "".join(secrets.choice(ALPHABET) for _ in range(20))
    user = add_user(name or FIRST_ADMIN, password=password or shown, is_superuser=True, by=Actor.from_command())
    if shown:
        say(f"Sign in as {user.username} with the password {shown}\nIt is shown only this once.")
    else:
        say(f"Sign in as {user.username} with the password from the file.")


def say(sentence: str) -> None:
    print(sentence, flush=True)


def set_up(*, admin: str, password: str, demo: bool) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    collect_static_files()
    add_first_admin(admin, password)
    if demo:
        call_command("demo")


def main() -> None:
    """Reads what is asked from standard input, where a password cannot be seen by others."""
    asked = json.load(sys.stdin)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailadmin.settings")
    django.setup()
    try:
        set_up(**asked)
    except ValidationError as error:
        sys.exit(" ".join(error.messages))
    except (CommandError, DatabaseError) as error:
        sys.exit(f"{error}".strip())


if __name__ == "__main__":
    main()
