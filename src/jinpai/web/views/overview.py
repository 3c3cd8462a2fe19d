"""The overview: what was sold, where it comes from, what changed most and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.metrics.definition import registry
from jinpai.periods import days, local_time
from jinpai.reports.model import Figures, Period, Split
from jinpai.reports.overview import TILES
from jinpai.reports.tables import split_of
from jinpai.settings import Settings
from jinpai.web.cases import moment
from jinpai.web.charts import line, per_day
from jinpai.web.contexts import FigurePage, Page, View
from jinpai.web.figures import by_key, evidence_link, figure_cell, figures_of, series_of, tile_of
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.tree import main_factor, tree_table

__all__ = ["router"]

router = APIRouter()
_DAILY = ("sales_amount", "silent_amount", "inquiry_conversion_rate")


@router.get("/overview", name="overview")
def overview(page: FigurePage) -> Response:
    """Show the shop's period against the one before and the same weekdays."""
    filters = page.filters
    now = _shop(page, filters.period)
    before, weekday = (_shop(page, one) for one in (filters.before(), filters.weeks_before()))
    against = [("against_before", before), ("against_weekday", weekday)]
    tiles = [tile_of(page, now[code], against) for code in TILES if code in now]
    split = split_of(now, before) if before else None
    return page.show(
        View(
            "overview.html.j2",
            page.w("overview"),
            tables=[tree_table(page, now, before, weekday), _who(page, before is not None)],
            charts=_charts(page),
            data={"tiles": tiles, "said": _said(page, split), "state": _state(page, now)},
            json={"said": _said(page, split), "state": _state(page, now)},
        )
    )


def _shop(page: Page, period: Period | None) -> Figures:
    if period is None:
        return {}
    return by_key(figures_of(page, period)).get(None, {})


def _said(page: Page, split: Split | None) -> str:
    """Say what made the change, in a sentence."""
    if split is None:
        return ""
    change = split.own.sales_amount - split.other.sales_amount
    if not change:
        return page.w("said_same")
    word, part = main_factor(split)
    share = change / split.other.sales_amount if split.other.sales_amount else None
    return page.w(
        "said_up" if change > 0 else "said_down",
        amount=page.w.amount(abs(change)),
        share=page.w.percent(None if share is None else abs(float(share))),
        factor=page.w(word) if page.language == "zh" else page.w.inside(word),
        part=page.w.amount(part, signed=True),
    )


def _who(page: Page, has_before: bool) -> Table:
    """The agents one may see, those first whose sales changed most."""
    w, filters = page.w, page.filters
    columns = [
        Column("agent", w("agent"), is_fixed=True),
        Column("team", w("team_of"), is_shown=False),
        Column("sales_amount", w("who_sales"), "money", is_shown=False),
        Column("change", w("who_change"), "money"),
        Column("factor", w("who_factor")),
        Column("effect", w("tree_effect"), "money", is_shown=False),
    ]
    before = filters.before()
    rows: list[Row] = []
    if before is not None:
        codes = ("inquiry_buyers", "inquiry_paid_buyers", "inquiry_sales_amount", "sales_amount")
        now, then = (
            by_key(figures_of(page, one, codes, by=("agent",)), "agent_id")
            for one in (filters.period, before)
        )
        agents = [one for one in {**now, **then} if one is not None and page.sight.sees_agent(one)]
        rows = [_changed(page, agent, now.get(agent), then.get(agent)) for agent in agents]
        rows.sort(key=lambda row: -abs(float(row["change"].value)))
    last_week = filters.loaded.last - timedelta(days=6)
    href = page.here({"from": last_week, "to": filters.loaded.last})
    empty = Empty(
        w("overview_who_none", day=filters.loaded.first), "" if has_before else href,
        w("choose_period"),
    )  # fmt: skip
    return Table("who", w("overview_who"), columns, rows, empty)


def _changed(page: Page, agent: str, now: Figures | None, then: Figures | None) -> Row:
    split = split_of(now or {}, then or {}) if now and then else None
    values = [(one["sales_amount"].value or 0) if one else 0 for one in (now, then)]
    change = values[0] - values[1]  # type: ignore[operator]
    word, part = main_factor(split) if split is not None else ("", None)
    row = now["sales_amount"] if now else None
    effect = None if part is None else page.w.amount(part, signed=True)
    tone = "better" if change > 0 else "worse" if change < 0 else ""
    return {
        "agent": Cell(page.sight.name(agent), href=page.url("agent", agent_id=agent)),
        "team": Cell(page.sight.roster.get(agent, {}).get("team")),
        "sales_amount": figure_cell(page, row, agent=agent),
        "change": Cell(change, text=page.w.amount(change, signed=True), tone=tone),
        "factor": Cell(page.w(word) if word else None, under=effect or ""),
        "effect": Cell(part, text=effect),
    }


def _charts(page: Page) -> dict[str, dict[str, Any]]:
    period = page.filters.period
    here = list(days(period.first, period.last))
    found = series_of(figures_of(page, period, _DAILY, by=("day",)), here, "")
    values = {code: found.get((None, code), []) for code in _DAILY}
    links = [evidence_link(page, "sales_amount", day=day) for day in here]
    sales = per_day(
        "money",
        here,
        bars=[
            line(page.w("agent_sales"), values["sales_amount"]),
            line(page.w("silent_sales"), values["silent_amount"]),
        ],
    )
    rate = line(page.w.name("inquiry_conversion_rate"), values["inquiry_conversion_rate"])
    return {
        "daily": sales | {"links": links},
        "conversion": per_day("ratio", here, lines=[rate]),
    }


def _state(page: Page, now: Figures) -> Mapping[str, Any]:
    """Say how fresh and how final the figures are, in words."""
    filters, w = page.filters, page.w
    settings = Settings.of(filters.shop.settings)
    early = [
        registry().metric(code).maturity_days(settings, filters.rule)
        for code, row in now.items()
        if row.status == "provisional"
    ]
    said = [w("state_final")]
    if early:
        until = filters.period.last + timedelta(days=max(early))
        said = [w("state_early", count=len(early), day=until)]
    beyond = (filters.period.last - filters.loaded.last).days
    if beyond > 0:
        said.append(w("state_beyond", days=beyond, day=filters.loaded.last))
    rejected = page.reader.kept(("rejects",), lambda: page.reader.lake.rejects().num_rows)
    said.append(w("state_rejects", rows=w.count(rejected)) if rejected else w("state_no_rejects"))
    as_of = local_time(filters.shop.as_of_us, filters.shop.timezone)
    return {
        "loaded": w.span(filters.loaded.first, filters.loaded.last),
        "as_of": f"{as_of:%Y-%m-%d %H:%M:%S}",
        "ran": moment(page, page.reader.ran_at()),
        "zone": filters.shop.timezone,
        "said": said,
    }
