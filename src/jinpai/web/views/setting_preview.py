"""What a change of a setting would do to last month's figures, before it is saved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.responses import RedirectResponse, Response

from jinpai.appraisal.preview import Changed, checked_value
from jinpai.errors import UsageError
from jinpai.metrics.definition import registry
from jinpai.reports.changes import tone
from jinpai.reports.model import Period
from jinpai.settings import Setting, setting
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import wants_json
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.web.trials import (
    Trial,
    ask_trial,
    asks_for_part,
    days_of,
    last_month,
    trial_of,
    trial_shown,
)
from jinpai.web.views.settings import wanted_value, written_value

__all__ = ["router"]

router = APIRouter()
_SHOWN = 25
_Found = Mapping[str, Any]


@router.get("/settings/preview", name="setting_preview")
def setting_preview(page: PageOf) -> Response:
    """Show the figures of last month that a setting would change; nothing is saved."""
    entry, w = setting(page.query.get("name", "")), page.w
    if not _has_run(page):
        return _not_run(page, entry)
    typed, period, is_part = page.query.get("value", ""), last_month(page), asks_for_part(page)
    shown: dict[str, Any] = {
        "name": entry.name,
        "what": w.pick(entry.zh, entry.en),
        "span": w.span(period.first, period.last),
        "said": "",
        "fault": "",
        "not_run": False,
        "rest": 0,
        "trial": None,
    }
    table = _table(page, ())
    try:
        trial = _trial(page, entry.name, typed, period)
    except UsageError as error:
        shown["fault"] = w.pick(error.text_zh, str(error))
    else:
        start = page.url("setting_try")
        shown["trial"] = trial_shown(page, trial, start, name=entry.name, value=typed)
        if trial.found is not None:
            changed = _changed(trial.found)
            table = _table(page, _largest(changed) if is_part else changed)
            rest = len(changed) - len(table.rows)
            shown |= {"said": _said(page, trial.found, changed), "rest": rest}
    template = "setting_trial.html.j2" if is_part else "setting_preview.html.j2"
    title = w("preview_title", what=shown["what"])
    return page.show(View(template, title, [table], data=shown, json={"trial": shown["trial"]}))


def _has_run(page: Page) -> bool:
    return page.reader.lake.snapshot().run is not None


def _not_run(page: Page, entry: Setting) -> Response:
    """Say what to do first; a program is told by NotRun."""
    if wants_json(page.request):
        last_month(page)
    w = page.w
    shown = {
        "name": entry.name, "fault": "", "trial": None, "not_run": True,
        "is_loaded": bool(page.reader.lake.snapshot().versions),
    }  # fmt: skip
    template = "setting_trial.html.j2" if asks_for_part(page) else "setting_preview.html.j2"
    title = w("preview_title", what=w.pick(entry.zh, entry.en))
    return page.show(View(template, title, [_table(page, ())], data=shown))


@router.post("/settings/preview", name="setting_try")
def setting_try(
    page: PageOf,
    name: Annotated[str, Form(max_length=100)],
    value: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Ask for it to be worked out."""
    entry = setting(name)
    with suppress(UsageError):  # the page says what is wrong with the value
        ask_trial(page, _trial(page, entry.name, value, last_month(page)))
    return RedirectResponse(page.url("setting_preview", name=entry.name, value=value), 303)


def _trial(page: Page, name: str, typed: str, period: Period) -> Trial:
    """Return the question; raises UsageError for a value that cannot be tried."""
    value = checked_value(name, wanted_value(setting(name), typed))
    args = {"name": name, "value": value, "typed": typed, "shop": page.filters.shop_id}
    return trial_of(page, "setting", args | days_of(period))


def _changed(found: _Found) -> list[Changed]:
    """Return what changes with its figures as the metrics have them: money is text in JSON."""

    def figure(metric: str, value: Any) -> Any:
        is_money = registry().metric(metric).unit == "money"
        return Decimal(value) if is_money and value is not None else value

    return [
        Changed(
            one["metric"],
            one["agent_id"],
            one["is_shop"],
            figure(one["metric"], one["before"]),
            figure(one["metric"], one["after"]),
        )
        for one in found["changed"]
    ]


def _said(page: Page, found: _Found, changed: Sequence[Changed]) -> str:
    w = page.w
    old, new = written_value(found["old"]), written_value(found["new"])
    if not found["acts"]:
        return w("preview_no_figures")
    if found["old"] == found["new"]:
        return w("preview_same", value=old)
    agents = {one.agent_id for one in changed if not one.is_shop}
    return w(
        "preview_said", old=old, new=new, n=len(changed), of=found["figures"], agents=len(agents)
    )


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
