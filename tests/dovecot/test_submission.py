"""What install-commands does to master.cf: two services are there, once, and nothing else of the host goes."""

import os
import subprocess
from pathlib import Path

from mailservers.submission import commands, master_cf
from tests.plugins.mail_stack import MASTER_CF

THEIRS = MASTER_CF.format(port=25) + "smtps inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=yes\n"
THEIRS += "submission inet n - y - - smtpd\n  -o syslog_name=mine\n10025 inet n - n - - smtpd\n  -o content_filter=\n"


def names(master: str) -> list[str]:
    return sorted(line.split()[0] for line in master.splitlines() if line and line[0] not in " #")


def install(folder: Path) -> str:
    environment = os.environ | {"MAIL_CONFIG": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    script = "\n".join(["set -e", *commands()])
    subprocess.run(["sh", "-c", script], env=environment, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return (folder / "master.cf").read_text()


def test_the_entries_replace_those_of_the_same_port_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    (tmp_path / "master.cf").write_text(THEIRS)
    first = install(tmp_path)
    assert install(tmp_path) == first
    for line in master_cf().splitlines()[1:]:
        assert " ".join(line.split()) in [" ".join(one.split()) for one in first.splitlines()]
    assert names(first) == sorted({*names(THEIRS), "submissions"} - {"smtps"})
    assert "content_filter=" in first
    assert "smtps " not in first
