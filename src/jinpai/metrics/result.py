"""Figures in the forms people take away: Arrow tables and JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jinpai.metrics.compile import CELL_COLUMNS
from jinpai.metrics.definition import GRAINS
from jinpai.metrics.query import MetricRow

__all__ = ["json_row", "json_value", "to_arrow"]


def to_arrow(rows: Sequence[MetricRow], grain: Sequence[str]) -> pa.Table:
    """Return one row per figure.

    Columns: shop_id; one per part of the grain (agent_id, team, product_id, stage, cause text; day,
    week dates; month text); metric; judge_rule; value, numerator, denominator (double); amount
    (money to the cent as DECIMAL(18,2), null for what is no money); status. Where some figure has
    them: cumulative (double), first, last (dates).
    """
    columns: dict[str, pa.Array] = {"shop_id": _text([row.shop_id for row in rows])}
    for part in (part for part in GRAINS if part in grain):
        values = [row.grain.get(CELL_COLUMNS[part]) for row in rows]
        columns[CELL_COLUMNS[part]] = (
            pa.array(values, pa.date32()) if part in ("day", "week") else _text(values)
        )
    columns["metric"] = _text([row.metric for row in rows])
    columns["judge_rule"] = _text([row.judge_rule for row in rows])
    for name in ("value", "numerator", "denominator"):
        values = [getattr(row, name) for row in rows]
        columns[name] = pa.array([None if v is None else float(v) for v in values], pa.float64())
    amounts = [row.value if isinstance(row.value, Decimal) else None for row in rows]
    columns["amount"] = pa.array(amounts, pa.decimal128(18, 2))
    columns["status"] = _text([row.status for row in rows])
    return pa.table(columns | _extras(rows))


def _extras(rows: Sequence[MetricRow]) -> dict[str, pa.Array]:
    types = {"cumulative": pa.float64(), "first": pa.date32(), "last": pa.date32()}
    made = {name: [getattr(row, name) for row in rows] for name in types}
    return {
        name: pa.array(values, types[name])
        for name, values in made.items()
        if any(value is not None for value in values)
    }


def json_row(row: MetricRow) -> dict[str, Any]:
    """Return a figure as JSON values: counts whole, money text with two decimals, null as null.

    Figures that have ``cumulative``, ``first`` and ``last`` (see `MetricRow`) have them last.
    """
    extras = {name: getattr(row, name) for name in ("cumulative", "first", "last")}
    return {
        "shop_id": row.shop_id,
        "grain": {name: json_value(value) for name, value in row.grain.items()},
        "metric": row.metric,
        "judge_rule": row.judge_rule,
        "value": json_value(row.value),
        "numerator": json_value(row.numerator),
        "denominator": json_value(row.denominator),
        "status": row.status,
    } | {name: json_value(value) for name, value in extras.items() if value is not None}


def json_value(value: Any) -> Any:
    """Return money as text with two decimals, dates as ISO text, everything else as it is."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else value


def _text(values: Sequence[Any]) -> pa.Array:
    return pa.array(values, pa.string())
