"""opendkim-testkey, which asks by libunbound, finds the records of an export that Knot has loaded."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dns_records.expected import expected_of
from dns_records.zone_text import zone_text
from domains.dkim_keys import generate, pem_of
from domains.dkim_services import add_dkim_key
from domains.services import add_domain
from tests.plugins.name_servers import APEX
from tests.services.checks import TESTER

Ask = Callable[[str, Path], tuple[int, str]]
CONFIGURATION = """
server:
    listen: 127.0.0.1@53
    rundir: {folder}
database:
    storage: {folder}
template:
  - id: default
    storage: {folder}
    semantic-checks: on
zone:
  - domain: example.org
"""
# A network of its own with nothing but loopback, because it asks port 53; the first answer decides once Knot is there.
INSIDE = """
ip link set lo up
knotd -c "$1/knot.conf" >/dev/null 2>&1 & knot=$!
for _ in $(seq 100); do
  said=$(opendkim-testkey -x "$1/opendkim.conf" -d example.org -s "$2" -k "$3" -vv 2>&1); code=$?
  case $said in *"query failed"*|*"query timed out"*|*"unexpected reply"*) sleep 0.1 ;; *) break ;; esac
done
kill $knot
echo "$said"
exit $code
"""


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """What it says of a selector and the file of a private key."""
    tmp_path.chmod(0o755)
    (tmp_path / "opendkim.conf").write_text("Nameservers 127.0.0.1\n")
    (tmp_path / "knot.conf").write_text(CONFIGURATION.format(folder=tmp_path))

    def asked(selector: str, key: Path) -> tuple[int, str]:
        command = ["unshare", "--net", "sh", "-c", INSIDE, "sh", str(tmp_path), selector, str(key)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return ended.returncode, ended.stdout

    return asked


@pytest.fixture
def key_in_the_dns(db: None, tmp_path: Path) -> Callable[[str], Path]:
    """The file of a key of this algorithm, whose record is at s1; at s2 is that of another."""

    def made(algorithm: str) -> Path:
        domain = add_domain("example.org", by=TESTER)
        private = generate(algorithm)
        add_dkim_key(domain, "s1", private, by=TESTER)
        add_dkim_key(domain, "s2", generate(algorithm), by=TESTER)
        head = APEX.format(zone="example.org", serial=1) + "@ NS ns1.servers.test.\n"
        (tmp_path / "example.org.zone").write_text(head + zone_text(domain, expected_of(domain)))
        key = tmp_path / "s1.private"
        key.write_text(pem_of(private))
        key.chmod(0o600)
        return key

    return made


@pytest.mark.parametrize("algorithm", ["rsa-1024", "rsa-2048", "rsa-4096"])
def test_it_works(algorithm: str, key_in_the_dns: Callable[[str], Path], ask: Ask) -> None:
    key = key_in_the_dns(algorithm)
    code, said = ask("s1", key)
    assert (code, "keys do not match" in said) == (0, False), said
    code, said = ask("s2", key)  # the record of another key
    assert (code, "keys do not match" in said) == (65, True), said  # EX_DATAERR


def test_it_cannot_tell_of_ed25519(key_in_the_dns: Callable[[str], Path], ask: Ask) -> None:
    """As docs/dkim.md says: it takes each key for RSA. tests/smtp/test_dkim.py verifies signatures of Ed25519."""
    code, said = ask("s1", key_in_the_dns("ed25519"))
    assert (code, "expecting an rsa key" in said) == (69, True), said  # EX_UNAVAILABLE
