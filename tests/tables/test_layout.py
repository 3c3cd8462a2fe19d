"""How rows lie in files: small shops together, big ones apart, and every row where it is sought."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import duckdb
import pyarrow.parquet as pq
import pytest
from lakes import load, new_lake, rows_of, whole

from jinpai.errors import WorkspaceError
from jinpai.sources.base import Batch
from jinpai.tables import delta, upkeep, write
from jinpai.tables.contents import contents
from jinpai.tables.lake import Lake

ZONE = {"shop_id": "s00", "timezone": "Asia/Shanghai"}
SHOPS = [f"s{number:02}" for number in range(12)]
BIG = "s05"


def orders(shops: list[str], each: int, month: int = 3, note: str = "") -> Batch:
    rows = [
        {
            "shop_id": shop,
            "order_id": f"{shop}-{month}-{number}",
            "buyer_id": f"b{number % 3}",
            "created_at": f"2026-{month:02}-10 10:00:{number:02}",
            "note": note,
        }
        for shop in shops
        for number in range(each * (5 if shop == BIG else 1))
    ]
    Random(1).shuffle(rows)
    return whole("orders", rows, f"{month}{note}.csv")


def held(lake: Lake) -> list[tuple[str | None, list[str], int]]:
    """Month, shops and rows of every file."""
    snapshot = lake.snapshot()
    found = []
    for file in snapshot.data_files("orders"):
        table = pq.read_table(lake.folder / "orders" / file.path, partitioning=None)
        shops = table["shop_id"].to_pylist()
        assert shops == sorted(shops)
        assert (file.first_shop, file.last_shop) == (shops[0], shops[-1])
        assert file.rows == len(shops)
        found.append((file.month, sorted(set(shops)), file.rows))
    return sorted(found, key=lambda one: (one[0] or "", one[1]))


def test_small_shops_share_files(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    load(lake, orders(SHOPS, 4, 3), orders(SHOPS, 4, 4), **ZONE)
    rows = 4 * len(SHOPS) + 4 * 4
    assert held(lake) == [("2026-03", SHOPS, rows), ("2026-04", SHOPS, rows)]


def test_a_big_shop_has_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_SHARED", 16)
    lake = new_lake(tmp_path)
    load(lake, orders(SHOPS, 4), **ZONE)
    # 11 small shops of 4 rows make three parts of 44 / 3 rows, a shop being where its first row is;
    # the big one with 20 is alone and cuts the second part in two.
    assert held(lake) == [
        ("2026-03", ["s00", "s01", "s02", "s03"], 16),
        ("2026-03", ["s04"], 4),
        ("2026-03", [BIG], 20),
        ("2026-03", ["s06", "s07", "s08"], 12),
        ("2026-03", ["s09", "s10", "s11"], 12),
    ]


@pytest.mark.parametrize("shared", [1, 16, 30, 250_000])
def test_corrections_meet_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: int
) -> None:
    monkeypatch.setattr(write, "_SHARED", shared)
    lake = new_lake(tmp_path)
    load(lake, orders(SHOPS, 4), **ZONE)
    before = set(lake.snapshot().files("orders"))
    counts = load(lake, orders(["s01", "s08"], 3, note="paid"), **ZONE).total
    assert (counts.inserted, counts.replaced, counts.unchanged) == (0, 6, 0)
    notes = Counter(
        (shop, note) for shop, note in rows_of(lake.snapshot(), "orders", "shop_id, note")
    )
    assert notes["s01", "paid"] == notes["s08", "paid"] == 3
    assert sum(notes.values()) == 4 * 11 + 20
    if shared == 1:  # a file a shop: the others are not touched
        assert len(before & set(lake.snapshot().files("orders"))) == len(SHOPS) - 2
    counts = load(lake, orders(SHOPS, 1, note="paid"), **ZONE).total
    assert (counts.replaced, counts.unchanged) == (9 + 5, 2)


def test_optimize_comes_to_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_SHARED", 16)
    lake = new_lake(tmp_path)
    for shop in SHOPS:
        load(lake, orders([shop], 4), **ZONE)
    before = rows_of(lake.snapshot(), "orders")
    (done,) = upkeep.optimize(lake)
    assert (done.files_before, done.files_after) == (12, 5)
    assert rows_of(lake.snapshot(), "orders") == before
    assert len(held(lake)) == 5
    assert upkeep.optimize(lake) == []


def test_an_early_layout_is_told(tmp_path: Path) -> None:
    lake = new_lake(tmp_path)
    load(lake, orders(SHOPS, 1), **ZONE)
    entry = lake.folder / "orders" / "_delta_log" / f"{0:020}.json"
    text = entry.read_text("utf-8")
    entry.write_text(text.replace('"partitionColumns":["month"]', '"partitionColumns":["shop_id"]'))
    adds = lake.folder / "orders" / "_delta_log" / f"{1:020}.json"
    adds.write_text(adds.read_text("utf-8").replace('"month":"2026-03"', '"shop_id":"s1"'), "utf-8")
    with pytest.raises(WorkspaceError, match="new workspace"):
        delta.data_files(lake.folder / "orders", 1)


def test_contents_tell_rows_and_not_their_order(tmp_path: Path) -> None:
    def made(name: str, sql: str) -> str:
        lake = Lake(tmp_path / name)
        with duckdb.connect() as con:
            snapshot = lake.write_run(con, {"days": sql}, {})
        return contents(snapshot)["days"]

    up = made("up", "SELECT i AS n, 'x' || i AS t, i % 3 AS _bucket FROM range(1000) AS r (i)")
    down = "SELECT 'x' || i AS t, i AS n FROM range(1000) AS r (i) ORDER BY i DESC"
    assert made("down", down) == up
    assert up.startswith("1000-")
    other = made("other", "SELECT i AS n, 'x' || (i + (i = 7)::INT) AS t FROM range(1000) AS r (i)")
    assert other.startswith("1000-")
    assert other != up
    assert made("none", "SELECT 1 AS n WHERE false") == "0-0000000000000000"
