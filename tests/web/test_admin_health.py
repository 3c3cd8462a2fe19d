"""How a workspace is doing: what is so, what is wrong, and that every warning says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.cli import main
from jinpai.health import Health, ImportHealth, look
from jinpai.health_advice import advice_of
from jinpai.jobs import Queue
from jinpai.service_terms import set_job_term
from jinpai.store import open_store
from jinpai.store.jobs import claim, finish
from jinpai.web.app import create_app
from jinpai.workspace import Workspace
from web.small import browser_of, messages, small_shop

JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    root = small_shop(tmp_path_factory.mktemp("status") / "shop", runs=True).root
    made = create_app(root)
    with TestClient(made):
        yield made


@pytest.fixture
def well(app: FastAPI) -> Health:
    """A workspace without a worry: a worker, a backup, a large disk."""
    found = look(app.state.reader, app.state.store)
    return replace(
        found,
        jobs=replace(found.jobs, worker=True),
        store=replace(found.store, backed_up=found.at),
        disk=replace(found.disk, total=10**12, free=10**11),
        advice=[],
    )


def codes(found: Health) -> list[tuple[str, str]]:
    return [(one.code, one.level) for one in advice_of(found)]


def test_it_says_what_is_loaded_and_calculated(app: FastAPI) -> None:
    told = browser_of(app).get("/health", headers=JSON).json()
    tables = {one["name"]: one for one in told["lake"]["tables"]}
    # Two buyers with two messages each, one order.
    assert (tables["messages"]["rows"], tables["orders"]["rows"]) == (4, 1)
    assert not tables["messages"]["is_derived"]
    assert tables["receptions"]["is_derived"]
    (shop,) = told["lake"]["shops"]
    # The last thing loaded is the payment at 12:01 in Shanghai.
    assert (shop["shop_id"], shop["is_stale"]) == ("s1", False)
    assert shop["as_of"].startswith("2026-03-02T04:01:00")
    assert told["store"]["kind"] == "sqlite"
    assert told["jobs"]["worker"] is False
    (one,) = told["imports"]
    assert (one["what"], one["rows"], one["rejected"], one["job"]) == ("import", 5, 0, None)
    assert {"no_worker", "backup"} <= {one["code"] for one in told["advice"]}
    files = sum(path.stat().st_size for path in (app.state.reader.root / "lake").rglob("*.*"))
    assert told["lake"]["bytes"] >= files > told["lake"]["needed_bytes"] > 0


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_shows_it_to_the_owner_alone(app: FastAPI, language: str) -> None:
    page = browser_of(app).get(f"/health?lang={language}").text
    assert ("后台进程没有运行" if language == "zh" else "No worker is running") in page
    assert "jinpai store backup shop --out store.jsonl.gz" in page
    for role in ("supervisor", "inspector", "agent", "readonly"):
        assert browser_of(app, role).get("/health").status_code == 403


def test_a_workspace_that_is_well_has_nothing_to_do(well: Health) -> None:
    assert codes(well) == []


def test_every_worry_is_told_with_its_remedy(well: Health) -> None:
    day, now = timedelta(days=1), well.at
    jobs, disk = well.jobs, well.disk
    bad_import = ImportHealth(9, now.isoformat(), "import", 98, 2, 7)
    cases: list[tuple[Health, tuple[str, str]]] = [
        (replace(well, jobs=replace(jobs, worker=False)), ("no_worker", "warn")),
        (replace(well, jobs=replace(jobs, worker=False, nightly="02:00")), ("no_worker", "bad")),
        (
            replace(well, jobs=replace(jobs, nightly="02:00", nightly_asked=now - 2 * day)),
            ("night_missed", "warn"),
        ),
        (replace(well, jobs=replace(jobs, running=3, running_seen=now - day)), ("silent", "warn")),
        (replace(well, jobs=replace(jobs, oldest_wait=now - day)), ("stuck", "bad")),
        (replace(well, disk=replace(disk, free=10**9)), ("disk", "bad")),
        (replace(well, disk=replace(disk, folders={"lake": 2 * 10**11})), ("disk", "warn")),
        (replace(well, store=replace(well.store, backed_up=now - 8 * day)), ("backup", "note")),
        # Two of a hundred rows were lost: more than one in a hundred.
        (replace(well, imports=[bad_import]), ("rejects", "warn")),
        (replace(well, lake=replace(well.lake, ran_at=None)), ("not_run", "bad")),
        (replace(well, lake=replace(well.lake, bytes=4 * 10**9)), ("old_files", "note")),
    ]
    for found, code in cases:
        (one,) = advice_of(found)
        assert (one.code, one.level) == code
        assert one.zh != one.en
        assert one.zh_do != one.en_do
        assert one.page or one.command or one.code == "night_missed"
    few = replace(bad_import, rows=9_999, rejected=1)
    assert codes(replace(well, imports=[few])) == []


def test_what_changed_and_what_failed_is_seen(tmp_path: Path) -> None:
    shop = small_shop(tmp_path / "shop", runs=True)
    (shop.root / "given" / "messages.csv").write_text(messages(3), "utf-8")
    shop.import_files([shop.root / "given" / "messages.csv"])
    set_job_term(shop.root, "nightly", "02:30")
    with open_store(shop.config) as store:
        queue = Queue(shop.config, store)
        failed, waits = queue.ask("import", by="lan"), queue.ask("run", by="lan")
        queue.close()
        with store.write() as session:
            claim(session, failed)
            finish(session, failed, "failed", error=("坏文件", "a bad file"))
        found = look(Workspace(shop.root), store)
    assert found.jobs.nightly == "02:30"
    assert {"behind", "failed_import", "no_worker"} <= {one.code for one in found.advice}
    assert found.advice[0].level == "bad"
    assert [(one.kind, one.queued, one.failed) for one in found.jobs.kinds] == [
        ("import", 0, 1),
        ("run", 1, 0),
    ]
    assert waits > failed


def test_a_lake_that_cannot_be_read_is_told_not_raised(tmp_path: Path) -> None:
    shop = small_shop(tmp_path / "shop")
    made = create_app(shop.root)
    with TestClient(made):
        browser = browser_of(made)
        for state in shop.lake.states.glob("*.json"):
            state.write_text("{", "utf-8")
        told = browser.get("/health", headers=JSON).json()
        assert browser.get("/health").status_code == 200
    (first, *_) = told["advice"]
    assert (first["code"], first["level"]) == ("lake_unreadable", "bad")


def test_the_command_says_the_same_and_knows_of_backups(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = small_shop(tmp_path / "shop").root
    monkeypatch.setenv("JINPAI_LANG", "en")

    def said(*command: str) -> tuple[object, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(command))
        return (left.value.code, *capfd.readouterr())

    code, out, _ = said("health", str(root), "--format", "json")
    told = json.loads(out)
    assert (code, told["store"]["backed_up"]) == (1, None)
    assert "not_run" in {one["code"] for one in told["advice"]}
    assert said("store", "backup", str(root), "--out", str(tmp_path / "b.gz"))[0] == 0
    code, out, err = said("health", str(root))
    assert "nothing was calculated" in err
    assert "No backup" not in err
    assert f"{datetime.now(UTC):%Y-%m-%d}" in out
