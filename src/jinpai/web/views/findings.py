"""Findings of the inspection: the list; one of them is in `reviews`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.inspection import list_findings
from jinpai.quality.names import rule_names
from jinpai.web.contexts import FigurePage, Page, View
from jinpai.web.cursor import cursor_of, place_of
from jinpai.web.marks import is_inspected, rule_word
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["router"]

router = APIRouter()
_PAGE, _CHUNK = 50, 5000
_SORTS = ("started_at", "points", "rule")
KINDS = ("faults", "merits", "all")


@router.get("/findings", name="findings")
def findings(page: FigurePage) -> Response:
    """List the findings of the period that one may see."""
    w = page.w
    tag = page.reader.run_key[:8]
    place = place_of(page.query.get("cursor"), tag)
    rows, count = _list(page, _PAGE, place)
    following = cursor_of(place + _PAGE, tag) if place + _PAGE < count else ""
    table = Table(
        "findings", w("findings_list"), _columns(page), [_row(page, row) for row in rows],
        _empty(page), every=lambda: _every(page), sort=_sort(page), following=following,
        total=count,
    )  # fmt: skip
    agents = sorted(one for one in page.sight.roster if page.sight.sees_agent(one))
    rules = [(one.code, w.pick(one.zh, one.en)) for one in rule_names()]
    shown = {"agents": [(one, page.sight.name(one)) for one in agents], "rules": rules}
    return page.show(View("findings.html.j2", w("findings"), tables=[table], data=shown))


def _empty(page: Page) -> Empty:
    if not is_inspected(page):
        return Empty(page.w("findings_not_inspected"))
    return Empty(page.w("findings_none"), page.url("findings"), page.w("talks_clear"))


def _sort(page: Page) -> str:
    asked = page.query.get("findings.sort", "")
    return asked if asked.removeprefix("-") in _SORTS else ""


def _list(page: Page, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    filters, kind, code = page.filters, page.query.get("kind") or "faults", page.query.get("code")
    agents, sort = page.sight.listed(page.query.get("agent")), _sort(page)
    if not is_inspected(page):
        return [], 0

    def ask() -> tuple[list[dict[str, Any]], int]:
        with page.reader.derived(filters.shop_id) as (engine, shops, _):
            return list_findings(
                engine, shops, rules=[code] if code else (), agents=agents, sort=sort,
                first=filters.period.first, last=filters.period.last, limit=limit, offset=offset,
                faults=kind == "faults", merits=kind == "merits",
            )  # fmt: skip

    if limit > _PAGE:
        return ask()
    who = agents and tuple(agents)
    question = ("findings", filters.shop_id, filters.period, who, kind, code, sort, offset)
    rows, count = page.reader.kept(question, ask)
    return list(rows), int(count)


def _every(page: Page) -> Iterator[Row]:
    at = 0
    while True:
        rows, count = _list(page, _CHUNK, at)
        yield from (_row(page, row) for row in rows)
        at += len(rows)
        if not rows or at >= count:
            return


def _columns(page: Page) -> list[Column]:
    w = page.w
    return [
        Column("rule", w("finding_rule"), is_fixed=True),
        Column("reason", w("finding_reason"), is_sortable=False),
        Column("points", w("finding_points"), "points"),
        Column("agent", w("talks_agent"), is_sortable=False),
        Column("buyer", w("talk_buyer"), is_sortable=False),
        Column("started_at", w("talk_started"), "time"),
        Column("marks", w("talk_marks"), is_sortable=False),
        Column("finding_id", w("finding_id"), is_shown=False, is_sortable=False),
    ]


def _row(page: Page, row: dict[str, Any]) -> Row:
    w = page.w
    at = datetime.fromisoformat(row["started_at"]).astimezone(ZoneInfo(page.filters.shop.timezone))
    marks = [w(f"mark_{name}") for name in ("fatal", "shadow", "overruled") if row[f"is_{name}"]]
    return {
        "rule": Cell(
            rule_word(page, row["rule"]), href=page.url("finding", finding_id=row["finding_id"])
        ),
        "reason": Cell(w.pick(row["reason_zh"], row["reason_en"])),
        "points": Cell(
            row["points"],
            text=w.points(row["points"]),
            tone="better" if row["is_merit"] else "worse",
        ),
        "agent": Cell(page.sight.name(row["agent_id"]) or w("cell_unassigned")),
        "buyer": Cell(row["buyer_id"]),
        "started_at": Cell(f"{at:%Y-%m-%d %H:%M}"),
        "marks": Cell(w("comma").join(marks) or None, badge="secondary" if marks else ""),
        "finding_id": Cell(row["finding_id"]),
    }
