"""Breaks the SQL functions for Postfix one by one, and shows that the tests of the maps notice each time."""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SQL = CHECKOUT / "mailservers" / "sql"
FUNCTION = re.compile(
    r"RETURNS (?P<set>SETOF )?(?P<type>\w+(?:\[\])?)\s+LANGUAGE (?P<language>\w+).*?AS \$\$\n(?P<body>.*)\$\$;",
    re.DOTALL,
)
CONSTANTS = {
    "text": "'constant@mutant.example'",
    "boolean": "true",
    "bigint": "1",
    "text[]": "ARRAY['constant@mutant.example']",
}


@dataclass(frozen=True)
class Mutant:
    """One function, changed in one way; `text` is its whole file."""

    path: Path
    change: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}.{self.path.stem}"


def mutants_of(path: Path, *, lines: bool) -> Iterator[Mutant]:
    text = path.read_text()
    function = FUNCTION.search(text)
    assert function, f"{path} does not look like the others. Teach this script its shape."

    def with_body(change: str, body: str) -> Mutant:
        start, end = function.span("body")
        return Mutant(path, change, text[:start] + body + text[end:])

    constant = CONSTANTS[function["type"]]
    if function["language"] == "sql":
        yield with_body("nothing", f"SELECT NULL::{function['type']} WHERE {'false' if function['set'] else 'true'}\n")
        yield with_body("a constant", f"SELECT {constant}::{function['type']}\n")
    elif function["set"]:
        yield with_body("nothing", "BEGIN RETURN; END\n")
        yield with_body("a constant", f"BEGIN RETURN NEXT {constant}; END\n")
    else:
        yield with_body("nothing", "BEGIN RETURN NULL; END\n")
        yield with_body("a constant", f"BEGIN RETURN {constant}; END\n")
    if lines:
        yield from (with_body(f"without “{line}”", body) for line, body in without_a_condition(function["body"]))


def without_a_condition(body: str) -> Iterator[tuple[str, str]]:
    """The body without one of its conditions, each in turn."""
    lines = body.splitlines(keepends=True)
    for number, line in enumerate(lines):
        is_whole = line.count("(") == line.count(")") and re.match(r"\s+(AND|OR|ORDER BY|LIMIT) ", line)
        if is_whole and not line.rstrip().endswith("THEN"):
            end = ";\n" if line.rstrip().endswith(";") else "\n"
            yield line.strip(), "".join([*lines[:number], end, *lines[number + 1 :]])


def survives(mutant: Mutant | None) -> tuple[bool, str]:
    """True if all tests pass; and the name of the test that noticed."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(SQL, Path(folder) / "sql"))
        if mutant:
            (copy / mutant.path.relative_to(SQL)).write_text(mutant.text)
        options = ["-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", "-p", "tests.plugins.other_sql", "--sql-folder", str(copy)]
        result = subprocess.run([*command, *options, "tests/maps"], cwd=CHECKOUT, capture_output=True, text=True)
    if result.returncode not in (0, 1):
        sys.exit(f"The tests could not run:\n{result.stdout}{result.stderr}")
    noticed = re.search(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", result.stdout, re.MULTILINE)
    return result.returncode == 0, noticed[1] if noticed else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("function", nargs="*", help="only these, for example virtual_alias_maps")
    parser.add_argument("--conditions", action="store_true", help="also leave out each condition of each function")
    options = parser.parse_args()
    if not survives(None)[0]:
        sys.exit("The tests fail with the functions as they are. Mend that first.")
    paths = [path for path in sorted(SQL.glob("*/*.sql")) if not options.function or path.stem in options.function]
    mutants = [mutant for path in paths for mutant in mutants_of(path, lines=options.conditions)]
    survivors = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for mutant, (survived, noticed) in zip(mutants, pool.map(survives, mutants), strict=True):
            survivors += survived
            verdict = "SURVIVED" if survived else f"noticed by {noticed.removeprefix('tests/maps/')}"
            print(f"{mutant.name:35} {mutant.change:12} {verdict}", flush=True)
    print(f"{len(mutants)} mutants, {survivors} survived.")
    return 1 if survivors or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())
