"""The measurements run from beginning to end, over so few addresses that the times mean nothing: nobody runs them every
day, and what nobody runs rots."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.database import postmap

CHECKOUT = Path(__file__).resolve().parents[2]


def bench(*words: str, file: Path, row: str = "lmdb") -> dict[str, Any]:
    # A process of its own, with a cluster of its own: Django's settings are read once.
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words, "--json", str(file)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert f"| {row} " in done.stdout
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_maps_are_asked_side_by_side(tmp_path: Path) -> None:
    found = bench("maps", "--sizes", "tiny", "--cycles", "1", file=tmp_path / "maps.json")["tiny"]
    assert found["rows"]["mailboxes_mailbox"] == 200
    hits = {name: round(row["hit_rate"], 1) for name, row in found["maps"].items()}
    # 80 % of the keys exist: every second one of them is a mailbox, which virtual_alias_maps does not answer.
    assert (hits["lmdb"], hits["cdb"], hits["ideal_routes"], hits["peer_alias_maps"]) == (0.8, 0.8, 0.8, 0.8)
    assert (hits["virtual_mailbox_maps"], hits["select_1"]) == (0.4, 1.0)


def test_what_postmap_warns_of_is_no_figure(tmp_path: Path) -> None:
    """Its exit status is the same for a key that is not there and for a database that is not there."""
    nowhere = tmp_path / "nowhere.cf"
    nowhere.write_text("hosts = unix:/nowhere\nuser = bench\npassword = bench\ndbname = bench\nquery = SELECT 1\n")
    (tmp_path / "main.cf").touch()
    (tmp_path / "there").write_text("a b\n")
    assert postmap(tmp_path, "-q", "-", f"texthash:{tmp_path}/there", text="a\nc\n") == "a\tb\n"
    with pytest.raises(SystemExit, match="warning"):
        postmap(tmp_path, "-q", "-", f"pgsql:{nowhere}", text="a\n")


def test_messages_go_all_the_way(tmp_path: Path) -> None:
    words = ["--size", "tiny", "--messages", "50", "--rounds", "1"]
    variants = bench("smtp", *words, file=tmp_path / "smtp.json")["variants"]
    assert {row["accepted"] for row in variants.values()} == {50}
    asks = {name for name, row in variants.items() if row["statements_per_message"]}
    assert asks == {"ours", "ours_domains_as_cdb", "peer", "peer_with_transports"}


def test_aliases_are_checked_and_saved(tmp_path: Path) -> None:
    found = bench("aliases", "--sizes", "tiny", file=tmp_path / "aliases.json", row="check: all")["tiny"]
    assert found["rows"]["mailboxes_mailbox"] == 200
    assert found["found"]["dead_end"] == 4
    assert len(found["seconds"]["check: ways"]) == 2


def test_an_import_is_measured_beside_a_copy(tmp_path: Path) -> None:
    found = bench("import", "--mailboxes", "50", "--rounds", "1", file=tmp_path / "import.json", row="import")
    assert list(found["variants"]) == ["copy", "stage", "import", "undo"]
    assert (
        found["variants"]["import"]["ratio_to_copy"]["median"] > found["variants"]["stage"]["ratio_to_copy"]["median"]
    )


def test_a_takeover_costs_a_row_the_same(tmp_path: Path) -> None:
    words = ["--sizes", "40", "80"]
    found: Any = bench("takeover", *words, file=tmp_path / "takeover.json", row="sqlite")
    assert [(row["source"], row["mailboxes"]) for row in found] == [
        *(("postgresql", 40), ("postgresql", 80)),
        *(("sqlite", 40), ("sqlite", 80)),
    ]
    # Mailboxes, aliases, used quotas, lines of the log, and some of all the others.
    assert found[0]["first"]["new"] == found[2]["first"]["new"] > 40 * 4
    assert {row["again"]["new"] for row in found} == {0}


def test_the_simulation_is_held_against_smtpd(tmp_path: Path) -> None:
    words = ["--policies", "2", "--sessions", "3", "--seed", "bench"]
    found = bench("simulate", *words, file=tmp_path / "simulate.json", row="sessions")
    assert (found["sessions"], found["agreed"], found["relayed"], found["complaints"]) == (6, 6, 0, [])


@pytest.mark.parametrize("words", [[], ["lunch"], ["maps", "--sizes", "huge"], ["aliases", "--sizes", "huge"]])
def test_what_is_not_there_is_refused(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "bench", *words], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "sage: " in done.stderr


def test_the_api_is_measured_beside_plain_views(tmp_path: Path) -> None:
    found = bench("api", "--sizes", "tiny", "--rounds", "2", file=tmp_path / "api.json", row="bulk of 100")["tiny"]
    assert found["rows"]["mailboxes_mailbox"] == 200
    assert all(row["ratio_to_plain"]["median"] > 0.5 for row in found["requests"].values())
