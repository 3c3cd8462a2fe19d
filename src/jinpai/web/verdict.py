"""An agent's KPI score with its arithmetic, and the grade with its reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from jinpai.errors import JinpaiError
from jinpai.metrics.definition import registry
from jinpai.scoring.grade import Graded
from jinpai.scoring.score import Line, Scored, Sheet
from jinpai.web.contexts import Page
from jinpai.web.figures import evidence_link
from jinpai.web.filters import Filters
from jinpai.web.reading import Reader
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = [
    "Verdict", "band_text", "grade_of", "grades_for", "plan_of", "plans_of", "points_text",
    "score_table",
]  # fmt: skip

_T = TypeVar("_T")


@dataclass(frozen=True)
class Verdict:
    """A grade in words; ``told`` says why there is none."""

    word: str = ""
    code: str = "none"
    computed: str = ""
    policy: str = ""
    is_provisional: bool = False
    reasons: tuple[str, ...] = ()
    told: str = ""


def plans_of(page: Page) -> list[Path]:
    """Return the workspace's KPI plans, by name."""
    return sorted((page.reader.root / "plans").glob("*.yaml"))


def plan_of(page: Page) -> Path | None:
    """Return the plan the URL names, else the first; None where there is none."""
    plans, asked = plans_of(page), page.query.get("plan", "")
    return next((one for one in plans if one.stem == asked), plans[0] if plans else None)


def _asked(page: Page, ask: Callable[[], _T]) -> tuple[_T | None, str]:
    """Return what was asked for, or why there is nothing."""
    try:
        return ask(), ""
    except JinpaiError as error:
        return None, page.w.pick(error.text_zh, str(error))


def grades_for(reader: Reader, filters: Filters) -> tuple[str, tuple[Graded, ...]]:
    """Return the default policy's name and all grades of a shop's period; raises as `grade`."""
    period = filters.period

    def ask() -> tuple[str, tuple[Graded, ...]]:
        card = reader.grade(first=period.first, last=period.last, shop_id=filters.shop_id)
        return card.policy.name, card.shops[0].graded

    made: tuple[str, tuple[Graded, ...]] = reader.kept(("grades", filters.shop_id, period), ask)
    return made


def grade_of(page: Page, agent: str) -> Verdict:
    """Return an agent's grade of the period under the default policy."""
    found, told = _asked(page, lambda: grades_for(page.reader, page.filters))
    if found is None:
        return Verdict(told=told)
    policy, graded = found
    mine: Graded | None = next((one for one in graded if one.subject == agent), None)
    if mine is None:
        return Verdict(policy=page.w.own(policy), told=page.w("grade_none_here"))
    w = page.w
    reasons = mine.reasons_zh if page.language == "zh" else mine.reasons_en
    computed = w(f"grade_{mine.computed or 'none'}") if mine.computed != mine.grade else ""
    return Verdict(
        word=w(f"grade_{mine.grade or 'none'}"),
        code=mine.grade or "none",
        computed=w("grade_computed", grade=computed) if computed else "",
        policy=page.w.own(policy),
        is_provisional=mine.status == "provisional",
        reasons=tuple(reasons),
    )


def score_table(page: Page, agent: str) -> tuple[Table, str]:
    """Return the score's lines as a table, and a sentence: the plan, the total, the place."""
    w, plan = page.w, plan_of(page)
    if plan is None:
        to = page.url("plans") if page.may("plans") else ""
        return _table(page, [], Empty(w("score_no_plan"), to, w("score_to_plans"))), ""
    filters, reader = page.filters, page.reader
    period = filters.period

    def ask() -> Sheet:
        card = reader.score(plan, first=period.first, last=period.last, shop_id=filters.shop_id)
        return card.sheets[0]

    question = ("score", plan.name, plan.stat().st_mtime_ns, filters.shop_id, period)
    sheet, told = _asked(page, lambda: reader.kept(question, ask))
    if sheet is None:
        return _table(page, [], Empty(told)), ""
    mine: Scored | None = next((one for one in sheet.agents if one.subject == agent), None)
    if mine is None:
        return _table(page, [], Empty(w("score_none_here"))), ""
    said = w(
        "score_said",
        plan=w.own(sheet.plan),
        total=points_text(mine.total),
        normalised=points_text(mine.total_normalised),
        rank="–" if mine.rank is None else mine.rank,
        of=len(sheet.agents),
    )
    return _table(page, [_line(page, line, agent) for line in mine.lines], Empty("")), said


def _table(page: Page, rows: list[Row], empty: Empty) -> Table:
    w = page.w
    columns = [
        Column("metric", w("sheet_metric"), is_fixed=True, is_sortable=False),
        Column("value", w("sheet_value"), "number", is_sortable=False),
        Column("band", w("band"), is_sortable=False),
        Column("score", w("score"), "number", is_sortable=False),
        Column("weight", w("weight"), "number", is_sortable=False),
        Column("points", w("points"), "number", is_sortable=False),
        Column("flags", w("flags"), is_sortable=False),
    ]
    return Table("score", w("agent_score"), columns, rows, empty)


def _line(page: Page, line: Line, agent: str) -> Row:
    w, metric = page.w, registry().metric(line.metric)
    n = "" if line.value.n is None else w("n_is", n=w.count(int(line.value.n)))
    href = evidence_link(page, line.metric, agent=agent)
    value = line.value.exact
    return {
        "metric": Cell(w.name(line.metric), href=page.url("metric", code=line.metric, agent=agent)),
        "value": Cell(
            None if value is None else float(value),
            text=w.in_unit(metric, value),
            href=href,
            under=n,
        ),
        "band": Cell(line.band, text=band_text(line.band) if line.band else None),
        "score": _number(line.score),
        "weight": Cell(float(line.weight), text=f"× {points_text(line.weight)}%"),
        "points": _number(line.points, "= "),
        "flags": Cell(w("comma").join(w(f"flag_{flag}") for flag in line.flags) or None),
    }


def _number(number: Fraction | None, sign: str = "") -> Cell:
    return Cell(None) if number is None else Cell(float(number), text=sign + points_text(number))


def points_text(number: Fraction | None) -> str:
    """Scores and points: up to two decimals, none that say nothing."""
    if number is None:
        return "–"
    return f"{float(number):,.2f}".rstrip("0").rstrip(".")


def band_text(band: str) -> str:
    """Write a band of a plan as people do: endless ends are ∞."""
    return band.replace("-inf", "−∞").replace("inf", "∞")
