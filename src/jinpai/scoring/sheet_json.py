"""Score sheets as JSON values, and back into what can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinpai.metrics.definition import registry
from jinpai.scoring.numbers import as_json, cents
from jinpai.scoring.score import Line, Scored, Sheet

__all__ = ["agent_json", "sheets_json"]


def sheets_json(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """Return sheets: ``agents`` in rank order shop by shop, and what each shop was scored by."""
    first = sheets[0]
    return {
        "plan": first.plan,
        "from": None if first.first is None else first.first.isoformat(),
        "to": None if first.last is None else first.last.isoformat(),
        "by": first.by,
        "shops": [_shop(sheet) for sheet in sheets],
        "agents": [agent_json(one, sheet) for sheet in sheets for one in sheet.agents],
    }


def _shop(sheet: Sheet) -> dict[str, Any]:
    return {
        "shop_id": sheet.shop_id,
        "judge_rule": sheet.judge_rule,
        "missing": sheet.missing,
        "variant": sheet.variant or None,
        "settings_id": sheet.settings_id,
        "pool_left": cents(int(sheet.pool_left * 100)),
        "notes": [{"en": en, "zh": zh} for en, zh in sheet.notes],
    }


def agent_json(one: Scored, sheet: Sheet) -> dict[str, Any]:
    """Return one agent with the arithmetic of every line."""
    return {
        "shop_id": sheet.shop_id,
        sheet.by: one.subject,
        "rank": one.rank,
        "total": float(one.total),
        "total_normalised": as_json(None, one.total_normalised),
        "weakest_first": [line.metric for line in one.weakest_first],
        "previous": _previous(one),
        "pay": None
        if one.pay is None
        else {
            "table": cents(one.pay.table),
            "pool": cents(one.pay.pool),
            "total": cents(one.pay.total),
            "capped": one.pay.capped,
        },
        "lines": [_line(line, one) for line in one.lines],
    }


def _previous(one: Scored) -> dict[str, Any] | None:
    old = one.previous
    if old is None:
        return None
    now, then = one.total_normalised, old.total_normalised
    change = None if now is None or then is None else now - then
    return {
        "from": old.first.isoformat(),
        "to": old.last.isoformat(),
        "total": float(old.total),
        "total_normalised": as_json(None, old.total_normalised),
        "change": as_json(None, change),
    }


def _line(line: Line, one: Scored) -> dict[str, Any]:
    before = one.previous.scores.get(line.metric) if one.previous else None
    exact = line.value.exact
    return {
        "metric": line.metric,
        "value": as_json(registry().metric(line.metric), exact),
        "exact": None if exact is None else str(exact),
        "parts": list(line.value.parts),
        "n": line.value.n,
        "status": line.value.status,
        "band": line.band,
        "score": as_json(None, line.score),
        "weight": float(line.weight),
        "points": as_json(None, line.points),
        "flags": list(line.flags),
        "previous_score": as_json(None, before),
    }
