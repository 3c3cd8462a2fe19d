"""KPI plans: the scoreboard of a period, payslips, and locked periods."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from jinpai.appraisal.lock_lines import log_locks
from jinpai.appraisal.period import Scorecard
from jinpai.errors import JinpaiError, UsageError
from jinpai.scoring.examples import write_example
from jinpai.scoring.lock import lock_names, read_lock
from jinpai.scoring.score import Scored, Sheet
from jinpai.store import log_event
from jinpai.web.cases import moment
from jinpai.web.charts import Chart
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.verdict import grade_of, plan_of, plans_of, points_text, score_table

__all__ = ["router"]

router = APIRouter()
_STEP = 10


@router.get("/kpi", name="plans")
def plans(page: PageOf) -> Response:
    """Show the plans, the scoreboard of one, and the locks."""
    plan = plan_of(page)
    card, fault = _card(page, plan)
    sheet = card.sheets[0] if card else None
    shown: dict[str, Any] = {
        "plans": [one.stem for one in plans_of(page)],
        "plan": plan.stem if plan else "",
        "about": _about(page, sheet) if sheet else "",
        "notes": _notes(page, card),
        "told": fault,
        "name": f"{page.filters.period.last:%Y-%m}",
    }
    charts = {"spread": _spread(page, sheet)} if sheet and len(sheet.agents) > 1 else {}
    tables = [_board(page, sheet, plan), _locks(page)]
    return page.show(View("plans.html.j2", page.w("plans"), tables, charts, shown))


def _card(page: Page, plan: Path | None) -> tuple[Scorecard | None, str]:
    """Return the shop's scores under a plan, or why there are none."""
    if plan is None:
        return None, ""
    filters, reader = page.filters, page.reader
    period, shop_id = filters.period, filters.shop_id
    question = ("card", plan.name, plan.stat().st_mtime_ns, shop_id, period)
    try:
        made: Scorecard = reader.kept(
            question,
            lambda: reader.score(plan, first=period.first, last=period.last, shop_id=shop_id),
        )
    except JinpaiError as error:
        return None, page.w.pick(error.text_zh, str(error))
    return made, ""


def _about(page: Page, sheet: Sheet) -> str:
    w = page.w
    said = w(
        "kpi_about",
        plan=w.own(sheet.plan),
        rule=w(f"rule_{sheet.judge_rule}"),
        missing=w(f"kpi_missing_{sheet.missing}"),
    )
    return said + (w("kpi_variant", name=sheet.variant) if sheet.variant else "")


def _notes(page: Page, card: Scorecard | None) -> list[str]:
    if card is None:
        return []
    notes = [*card.notes, *card.sheets[0].notes]
    return [page.w.pick(zh, en) for en, zh in notes]


def _board(page: Page, sheet: Sheet | None, plan: Path | None) -> Table:
    """Everybody one may see, best rank first."""
    w = page.w
    columns = [
        Column("rank", w("rank"), "count", is_fixed=True),
        Column("agent", w("agent"), is_fixed=True),
        Column("team", w("team_of"), is_shown=False),
        Column("total_normalised", w("total_normalised"), "number"),
        Column("change", w("kpi_change"), "number"),
        Column("total", w("total"), "number"),
        Column("weakest", w("weakest_head"), is_sortable=False),
        Column("pay", w("pay"), "money"),
        Column("flags", w("flags"), is_sortable=False),
    ]
    stem = plan.stem if plan else None
    agents = [one for one in sheet.agents if page.sight.sees_agent(one.subject)] if sheet else []
    rows = [_scored(page, one, stem) for one in agents]
    empty = Empty(w("kpi_none_here" if plan else "kpi_no_plan"))
    return Table("scoreboard", w("kpi_board"), columns, rows, empty)


def _scored(page: Page, one: Scored, plan: str | None) -> Row:
    w = page.w
    href = page.url("payslip", agent_id=one.subject, plan=plan)
    before = one.previous.total_normalised if one.previous else None
    now = one.total_normalised
    change = None if before is None or now is None else now - before
    weakest = one.weakest_first[0] if one.weakest_first else None
    tone = "" if not change else "better" if change > 0 else "worse"
    return {
        "rank": Cell(one.rank),
        "agent": Cell(page.sight.name(one.subject), href=href),
        "team": Cell(page.sight.roster.get(one.subject, {}).get("team")),
        "total_normalised": _number(now, href),
        "change": Cell(None if change is None else float(change), text=_signed(change), tone=tone),
        "total": _number(one.total, href),
        "weakest": Cell(
            weakest.metric if weakest else None,
            text=w("weakest", metric=w.name(weakest.metric), score=points_text(weakest.score))
            if weakest
            else None,
        ),
        "pay": _cents(page, one.pay.total if one.pay else None),
        "flags": Cell(_flags(page, one) or None),
    }


def _number(number: Fraction | None, href: str = "") -> Cell:
    return Cell(
        None if number is None else float(number), text=points_text(number), href=href
    )  # fmt: skip


def _signed(change: Fraction | None) -> str:
    if change is None:
        return "–"
    sign = "+" if change > 0 else "−" if change < 0 else ""
    return sign + points_text(abs(change))


def _cents(page: Page, cents: int | None) -> Cell:
    amount = None if cents is None else Fraction(cents, 100)
    return Cell(None if amount is None else float(amount), text=page.w.amount(amount))


def _flags(page: Page, one: Scored) -> str:
    """What to know of a score: the flags of its lines, and lines counted from few."""
    w = page.w
    counted = [
        (w(f"flag_{flag}"), sum(flag in line.flags for line in one.lines))
        for flag in ("missing", "gap", "overlap", "provisional")
    ]
    return w("comma").join(f"{word} {count}" for word, count in counted if count)


def _spread(page: Page, sheet: Sheet) -> Chart:
    """How the totals are spread, in steps of ten, without names."""
    totals = [
        float(one.total_normalised) for one in sheet.agents if one.total_normalised is not None
    ]
    steps = [min(int(total // _STEP), 9) for total in totals]
    counts = [steps.count(at) for at in range(10)]
    return {
        "kind": "histogram",
        "unit": "ratio",
        "labels": [f"{at * _STEP}–{(at + 1) * _STEP}" for at in range(10)],
        "bars": [
            {
                "name": page.w("kpi_share"),
                "values": [count / max(len(totals), 1) for count in counts],
                "counts": counts,
            }
        ],
        "height": 220,
    }


def _locks(page: Page) -> Table:
    w = page.w
    columns = [
        Column("name", w("lock_name"), is_fixed=True),
        Column("plan", w("plan")),
        Column("from", w("from_day"), "day"),
        Column("to", w("to_day"), "day"),
        Column("at", w("lock_at"), "time"),
    ]
    log_locks(page.reader.root, page.store)  # those of the command line, too
    rows: list[Row] = []
    for name in lock_names(page.reader.root):
        lock = read_lock(page.reader.root, name)
        if page.filters.shop_id not in [shop["shop_id"] for shop in lock["shops"]]:
            continue
        rows.append(
            {
                "name": Cell(name, href=page.url("lock", name=name)),
                "plan": Cell(lock["plan"]["name"], text=w.own(lock["plan"]["name"])),
                "from": Cell(lock["from"]),
                "to": Cell(lock["to"]),
                "at": Cell(lock["locked_at"], text=moment(page, lock["locked_at"])),
            }
        )
    return Table("locks", w("locks"), columns, rows, Empty(w("locks_none")))


@router.post("/kpi/start", name="plan_start")
def plan_start(page: PageOf) -> Response:
    """Put the example plan into the workspace, to start from."""
    folder = page.reader.root / "plans"
    folder.mkdir(exist_ok=True)
    with page.store.write() as session:
        write_example("starter", folder / "starter.yaml")
        log_event(
            session, actor=page.user.login, kind="plan.added", subject="plan:starter",
            after={"example": "starter"},
        )  # fmt: skip
    return RedirectResponse(page.url("plans"), 303)


@router.post("/kpi/lock", name="lock_add")
def lock_add(
    page: PageOf,
    name: Annotated[str, Form(max_length=100)],
    agreed: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Lock the period's scores under the plan, for ever; whoever does it has to say so."""
    plan, filters = plan_of(page), page.filters
    if plan is None:
        raise NotFound
    if agreed != "yes":
        raise UsageError(
            "Tick that you know a lock is for ever, then lock.",
            zh="请先勾选“我知道锁定后不可更改”，再锁定。",
        )
    period = filters.period
    card = page.reader.score(plan, first=period.first, last=period.last, shop_id=filters.shop_id)
    page.reader.lock(name, card, by=page.user.login)
    log_locks(page.reader.root, page.store)
    return RedirectResponse(page.url("lock", name=name), 303)


@router.get("/kpi/locks/{name}", name="lock")
def lock(page: PageOf, name: str) -> Response:
    """Show what today's data and settings would change in a locked period."""
    found, w = page.reader.since_lock(name), page.w
    kept = read_lock(page.reader.root, name)
    columns = [
        Column("agent", w("agent"), is_fixed=True),
        Column("total_before", w("lock_total_before"), "number"),
        Column("total_after", w("lock_total_after"), "number"),
        Column("rank_before", w("lock_rank_before"), "count"),
        Column("rank_after", w("lock_rank_after"), "count"),
        Column("pay_before", w("lock_pay_before"), "money"),
        Column("pay_after", w("lock_pay_after"), "money"),
        Column("lines", w("lock_lines"), is_sortable=False),
    ]
    rows = [
        _difference(page, one, kept["by"])
        for one in found["differences"]
        if kept["by"] != "agent_id" or page.sight.sees_agent(one["agent_id"])
    ]
    table = Table("changes", w("lock_changes"), columns, rows, Empty(w("lock_same")))
    at = moment(page, datetime.fromisoformat(kept["locked_at"]))[:10]
    shown = {
        "name": name,
        "said": w("lock_said", at=at, first=kept["from"], last=kept["to"],
                  plan=w.own(kept["plan"]["name"])),
        "hash": kept["hash"],
        "settings": [
            f"{one['setting']}: {one['before']} → {one['after']}" for one in found["settings"]
        ],
    }  # fmt: skip
    return page.show(View("lock.html.j2", w("lock_title", name=name), [table], data=shown))


def _difference(page: Page, one: dict[str, Any], by: str) -> Row:
    w, sides = page.w, {"before": one["before"] or {}, "after": one["after"] or {}}
    made = {"agent": Cell(page.sight.name(one[by]) or one[by])}
    for side, values in sides.items():
        total, pay = values.get("total_normalised"), values.get("pay")
        made[f"total_{side}"] = Cell(total, text=None if total is None else f"{total:,.2f}")
        made[f"rank_{side}"] = Cell(values.get("rank"))
        amount = Fraction(pay["total"]) if pay else None
        made[f"pay_{side}"] = Cell(pay and pay["total"], text=w.amount(amount))
    made["lines"] = Cell(w("comma").join(w.name(line["metric"]) for line in one["lines"]) or None)
    return made


@router.get("/kpi/mine", name="my_pay")
def my_pay(page: PageOf) -> Response:
    """Go to one's own payslip."""
    if not page.user.agent_id:
        raise NotFound
    return RedirectResponse(page.url("payslip", agent_id=page.user.agent_id), 303)


@router.get("/kpi/payslips/{agent_id:path}", name="payslip")
def payslip(page: PageOf, agent_id: str) -> Response:
    """Show how one agent's score and pay come about; an agent sees the own only."""
    page.sight.need_agent(agent_id)
    plan = plan_of(page)
    card, _ = _card(page, plan)
    sheet = card.sheets[0] if card else None
    mine = next((one for one in sheet.agents if one.subject == agent_id), None) if sheet else None
    if mine is None and agent_id not in page.sight.roster:
        raise NotFound
    table, said = score_table(page, agent_id)
    shown = {
        "name": page.sight.name(agent_id),
        "team": page.sight.roster.get(agent_id, {}).get("team") or "",
        "agent_id": agent_id,
        "plans": [one.stem for one in plans_of(page)],
        "plan": plan.stem if plan else "",
        "said": said,
        "sums": _sums(page, mine),
        "grade": grade_of(page, agent_id),
        "notes": _notes(page, card),
    }
    charts = {"spread": _spread(page, sheet)} if sheet and mine and len(sheet.agents) > 2 else {}
    title = page.w("payslip_title", name=page.sight.name(agent_id))
    return page.show(View("payslip.html.j2", title, [table], charts, shown, {"said": said}))


def _sums(page: Page, mine: Scored | None) -> list[tuple[str, str]]:
    """The sums under the lines: points, normalised, and the pay."""
    if mine is None:
        return []
    w = page.w
    present = [line for line in mine.lines if line.points is not None]
    added = " + ".join(points_text(line.points) for line in present)
    weights = sum((line.weight for line in present), Fraction(0))
    total = points_text(mine.total)
    made = [(w("total"), f"{added} = {total}" if added else total)]
    if mine.total_normalised is not None:
        text = f"100 × {total} ÷ {points_text(weights)} = {points_text(mine.total_normalised)}"
        made.append((w("total_normalised"), text))
    if mine.pay is not None:
        table, pool, whole = (
            w.amount(Fraction(cents, 100))
            for cents in (mine.pay.table, mine.pay.pool, mine.pay.total)
        )
        capped = w("pay_capped") if mine.pay.capped else ""
        made.append((w("pay"), w("pay_said", table=table, pool=pool, total=whole) + capped))
    return made
