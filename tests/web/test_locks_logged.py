"""A server that dies between a lock and its line in the audit log: the line comes all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jinpai.appraisal import api
from jinpai.scoring.examples import write_example
from jinpai.scoring.lock import lock_names
from jinpai.store import events_of
from jinpai.web.app import create_app
from web.small import browser_of, csrf_of, small_shop

JSON = {"accept": "application/json"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = small_shop(tmp_path / "shop", runs=True).root
    (made / "plans").mkdir()
    write_example("starter", made / "plans" / "starter.yaml")
    return made


def lines(app: FastAPI, name: str) -> list[tuple[str, str]]:
    with app.state.store.read() as session:
        return [(one.actor, one.kind) for one in events_of(session, f"lock:{name}")]


def test_the_line_of_a_lock_outlives_the_server(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_period = api.lock_period

    def dying(*args: Any, **more: Any) -> None:
        lock_period(*args, **more)
        raise RuntimeError("killed as soon as the file is there")

    with TestClient(create_app(root)) as nobody:
        app: Any = nobody.app
        owner = browser_of(app)
        monkeypatch.setattr(api, "lock_period", dying)
        form = {"name": "2026-03", "agreed": "yes"}
        path = "/kpi/lock?plan=starter&from=2026-03-02&to=2026-03-02"
        assert owner.post(path, data=form, headers=csrf_of(owner)).status_code == 500
        monkeypatch.undo()
        assert lock_names(root) == ["2026-03"]
        assert lines(app, "2026-03") == []
    for _ in range(2):  # the next server writes it, the one after that leaves it
        with TestClient(create_app(root)) as nobody:
            after: Any = nobody.app
            assert lines(after, "2026-03") == [("owner", "period.locked")]


@pytest.mark.parametrize("page", ["/audit", "/kpi"])
def test_a_lock_of_the_command_line_is_in_the_log_one_looks_at(root: Path, page: str) -> None:
    with TestClient(create_app(root)) as nobody:
        app: Any = nobody.app
        owner, reader = browser_of(app), app.state.reader
        reader.lock("of-old", reader.score(root / "plans" / "starter.yaml"), by="command line")
        assert owner.get(page).status_code == 200
        assert lines(app, "of-old") == [("command line", "period.locked")]
        rows = owner.get("/audit", headers=JSON).json()["tables"]["audit"]["rows"]
        assert [row["actor"] for row in rows if row["subject"] == "lock:of-old"] == ["command line"]
