"""`script/bench maps`, `smtp`, `aliases`, `import`, `takeover`, `api`, `simulate` and `writers`; each has a --help."""

import sys

from bench import aliases, api, imports, maps, simulate, smtp, takeovers, writers


def main() -> int:
    benches = {
        "maps": maps.main,
        "smtp": smtp.main,
        "aliases": aliases.main,
        "import": imports.main,
        "takeover": takeovers.main,
        "api": api.main,
        "simulate": simulate.main,
        "writers": writers.main,
    }
    if len(sys.argv) < 2 or sys.argv[1] not in benches:
        print(f"Usage: script/bench {'|'.join(benches)} [--help]", file=sys.stderr)
        return 2
    return benches[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
