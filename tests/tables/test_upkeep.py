"""Small files together, old ones gone, damage found; figures and locked states untouched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from lakes import load, new_lake, rows_of, whole
from test_atomic import ZONE, after, content, story

from buckets import bucket, served
from jinpai.errors import WorkspaceError
from jinpai.tables import delta, upkeep
from jinpai.tables.lake import Lake

EMPTY: dict[str, list[tuple[Any, ...]]] = {
    name: [] for name in ("orders", "messages", "agents", "rejects")
}
DAYS = 5


def order(number: int, note: str = "") -> dict[str, object]:
    return {
        "order_id": f"o{number}",
        "buyer_id": f"b{number % 3}",
        "created_at": f"2026-03-{1 + number // 10:02} 10:00:0{number % 10}",
        "note": note,
    }


def nightly(lake: Lake) -> None:
    """An import a day, each a small file."""
    for day in range(DAYS):
        rows = [order(number) for number in range(10 * day, 10 * day + 10)]
        load(lake, whole("orders", rows, f"{day}.csv"), **ZONE)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture(params=["disk", "store"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "disk":
        return new_lake(tmp_path)
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())
    url = bucket(request.getfixturevalue("address"), name[:50].strip("-"))
    return Lake(tmp_path, f"{url}/lake")


def test_small_files_come_together(lake: Lake) -> None:
    nightly(lake)
    every = "* EXCLUDE (source_file), source_file"
    before, old = rows_of(lake.snapshot(), "orders", every), lake.snapshot()
    assert len(old.files("orders")) == DAYS
    (done,) = upkeep.optimize(lake)
    assert (done.table, done.files_before, done.files_after) == ("orders", DAYS, 1)
    assert done.bytes_after < done.bytes_before
    assert rows_of(lake.snapshot(), "orders", every) == before
    (file,) = lake.snapshot().files("orders")
    buyers = pq.read_table(file)["buyer_id"].to_pylist()
    assert buyers == sorted(buyers)
    assert rows_of(old, "orders", every) == before
    assert upkeep.optimize(lake) == []
    assert upkeep.verify(lake).faults == []
    load(lake, whole("orders", [order(3, "new")], "late.csv"), **ZONE)
    assert ("o3", "new") in rows_of(lake.snapshot(), "orders", "order_id, note")
    assert lake.snapshot().count("orders") == 10 * DAYS


def test_files_that_are_big_enough_stay(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    nightly(lake)
    sizes = [file.size for file in lake.snapshot().data_files("orders")]
    assert upkeep.optimize(lake, small=min(sizes)) == []


def test_a_run_stays_up_to_date(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    nightly(lake)
    with duckdb.connect() as con:
        read = lake.snapshot().versions
        meta = {"versions": read, "shops": [{"shop_id": "s1", "versions": {"orders": 1}}, {}]}
        lake.write_run(con, {"days": "SELECT 1 AS n"}, meta)
    upkeep.optimize(lake)
    now = lake.snapshot()
    assert now.versions["orders"] == read["orders"] + 1
    assert now.run == {
        "versions": {"orders": now.versions["orders"]},
        "shops": [{"shop_id": "s1", "versions": {"orders": 1}}, {}],
    }
    assert now.derived == ("days",)


def test_old_files_go_and_kept_ones_stay(lake: Lake) -> None:
    nightly(lake)
    lake.pin(2, "二月")
    pinned, everything = lake.at(2), len(lake.existing())
    before = rows_of(pinned, "orders")
    upkeep.optimize(lake)
    assert upkeep.vacuum(lake).files == ()  # states of this week, and files of today
    assert upkeep.vacuum(lake, days=0).files == ()
    shown = upkeep.vacuum(lake, days=0, hours=0, dry_run=True)
    assert len(lake.existing()) == everything + 1
    done = upkeep.vacuum(lake, days=0, hours=0)
    assert done == shown
    assert len(done.files) == everything - 2  # all but the two small files of state 2
    assert done.kept_states == (2, DAYS + 1)
    assert rows_of(pinned, "orders") == before
    assert lake.snapshot().count("orders") == len(rows_of(lake.snapshot(), "orders")) == 10 * DAYS
    states = {state.number: state for state in upkeep.history(lake)}
    # State 1 needs but one of the files of state 2, which are kept.
    assert [number for number, one in states.items() if one.is_readable] == [1, 2, DAYS + 1]
    assert states[2].pins == ("二月",)
    assert (states[6].what, states[6].changed) == ("optimize", ("orders",))
    with pytest.raises(WorkspaceError, match="cannot be kept"):
        lake.pin(3, "late")
    assert upkeep.verify(lake).faults == []


def test_a_run_keeps_what_it_was_made_from(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    read = lake.snapshot()
    with duckdb.connect() as con:
        lake.write_run(con, {"days": "SELECT 1 AS n"}, {"versions": read.versions})
        lake.write_run(con, {"days": "SELECT 2 AS n"}, {"versions": read.versions})
    load(lake, *story(1), **ZONE)
    gone = upkeep.vacuum(lake, days=0, hours=0).files
    assert [name.partition("/")[0] for name in gone] == ["days"]
    expected = after(EMPTY, 0)
    assert content(read)["orders"] == expected["orders"]
    assert content(lake.snapshot()) == after(expected, 1)


def damaged(lake: Lake) -> Path:
    return Path(lake.snapshot().files("orders")[0])


def flip(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


def test_damage_is_found(tmp_path: Path) -> None:
    def problems() -> list[tuple[str, str]]:
        return [(fault.table, fault.problem) for fault in upkeep.verify(lake).faults]

    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    seen = upkeep.verify(lake)
    assert (seen.faults, seen.unproven) == ([], 0)
    assert seen.rows == 7 + 4 + 1
    assert seen.files == len(lake.existing())
    path = damaged(lake)
    good = path.read_bytes()
    flip(path)
    assert problems() == [("orders", "checksum")]
    path.write_bytes(good + b"x")
    assert problems() == [("orders", "size")]
    path.unlink()
    assert problems() == [("orders", "missing")]
    path.write_bytes(good)
    lake.pin(1, "march")
    path.unlink()
    assert problems() == [("orders", "missing"), ("", "state")]


def test_without_checksums_rows_are_counted(tmp_path: Path) -> None:
    """As of a lake made before there were any."""
    lake = new_lake(tmp_path)
    load(lake, *story(0), **ZONE)
    for path in (lake.states / "sums").iterdir():
        path.unlink()
    seen = upkeep.verify(lake)
    assert (seen.faults, seen.unproven) == ([], seen.files)
    path = damaged(lake)
    log = lake.folder / "orders" / "_delta_log" / f"{1:020}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if str(path).endswith(line.get("add", {}).get("path", "?")):
            line["add"]["stats"] = json.dumps({"numRecords": 99})
    log.write_text("\n".join(map(json.dumps, lines)))
    (fault,) = upkeep.verify(lake).faults
    assert (fault.problem, fault.expected) == ("rows", "99")


def test_damage_in_the_store_is_found(tmp_path: Path, address: str) -> None:
    """What lies there counts, not the copy on this machine."""
    url = f"{bucket(address, 'damaged-there')}/lake"
    one, two = Lake(tmp_path / "one", url), Lake(tmp_path / "two", url)
    load(one, *story(0), **ZONE)
    two.snapshot().files("orders")
    path = one.folder / "orders" / next(iter(delta.names_of(one.folder / "orders")))
    flip(path)
    assert upkeep.verify(two).faults == []
    from jinpai.tables.mounts import mounted

    here = mounted(path)
    assert here is not None
    here.push([path.absolute()])
    assert [fault.problem for fault in upkeep.verify(two).faults] == ["checksum"]
