"""What script/manage takes: our commands, and of Django's those that go round no rule and no history."""

import sys
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.core.management import ManagementUtility, get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

# They write past the services, so that no rule is asked and no history is left: what to do in place of them.
INSTEAD = {
    "changepassword": "admin password NAME",
    "createsuperuser": "admin add NAME --superuser",
    "flush": "domain delete DOMAIN",
    "loaddata": "import_csv",
    "dumpdata": "export_csv, or pg_dump for a copy of the whole database",
    "pgtrigger": "migrate, which puts every trigger in its place",
}
USEFUL_OF_DJANGO = ("check", "dbshell", "makemigrations", "migrate", "shell", "showmigrations")


class CommandLine(ManagementUtility):
    def __init__(self, argv: list[str]) -> None:
        super().__init__(argv)
        self.prog_name = "script/manage"

    def main_help_text(self, commands_only: bool = False) -> str:
        """Ours, each with a sentence; what the shell completes is their names alone."""
        if not settings.configured:
            return super().main_help_text(commands_only)  # which says what is wrong with the settings
        rooms = {room.name for room in apps.get_app_configs() if Path(room.path).parent == settings.BASE_DIR}
        names = sorted(name for name, room in get_commands().items() if room in rooms)
        if commands_only:
            return "\n".join([*names, *USEFUL_OF_DJANGO])
        width = max(map(len, names))
        return "\n".join(
            [
                _("usage: script/manage COMMAND …; script/manage COMMAND --help names its options"),
                "",
                *(f"  {name:<{width}}  {_sentence(load_command_class(get_commands()[name], name))}" for name in names),
                "",
                _("And of Django: %(names)s") % {"names": ", ".join(USEFUL_OF_DJANGO)},
            ]
        )

    def fetch_command(self, subcommand: str) -> BaseCommand:
        if subcommand in INSTEAD:
            words = {"command": subcommand, "instead": INSTEAD[subcommand]}
            sys.exit(_("“%(command)s” goes past the rules and the history of the panel. Use: %(instead)s.") % words)
        return super().fetch_command(subcommand)


def _sentence(command: BaseCommand) -> str:
    """The first sentence of its help."""
    sentence, stop, _rest = command.help.partition(". ")
    return sentence + stop.strip()
