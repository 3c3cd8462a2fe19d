"""Reviews of findings: cases, what reviewers ruled, appeals, samples. Models only (see `rulings`).

A case is one finding that people look at. Its states, and what moves it:

    listed   known, in nobody's queue       sampled → open; ruled as open; appealed
    open     waits for a ruling             ruled → settled, or second where two rulings are wanted
    second   waits for another reviewer's   ruled alike → settled, otherwise → third
    third    two disagree                   ruled by a third → settled
    settled  has its verdict                appealed (not against ``wrong``)
    appealed waits for another reviewer     decided → upheld or rejected, which are final

Chat texts are not kept: evidence names messages by their ids and characters by their places.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, get_args

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jinpai.store.base import Base, Key

__all__ = [
    "STATES",
    "VERDICTS",
    "WAITING",
    "Appeal",
    "Case",
    "Ruling",
    "Sample",
    "SampleCase",
    "ShownDay",
    "State",
    "Verdict",
]

State = Literal["listed", "open", "second", "third", "settled", "appealed", "upheld", "rejected"]
Verdict = Literal["right", "wrong", "partly"]
STATES: tuple[str, ...] = get_args(State)
VERDICTS: tuple[str, ...] = get_args(Verdict)
WAITING = ("open", "second", "third")  # for a ruling


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """Return the check that a column holds one of some words."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=column)


class Case(Base):
    """One finding under review; the facts are those of the finding when it was first looked at.

    Attributes:
        agent_id: who is judged; None for nobody in particular.
        day: local day of the session's start.
        evidence: as in the derived table: message_id, start, end, at_us.
        wanted: rulings wanted before it is settled, 1 or 2 (3 when two disagree).
        verdict: of the reviewers; None until settled.
        settled_at: when it got the verdict; from then an appeal has its time.
    """

    __tablename__ = "cases"
    __table_args__ = (
        one_of("state", STATES),
        one_of("verdict", VERDICTS),
        CheckConstraint("wanted in (1, 2)", name="wanted"),
        Index(None, "state", "opened_at"),
        Index(None, "agent_id", "day"),
    )

    finding_id: Mapped[str] = mapped_column(primary_key=True)
    shop_id: Mapped[str]
    session_id: Mapped[str]
    agent_id: Mapped[str | None]
    buyer_id: Mapped[str]
    day: Mapped[date]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    rule: Mapped[str]
    rule_version: Mapped[str]
    points: Mapped[float]
    is_merit: Mapped[bool]
    is_fatal: Mapped[bool]
    is_shadow: Mapped[bool]
    order_id: Mapped[str | None]
    reason_zh: Mapped[str]
    reason_en: Mapped[str]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    state: Mapped[str]
    wanted: Mapped[int]
    verdict: Mapped[str | None]
    opened_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class Ruling(Base):
    """What one reviewer ruled on a case. Never changed; one a reviewer and case."""

    __tablename__ = "rulings"
    __table_args__ = (one_of("verdict", VERDICTS), UniqueConstraint("finding_id", "reviewer"))

    id: Mapped[Key]
    finding_id: Mapped[str] = mapped_column(ForeignKey("cases.finding_id"))
    reviewer: Mapped[str]
    verdict: Mapped[str]
    comment: Mapped[str]
    at: Mapped[datetime]


class Appeal(Base):
    """An agent's appeal against a finding; there is one chance.

    Attributes:
        due_at: by when a second reviewer should decide.
        outcome: upheld (the finding falls) or rejected; None while it waits.
    """

    __tablename__ = "appeals"
    __table_args__ = (
        one_of("outcome", ("upheld", "rejected")),
        UniqueConstraint("finding_id"),
    )

    id: Mapped[Key]
    finding_id: Mapped[str] = mapped_column(ForeignKey("cases.finding_id"))
    agent: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime]
    due_at: Mapped[datetime]
    outcome: Mapped[str | None]
    decided_by: Mapped[str | None]
    comment: Mapped[str | None]
    decided_at: Mapped[datetime | None]


class Sample(Base):
    """A sample that was put into the queue: who drew it, and what draws it again.

    Attributes:
        how: the arguments (per, n, seed, first, last, …).
    """

    __tablename__ = "samples"

    id: Mapped[Key]
    at: Mapped[datetime]
    drawn_by: Mapped[str]
    how: Mapped[dict[str, Any]]


class SampleCase(Base):
    """A case of a sample; a case may be in several."""

    __tablename__ = "sample_cases"

    sample_id: Mapped[int] = mapped_column(ForeignKey("samples.id"), primary_key=True)
    finding_id: Mapped[str] = mapped_column(ForeignKey("cases.finding_id"), primary_key=True)


class ShownDay(Base):
    """When the findings of a shop's day could first be seen: from then they can be appealed."""

    __tablename__ = "shown_days"

    shop_id: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    at: Mapped[datetime]
