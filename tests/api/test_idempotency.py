"""Idempotency-Key: every POST is done once, whatever it does."""

import pytest

from accounts.models import User
from api.schema import description
from domains.models import Domain
from mailboxes.models import Import
from tests.api.conftest import Api

KEY = {"Idempotency_Key": "one"}
CSV = {"Content_Type": "text/csv"}


def test_every_post_says_so() -> None:
    without = [
        path
        for path, methods in description()["paths"].items()
        if "post" in methods and "Idempotency-Key" not in [one["name"] for one in methods["post"]["parameters"]]
    ]
    assert not without


def test_said_to_be_no_rehearsal(api: Api) -> None:
    first, again = (api("POST", "domains/?dry_run=false", {"name": "example.org"}, **KEY) for _time in range(2))
    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json


def test_a_rehearsal_is_not_kept(api: Api) -> None:
    for _time in range(2):
        assert api("POST", "domains/?dry_run=true", {"name": "example.org"}, **KEY).json["dry_run"] is True
    assert api("POST", "domains/", {"name": "example.org"}, **KEY).status == 201


def test_an_undo(api: Api) -> None:
    done = api("POST", "domains/", {"name": "example.org"}).change_set
    first, again = (api("POST", f"history/{done}/undo/", **KEY) for _time in range(2))
    assert (first.status, again.status) == (200, 200)
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"


def test_a_file(api: Api, falcot: Domain) -> None:
    content = b"address\nnew@falcot.org\n"
    first, again = (api("POST", "imports/?kind=mailboxes", content, **CSV, **KEY) for _time in range(2))
    assert (first.status, again.status, again.json) == (201, 201, first.json)
    assert Import.objects.count() == 1
    assert api("POST", "imports/?kind=mailboxes", b"address\nother@falcot.org\n", **CSV, **KEY).status == 409


def test_a_file_in_a_form(api: Api, falcot: Domain) -> None:
    """The boundary is another one each time."""
    answers = []
    for boundary in ("aaa", "bbb"):
        form = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\n\r\n'
        body = f"{form}address\nnew@falcot.org\n\r\n--{boundary}--\r\n".encode()
        kind = {"Content_Type": f"multipart/form-data; boundary={boundary}"}
        answers.append(api("POST", "imports/?kind=mailboxes", body, **kind, **KEY))
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].json == answers[1].json


@pytest.mark.parametrize("path", ["alias-report/", "missing-default-aliases/", "dns-check/?domain=falcot.org"])
def test_work(path: str, api: Api, alice: User, falcot: Domain) -> None:
    first, again = (api("POST", path, **KEY) for _time in range(2))
    assert (first.status, again.status) == (202, 202)
    assert again.json["id"] == first.json["id"]
    assert again.headers["Location"] == first.headers["Location"]
