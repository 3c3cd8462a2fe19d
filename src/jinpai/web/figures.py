"""Figures as cells: in their unit, with what they rest on, and the way to their evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from jinpai.metrics.definition import Metric, registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.changes import tone
from jinpai.reports.model import Figures, Period
from jinpai.web.contexts import Page
from jinpai.web.tables import Cell, Column
from jinpai.web.words import Words

__all__ = [
    "Tile",
    "by_key",
    "evidence_link",
    "figure_cell",
    "figures_of",
    "metric_column",
    "series_of",
    "tile_of",
]


@dataclass(frozen=True)
class More:
    """Small words beside a headline figure."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Tile:
    """A headline figure."""

    name: str
    text: str
    href: str
    is_provisional: bool
    more: tuple[More, ...] = ()


def figures_of(
    page: Page,
    period: Period,
    codes: Sequence[str] | None = None,
    by: Sequence[str] = (),
    trailing: int = 0,
) -> list[MetricRow]:
    """Return figures of the shop and rule that are looked at."""
    filters = page.filters
    found = page.reader.ask(
        codes,
        by=by,
        first=period.first,
        last=period.last,
        judge_rule=filters.rule,
        shop_id=filters.shop_id,
        trailing=trailing,
    )
    return found.rows


def by_key(rows: Iterable[MetricRow], key: str | None = None) -> dict[str | None, Figures]:
    """Return the figures of each cell by one key of the grain; without one, all under None."""
    cells: dict[str | None, dict[str, MetricRow]] = defaultdict(dict)
    for row in rows:
        cells[row.grain[key] if key else None][row.metric] = row
    return dict(cells)


def series_of(
    rows: Iterable[MetricRow], days: Sequence[date], key: str, time: str = "day"
) -> dict[tuple[Any, str], list[Any]]:
    """Return (cell, metric) -> a value per day; null where the day has no figure."""
    places = {day: at for at, day in enumerate(days)}
    made: dict[tuple[Any, str], list[Any]] = {}
    for row in rows:
        values = made.setdefault((row.grain.get(key), row.metric), [None] * len(days))
        values[places[row.grain[time]]] = row.value
    return made


def evidence_link(page: Page, code: str, **cell: Any) -> str:
    """Return where a figure opens: its metric's page at the cell, down at the evidence."""
    return page.url("metric", code=code, **cell) + "#evidence"


def metric_column(words: Words, metric: Metric, **more: Any) -> Column:
    """Return a column of a metric."""
    text = metric.text_zh if words.language == "zh" else metric.text_en
    return Column(metric.code, words.name(metric.code), metric.unit, hint=text, **more)


def figure_cell(
    page: Page,
    row: MetricRow | None,
    *,
    n: bool = False,
    more: str = "",
    tone: str = "",
    **cell: Any,
) -> Cell:
    """Return a figure that opens; ``n`` says what it was counted from."""
    if row is None:
        return Cell(None)
    words = page.w
    under = [words("n_is", n=words.count(int(row.denominator)))] if n and row.denominator else []
    return Cell(
        row.value,
        text=words.value(row.metric, row.value),
        href=evidence_link(page, row.metric, **cell),
        under=" · ".join([*([more] if more else []), *under]),
        tone=tone,
        is_provisional=row.status == "provisional" and row.value is not None,
    )


def tile_of(
    page: Page, row: MetricRow, against: Sequence[tuple[str, Figures | None]], **cell: Any
) -> Tile:
    """Return a headline figure with its change against other periods ((word, their figures))."""
    words, metric = page.w, registry().metric(row.metric)
    more = []
    for word, figures in against:
        before = figures.get(row.metric) if figures else None
        if before is None or before.value is None or row.value is None:
            continue
        text = f"{words(word)} {words.change(metric, row.value, before.value)}"
        more.append(More(text, tone(row.metric, row.value, before.value)))
    is_money = metric.unit == "money"
    return Tile(
        words.name(row.metric),
        words.short(row.value) if is_money else words.value(row.metric, row.value),
        evidence_link(page, row.metric, **cell),
        row.status == "provisional",
        tuple(more),
    )


def share(part: Mapping[str, MetricRow], code: str, whole: Mapping[str, MetricRow]) -> float | None:
    """Return one cell's part of another's sum; None where there is nothing."""
    own, all_ = part.get(code), whole.get(code)
    if own is None or all_ is None or not all_.value:
        return None
    return float(own.value or 0) / float(all_.value)
