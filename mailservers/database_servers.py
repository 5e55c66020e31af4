"""How the mail servers reach the panel's database."""

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _


def default_hosts() -> list[str]:
    """The panel's own database server. This machine is named twice: after a lost connection Postfix leaves a server
    alone for a minute, and a second name for the same one makes a quick restart invisible."""
    host = settings.DATABASES["default"].get("HOST") or "127.0.0.1"
    port = settings.DATABASES["default"].get("PORT") or "5432"
    if host.startswith("/") or host in ("127.0.0.1", "localhost", "::1"):
        return [f"127.0.0.1:{port}", f"localhost:{port}"]
    return [f"{name}:{port}" for name in host.split(",")]


def named_server(text: str) -> str:
    """What a person typed as HOST:PORT, HOST or /DIRECTORY:PORT, with the port. Raises CommandError with a sentence."""
    name, colon, port = text.rpartition(":")
    if not colon:
        name, port = text, "5432"
    if not port.isdigit() or not name or any(character in text for character in " \t,'"):
        raise CommandError(_("“%s” is not a database server. Write it as HOST:PORT or /DIRECTORY:PORT.") % text)
    return f"{name}:{port}"
