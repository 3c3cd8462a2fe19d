"""A lake in an object store: the same as on a disk, for every machine that opens it."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lakes import load, rows_of, whole
from test_atomic import ZONE, after, content, story

from buckets import bucket, served
from jinpai.errors import UsageError, WorkspaceError
from jinpai.tables import delta, lease, mounts, state
from jinpai.tables.lake import Lake, Writer

ROUNDS = 6  # times two writers meet
EMPTY: dict[str, list[tuple[Any, ...]]] = {
    name: [] for name in ("orders", "messages", "agents", "rejects")
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def url(address: str, request: pytest.FixtureRequest) -> str:
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())
    return f"{bucket(address, name[:50].strip('-'))}/some where/金牌"


def write(root: Path, url: str, rows: range) -> None:
    """In a process of its own: as many imports as there are rows."""
    lake = Lake(root, url)
    for number in rows:
        row = {"order_id": str(number), "created_at": "2026-03-02 10:00:00", "note": root.name}
        load(lake, whole("orders", [row], f"{number}.csv"), **ZONE)


def test_every_machine_sees_the_same(tmp_path: Path, url: str) -> None:
    one, two = Lake(tmp_path / "one", url), Lake(tmp_path / "two", url)
    load(one, *story(0), **ZONE)
    first = one.snapshot()
    assert content(two.snapshot()) == after(EMPTY, 0)
    load(two, *story(1), **ZONE)
    expected = after(after(EMPTY, 0), 1)
    assert content(one.snapshot()) == content(two.snapshot()) == expected
    assert content(replace(first))["orders"] == after(EMPTY, 0)["orders"]
    shutil.rmtree(tmp_path / "one")
    assert content(one.snapshot()) == expected  # what is kept here is only a copy


def test_runs_lie_there_as_well(tmp_path: Path, url: str) -> None:
    one, two = Lake(tmp_path / "one", url), Lake(tmp_path / "two", url)
    load(one, *story(0), **ZONE)
    with duckdb.connect() as con:
        one.snapshot().register(con)
        one.write_run(con, {"days": "SELECT order_id, created_at FROM orders"}, {"as_of": 1})
        found = two.snapshot()
        assert found.run == {"as_of": 1}
        found.register_derived(con)
        expected = con.sql("SELECT order_id, created_at FROM orders").fetchall()
        assert sorted(con.sql("FROM days").fetchall()) == sorted(expected)
    assert found.count("days") == 7
    assert all(Path(file).is_relative_to(tmp_path / "two") for file in found.files("days"))


def test_two_writers_at_once_lose_nothing(tmp_path: Path, url: str) -> None:
    context = multiprocessing.get_context("spawn")
    parts = {"one": range(ROUNDS), "two": range(100, 100 + ROUNDS)}
    writers = [
        context.Process(target=write, args=(tmp_path / name, url, rows))
        for name, rows in parts.items()
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    lake = Lake(tmp_path / "three", url)
    assert rows_of(lake.snapshot(), "orders", "order_id::INT, note") == [
        (number, name) for name, rows in parts.items() for number in rows
    ]
    assert lake.snapshot().id == 2 * ROUNDS
    assert not lake.repair()


def test_a_dead_writer_is_undone_by_the_next_machine(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Lake(tmp_path / "one", url), Lake(tmp_path / "two", url)
    load(one, *story(0), **ZONE)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "_publish", die)  # all tables are committed, nothing is published
        patched.setattr(mounts.Mount, "write", lambda *_: None)  # no sign of life, no farewell
        patched.setattr(mounts.Mount, "delete", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            load(one, *story(1), **ZONE)
    assert content(two.snapshot()) == after(EMPTY, 0)
    monkeypatch.setattr(lease, "DEAD", 0.5)
    load(two, *story(2), **ZONE)
    assert content(two.snapshot()) == content(one.snapshot()) == after(after(EMPTY, 0), 2)
    for name, version in two.snapshot().versions.items():
        assert delta.version(two.folder / name) == version


def test_a_writer_that_slept_publishes_nothing(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken for dead in the middle of an import, it must not put its half in force."""
    one, two = Lake(tmp_path / "one", url), Lake(tmp_path / "two", url)
    load(one, *story(0), **ZONE)
    monkeypatch.setattr(lease, "BEAT", 1000.0)
    monkeypatch.setattr(lease, "DEAD", 0.5)
    real = Writer.publish

    def asleep(self: Writer, *arguments: Any) -> Any:
        monkeypatch.setattr(Writer, "publish", real)
        load(two, *story(1), **ZONE)  # another machine, meanwhile
        return real(self, *arguments)

    monkeypatch.setattr(Writer, "publish", asleep)
    with pytest.raises(WorkspaceError, match="another writer"):
        load(one, *story(2), **ZONE)
    two.repair()
    assert content(two.snapshot()) == content(one.snapshot()) == after(after(EMPTY, 0), 1)
    load(one, *story(2), **ZONE)
    assert content(two.snapshot()) == after(after(after(EMPTY, 0), 1), 2)


def test_pins_lie_there_as_well(tmp_path: Path, url: str) -> None:
    one, two = Lake(tmp_path / "one", url), Lake(tmp_path / "two", url)
    load(one, *story(0), **ZONE)
    one.pin(1, "三月")
    one.pin(1, "三月")
    assert two.pins() == {"三月": 1}
    load(two, *story(1), **ZONE)
    with pytest.raises(WorkspaceError, match="keeps state 1"):
        two.pin(2, "三月")
    with pytest.raises(WorkspaceError, match="cannot be read"):
        two.pin(99, "四月")


def test_a_store_that_does_not_answer_is_named(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="s3://BUCKET"):
        Lake(tmp_path / "bad", "https://example.com/x")
    with pytest.raises(WorkspaceError, match="nowhere-at-all"):
        Lake(tmp_path / "none", "s3://nowhere-at-all/x").snapshot()
    lake = Lake(tmp_path / "one", url)
    load(lake, *story(0), **ZONE)
    here = mounts.mounted(lake.folder)
    assert here is not None
    here.write(lake.folder / "_state" / "1.json", b"{")
    with pytest.raises(WorkspaceError, match=r"1\.json"):
        lake.snapshot()
    assert state.manifests(lake.folder / "_state") == [1]
