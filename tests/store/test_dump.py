"""Backups: whole, from one moment, into either database, and refused when they are not right."""

from __future__ import annotations

import gzip
import json
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from review_facts import facts
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from jinpai.errors import InputError, JinpaiError, UnreadableFile, UsageError, WorkspaceError
from jinpai.store import Base, Store, events_of, log_event, open_store
from jinpai.store.calibrating import open_calibration, rule_calibration
from jinpai.store.dump import backup, restore
from jinpai.store.people import User
from jinpai.store.reviews import Case
from jinpai.store.rulings import appeal, case_of, decide, open_sample, rule, show_days
from jinpai.store.upgrade import build, head


def fill(store: Store) -> None:
    """Put something into the store of every kind a column can be: null, JSON, dates, texts."""
    with store.write() as session:
        open_sample(session, [facts("f1"), facts("f2", agent=None)], {"n": 1, "言": None}, by="Ann")
        rule(session, "f1", "right", reviewer="Cai", comment='"引号"\n换行 \U0001f44d')
        appeal(session, "f1", agent="shop:Bo", reason="断网", appeal_days=7, decide_days=7)
        decide(session, "f1", "upheld", reviewer="Dan")
        show_days(session, [("s1", facts("f1")["day"])], datetime(2026, 3, 2, 1, 2, 3, 4, UTC))
        open_calibration(session, [facts("f3")], ["Cai", "Dan"], name="三月", by="Ann")
        rule_calibration(session, 1, "f3", "partly", reviewer="Cai")


def contents(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every model's table."""
    with store.read() as session:
        return {
            table.name: [
                dict(row)
                for row in session.execute(table.select().order_by(*table.primary_key)).mappings()
            ]
            for table in Base.metadata.sorted_tables
        }


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_lines(path: Path, written: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in written)


def test_a_backup_holds_every_table(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    counts = backup(store, folder / "b")
    there = set(inspect(store.engine).get_table_names())
    assert set(counts) == there - {"alembic_version"}
    assert stat.S_IMODE((folder / "b").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["b"]


def test_what_is_restored_is_what_was_there(new_store: Callable[[], Store], tmp_path: Path) -> None:
    first, second = new_store(), new_store()
    fill(first)
    counts = backup(first, tmp_path / "b")
    assert restore(second, tmp_path / "b") == counts
    assert contents(second) == contents(first)
    assert counts["cases"] == 3
    assert counts["rulings"] == counts["appeals"] == counts["calibration_rulings"] == 1


def test_a_restored_store_goes_on(new_store: Callable[[], Store], tmp_path: Path) -> None:
    first, second = new_store(), new_store()
    fill(first)
    backup(first, tmp_path / "b")
    restore(second, tmp_path / "b")
    with second.write() as session:
        assert rule(session, "f2", "wrong", reviewer="Cai").state == "settled"
        number, _ = open_sample(session, [facts("f9")], {}, by="Ann")
        assert number == 2

    def deleting() -> None:
        with second.write() as session:
            session.execute(text("delete from events"))

    with pytest.raises((JinpaiError, DBAPIError), match="only ever"):
        deleting()


def test_it_goes_from_one_database_to_the_other(
    store: Store, tmp_path: Path, other_url: str
) -> None:
    fill(store)
    backup(store, tmp_path / "b")
    with open_store(other_url) as moved:
        restore(moved, tmp_path / "b")
        assert contents(moved) == contents(store)


def test_a_store_with_something_in_it_is_not_replaced_unasked(
    new_store: Callable[[], Store], tmp_path: Path
) -> None:
    first, second = new_store(), new_store()
    fill(first)
    backup(first, tmp_path / "b")
    with second.write() as session:
        log_event(session, actor="bo", kind="a.b", subject="x:1")
    with pytest.raises(UsageError, match="--force") as caught:
        restore(second, tmp_path / "b")
    assert caught.value.zh
    assert len(contents(second)["events"]) == 1
    restore(second, tmp_path / "b", force=True)
    assert contents(second) == contents(first)


@pytest.mark.parametrize("damage", ["cut", "row gone", "no gzip", "no head", "bad row", "list"])
def test_a_damaged_backup_changes_nothing(store: Store, tmp_path: Path, damage: str) -> None:
    fill(store)
    path = tmp_path / "b"
    backup(store, path)
    before, whole = contents(store), lines(path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "row gone":
        write_lines(path, [*whole[:3], *whole[4:]])
    elif damage == "no gzip":
        path.write_text("hello")
    elif damage == "no head":
        write_lines(path, whole[1:])
    elif damage == "list":
        with gzip.open(path, "wt") as file:
            file.write("[]\n")
    else:
        wrong = {**whole[1], "table": "nothing"}
        counts = {**whole[-1]["end"], "nothing": 1}
        write_lines(path, [whole[0], wrong, *whole[1:-1], {"end": counts}])
    with pytest.raises(UnreadableFile) as caught:
        restore(store, path, force=True)
    assert caught.value.zh
    assert str(path) in str(caught.value)
    assert contents(store) == before


def test_a_backup_that_breaks_a_rule_of_the_tables_changes_nothing(
    store: Store, tmp_path: Path
) -> None:
    fill(store)
    path = tmp_path / "b"
    backup(store, path)
    before, whole = contents(store), lines(path)
    for line in whole:
        if line.get("table") == "rulings":
            line["row"]["verdict"] = "maybe"
    write_lines(path, whole)
    with pytest.raises(UnreadableFile):
        restore(store, path, force=True)
    assert contents(store) == before


def test_a_backup_of_a_later_version_is_refused(store: Store, tmp_path: Path) -> None:
    backup(store, tmp_path / "b")
    whole = lines(tmp_path / "b")
    write_lines(tmp_path / "b", [{**whole[0], "version": "9999"}, *whole[1:]])
    with pytest.raises(WorkspaceError, match="9999"):
        restore(store, tmp_path / "b")
    assert contents(store)["events"] == []


def test_a_backup_of_an_earlier_version_is_brought_to_this_one(
    new_url: Callable[[], str], tmp_path: Path
) -> None:
    with Store_at(new_url(), "0001") as old:
        with old.write() as session:
            log_event(session, actor="bo", kind="a.b", subject="x:1")
        backup(old, tmp_path / "b")
    with open_store(new_url()) as store:
        restore(store, tmp_path / "b")
        with store.read() as session:
            assert [event.actor for event in events_of(session)] == ["bo"]
            assert session.execute(text("select version_num from alembic_version")).all() == [
                (head(),)
            ]
            assert session.query(Case).count() == session.query(User).count() == 0


def Store_at(url: str, version: str) -> Store:  # noqa: N802 - stands for the class
    """Return a store of an earlier version."""
    from jinpai.store.database import checked_url

    store = Store(checked_url(url))
    writing = store.engine.execution_options(jinpai_writes=True)
    with writing.connect() as connection, connection.begin():
        build(connection, version)
    return store


def test_a_missing_file_and_a_folder_are_told(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        restore(store, tmp_path / "none")
    with pytest.raises(UnreadableFile):
        restore(store, tmp_path)
    with pytest.raises(UsageError):
        backup(store, tmp_path / "none" / "b")


def test_a_backup_is_of_one_moment(store: Store, tmp_path: Path) -> None:
    """Cases and their events are written together, also while others rule."""
    done = threading.Event()

    def working() -> None:
        number = 0
        while not done.is_set():
            number += 1
            with store.write() as session:
                open_sample(session, [facts(f"g{number}")], {}, by="Ann")
                rule(session, f"g{number}", "right", reviewer="Cai")

    worker = threading.Thread(target=working)
    worker.start()
    try:
        for _ in range(5):
            counts = backup(store, tmp_path / "b")
            assert counts["cases"] == counts["rulings"] == counts["samples"]
            assert counts["events"] == 2 * counts["cases"]
    finally:
        done.set()
        worker.join()
    with store.read() as session:
        assert case_of(session, "g1").state == "settled"
