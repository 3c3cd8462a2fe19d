"""Write rows as sorted Parquet files: one per month of a shop, or of several small shops."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from jinpai.tables.conform import columns_of
from jinpai.tables.delta import DataFile
from jinpai.tables.schema import Table
from jinpai.tables.zones import ident, quoted

__all__ = [
    "Cell",
    "cells",
    "cells_in",
    "month_number",
    "month_sql",
    "named",
    "own_times",
    "write_cells",
]

_ROW_GROUP = 122_880
# Rows of small shops that share a file: enough that files are few, and few enough that it costs
# little to write one anew for a correction.
_SHARED = 250_000


@dataclass(frozen=True)
class Cell:
    """What one new file holds: the rows of one month of one shop, or of several small ones.

    Attributes:
        first, last: the shops between them, both inclusive, in the order of their ids.
        month: year * 100 + month of the rows' own time; None for tables without one.
    """

    first: str
    last: str
    month: int | None

    @property
    def test(self) -> str:
        """WHERE clause of the cell's rows over columns shop_id and _month."""
        shops = f"shop_id BETWEEN {quoted(self.first)} AND {quoted(self.last)}"
        return shops if self.month is None else f"{shops} AND _month = {self.month}"

    def may_meet(self, file: DataFile) -> bool:
        """Whether a file may hold rows of the cell."""
        is_month = month_number(file.month) == self.month
        return is_month and file.first_shop <= self.last and self.first <= file.last_shop


def cells(counts: Iterable[tuple[str, int | None, int]]) -> list[Cell]:
    """Return how rows are to be laid into files, given as (shop, month, rows).

    >>> cells([("a", 202603, 9), ("b", 202603, 300_000), ("c", 202603, 9), ("d", 202603, 9)])
    [Cell(first='a', last='a', month=202603), Cell(first='b', last='b', month=202603), \
Cell(first='c', last='d', month=202603)]
    """
    months: dict[int | None, list[tuple[str, int]]] = {}
    for shop, month, rows in counts:
        months.setdefault(month, []).append((shop, rows))
    made: list[Cell] = []
    for month in sorted(months, key=lambda one: one or 0):
        made += _cells_of_month(month, sorted(months[month]))
    return made


def _cells_of_month(month: int | None, shops: list[tuple[str, int]]) -> list[Cell]:
    small = sum(rows for _, rows in shops if rows <= _SHARED)
    files = -(-small // _SHARED)
    made: list[Cell] = []
    before, done = -1, 0
    for shop, rows in shops:
        place = -1  # a file of its own
        if rows <= _SHARED:
            place, done = done * files // max(small, 1), done + rows
        if place == before >= 0:
            made[-1] = replace(made[-1], last=shop)
        else:
            made.append(Cell(shop, shop, month))
        before = place
    return made


def month_sql(table: Table) -> str:
    """Return SQL of the partition month of a row, year * 100 + month, NULL without own time."""
    own = ident(table.own_time) if table.own_time else None
    return f"(year({own}) * 100 + month({own}))::INTEGER" if own else "NULL::INTEGER"


def own_times(table: Table) -> str:
    """Return the select list of a file's canonical columns, times as TIMESTAMP in UTC."""
    times = {column.name for column in table.columns if column.kind == "time"}
    return ", ".join(
        f"make_timestamp(epoch_us({ident(name)})) AS {ident(name)}"
        if name in times
        else ident(name)
        for name in columns_of(table)
    )


def month_number(month: str | None) -> int | None:
    """Return ``2026-03`` as 202603."""
    return None if month is None else int(month.replace("-", ""))


def cells_in(con: duckdb.DuckDBPyConnection, relation: str) -> list[Cell]:
    """Return the cells of a relation with columns shop_id and _month."""
    sql = f"SELECT shop_id, _month, count(*) FROM {relation} GROUP BY ALL"
    return cells(con.execute(sql).fetchall())


def write_cells(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    wanted: Iterable[Cell],
    source: Callable[[Cell], str],
    root: Path,
    tag: str,
) -> list[DataFile]:
    """Write each cell's rows to one new file under ``root``; none for a cell without rows.

    Args:
        source: makes the SELECT of a cell's rows (canonical and trace columns).
        tag: put into the file names, so that what one import left behind can be told.
    """
    written = []
    for cell in wanted:
        path = _path(cell, tag)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        written.append(_write(con, table, cell, source(cell), root, path))
    return [file for file in written if file.rows]


def named(cell: Cell, tag: str, rows: int, low: int | None, high: int | None) -> DataFile:
    """Return a name for a new file of a cell, with its facts (own times in milliseconds)."""
    return _file(
        cell, _path(cell, tag), rows, *("" if at is None else _iso(at) for at in (low, high))
    )


def _file(cell: Cell, path: Path, rows: int, low: str, high: str) -> DataFile:
    month = None if cell.month is None else _month_text(cell.month, "")
    return DataFile(path.as_posix(), cell.first, cell.last, month, rows, low, high)


def _path(cell: Cell, tag: str) -> Path:
    name = f"part-{tag}-{uuid.uuid4().hex[:12]}.parquet"
    return Path(_month_text(cell.month, "all")) / name


def _write(
    con: duckdb.DuckDBPyConnection, table: Table, cell: Cell, source: str, root: Path, path: Path
) -> DataFile:
    times = [column.name for column in table.columns if column.kind == "time"]
    listed = ", ".join(
        f"timezone('UTC', {ident(name)}) AS {ident(name)}" if name in times else ident(name)
        for name in (*columns_of(table), "source_file", "source_row")
    )
    target = quoted(str(root / path))
    ((_, rows, _, _, stats, *_),) = con.execute(
        f"COPY (SELECT {listed} FROM ({source}) ORDER BY {_order(table)}) TO {target}"
        f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}, RETURN_STATS)"
    ).fetchall()
    return _file(cell, path, rows, *(_span(table, stats) if rows else ("", "")))


def _span(table: Table, stats: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """Return the first and last own time of a file just written, rounded outwards."""
    if table.own_time is None:
        return "", ""
    own = stats[f'"{table.own_time}"']
    start = datetime.fromtimestamp(0, UTC)
    low, high = (
        (datetime.fromisoformat(own[end]) - start) // timedelta(milliseconds=1)
        for end in ("min", "max")
    )
    return _iso(low), _iso(high + 1)


def _iso(milliseconds: int) -> str:
    time = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _order(table: Table) -> str:
    """Shop, buyer, then time, where a table has them; else its key."""
    buyer = ["buyer_id"] if "buyer_id" in columns_of(table) else []
    rest = [ident(table.own_time)] if table.own_time else [*table.key]
    return ", ".join(["shop_id", *buyer, *rest])


def _month_text(month: int | None, none: str) -> str:
    return none if month is None else f"{month // 100:04}-{month % 100:02}"
