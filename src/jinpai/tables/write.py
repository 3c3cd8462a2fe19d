"""Write rows as sorted Parquet files, one per shop and month."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import duckdb

from jinpai.tables.conform import columns_of
from jinpai.tables.delta import DataFile, parquet
from jinpai.tables.schema import Table
from jinpai.tables.zones import ident, quoted

__all__ = [
    "Partition",
    "month_number",
    "month_sql",
    "named",
    "own_times",
    "partition_test",
    "partitions",
    "write_partitions",
]

Partition = tuple[str, int | None]  # shop_id, year * 100 + month
_ROW_GROUP = 122_880


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


def partition_test(partition: Partition) -> str:
    """Return the WHERE clause of one partition over columns shop_id and _month."""
    shop, month = partition
    test = f"shop_id = {quoted(shop)}"
    return test if month is None else f"{test} AND _month = {month}"


def partitions(con: duckdb.DuckDBPyConnection, relation: str) -> list[Partition]:
    """Return the partitions present in a relation with columns shop_id and _month."""
    found = con.execute(f"SELECT DISTINCT shop_id, _month FROM {relation} ORDER BY ALL").fetchall()
    return [(shop, month) for shop, month in found]


def write_partitions(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    wanted: list[Partition],
    source: Callable[[Partition], str],
    root: Path,
    tag: str,
) -> list[DataFile]:
    """Write each partition's rows to one new file under ``root``.

    Args:
        source: makes the SELECT of a partition's rows (canonical and trace columns).
        tag: put into the file names, so that what one import left behind can be told.
    """
    written = []
    for partition in wanted:
        path = _path(partition, tag)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        written.append(_write(con, table, partition, source(partition), root, path))
    return [file for file in written if file.rows]


def named(partition: Partition, tag: str, rows: int, low: int | None, high: int | None) -> DataFile:
    """Return a name for a new file of a partition, with its facts (own times in milliseconds)."""
    month = None if partition[1] is None else _month_text(partition[1], "")
    first, last = ("" if at is None else _iso(at) for at in (low, high))
    return DataFile(_path(partition, tag).as_posix(), partition[0], month, rows, first, last)


def _path(partition: Partition, tag: str) -> Path:
    folder = Path(_safe(partition[0])) / _month_text(partition[1], "all")
    return folder / f"part-{tag}-{uuid.uuid4().hex[:12]}.parquet"


def _write(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    partition: Partition,
    source: str,
    root: Path,
    path: Path,
) -> DataFile:
    times = [column.name for column in table.columns if column.kind == "time"]
    listed = ", ".join(
        f"timezone('UTC', {ident(name)}) AS {ident(name)}" if name in times else ident(name)
        for name in (*columns_of(table), "source_file", "source_row")
    )
    target = quoted(str(root / path))
    con.execute(
        f"COPY (SELECT {listed} FROM ({source}) ORDER BY {_order(table)}) TO {target}"
        f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"
    )
    rows, low, high = _facts(con, table, parquet([str(root / path)]))
    month = None if partition[1] is None else _month_text(partition[1], "")
    return DataFile(path.as_posix(), partition[0], month, rows, low, high)


def _facts(con: duckdb.DuckDBPyConnection, table: Table, source: str) -> tuple[int, str, str]:
    """Return rows, first and last own time of a file just written."""
    if table.own_time is None:
        (rows,) = con.execute(f"SELECT count(*) FROM {source}").fetchall()[0]
        return int(rows), "", ""
    own = f"epoch_us({ident(table.own_time)}) // 1000"
    rows, low, high = con.execute(
        f"SELECT count(*), min({own}), max({own}) + 1 FROM {source}"
    ).fetchall()[0]
    return (int(rows), _iso(low), _iso(high)) if rows else (0, "", "")


def _iso(milliseconds: int) -> str:
    time = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _order(table: Table) -> str:
    """Buyer, then time, where a table has them; else its key."""
    buyer = ["buyer_id"] if "buyer_id" in columns_of(table) else []
    return ", ".join(
        [*buyer, *([ident(table.own_time)] if table.own_time else table.key or ("shop_id",))]
    )


def _month_text(month: int | None, none: str) -> str:
    return none if month is None else f"{month // 100:04}-{month % 100:02}"


def _safe(shop_id: str) -> str:
    """Return a folder name for a shop; its real name is in the rows and in Delta's log.

    No ``shop_id=``: readers of Parquet would take the folder's name for the shop's.
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", shop_id):
        return f"s-{shop_id}"
    return "x-" + sha256(shop_id.encode()).hexdigest()[:24]
