"""Small lakes and rows for the tests of the tables stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from jinpai.sources.base import Batch, batch_of
from jinpai.tables.lake import Lake, Snapshot
from jinpai.tables.load import ImportReport, Item, import_batches, preview
from jinpai.tables.zones import local_to_utc

local_to_utc("", "UTC")  # remembered, so that processes forked from here start faster
Row = Mapping[str, object]


def load(lake: Lake, *items: Item, **options: Any) -> ImportReport:
    """Import for shop s1 in Shanghai."""
    return import_batches(lake, items, **{**_USUAL, **options})


def look(lake: Lake, *items: Item, **options: Any) -> ImportReport:
    """Preview for shop s1 in Shanghai."""
    return preview(lake, items, **{**_USUAL, **options})


_USUAL: dict[str, Any] = {"shop_id": "s1", "timezone": "Asia/Shanghai"}


def whole(table: str, rows: Sequence[Row], file: str = "a.csv", zone: str | None = None) -> Batch:
    """Rows that replace known rows whole; the columns are all that any row has."""
    return _batch(table, rows, file, False, zone)


def patch(table: str, rows: Sequence[Row], file: str = "a.csv") -> Batch:
    """Rows that leave the columns they lack as they are."""
    return _batch(table, rows, file, True, None)


def _batch(table: str, rows: Sequence[Row], file: str, keep: bool, zone: str | None) -> Batch:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return batch_of(table, rows, file, columns=columns, patch=keep, timezone=zone)


def rows_of(snapshot: Snapshot, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """Return a table's rows, sorted."""
    with duckdb.connect() as con:
        snapshot.register(con, [table])
        return con.sql(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


def counts(report: ImportReport, table: str) -> tuple[int, int, int, int, int]:
    """Return rows in, inserted, replaced, unchanged, rejected."""
    one = report.tables[table]
    return one.rows_in, one.inserted, one.replaced, one.unchanged, one.rejected


def faults(report: ImportReport) -> list[tuple[int, str, str]]:
    """Return (source row, column, reason) of the rejects, by row."""
    rows: Iterable[dict[str, Any]] = report.rejects.to_pylist()
    return sorted((row["source_row"], row["column"], row["reason"]) for row in rows)


def new_lake(folder: Path) -> Lake:
    """Return an empty lake."""
    folder.mkdir(parents=True, exist_ok=True)
    return Lake(folder)
