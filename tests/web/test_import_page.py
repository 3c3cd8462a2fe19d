"""Importing in the browser: files sent safely, looked at, loaded, taken back; mappings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.jobs.batches import batch_of
from jinpai.jobs.worker import Worker
from jinpai.store import events_of
from jinpai.web.app import create_app
from jinpai.workspace import Workspace
from web.small import ORDERS, browser_of, csrf_of, messages, orders, small_shop

JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_shop(tmp_path_factory.mktemp("import") / "shop").root


@pytest.fixture(scope="module")
def app(root: Path) -> Iterator[FastAPI]:
    made = create_app(root)
    with TestClient(made):
        yield made


@pytest.fixture
def browser(app: FastAPI) -> TestClient:
    made = browser_of(app)
    made.headers.update(csrf_of(made))
    return made


@pytest.fixture
def worker(root: Path) -> Iterator[Worker]:
    made = Worker(root)
    yield made
    made.close()


def sent(browser: TestClient, **files: str | bytes) -> dict[str, str]:
    """Send files as a new batch; returns its links."""
    made = browser.post("/import/batches")
    assert made.status_code == 201
    links: dict[str, str] = made.json()
    for name, body in files.items():
        answer = browser.post(links["files"], params={"name": name}, content=body)
        assert answer.status_code == 201, answer.text
    return links


def tables(browser: TestClient, path: str) -> dict[str, list[dict[str, Any]]]:
    found = browser.get(path, headers=JSON).json()["tables"]
    return {name: table["rows"] for name, table in found.items()}


def rows_of(root: Path, table: str) -> int:
    snapshot = Workspace(root).lake.snapshot()
    with duckdb.connect() as con:
        counted = con.execute(f"select count(*) from ({snapshot.table_sql(table)})").fetchone()
    assert counted is not None
    return int(counted[0])


def test_sent_looked_at_loaded_calculated_and_taken_back(
    browser: TestClient, worker: Worker, root: Path
) -> None:
    wrong = ORDERS + "o9,b1,no time,,\n"
    links = sent(
        browser,
        **{"a/orders.csv": orders(3), "a/messages.csv": messages(3), "wrong.csv": wrong},
        **{"junk.bin": b"\x00\x01\x02" * 40},
    )
    before = rows_of(root, "orders"), rows_of(root, "messages")
    assert browser.post(links["look"]).headers["location"] == links["page"]
    assert "data-job-events" in browser.get(links["page"]).text
    for change in (links["look"], links["files"], links["page"] + "/drop"):
        assert browser.post(change).status_code == 400  # they are being looked at
    worker.drain()
    seen = tables(browser, links["page"])
    known = {row["file"]: row["source"] for row in seen["files"]}
    assert known == {
        "a/orders.csv": "canonical",
        "a/messages.csv": "canonical",
        "wrong.csv": "canonical",
        "junk.bin": None,
    }
    counts = {
        row["table"]: (row["rows_in"], row["inserted"], row["rejected"]) for row in seen["counts"]
    }
    assert counts == {"订单": (2, 1, 1), "聊天消息": (4, 4, 0)}
    assert [row["column"] for row in seen["rejects"]] == ["created_at"]
    assert seen["rows_messages"][0]["text"] == "call 138****5678"
    assert (rows_of(root, "orders"), rows_of(root, "messages")) == before

    answer = browser.post(links["page"] + "/load", data={"then_run": "1"})
    job = answer.headers["location"]
    assert worker.drain() == 2
    assert (rows_of(root, "orders"), rows_of(root, "messages")) == (before[0] + 1, before[1] + 4)
    downloaded = browser.get(f"{job}?table=rejects&format=csv").content.decode("utf-8-sig")
    assert [row[1] for row in csv.reader(io.StringIO(downloaded))][1:] == ["wrong.csv"]
    assert browser.get(links["page"]).status_code == 404  # nothing of it is kept
    with duckdb.connect() as con:
        sql = Workspace(root).lake.snapshot().table_sql("orders")
        files = con.execute(f"select distinct source_file from ({sql})").fetchall()
    assert ("a/orders.csv",) in files

    history = tables(browser, "/import")["imports"]
    assert (history[0]["by"], history[0]["rows"]) == ("owner", "聊天消息 +4，订单 +1")
    state = history[0]["state"]
    assert f'name="state" value="{state}"' in browser.get(f"/import?undo={state}").text
    browser.post("/import/undo", data={"state": state})
    worker.drain()
    assert (rows_of(root, "orders"), rows_of(root, "messages")) == before
    figures = Workspace(root)
    assert figures.ask(["sales_amount"]).is_stale
    partly = figures.run()
    assert {change.table for change in partly.changes} >= {"orders", "messages"}
    got = figures.ask(["sales_amount"]).rows
    figures.run(full=True)
    assert figures.ask(["sales_amount"]).rows == got


def test_rejected_rows_can_be_downloaded_before_the_first_run(tmp_path: Path) -> None:
    made = small_shop(tmp_path / "shop")
    worker, app = Worker(made.root), create_app(made.root)
    with TestClient(app):
        browser = browser_of(app)
        browser.headers.update(csrf_of(browser))
        links = sent(browser, **{"wrong.csv": ORDERS + "o9,b1,no time,,\n"})
        browser.post(links["look"])
        worker.drain()
        answer = browser.get(links["page"], params={"table": "rejects", "format": "csv"})
    worker.close()
    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == ["wrong.csv"]
    assert "filename*=UTF-8''" in answer.headers["content-disposition"]


def test_the_next_import_of_the_same_tables_has_to_be_taken_back_first(
    browser: TestClient, worker: Worker, root: Path
) -> None:
    for day in (10, 11):
        links = sent(browser, **{"orders.csv": orders(day)})
        browser.post(links["page"] + "/load")
        worker.drain()
    later, first = tables(browser, "/import")["imports"][:2]
    assert (later["undo"], first["undo"]) == ("撤销", None)
    job = browser.post("/import/undo", data={"state": first["state"]}).headers["location"]
    worker.drain()
    assert "请先从最新的一次开始依次撤销" in browser.get(job).text


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "/etc/passwd", "C:\\windows\\x.csv", "a\x00b.csv", "…" * 500, "", "."],
)
def test_no_path_is_made_of_a_name(browser: TestClient, root: Path, name: str) -> None:
    links = sent(browser, **{name: b"x"})
    batch = batch_of(root, links["id"])
    (file,) = batch.files()
    assert file.path == root / "uploads" / links["id"] / "00001"
    assert not {"..", "", "."} & set(file.name.split("/"))
    assert file.name.isprintable()
    assert browser.post(links["page"] + "/drop").headers["location"] == "/import"
    assert not batch.folder.exists()


def test_a_file_that_is_too_large_leaves_nothing(browser: TestClient, root: Path) -> None:
    links = sent(browser)
    with (root / "jinpai.toml").open("a", encoding="utf-8") as file:
        file.write("\n[jobs]\nupload_mb = 1\n")

    def endless() -> Iterator[bytes]:  # no length is told
        for _ in range(40):
            yield b"x" * 100_000

    for body in (b"x" * 1_000_001, endless()):
        answer = browser.post(
            links["files"], params={"name": "big.csv"}, content=body, headers=JSON
        )
        assert answer.status_code == 413
        assert "upload_mb" in answer.json()["error"]["message"]
    assert list(batch_of(root, links["id"]).folder.iterdir()) == []


def test_others_may_not_and_forms_need_their_token(app: FastAPI, browser: TestClient) -> None:
    assert browser.post("/import/batches", headers={"x-csrf-token": "no"}).status_code == 403
    for role in ("supervisor", "agent", "readonly", "inspector"):
        other = browser_of(app, role)
        assert other.get("/import").status_code == 403
        assert other.get("/jobs").status_code == 403
        assert "/import" not in other.get("/account").text
    for path in ("/import/batches/..%2F..", "/import/batches/0123456789abcdef", "/jobs/99999"):
        assert browser.get(path).status_code == 404


def test_files_are_left_out_and_an_empty_batch_is_refused(browser: TestClient) -> None:
    links = sent(browser, **{"a.csv": orders(1), "b.csv": orders(2)})
    browser.post(links["page"] + "/drop", data={"number": 1})
    text = browser.get(links["page"]).text
    assert "b.csv" in text
    assert "a.csv" not in text
    browser.post(links["page"] + "/drop", data={"number": 2})
    assert browser.post(links["look"]).status_code == 400


def test_a_mapping_is_made_looked_over_saved_and_used(
    browser: TestClient, worker: Worker, root: Path, app: FastAPI
) -> None:
    assert browser.post("/import/mappings", data={"name": "../x"}).status_code == 400
    place = browser.post("/import/mappings", data={"name": "工单"}).headers["location"]
    page = browser.get(place).text
    seen = page.split('name="seen" value="')[1].split('"')[0]
    checked = browser.post(f"{place}/check", data={"text": "tables:\n  - table: nonsense\n"}).text
    assert "tables.0.columns" in checked
    text = (
        "tables:\n  - table: orders\n    columns:\n      order_id: No\n      buyer_id: Who\n"
        "      created_at: When\n"
    )
    refused = browser.post(place, data={"seen": seen, "text": "tables: 1"})
    assert (refused.status_code, "tables: 1" in refused.text) == (400, True)
    assert browser.post(place, data={"seen": seen, "text": text}).status_code == 303
    assert browser.post(place, data={"seen": seen, "text": text}).status_code == 400
    with app.state.store.read() as session:
        saved, made = events_of(session, "mapping:工单")
    assert (saved.actor, saved.after["text"], made.before) == ("owner", text, None)
    links = sent(browser, **{"desk.csv": "No,Who,When\n77,b1,2026-03-05 10:00:00\n"})
    browser.post(links["look"], data={"mapping": "工单"})
    worker.drain()
    (file,) = tables(browser, links["page"])["files"]
    assert file["source"] == "mapping"
    assert 'value="工单" selected' in browser.get(links["page"]).text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_job_tells_its_progress_until_it_is_over(
    browser: TestClient, worker: Worker, language: str
) -> None:
    links = sent(browser, **{"orders.csv": orders(20)})
    job = browser.post(links["page"] + "/load").headers["location"]
    assert browser.post(f"{job}/cancel").status_code == 303
    news = browser.get(f"{job}/events?lang={language}")
    assert news.headers["content-type"].startswith("text/event-stream")
    assert "jinpai serve" in browser.get("/jobs?lang=en").text  # nobody is there to do it
    (told,) = [json.loads(line[6:]) for line in news.text.splitlines() if line.startswith("data: ")]
    assert (told["state"], told["may_retry"]) == ("cancelled", True)
    assert told["state_text"] == ("已取消" if language == "zh" else "cancelled")
    again = browser.post(f"{job}/retry").headers["location"]
    worker.drain()
    last = browser.get(f"{again}/events").text.splitlines()[0]
    assert json.loads(last[6:])["state"] == "done"


def test_jobs_are_asked_for_and_a_night_is_set(
    browser: TestClient, worker: Worker, root: Path
) -> None:
    for kind in ("run", "qc"):
        browser.post("/jobs/run", data={"kind": kind})
    browser.post("/jobs/report", data={"form": "html"})
    worker.drain()
    rows = tables(browser, "/jobs")["jobs"][:3]
    assert [(row["kind"], row["state"]) for row in rows] == [
        ("report", "done"),
        ("qc", "done"),
        ("run", "done"),
    ]
    report = browser.get(f"/jobs/{rows[0]['id']}/file")
    assert b"echarts" in report.content
    assert "attachment" in report.headers["content-disposition"]
    assert Workspace(root).config.settings(None).inspect
    assert browser.post("/jobs/terms", data={"nightly": "25:00"}).status_code == 400
    assert browser.post("/jobs/terms", data={"nightly": "02:30"}).status_code == 303
    assert 'value="02:30"' in browser.get("/jobs").text
