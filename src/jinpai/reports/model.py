"""What a report holds, before anybody chose a language or a file format.

Figures are rows of the query layer as they are; nothing here computes one again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jinpai.metrics.cohorts import Cohort
from jinpai.metrics.decompose import Identity, Parts
from jinpai.metrics.query import MetricRow
from jinpai.reports.waits import Waits
from jinpai.scoring.concentration import Concentration
from jinpai.scoring.grade import Graded
from jinpai.scoring.score import Sheet

__all__ = [
    "AgentSheet",
    "Agents",
    "Figures",
    "Finding",
    "Grades",
    "Notes",
    "Period",
    "Product",
    "Report",
    "Split",
    "Standing",
]

Figures = Mapping[str, MetricRow]
"""Metric code -> figure of one cell."""


@dataclass(frozen=True)
class Period:
    """Two local days, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class Split:
    """The sales identity of two sides and what made their difference.

    Attributes:
        members: how many agents the other side is the mean of; 1: no mean.
    """

    own: Identity
    other: Identity
    parts: Parts
    members: int = 1


@dataclass(frozen=True)
class Standing:
    """Where an agent stands in one metric among the agents of the team.

    Attributes:
        place: 1 is the best; ties share it; null without a value or a direction.
        of: agents of the team with a value.
        others: value of the team's other agents together, null where they have none.
        others_n: its denominator.
    """

    place: int | None
    of: int
    others: float | None
    others_n: int | None


@dataclass(frozen=True)
class Finding:
    """A metric in which an agent is clearly worse or better than the others of the team.

    Attributes:
        own, others: the two values; n, others_n: what they were counted from.
        z: difference in standard errors, positive where the agent is better.
        topic: what to train, a key of the words.
        coach: name of the agent of the team who does it best, with that agent's value.
    """

    code: str
    topic: str
    own: float
    others: float
    n: int
    others_n: int
    z: float
    coach: tuple[str, float] | None = None

    @property
    def size(self) -> float:
        """The gap, measured against how much single cases differ; never negative."""
        return abs(self.z) * math.sqrt(1 / self.n + 1 / self.others_n)

    @property
    def is_weak(self) -> bool:
        """Whether the agent is the worse one."""
        return self.z < 0


@dataclass(frozen=True)
class AgentSheet:
    """One agent's page.

    Attributes:
        days: metric code -> value per day of the period, null where there is none.
        is_judged: enough was counted to say anything about strengths and weaknesses.
    """

    agent_id: str
    name: str
    team: str | None
    role: str | None
    figures: Figures
    previous: Figures
    standings: Mapping[str, Standing]
    split: Split | None
    first_waits: Waits
    waits: Waits
    days: Mapping[str, Sequence[Any]]
    findings: tuple[Finding, ...]
    is_judged: bool


@dataclass(frozen=True)
class Agents:
    """The team: a sheet per agent, best seller first within a team; the unassigned bucket apart."""

    sheets: tuple[AgentSheet, ...]
    unassigned: Figures = field(default_factory=dict)
    teams: Mapping[str, Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class Notes:
    """What a reader must know about the data.

    Attributes:
        filters: (reason, agent or None for nobody in particular, receptions, buyers).
        rejects: (table, reason, rows) of everything imported so far.
        immature: metric code -> the day on whose end it becomes final.
        no_previous: first day with data, where the period before is not loaded in full.
    """

    filters: tuple[tuple[str, str | None, int, int], ...]
    rejects: tuple[tuple[str, str, int], ...]
    immature: Mapping[str, date]
    no_previous: date | None
    is_stale: bool


@dataclass(frozen=True)
class Grades:
    """Grades of a period, best first; ``notes`` are (English, Chinese)."""

    policy: str
    graded: tuple[Graded, ...]
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Product:
    """What became of one product's orders; ``title`` is its id where it has no name.

    The product of facts about no item that is loaded is None.
    """

    product_id: str | None
    title: str
    figures: Figures


@dataclass(frozen=True)
class Report:
    """Everything a report says.

    Attributes:
        money: the sign before amounts.
        days: every day of the period; series have a value per day.
        disputes: ``stage`` and ``cause`` -> shares of complaints, largest first.
        products: those with a figure, most refunds and complaints first.
        trailing: metric code -> value per day, of the 28 days that end with it.
        concentration: how the agents' sales are spread over them.
        cohorts: buyers by month of first purchase, oldest first.
        scores, grades: only where a plan or a policy was given.
    """

    shop_id: str
    shop_name: str
    money: str
    timezone: str
    as_of: str
    settings_id: str
    judge_rule: str
    period: Period
    previous_period: Period | None
    days: tuple[date, ...]
    shop: Figures
    previous: Figures
    split: Split | None
    shop_days: Mapping[str, Sequence[Any]]
    first_waits: Waits
    waits: Waits
    agents: Agents
    notes: Notes
    disputes: Mapping[str, tuple[MetricRow, ...]] = field(default_factory=dict)
    products: tuple[Product, ...] = ()
    trailing: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    concentration: Concentration | None = None
    cohorts: tuple[Cohort, ...] = ()
    scores: Sheet | None = None
    grades: Grades | None = None
