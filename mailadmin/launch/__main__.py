"""The launcher inside the virtual environment: `server` or `manage`."""

import os
import sys
from pathlib import Path

from mailadmin.launch import LaunchError
from mailadmin.launch.manage import manage
from mailadmin.launch.options import server_options
from mailadmin.launch.state import State
from mailadmin.launch.supervisor import serve

CODE = Path(__file__).resolve().parents[2]


def main(command: str, *arguments: str) -> int:
    state = State(Path(os.environ["MAILADMIN_STATE"]))
    if command == "manage":
        return manage(state, CODE, arguments)
    return serve(state, CODE, server_options(arguments))


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except LaunchError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit(130)
