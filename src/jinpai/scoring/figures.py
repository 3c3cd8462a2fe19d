"""The figures of a run that a plan or a policy asks for, exact, of those at work in the period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UsageError
from jinpai.metrics.definition import Metric, registry
from jinpai.metrics.query import MetricRow, ShopScope, query
from jinpai.scoring.plan import Plan
from jinpai.scoring.values import Value, exact_of, helpers_of

__all__ = ["By", "ShopValues", "codes_of", "shop_values"]

By = Literal["agent", "team"]
# Who is scored: those who received somebody, or sold something, in the period.
_AT_WORK = ("consulted_buyers", "sales_orders")
_Rows = dict[str | None, dict[str, MetricRow]]


@dataclass(frozen=True)
class ShopValues:
    """One shop's values: subject -> metric -> value; ``scope`` says shop, days and settings."""

    scope: ShopScope
    by: By
    judge_rule: str
    values: dict[str, dict[str, Value]]


def codes_of(plan: Plan, scope: ShopScope) -> list[str]:
    """Return the metrics that a plan needs for a period: its indicators, and what pay shares by.

    Raises UsageError when the period lies in a variant in part.
    """
    indicators, _ = plan.indicators_for(scope.first, scope.last)
    codes = [indicator.metric for indicator in indicators]
    pool = plan.pay.pool if plan.pay else None
    if pool is not None and pool.share_by not in ("equal", "total", "total_normalised"):
        codes.append(pool.share_by)
    return list(dict.fromkeys(codes))


def shop_values(
    engine: DuckEngine, scope: ShopScope, codes: Iterable[str], *, by: By, judge_rule: str
) -> ShopValues:
    """Return the exact values of everybody at work in a shop's period; nobody's are left out.

    Raises:
        UnknownName: no such metric.
        UsageError: a metric that only the whole shop has, or that is a table of shares.
    """
    scope = replace(scope, is_default=False)  # the period is the period, for every metric
    metrics = [_scorable(code) for code in dict.fromkeys(codes)]
    own, shop_codes = helpers_of(metrics)
    known = registry()
    asked = {metric.code: metric for metric in metrics}
    asked |= {code: known.metric(code) for code in (*own, *_AT_WORK)}
    rows = _by_subject(engine, scope, list(asked.values()), by, judge_rule)
    shop = _whole_shop(engine, scope, shop_codes, judge_rule)
    values = {
        subject: {code: exact_of(found[code], found, shop) for code in (m.code for m in metrics)}
        for subject, found in rows.items()
        if subject is not None and any(found[code].value for code in _AT_WORK)
    }
    return ShopValues(scope, by, judge_rule, values)


def _scorable(code: str) -> Metric:
    metric = registry().metric(code)
    if metric.shop_only or metric.classes:
        raise UsageError(
            f"'{code}' exists for the whole shop only; nobody can be scored by it.",
            zh=f"{metric.zh}（{code}）只有全店口径，不能用来给客服计分。",
        )
    return metric


def _by_subject(
    engine: DuckEngine, scope: ShopScope, metrics: list[Metric], by: By, judge_rule: str
) -> _Rows:
    """Return every metric of every subject: a family of metrics leaves out its empty cells."""
    key = "agent_id" if by == "agent" else "team"
    cells: set[tuple[str, str | None]] = set()
    for _ in range(2):
        found: _Rows = {}
        rows = query(
            engine, [scope], metrics=metrics, grain=(by,), judge_rule=judge_rule, always=cells
        )
        for row in rows:
            found.setdefault(row.grain[key], {})[row.metric] = row
        if all(len(one) == len(metrics) for one in found.values()):
            break
        cells = {(scope.shop_id, subject) for subject in found}
    return found


def _whole_shop(
    engine: DuckEngine, scope: ShopScope, codes: Iterable[str], judge_rule: str
) -> dict[str, MetricRow]:
    metrics = [registry().metric(code) for code in sorted(codes)]
    if not metrics:
        return {}
    rows = query(engine, [scope], metrics=metrics, judge_rule=judge_rule)
    return {row.metric: row for row in rows}
