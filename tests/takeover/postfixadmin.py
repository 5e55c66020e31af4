"""The real PostfixAdmin of Debian: its own upgrade.php makes the tables, its own command line fills them."""

import shutil
import subprocess
from pathlib import Path

PACKAGE = Path("/usr/share/postfixadmin")
PASSWORD = "let me read 365 mails"  # noqa: S105
NEEDED = "apt-get install postfixadmin lighttpd php-cgi php-cli php-pgsql php-mysql php-sqlite3 mariadb-server"


class PostfixAdmin:
    """A private copy of the package, with a configuration of its own. `settings` are those of $CONF."""

    def __init__(self, base: Path, **settings: str) -> None:
        assert PACKAGE.is_dir(), f"These tests need a real PostfixAdmin: {NEEDED}"
        self.base = base / "postfixadmin"
        links = shutil.ignore_patterns("config.inc.php", "config.local.php", "templates_c")
        shutil.copytree(PACKAGE, self.base, ignore=links)
        (self.base / "templates_c").mkdir()
        shipped = Path("/etc/postfixadmin/config.inc.php").read_text()
        # Debian's answers to debconf are not wanted: no web server, no database of the machine.
        (self.base / "config.inc.php").write_text(shipped.replace("require_once('dbconfig.inc.php');", ""))
        usual = {
            "emailcheck_resolve_domain": "NO",
            "quota": "YES",
            "domain_quota": "YES",
            "vacation_domain": "autoreply.example",
            "vacation": "YES",
        }
        lines = [f"$CONF['{name}'] = '{value}';" for name, value in {**usual, **settings}.items()]
        text = "\n".join(["<?php", "$CONF['configured'] = true;", *lines, ""])
        (self.base / "config.local.php").write_text(text)
        said = self._php("public/upgrade.php")
        assert "updating to version 1847 (all databases)" in said or "done" in said, said

    def __call__(self, noun: str, verb: str, key: str, /, **options: object) -> None:
        """`postfixadmin-cli NOUN VERB NAME --option value`."""
        words = [word for option, value in options.items() for word in (f"--{option.replace('_', '-')}", str(value))]
        said = self._php("scripts/postfixadmin-cli.php", noun, verb, key, *words)
        assert " has been " in said, said

    def _php(self, script: str, *arguments: str) -> str:
        command = ["php", "-d", "error_reporting=0", "-d", "display_errors=0", str(self.base / script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        return done.stdout + done.stderr

    def add_some_of_all(self) -> None:
        """Falcot's mail, as a person types it."""
        password = {"password": PASSWORD, "password2": PASSWORD}
        self("domain", "add", "falcot.org", description="Falcot", aliases=0, mailboxes=0, maxquota=0, quota=0, active=1)
        self("domain", "add", "falcot.com", aliases=10, mailboxes=10, active=1)
        self("domain", "add", "backup.example", backupmx=1, active=1)
        self("aliasdomain", "add", "falcot.com", target_domain="falcot.org", active=1)
        for name in ("jean", "laure", "sophie", "remy"):
            address = f"{name}@falcot.org"
            self("mailbox", "add", address, name=name.title(), quota=100, active=1, welcome_mail=0, **password)
        self("alias", "update", "laure@falcot.org", goto="someone@elsewhere.example", goto_mailbox=1)
        self("alias", "update", "sophie@falcot.org", goto="sophie@elsewhere.example", goto_mailbox=0)
        self("alias", "add", "info@falcot.org", goto="jean@falcot.org,laure@falcot.org", active=1)
        self("alias", "add", "*@falcot.org", goto="jean@falcot.org", active=1)
        self("admin", "add", "claire@falcot.org", superadmin=0, active=1, domains="falcot.org", **password)
        self("admin", "add", "ada@falcot.org", superadmin=1, active=1, **password)
