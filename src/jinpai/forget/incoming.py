"""Imports after somebody was forgotten: their rows come in as nobody's, however often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.forget import known as forgotten
from jinpai.forget.known import PREFIX, Known
from jinpai.forget.rows import BY_BUYER, BY_ORDER, Shown, row_without
from jinpai.sources.base import Batch, Reject
from jinpai.tables.lake import Snapshot
from jinpai.tables.load import Item
from jinpai.tables.zones import quoted

__all__ = ["without_forgotten"]


def without_forgotten(
    items: Iterable[Item], snapshot: Snapshot, shown: Callable[[str], Shown], shop_id: str
) -> Iterable[Item]:
    """Return what the readers yield, with nothing of buyers on the lake's list.

    Args:
        shown: the words a shop's settings look for, by shop.
        shop_id: shop of rows that name none.
    """
    known = forgotten.load(snapshot.lake)
    return (
        _Filter(known, _their_orders(snapshot), cache(shown), shop_id).all(items)
        if known
        else items
    )


def _their_orders(snapshot: Snapshot) -> set[str]:
    with duckdb.connect() as con:
        snapshot.register(con, ["orders"])
        sql = f"SELECT order_id FROM orders WHERE starts_with(buyer_id, {quoted(PREFIX)})"
        return {row[0] for row in con.execute(sql).fetchall()}


class _Filter:
    def __init__(
        self, known: Known, orders: set[str], shown: Callable[[str], Shown], shop_id: str
    ) -> None:
        self._known, self._orders, self._shown, self._shop = known, orders, shown, shop_id

    def all(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            if isinstance(item, Batch):
                yield self._batch(item)
            elif isinstance(item, Reject):
                yield self._reject(item)
            else:
                yield item

    def _reject(self, item: Reject) -> Reject:
        if not (item.raw and self._known.names_anybody(item.raw)):
            return item
        return replace(item, raw="", source_file=self._known.file_without(item.source_file))

    def _batch(self, batch: Batch) -> Batch:
        mine = self._mine(batch)
        if not pc.any(mine).as_py():
            return batch
        rows, places = batch.rows, pc.indices_nonzero(mine)
        before = rows.take(places).to_pylist()
        after = [self._row(batch.table, row) for row in before]
        for name in rows.column_names:
            old, new = ([row[name] for row in each] for each in (before, after))
            if old != new:
                place = rows.schema.get_field_index(name)
                rows = rows.set_column(place, name, _put(rows[name], mine, new))
        return replace(batch, rows=rows, source_file=self._known.file_without(batch.source_file))

    def _row(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        if table == "orders" and row.get("order_id") is not None:
            self._orders.add(str(row["order_id"]).strip())
        shop = str(row.get("shop_id") or self._shop).strip()
        made = row_without(table, row, self._known, self._shown(shop))
        return made | ({"raw": ""} if made.get("raw") else {})

    def _mine(self, batch: Batch) -> Any:
        """Return which rows are those of forgotten buyers: their account, or their order."""
        mine = pa.chunked_array([pa.nulls(batch.rows.num_rows, pa.bool_())]).fill_null(False)
        if batch.table in BY_BUYER and "buyer_id" in batch.rows.column_names:
            mine = self._which(batch.rows["buyer_id"], self._known.holds)
        if batch.table in (*BY_ORDER, "orders") and "order_id" in batch.rows.column_names:
            by_order = self._which(
                batch.rows["order_id"], lambda text: text.strip() in self._orders
            )
            mine = pc.or_(mine, by_order)
        return mine

    @staticmethod
    def _which(column: pa.ChunkedArray, test: Callable[[str], object]) -> Any:
        texts = _plain(column).cast(pa.string())
        found = [text for text in pc.unique(texts).to_pylist() if text is not None and test(text)]
        return pc.is_in(texts, value_set=pa.array(found, pa.string()))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column without a dictionary."""
    is_coded = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_coded else column


def _put(column: pa.ChunkedArray, mine: Any, values: list[Any]) -> Any:
    """Return a column with other values at some places; numbers that became names are text."""
    plain = _plain(column)
    if any(isinstance(value, str) for value in values) and not _is_text(plain.type):
        plain = plain.cast(pa.string())
        values = [None if value is None else str(value) for value in values]
    combined, mask = (
        one.combine_chunks() if isinstance(one, pa.ChunkedArray) else one for one in (plain, mine)
    )
    return pc.replace_with_mask(combined, mask, pa.array(values, plain.type))


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
