"""What the commands that write files on a mail host have in common."""

from collections.abc import Callable
from pathlib import Path

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from accounts.commands import PanelCommand


class WritingCommand(PanelCommand):
    def write(self, directory: Path, write: Callable[[], list[str]], *, script: str = "") -> None:
        """Says how many files were written, and which script puts them in place. Raises CommandError with a sentence
        where that fails, also if there is no such user (LookupError)."""
        try:
            names = write()
        except (OSError, LookupError) as error:
            raise CommandError(
                _("Nothing could be written to %(directory)s: %(reason)s.")
                % {"directory": directory, "reason": getattr(error, "strerror", None) or error}
            ) from error
        self.stdout.write(
            _("Wrote %(number)d files to %(directory)s.") % {"number": len(names), "directory": directory}
        )
        if script:
            self.stdout.write(
                _("To put them in place, read and run as root: sh %(path)s") % {"path": directory / script}
            )
