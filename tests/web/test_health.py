"""What monitoring asks: alive, ready, numbers; and logs without personal data."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.jobs import Queue
from jinpai.store.logins import new_token
from jinpai.store.people import User
from jinpai.web.app import create_app
from jinpai.web.logs import set_up_logs
from web.small import browser_of, small_shop


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    made = create_app(small_shop(tmp_path_factory.mktemp("health") / "shop", runs=True).root)
    with TestClient(made):
        yield made


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    root, jinpai = logging.getLogger(), logging.getLogger("jinpai")
    before, stream = (root.handlers[:], root.level, jinpai.level), io.StringIO()
    set_up_logs(stream=stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    jinpai.setLevel(before[2])


def numbers(browser: TestClient) -> dict[str, float]:
    lines = browser.get("/prometheus").text.splitlines()
    found = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in found}


def test_alive_and_ready_for_everybody_and_nothing_told(app: FastAPI) -> None:
    nobody = TestClient(app)
    assert nobody.get("/healthz").text == "ok\n"
    answer = nobody.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"store": True, "lake": True, "worker": False}
    assert nobody.get("/prometheus", headers={"accept": "text/plain"}).url.path == "/login"


def test_not_ready_where_the_lake_cannot_be_read(tmp_path: Path) -> None:
    shop = small_shop(tmp_path / "shop")
    made = create_app(shop.root)
    with TestClient(made) as nobody:
        for state in shop.lake.states.glob("*.json"):
            state.write_text("{", "utf-8")
        answer = nobody.get("/readyz")
    assert (answer.status_code, answer.json()["lake"]) == (503, False)


def test_numbers_count_requests_by_route_and_jobs_by_state(app: FastAPI) -> None:
    browser = browser_of(app)
    before = numbers(browser)
    browser.get("/conversations?buyer=secret-buyer")
    browser.get("/conversations")
    queue: Queue = app.state.queue
    queue.cancel(queue.ask("run", by="owner"), by="owner")
    after = numbers(browser)
    asked = 'jinpai_requests_total{method="GET",route="conversations",status="200"}'
    assert after[asked] - before.get(asked, 0) == 2
    took = 'jinpai_request_seconds_count{method="GET",route="conversations"}'
    assert after[took] - before.get(took, 0) == 2
    cancelled = 'jinpai_jobs{kind="run",state="cancelled"}'
    assert after[cancelled] - before[cancelled] == 1
    assert after["jinpai_worker_up"] == 0
    assert 0 <= after["jinpai_last_run_age_seconds"] < 3600
    assert not any("secret" in name for name in after)


def test_a_program_reads_the_numbers_with_a_token(app: FastAPI) -> None:
    browser_of(app, "readonly")
    with app.state.store.write() as session:
        user = session.query(User).filter_by(login="readonly").one()
        token = new_token(session, user, "prometheus", ["read"])
    program = TestClient(app, headers={"authorization": f"Bearer {token}"})
    assert program.get("/prometheus").status_code == 200
    assert browser_of(app, "agent").get("/prometheus").status_code == 403


def test_logs_are_json_and_name_nobody(app: FastAPI, logs: io.StringIO) -> None:
    browser = browser_of(app)
    browser.get("/conversations?buyer=13812345678")
    try:
        raise RuntimeError(
            "buyer 13812345678 is not there: lan@shop.cn 收货人：王小明 地址：西湖区文三路12号"
        )
    except RuntimeError:
        logging.getLogger("jinpai.web").exception("call 13812345678 failed")
    lines = [json.loads(line) for line in logs.getvalue().splitlines()]
    asked = next(line for line in lines if line.get("route") == "conversations")
    assert (asked["event"], asked["status"], asked["level"]) == ("request", 200, "info")
    assert isinstance(asked["user"], int)
    told = json.dumps(lines, ensure_ascii=False)
    for known in ("13812345678", "lan@shop.cn", "王小明", "文三路"):
        assert known not in told
    assert "RuntimeError" in told
