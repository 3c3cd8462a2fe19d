"""What Taobao's files tell about one another (nicks and lines of orders), and batches of rows.

A refund export names the line where it says 订单编号, an open-platform answer names the buyer by an
open id, the old line report names no line. The other files of the same import know better.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from jinpai.sources.base import Batch, batch_of
from jinpai.sources.cells import blank_to_none, is_masked

__all__ = ["TIMEZONE", "Collector", "Links", "Row"]

TIMEZONE = "Asia/Shanghai"
_CHUNK = 50_000

Row = dict[str, object]

# An empty cell here says "this file does not tell": the row must not erase what another file told.
_UNTOLD: dict[str, tuple[str, ...]] = {
    "orders": ("buyer_id",),
    "buyers": ("phone",),
    "refunds": ("sub_order_id",),
    "reviews": ("buyer_id",),
}
_ONCE = {"buyers": "buyer_id", "products": "product_id"}


@dataclass
class Links:
    """Facts gathered from all files of one import before the first row is handed on."""

    orders: set[str] = field(default_factory=set)
    nick_of_order: dict[str, str] = field(default_factory=dict)
    nick_of_uid: dict[str, str] = field(default_factory=dict)
    order_of_line: dict[str, str] = field(default_factory=dict)
    lines_of_order: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    old_lines: Counter[str] = field(default_factory=Counter)

    def add_order(self, order_id: str | None, nick: str | None) -> None:
        """Note an order and, unless masked, its buyer's nick."""
        if order_id is None:
            return
        self.orders.add(order_id)
        if known := real_nick(nick):
            self.nick_of_order[order_id] = known

    def add_line(self, order_id: str | None, line_id: str | None, title: str | None) -> None:
        """Note a line whose own id is known."""
        if order_id is None or line_id is None or line_id in self.order_of_line:
            return
        self.order_of_line[line_id] = order_id
        self.lines_of_order.setdefault(order_id, []).append((line_id, title or ""))

    def of_refund(self, named: str) -> tuple[str, str | None, bool]:
        """Return (order, line or None, known) for the id in a refund's 订单编号 column.

        The platform writes the line's id there. For one-line orders it is the order's id as well.
        An id nobody else knows is taken for both; ``known`` is then False.
        """
        if named in self.order_of_line:
            return self.order_of_line[named], named, True
        several = max(len(self.lines_of_order.get(named, ())), self.old_lines[named]) > 1
        return named, None if several else named, several or named in self.orders

    def line_namer(self) -> LineNamer:
        """Return a namer for the lines of one old line report."""
        return LineNamer(self)


class LineNamer:
    """Gives the lines of an old line report, which names none, their ids in file order.

    A line whose order and title another file of the import knows gets its real id. Else the line of
    a one-line order bears the order's id (as the platform does it), and the lines of a longer order
    ``order_id#1``, ``order_id#2`` ….
    """

    def __init__(self, links: Links) -> None:
        self._links = links
        self._left = {order: list(lines) for order, lines in links.lines_of_order.items()}
        self._place: Counter[str] = Counter()

    def name(self, order_id: str, title: str | None) -> str:
        """Return the id of the next line of this order."""
        self._place[order_id] += 1
        left = self._left.get(order_id, [])
        for index, (line_id, known_title) in enumerate(left):
            if known_title == (title or ""):
                left.pop(index)
                return line_id
        if self._links.old_lines[order_id] == 1:
            return order_id
        return f"{order_id}#{self._place[order_id]}"


def real_nick(nick: str | None) -> str | None:
    """Return the nick, or None for an empty or masked one: many buyers share ``摩**``."""
    known = blank_to_none(nick)
    return None if is_masked(known) else known


class Collector:
    """Gathers canonical rows of one file and hands them on in batches of bounded size."""

    def __init__(self, source_file: str, columns: dict[str, tuple[str, ...]]) -> None:
        self._file, self._columns = source_file, columns
        self._rows: dict[str, list[Row]] = {table: [] for table in columns}
        self._seen: dict[tuple[str, object], tuple[object, ...]] = {}

    def add(self, table: str, row: Row) -> None:
        """Keep a row, unless it repeats what the last row of the same buyer or product said."""
        if key := _ONCE.get(table):
            contents = tuple(row.get(name) for name in self._columns[table])
            if self._seen.get((table, row[key])) == contents:
                return
            self._seen[table, row[key]] = contents
        self._rows[table].append(row)

    def full(self) -> Iterator[Batch]:
        """Yield the tables that have reached the size of a batch."""
        for table, rows in self._rows.items():
            if len(rows) >= _CHUNK:
                yield from self._drain(table)

    def rest(self) -> Iterator[Batch]:
        """Yield all rows still held."""
        for table in self._rows:
            yield from self._drain(table)

    def _drain(self, table: str) -> Iterator[Batch]:
        rows, self._rows[table] = self._rows[table], []
        groups: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            untold = tuple(name for name in _UNTOLD.get(table, ()) if row.get(name) is None)
            groups.setdefault(untold, []).append(row)
        for untold, group in groups.items():
            columns = [name for name in self._columns[table] if name not in untold]
            yield batch_of(table, group, self._file, columns=columns, patch=True, timezone=TIMEZONE)
