"""What lies behind a figure: the rows it was counted from and how they were added up.

The figure itself comes from the query layer, the rows from the same facts and measures, so that
anybody can count them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName
from jinpai.metrics.cells import put_relations, time_cells
from jinpai.metrics.compile import CELL_COLUMNS, evidence_sql
from jinpai.metrics.definition import CLASSES, GRAINS, Measure, Metric, Registry, registry
from jinpai.metrics.query import MetricRow, ShopScope, own_range, query, select_metrics
from jinpai.metrics.recipes import quotient
from jinpai.metrics.result import json_value
from jinpai.metrics.statuses import Statuses
from jinpai.metrics.texts import findings_of_sessions, json_cell, json_cells, messages_of_rounds

__all__ = ["check_names", "explain_metric"]

_DIVIDE_BY = {"seconds": 1_000_000, "hours": 3_600_000_000}
_WITH_MESSAGES = ("rounds",)
_WITH_FINDINGS = ("inspections", "product_inspections")
_WHO = {
    "agent": (
        "select agent_id from roster where shop_id = $shop_id"
        " union select agent_id from sessions where shop_id = $shop_id"
        " union select agent_id from online_days where shop_id = $shop_id"
    ),
    "team": "select distinct team from roster where shop_id = $shop_id",
    "product": (
        "select product_id from sale_lines where shop_id = $shop_id"
        " union select product_id from order_items where shop_id = $shop_id"
        " union select product_id from session_products where shop_id = $shop_id"
    ),
    "stage": "select distinct stage from complaints where shop_id = $shop_id",
    "cause": "select distinct cause from complaints where shop_id = $shop_id",
}


@dataclass(frozen=True)
class _Side:
    """Measures of one fact that play roles in a figure, on the cell's own rows or the shop's."""

    fact: str
    is_shop: bool
    roles: dict[str, str]


def explain_metric(
    engine: DuckEngine,
    scope: ShopScope,
    code: str,
    *,
    who: Mapping[str, str | None],
    day: date | None = None,
    judge_rule: str = "order_first",
    limit: int | None = None,
    offset: int = 0,
    unmask: bool = False,
) -> dict[str, Any]:
    """Return a figure with the rows behind it, all as JSON values.

    Args:
        engine: holds the run's derived relations and ``messages`` as the run read them.
        who: parts of the cell among team, agent, product, and of a share of classes stage or cause
            (without them it is the share of all); None is the row without one.
        day: a cell of one day; default the scope's whole period, or the metric's own where no range
            was asked for.
        limit: rows to return at most; default all.
        offset: rows to pass over before them.
    Returns:
        ``metric``, ``shop_id``, ``cell``, ``first``, ``last``, ``judge_rule``, ``value``,
        ``numerator``, ``denominator``, ``status``, ``arithmetic`` (how to count again), ``rows``,
        ``row_count`` (rows behind the figure, returned or not).
    Raises:
        UnknownName: no such metric, rule, agent, team or product.
        UsageError: the metric does not exist in such a cell.
    """
    grain = [part for part in GRAINS if part in who or (part == "day" and day is not None)]
    metric = select_metrics([code], grain)[0]
    check_names(engine, scope.shop_id, who)
    scope = _range(scope, metric, day)
    cell = (scope.shop_id, *(day if part == "day" else who[part] for part in grain))
    figure = _figure(engine, scope, metric, grain, cell, judge_rule)
    known = registry()
    sides = _sides(known, metric, "product" in grain)
    asked = [_asked(engine, known, scope, side, who, judge_rule) for side in sides]
    count = sum(one.count for one in asked)
    end = count if limit is None else min(offset + limit, count)
    shown = list(_between(asked, offset, end, is_sorted=bool(metric.classes)))
    _add_messages(engine, scope, shown, unmask)
    _add_findings(engine, scope.shop_id, [row for row in shown if row["fact"] in _WITH_FINDINGS])
    return {
        "metric": _described(metric, scope, judge_rule),
        "shop_id": scope.shop_id,
        "cell": {name: json_cell(value) for name, value in figure.grain.items()},
        "first": scope.first.isoformat(),
        "last": scope.last.isoformat(),
        "judge_rule": judge_rule,
        "value": json_value(figure.value),
        "numerator": json_value(figure.numerator),
        "denominator": json_value(figure.denominator),
        "status": figure.status,
        "arithmetic": _arithmetic(known, metric, sides),
        "rows": [json_cells(row) for row in shown],
        "row_count": count,
    }


def check_names(engine: DuckEngine, shop_id: str, who: Mapping[str, str | None]) -> None:
    """Raise UnknownName for an agent, team or product the run did not see; None is always known."""
    for part, name in who.items():
        if name is None:
            continue
        found = engine.fetch(part, _WHO[part], {"shop_id": shop_id}).columns[0].to_pylist()
        if name not in found:
            raise UnknownName(part, name, [one for one in found if one is not None])


def _range(scope: ShopScope, metric: Metric, day: date | None) -> ShopScope:
    """Return the scope with the days of the figure."""
    if day is not None:
        return replace(scope, first=day, last=day, is_default=False)
    return replace(own_range(scope, metric), is_default=False)


def _figure(
    engine: DuckEngine,
    scope: ShopScope,
    metric: Metric,
    grain: list[str],
    cell: tuple[Any, ...],
    judge_rule: str,
) -> MetricRow:
    if metric.classes:
        return _share(engine, scope, metric, grain, cell, judge_rule)
    rows = query(
        engine, [scope], metrics=[metric], grain=grain, judge_rule=judge_rule, always=[cell]
    )
    return next(row for row in rows if (row.shop_id, *row.grain.values()) == cell)


def _share(
    engine: DuckEngine,
    scope: ShopScope,
    metric: Metric,
    grain: list[str],
    cell: tuple[Any, ...],
    judge_rule: str,
) -> MetricRow:
    """Return the share of one class, or of all when the cell names none."""
    by = [part for part in CLASSES if part in grain] or list(metric.classes[:1])
    asked = [part for part in GRAINS if part in {*grain, *by}]
    rows = query(engine, [scope], metrics=[metric], grain=asked, judge_rule=judge_rule)
    keys = dict(zip(grain, cell[1:], strict=True))
    wanted = {CELL_COLUMNS[part]: key for part, key in keys.items()}
    place = {name: key for name, key in wanted.items() if name not in CLASSES}
    mine = [row for row in rows if place.items() <= row.grain.items()]
    count = sum(int(row.numerator or 0) for row in mine if wanted.items() <= row.grain.items())
    total = sum(int(row.numerator or 0) for row in mine)
    value = quotient(count, total) if total else None
    (when,) = time_cells([scope], ())
    (status,) = Statuses(engine, [metric], judge_rule).of(when)
    return MetricRow(scope.shop_id, wanted, metric.code, judge_rule, value, count, total, status)


def _sides(known: Registry, metric: Metric, by_product: bool) -> list[_Side]:
    own = {
        "numerator": metric.measure or metric.numerator,
        "minus": metric.minus,
        "denominator": metric.denominator,
    }
    own = {role: known.measure_at(name, by_product) for role, name in own.items() if name}
    shop = dict(zip(("numerator", "denominator"), metric.against, strict=False))
    return [
        _Side(fact, is_shop, {role: n for role, n in roles.items() if _fact(known, n) == fact})
        for is_shop, roles in ((False, own), (True, shop))
        for fact in dict.fromkeys(_fact(known, name) for name in roles.values())
    ]


def _fact(known: Registry, measure: str) -> str:
    return known.measures[measure].fact


@dataclass(frozen=True)
class _Asked:
    """The rows of one side, not read yet; ``count`` of them, in one order."""

    engine: DuckEngine
    known: Registry
    side: _Side
    sql: str
    values: Mapping[str, Any]
    count: int

    def rows(self, offset: int, limit: int) -> Iterator[dict[str, Any]]:
        """Yield some of the rows."""
        sql = f"{self.sql}\nlimit {limit} offset {offset}"
        name = f"evidence {self.side.fact}"
        for row in self.engine.fetch(name, sql, self.values).to_pylist():
            roles = dict.fromkeys(self.side.roles.values())
            marks = {measure: row.pop(f"in_{measure}") for measure in roles}
            row.pop("cell_no")
            yield _marked(self.known, self.side, row, marks)


def _between(
    asked: list[_Asked], offset: int, end: int, *, is_sorted: bool
) -> Iterator[dict[str, Any]]:
    """Yield the rows from one place to another; sorted, those of the numerator come first."""
    if is_sorted:
        rows = [row for one in asked for row in one.rows(0, one.count)]
        yield from sorted(rows, key=lambda row: not row["in_numerator"])[offset:end]
        return
    for one in asked:
        first, last = max(offset, 0), min(end, one.count)
        if first < last:
            yield from one.rows(first, last - first)
        offset, end = offset - one.count, end - one.count


def _asked(
    engine: DuckEngine,
    known: Registry,
    scope: ShopScope,
    side: _Side,
    who: Mapping[str, str | None],
    judge_rule: str,
) -> _Asked:
    level = next((part for part in ("agent", "team") if part in who), "shop")
    values: dict[str, Any] = {
        "shop_id": scope.shop_id,
        "judge_rule": judge_rule,
        "level": "shop" if side.is_shop else level,
    }
    conditions, of_class = ["shop_id = $shop_id"], list[str]()
    for part, name in {} if side.is_shop else who.items():
        is_part = f"{CELL_COLUMNS[part]} is not distinct from $who_{part}"
        (of_class if part in CLASSES else conditions).append(is_part)
        values[f"who_{part}"] = name
    flags = {f"in_{name}": f"({known.measures[name].where})" for name in side.roles.values()}
    if "numerator" in side.roles:
        numerator = f"in_{side.roles['numerator']}"
        flags[numerator] = " and ".join((flags[numerator], *of_class))
    counted = " or ".join(f"coalesce({flag}, false)" for flag in flags.values())
    sql = evidence_sql(known, side.fact, flags, [*conditions, f"({counted})"])
    used = {name: value for name, value in values.items() if f"${name}" in sql}
    put_relations(engine, time_cells([scope], ()), sql)
    counting = f"select count(*) as n from (\n{sql}\n)"
    count = engine.fetch(f"evidence {side.fact}", counting, used)["n"][0].as_py()
    return _Asked(engine, known, side, sql, used, count)


def _marked(
    known: Registry, side: _Side, row: Mapping[str, Any], flags: Mapping[str, bool]
) -> dict[str, Any]:
    """Put before a fact's columns what the row is to the figure."""
    made: dict[str, Any] = {"fact": side.fact, "role": "shop" if side.is_shop else "own"}
    for role, name in side.roles.items():
        measure = known.measures[name]
        made[f"in_{role}"] = flags[name]
        made[f"amount_{role}"] = _amount(measure, row) if flags[name] else None
    return made | dict(row)


def _amount(measure: Measure, row: Mapping[str, Any]) -> int | Decimal | None:
    if measure.count:
        return 1
    column = measure.sum or measure.max
    return row[column] if column else None


def _add_messages(
    engine: DuckEngine, scope: ShopScope, rows: list[dict[str, Any]], unmask: bool
) -> None:
    rounds = [row for row in rows if row["fact"] in _WITH_MESSAGES]
    if rounds:
        found = messages_of_rounds(
            engine, scope.shop_id, scope.as_of_us, scope.settings, rounds, unmask
        )
        for row, messages in zip(rounds, found, strict=True):
            row["messages"] = messages


def _add_findings(engine: DuckEngine, shop_id: str, sessions: list[dict[str, Any]]) -> None:
    if sessions:
        found = findings_of_sessions(engine, shop_id, [row["session_id"] for row in sessions])
        for row in sessions:
            row["findings"] = found.get(row["session_id"], [])


def _described(metric: Metric, scope: ShopScope, judge_rule: str) -> dict[str, Any]:
    names = ("code", "zh", "en", "text_zh", "text_en", "unit", "direction", "source")
    return {name: getattr(metric, name) for name in names} | {
        "seed": list(metric.seed),
        "maturity_days": metric.maturity_days(scope.settings, judge_rule),
    }


def _arithmetic(known: Registry, metric: Metric, sides: list[_Side]) -> dict[str, Any]:
    """Say how each number is made of the rows, and the value of the numbers."""
    made: dict[str, Any] = {}
    for side in sides:
        for role, name in side.roles.items():
            how = _how(known.measures[name], name)
            how["divide_by"] = _DIVIDE_BY.get(metric.unit, 1) if role == "numerator" else 1
            made[f"shop_{role}" if side.is_shop else role] = how
    formula = "numerator"
    if metric.minus:
        formula = "numerator - minus"
    if metric.denominator:
        formula = "numerator / denominator"
    if metric.against:
        formula = "(numerator / denominator) / (shop_numerator / shop_denominator)"
    return made | {"value": formula}


def _how(measure: Measure, name: str) -> dict[str, Any]:
    how: dict[str, Any] = {"measure": name, "fact": measure.fact, "where": measure.where}
    if measure.count:
        return how | {"kind": "count", "columns": []}
    if measure.distinct:
        return how | {"kind": "distinct", "columns": list(measure.distinct)}
    if measure.max:
        return how | {"kind": "max", "columns": [measure.max]}
    kind = "sum_once" if measure.once_per else "sum"
    return how | {"kind": kind, "columns": [measure.sum], "once_per": list(measure.once_per)}
