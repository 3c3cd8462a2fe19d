"""A Parquet file sorted by shop and buyer, of which little is read to find a buyer's rows."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.compute
import pyarrow.parquet as pq

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import EngineError
from jinpai.tables.zones import quoted

__all__ = ["Pieces", "Row", "in_order_given", "write_pieces"]

pc: Any = pyarrow.compute
Row = dict[str, Any]


class Pieces:
    """A file sorted by shop and buyer, of which only the pieces are read that can hold a buyer."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path, memory_map=True)
        self._lock = threading.Lock()  # the reader of a file is for one thread at a time
        known = self._file.metadata
        names = self._file.schema_arrow.names
        shop, buyer = names.index("shop_id"), names.index("buyer_id")
        # Where each piece begins, or before; only of a piece of one shop is it sure to be right.
        self._begins: list[tuple[str, str]] = []
        self._is_sure: list[bool] = []
        for at in range(known.num_row_groups):
            group = known.row_group(at)
            first, second = (group.column(place).statistics for place in (shop, buyer))
            if first is None or second is None or not (first.has_min_max and second.has_min_max):
                self._begins.append(self._begins[-1] if at else ("", ""))
                self._is_sure.append(False)
            else:
                self._begins.append((first.min, second.min))
                self._is_sure.append(first.min == first.max)

    def rows(self, shop_id: str, buyer: str) -> list[Row]:
        """Return the rows of a buyer."""
        key = (shop_id, buyer)
        end = bisect_right(self._begins, key)
        first = max(bisect_left(self._begins, key) - 1, 0)
        while first and not self._is_sure[first]:
            first -= 1
        if first >= end:
            return []
        with self._lock:
            found = self._file.read_row_groups(list(range(first, end)), use_threads=False)
        mine = pc.and_(pc.equal(found["shop_id"], shop_id), pc.equal(found["buyer_id"], buyer))
        return list(found.filter(mine).to_pylist())


@contextmanager
def in_order_given(engine: DuckEngine, what: str) -> Iterator[None]:
    """Let an engine write rows as they are sorted.

    Raises EngineError, naming ``what`` is written, where it cannot.
    """
    engine.con.execute("set preserve_insertion_order = true")
    try:
        yield
    except duckdb.Error as error:
        raise EngineError(what, "copy", str(error)) from error
    finally:
        engine.con.execute("set preserve_insertion_order = false")


def write_pieces(engine: DuckEngine, path: Path, sql: str, *, rows: int, packing: str) -> None:
    """Write a SELECT as a file for `Pieces`, within `in_order_given`: whole, or not at all.

    Args:
        rows: of a piece. packing: how DuckDB compresses it.
    """
    aside = path.with_suffix(f".{os.getpid()}")
    engine.con.execute(
        f"copy (from ({sql}) order by shop_id, buyer_id) to {quoted(str(aside))}"
        f" (format parquet, {packing}, row_group_size {rows})"
    )
    aside.replace(path)
