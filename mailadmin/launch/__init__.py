"""Starts and watches everything the panel runs: PostgreSQL, web, worker and beat. No Django models in here."""


class LaunchError(Exception):
    """Stops the start; its text is one whole sentence for the person at the terminal."""
