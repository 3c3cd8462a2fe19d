"""From figures of the query layer to the tables of a report: places, comparisons, splits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from jinpai.metrics.decompose import Identity, decompose, identity
from jinpai.metrics.definition import Metric, registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.findings import TOPICS, Sample, findings
from jinpai.reports.model import AgentSheet, Figures, Split, Standing
from jinpai.reports.waits import Waits, merged

__all__ = [
    "AFTER_CODES",
    "DAY_CODES",
    "LOYALTY_CODES",
    "PRODUCT_CODES",
    "SELLING_CODES",
    "SERVICE_CODES",
    "SHEET_CODES",
    "TEAM_CODES",
    "Asked",
    "immature",
    "series",
    "sheets",
    "split_against",
    "split_of",
    "team_groups",
    "waits_by_agent",
]

TEAM_CODES = (
    "sales_amount",
    "inquiry_buyers",
    "inquiry_conversion_rate",
    "amount_per_buyer",
    "first_response_seconds",
    "avg_response_seconds",
    "reply_rate",
)
"""Metrics of the team table."""
SELLING_CODES = (
    "sales_amount",
    "net_sales_amount",
    "sales_orders",
    "inquiry_buyers",
    "inquiry_conversion_rate",
    "payment_rate",
    "amount_per_buyer",
    "amount_per_buyer_ratio",
    "items_per_buyer",
    "assist_receptions",
    "assist_amount",
    "new_buyer_conversion_rate",
    "returning_share",
    "old_buyer_churn",
    "purchase_cycle_days",
    "new_buyer_repurchase_rate",
    "new_buyer_retention_rate",
)
SERVICE_CODES = (
    "first_response_seconds",
    "avg_response_seconds",
    "within_180s_rate",
    "reply_rate",
    "unanswered_rounds",
    "slow_receptions",
    "answer_question_ratio",
    "max_concurrency",
    "online_hours",
    "refund_rate",
    "refund_dispute_rate",
    "return_rate",
    "complaint_rate",
    "bad_review_rate",
    "negative_review_rate",
    "refund_self_closed_rate",
    "refund_close_hours",
    "dsr_service",
)
SHEET_CODES = (*SELLING_CODES, *SERVICE_CODES)
"""Metrics of an agent's page, in its two tables."""
AFTER_CODES = SERVICE_CODES[SERVICE_CODES.index("refund_rate") :]
PRODUCT_CODES = (
    "refund_rate",
    "refund_dispute_rate",
    "return_rate",
    "complaint_rate",
    "refund_self_closed_rate",
    "refund_close_hours",
)
"""Metrics of the table of products."""
LOYALTY_CODES = (
    "returning_share",
    "old_buyer_churn",
    "purchase_cycle_days",
    "new_buyer_conversion_rate",
    "new_buyer_repurchase_rate",
    "new_buyer_retention_rate",
)
DAY_CODES = (
    "sales_amount",
    "inquiry_buyers",
    "inquiry_conversion_rate",
    "first_response_seconds",
    "avg_response_seconds",
    "reply_rate",
)
"""Metrics whose trend from day to day is shown."""
_IDENTITY = ("inquiry_buyers", "inquiry_paid_buyers", "inquiry_sales_amount", "sales_amount")
_US = 1_000_000


class Asked:
    """Figures of the agents of one shop and what their comparison rests on.

    Attributes:
        roster: agent_id -> name, team, role of every agent with a figure, best seller first.
        baskets: agent_id -> buyers, amount, squares (see ``baskets.sql``).
    """

    def __init__(
        self,
        figures: Mapping[str, Figures],
        previous: Mapping[str, Figures],
        roster: Mapping[str, Mapping[str, Any]],
        waits: Mapping[tuple[str | None, bool], Waits],
        baskets: Mapping[str, Mapping[str, Any]],
        days: Mapping[str, Mapping[str, Sequence[Any]]],
    ) -> None:
        self.figures, self.previous = figures, previous
        self.roster, self.baskets, self.days = roster, baskets, days
        self.waits = waits

    def all_waits(self, agent: str) -> Waits:
        """Return the waits of all rounds of an agent."""
        return merged(self.waits.get((agent, first), Waits()) for first in (True, False))


def sheets(asked: Asked) -> tuple[AgentSheet, ...]:
    """Return a sheet per agent, teams together, best seller first within a team."""
    groups = team_groups(asked.roster)
    made: dict[str, AgentSheet] = {}
    for members in groups.values():
        samples = {agent: _samples(asked, agent) for agent in members}
        found = findings(samples, {agent: asked.roster[agent]["name"] for agent in members})
        standings = _standings({agent: asked.figures[agent] for agent in members})
        mates = [asked.figures[agent] for agent in members]
        for agent in members:
            made[agent] = AgentSheet(
                agent_id=agent,
                name=asked.roster[agent]["name"],
                team=asked.roster[agent]["team"],
                role=asked.roster[agent]["role"],
                figures=asked.figures[agent],
                previous=asked.previous.get(agent, {}),
                standings=standings[agent],
                split=split_against(asked.figures[agent], mates),
                first_waits=asked.waits.get((agent, True), Waits()),
                waits=asked.all_waits(agent),
                days=asked.days.get(agent, {}),
                findings=found[agent],
                is_judged=any(
                    samples[agent][code].n >= 30 for code in samples[agent]
                ) and len(members) > 1,
            )  # fmt: skip
    return tuple(made[agent] for members in groups.values() for agent in members)


def team_groups(roster: Mapping[str, Mapping[str, Any]]) -> dict[str | None, list[str]]:
    """Return agents by team in the roster's order; agents without a team stand together, last."""
    groups: dict[str | None, list[str]] = defaultdict(list)
    for agent, entry in roster.items():
        groups[entry["team"]].append(agent)
    return {team: groups[team] for team in sorted(groups, key=lambda team: team is None)}


def waits_by_agent(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str | None, bool], Waits]:
    """Return waits by (agent, first round of its session or not) from the rows of ``waits.sql``."""
    counts: dict[tuple[str | None, bool], dict[int | None, int]] = defaultdict(dict)
    for row in rows:
        counts[row["agent_id"], row["is_first_in_session"]][row["wait_us"]] = row["rounds"]
    return {
        key: Waits(sum(found.values()), {wait: n for wait, n in found.items() if wait is not None})
        for key, found in counts.items()
    }


def split_of(own: Figures, other: Figures) -> Split:
    """Return what made the difference of two cells' sales."""
    a, b = _identity([own]), _identity([other])
    return Split(a, b, decompose(a, b))


def split_against(own: Figures, mates: Sequence[Figures]) -> Split | None:
    """Return what sets an agent's sales apart from the mean of the team, the agent included.

    The mean is of members with anything to count, as in `jinpai decompose --with team`; a team of
    one is compared with nobody.
    """
    members = [one for one in mates if any(_numbers(one))]
    if len(members) < 2:
        return None
    a, b = _identity([own]), _identity(members)
    return Split(a, b, decompose(a, b), len(members))


def _identity(cells: Sequence[Figures]) -> Identity:
    sums = [sum(column) for column in zip(*map(_numbers, cells), strict=True)]
    return identity(*(Fraction(total) / len(cells) for total in sums))


def _numbers(figures: Figures) -> list[Fraction]:
    return [Fraction(figures[code].value or 0) for code in _IDENTITY if code in figures]


def _standings(cells: Mapping[str, Figures]) -> dict[str, dict[str, Standing]]:
    found: dict[str, dict[str, Standing]] = {agent: {} for agent in cells}
    for code in dict.fromkeys(code for figures in cells.values() for code in figures):
        metric = registry().metric(code)
        rows = {agent: figures[code] for agent, figures in cells.items() if code in figures}
        values = {agent: row.value for agent, row in rows.items() if row.value is not None}
        for agent in cells:
            others = [row for who, row in rows.items() if who != agent]
            value, n = _pooled(metric, others)
            found[agent][code] = Standing(_place(metric, values, agent), len(values), value, n)
    return found


def _place(metric: Metric, values: Mapping[str, Any], agent: str) -> int | None:
    if metric.direction == "none" or agent not in values:
        return None
    better: Callable[[Any, Any], bool] = (
        (lambda a, b: a > b) if metric.direction == "higher" else (lambda a, b: a < b)
    )
    return 1 + sum(better(value, values[agent]) for value in values.values())


def _pooled(metric: Metric, rows: Sequence[MetricRow]) -> tuple[float | None, int | None]:
    """Value of several agents together: ratios of sums; the mean of what is no ratio."""
    if metric.against or not rows:
        return None, None
    if not metric.denominator:
        values = [float(row.value) for row in rows if row.value is not None]
        return (sum(values) / len(values) if values else None), None
    bottom = sum(int(row.denominator or 0) for row in rows)
    top = sum(Fraction(row.numerator or 0) for row in rows)
    return (float(top / bottom) if bottom else None), bottom


def _samples(asked: Asked, agent: str) -> dict[str, Sample]:
    """Return what each comparable value of an agent rests on."""
    made = {}
    for code, row in asked.figures[agent].items():
        if code not in TOPICS or not row.denominator:
            continue
        metric = registry().metric(code)
        sample = _sample(asked, agent, metric, row)
        if sample is not None:
            made[code] = sample
    return made


def _sample(asked: Asked, agent: str, metric: Metric, row: MetricRow) -> Sample | None:
    higher = metric.direction == "higher"
    if metric.unit == "ratio":
        count = float(row.numerator or 0)
        return Sample(int(row.denominator or 0), count, count, is_rate=True, higher=higher)
    if metric.code == "amount_per_buyer":
        basket = asked.baskets.get(agent)
        if basket is None:
            return None
        total, squares = float(basket["amount"]), float(basket["squares"])
        return Sample(basket["buyers"], total, squares, is_rate=False, higher=higher)
    is_first = metric.code == "first_response_seconds"
    waits = asked.waits.get((agent, True), Waits()) if is_first else asked.all_waits(agent)
    seconds = [(wait / _US, count) for wait, count in waits.counts.items()]
    return Sample(
        waits.answered,
        sum(wait * count for wait, count in seconds),
        sum(wait * wait * count for wait, count in seconds),
        is_rate=False,
        higher=higher,
    )


def series(rows: Iterable[MetricRow], days: Sequence[date]) -> dict[str, list[Any]]:
    """Return each metric's value per day; null where the day has no cell."""
    found: dict[str, dict[date, Any]] = defaultdict(dict)
    for row in rows:
        found[row.metric][row.grain["day"]] = row.value
    return {code: [values.get(day) for day in days] for code, values in found.items()}


def immature(figures: Figures, last: date, maturity: Callable[[Metric], int]) -> dict[str, date]:
    """Return the day on whose end each provisional figure becomes final."""
    return {
        code: last + timedelta(days=maturity(registry().metric(code)))
        for code, row in figures.items()
        if row.status == "provisional"
    }
