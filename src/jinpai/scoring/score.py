"""Values under a plan: the score of every line, with its arithmetic, and the totals.

    score of an indicator   that of the band its value is in, the higher one where bands overlap
    points                  score × weight
    total                   the sum of the points
    total_normalised        100 × total ÷ the weights present

A missing value, or one in a gap, scores nothing: under ``exclude`` its weight is not present, under
``zero`` it is. Either way the line says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from typing import Literal

from jinpai.errors import UsageError
from jinpai.metrics.definition import registry
from jinpai.scoring.intervals import Interval
from jinpai.scoring.pay import Payment, Standing, pay_out
from jinpai.scoring.plan import Indicator, Plan
from jinpai.scoring.values import Value, Values, as_value

__all__ = ["Line", "Previous", "Scored", "Sheet", "ranked", "score"]

Missing = Literal["exclude", "zero"]
SubjectKind = Literal["agent_id", "team"]


@dataclass(frozen=True)
class Line:
    """One indicator of one agent.

    Attributes:
        band: as the plan writes it; None where the value is missing or in no band.
        weight: percent. points: score × weight ÷ 100; None where the weight is not present.
        flags: ``missing``, ``gap``, ``overlap``, ``provisional``.
    """

    metric: str
    value: Value
    band: str | None
    score: Fraction | None
    weight: Fraction
    points: Fraction | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Previous:
    """The totals of the period before, and its scores by metric."""

    first: date
    last: date
    total: Fraction
    total_normalised: Fraction | None
    scores: Mapping[str, Fraction | None]


@dataclass(frozen=True)
class Scored:
    """One agent, or team, scored.

    Attributes:
        lines: in the plan's order.
        rank: 1 is best, by total_normalised; equals share a rank; None without a total.
    """

    subject: str
    lines: tuple[Line, ...]
    total: Fraction
    total_normalised: Fraction | None
    rank: int | None = None
    pay: Payment | None = None
    previous: Previous | None = None

    @property
    def weakest_first(self) -> tuple[Line, ...]:
        """The lines with a score, the shortest plank first: lowest score, then largest weight."""
        scored = [line for line in self.lines if line.score is not None]
        return tuple(sorted(scored, key=lambda line: (line.score, -line.weight)))


@dataclass(frozen=True)
class Sheet:
    """One shop's scores for one period.

    Attributes:
        agents: best rank first, equals by id.
        by: what the subjects are.
        variant: title of the plan's variant in force, empty for the plan's own indicators.
        pool_left: money of the pool that caps kept from being shared out.
    """

    plan: str
    agents: tuple[Scored, ...]
    missing: Missing
    by: SubjectKind = "agent_id"
    first: date | None = None
    last: date | None = None
    variant: str = ""
    judge_rule: str | None = None
    shop_id: str | None = None
    settings_id: str | None = None
    pool_left: Fraction = Fraction(0)
    notes: tuple[tuple[str, str], ...] = field(default=())

    def agent(self, subject: str) -> Scored:
        """Return one agent's scores; raises KeyError."""
        return next(one for one in self.agents if one.subject == subject)


def score(
    plan: Plan,
    values: Values,
    *,
    first: date | None = None,
    last: date | None = None,
    missing: Missing | None = None,
) -> Sheet:
    """Score values under a plan.

    Args:
        values: subject -> metric -> number (see `values.as_value`); a metric that is not there is
            missing. Metrics that are no indicators may be there for the pool.
        first, last: the period, for the plan's variants; without it the plan's own indicators.
        missing: what a missing value does where the plan does not say; default ``exclude``.
    Raises:
        UsageError: the period lies in a variant in part; a band lacks a bracket.
        UnknownName: the plan names a metric that does not exist.
    """
    indicators, variant = plan.indicators_for(first, last)
    policy = plan.missing or missing or "exclude"
    rows = [_Row(indicator) for indicator in indicators]
    agents = []
    for subject, given in values.items():
        lines = tuple(row.line(as_value(given.get(row.code)), policy) for row in rows)
        agents.append(_scored(subject, lines))
    in_order = ranked(agents)
    paid, left = pay_out(plan.pay, [_standing(one, values) for one in in_order])
    if plan.pay is not None:
        in_order = [replace(one, pay=paid[one.subject]) for one in in_order]
    title = variant.title if variant else ""
    return Sheet(
        plan.name, tuple(in_order), policy, first=first, last=last, variant=title, pool_left=left
    )


class _Row:
    """One indicator, ready for many values."""

    def __init__(self, indicator: Indicator) -> None:
        self._indicator = indicator
        self.code = indicator.metric
        registry().metric(indicator.metric)
        for band in indicator.bands:
            _need_brackets(indicator, band.interval)

    def line(self, value: Value, policy: Missing) -> Line:
        """Return the line of a value."""
        bands = self._indicator.bands
        holding = [
            band for band in bands if value.exact is not None and value.exact in band.interval
        ]
        best = max(holding, key=lambda band: band.score, default=None)
        flags = [
            *(["missing"] if value.exact is None else []),
            *(["gap"] if value.exact is not None and best is None else []),
            *(["overlap"] if len(holding) > 1 else []),
            *(["provisional"] if value.status == "provisional" else []),
        ]
        got = best.score if best else None
        weight = self._indicator.weight
        points = None if got is None and policy == "exclude" else (got or 0) * weight / 100
        band = str(best.interval) if best else None
        return Line(self.code, value, band, got, weight, points, tuple(flags))


def _need_brackets(indicator: Indicator, interval: Interval) -> None:
    if not (interval.has_left and interval.has_right):
        raise UsageError(
            f"{indicator.metric}: the band '{interval}' lacks a bracket, so nobody can tell whether"
            " its ends belong to it; write [ or ] for an end that does, ( or ) for one that does"
            " not.",
            zh=f"{indicator.metric}：“{interval}”缺少括号，无法判断是否包含端点；"
            "包含写 [ 或 ]，不包含写 ( 或 )。",
        )


def _scored(subject: str, lines: tuple[Line, ...]) -> Scored:
    present = [line for line in lines if line.points is not None]
    total = sum((line.points or Fraction(0) for line in present), Fraction(0))
    weights = sum((line.weight for line in present), Fraction(0))
    return Scored(subject, lines, total, 100 * total / weights if weights else None)


def ranked(agents: Sequence[Scored]) -> list[Scored]:
    """Return the agents in order with their ranks (1, 1, 3): by total_normalised, none last."""
    totals = [one.total_normalised for one in agents if one.total_normalised is not None]
    ranks = [
        None
        if one.total_normalised is None
        else 1 + sum(other > one.total_normalised for other in totals)
        for one in agents
    ]
    placed = [replace(one, rank=rank) for one, rank in zip(agents, ranks, strict=True)]
    return sorted(placed, key=lambda one: (one.rank is None, one.rank or 0, one.subject))


def _standing(one: Scored, values: Values) -> Standing:
    metrics = {code: as_value(number).exact for code, number in values[one.subject].items()}
    return Standing(one.subject, one.rank, one.total, one.total_normalised, metrics)
