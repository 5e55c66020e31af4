"""Configurations of Postfix as administrators write them: a directory with main.cf and tables, indexed by postmap."""

import os
import subprocess
import time
from pathlib import Path

MAIN_CF = """
compatibility_level = 3.6
myhostname = mail.falcot.com
mydomain = falcot.com
inet_interfaces = 127.0.0.1
mydestination = $myhostname, localhost.$mydomain, localhost
recipient_delimiter = +
alias_maps = hash:$config_directory/aliases
alias_database = hash:$config_directory/aliases
"""

VIRTUAL = """
virtual_mailbox_base = /srv/vmail
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
virtual_mailbox_domains = falcot.org
virtual_mailbox_maps = hash:$config_directory/vmailbox
virtual_alias_domains = falcotsbrand.com, falcot.com
virtual_alias_maps = hash:$config_directory/virtual
"""

# The example of the Debian Administrator's Handbook, with falcot.com as one more name of the virtual domain.
FALCOT = {
    "aliases": "postmaster: root\nroot: jean\n",
    "virtual": """\
# The brand
webmaster@falcotsbrand.com  jean@falcot.com
contact@falcotsbrand.com    laure@falcot.com,
    sophie@falcot.com

@falcotsbrand.com           @falcot.com
@falcot.com                 @falcot.org
""",
    "vmailbox": """\
jean@falcot.org    falcot.org/jean/
sophie@falcot.org  falcot.org/sophie
laure@falcot.org   falcot.org/laure/
""",
}


class Handwritten:
    """A directory of an administrator. `more` stands at the end of main.cf."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        (directory / "master.cf").write_text("")

    def falcot(self, more: str = "") -> "Handwritten":
        self.main(VIRTUAL + more)
        for name, text in FALCOT.items():
            self.write(name, text, "aliases" if name == "aliases" else "hash")
        return self

    def main(self, more: str) -> None:
        names = {line.partition("=")[0].strip() for line in more.splitlines() if "=" in line}
        kept = [line for line in MAIN_CF.splitlines() if line.partition("=")[0].strip() not in names]
        (self.directory / "main.cf").write_text("\n".join([*kept, more, ""]))
        self.back_date()

    def write(self, name: str, text: str, kind: str = "") -> Path:
        """A table, indexed as `kind` asks for."""
        path = self.directory / name
        path.write_text(text)
        if kind == "aliases":
            self.run("postalias", f"hash:{path}")
        elif kind in ("hash", "btree", "lmdb", "cdb"):
            self.run("postmap", f"{kind}:{path}")
        self.back_date()
        return path

    def back_date(self) -> None:
        """Postfix sleeps over a file that is younger than two seconds."""
        past = time.time() - 60
        for path in self.directory.iterdir():
            os.utime(path, (past, past))

    def run(self, *command: str) -> str:
        words = [command[0], "-c", str(self.directory), *command[1:]]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout
