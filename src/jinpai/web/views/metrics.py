"""The metrics: all of them, and each with its definition, trend, breakdown and evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.errors import UnknownName
from jinpai.metrics.cells import TIME_PARTS
from jinpai.metrics.definition import CLASSES, Metric, registry
from jinpai.metrics.query import MetricRow
from jinpai.periods import days, parse_day
from jinpai.reports.model import Period
from jinpai.settings import Settings
from jinpai.web.charts import Chart, line, per_day
from jinpai.web.contexts import FigurePage, Page, View
from jinpai.web.cursor import cursor_of, place_of
from jinpai.web.errors import NotFound
from jinpai.web.evidence import evidence_columns, evidence_rows
from jinpai.web.figures import by_key, figure_cell, figures_of
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.words import NONE

__all__ = ["router"]

router = APIRouter()
_WHO = ("agent", "team", "product", *CLASSES)
_KEYS = {"agent": "agent_id", "product": "product_id"}
_PAGE = 50
_CHUNK = 5000


@router.get("/metrics", name="metrics")
def metrics(page: FigurePage) -> Response:
    """Show every metric with its value; an agent sees the own ones."""
    own = page.user.agent_id if page.user.role == "agent" else None
    rows = figures_of(page, page.filters.period, by=("agent",) if own else ())
    found = by_key(rows, "agent_id" if own else None).get(own, {})
    w, settings = page.w, Settings.of(page.filters.shop.settings)
    columns = [
        Column("name", w("metric_name"), is_fixed=True),
        Column("value", w("metric_value"), "number", is_sortable=False),
        Column("n", w("metric_n"), "count"),
        Column("family", w("metric_family")),
        Column("better", w("metric_better")),
        Column("matures", w("metric_matures"), "count"),
        Column("code", w("metric_code")),
        Column("meaning", w("metric_definition"), is_shown=False, is_sortable=False),
    ]
    cell = {"agent": own} if own else {}
    made: list[Row] = []
    for metric in registry().metrics:
        row = found.get(metric.code)
        if own and metric.shop_only:
            continue
        ripe = metric.maturity_days(settings, page.filters.rule)
        figure = figure_cell(page, row, **cell)
        made.append(
            {
                "name": Cell(
                    w.name(metric.code), href=page.url("metric", code=metric.code, **cell)
                ),
                "value": figure,
                "n": _sample(row.denominator if row else None),
                "family": Cell(_family(page, metric)),
                "better": Cell(w(f"better_{metric.direction}")),
                "matures": Cell(ripe, text=w("days_n", n=ripe)),
                "code": Cell(metric.code),
                "meaning": Cell(w.meaning(metric.code)),
            }
        )
    table = Table("metrics", w("metrics_all"), columns, made, Empty(w("metrics_none")))
    return page.show(View("metrics.html.j2", w("metrics"), tables=[table]))


def _sample(n: Any) -> Cell:
    """How many a rate was counted from; beside the shop's value nothing was counted."""
    return Cell(n, text=None if n is None or n == int(n) else NONE)


def _family(page: Page, metric: Metric) -> str:
    key = f"family_{metric.source.split()[-1]}"
    return page.w(key) if page.w.has(key) else metric.source


@router.get("/metrics/{code}", name="metric")
def metric(page: FigurePage, code: str) -> Response:
    """Show one metric in one cell: definition, trend, breakdown, evidence."""
    one = registry().metric(code)
    cell = _Cell(page, one)
    tables = [cell.evidence()]
    breakdown = cell.breakdown()
    if breakdown is not None:
        tables.append(breakdown)
    return page.show(
        View(
            "metric.html.j2",
            page.w.name(code),
            tables=tables,
            charts=cell.trend(),
            data={"metric": one, "cell": cell, "about": cell.about()},
            json=cell.about(),
        )
    )


class _Cell:
    """One metric in one cell, as the URL says: ``agent``, ``team``, ``product``, ``day`` …"""

    def __init__(self, page: Page, metric: Metric) -> None:
        self.page, self.metric = page, metric
        query = page.query
        self.who = {part: query[part] for part in _WHO if part in query}
        if page.user.role == "agent":
            self.who["agent"] = page.user.agent_id
        self._check()
        self.day = parse_day(query["day"]) if query.get("day") else None
        self.grain = query.get("grain", "day")
        if self.grain not in TIME_PARTS:
            raise UnknownName("grain", self.grain, TIME_PARTS)
        self.by = query.get("by", "")
        if self.by and self.by not in self.ways:
            raise UnknownName("grain", self.by, self.ways)
        self.by = self.by or (self.ways[0] if self.ways else "")
        self.found = self._explain(_PAGE, place_of(query.get("cursor"), self._tag()))

    def _check(self) -> None:
        """One sees one's own cell and one's own teams; the rest is as if it were not there."""
        sight = self.page.sight
        if sight.sees_all:
            return
        if "agent" in self.who:
            sight.need_agent(self.who["agent"] or None)
        elif "team" in self.who and not sight.sees_team(self.who["team"]):
            raise NotFound
        if self.page.user.role == "agent" and self.metric.shop_only:
            raise NotFound

    @property
    def ways(self) -> list[str]:
        """How the figure can be broken down from here, the usual one first."""
        if self.metric.shop_only:
            return []
        if self.metric.classes:
            return [part for part in CLASSES if part not in self.who]
        known = ["team", "agent", "product"] if "team" not in self.who else ["agent", "product"]
        if self.page.user.role == "agent":
            known = ["product"]
        ways = [part for part in known if part not in self.who and self._can(part)]
        return sorted(ways, key=lambda part: part != "agent")

    def _can(self, part: str) -> bool:
        if part == "product":
            return self.metric.product
        return "agent" not in self.who and "product" not in self.who

    def _tag(self) -> str:
        return self.page.reader.run_key[:8]

    def _explain(self, limit: int, offset: int) -> dict[str, Any]:
        filters = self.page.filters
        question = (
            "explain", self.metric.code, tuple(sorted(self.who.items())), self.day,
            filters.period, filters.rule, filters.shop_id, limit, offset,
        )  # fmt: skip
        made = self.page.reader.kept(question, lambda: self._asked(limit, offset))
        return dict(made)

    def _asked(self, limit: int, offset: int) -> dict[str, Any]:
        filters = self.page.filters
        who: dict[str, Any] = dict(self.who)
        return self.page.reader.explain_metric(
            self.metric.code,
            **who,
            day=self.day,
            first=filters.period.first,
            last=filters.period.last,
            judge_rule=filters.rule,
            shop_id=filters.shop_id,
            limit=limit,
            offset=offset,
        )

    def name(self) -> str:
        """Say which cell it is."""
        w, parts = self.page.w, []
        for part, key in self.who.items():
            if part == "agent":
                parts.append(self.page.sight.name(key) if key else w("cell_unassigned"))
            elif part in CLASSES:
                word = f"{part}_{key}"
                parts.append(w(word) if w.has(word) else key)
            else:
                parts.append(key)
        period = self.page.filters.period
        span = w.long_day(self.day) if self.day else w.span(period.first, period.last)
        return " · ".join([*(parts or [w("cell_shop")]), span])

    def about(self) -> dict[str, Any]:
        """Return definition, value and arithmetic, in words."""
        w, found = self.page.w, self.found
        return {
            "code": self.metric.code,
            "zh": self.metric.zh,
            "en": self.metric.en,
            "text_zh": self.metric.text_zh,
            "text_en": self.metric.text_en,
            "cell": found["cell"],
            "value": found["value"],
            "numerator": found["numerator"],
            "denominator": found["denominator"],
            "status": found["status"],
            "formula": found["arithmetic"]["value"],
            "formula_said": _formula(w, found["arithmetic"]["value"]),
            "arithmetic": found["arithmetic"],
            "said": [
                (_role(w, role), _how(w, how))
                for role, how in found["arithmetic"].items()
                if role != "value"
            ],
            "seed": found["metric"]["seed"],
            "source": found["metric"]["source"],
            "direction": self.metric.direction,
            "maturity_days": found["metric"]["maturity_days"],
            "row_count": found["row_count"],
        }

    def evidence(self) -> Table:
        """The rows behind the figure, a page of them; exports have all."""
        w, page, found = self.page.w, self.page, self.found
        start = place_of(page.query.get("cursor"), self._tag())
        after = start + len(found["rows"])
        columns = evidence_columns(w, found, self.metric)

        def every() -> Iterator[Row]:
            at = 0
            while True:
                part = self._asked(_CHUNK, at)
                yield from evidence_rows(page, part, self.metric)
                at += len(part["rows"])
                if len(part["rows"]) < _CHUNK:
                    return

        rows = list(evidence_rows(page, found, self.metric))
        following = cursor_of(after, self._tag()) if after < found["row_count"] else ""
        return Table(
            "evidence", w("evidence"), columns, rows, Empty(w("evidence_none")),
            every=every, following=following, total=found["row_count"],
        )  # fmt: skip

    def breakdown(self) -> Table | None:
        """The figure by agent, team, product or class."""
        if not self.by:
            return None
        w, page = self.page.w, self.page
        parts = tuple(dict.fromkeys([*self.who, self.by]))
        rows = [row for row in self._figures(parts) if self._is_mine(row)]
        key = _KEYS.get(self.by, self.by)
        if self.by == "agent":
            rows = [row for row in rows if page.sight.sees_agent(row.grain["agent_id"])]
        if self.by == "team":
            rows = [row for row in rows if page.sight.sees_team(row.grain["team"])]
        columns = [
            Column("name", w(f"by_{self.by}"), is_fixed=True),
            Column("value", w("metric_value"), self.metric.unit),
            Column("numerator", w("metric_numerator"), "number"),
            Column("denominator", w("metric_denominator"), "number"),
        ]
        made: list[Row] = [
            {
                "name": Cell(self._named(row.grain[key])),
                "value": figure_cell(
                    page, row, **(self.who | {self.by: row.grain[key] or ""}), day=self.day
                ),
                "numerator": Cell(row.numerator),
                "denominator": Cell(row.denominator),
            }
            for row in rows
        ]
        down = "" if self.metric.direction == "lower" else "-"
        return Table(
            "breakdown", w("metric_by"), columns, made, Empty(w("metrics_none")),
            sort=f"{down}value",
        )  # fmt: skip

    def _named(self, key: str | None) -> str:
        w = self.page.w
        if self.by == "agent":
            return self.page.sight.name(key) or w("cell_unassigned")
        if self.by in CLASSES:
            word = f"{self.by}_{key}"
            return w(word) if w.has(word) else (key or w("no"))
        return key or w("no")

    def _figures(self, by: tuple[str, ...]) -> list[MetricRow]:
        period = Period(self.day, self.day) if self.day else self.page.filters.period
        return figures_of(self.page, period, [self.metric.code], by=by)

    def _is_mine(self, row: MetricRow) -> bool:
        return all(row.grain.get(_KEYS.get(p, p)) == (key or None) for p, key in self.who.items())

    def trend(self) -> dict[str, Chart]:
        """The figure per day, week or month of the period."""
        period, w = self.page.filters.period, self.page.w
        if self.metric.classes:
            return {}
        by = (*self.who, self.grain)
        rows = figures_of(self.page, period, [self.metric.code], by=by)
        values = {row.grain[self.grain]: row.value for row in rows if self._is_mine(row)}
        keys: list[Any] = sorted(values)
        if self.grain == "day":
            keys = list(days(period.first, period.last))
        if not keys:
            return {}
        drawn_line = line(w.name(self.metric.code), [values.get(key) for key in keys])
        drawn = per_day(self.metric.unit, [], lines=[drawn_line])
        if self.metric.is_count or self.metric.unit == "money":
            drawn = drawn | {"bars": drawn["lines"], "lines": []}
        drawn["days"] = [key.isoformat() if isinstance(key, date) else key for key in keys]
        if self.grain == "day":
            drawn["links"] = [self.page.here(day=key, cursor=None) + "#evidence" for key in keys]
        return {"trend": drawn}


def _formula(w: Any, formula: str) -> str:
    """Return a formula with the names of its parts in words."""
    said = formula.replace("*", "×").replace("/", "÷").replace("-", "−")
    return re.sub("[a-z_]+", lambda found: _role(w, found[0]), said)


def _role(w: Any, role: str) -> str:
    return str(w(f"role_{role}" if w.has(f"role_{role}") else f"metric_{role}"))


def _how(w: Any, how: dict[str, Any]) -> str:
    """Say how a number is counted of the rows."""
    text = w(
        f"how_{how['kind']}",
        columns=", ".join(how["columns"]),
        once=", ".join(how.get("once_per", [])),
    )
    key = "how_of_all" if how["where"] == "true" else "how_of"
    said = w(key, how=text, fact=how["fact"], where=how["where"])
    by = how["divide_by"]
    return str(said if by == 1 else said + w("how_divide", by=f"{by:,}"))
