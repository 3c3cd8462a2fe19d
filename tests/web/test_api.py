"""The JSON API: its description, its examples, cursors, ETags, and one shape of errors."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.store.accounts import find_user
from jinpai.store.logins import new_token
from jinpai.web.app import every_route
from jinpai.web.openapi import document, text
from web.conftest import Enter

DOCS = Path(__file__).resolve().parents[2] / "docs"
JSON = {"accept": "application/json"}
EXAMPLE = re.compile(r"```sh\n(curl .*?)\n```\n\n```json\n(.*?)\n```", re.DOTALL)
ANY = "…"


@pytest.fixture(scope="module")
def token(app: FastAPI) -> str:
    with app.state.store.write() as session:
        user = find_user(session, "owner")
        return new_token(session, user, "program", ["read", "write", "export"])


@pytest.fixture
def program(app: FastAPI, token: str) -> TestClient:
    headers = {"authorization": f"Bearer {token}", **JSON}
    return TestClient(app, follow_redirects=False, headers=headers)


def holds(found: Any, wanted: Any) -> bool:
    """Tell whether an answer holds all that an example shows."""
    if wanted == ANY:
        return found is not None
    if isinstance(wanted, dict):
        return all(name in found and holds(found[name], one) for name, one in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) >= len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)


def test_the_description_is_current() -> None:
    assert (DOCS / "openapi.json").read_text("utf-8") == text(every_route()), (
        "run: python -m jinpai.web.openapi docs/openapi.json"
    )


def test_every_page_a_program_may_ask_for_is_described(enter: Enter) -> None:
    made = document(every_route())
    found = {one["operationId"] for path in made["paths"].values() for one in path.values()}
    assert {"team", "conversation", "order", "metric", "finding_rule"} <= found
    assert not {"login_post", "account_password", "token_add"} & found
    assert enter("owner").get("/openapi.json").json() == made
    assert enter().get("/openapi.json", headers=JSON).status_code == 401


@pytest.mark.parametrize(
    ("command", "wanted"), EXAMPLE.findall((DOCS / "api.md").read_text("utf-8"))
)
def test_the_examples_run(app: FastAPI, token: str, command: str, wanted: str) -> None:
    words = shlex.split(command.replace("$TOKEN", token).replace("$JINPAI", ""))
    sent = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")
    answer = TestClient(app, follow_redirects=False).get(words[-1], headers=sent)
    assert holds(answer.json(), json.loads(wanted)), answer.text


def test_a_cursor_leads_through_the_whole_list(program: TestClient) -> None:
    address, seen = "/conversations?from=2026-03-01&to=2026-03-14", list[str]()
    following: str | None = ""
    while following is not None:
        more = f"&cursor={following}" if following else ""
        table = program.get(address + more).json()["tables"]["talks"]
        seen += [json.dumps(row, sort_keys=True) for row in table["rows"]]
        following = table["next"]
    whole = program.get(f"{address}&table=talks&format=json").json()["rows"]
    assert len(seen) == len(set(seen)) == len(whole)


@pytest.mark.parametrize("path", ["/team", "/people", "/openapi.json", "/kpi"])
def test_what_has_not_changed_is_not_sent_again(program: TestClient, path: str) -> None:
    first = program.get(path)
    assert first.status_code == 200
    again = program.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = program.get(path, headers={"if-none-match": '"other"'})
    assert other.content == first.content


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/nowhere", 404, "not_found"),
        ("/team?from=yesterday", 400, "bad_request"),
        ("/team?shop=none", 404, "not_found"),
        ("/team?format=pdf", 404, "not_found"),
        ("/static/none.js", 404, "not_found"),
        ("/metrics/none", 404, "not_found"),
    ],
)
def test_errors_have_one_shape(program: TestClient, path: str, status: int, code: str) -> None:
    answer = program.get(path)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert set(error) == {"code", "message", "message_zh"}
    assert answer.json().keys() == {"error"}


def test_a_wrong_method_has_it_too(program: TestClient) -> None:
    answer = program.request("DELETE", "/team")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    answer = program.post("/unmask", data={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")
