"""Whatever a program sends: an answer, never a fault of ours. Made from the OpenAPI document."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from jinpai.store.accounts import add_user
from jinpai.store.logins import SCOPES, new_token
from jinpai.web.app import create_app, every_route
from jinpai.web.openapi import document

SCHEMA = schemathesis.openapi.from_dict(document(every_route()))
OPERATIONS = {
    found.ok().definition.raw["operationId"]: found.ok() for found in SCHEMA.get_all_operations()
}
QUICK = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def program(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A program of the owner's, on a shop of its own: it may change what it likes."""
    root = tmp_path_factory.mktemp("faults") / "shop"
    shutil.copytree(shop, root, ignore=shutil.ignore_patterns("store.db*", "cache"))
    app: FastAPI = create_app(root)
    with TestClient(app) as open_app:
        with app.state.store.write() as session:
            user = add_user(session, "robot", role="owner", actor="tests")
            add_user(session, "spare", role="owner", actor="tests")
            token = new_token(session, user, "all", SCOPES)
        sent = {"authorization": f"Bearer {token}", "accept": "application/json"}
        browser = TestClient(
            app, follow_redirects=False, raise_server_exceptions=False, headers=sent
        )
        yield browser
        open_app.close()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_fault(program: TestClient, name: str) -> None:
    @QUICK
    @given(case=OPERATIONS[name].as_strategy())
    def asked(case: Any) -> None:
        body = case.body if isinstance(case.body, dict) else None
        query = dict(case.query or {})
        status, text = answered(program, case.method, case.formatted_path, query, body)
        assert status < 500, (case.method, case.formatted_path, case.query, body)
        if status >= 400:
            assert json.loads(text).keys() == {"error"}

    asked()


def answered(
    program: TestClient,
    method: str,
    path: str,
    query: dict[str, Any] | None = None,
    body: dict[str, Any] | None = None,
) -> tuple[int, str]:
    """Return status and text; of news, which go on as long as their job, the first."""
    with program.stream(method, path, params=query, data=body) as answer:
        if "event-stream" in answer.headers.get("content-type", ""):
            return answer.status_code, next(answer.iter_text())
        answer.read()
        return answer.status_code, answer.text


def test_news_of_a_job_that_waits(program: TestClient) -> None:
    """Nobody works here, so it waits for ever."""
    asked = program.post("/jobs/run")
    status, text = answered(program, "GET", f"{asked.headers['location']}/events")
    assert status == 200
    assert json.loads(text.removeprefix("data: "))["state"] == "queued"
