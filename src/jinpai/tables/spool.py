"""Keep batches back whose times cannot be placed before the shop's time zone is known.

A file of shops may come after the file of its messages. Batches with times that name no zone wait
on disk until everything has been read; later batches of the same table then wait too, so that the
order of rows stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jinpai.sources.base import Batch
from jinpai.tables.schema import TABLES

__all__ = ["Spool"]

_ZONED = r"(Z|z|UTC|:\d\d([.]\d+)? ?[+-]\d\d(:?\d\d)?)\s*$"


@dataclass
class Spool:
    """Batches that wait.

    Attributes:
        folder: where they lie, made when needed.
        shop_id: shop of rows that name none.
    """

    folder: Path
    shop_id: str
    _waiting: list[tuple[Batch, Path]] = field(default_factory=list)

    def keeps(self, batch: Batch, told: Collection[str]) -> bool:
        """Take the batch in when it must wait; ``told`` are shops whose zone this import named."""
        waits = any(batch.table == other.table for other, _ in self._waiting)
        if not waits and not self._open(batch, told):
            return False
        rows = batch.rows.unify_dictionaries()  # a file holds one dictionary a column
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{len(self._waiting)}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema) as out:
            out.write_table(rows)
        self._waiting.append((replace(batch, rows=rows.slice(0, 0)), path))
        return True

    def batches(self) -> Iterator[Batch]:
        """Yield the batches in the order they came, and forget them."""
        for batch, path in self._waiting:
            with pa.memory_map(str(path)) as file:
                yield replace(batch, rows=pa.ipc.open_file(file).read_all())
            path.unlink()
        self._waiting.clear()

    def _open(self, batch: Batch, told: Collection[str]) -> bool:
        if batch.timezone is not None or batch.table == "shops":
            return False
        if not any(
            _has_local(batch.rows[column.name])
            for column in TABLES[batch.table].columns
            if column.kind == "time" and column.name in batch.rows.column_names
        ):
            return False
        shops: set[object] = {None}
        if "shop_id" in batch.rows.column_names:
            shops = set(pc.unique(batch.rows["shop_id"]).to_pylist())
        return not {str(shop or self.shop_id) for shop in shops} <= set(told)


def _has_local(column: Any) -> bool:
    """Whether any value is a time without a zone."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return kind.tz is None
    if pa.types.is_dictionary(kind):
        column = column.cast(pa.string())
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    if pc.all(pc.ends_with(column, "Z")).as_py() is not False:
        return False
    return pc.all(pc.match_substring_regex(column, _ZONED)).as_py() is False
