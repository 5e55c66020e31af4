"""What script/server and script/manage run first, with the system's Python: user, directories, virtual environment.

As root it makes the system user and becomes that user; from there root and everybody else go the same way.
"""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036  (that is what we find out here)
    sys.exit("mailadmin needs Python 3.11 or newer; %s is %s." % (sys.executable, sys.version.split()[0]))  # noqa: UP031

from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[2]
# The package itself loads Celery, which is there only once the virtual environment is made; its folders will do.
package = ModuleType("mailadmin")
package.__path__ = [str(CHECKOUT / "mailadmin")]
sys.modules["mailadmin"] = package

from mailadmin.launch import LaunchError  # noqa: E402
from mailadmin.launch.options import server_options  # noqa: E402
from mailadmin.launch.packages import install_venv_module, ready_programs, ready_python  # noqa: E402
from mailadmin.launch.root import run_as_service_user  # noqa: E402
from mailadmin.launch.state import default_state, environment  # noqa: E402


def main(command: str, *arguments: str) -> None:
    """Ends by becoming the launcher in the virtual environment."""
    os.umask(0o027)
    if command == "server":
        server_options(arguments)  # a wrong word ends here, before anything is made
    state = default_state(CHECKOUT)
    if command == "manage" and not state.has_database():
        raise LaunchError(
            f"There is no panel at {state.path} yet: start script/server, or set MAILADMIN_STATE to the state "
            "directory of your panel, or DATABASE_URL to a PostgreSQL of your own."
        )
    if os.geteuid() == 0:
        install_venv_module()
        run_as_service_user(CHECKOUT, state, command, *arguments)
    state.make()
    python = ready_python(state, CHECKOUT)
    ready_programs(state, CHECKOUT, python)
    # -P: the directory we are called from must not hide our modules.
    os.execve(python, [str(python), "-P", "-m", "mailadmin.launch", command, *arguments], environment(state, CHECKOUT))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except LaunchError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit(130)
