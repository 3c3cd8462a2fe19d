"""What the charts draw, as plain data; ``assets/charts.js`` makes charts of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from jinpai.metrics.decompose import FACTORS
from jinpai.reports.model import AgentSheet, Report
from jinpai.reports.outcomes import class_name
from jinpai.reports.people import anchors
from jinpai.reports.waits import EDGES, Waits, merged
from jinpai.reports.words import Words

__all__ = ["charts", "histogram_labels"]

Chart = dict[str, Any]


def charts(report: Report, words: Words) -> dict[str, Chart]:
    """Return the charts by the id of their place on the page."""
    made = _overview(report, words)
    made |= _outcomes(report, words)
    places = anchors(report)
    made["c-waits"] = _histogram(words, [(words("everyone"), report.waits)])
    for sheet in report.agents.sheets:
        mates = [one for one in report.agents.sheets if one.team == sheet.team and one != sheet]
        others = merged(one.waits for one in mates)
        for name, chart in _sheet(report, words, sheet, others).items():
            made[f"{places[sheet.agent_id]}-{name}"] = chart
    return made


def _overview(report: Report, words: Words) -> dict[str, Chart]:
    days = report.shop_days
    bars = [
        _line(words("agent_sales"), days.get("sales_amount", ())),
        _line(words("silent_sales"), days.get("silent_amount", ())),
    ]
    rows = [(one.name, one.figures["sales_amount"].value) for one in report.agents.sheets]
    return {
        "c-sales": _per_day(report, "money", bars=bars),
        "c-conversion": _per_day(
            report, "ratio", lines=[_metric_line(words, days, "inquiry_conversion_rate")]
        ),
        "c-answer": _per_day(
            report,
            "seconds",
            lines=[
                _metric_line(words, days, code)
                for code in ("first_response_seconds", "avg_response_seconds")
            ],
        ),
        "c-agents": {
            "kind": "ranking",
            "unit": "money",
            "labels": [name for name, _ in rows],
            "values": [_number(value) for _, value in rows],
        },
    }


def _outcomes(report: Report, words: Words) -> dict[str, Chart]:
    made: dict[str, Chart] = {}
    for kind, rows in report.disputes.items():
        made[f"c-{kind}"] = {
            "kind": "pareto",
            "labels": [class_name(words, kind, row.grain[kind]) for row in rows],
            "values": [int(row.numerator or 0) for row in rows],
            "shares": [row.cumulative for row in rows],
            "names": [words("complaints"), words("cumulative")],
        }
    if report.trailing:
        codes = [code for code in report.trailing if any(report.trailing[code])]
        lines = [_metric_line(words, report.trailing, code) for code in codes]
        made["c-trailing"] = _per_day(report, "ratio", lines=lines)
    if report.concentration is not None and report.concentration.curve:
        curve = [[float(people), float(value)] for people, value in report.concentration.curve]
        made["c-curve"] = {
            "kind": "curve",
            "points": curve,
            "names": [words("sales_chart"), words("curve_equal")],
        }
    return made


def _sheet(report: Report, words: Words, sheet: AgentSheet, others: Waits) -> dict[str, Chart]:
    """One agent's charts; places without a chart are left out."""
    code = "avg_response_seconds"
    made = {
        "sales": _per_day(
            report,
            "money",
            bars=[_line(words("agent_sales"), sheet.days.get("sales_amount", ()))],
        ),
        "answer": _per_day(
            report,
            "seconds",
            lines=[
                _line(sheet.name, sheet.days.get(code, ())),
                _line(words("everyone"), report.shop_days.get(code, ())),
            ],
        ),
        "waits": _histogram(words, [(sheet.name, sheet.waits), (words("others"), others)]),
    }
    if sheet.split is not None:
        parts = [*sheet.split.parts.factors, float(sheet.split.parts.residual)]
        made["split"] = {
            "kind": "bridge",
            "unit": "money",
            "labels": [
                words("split_mean"),
                *(words(name) for name in (*FACTORS, "residual")),
                words("split_own"),
            ],
            "start": float(sheet.split.other.sales_amount),
            "parts": parts,
            "end": float(sheet.split.own.sales_amount),
        }
    return made


def _per_day(
    report: Report, unit: str, *, bars: Sequence[Chart] = (), lines: Sequence[Chart] = ()
) -> Chart:
    days = [day.isoformat() for day in report.days]
    return {"kind": "days", "unit": unit, "days": days, "bars": bars, "lines": lines}


def _metric_line(words: Words, days: Any, code: str) -> Chart:
    return _line(words.name(code), days.get(code, ()))


def _line(name: str, values: Sequence[Any]) -> Chart:
    return {"name": name, "values": [_number(value) for value in values]}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _histogram(words: Words, parts: Sequence[tuple[str, Waits]]) -> Chart:
    labels = histogram_labels(words)
    drawn = [
        {
            "name": name,
            "values": [count / of.rounds for count in of.bars()],
            "counts": of.bars(),
        }
        for name, of in parts
        if of.rounds
    ]
    return {"kind": "histogram", "unit": "ratio", "labels": labels, "bars": drawn}


def histogram_labels(words: Words) -> list[str]:
    """Return the labels of the bars of `Waits.bars`."""
    between = itertools.pairwise(EDGES)
    return [
        words("hist_upto", high=EDGES[0]),
        *(words("hist_between", low=low, high=high) for low, high in between),
        words("hist_more", low=EDGES[-1]),
        words("hist_none"),
    ]
