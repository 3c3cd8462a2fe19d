"""The short way of a big chunk without a fault: conformed once, checked, written in the background.

Such a chunk needs no sorting by key and no buffer: its rows go into files in the order they came,
which for exports is that of time or of conversations (smaller imports are sorted by buyer and
time). Sorting would cost as much as everything else together.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from jinpai.sources.base import Scan
from jinpai.sources.canonical_tables import is_prose
from jinpai.tables import write
from jinpai.tables.blanks import is_bare, is_plain
from jinpai.tables.conform import columns_of
from jinpai.tables.delta import ARROW, DataFile, parquet
from jinpai.tables.schema import Table

__all__ = ["Background", "is_faultless", "is_untouched", "parts_of", "scan_view"]

pc: Any = pyarrow.compute
_PARTITIONS = 4  # more are better sorted out in the buffer
_ROW_GROUP = 250_000


def is_faultless(rows: pa.Table) -> bool:
    """Whether no row was refused (``_bad``) and no key (hash ``_h``) came twice."""
    if rows["_bad"].null_count < rows.num_rows:
        return False
    hashes = np.sort(rows["_h"].to_numpy())
    return not bool((hashes[1:] == hashes[:-1]).any())


def is_untouched(table: Table, rows: pa.Table, given: Collection[str]) -> bool:
    """Whether the given text columns, taken as they were, need no cleaning and every id is there.

    False may be a false alarm.
    """
    if table.name == "messages" and ("message_id" not in given or rows["message_id"].null_count):
        return False
    loose = {column.name for column in table.columns if column.kind == "text"}
    return all(
        is_plain(rows[name], name not in loose) and (is_prose(name) or is_bare(rows[name]))
        for name in given
        if rows.schema.field(name).type == pa.string()
    )


def scan_view(scan: Scan) -> str:
    """Return SQL that makes the relation ``chunk`` (see `conform`) of a scan."""
    listed = ", ".join(f"{_escaped(own)} AS c_{name}" for name, own in scan.columns.items())
    past = scan.first + scan.count
    return (
        f"CREATE OR REPLACE TEMP VIEW chunk AS SELECT {listed},"
        f" file_row_number - {scan.first} AS _n, file_row_number + 1 AS _row"
        f" FROM {parquet([str(scan.path)], ', file_row_number = true')}"
        f" WHERE file_row_number >= {scan.first} AND file_row_number < {past}"
    )


def _escaped(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def parts_of(rows: pa.Table) -> dict[write.Partition, pa.Table] | None:
    """Return the rows by shop and month (columns shop_id, _month); None when there are many."""
    shops = pc.unique(rows["shop_id"]).to_pylist()
    months = pc.unique(rows["_month"]).to_pylist()
    if len(shops) * len(months) == 1:
        return {(shops[0], months[0]): rows}
    if len(shops) > _PARTITIONS or len(months) > _PARTITIONS:
        return None
    parts = {}
    for shop in shops:
        for month in months:
            mine = pc.equal(rows["shop_id"], shop)
            if month is not None:
                mine = pc.and_(mine, pc.equal(rows["_month"], month))
            part = rows.filter(mine)
            if part.num_rows:
                parts[shop, month] = part
    return parts if len(parts) <= _PARTITIONS else None


@dataclass
class Background:
    """Writes files while the next chunk is read, one at a time so that memory stays bounded.

    Attributes:
        folder: what the paths of the files are relative to.
    """

    folder: Path
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _last: Future[None] | None = None

    def write(self, table: Table, partition: write.Partition, rows: pa.Table, tag: str) -> DataFile:
        """Begin to write rows (canonical and trace columns) as one file of the table."""
        self.wait()
        file = write.named(partition, tag, rows.num_rows, *_span(table, rows))
        path = self.folder / table.name / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._last = self._pool.submit(_write, table, rows, path)
        return file

    def wait(self) -> None:
        """Return once everything is written; raises what went wrong."""
        if self._last:
            self._last.result()
            self._last = None

    def close(self) -> None:
        """Stop, whatever is left."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _write(table: Table, rows: pa.Table, path: Path) -> None:
    names = [*columns_of(table), "source_file", "source_row"]
    times = {column.name for column in table.columns if column.kind == "time"}
    arrays = [rows[name].cast(ARROW["time"]) if name in times else rows[name] for name in names]
    once = {*table.key, "source_row"}  # no value twice: a dictionary would be in vain
    texts = {column.name for column in table.columns if column.kind == "text"}
    pq.write_table(
        pa.table(arrays, names=names),
        path,
        compression="snappy",  # zstd takes twice as long for three fifths of the space
        row_group_size=_ROW_GROUP,
        use_dictionary=[name for name in names if name not in once | texts],
        write_statistics=[name for name in names if name not in texts],
        store_schema=False,
    )


def _span(table: Table, rows: pa.Table) -> tuple[Any, Any]:
    """Return the first and last own time in milliseconds, both None without one."""
    if table.own_time is None:
        return None, None
    ends = pc.min_max(rows[table.own_time].cast(pa.int64())).as_py()
    return ends["min"] // 1000, ends["max"] // 1000 + 1
