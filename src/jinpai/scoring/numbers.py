"""Exact numbers as people and programs read them."""

from __future__ import annotations

from fractions import Fraction

from jinpai.metrics.definition import Metric

__all__ = ["as_json", "cents", "points", "points_text", "shown", "signed_text"]


def shown(metric: Metric, exact: Fraction | None) -> str:
    """Return a metric's value as people write it: 32.0%, 13.0 s, 1,234.50."""
    if exact is None:
        return "–"
    if metric.is_count:
        return f"{int(exact):,}"
    value = float(exact)
    if metric.unit == "ratio":
        return f"{value:.2%}"
    if metric.unit == "seconds":
        return f"{value:,.1f} s"
    return f"{value:,.1f} h" if metric.unit == "hours" else f"{value:,.2f}"


def points(number: Fraction | None) -> str:
    """Return scores and points: up to two decimals, none that say nothing."""
    return points_text(None if number is None else float(number))


def points_text(number: float | None) -> str:
    """Return `points` of a number that is none of exact ones any more."""
    return "–" if number is None else f"{number:,.2f}".rstrip("0").rstrip(".")


def signed_text(number: float | None) -> str:
    """Return a change of points with its sign, 0 without."""
    if number is None:
        return "–"
    text = points_text(abs(number))
    return "0" if text == "0" else ("−" if number < 0 else "+") + text


def cents(amount: int) -> str:
    """Return cents as an amount.

    >>> cents(123456)
    '1234.56'
    """
    return f"{amount // 100}.{amount % 100:02}"


def as_json(metric: Metric | None, exact: Fraction | None) -> int | float | None:
    """Return a number for JSON: counts whole, the rest the nearest float."""
    if exact is None:
        return None
    return int(exact) if metric is not None and metric.is_count else float(exact)
