"""Who may do what through the API: each URL and verb, and what each token gets there.

Every answer is a status. The stranger, the domain admin and the superuser come with a token of every scope; `limited`
is the superuser's token for falcot.org alone, `scopeless` the superuser's token for nothing but looking at jobs. The
mailbox owner has no token and comes with the session of the pages. BODIES holds what is sent.
"""

from typing import Any, NamedTuple

CALLERS = ("anonymous", "owner", "stranger", "domain_admin", "superuser", "limited", "scopeless")

# The columns: method, name, path below /api/v1/; then the CALLERS
TABLE = """
GET    api_schema          schema/                                   401 404 200 200 200 200 200
GET    api_nowhere         no-such-thing/                            401 404 404 404 404 404 404

GET    api_domains_list    domains/                                  401 404 200 200 200 200 403
POST   api_domains_list    domains/                                  401 401 403 403 201 403 403
GET    api_domains         domains/falcot.org/                       401 404 404 200 200 200 403
GET    api_domains         domains/falcot.com/                       401 404 404 200 200 404 403
GET    api_domains         domains/foreign.example/                  401 404 200 404 200 404 403
PUT    api_domains         domains/falcot.org/                       401 401 403 200 200 200 403
PUT    api_domains         domains/new.example/                      401 401 403 403 201 403 403
PATCH  api_domains         domains/falcot.org/                       401 401 404 200 200 200 403
PATCH  api_domains         domains/foreign.example/                  401 401 200 404 200 404 403
DELETE api_domains         domains/falcotsbrand.com/                 401 401 404 403 204 404 403
DELETE api_domains         domains/foreign.example/                  401 401 403 404 204 404 403
"""

BODIES: dict[str, Any] = {
    "POST api_domains_list": {"name": "new.example"},
    "PUT api_domains": {"description": "Described anew"},
    "PATCH api_domains": {"description": "Described anew"},
}


class Row(NamedTuple):
    """One line of the table."""

    method: str
    name: str
    path: str
    expected: dict[str, int]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def body(self) -> Any:
        return BODIES.get(f"{self.method} {self.name}")


def _read(line: str) -> Row:
    method, name, path, *answers = line.split()
    return Row(method, name, path, dict(zip(CALLERS, map(int, answers), strict=True)))


ROWS = [_read(line) for line in TABLE.splitlines() if line.strip()]
