"""What moves the ranking: each single change of a plan, and what it would do."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.web.charts import Chart
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.verdict import plans_of

__all__ = ["router"]

router = APIRouter()
_BARS = 15


@router.get("/kpi/plans/{plan}/moves", name="whatif")
def whatif(page: PageOf, plan: str) -> Response:
    """Show the tornado of a plan: weights, band edges, judge rules and missing values turned."""
    file = next((one for one in plans_of(page) if one.stem == plan), None)
    if file is None:
        raise NotFound
    filters, w = page.filters, page.w
    period, shop_id = filters.period, filters.shop_id

    def ask() -> list[dict[str, Any]]:
        found = page.reader.whatif(file, first=period.first, last=period.last, shop_id=shop_id)
        return list(found.tornado)

    question = ("whatif", plan, file.stat().st_mtime_ns, shop_id, period)
    rows = page.reader.kept(question, ask)
    said = w("trial_said", all=len(rows), movers=sum(row["moves_ranking"] for row in rows))
    charts = {"tornado": _chart(page, rows)} if rows else {}
    shown = {"plan": plan, "said": said}
    return page.show(
        View("whatif.html.j2", w("whatif_title", plan=plan), [_table(page, rows)], charts, shown)
    )


def _chart(page: Page, rows: list[dict[str, Any]]) -> Chart:
    widest = sorted(rows, key=lambda row: row["fall"] - row["rise"])[:_BARS]
    return {
        "kind": "tornado",
        "labels": [row[page.language] for row in widest],
        "falls": [row["fall"] for row in widest],
        "rises": [row["rise"] for row in widest],
        "moves": [row["moves_ranking"] for row in widest],
        "tried": [[one["value"] for one in row["tried"]] for row in widest],
        "names": [page.w("trial_fall"), page.w("trial_rise")],
        "height": 70 + 26 * len(widest),
    }


def _table(page: Page, rows: list[dict[str, Any]]) -> Table:
    w = page.w
    columns = [
        Column("what", w("trial_what"), is_fixed=True),
        Column("now", w("trial_before"), is_sortable=False),
        Column("tried", w("trial_tried"), is_sortable=False),
        Column("fall", w("trial_fall"), "number"),
        Column("rise", w("whatif_rise"), "number"),
        Column("moved", w("whatif_moved"), is_sortable=False),
    ]
    made = [_row(page, row) for row in rows]
    return Table("moves", w("trial_tornado"), columns, made, Empty(w("kpi_none_here")))


def _row(page: Page, row: dict[str, Any]) -> Row:
    tried = [_value(page, one["value"]) for one in row["tried"]]
    moves = [text for one in row["tried"] if (text := _moves(page, one))]
    return {
        "what": Cell(row[page.language]),
        "now": Cell(None if row["value"] is None else _value(page, row["value"])),
        "tried": Cell(page.w("comma").join(tried)),
        "fall": Cell(row["fall"], tone="worse" if row["fall"] else ""),
        "rise": Cell(row["rise"], tone="better" if row["rise"] else ""),
        "moved": Cell("; ".join(moves) or None),
    }


def _value(page: Page, value: Any) -> str:
    """Return a value that was tried; judge rules and policies by their names."""
    for word in (f"rule_{value}", f"kpi_missing_{value}"):
        if page.w.has(word):
            return page.w(word)
    return str(value)


def _moves(page: Page, tried: dict[str, Any]) -> str:
    """Who would have another rank under one value."""
    moved = [one for one in tried["agents"] if one["agent_id"] in tried["moved"]]
    said = [
        f"{page.sight.name(one['agent_id'])} {one['rank_before'] or '–'}→{one['rank'] or '–'}"
        for one in moved
    ]
    return f"{_value(page, tried['value'])}: {page.w('comma').join(said)}" if said else ""
