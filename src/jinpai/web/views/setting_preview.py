"""What a change of a setting would do to last month's figures, before it is saved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.appraisal.preview import Changed, SettingPreview
from jinpai.errors import Conflict, JinpaiError
from jinpai.metrics.definition import registry
from jinpai.reports.changes import tone
from jinpai.reports.model import Period
from jinpai.settings import setting
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.sessions import alone, last_month
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.views.settings import wanted_value, written_value

__all__ = ["router"]

router = APIRouter()
_SHOWN = 25


@router.get("/settings/preview", name="setting_preview")
def setting_preview(page: PageOf) -> Response:
    """Show the figures of last month that a setting would change; nothing is saved."""
    entry, w = setting(page.query.get("name", "")), page.w
    period = last_month(page)
    shown: dict[str, Any] = {
        "name": entry.name,
        "what": w.pick(entry.zh, entry.en),
        "span": w.span(period.first, period.last),
        "said": "",
        "fault": "",
        "rest": 0,
    }
    is_part = "hx-target" in page.request.headers and "hx-boosted" not in page.request.headers
    table = _table(page, ())
    try:
        found = _found(page, entry.name, wanted_value(entry, page.query.get("value", "")), period)
    except Conflict:
        raise
    except JinpaiError as error:
        shown["fault"] = w.pick(error.text_zh, str(error))
    else:
        table = _table(page, _largest(found.changed) if is_part else found.changed)
        shown |= {"said": _said(page, found), "rest": len(found.changed) - len(table.rows)}
    template = "setting_trial.html.j2" if is_part else "setting_preview.html.j2"
    title = w("preview_title", what=shown["what"])
    return page.show(View(template, title, [table], data=shown))


def _found(page: Page, name: str, value: Any, period: Period) -> SettingPreview:
    """Work it out, one at a time: it takes the memory of a run."""
    shop_id = page.filters.shop_id

    def ask() -> SettingPreview:
        with alone():
            return page.reader.preview_setting(
                name, value, first=period.first, last=period.last, shop_id=shop_id
            )

    question = ("preview", name, repr(value), shop_id, period)
    found: SettingPreview = page.reader.kept(question, ask)
    return found


def _said(page: Page, found: SettingPreview) -> str:
    w = page.w
    old, new = written_value(found.old), written_value(found.new)
    if not found.acts:
        return w("preview_no_figures")
    if found.old == found.new:
        return w("preview_same", value=old)
    agents = {one.agent_id for one in found.changed if not one.is_shop}
    return w(
        "preview_said", old=old, new=new, n=len(found.changed), of=found.figures,
        agents=len(agents),
    )  # fmt: skip


def _largest(changed: Sequence[Changed]) -> list[Changed]:
    """The changes that are largest beside what they change, a screenful; the shop's own first."""

    def size(one: Changed) -> float:
        if one.before is None or one.after is None or not one.before:
            return math.inf
        return abs(float(one.after - one.before) / float(one.before))

    return sorted(changed, key=lambda one: (not one.is_shop, -size(one)))[:_SHOWN]


def _table(page: Page, changed: Sequence[Changed]) -> Table:
    w = page.w
    columns = [
        Column("metric", w("metric_name"), is_fixed=True),
        Column("agent", w("agent"), is_fixed=True),
        Column("before", w("preview_before"), "number", is_sortable=False),
        Column("after", w("preview_after"), "number", is_sortable=False),
        Column("change", w("preview_change"), "number"),
    ]
    rows = [_row(page, one) for one in changed]
    return Table("preview", w("preview_changes"), columns, rows, Empty(w("preview_none")))


def _row(page: Page, one: Changed) -> Row:
    w, metric = page.w, registry().metric(one.metric)
    who = w("cell_shop") if one.is_shop else page.sight.name(one.agent_id) or w("cell_unassigned")
    known = one.before is not None and one.after is not None
    return {
        "metric": Cell(w.name(one.metric)),
        "agent": Cell(who),
        "before": Cell(one.before, text=w.value(one.metric, one.before)),
        "after": Cell(one.after, text=w.value(one.metric, one.after)),
        "change": Cell(
            float(one.after - one.before) if known else None,
            text=w.change(metric, one.after, one.before),
            tone=tone(one.metric, one.after, one.before) if known else "",
        ),
    }
