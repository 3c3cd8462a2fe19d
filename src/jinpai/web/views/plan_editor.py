"""The plan editor: what is typed is looked over and tried on the period's figures at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from jinpai.appraisal.period import Scorecard
from jinpai.errors import InputError, JinpaiError, UsageError
from jinpai.scoring.lint import LintRow, lint
from jinpai.scoring.plan import Plan, load_plan
from jinpai.scoring.score import Scored
from jinpai.store import log_event
from jinpai.web.charts import Chart
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.own_file import as_lines, mark_of, replace_file
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.verdict import band_text, plans_of, points_text

__all__ = ["ranks_table", "router"]

router = APIRouter()
_LONGEST = 200_000
Typed = Annotated[str, Form(max_length=_LONGEST)]


@router.get("/kpi/plans/{plan}", name="plan_edit")
def plan_edit(page: PageOf, plan: str) -> Response:
    """Show a plan as text, with its faults and what it gives."""
    text = _file(page, plan).read_text("utf-8")
    return page.show(_editor(page, plan, text, mark_of(text)))


def _editor(page: Page, plan: str, text: str, seen: str, told: str = "") -> View:
    """The editor; with ``told``, why the text was not saved."""
    checked = _checked(page, plan, text, "plan_edit.html.j2")
    return replace(
        checked,
        title=page.w("editor_title", plan=plan),
        data={**checked.data, "plan": plan, "text": text, "seen": seen, "told": told},
        status=400 if told else 200,
    )


@router.post("/kpi/plans/{plan}/check", name="plan_check")
def plan_check(page: PageOf, plan: str, text: Typed = "") -> Response:
    """Look over what is typed, and try it; nothing is saved."""
    _file(page, plan)
    return page.show(_checked(page, plan, text, "plan_check.html.j2"))


@router.post("/kpi/plans/{plan}", name="plan_save")
def plan_save(
    page: PageOf, plan: str, seen: Annotated[str, Form(max_length=64)], text: Typed = ""
) -> Response:
    """Save a plan that can be read; refused where somebody else saved it meanwhile."""
    file, text = _file(page, plan), as_lines(text)
    try:
        load_plan(text)
        _save(page, file, text, seen)
    except (InputError, UsageError) as error:  # what was typed must not be lost
        told = page.w.pick(error.text_zh, str(error))
        return page.show(_editor(page, plan, text, seen, told))
    return RedirectResponse(page.url("plan_edit", plan=plan), 303)


def _save(page: Page, file: Path, text: str, seen: str) -> None:
    """Write the plan and log it; raises UsageError where it is no longer what was looked at."""
    with page.store.write() as session:
        before = file.read_text("utf-8")
        if mark_of(before) != seen:
            raise UsageError(
                f"Plan '{file.stem}' was saved by somebody else meanwhile. Copy your text, open "
                "the plan again and bring in your changes.",
                zh=f"方案“{file.stem}”已被他人修改。请先复制您的内容，重新打开后再改。",
            )
        log_event(
            session, actor=page.user.login, kind="plan.saved", subject=f"plan:{file.stem}",
            before={"text": before}, after={"text": text},
        )  # fmt: skip
        replace_file(file, text)


def _file(page: Page, plan: str) -> Path:
    """Return the file of a plan of the workspace; raises NotFound."""
    for file in plans_of(page):
        if file.stem == plan:
            return file
    raise NotFound


def _checked(page: Page, plan: str, text: str, template: str) -> View:
    """Faults, agents per band, and the ranks as saved and as typed."""
    w, text = page.w, as_lines(text)
    shown: dict[str, Any] = {"fault": "", "bands": [], "span": _span(page)}
    try:
        typed = load_plan(text)
        faults: list[LintRow] = lint(typed)
        after = _scores(page, typed, text)
    except JinpaiError as error:
        shown["fault"] = w.pick(error.text_zh, str(error))
        return View(template, plan, [_faults(page, []), ranks_table(page, (), ())], data=shown)
    before = _saved(page, plan)
    charts = _bands(page, typed, after)
    shown["bands"] = [(name, w.name(name.removeprefix("band_"))) for name in charts]
    tables = [_faults(page, faults), ranks_table(page, before, after)]
    return View(template, plan, tables, charts, shown)


def _span(page: Page) -> str:
    period = page.filters.period
    return page.w.span(period.first, period.last)


def _scores(page: Page, plan: Plan, text: str) -> tuple[Scored, ...]:
    filters = page.filters
    period = filters.period

    def ask() -> Scorecard:
        return page.reader.score(
            plan, first=period.first, last=period.last, shop_id=filters.shop_id
        )

    card: Scorecard = page.reader.kept(("typed", mark_of(text), filters.shop_id, period), ask)
    return card.sheets[0].agents


def _saved(page: Page, plan: str) -> tuple[Scored, ...]:
    """Scores under the plan as it is saved; none where that cannot be read."""
    text = _file(page, plan).read_text("utf-8")
    try:
        return _scores(page, load_plan(as_lines(text)), as_lines(text))
    except JinpaiError:
        return ()


def _faults(page: Page, faults: Sequence[LintRow]) -> Table:
    w = page.w
    columns = [
        Column("line", w("editor_line"), "count", is_fixed=True),
        Column("code", w("metric_code")),
        Column("said", w("editor_said"), is_sortable=False),
    ]
    rows: list[Row] = [
        {
            "line": Cell(one.line),
            "code": Cell(one.code, badge="yellow"),
            "said": Cell(w.pick(one.message_zh, one.message_en)),
        }
        for one in faults
    ]
    return Table("faults", w("editor_faults"), columns, rows, Empty(w("editor_clean")))


def _bands(page: Page, plan: Plan, agents: Sequence[Scored]) -> dict[str, Chart]:
    """How many of the agents are in each band, indicator by indicator."""
    period = page.filters.period
    indicators, _ = plan.indicators_for(period.first, period.last)
    made: dict[str, Chart] = {}
    for one in indicators:
        got = [line.band for agent in agents for line in agent.lines if line.metric == one.metric]
        known = [f"{band.interval}" for band in one.bands]
        counts = [got.count(band) for band in known]
        names = [
            f"{band_text(band)} → {points_text(step.score)}"
            for band, step in zip(known, one.bands, strict=True)
        ]
        if outside := got.count(None):
            counts, names = [*counts, outside], [*names, page.w("editor_outside")]
        values = [count / max(len(got), 1) for count in counts]
        bar = {"name": page.w("kpi_share"), "values": values, "counts": counts}
        made[f"band_{one.metric}"] = {
            "kind": "histogram",
            "unit": "ratio",
            "labels": names,
            "bars": [bar],
            "height": max(150, 44 + 20 * len(names)),
        }
    return made


def ranks_table(page: Page, before: Sequence[Scored], after: Sequence[Scored]) -> Table:
    """Return everybody as saved and as typed: rank, total, pay, and how they move."""
    w = page.w
    columns = [
        Column("rank", w("rank"), "count", is_fixed=True),
        Column("agent", w("agent"), is_fixed=True),
        Column("moved", w("editor_moved"), "number"),
        Column("total", w("total_normalised"), "number"),
        Column("change", w("editor_change"), "number"),
        Column("pay", w("pay"), "money"),
        Column("paid", w("editor_pay_saved"), "money"),
    ]
    old = {one.subject: one for one in before}
    rows = [_rank(page, one, old) for one in after]
    return Table("trial", w("editor_trial"), columns, rows, Empty(w("kpi_none_here")))


def _rank(page: Page, one: Scored, old: Mapping[str, Scored]) -> Row:
    was = old.get(one.subject)
    moved = was.rank - one.rank if was and was.rank and one.rank else None
    totals = (one.total_normalised, was.total_normalised if was else None)
    change = None if totals[0] is None or totals[1] is None else totals[0] - totals[1]
    return {
        "rank": Cell(one.rank),
        "agent": Cell(page.sight.name(one.subject)),
        "moved": Cell(moved, text=_signed(moved), tone=_tone(moved)),
        "total": Cell(None if totals[0] is None else float(totals[0]), text=points_text(totals[0])),
        "change": Cell(
            None if change is None else float(change), text=_signed(change), tone=_tone(change)
        ),
        "pay": _pay(page, one),
        "paid": _pay(page, was),
    }


def _pay(page: Page, one: Scored | None) -> Cell:
    amount = None if one is None or one.pay is None else Fraction(one.pay.total, 100)
    return Cell(None if amount is None else float(amount), text=page.w.amount(amount))


def _signed(change: Fraction | int | None) -> str:
    if not change:
        return "–" if change is None else "0"
    return ("+" if change > 0 else "−") + points_text(abs(Fraction(change)))


def _tone(change: Fraction | int | None) -> str:
    return "" if not change else "better" if change > 0 else "worse"
