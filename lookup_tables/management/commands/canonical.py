"""The canonical addresses from the shell."""

from lookup_tables.commands import command_for

Command = command_for("canonical")
