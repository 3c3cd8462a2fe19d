"""What charts draw, as plain data; ``charts.js`` of the reports and ``static/chart.js`` draw it.

Every chart has ``kind``, ``title`` and, for those who cannot see it, ``alt``. Kinds: ``days``
(bars and lines per day), ``ranking``, ``histogram``, ``pareto``, ``curve``, ``bridge`` (waterfall).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

__all__ = ["Chart", "bridge", "line", "per_day", "ranking", "spark"]

Chart = dict[str, Any]
_WIDE, _HIGH = 88, 22


def line(name: str, values: Sequence[Any]) -> Chart:
    """Return a named row of values; money becomes a number to draw."""
    return {"name": name, "values": [None if v is None else float(v) for v in values]}


def per_day(
    unit: str,
    days: Sequence[date],
    *,
    bars: Sequence[Chart] = (),
    lines: Sequence[Chart] = (),
    height: int = 260,
) -> Chart:
    """Return bars, stacked, and lines over days."""
    return {
        "kind": "days",
        "unit": unit,
        "days": [day.isoformat() for day in days],
        "bars": list(bars),
        "lines": list(lines),
        "height": height,
    }


def ranking(unit: str, rows: Sequence[tuple[str, Any]]) -> Chart:
    """Return one bar per name."""
    return {
        "kind": "ranking",
        "unit": unit,
        "labels": [name for name, _ in rows],
        "values": [None if value is None else float(value) for _, value in rows],
        "height": 60 + 28 * len(rows),
    }


def bridge(unit: str, start: tuple[str, Any], parts: Sequence[tuple[str, Any]], end: str) -> Chart:
    """Return a waterfall from a value over its changes to where they lead."""
    total = float(start[1]) + sum(float(part) for _, part in parts)
    return {
        "kind": "bridge",
        "unit": unit,
        "labels": [start[0], *(name for name, _ in parts), end],
        "start": float(start[1]),
        "parts": [float(part) for _, part in parts],
        "end": total,
        "height": 260,
    }


def spark(values: Sequence[Any]) -> str:
    """Return the points of a small line, for ``<polyline points>``; empty without two values."""
    known = [(at, float(value)) for at, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(value for _, value in known), max(value for _, value in known)
    across, up = (_WIDE - 4) / max(len(values) - 1, 1), (_HIGH - 4) / ((high - low) or 1)
    return " ".join(
        f"{2 + at * across:.1f},{_HIGH - 2 - (value - low) * up:.1f}" for at, value in known
    )
