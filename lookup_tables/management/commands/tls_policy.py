"""The TLS policies from the shell."""

from lookup_tables.commands import command_for

Command = command_for("tls_policy")
