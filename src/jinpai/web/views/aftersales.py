"""After-sales: refunds, returns, complaints and reviews of the days up to one day, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.errors import UnknownName
from jinpai.metrics.definition import CLASSES, registry
from jinpai.metrics.query import MetricRow
from jinpai.periods import days
from jinpai.reports.model import Figures, Period
from jinpai.reports.products import ASKED, events, products
from jinpai.reports.tables import AFTER_CODES, PRODUCT_CODES
from jinpai.web.charts import Chart, line, per_day
from jinpai.web.contexts import FigurePage, Page, View
from jinpai.web.figures import (
    Tile,
    by_key,
    evidence_link,
    figure_cell,
    figures_of,
    metric_column,
    series_of,
    tile_of,
)
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["router"]

router = APIRouter()
_WINDOWS = ("28", "180")
_PANEL_HEIGHT = 150


@dataclass(frozen=True)
class _Panel:
    """One metric: its figure of the window, and the chart of its trailing figure per day."""

    tile: Tile
    chart: str


@router.get("/aftersales", name="aftersales")
def aftersales(page: FigurePage) -> Response:
    """Show the 28 or 180 days that end with the period's last day, and how they came about."""
    window = page.query.get("window", _WINDOWS[0])
    if window not in _WINDOWS:
        raise UnknownName("window", window, _WINDOWS)
    last = page.filters.period.last
    span = Period(last - timedelta(days=int(window) - 1), last)
    now = by_key(figures_of(page, span, AFTER_CODES)).get(None, {})
    codes = [code for code in AFTER_CODES if code in now and now[code].value is not None]
    trends = _trends(page, codes, int(window))
    panels = [_Panel(_tile(page, now[code], span), code) for code in codes]
    pareto = {kind: _classes(page, span, kind) for kind in CLASSES}
    charts = trends | {f"disputes_{kind}": one for kind, one in pareto.items() if one}
    begins = page.filters.loaded.first
    looks_back = page.filters.period.first - (span.last - span.first)
    shown = {
        "panels": panels,
        "window": window,
        "windows": _WINDOWS,
        "said": page.w("after_said", first=span.first, last=span.last, days=window),
        "partial": page.w("after_partial", day=begins) if looks_back < begins else "",
        "empty": _nothing(page),
    }
    tables = [_agents(page, span, codes), _products(page, span)]
    json = {"window": int(window), "window_first": span.first, "window_last": span.last}
    return page.show(
        View("aftersales.html.j2", page.w("aftersales"), tables, charts, shown, json),
    )


def _nothing(page: Page) -> Empty:
    """What to do where there are no after-sales events in the window."""
    loaded = page.filters.loaded
    href = page.here({"from": loaded.first, "to": loaded.last, "window": "180"})
    return Empty(page.w("after_none"), href, page.w("after_wider"))


def _cell(span: Period) -> dict[str, Any]:
    """The days of a window, for links to its evidence."""
    return {"from_": span.first, "to": span.last}


def _link(page: Page, code: str, span: Period, part: str, key: str | None) -> str:
    """Where a cell opens; the cell of nothing in particular is asked for by an empty name."""
    if key:
        return evidence_link(page, code, **(_cell(span) | {part: key}))
    return evidence_link(page, code, **_cell(span)).replace("#", f"&{part}=#")


def _tile(page: Page, row: MetricRow, span: Period) -> Tile:
    before = Period(span.first - (span.last - span.first) - timedelta(days=1), _eve(span.first))
    against: list[tuple[str, Figures | None]] = []
    if before.first >= page.filters.loaded.first:
        figures = by_key(figures_of(page, before, AFTER_CODES)).get(None)
        against = [("against_before", figures)]
    return tile_of(page, row, against, **_cell(span))


def _eve(day: date) -> date:
    return day - timedelta(days=1)


def _trends(page: Page, codes: Sequence[str], window: int) -> dict[str, Chart]:
    """A chart per metric: each day's figure is that of the window which ends with it."""
    if not codes:
        return {}
    period = page.filters.period
    here = list(days(period.first, period.last))
    rows = figures_of(page, period, codes, by=("day",), trailing=window)
    found = series_of(rows, here, "")
    return {code: _trend(page, code, here, found.get((None, code), []), window) for code in codes}


def _trend(
    page: Page, code: str, here: Sequence[date], values: Sequence[Any], window: int
) -> Chart:
    drawn = per_day(
        registry().metric(code).unit,
        here,
        lines=[line(page.w.name(code), values)],
        height=_PANEL_HEIGHT,
    )
    back = timedelta(days=window - 1)
    links = [evidence_link(page, code, from_=day - back, to=day) for day in here]
    return drawn | {"links": links}


def _classes(page: Page, span: Period, kind: str) -> Chart:
    """The Pareto chart of complaints by stage or by cause; empty where nobody complained."""
    rows = figures_of(page, span, ["dispute_share"], by=(kind,))
    rows = sorted((row for row in rows if row.numerator), key=lambda row: row.cumulative or 0)
    if not rows:
        return {}
    w = page.w
    return {
        "kind": "pareto",
        "labels": [_class(page, kind, row.grain[kind]) for row in rows],
        "values": [int(row.numerator or 0) for row in rows],
        "shares": [row.cumulative for row in rows],
        "names": [w("complaints"), w("cumulative_share")],
        "links": [_link(page, "dispute_share", span, kind, row.grain[kind]) for row in rows],
        "height": 280,
    }


def _class(page: Page, kind: str, name: str | None) -> str:
    if name is None:
        return page.w("class_none")
    word = f"{kind}_{name}"
    return page.w(word) if page.w.has(word) else name


def _agents(page: Page, span: Period, codes: Sequence[str]) -> Table:
    """The agents one may see, by the orders credited to them."""
    w = page.w
    found = by_key(figures_of(page, span, AFTER_CODES, by=("agent",)), "agent_id")
    columns = [
        Column("agent", w("agent"), is_fixed=True),
        Column("team", w("team_of"), is_shown=False),
        *(metric_column(w, registry().metric(code)) for code in codes),
    ]
    rows: list[Row] = [
        {
            "agent": Cell(page.sight.name(agent), href=page.url("agent", agent_id=agent)),
            "team": Cell(page.sight.roster.get(agent, {}).get("team")),
            **{code: _figure(page, figures.get(code), span, "agent", agent) for code in codes},
        }
        for agent, figures in found.items()
        if agent is not None and page.sight.sees_agent(agent) and _is_there(figures, codes)
    ]
    return Table(
        "agents", w("after_agents"), columns, rows, _nothing(page), sort="-refund_rate"
    )  # fmt: skip


def _is_there(figures: Figures, codes: Sequence[str]) -> bool:
    return any(figures[code].value is not None for code in codes if code in figures)


def _figure(page: Page, row: MetricRow | None, span: Period, part: str, key: str | None) -> Cell:
    made = figure_cell(page, row, n=True)
    return made if row is None else replace(made, href=_link(page, row.metric, span, part, key))


def _products(page: Page, span: Period) -> Table:
    """Every product with refunds or complaints, most of them first."""
    w = page.w
    rows = figures_of(page, span, ASKED, by=("product",))
    found = [one for one in products(rows, _titles(page)) if events(one)]
    counts = ("refund_count", "complaint_count")
    columns = [
        Column("product", w("product"), is_fixed=True),
        *(metric_column(w, registry().metric(code)) for code in (*counts, *PRODUCT_CODES)),
    ]
    made: list[Row] = [
        {
            "product": Cell(one.title or w("no_product"), under=one.product_id or ""),
            **{
                code: _figure(page, one.figures.get(code), span, "product", one.product_id)
                for code in (*counts, *PRODUCT_CODES)
            },
        }
        for one in found
    ]
    return Table(
        "products", w("products_head"), columns, made, _nothing(page), sort="-refund_count"
    )  # fmt: skip


def _titles(page: Page) -> dict[str, str]:
    """Return product_id -> title of the shop's products that have one."""
    shop_id = page.filters.shop_id

    def read() -> dict[str, str]:
        sql = "select product_id, title from products where shop_id = $shop_id and title <> ''"
        with page.reader.derived(shop_id) as (engine, _, _):
            rows = engine.fetch("titles", sql, {"shop_id": shop_id}).to_pylist()
        return {row["product_id"]: row["title"] for row in rows}

    made: dict[str, str] = page.reader.kept(("titles", shop_id), read)
    return made
