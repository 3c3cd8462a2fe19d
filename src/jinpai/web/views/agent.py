"""One agent: against the team, over the days and hours, and what is strong or weak."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from jinpai.metrics.decompose import FACTORS
from jinpai.metrics.definition import registry
from jinpai.periods import days
from jinpai.reports.changes import change_of, tone_of
from jinpai.reports.charts import histogram_labels
from jinpai.reports.findings import one_per_topic
from jinpai.reports.model import Agents, AgentSheet
from jinpai.reports.tables import SELLING_CODES, SERVICE_CODES
from jinpai.web.agents import Week, agents_in, others_waits, value_of, week_of
from jinpai.web.bubbles import time_words
from jinpai.web.charts import Chart, bridge, line, per_day
from jinpai.web.contexts import FigurePage, Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.figures import evidence_link, figure_cell, figures_of, series_of, tile_of
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.verdict import grade_of, score_table

__all__ = ["router"]

router = APIRouter()
_TILES = (
    "sales_amount", "inquiry_conversion_rate", "amount_per_buyer", "first_response_seconds",
    "avg_response_seconds", "reply_rate",
)  # fmt: skip
_LEVELS = 9


@router.get("/mine", name="my_figures")
def my_figures(page: PageOf) -> Response:
    """Go to one's own page."""
    if not page.user.agent_id:
        raise NotFound
    return RedirectResponse(page.url("agent", agent_id=page.user.agent_id), 303)


@router.get("/agents/{agent_id:path}", name="agent")
def agent(page: FigurePage, agent_id: str) -> Response:
    """Show one agent; an agent sees the own page, the team's spread without names."""
    page.sight.need_agent(agent_id)
    agents = agents_in(page)
    sheet = next((one for one in agents.sheets if one.agent_id == agent_id), None)
    if sheet is None and agent_id not in page.sight.roster:
        raise NotFound
    if sheet is None:
        empty = {"sheet": None, "empty": Empty(page.w("agent_none"))}
        return page.show(View("agent.html.j2", page.sight.name(agent_id), data=empty))
    week = week_of(page, agent_id)
    told = one_per_topic(sheet.findings)
    shown: dict[str, Any] = {
        "sheet": sheet,
        "tiles": _tiles(page, sheet),
        "heat": _heat(page, week),
        "split": sheet.split,
        "waits_note": _waits_note(page, sheet),
        "weak": [_told(page, one) for one in told if one.is_weak],
        "strong": [_told(page, one) for one in told if not one.is_weak],
        "quiet": page.w("none_weak" if sheet.is_judged else "not_judged"),
    }
    tables = [
        _figures(page, sheet, agents, "sheet_selling", SELLING_CODES),
        _figures(page, sheet, agents, "sheet_service", SERVICE_CODES),
    ]
    score, said = score_table(page, agent_id)
    tables.append(score)
    shown |= {"grade": grade_of(page, agent_id), "score_said": said}
    charts = _charts(page, sheet, agents)
    json = {"agent_id": agent_id, "name": sheet.name, "team": sheet.team}
    return page.show(View("agent.html.j2", sheet.name, tables, charts, shown, json))


def _tiles(page: Page, sheet: AgentSheet) -> list[Any]:
    against = [("against_before", sheet.previous)]
    return [
        tile_of(page, sheet.figures[code], against, agent=sheet.agent_id)
        for code in _TILES
        if code in sheet.figures
    ]


def _told(page: Page, one: Any) -> dict[str, str]:
    w = page.w
    coach = one.coach if one.coach and page.user.role != "agent" else None
    return {
        "name": w.name(one.code),
        "href": evidence_link(page, one.code),
        "text": w(
            "finding_weak",
            own=w.value(one.code, one.own),
            others=w.value(one.code, one.others),
            n=w.count(one.n),
            others_n=w.count(one.others_n),
        ),
        "topic": w(f"topic_{one.topic}") if one.is_weak else "",
        "coach": w("coach", name=coach[0], value=w.value(one.code, coach[1])) if coach else "",
    }


def _figures(
    page: Page, sheet: AgentSheet, agents: Agents, title: str, codes: tuple[str, ...]
) -> Table:
    w = page.w
    columns = [
        Column("metric", w("agent_metric"), is_fixed=True),
        Column("own", w("agent_own"), "number", is_sortable=False),
        Column("change", w("agent_change"), "number", is_sortable=False),
        Column("others", w("agent_others_value"), "number", is_sortable=False),
        Column("place", w("agent_place"), "count"),
        Column("spread", w("agent_team_spread"), is_sortable=False, is_shown=False),
    ]
    rows: list[Row] = []
    for code in (code for code in codes if code in sheet.figures):
        standing = sheet.standings[code]
        place = standing.place if standing.of > 1 else None
        placed = "" if place is None else w("place_of", place=place, of=standing.of)
        rows.append(
            {
                "metric": Cell(
                    w.name(code), href=page.url("metric", code=code, agent=sheet.agent_id)
                ),
                "own": figure_cell(page, sheet.figures[code], n=True, agent=sheet.agent_id),
                "change": Cell(
                    value_of(sheet.previous.get(code)),
                    text=change_of(w, code, sheet.figures, sheet.previous) or "–",
                    tone=tone_of(code, sheet.figures, sheet.previous),
                ),
                "others": Cell(standing.others, text=w.value(code, standing.others)),
                "place": Cell(place, text=placed or "–"),
                "spread": Cell(_spread(page, sheet, agents, code)),
            }
        )
    return Table(title, w(title), columns, rows, Empty(w("agent_none")))


def _spread(page: Page, sheet: AgentSheet, agents: Agents, code: str) -> str:
    """The team's lowest, middle and highest value: a distribution without names."""
    w = page.w
    mates = [one for one in agents.sheets if one.team == sheet.team]
    found = sorted(v for one in mates if (v := value_of(one.figures.get(code))) is not None)
    if len(found) < 3:
        return "–"
    metric = registry().metric(code)
    spots = [found[0], found[(len(found) - 1) // 2], found[-1]]
    words = ("spread_low", "spread_mid", "spread_high")
    return " · ".join(
        f"{w(word)} {w.in_unit(metric, value)}" for word, value in zip(words, spots, strict=True)
    )


def _charts(page: Page, sheet: AgentSheet, agents: Agents) -> dict[str, Chart]:
    w, period = page.w, page.filters.period
    here = list(days(period.first, period.last))
    codes = ("sales_amount", "avg_response_seconds")
    rows = figures_of(page, period, codes, by=("agent", "day"))
    own = series_of(
        (row for row in rows if row.grain["agent_id"] == sheet.agent_id), here, "agent_id"
    )
    values = {code: own.get((sheet.agent_id, code), [None] * len(here)) for code in codes}
    links = [evidence_link(page, "sales_amount", agent=sheet.agent_id, day=day) for day in here]
    made = {
        "daily": per_day("money", here, bars=[line(w("agent_sales"), values["sales_amount"])])
        | {"links": links},
        "waits": _histogram(page, sheet, agents),
    }
    if sheet.split is not None:
        parts = [*sheet.split.parts.factors, float(sheet.split.parts.residual)]
        named = [w(name) for name in (*FACTORS, "residual")]
        start = (w("split_mean"), sheet.split.other.sales_amount)
        pairs = list(zip(named, parts, strict=True))
        made["split"] = bridge("money", start, pairs, w("split_own"))
    return made


def _histogram(page: Page, sheet: AgentSheet, agents: Agents) -> Chart:
    w = page.w
    sides = [(sheet.name, sheet.waits), (w("agent_others"), others_waits(agents, sheet))]
    bars = [
        {"name": name, "values": [n / of.rounds for n in of.bars()], "counts": of.bars()}
        for name, of in sides
        if of.rounds
    ]
    return {
        "kind": "histogram",
        "unit": "ratio",
        "labels": histogram_labels(w),
        "bars": bars,
        "height": 260,
    }


def _waits_note(page: Page, sheet: AgentSheet) -> str:
    def said(value: float | None) -> str:
        return "–" if value is None else time_words(page.w, value)

    waits = sheet.waits
    return page.w(
        "agent_waits_note", mean=said(waits.mean), median=said(waits.median), p90=said(waits.p90)
    )


def _heat(page: Page, week: Week) -> list[dict[str, Any]]:
    """Two maps of weekday and hour: conversations per day, and mean waits."""
    w = page.w
    load = {
        cell: count / max(week.days.get(cell[0], 1), 1) for cell, count in week.sessions.items()
    }
    made = []
    for title, cells, form in (
        ("agent_heat", load, "{:.1f}"),
        ("agent_heat_waits", week.waits, "{:.0f}"),
    ):
        if not cells:
            continue
        most = max(cells.values()) or 1
        hours = range(min(hour for _, hour in cells), max(hour for _, hour in cells) + 1)
        rows = []
        for day in range(7):
            row = []
            for hour in hours:
                value = cells.get((day, hour))
                text = "" if value is None else form.format(value)
                level = 0 if value is None else max(1, round(value / most * _LEVELS))
                said = w("agent_heat_cell", weekday=w.weekday(day), hour=hour, text=text or "0")
                row.append({"text": text, "level": level, "said": said})
            rows.append({"name": w.weekday(day), "cells": row})
        made.append({"title": w(title), "hours": list(hours), "rows": rows})
    return made
