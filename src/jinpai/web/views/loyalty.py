"""Loyalty: who comes back, who is lost, and the cohorts by month of first purchase."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from jinpai.errors import UnknownName
from jinpai.metrics.cohorts import Cohort, CohortMonth, cohort_buyers
from jinpai.metrics.definition import registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.model import Period
from jinpai.reports.tables import LOYALTY_CODES
from jinpai.settings import Settings
from jinpai.web.contexts import FigurePage, Page, View
from jinpai.web.errors import NotFound
from jinpai.web.figures import by_key, figure_cell, figures_of, metric_column, tile_of
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.workspace import scopes_of

__all__ = ["router"]

router = APIRouter()
_SHOWS = ("share", "buyers", "amount")
_COLUMNS, _LEVELS = 13, 9


@router.get("/loyalty", name="loyalty")
def loyalty(page: FigurePage) -> Response:
    """Show the period's loyalty, by month and agent, and the cohorts."""
    show = page.query.get("show", _SHOWS[0])
    if show not in _SHOWS:
        raise UnknownName("show", show, _SHOWS)
    filters, w = page.filters, page.w
    now, before = (
        by_key(figures_of(page, one, LOYALTY_CODES)).get(None, {}) if one else {}
        for one in (filters.period, filters.before())
    )
    codes = [code for code in LOYALTY_CODES if code in now]
    against = [("against_before", before or None)]
    tiles = [tile_of(page, now[code], against) for code in codes if now[code].value is not None]
    found = _cohorts(page)
    shown = {
        "tiles": tiles,
        "ripeness": [_ripeness(page, now[code]) for code in codes],
        "show": show,
        "shows": _SHOWS,
        "heat": _heat(page, found, show),
    }
    tables = [_months(page), _agents(page), _cohort_table(page, found)]
    return page.show(View("loyalty.html.j2", w("loyalty"), tables, data=shown))


def _ripeness(page: Page, row: MetricRow) -> dict[str, str]:
    """Say in words from when on a figure stays as it is, and what it was counted from."""
    w, metric = page.w, registry().metric(row.metric)
    ripe = metric.maturity_days(Settings.of(page.filters.shop.settings), page.filters.rule)
    until = page.filters.period.last + timedelta(days=ripe)
    n = w.count(int(row.denominator)) if row.denominator else "0"
    if row.value is None:
        said = w("loyalty_no_value")
    elif row.status == "final":
        said = w("loyalty_final", n=n)
    elif ripe > 1:
        said = w("loyalty_early", n=n, day=until, days=ripe)
    else:
        said = w("loyalty_short", n=n, day=page.filters.loaded.first)
    return {"name": w.name(row.metric), "said": said}


def _figures_table(
    page: Page, name: str, head: Column, rows: Sequence[tuple[Cell, Any]], sort: str = ""
) -> Table:
    """A table of the loyalty metrics: (name, code -> cell) by row."""
    w = page.w
    columns = [head, *(metric_column(w, registry().metric(code)) for code in LOYALTY_CODES)]
    made: list[Row] = [{head.key: one, **figures} for one, figures in rows]
    href = page.here({"from": page.filters.loaded.first, "to": page.filters.loaded.last})
    empty = Empty(w("loyalty_none"), href, w("after_wider"))
    return Table(name, w(f"loyalty_{name}"), columns, made, empty, sort=sort)


def _months(page: Page) -> Table:
    """Every month loaded; each is measured against what came before it."""
    loaded = page.filters.loaded
    rows = figures_of(page, loaded, LOYALTY_CODES, by=("month",))
    made = []
    for month, figures in sorted(by_key(rows, "month").items(), reverse=True):
        span = _span(str(month), loaded)
        cells = {
            code: figure_cell(page, row, n=True, from_=span.first, to=span.last)
            for code, row in figures.items()
        }
        made.append((Cell(month), cells))
    return _figures_table(page, "months", Column("month", page.w("month"), is_fixed=True), made)


def _span(month: str, within: Period) -> Period:
    """Return the days of a month that are loaded."""
    year, number = int(month[:4]), int(month[5:7])
    last = date(year, number, calendar.monthrange(year, number)[1])
    return Period(max(date(year, number, 1), within.first), min(last, within.last))


def _agents(page: Page) -> Table:
    rows = figures_of(page, page.filters.period, LOYALTY_CODES, by=("agent",))
    made = []
    for agent, figures in by_key(rows, "agent_id").items():
        known = any(row.value is not None for row in figures.values())
        if agent is None or not known or not page.sight.sees_agent(agent):
            continue
        cells = {code: figure_cell(page, row, n=True, agent=agent) for code, row in figures.items()}
        made.append((Cell(page.sight.name(agent), href=page.url("agent", agent_id=agent)), cells))
    head = Column("agent", page.w("agent"), is_fixed=True)
    return _figures_table(page, "agents", head, made, "-returning_share")


def _cohorts(page: Page) -> list[Cohort]:
    filters = page.filters

    def ask() -> list[Cohort]:
        found = page.reader.cohorts(judge_rule=filters.rule, shop_id=filters.shop_id)
        return list(found.cohorts)

    return list(page.reader.kept(("cohorts", filters.shop_id, filters.rule), ask))


def _heat(page: Page, found: Sequence[Cohort], show: str) -> dict[str, Any] | None:
    """The last year of cohorts by months since; a shade from 1 to 9 by what is shown.

    Month 0 is everybody, and has no shade.
    """
    shown = found[-_COLUMNS:]
    longest = min(max((len(one.months) for one in shown), default=0), _COLUMNS)
    later = [_number(month, show) for one in shown for month in one.months[1:longest]]
    most = max(later, default=0) or 1
    rows = [
        {
            "month": one.month,
            "buyers": page.w.count(one.buyers),
            "href": page.url("cohort", month=one.month, since=0),
            "cells": [_month(page, one, at, show, most) for at in one.months[:longest]],
            "missing": longest - min(len(one.months), longest),
        }
        for one in reversed(shown)
    ]
    return {"heads": list(range(longest)), "rows": rows} if rows else None


def _number(month: CohortMonth, show: str) -> float:
    return float(getattr(month, show))


def _month(page: Page, cohort: Cohort, month: CohortMonth, show: str, most: float) -> Any:
    w, number = page.w, _number(month, show)
    texts = {
        "share": w.percent(month.share),
        "buyers": w.count(month.buyers),
        "amount": w.brief(month.amount),
    }
    level = max(1, round(number / most * _LEVELS)) if month.months_since and number else 0
    said = w(
        "cohort_said", cohort=cohort.month, month=month.month, buyers=texts["buyers"],
        share=texts["share"], amount=w.amount(month.amount),
    )  # fmt: skip
    return {
        "text": texts[show],
        "level": level,
        "said": said + (w("cohort_open") if month.status == "provisional" else ""),
        "is_open": month.status == "provisional",
        "href": page.url("cohort", month=cohort.month, since=month.months_since)
        if month.buyers
        else "",
    }


def _cohort_table(page: Page, found: Sequence[Cohort]) -> Table:
    """The same, a row per cohort and month, to download."""
    w = page.w
    columns = [
        Column("cohort", w("cohort"), is_fixed=True),
        Column("since", w("months_since"), "count"),
        Column("month", w("month")),
        Column("buyers", w("came_back"), "count"),
        Column("share", w("share"), "ratio"),
        Column("amount", w("amount"), "money"),
    ]
    rows: list[Row] = [
        {
            "cohort": Cell(one.month),
            "since": Cell(month.months_since),
            "month": Cell(month.month),
            "buyers": Cell(
                month.buyers,
                href=page.url("cohort", month=one.month, since=month.months_since),
                is_provisional=month.status == "provisional",
            ),
            "share": Cell(month.share),
            "amount": Cell(month.amount),
        }
        for one in found
        for month in one.months
    ]
    return Table("cohorts", w("cohort_rows"), columns, rows, Empty(w("loyalty_none")))


@router.get("/loyalty/cohorts/{month}", name="cohort")
def cohort(page: FigurePage, month: Annotated[str, Path(max_length=20)]) -> Response:
    """Show the buyers behind a cell of the cohorts; those of others' are not named."""
    since = page.query.get("since", "0")
    if not (since.isascii() and since.isdigit() and len(since) < 4):
        raise NotFound
    filters, w = page.filters, page.w

    def ask() -> list[dict[str, Any]]:
        with page.reader.derived(filters.shop_id) as (engine, shops, _):
            (scope,) = scopes_of(shops, None, None)
            return cohort_buyers(engine, scope, month, int(since), judge_rule=filters.rule)

    found = page.reader.kept(("cohort", filters.shop_id, filters.rule, month, since), ask)
    rows = [_buyer(page, row) for row in found]
    back = Empty(w("cohort_none"), page.url("loyalty"), w("cohort_back"))
    columns = [
        Column("buyer", w("row_buyer"), is_fixed=True),
        Column("agent", w("cohort_agent")),
        Column("first_day", w("cohort_first"), "day"),
        Column("orders", w("field_orders"), "count"),
        Column("amount", w("amount"), "money"),
    ]
    table = Table("buyers", w("cohort_buyers_of"), columns, rows, back, total=len(rows))
    title = w("cohort_title", month=month, n=since)
    return page.show(View("cohort.html.j2", title, [table]))


def _buyer(page: Page, row: dict[str, Any]) -> Row:
    is_seen = page.sight.sees_agent(row["agent_id"])
    buyer, day = row["buyer_id"], row["first_day"]
    loaded = page.filters.loaded
    talks = page.url("conversations", buyer=buyer, from_=loaded.first, to=loaded.last)
    agent = page.sight.name(row["agent_id"]) or page.w("cell_unassigned")
    return {
        "buyer": Cell(buyer, href=talks) if is_seen else Cell(None),
        "agent": Cell(row["agent_id"], text=agent) if is_seen else Cell(None),
        "first_day": Cell(day),
        "orders": Cell(row["orders"]),
        "amount": Cell(row["paid_amount"]),
    }
