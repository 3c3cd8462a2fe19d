"""Who needs training in what: metrics in which an agent differs from the others of the team.

A difference is told only where chance alone would make it in fewer than one of a hundred cases
(2.58 standard errors), where it is at least a tenth of the others' value, and where both sides
rest on 30 cases or more. What is left is ordered by size: the gap measured against how much single
cases differ, so that percents, seconds and money compare.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jinpai.reports.model import Finding

__all__ = ["LEAST", "TOPICS", "Sample", "findings", "one_per_topic"]

LEAST = 30
_SURE = 2.58
_WORTH = 0.1

TOPICS = {
    "inquiry_conversion_rate": "closing",
    "payment_rate": "dunning",
    "amount_per_buyer": "recommending",
    "first_response_seconds": "speed",
    "avg_response_seconds": "speed",
    "reply_rate": "coverage",
    "refund_rate": "aftersales",
    "refund_dispute_rate": "disputes",
    "complaint_rate": "disputes",
    "return_rate": "aftersales",
    "bad_review_rate": "reviews",
}
"""Metric -> what to train where it is weak."""


@dataclass(frozen=True)
class Sample:
    """What one agent's value rests on.

    Attributes:
        n: cases (buyers, orders, rounds).
        total: sum of the cases' values; of a rate, how many cases count.
        squares: sum of their squares; of a rate the same as total.
        is_rate: each case counts 0 or 1 (now and then more).
        higher: more is better.
    """

    n: int
    total: float
    squares: float
    is_rate: bool
    higher: bool

    @property
    def mean(self) -> float:
        """The value."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Variance of one case's value."""
        if self.n < 2:
            return 0.0
        return max(self.squares - self.total**2 / self.n, 0.0) / (self.n - 1)

    def plus(self, other: Sample) -> Sample:
        """Return both together."""
        return replace(
            self,
            n=self.n + other.n,
            total=self.total + other.total,
            squares=self.squares + other.squares,
        )


def findings(
    samples: Mapping[str, Mapping[str, Sample]], names: Mapping[str, str]
) -> dict[str, tuple[Finding, ...]]:
    """Return each agent's findings, weaknesses first, the largest first.

    Args:
        samples: agents of one team: agent_id -> metric -> sample.
        names: agent_id -> name.
    """
    return {agent: _of_agent(agent, samples, names) for agent in samples}


def one_per_topic(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the first finding of each topic: two metrics of one topic say the same twice."""
    chosen: dict[tuple[str, bool], Finding] = {}
    for one in found:
        chosen.setdefault((one.topic, one.is_weak), one)
    return tuple(chosen.values())


def _of_agent(
    agent: str, samples: Mapping[str, Mapping[str, Sample]], names: Mapping[str, str]
) -> tuple[Finding, ...]:
    found = []
    for code, own in samples[agent].items():
        rest = {who: of[code] for who, of in samples.items() if who != agent and code in of}
        others = _together(list(rest.values()))
        if others is None or min(own.n, others.n) < LEAST:
            continue
        z = _distance(own, others)
        if abs(z) >= _SURE and abs(own.mean - others.mean) >= _WORTH * abs(others.mean):
            coach = _coach(own, rest, names) if z < 0 else None
            found.append(
                Finding(code, TOPICS[code], own.mean, others.mean, own.n, others.n, z, coach)
            )
    return tuple(sorted(found, key=lambda one: (not one.is_weak, -one.size, one.code)))


def _together(samples: Sequence[Sample]) -> Sample | None:
    if not samples:
        return None
    total = samples[0]
    for one in samples[1:]:
        total = total.plus(one)
    return total


def _distance(own: Sample, others: Sample) -> float:
    """Difference of the means in standard errors, positive where the agent is better.

    >>> a, b = (Sample(100, k, k, True, True) for k in (40, 60))
    >>> round(_distance(a, b), 3)  # p = 0.5, error = sqrt(0.25 / 50) = 0.0707
    -2.828
    """
    if own.is_rate:
        share = (own.total + others.total) / (own.n + others.n)
        spread = share * (1 - share) if share < 1 else share
        error = math.sqrt(spread * (1 / own.n + 1 / others.n))
    else:
        error = math.sqrt(own.variance / own.n + others.variance / others.n)
    if not error:
        return 0.0
    distance = (own.mean - others.mean) / error
    return distance if own.higher else -distance


def _coach(
    own: Sample, rest: Mapping[str, Sample], names: Mapping[str, str]
) -> tuple[str, float] | None:
    """The agent of the team who does it best on enough cases."""
    sign = 1 if own.higher else -1
    able = [(sign * one.mean, who) for who, one in rest.items() if one.n >= LEAST]
    if not able:
        return None
    value, who = max(able, key=lambda pair: (pair[0], pair[1]))
    return names[who], sign * value
