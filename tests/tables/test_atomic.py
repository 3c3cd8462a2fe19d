"""Killed at any moment, and two writers at once."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable
from lakes import counts, load, new_lake, rows_of, whole

from jinpai.errors import WorkspaceError
from jinpai.sources.base import Batch, Reject
from jinpai.tables import delta, state, upkeep
from jinpai.tables.lake import Lake, Snapshot
from jinpai.tables.load import import_batches

KILLS = 27
ZONE = {"timezone": "UTC"}
Content = dict[str, list[tuple[Any, ...]]]


def story(version: int) -> list[Batch | Reject]:
    """An import that replaces rows in several tables and months, and adds and refuses some."""
    note = f"v{version}"
    days = [f"2026-{month:02}-02 09:00:00" for month in (1, 2)]
    orders = [
        {"order_id": f"{n}", "created_at": days[n % 2], "note": note if n % 3 else ""}
        for n in range(6)
    ]
    new = {"order_id": f"new{version}", "created_at": days[version % 2], "note": note}
    messages = [
        {
            "message_id": f"{n}",
            "buyer_id": "b",
            "sender": "buyer",
            "sent_at": days[(n + version) % 2],
            "text": note,
        }
        for n in range(4)
    ]
    agents = [{"agent_id": "a", "name": note}]
    return [
        whole("orders", [*orders, new], "orders.csv"),
        whole("messages", messages, "messages.csv"),
        whole("agents", agents, "agents.csv"),
        Reject("orders", "orders.csv", 99, None, "unreadable_row", note),
    ]


def content(snapshot: Snapshot) -> Content:
    return {
        "orders": rows_of(snapshot, "orders", "order_id, created_at::VARCHAR, note"),
        "messages": rows_of(snapshot, "messages", "message_id, sent_at::VARCHAR, text"),
        "agents": rows_of(snapshot, "agents", "agent_id, name"),
        "rejects": [(row["raw"],) for row in snapshot.lake.rejects().to_pylist()],
    }


def after(before: Content, version: int) -> Content:
    """What the lake must hold once `story` is loaded on top of ``before``."""
    orders, messages, agents, reject = story(version)
    assert isinstance(orders, Batch)
    assert isinstance(messages, Batch)
    assert isinstance(agents, Batch)
    assert isinstance(reject, Reject)
    new: dict[str, dict[str, tuple[Any, ...]]] = {
        name: {row[0]: row for row in before[name]} for name in ("orders", "messages", "agents")
    }
    for batch in (orders, messages, agents):
        for row in batch.rows.to_pylist():
            values = tuple(value or None for value in row.values() if value not in ("b", "buyer"))
            new[batch.table][str(values[0])] = values
    made: Content = {name: sorted(rows.values()) for name, rows in new.items()}
    return {**made, "rejects": [*before["rejects"], (reject.raw,)]}


def run_story(root: Path, version: int, ready: Connection) -> None:
    """In a process of its own."""
    ready.send("go")
    load(Lake(root), *story(version), **ZONE)


def start(root: Path, version: int) -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jinpai.tables.load", "lakes"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=run_story, args=(root, version, there))
    process.start()
    assert here.recv() == "go"
    return process


def assert_whole(lake: Lake) -> None:
    """Nothing is left over, and a reader of the raw Delta tables sees what is in force."""
    snapshot = lake.snapshot()
    numbers = state.manifests(lake.folder / "_state")
    every = [Snapshot(lake, state.read(lake.folder / "_state", number)) for number in numbers]
    for name, version in snapshot.versions.items():
        raw = DeltaTable(lake.folder / name)
        assert sorted(raw.file_uris()) == snapshot.files(name)
        assert raw.version() == version
        on_disk = {str(path) for path in (lake.folder / name).rglob("part-*")}
        assert on_disk == {file for one in every for file in one.files(name)}
    assert not list((lake.folder / "_tmp").iterdir())
    kept = {path.name for path in lake.rejects_folder.iterdir()}
    assert kept == set(snapshot.manifest.rejects)


def test_killed_at_any_moment(tmp_path: Path) -> None:
    lake, dice = new_lake(tmp_path), random.Random(7)
    load(lake, *story(0), **ZONE)
    expected = content(lake.snapshot())
    assert expected == after({name: [] for name in expected}, 0)
    began = time.monotonic()
    timed = start(tmp_path, 1)
    timed.join()
    span = time.monotonic() - began
    expected = after(expected, 1)
    fates = {"before": 0, "after": 0}
    for version in range(2, KILLS + 2):
        process = start(tmp_path, version)
        time.sleep(dice.uniform(0.1, 1.1) * span)
        process.kill()  # SIGKILL
        process.join()
        found, done = content(lake.snapshot()), after(expected, version)
        assert found in (expected, done), f"killed import {version} left something between"
        fates["after" if found == done else "before"] += 1
        expected = found
    assert min(fates.values()) >= 3, f"the kills missed the work: {fates}"
    load(lake, *story(99), **ZONE)
    assert content(lake.snapshot()) == after(expected, 99)
    assert_whole(lake)


@pytest.mark.parametrize("tables", [0, 1, 2, 3])
def test_died_between_two_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: int
) -> None:
    """Killed after so many Delta commits, just before the manifest: all of it is undone."""
    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    before, states = content(lake.snapshot()), lake.snapshot().id
    real, left = delta.commit, iter(range(tables))

    def dying(*arguments: Any) -> int:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(delta, "commit", dying)
        patched.setattr(Lake, "_publish", _die)
        patched.setattr("shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            load(lake, *story(1), **ZONE)
    assert content(lake.snapshot()) == before
    assert lake.repair()
    assert not lake.repair()
    assert content(lake.snapshot()) == before
    assert lake.snapshot().id >= states
    assert_whole(lake)
    load(lake, *story(1), **ZONE)
    assert content(lake.snapshot()) == after(before, 1)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_first_import_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = new_lake(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Lake, "_publish", _die)
        patched.setattr("shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            load(lake, *story(0), **ZONE)
    assert rows_of(lake.snapshot(), "orders") == []
    assert lake.repair()
    load(lake, *story(1), **ZONE)
    assert content(lake.snapshot()) == after({name: [] for name in content(lake.snapshot())}, 1)
    assert_whole(lake)


@pytest.mark.parametrize("versions", [(1, 2), (1, 1)])
def test_two_imports_at_once(tmp_path: Path, versions: tuple[int, int]) -> None:
    lake = new_lake(tmp_path)
    processes = [start(tmp_path, version) for version in versions]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    nothing: Content = {"orders": [], "messages": [], "agents": [], "rejects": []}
    one, two = versions
    orders = (after(after(nothing, one), two), after(after(nothing, two), one))
    assert content(lake.snapshot()) in orders
    assert_whole(lake)


def test_an_error_while_reading_changes_nothing(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    before = lake.snapshot()

    def broken() -> Any:
        yield from story(1)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        import_batches(lake, broken(), shop_id="s1", timezone="UTC")
    assert lake.snapshot() == before
    assert_whole(lake)


def test_a_pinned_snapshot_stays(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    pinned = lake.snapshot()
    before = content(pinned)["orders"]
    load(lake, *story(1), **ZONE)
    assert content(pinned)["orders"] == before
    assert content(lake.snapshot())["orders"] != before


def test_empty_lake_has_typed_views(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        new_lake(tmp_path).snapshot().register(con)
        kinds = dict(con.sql("SELECT column_name, column_type FROM (DESCRIBE orders)").fetchall())
        assert kinds["created_at"] == "TIMESTAMP"
        assert kinds["paid_amount"] == "DECIMAL(18,2)"
        assert kinds["source_row"] == "BIGINT"
        assert con.sql("SELECT count(*) FROM messages").fetchall() == [(0,)]


def test_runs(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    with duckdb.connect() as con:
        lake.snapshot().register(con)
        con.execute("CREATE TABLE days AS SELECT DATE '2026-03-01' AS day, 1.5::DECIMAL(18,2) AS m")
        notes = "SELECT note, created_at, sum(1) AS n FROM orders GROUP BY ALL"
        lines = {"days": "days", "notes": notes}
        first = lake.write_run(con, lines, {"settings_id": "x", "as_of": 5})
        assert first.run == {"settings_id": "x", "as_of": 5}
        lake.write_run(con, {"notes": "SELECT 'only' AS note WHERE false"}, {"settings_id": "y"})
        latest = lake.snapshot()
        assert latest.derived == ("notes",)
        latest.register_derived(con)
        assert con.sql("FROM notes").fetchall() == []
        first.register_derived(con)
        day = con.sql("SELECT day::VARCHAR, m::VARCHAR FROM days").fetchall()
        assert day == [("2026-03-01", "1.50")]
        found = con.sql("SELECT note, created_at::VARCHAR, n FROM notes ORDER BY ALL").fetchall()
        assert len(found) == 4
        kinds = dict(con.sql("SELECT column_name, column_type FROM (DESCRIBE notes)").fetchall())
        assert kinds == {"note": "VARCHAR", "created_at": "TIMESTAMP", "n": "BIGINT"}
    assert counts(load(lake, *story(0), **ZONE), "orders")[3] == 7
    assert lake.snapshot().run == {"settings_id": "y"}
    assert upkeep.vacuum(lake, days=0, hours=0).files
    latest.register_derived(duckdb.connect())


def test_damaged_manifest(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    (lake.folder / "_state" / "1.json").write_text("{", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"1\.json"):
        lake.snapshot()


def test_a_dead_run_is_no_other_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run at work while a dead one is taken back is published; beside a live one it is not."""
    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    with duckdb.connect() as con:
        lake.write_run(con, {"days": "SELECT 1 AS n"}, {})
        base = lake.snapshot()
        with monkeypatch.context() as dying:
            dying.setattr(state, "publish", _die)
            with pytest.raises(KeyboardInterrupt):
                lake.write_run(con, {"days": "SELECT 2 AS n"}, {}, base)
        assert delta.version(lake.folder / "days") != base.versions["days"]
        lake.write_run(con, {"days": "SELECT 3 AS n"}, {}, base)
        with pytest.raises(WorkspaceError, match="Another run"):
            lake.write_run(con, {"days": "SELECT 4 AS n"}, {}, base)
        lake.snapshot().register_derived(con)
        assert con.sql("FROM days").fetchall() == [(3,)]
    assert_whole(lake)


def _die(*_: object) -> None:
    raise KeyboardInterrupt
