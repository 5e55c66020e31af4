"""The address of the panel: whether it is free, how people write it, and whether the panel answers there."""

import errno
import http.client
import json
import socket

ANY = ("0.0.0.0", "::", "")  # noqa: S104  (compared with, not listened on)


def port_is_taken(host: str, port: int) -> OSError | None:
    """Why nobody can listen there; None if it is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()  # two programs may bind with SO_REUSEADDR, but only one may listen
        except OSError as error:
            return error
    return None


def will_stay_taken(error: OSError) -> bool:
    """False for a port that a dying program may leave in a moment."""
    return error.errno != errno.EADDRINUSE


def names_of_this_host(host: str) -> list[str]:
    """What people may write in the browser to reach us: our names, and the address we listen on."""
    names = ["localhost", "127.0.0.1", "[::1]", socket.gethostname(), socket.getfqdn()]
    if host in ANY:
        names += _own_addresses()
    else:
        names.append(f"[{host}]" if ":" in host else host)
    return list(dict.fromkeys(name for name in names if name))


def _own_addresses() -> list[str]:
    """The addresses from which this host would reach others. Connecting a UDP socket sends nothing."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                address = probe.getsockname()[0]
        except OSError:
            continue
        found.append(f"[{address}]" if ":" in address else address)
    return found


def address_for_people(host: str, port: int) -> str:
    """The URL to open in a browser."""
    shown = socket.getfqdn() if host in ANY else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"


def ask_health(host: str, port: int) -> tuple[bool, str]:
    """Whether /health/ answers 200, and otherwise the reason in a sentence."""
    reachable = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    connection = http.client.HTTPConnection(reachable, port, timeout=5)
    try:
        connection.request("GET", "/health/", headers={"Host": "localhost"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return False, "The web server does not answer."
    finally:
        connection.close()
    if answer.status == 200:
        return True, ""
    try:
        return False, str(json.loads(body)["status"])
    except (ValueError, KeyError, TypeError):
        return False, f"/health/ answers with code {answer.status}."
