"""The one table of the web app: its columns, sorting, choosing, and the values behind the cells.

A page hands over what it has; how a cell looks, how it is sorted and how it is exported follows
from its column's unit. The URL says what is shown: ``NAME.cols=a,b``, ``NAME.sort=-a``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinpai.metrics.result import json_value
from jinpai.web.words import NONE, Words, minus

__all__ = ["Cell", "Column", "Empty", "LazyRow", "Row", "Table", "as_asked", "stream", "text_of"]

_LEFT = ("text", "day", "time", "spark")


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        unit: ``text``, ``day``, ``time``, ``spark``, or a metric's unit (``money``, ``ratio``,
            ``seconds``, ``count`` …).
        is_shown: shown unless the reader chooses others.
        is_fixed: cannot be left out.
        hint: what it means, in a sentence.
    """

    key: str
    head: str
    unit: str = "text"
    is_shown: bool = True
    is_fixed: bool = False
    is_sortable: bool = True
    hint: str = ""

    @property
    def is_left(self) -> bool:
        """Whether it stands on the left."""
        return self.unit in _LEFT


@dataclass(frozen=True)
class Cell:
    """A value with what stands around it.

    Attributes:
        text: how it is written, where the unit does not tell.
        href: what it opens.
        under: small words below it: n, place.
        tone: ``better``, ``worse``, ``best``, ``last`` or nothing.
        is_provisional: later facts can change it.
        badge: a colour of Tabler's, for words in a badge.
        points: of a small line.
    """

    value: Any
    text: str | None = None
    href: str = ""
    under: str = ""
    tone: str = ""
    is_provisional: bool = False
    badge: str = ""
    points: str = ""


Row = Mapping[str, Cell]


class LazyRow(Row):
    """A row of many columns, most of which nobody looks at: cells are made when asked for.

    Args:
        ready: cells that are there.
        keys: of the others. make: makes one of them.
    """

    def __init__(
        self, ready: Mapping[str, Cell], keys: Collection[str], make: Callable[[str], Cell]
    ) -> None:
        self._cells, self._keys, self._make = dict(ready), keys, make

    def __getitem__(self, key: str) -> Cell:
        if key not in self._cells:
            if key not in self._keys:
                raise KeyError(key)
            self._cells[key] = self._make(key)
        return self._cells[key]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._cells, *self._keys)))

    def __len__(self) -> int:
        return len({*self._cells, *self._keys})


@dataclass(frozen=True)
class Empty:
    """What an empty table says, and where to go from it."""

    text: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        name: its name in the URL and in exports; letters and ``_``.
        rows: the rows of this page.
        every: makes all rows anew, for exports and sorting of lists that have pages.
        sort: the column it is sorted by; ``-`` before it from the largest; empty as given.
        following: the cursor of the next page, empty on the last.
        total: how many rows there are, None where nobody counted.
        is_plain: without tools over it.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: Empty
    foot: Sequence[Row] = ()
    every: Callable[[], Iterable[Row]] | None = None
    sort: str = ""
    following: str = ""
    total: int | None = None
    is_plain: bool = False
    chosen: tuple[str, ...] = field(default=())

    @property
    def shown(self) -> list[Column]:
        """The columns that are shown, in the reader's order."""
        if not self.chosen:
            return [column for column in self.columns if column.is_shown or column.is_fixed]
        by_key = {column.key: column for column in self.columns}
        fixed = [one.key for one in self.columns if one.is_fixed and one.key not in self.chosen]
        return [by_key[key] for key in (*fixed, *self.chosen) if key in by_key]

    def all_rows(self) -> Iterable[Row]:
        """All rows as they are sorted, for an export."""
        return self.rows if self.every is None else self.every()

    def heads(self) -> list[str]:
        """The heads of the columns that can be exported."""
        return [column.head for column in self.exported()]

    def exported(self) -> list[Column]:
        """The shown columns that hold values."""
        return [column for column in self.shown if column.unit != "spark"]

    def as_json(self) -> dict[str, Any]:
        """Return columns and rows as JSON values."""
        return {
            "columns": [
                {"key": one.key, "head": one.head, "unit": one.unit} for one in self.exported()
            ],
            "rows": [self.json_row(row) for row in self.rows],
            "total": len(self.rows) if self._is_whole else self.total,
            "next": self.following or None,
        }

    @property
    def _is_whole(self) -> bool:
        return self.total is None and self.every is None

    def json_row(self, row: Row) -> dict[str, Any]:
        """Return one row as JSON values; figures that are not final are named."""
        cells = {column.key: row.get(column.key) for column in self.exported()}
        made = {
            key: None if cell is None else json_value(cell.value) for key, cell in cells.items()
        }
        early = [key for key, cell in cells.items() if cell is not None and cell.is_provisional]
        return made | ({"provisional": early} if early else {})


def as_asked(table: Table, asked: Mapping[str, str]) -> Table:
    """Return the table with the columns and the order that the URL asks for.

    Columns it does not have are passed over, so that old links keep working.
    """
    keys = {column.key for column in table.columns}
    named = [key for key in asked.get(f"{table.name}.cols", "").split(",") if key in keys]
    sort = asked.get(f"{table.name}.sort", table.sort)
    key = sort.removeprefix("-")
    by_key = {column.key: column for column in table.columns}
    if key not in by_key or not by_key[key].is_sortable:
        return replace(table, chosen=tuple(dict.fromkeys(named)))
    rows = _sorted(table.rows, key, sort.startswith("-")) if table.every is None else table.rows
    return replace(table, rows=rows, sort=sort, chosen=tuple(dict.fromkeys(named)))


def _sorted(rows: Sequence[Row], key: str, is_down: bool) -> list[Row]:
    """Sort by value; rows without one come last, whichever way."""
    known = [row for row in rows if key in row and row[key].value is not None]
    rest = [row for row in rows if key not in row or row[key].value is None]
    return sorted(known, key=lambda row: _order(row[key].value), reverse=is_down) + rest


def _order(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool | int | float | Decimal):
        return (0, value)
    if isinstance(value, datetime):
        return (1, value.isoformat())
    if isinstance(value, date):
        return (1, value.isoformat())
    return (2, str(value))


def text_of(words: Words, unit: str, cell: Cell) -> str:
    """Return how a cell is written on a page."""
    value = cell.value
    if cell.text is not None:
        return cell.text
    if value is None:
        return NONE
    if unit == "text":
        return str(value)
    if unit == "day":
        return value.isoformat() if isinstance(value, date) else str(value)
    if unit in ("money", "money_mean"):
        return words.amount(value)
    if unit == "ratio":
        return words.percent(float(value))
    if unit in ("seconds", "hours", "days"):
        return words.measure(unit, float(value))
    if unit in ("people", "count", "orders", "items"):
        return words.whole(value)
    is_number = isinstance(value, int | float | Decimal)
    return minus(f"{float(value):,.2f}") if is_number else str(value)


def stream(table: Table) -> Iterator[list[Any]]:
    """Yield the values of all rows, in the order of `Table.exported`."""
    columns = table.exported()
    for row in table.all_rows():
        yield [row[column.key].value if column.key in row else None for column in columns]
