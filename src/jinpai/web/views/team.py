"""The team: everybody compared, metric by metric."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.metrics.definition import Metric, registry
from jinpai.periods import days
from jinpai.reports.findings import one_per_topic
from jinpai.reports.model import AgentSheet
from jinpai.reports.tables import TEAM_CODES
from jinpai.web.agents import agents_in, value_of
from jinpai.web.charts import Chart, line, spark
from jinpai.web.contexts import FigurePage, Page, View
from jinpai.web.figures import by_key, figure_cell, figures_of, metric_column, series_of
from jinpai.web.tables import Cell, Column, Empty, LazyRow, Row, Table

__all__ = ["router"]

router = APIRouter()


@router.get("/team", name="team")
def team(page: FigurePage) -> Response:
    """Compare the agents one may see; the columns are any metrics one chooses."""
    asked = page.query.get("team")
    sheets = [
        one
        for one in agents_in(page).sheets
        if page.sight.sees_agent(one.agent_id) and (not asked or one.team == asked)
    ]
    teams = sorted(
        {one.team or "" for one in agents_in(page).sheets if page.sight.sees_team(one.team)}
    )
    return page.show(
        View(
            "team.html.j2",
            page.w("team"),
            tables=[_table(page, sheets)],
            charts=_pareto(page, sheets),
            data={"teams": [name for name in teams if name]},
        )
    )


def _metrics(sheets: Sequence[AgentSheet]) -> list[Metric]:
    there = {code for sheet in sheets for code in sheet.figures}
    return [one for one in registry().metrics if one.code in there]


def _table(page: Page, sheets: Sequence[AgentSheet]) -> Table:
    w = page.w
    columns = [
        Column("name", w("agent"), is_fixed=True),
        Column("team", w("team_of"), is_shown=False),
        Column("trend", w("team_trend"), "spark", is_sortable=False),
        *(
            metric_column(w, metric, is_shown=metric.code in TEAM_CODES)
            for metric in _metrics(sheets)
        ),
        Column("share", w("team_share"), "ratio", is_shown=False),
        Column("weakest", w("team_weakest"), is_sortable=False),
    ]
    total = sum(value_of(one.figures.get("sales_amount")) or 0.0 for one in sheets)
    trends = _trends(page)
    rows = [_row(page, sheet, total, trends.get(sheet.agent_id, [])) for sheet in sheets]
    foot = [_foot(page, sheets)] if page.sight.sees_all and not page.query.get("team") else []
    return Table(
        "team", w("team_table"), columns, rows, Empty(w("team_none")), foot=foot,
        sort="-sales_amount",
    )  # fmt: skip


def _trends(page: Page) -> dict[Any, list[Any]]:
    period = page.filters.period
    here: list[date] = list(days(period.first, period.last))
    rows = figures_of(page, period, ["sales_amount"], by=("agent", "day"))
    found = series_of(rows, here, "agent_id")
    return {agent: [value or 0 for value in values] for (agent, _), values in found.items()}


def _row(page: Page, sheet: AgentSheet, total: float, trend: Sequence[Any]) -> Row:
    w, agent = page.w, sheet.agent_id
    weak = [one for one in one_per_topic(sheet.findings) if one.is_weak]
    tones = {one.code: "last" if one.is_weak else "best" for one in reversed(sheet.findings)}
    sold = value_of(sheet.figures.get("sales_amount"))
    made = {
        "name": Cell(sheet.name, href=page.url("agent", agent_id=agent), under=sheet.team or ""),
        "team": Cell(sheet.team),
        "trend": Cell(None, points=spark(trend), text=w("team_trend")),
        "share": Cell(sold / total if sold is not None and total else None),
        "weakest": _weakest(page, sheet, weak),
    }

    def figure(code: str) -> Cell:
        standing = sheet.standings.get(code)
        place = ""
        if standing is not None and standing.place is not None and standing.of > 1:
            place = w("place_short", place=standing.place, of=standing.of)
        return figure_cell(
            page, sheet.figures[code], n=True, more=place, tone=tones.get(code, ""), agent=agent
        )

    return LazyRow(made, sheet.figures.keys(), figure)


def _weakest(page: Page, sheet: AgentSheet, weak: Sequence[Any]) -> Cell:
    if not weak:
        return Cell(None, under=page.w("none_weak" if sheet.is_judged else "not_judged"))
    return Cell(
        page.w.name(weak[0].code),
        under=page.w(f"topic_{weak[0].topic}").split("：")[0].split(":")[0],
    )


def _foot(page: Page, sheets: Sequence[AgentSheet]) -> Row:
    shop = by_key(figures_of(page, page.filters.period)).get(None, {})
    name = {"name": Cell(page.w("everyone"))}
    return LazyRow(name, shop.keys(), lambda code: figure_cell(page, shop[code], n=True))


def _pareto(page: Page, sheets: Sequence[AgentSheet]) -> dict[str, Chart]:
    """Sales by agent, largest first, with the share they make together."""
    rows = [
        (one.name, one.agent_id, value_of(one.figures.get("sales_amount")) or 0.0) for one in sheets
    ]
    rows = sorted((row for row in rows if row[2] > 0), key=lambda row: -row[2])
    total = sum(row[2] for row in rows)
    if len(rows) < 2:
        return {}
    so_far, shares = 0.0, []
    for row in rows:
        so_far += row[2]
        shares.append(so_far / total)
    return {
        "pareto": {
            "kind": "pareto",
            "unit": "money",
            "labels": [name for name, _, _ in rows],
            "values": line("", [value for _, _, value in rows])["values"],
            "shares": shares,
            "names": [page.w("agent_sales"), page.w("cumulative_share")],
            "links": [page.url("agent", agent_id=agent) for _, agent, _ in rows],
            "height": 300,
        }
    }
