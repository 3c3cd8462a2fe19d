"""The short way of a big chunk without a fault: conformed once, checked, written in the background.

Such a chunk needs no sorting by key and no buffer: its rows go into files in the order they came,
which for exports is that of time or of conversations (smaller imports are sorted by buyer and
time). Sorting would cost as much as everything else together.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from jinpai.tables import write
from jinpai.tables.conform import columns_of
from jinpai.tables.delta import ARROW, DataFile
from jinpai.tables.schema import Table

__all__ = ["Background", "parts_of"]

pc: Any = pyarrow.compute
_PARTITIONS = 4  # more are better sorted out in the buffer
_MONTHS = 100_000  # more than there are months
_FEW = 16  # months, in which a chunk's rows lie as a rule
_CLOSE = 1 << 22
_STRETCH = 1 << 16  # rows looked at together when a chunk is split
_WAITING = 2  # files that may wait to be written
_ROW_GROUP = 250_000


def parts_of(table: Table, rows: pa.Table) -> dict[write.Cell, pa.Table] | None:
    """Return the rows by shop and month of their own time; None when there are many of them."""
    months = _months(table, rows)
    shops = rows["shop_id"]
    if not pa.types.is_dictionary(shops.type):
        shops = shops.dictionary_encode()
    coded = pa.chunked_array([shops.unify_dictionaries().combine_chunks()]).chunk(0)
    names, numbers = coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)
    codes = numbers * _MONTHS + months
    present = _present(codes)
    if len(present) > _PARTITIONS:
        return None
    found = {}
    for code in present.tolist():
        month = code % _MONTHS
        own = (1970 + month // 12) * 100 + month % 12 + 1 if table.own_time else None
        shop = names[code // _MONTHS]
        found[write.Cell(shop, shop, own)] = _chosen(rows, codes == code)
    return found


def _months(table: Table, rows: pa.Table) -> Any:
    """Return the month of each row as months since 1970; 0 for a table without times."""
    if table.own_time is None:
        return np.zeros(rows.num_rows, np.int64)
    times = rows[table.own_time].to_numpy()
    first, last = (times[at].astype("M8[M]") for at in (times.argmin(), times.argmax()))
    starts = np.arange(first + 1, last + 1).astype("M8[us]")
    if len(starts) > _FEW:
        return first.astype(np.int64) + np.searchsorted(starts, times, side="right")
    months = np.full(rows.num_rows, first.astype(np.int64))
    for start in starts:  # a comparison is thirty times as fast as a search
        months += times >= start
    return months


def _present(codes: Any) -> Any:
    """Return the distinct codes, ascending; counted where they lie close together."""
    if not len(codes):
        return codes
    low, high = codes.min(), codes.max()
    if high - low > _CLOSE:
        return np.unique(codes)
    return np.flatnonzero(np.bincount(codes - low)) + low


def _chosen(rows: pa.Table, mine: Any) -> pa.Table:
    """Return the rows of a mask; whole stretches are not copied."""
    parts = []
    for start in range(0, len(mine), _STRETCH):
        here = mine[start : start + _STRETCH]
        if here.any():
            part = rows.slice(start, len(here))
            parts.append(part if here.all() else part.filter(pa.array(here)))
    return pa.concat_tables(parts)


@dataclass
class Background:
    """Writes files while the next chunks are read, few at a time so that memory stays bounded.

    Attributes:
        folder: what the paths of the files are relative to.
    """

    folder: Path
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _begun: deque[Future[None]] = field(default_factory=deque)

    def write(self, table: Table, cell: write.Cell, rows: pa.Table, tag: str) -> DataFile:
        """Begin to write rows (canonical and trace columns) as one file of the table."""
        self.wait(_WAITING)
        file = write.named(cell, tag, rows.num_rows, *_span(table, rows))
        path = self.folder / table.name / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._begun.append(self._pool.submit(_write, table, rows, path))
        return file

    def wait(self, left: int = 0) -> None:
        """Return once no more than so many files are unfinished; raises what went wrong."""
        while len(self._begun) > left:
            self._begun.popleft().result()

    def close(self) -> None:
        """Stop, whatever is left."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _write(table: Table, rows: pa.Table, path: Path) -> None:
    names = [*columns_of(table), "source_file", "source_row"]
    kinds = {column.name: column.kind for column in table.columns}
    arrays = [
        rows[name].cast(ARROW["time"]) if kinds.get(name) == "time" else rows[name]
        for name in names
    ]
    once = {*table.key, "source_row"}  # no value twice: a dictionary would be in vain
    texts = {name for name, kind in kinds.items() if kind == "text"}
    coded = {name for name in names if pa.types.is_dictionary(rows[name].type)}
    pq.write_table(
        pa.table(arrays, names=names),
        path,
        compression="snappy",  # zstd takes twice as long for three fifths of the space
        row_group_size=_ROW_GROUP,
        use_dictionary=[name for name in names if name in coded or name not in once | texts],
        # Rows lie in the order they came, so that bounds of ids would not spare a reader anything.
        write_statistics=["shop_id", *(n for n in kinds if kinds[n] in ("time", "money", "int"))],
        store_schema=False,
    )


def _span(table: Table, rows: pa.Table) -> tuple[Any, Any]:
    """Return the first and last own time in milliseconds, both None without one."""
    if table.own_time is None:
        return None, None
    ends = pc.min_max(rows[table.own_time].cast(pa.int64())).as_py()
    return ends["min"] // 1000, ends["max"] // 1000 + 1
