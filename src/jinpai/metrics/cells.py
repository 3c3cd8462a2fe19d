"""Cells of time, and what facts need to know of them and of their shops, as relations.

cell_days          per (cell, day of it); a day may belong to several trailing cells
cell_days_<N>      per (cell, day of the N days that end with its last day)
cell_days_before   per (cell, day of the as many days just before it)
time_cells         per cell: its first and last day
query_shops        per shop: as_of and the settings that facts read
event_clock        per (shop, stretch of time): the shift to the local day
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from jinpai.engine.duckdb import DuckEngine
from jinpai.periods import (
    ClockSegment,
    clock_segments,
    day_end,
    day_number,
    day_of,
    day_start,
    days,
    month_key,
    week_key,
)
from jinpai.settings import Settings

__all__ = ["LONGEST_TRAILING", "TIME_PARTS", "ShopScope", "TimeCell", "put_relations", "time_cells"]

TIME_PARTS = ("day", "week", "month")
LONGEST_TRAILING = 400
_KEYS: Mapping[str, Callable[[date], Any]] = {
    "day": lambda day: day,
    "week": week_key,
    "month": month_key,
}
# The longest stretch before a cell that a fact over clock times looks back.
_LOOK_BACK = timedelta(days=LONGEST_TRAILING)


@dataclass(frozen=True)
class ShopScope:
    """One shop in a query: its range of days and what decides whether a figure is final.

    Attributes:
        first, last: local days, both inclusive.
        is_default: nobody asked for a range, so that metrics with one of their own take that.
    """

    shop_id: str
    timezone: str
    settings: Settings
    as_of_us: int
    first: date
    last: date
    is_default: bool = False

    @property
    def as_of_day(self) -> date:
        """The local day of as_of."""
        return day_of(self.as_of_us, self.timezone, self.settings.business_day_start)


@dataclass(frozen=True)
class TimeCell:
    """A cell of time of one shop.

    Attributes:
        keys: its day, week (the Monday) and month, as far as the grain has them.
        first, last: its days; a trailing cell begins before the days its keys name.
    """

    scope: ShopScope
    keys: tuple[Any, ...]
    first: date
    last: date

    @property
    def length(self) -> int:
        """Days in it: P of the loyalty metrics."""
        return (self.last - self.first).days + 1


def time_cells(
    scopes: Iterable[ShopScope], parts: Sequence[str], trailing: int = 0
) -> list[TimeCell]:
    """Return the cells of each shop's range for some of TIME_PARTS; none is the whole range.

    Args:
        trailing: each cell is the so many days that end with its last day.
    """
    made = []
    for scope in scopes:
        spans = dict[tuple[Any, ...], list[date]]()
        for day in days(scope.first, scope.last) if parts else (scope.first, scope.last):
            key = tuple(_KEYS[part](day) for part in parts)
            spans.setdefault(key, [day, day])[1] = day
        for key, (first, last) in spans.items():
            begins = last - timedelta(days=trailing - 1) if trailing else first
            made.append(TimeCell(scope, key, begins, last))
    return made


def put_relations(engine: DuckEngine, cells: Sequence[TimeCell], sql: str) -> None:
    """Put the relations of this module that a statement names."""
    for name in sorted(set(re.findall(r"\b(?:cell_days\w*|time_cells|query_shops)\b", sql))):
        if name == "time_cells":
            engine.put(name, _cell_table(cells))
        elif name == "query_shops":
            engine.put(name, _shop_table(cells))
        else:
            engine.put(name, _day_table(cells, name.removeprefix("cell_days").strip("_")))
    if re.search(r"\bevent_clock\b", sql):
        engine.put("event_clock", _clock_table(cells))


def _span(cell: TimeCell, kind: str) -> tuple[date, date]:
    if kind == "before":
        return cell.first - timedelta(days=cell.length), cell.first - timedelta(days=1)
    return (cell.last - timedelta(days=int(kind) - 1) if kind else cell.first), cell.last


def _day_table(cells: Sequence[TimeCell], kind: str) -> pa.Table:
    spans = [_span(cell, kind) for cell in cells]
    firsts = np.array([day_number(first) for first, _ in spans], np.int64)
    lengths = np.array([(last - first).days + 1 for first, last in spans], np.int64)
    starts = np.cumsum(lengths) - lengths
    numbers = np.repeat(np.arange(len(cells)), lengths)
    on_days = np.arange(int(lengths.sum())) + np.repeat(firsts - starts, lengths)
    shops = pa.array([cell.scope.shop_id for cell in cells], pa.string())
    return pa.table(
        {
            "shop_id": shops.take(pa.array(numbers)),
            "cell_no": pa.array(numbers),
            "day": pa.array(on_days.astype(np.int32)).cast(pa.date32()),
        }
    )


def _cell_table(cells: Sequence[TimeCell]) -> pa.Table:
    return pa.table(
        {
            "shop_id": pa.array([cell.scope.shop_id for cell in cells], pa.string()),
            "cell_no": pa.array(range(len(cells)), pa.int64()),
            "first_day": pa.array([cell.first for cell in cells], pa.date32()),
            "last_day": pa.array([cell.last for cell in cells], pa.date32()),
        }
    )


def _scopes(cells: Sequence[TimeCell]) -> list[ShopScope]:
    return list({cell.scope.shop_id: cell.scope for cell in cells}.values())


def _shop_table(cells: Sequence[TimeCell]) -> pa.Table:
    scopes = _scopes(cells)
    repurchase = [scope.settings.repurchase_days for scope in scopes]
    return pa.table(
        {
            "shop_id": pa.array([scope.shop_id for scope in scopes], pa.string()),
            "as_of_us": pa.array([scope.as_of_us for scope in scopes], pa.int64()),
            "repurchase_days": pa.array(repurchase, pa.int32()),
        }
    )


def _clock_table(cells: Sequence[TimeCell]) -> pa.Table:
    known = dict[tuple[Any, ...], list[ClockSegment]]()
    rows = list[tuple[str, int, int, int]]()
    ranges = dict[str, tuple[date, date]]()
    for cell in cells:
        first, last = ranges.get(cell.scope.shop_id, (cell.first, cell.last))
        ranges[cell.scope.shop_id] = min(first, cell.first), max(last, cell.last)
    for scope in _scopes(cells):
        first, last = ranges[scope.shop_id]
        place = (scope.timezone, scope.settings.business_day_start)
        key = (*place, first, min(scope.as_of_us, day_end(last, *place)) + 1)
        if key not in known:
            known[key] = clock_segments(*place, day_start(first - _LOOK_BACK, *place), key[-1])
        rows += [(scope.shop_id, *segment[:3]) for segment in known[key]]
    names = ("shop_id", "from_us", "to_us", "day_shift_us")
    types = (pa.string(), pa.int64(), pa.int64(), pa.int64())
    columns = zip(names, types, strict=True)
    return pa.table(
        {name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(columns)}
    )
