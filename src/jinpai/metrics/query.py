"""The one query layer: metrics at any grain, for the command line, reports and the web alike."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pyarrow as pa

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.metrics.compile import questions
from jinpai.metrics.definition import GRAINS, Metric, Registry, registry
from jinpai.periods import day_end, days, month_key, week_key
from jinpai.settings import Settings

__all__ = ["JUDGE_RULES", "MetricRow", "ShopScope", "cell_days", "query", "select_metrics"]

JUDGE_RULES = ("order", "order_first", "payment")
_GRAIN_KEYS = {"agent": "agent_id", "product": "product_id"}
_US = 1_000_000
# What a measure's sum is counted in: microseconds for waits and online time.
_SCALE = {"seconds": _US, "hours": 3600 * _US}

_CENT = Decimal("0.01")
Cell = tuple[Any, ...]


@dataclass(frozen=True)
class ShopScope:
    """One shop in a query: its range of days and what decides whether a figure is final."""

    shop_id: str
    timezone: str
    settings: Settings
    as_of_us: int
    first: date
    last: date


class MetricRow(NamedTuple):
    """One figure. ``value`` and its parts: int counts, Decimal money, float the rest, None null."""

    shop_id: str
    grain: dict[str, Any]
    metric: str
    judge_rule: str
    value: int | Decimal | float | None
    numerator: int | Decimal | float | None
    denominator: int | Decimal | float | None
    status: str


@dataclass
class _Answers:
    """Measures by cell: ``values[cell][measure]``; a cell is (shop_id, key, …)."""

    values: dict[Cell, dict[str, Any]] = field(default_factory=dict)

    def add(self, table: pa.Table, keys: int) -> None:
        names = table.column_names[keys:]
        columns = [column.to_pylist() for column in table.columns]
        for row in zip(*columns, strict=True):
            self.values.setdefault(row[:keys], {}).update(zip(names, row[keys:], strict=True))


def select_metrics(codes: Sequence[str] | None, grain: Sequence[str]) -> list[Metric]:
    """Return the metrics asked for, or all that exist at the grain.

    Raises:
        UnknownName: no such metric or grain.
        UsageError: a metric asked for does not exist at the grain.
    """
    for part in grain:
        if part not in GRAINS:
            raise UnknownName("grain", part, GRAINS)
    known = registry()
    if not codes:
        return [metric for metric in known.metrics if _exists_at(metric, grain)]
    chosen = [known.metric(code) for code in dict.fromkeys(codes)]
    for metric in chosen:
        if not _exists_at(metric, grain):
            where = "the shop" if metric.shop_only else "shop, team and agent"
            where_zh = "全店" if metric.shop_only else "全店、团队、客服"
            raise UsageError(
                f"Metric '{metric.code}' exists for {where}, not by {', '.join(grain)}; "
                "leave it out of --metric or drop that part of --by.",
                zh=f"指标 {metric.code} 只有{where_zh}维度，不能按 {'、'.join(grain)} 查看；"
                "请从 --metric 中去掉它，或从 --by 中去掉该维度。",
            )
    return chosen


def _exists_at(metric: Metric, grain: Sequence[str]) -> bool:
    if metric.shop_only and {"agent", "team", "product"} & set(grain):
        return False
    return metric.product or "product" not in grain


def cell_days(scopes: Iterable[ShopScope]) -> pa.Table:
    """Return the days of each shop's range with their week (its Monday) and month."""
    rows = [
        (scope.shop_id, day, week_key(day), month_key(day))
        for scope in scopes
        for day in days(scope.first, scope.last)
    ]
    names = ("shop_id", "day", "week", "month")
    types = (pa.string(), pa.date32(), pa.date32(), pa.string())
    return pa.table(
        {
            name: pa.array([row[place] for row in rows], kind)
            for place, (name, kind) in enumerate(zip(names, types, strict=True))
        }
    )


def query(
    engine: DuckEngine,
    scopes: Sequence[ShopScope],
    *,
    metrics: Sequence[Metric],
    grain: Sequence[str] = (),
    judge_rule: str = "order_first",
    always: Iterable[Cell] = (),
) -> list[MetricRow]:
    """Return one row per (shop, cell, metric), in the order shop, cell, metric.

    Args:
        engine: holds the derived relations of a run and ``roster``.
        grain: parts of GRAINS; none means the whole period.
        always: cells (shop_id, key, …) to return even with nothing in them.
    Raises:
        UnknownName: no such judge rule.
    """
    if judge_rule not in JUDGE_RULES:
        raise UnknownName("judge rule", judge_rule, JUDGE_RULES)
    engine.put("cell_days", cell_days(scopes))
    known = registry()
    grain = [part for part in GRAINS if part in grain]
    answers = _ask(engine, known, _needed(known, metrics, grain), grain, judge_rule)
    time_grain = [part for part in grain if part in ("day", "week", "month")]
    shop_needs = {name for metric in metrics for name in metric.against}
    shop_side = _ask(engine, known, shop_needs, time_grain, judge_rule)
    places = [grain.index(part) + 1 for part in time_grain]
    by_shop = {scope.shop_id: scope for scope in scopes}
    recipes = [(metric.code, _recipe(known, metric, "product" in grain)) for metric in metrics]
    statuses = _Statuses(metrics, judge_rule)
    rows = []
    for cell in always:
        answers.values.setdefault(cell, {})
    for cell in _cells(answers, scopes, grain):
        scope = by_shop[cell[0]]
        keys = {_GRAIN_KEYS.get(part, part): cell[i + 1] for i, part in enumerate(grain)}
        found = answers.values.get(cell, {})
        against = shop_side.values.get((cell[0], *(cell[place] for place in places)), {})
        at = statuses.of(scope, _last_day(scope, keys))
        for (code, recipe), status in zip(recipes, at, strict=True):
            rows.append(MetricRow(cell[0], keys, code, judge_rule, *recipe(found, against), status))
    return rows


def _needed(known: Registry, metrics: Sequence[Metric], grain: Sequence[str]) -> list[str]:
    return [
        known.measure_at(name, "product" in grain) for metric in metrics for name in metric.measures
    ]


def _ask(
    engine: DuckEngine, known: Registry, names: Iterable[str], grain: Sequence[str], rule: str
) -> _Answers:
    level = next((part for part in ("agent", "team") if part in grain), "shop")
    answers = _Answers()
    for question in questions(known, names, grain):
        values = {"judge_rule": rule, "level": level}
        used = {name: value for name, value in values.items() if f"${name}" in question.sql}
        table = engine.fetch(f"metrics {', '.join(question.measures)}", question.sql, used)
        answers.add(table, 1 + len(grain))
    return answers


def _cells(answers: _Answers, scopes: Sequence[ShopScope], grain: Sequence[str]) -> list[Cell]:
    """Cells with something in them, sorted, nulls last; the whole period always."""
    if not grain:
        return [(scope.shop_id,) for scope in scopes]
    return sorted(answers.values, key=lambda cell: [(part is None, str(part)) for part in cell])


def _last_day(scope: ShopScope, keys: Mapping[str, Any]) -> date:
    """Last day of a cell, cut by the range."""
    last = scope.last
    if keys.get("month") is not None:
        year, month = (int(part) for part in keys["month"].split("-"))
        last = min(last, date(year, month, calendar.monthrange(year, month)[1]))
    if keys.get("week") is not None:
        last = min(last, keys["week"] + timedelta(days=6))
    return min(last, keys["day"]) if keys.get("day") is not None else last


class _Statuses:
    """Whether the figures of a day are final, metric by metric; each day is looked up once."""

    def __init__(self, metrics: Sequence[Metric], judge_rule: str) -> None:
        self._metrics, self._rule = metrics, judge_rule
        self._known: dict[tuple[str, date], list[str]] = {}

    def of(self, scope: ShopScope, last: date) -> list[str]:
        """``final`` iff as_of >= the end of (last day + maturity), for each metric."""
        key = (scope.shop_id, last)
        if key not in self._known:
            days_of = [metric.maturity_days(scope.settings, self._rule) for metric in self._metrics]
            final = {count: self._is_final(scope, last, count) for count in set(days_of)}
            self._known[key] = ["final" if final[count] else "provisional" for count in days_of]
        return self._known[key]

    @staticmethod
    def _is_final(scope: ShopScope, last: date, maturity: int) -> bool:
        day = last + timedelta(days=maturity)
        return scope.as_of_us >= day_end(day, scope.timezone, scope.settings.business_day_start)


_Figure = int | Decimal | float | None
_Parts = tuple[_Figure, _Figure, _Figure]
_Values = Mapping[str, Any]
_Recipe = Callable[[_Values, _Values], _Parts]


def _recipe(known: Registry, metric: Metric, by_product: bool) -> _Recipe:
    """Return how (value, numerator, denominator) come from the measures of a cell and its shop."""
    names = [known.measure_at(name, by_product) for name in metric.measures]
    zeros = [_zero(known, name) for name in names]
    if metric.measure:
        return _total(metric, names, zeros)
    if metric.against:
        shop_names = [known.measure_at(name, by_product) for name in metric.against]
        return _relative(names, zeros, shop_names, [_zero(known, name) for name in shop_names])
    return _ratio(names, zeros, _SCALE.get(metric.unit, 1))


def _total(metric: Metric, names: Sequence[str], zeros: Sequence[Any]) -> _Recipe:
    def total(found: _Values, against: _Values) -> _Parts:
        value = _or(found.get(names[0]), zeros[0])
        if len(names) > 1 and value is not None:
            value -= _or(found.get(names[1]), zeros[1])
        value = _as_unit(metric, value)
        return value, value, None

    return total


def _ratio(names: Sequence[str], zeros: Sequence[Any], scale: int) -> _Recipe:
    (top_name, bottom_name), (top_zero, bottom_zero) = names, zeros

    def ratio(found: _Values, against: _Values) -> _Parts:
        top = _or(found.get(top_name), top_zero)
        bottom = _or(found.get(bottom_name), bottom_zero)
        value = None if top is None or not bottom else _quotient(top, bottom * scale)
        return value, top if scale == 1 or top is None else top / scale, bottom

    return ratio


def _relative(
    names: Sequence[str], zeros: Sequence[Any], shop_names: Sequence[str], shop_zeros: Sequence[Any]
) -> _Recipe:
    def share(values: _Values, of: Sequence[str], default: Sequence[Any]) -> Fraction | None:
        top, bottom = (_or(values.get(n), z) for n, z in zip(of, default, strict=True))
        return Fraction(top) / bottom if bottom else None

    def relative(found: _Values, against: _Values) -> _Parts:
        own, shop = share(found, names, zeros), share(against, shop_names, shop_zeros)
        value = float(own / shop) if own is not None and shop else None
        return value, _float(own), _float(shop)

    return relative


def _zero(known: Registry, name: str) -> int | Decimal | None:
    """What a measure is where nothing was counted: 0, but unknown stays null."""
    measure = known.measures[name]
    if measure.max or measure.sum == "online_us":
        return None
    return Decimal("0.00") if "amount" in measure.sum else 0


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _quotient(top: int | Decimal, bottom: int) -> float:
    """The nearest float to the exact quotient: whole numbers divide exactly rounded."""
    if isinstance(top, Decimal):
        return int(top.scaleb(2)) / (bottom * 100)
    return top / bottom


def _as_unit(metric: Metric, value: Any) -> int | Decimal | None:
    if value is None:
        return 0 if metric.unit == "count" else None
    return int(value) if metric.is_count else Decimal(value).quantize(_CENT)


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
