"""The registry of metrics: definitions as data, checked when loaded.

Each metric is a measure, or a numerator over a denominator, on facts (one relation each). Source of
the definitions: docs/definitions, section 4; the data lies in the .yaml files of this folder.
"""

from __future__ import annotations

import math
from functools import cache, cached_property
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from jinpai.errors import UnknownName
from jinpai.quality.names import RuleName, rule_names
from jinpai.settings import Settings
from jinpai.shipped import parsed

__all__ = [
    "CLASSES",
    "GRAINS",
    "Fact",
    "Measure",
    "Metric",
    "Registry",
    "registry",
    "shipped_registry",
]

GRAINS = ("team", "agent", "product", "stage", "cause", "day", "week", "month")
CLASSES = ("stage", "cause")
Unit = Literal[
    "people", "count", "orders", "items", "money", "money_mean",
    "ratio", "factor", "relative", "mean", "score", "seconds", "hours", "days",
]  # fmt: skip
_COUNTS = {"people", "count", "orders", "items"}
_FILES = ("presales", "aftersales", "loyalty", "quality")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(_Model):
    """A relation metrics count on.

    Attributes:
        judged: it depends on the judge rule.
        by_cell: its rows belong to cells of time (``cell_no``), not to days.
        trailing_days: whatever the cell, its rows are those of the so many days that end with the
            cell's last day.
        unique: columns that no two rows of a shop share, nulls being a value.
    """

    grains: tuple[Literal["team", "agent", "product", "stage", "cause"], ...]
    judged: bool = False
    by_cell: bool = False
    trailing_days: int = 0
    unique: tuple[str, ...] = ()


class Measure(_Model):
    """One number over the rows of a fact in a cell that fulfil ``where``.

    Exactly one of: ``count`` rows; ``distinct`` combinations of columns; ``sum`` of a column
    (counted once per combination of ``once_per``); ``max`` of a column.
    """

    fact: str
    where: str = "true"
    count: bool = False
    distinct: tuple[str, ...] = ()
    sum: str = ""
    once_per: tuple[str, ...] = ()
    max: str = ""
    by_product: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Measure:
        kinds = [self.count, bool(self.distinct), bool(self.sum), bool(self.max)]
        if sum(kinds) != 1:
            raise ValueError("a measure is one of count, distinct, sum, max")
        return self

    @property
    def entity(self) -> tuple[str, ...]:
        """Columns whose combinations are counted once; empty when rows are."""
        return self.distinct or self.once_per


class Metric(_Model):
    """One registered metric.

    Attributes:
        measure, minus: value = measure (− minus); or
        numerator, denominator: value = numerator ÷ denominator;
        against: the shop's numerator and denominator the quotient is divided by.
        maturity: days, added up from numbers and settings; ``sales``: see the definitions.
        shop_only: exists at shop grain only. product: exists at product grain too.
        default_days: without a range asked for, the so many days that end with the as-of day; 0 is
            all that is loaded.
        needs_history: provisional too where the orders loaded begin later than as many days before
            the cell as it has.
        classes: of a share, what it is the share of (CLASSES): one row per class, largest first.
        seed: numbers of the items that asked for it.
        domain: the least and the largest value possible, both ends closed where finite.
        rate: of a count, the metric that is the rate of the same thing; else empty.
        on_demand: shown only where it is asked for by its code.
    """

    code: str
    zh: str
    en: str
    text_zh: str
    text_en: str
    unit: Unit
    direction: Literal["higher", "lower", "none"]
    measure: str = ""
    minus: str = ""
    numerator: str = ""
    denominator: str = ""
    against: tuple[str, ...] = ()
    maturity: Literal["sales"] | tuple[int | str, ...] = ()
    shop_only: bool = False
    product: bool = False
    default_days: int = 0
    needs_history: bool = False
    classes: tuple[Literal["stage", "cause"], ...] = ()
    seed: tuple[int, ...] = ()
    domain: tuple[float, float] = (0.0, math.inf)
    rate: str = ""
    on_demand: bool = False
    source: str = "definitions 4.1"

    @property
    def is_count(self) -> bool:
        """Whether the value is a whole number."""
        return self.unit in _COUNTS

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures it needs in its own cell."""
        names = (self.measure, self.minus, self.numerator, self.denominator)
        return tuple(name for name in names if name)

    def maturity_days(self, settings: Settings, judge_rule: str) -> int:
        """Whole days after a cell's last day until its figures are final."""
        if self.maturity == "sales":
            return settings.payment_days if judge_rule == "order" else 1
        return sum(
            part if isinstance(part, int) else int(getattr(settings, part))
            for part in self.maturity
        )


class Registry(_Model):
    """All facts, measures and metrics; every name that is used exists."""

    facts: dict[str, Fact]
    measures: dict[str, Measure]
    metrics: tuple[Metric, ...]

    @model_validator(mode="after")
    def _names_exist(self) -> Registry:
        for name, measure in self.measures.items():
            if measure.fact not in self.facts:
                raise ValueError(f"measure {name}: no fact {measure.fact}")
        for metric in self.metrics:
            for name in metric.measures + metric.against:
                if name not in self.measures:
                    raise ValueError(f"metric {metric.code}: no measure {name}")
            if metric.rate and metric.rate not in {other.code for other in self.metrics}:
                raise ValueError(f"metric {metric.code}: no metric {metric.rate}")
        return self

    def metric(self, code: str) -> Metric:
        """Return the metric of that code; raises UnknownName with the nearest one."""
        found = self._by_code.get(code)
        if found is None:
            raise UnknownName("metric", code, [metric.code for metric in self.metrics])
        return found

    @cached_property
    def _by_code(self) -> dict[str, Metric]:
        return {metric.code: metric for metric in self.metrics}

    def measure_at(self, name: str, by_product: bool) -> str:
        """Return the measure's name, or that of its stand-in at product grain."""
        return (self.measures[name].by_product or name) if by_product else name


def registry() -> Registry:
    """Return the shipped registry, with a metric for each rule of inspection that is known."""
    return _registry(rule_names())


def shipped_registry() -> Registry:
    """Return what of the registry is the same in every process, whatever rules it has read."""
    return _registry(())


@cache
def _registry(rules: tuple[RuleName, ...]) -> Registry:
    parts = [
        parsed(files("jinpai.metrics").joinpath(f"{name}.yaml").read_text("utf-8"))
        for name in _FILES
    ]
    measures = {name: measure for part in parts for name, measure in part["measures"].items()}
    return Registry(
        facts={name: fact for part in parts for name, fact in part["facts"].items()},
        measures=measures | {name: one for rule in rules for name, one in _counts(rule).items()},
        metrics=(
            *(metric for part in parts for metric in part["metrics"]),
            *(_rate(rule) for rule in rules),
        ),
    )


def _counts(rule: RuleName) -> dict[str, Measure]:
    """Return the sessions in which a rule found something, of all and by product."""
    by_product = f"product_rule_{rule.code}"
    here, there = (
        Measure(fact=fact, distinct=("session_id",), where=f"rule = '{rule.code}'", by_product=then)
        for fact, then in (("session_findings", by_product), ("product_findings", ""))
    )
    return {f"rule_{rule.code}": here, by_product: there}


def _rate(rule: RuleName) -> Metric:
    return Metric(
        code=f"rule_{rule.code}_rate",
        zh=f"{rule.zh}率",
        en=f"{rule.en}, share of sessions",
        text_zh=f"有“{rule.zh}”的会话 ÷ 质检会话",
        text_en=f"judged sessions with the finding '{rule.en}' ÷ judged sessions",
        unit="ratio",
        direction="higher" if rule.is_merit else "lower",
        numerator=f"rule_{rule.code}",
        denominator="judged",
        domain=(0.0, 1.0),
        product=True,
        on_demand=True,
        source="definitions 4.4",
    )
