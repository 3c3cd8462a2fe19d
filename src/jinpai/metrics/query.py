"""The one query layer: metrics at any grain, for the command line, reports and the web alike."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.metrics.cells import TIME_PARTS, ShopScope, TimeCell, put_relations, time_cells
from jinpai.metrics.compile import Question, questions
from jinpai.metrics.definition import CLASSES, GRAINS, Metric, Registry, registry
from jinpai.metrics.recipes import quotient, recipe
from jinpai.metrics.statuses import Statuses

__all__ = ["JUDGE_RULES", "MetricRow", "ShopScope", "own_range", "query", "select_metrics"]

JUDGE_RULES = ("order", "order_first", "payment")
_GRAIN_KEYS = {"agent": "agent_id", "product": "product_id"}
_WHO = ("team", "agent", "product", *CLASSES)

Cell = tuple[Any, ...]


class MetricRow(NamedTuple):
    """One figure. ``value`` and its parts: int counts, Decimal money, float the rest, None null.

    Attributes:
        cumulative: of a share of a class, the sum of the shares down to it.
        first, last: the days counted, where grain and range do not tell: of trailing cells, and of
            metrics that have a range of their own when none is asked for.
    """

    shop_id: str
    grain: dict[str, Any]
    metric: str
    judge_rule: str
    value: int | Decimal | float | None
    numerator: int | Decimal | float | None
    denominator: int | Decimal | float | None
    status: str
    cumulative: float | None = None
    first: date | None = None
    last: date | None = None


def select_metrics(codes: Sequence[str] | None, grain: Sequence[str]) -> list[Metric]:
    """Return the metrics asked for, or all that exist at the grain.

    Shares of classes (dispute_share) are among all of them where the grain has a class; metrics of
    single rules (rule_<code>_rate) never are.

    Raises:
        UnknownName: no such metric or grain.
        UsageError: a metric asked for does not exist at the grain.
    """
    for part in grain:
        if part not in GRAINS:
            raise UnknownName("grain", part, GRAINS)
    known = registry()
    if not codes:
        by_class = set(CLASSES) & set(grain)
        return [
            m
            for m in known.metrics
            if _exists_at(m, grain) and (by_class or not m.classes) and not m.on_demand
        ]
    chosen = [known.metric(code) for code in dict.fromkeys(codes)]
    for metric in chosen:
        if not _exists_at(metric, grain):
            where, where_zh = _places(metric)
            raise UsageError(
                f"Metric '{metric.code}' exists for {where}, not by {', '.join(grain)}; "
                "leave it out of --metric or drop that part of --by.",
                zh=f"指标 {metric.code} 只有{where_zh}维度，不能按 {'、'.join(grain)} 查看；"
                "请从 --metric 中去掉它，或从 --by 中去掉该维度。",
            )
    return chosen


def _places(metric: Metric) -> tuple[str, str]:
    if metric.shop_only:
        return "the shop", "全店"
    if metric.product:
        return "shop, team, agent and product", "全店、团队、客服、商品"
    return "shop, team and agent", "全店、团队、客服"


def _exists_at(metric: Metric, grain: Sequence[str]) -> bool:
    if metric.shop_only and {"agent", "team", "product"} & set(grain):
        return False
    if set(CLASSES) & set(grain) - set(metric.classes):
        return False
    return metric.product or "product" not in grain


def query(
    engine: DuckEngine,
    scopes: Sequence[ShopScope],
    *,
    metrics: Sequence[Metric],
    grain: Sequence[str] = (),
    judge_rule: str = "order_first",
    always: Iterable[Cell] = (),
    trailing: int = 0,
) -> list[MetricRow]:
    """Return one row per (shop, cell, metric), in the order shop, cell, metric.

    Pre-sales, after-sales and loyalty metrics come one after the other, each family in the cells
    where it has something, shares of classes last: one row per class, the largest first.

    Args:
        engine: holds the derived relations of a run and the canonical ones it read.
        grain: parts of GRAINS; none means the whole period.
        always: cells (shop_id, key, …) to return even with nothing in them.
        trailing: each cell of time is the so many days that end with its last day; 0 is off.
    Raises:
        UnknownName: no such judge rule.
    """
    if judge_rule not in JUDGE_RULES:
        raise UnknownName("judge rule", judge_rule, JUDGE_RULES)
    grain = [part for part in GRAINS if part in grain]
    with _no_collection():
        return _rows(engine, scopes, metrics, grain, judge_rule, list(always), trailing)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Do not look for garbage among hundreds of thousands of rows that are all kept."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _rows(
    engine: DuckEngine,
    scopes: Sequence[ShopScope],
    metrics: Sequence[Metric],
    grain: Sequence[str],
    judge_rule: str,
    always: Sequence[Cell],
    trailing: int,
) -> list[MetricRow]:
    rows = []
    for group in _families(metrics):
        own = [own_range(scope, group[0]) for scope in scopes]
        says_days = bool(trailing) or own != list(scopes)
        asked = _Asked(engine, own, grain, judge_rule, trailing, says_days)
        rows += asked.figures([metric for metric in group if not metric.classes], always)
        for metric in group:
            rows += asked.shares(metric) if metric.classes else []
    return rows


def _families(metrics: Sequence[Metric]) -> Iterable[list[Metric]]:
    """Group the metrics by what they look at and over which days, in their order."""
    groups = dict[Any, list[Metric]]()
    for metric in metrics:
        groups.setdefault((metric.default_days, metric.needs_history), []).append(metric)
    return groups.values()


def own_range(scope: ShopScope, metric: Metric) -> ShopScope:
    """Return the scope with the range the metric has where none was asked for."""
    if not (scope.is_default and metric.default_days):
        return scope
    last = scope.as_of_day
    return replace(scope, first=last - timedelta(days=metric.default_days - 1), last=last)


@dataclass
class _Answers:
    """Measures by cell: ``values[cell][measure]``; a cell is (shop_id, key, …)."""

    values: dict[Cell, dict[str, Any]] = field(default_factory=dict)

    def add(self, table: pa.Table, who: int, cells: Sequence[TimeCell]) -> None:
        """Add a table of shop_id, ``who`` keys, cell_no and measures."""
        names = table.column_names[who + 2 :]
        columns = [column.to_pylist() for column in table.columns]
        for row in zip(*columns, strict=True):
            cell = (*row[: who + 1], *cells[row[who + 1]].keys)
            self.values.setdefault(cell, {}).update(zip(names, row[who + 2 :], strict=True))


@dataclass
class _Asked:
    """One question: shops with their ranges, a grain, a rule; answers for any metrics.

    Attributes:
        says_days: the rows say which days they count.
    """

    engine: DuckEngine
    scopes: Sequence[ShopScope]
    grain: Sequence[str]
    judge_rule: str
    trailing: int
    says_days: bool

    def __post_init__(self) -> None:
        self.known = registry()
        self.time = [part for part in self.grain if part in TIME_PARTS]
        self.who = [part for part in self.grain if part in _WHO]
        self.cells = time_cells(self.scopes, self.time, self.trailing)
        self.by_keys = {(cell.scope.shop_id, *cell.keys): cell for cell in self.cells}

    def figures(self, metrics: Sequence[Metric], always: Iterable[Cell]) -> list[MetricRow]:
        """Return a row per cell and metric."""
        if not metrics:
            return []
        answers = self.ask(_needed(self.known, metrics, self.who), self.who)
        shop_side = self.ask({name for metric in metrics for name in metric.against}, ())
        by_product = "product" in self.who
        recipes = [(metric.code, recipe(self.known, metric, by_product)) for metric in metrics]
        statuses = Statuses(self.engine, metrics, self.judge_rule)
        for cell in always:
            answers.values.setdefault(cell, {})
        rows = []
        for cell in self.places(answers):
            when = self.when(cell)
            found = answers.values.get(cell, {})
            against = shop_side.values.get((when.scope.shop_id, *when.keys), {})
            keys, spell = self.keys(cell, self.grain), self.spell(when)
            for (code, make), status in zip(recipes, statuses.of(when), strict=True):
                parts = make(found, against)
                rows.append(
                    MetricRow(cell[0], keys, code, self.judge_rule, *parts, status, None, *spell)
                )
        return rows

    def shares(self, metric: Metric) -> list[MetricRow]:
        """Return a row per class of each cell, the largest share first, ties by class."""
        kinds = [part for part in CLASSES if part in self.grain]
        base = [part for part in self.who if part not in CLASSES]
        status = Statuses(self.engine, [metric], self.judge_rule)
        rows = []
        for by in [kinds] if kinds else [[kind] for kind in metric.classes]:
            answers = self.ask([metric.numerator], [*base, *by])
            for cell, classes in _classes(answers, metric.numerator, len(base), len(by)).items():
                when = self.when(cell)
                ended = (status.of(when)[0], self.spell(when))
                grain = [*base, *by, *self.time]
                total, so_far = sum(classes.values()), 0
                for names, count in classes.items():
                    so_far += count
                    full = (*cell[: 1 + len(base)], *names, *cell[1 + len(base) :])
                    keys = self.keys(full, grain)
                    parts = (quotient(count, total), count, total, ended[0])
                    rows.append(
                        MetricRow(
                            cell[0], keys, metric.code, self.judge_rule, *parts,
                            quotient(so_far, total), *ended[1],
                        )
                    )  # fmt: skip
        return rows

    def ask(self, names: Iterable[str], who: Sequence[str]) -> _Answers:
        """Return measures by cell; ``who`` are the parts of the cell beside those of time."""
        level = next((part for part in ("agent", "team") if part in who), "shop")
        by_day = "day" in self.time and not self.trailing
        asked = questions(self.known, names, who, cells_are_days=by_day)
        put_relations(self.engine, self.cells, "\n".join(one.whole for one in asked))
        answers = _Answers()
        held = dict[str, str]()
        for question in asked:
            for name, sql in question.held.items():
                if name not in held:
                    self.engine.hold(name, sql, self._values(sql, level))
            held.update(question.held)
            answers.add(self._fetch(question, level), len(who), self.cells)
        for name in held:
            self.engine.drop(name)
        return answers

    def _fetch(self, question: Question, level: str) -> pa.Table:
        values = self._values(question.sql, level)
        return self.engine.fetch(f"metrics {', '.join(question.measures)}", question.sql, values)

    def _values(self, sql: str, level: str) -> dict[str, str]:
        """The parameters that a statement names."""
        values = {"judge_rule": self.judge_rule, "level": level}
        return {name: value for name, value in values.items() if f"${name}" in sql}

    def places(self, answers: _Answers) -> list[Cell]:
        """Cells with something in them, sorted, nulls last; the whole period always."""
        if not self.grain:
            return [(scope.shop_id,) for scope in self.scopes]
        return sorted(answers.values, key=_cell_order)

    def when(self, cell: Cell) -> TimeCell:
        """The time of a cell."""
        return self.by_keys[cell[0], *cell[len(cell) - len(self.time) :]]

    def keys(self, cell: Cell, grain: Sequence[str]) -> dict[str, Any]:
        """The keys of a cell by name."""
        return {_GRAIN_KEYS.get(part, part): key for part, key in zip(grain, cell[1:], strict=True)}

    def spell(self, when: TimeCell) -> tuple[date | None, date | None]:
        """The days a row counts, where it has to say so."""
        return (when.first, when.last) if self.says_days else (None, None)


def _classes(
    answers: _Answers, measure: str, base: int, by: int
) -> dict[Cell, dict[tuple[Any, ...], int]]:
    """Return cell -> class -> count; cells in order, classes by count, then by class."""
    found = dict[Cell, dict[tuple[Any, ...], int]]()
    for cell, values in answers.values.items():
        if values[measure]:
            whole = (*cell[: 1 + base], *cell[1 + base + by :])
            found.setdefault(whole, {})[cell[1 + base : 1 + base + by]] = values[measure]
    return {
        cell: dict(sorted(found[cell].items(), key=lambda one: (-one[1], _cell_order(one[0]))))
        for cell in sorted(found, key=_cell_order)
    }


def _cell_order(cell: Cell) -> list[tuple[bool, str]]:
    return [(part is None, str(part)) for part in cell]


def _needed(known: Registry, metrics: Sequence[Metric], grain: Sequence[str]) -> list[str]:
    return [
        known.measure_at(name, "product" in grain) for metric in metrics for name in metric.measures
    ]
