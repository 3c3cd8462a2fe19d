"""The commands for work in the background, and for taking an import back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Run, quiet, write_shop
from jinpai.jobs import Queue
from jinpai.store import open_store
from jinpai.workspace import Workspace
from jinpai.workspace_config import load_config


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_shop(tmp_path / "exports")
    root = tmp_path / "shop"
    quiet("init", root, "--shop-id", "s1", "--shop-name", "shop", "--platform", "taobao")
    quiet("import", root, tmp_path / "exports")
    return root


def ask(root: Path, kind: str = "run") -> int:
    config = load_config(root)
    with open_store(config) as store:
        queue = Queue(config, store)
        job_id = queue.ask(kind, by="lan")  # type: ignore[arg-type]
        queue.close()
    return job_id


def test_jobs_are_listed_cancelled_repeated_and_done(run: Run, shop: Path) -> None:
    job = ask(shop)
    assert "waiting" in run("jobs", "list", shop).out
    assert json.loads(run("jobs", "cancel", shop, job, "--format", "json").out) == {
        "id": job,
        "state": "cancelled",
        "wants_cancel": True,
    }
    refused = run("jobs", "cancel", shop, job)
    assert (refused.code, "over already" in refused.err) == (2, True)
    again = json.loads(run("jobs", "retry", shop, job, "--format", "json").out)
    assert again == {"id": job + 1, "retry_of": job}
    assert "1 job(s) done" in run("jobs", "work", shop, "--once").err
    listed = json.loads(run("jobs", "list", shop, "--format", "json").out)
    assert listed["worker"] is False
    states = [(one["id"], one["state"], one["asked_by"]) for one in listed["jobs"]]
    assert states == [(job + 1, "done", "command line"), (job, "cancelled", "lan")]
    assert listed["jobs"][0]["result"]["mode"] == "full"
    assert run("jobs", "retry", shop, 99).code == 2


def test_what_is_done_by_itself_is_set_and_ended(run: Run, shop: Path) -> None:
    assert run("jobs", "nightly", shop, "02:30").code == 0
    assert run("jobs", "watch", shop, "drop").code == 0
    jobs = load_config(shop).jobs
    assert (str(jobs.nightly), jobs.watched(shop)) == ("02:30:00", shop / "drop")
    wrong = run("jobs", "nightly", shop, "half past two")
    assert (wrong.code, "02:30" in wrong.err) == (2, True)
    for name in ("nightly", "watch"):
        assert json.loads(run("jobs", name, shop, "off", "--format", "json").out) == {name: None}
    assert (load_config(shop).jobs.nightly, load_config(shop).jobs.watch) == (None, None)


@pytest.mark.parametrize(
    "line",
    ['nightly = "24:00"', 'memory = "much"', "threads = 0", 'watch = ""', "upload_mb = 0", "x = 1"],
)
def test_a_term_that_does_not_hold_is_told(run: Run, shop: Path, line: str) -> None:
    with (shop / "jinpai.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[jobs]\n{line}\n")
    told = run("jobs", "list", shop)
    assert (told.code, "jobs" in told.err) == (2, True)


def test_an_import_is_taken_back(run: Run, shop: Path) -> None:
    (made,) = json.loads(run("lake", "undo", shop, "--format", "json").out)["imports"]
    assert (made["what"], made["may_undo"]) == ("import", True)
    assert made["rows"] == {"agents": 2, "messages": 5, "orders": 2}
    assert "messages +5" in run("lake", "undo", shop).out
    done = run("lake", "undo", shop, made["number"])
    assert (done.code, "is taken back" in done.err) == (0, True)
    assert Workspace(shop).lake.snapshot().files("messages") == []
    again = run("lake", "undo", shop, made["number"])
    assert (again.code, "Later imports" in again.err) == (2, True)
    assert "import taken back" in run("lake", "history", shop).out
