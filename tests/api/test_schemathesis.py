"""A program that read the description asks all that it allows, and much that it does not, with every check it has."""

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from accounts.services import add_user
from api.scopes import ALL, READ
from domains.models import Domain
from domains.services import add_domain_admin
from mailboxes.demo import load_falcot
from tests.api.conftest import Api, token_for
from tests.plugins.example_mail import TESTER

SETTINGS = Path(__file__).with_name("schemathesis.toml")
ONLY_READ = [scope for scope in ALL if scope.endswith(f":{READ}")]
EXAMPLES = 6  # of each operation, beside those that the description leads to by itself
SECONDS = int(os.environ.get("TEST_SCHEMATHESIS_SECONDS", "30"))  # for each role
EACH_ONE = re.compile(r"Selected: (\d+)/\1\n +Tested: \1\n")
LONGEST = 16 * SECONDS  # on a busy machine it takes longer until each operation had its turn


@pytest.fixture(autouse=True)
def unhurried(settings: Any) -> None:
    """Thousands of requests in a minute, and many with a wrong token."""
    settings.API_REQUESTS_A_MINUTE = settings.API_WRONG_TOKENS_A_MINUTE = 1_000_000


@pytest.mark.parametrize("role", ["superuser", "domain_admin", "read_only"])
def test_no_check_fails(live_server: Any, role: str, tmp_path: Path) -> None:
    load_falcot(by=TESTER)
    person = add_user("ada", is_superuser=role != "domain_admin", by=TESTER)
    if role == "domain_admin":
        for domain in Domain.objects.all():
            add_domain_admin(domain, person, by=TESTER)
    token = token_for(person, *(ONLY_READ if role == "read_only" else ALL))
    Api(token).get("schema/")  # the first time it is made, which may take longer than schemathesis waits
    ask = partial(run, live_server.url, token, tmp_path)
    seconds, said = SECONDS, ask("coverage,fuzzing", SECONDS)
    while not EACH_ONE.search(said):
        seconds *= 2
        assert seconds <= LONGEST, said
        said = ask("coverage,fuzzing", seconds)
    assert "No tests were run" not in ask("stateful", SECONDS // 3)  # along the links from one operation to another


def run(url: str, token: str, folder: Path, phases: str, seconds: int) -> str:
    """What it said; it stops after these seconds, wherever it is."""
    ended = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(SETTINGS), "--no-color"),
            *("run", f"{url}/api/v1/schema/", "--header", f"Authorization: Bearer {token}"),
            *("--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure"),
            *("--generation-database", "none", "--suppress-health-check", "all", "--warnings", "off"),
            *("--phases", phases, "--max-time", str(seconds)),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stdout[-20000:] + ended.stderr[-2000:]
    return ended.stdout
