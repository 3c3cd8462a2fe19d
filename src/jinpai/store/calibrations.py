"""Calibration sessions: reviewers rule on the same findings, each without seeing the others.

A session is open until everyone has ruled on everything; then it is revealed, and what the members
said can be compared. Nothing said here counts for anybody's score.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from jinpai.store.base import BIG, Base, Key
from jinpai.store.reviews import VERDICTS, one_of

__all__ = ["Calibration", "CalibrationCase", "CalibrationMember", "CalibrationRuling"]


class Calibration(Base):
    """One session.

    Attributes:
        state: open, then revealed.
    """

    __tablename__ = "calibrations"
    __table_args__ = (one_of("state", ("open", "revealed")),)

    id: Mapped[Key]
    name: Mapped[str]
    opened_by: Mapped[str]
    opened_at: Mapped[datetime]
    state: Mapped[str]
    revealed_at: Mapped[datetime | None]


class CalibrationMember(Base):
    """A reviewer who takes part."""

    __tablename__ = "calibration_members"

    calibration_id: Mapped[int] = mapped_column(ForeignKey("calibrations.id"), primary_key=True)
    reviewer: Mapped[str] = mapped_column(primary_key=True)


class CalibrationCase(Base):
    """A finding that all members rule on."""

    __tablename__ = "calibration_cases"

    calibration_id: Mapped[int] = mapped_column(ForeignKey("calibrations.id"), primary_key=True)
    finding_id: Mapped[str] = mapped_column(ForeignKey("cases.finding_id"), primary_key=True)


class CalibrationRuling(Base):
    """What one member ruled on one finding; never changed."""

    __tablename__ = "calibration_rulings"
    __table_args__ = (
        one_of("verdict", VERDICTS),
        ForeignKeyConstraint(
            ["calibration_id", "finding_id"],
            ["calibration_cases.calibration_id", "calibration_cases.finding_id"],
        ),
        ForeignKeyConstraint(
            ["calibration_id", "reviewer"],
            ["calibration_members.calibration_id", "calibration_members.reviewer"],
        ),
    )

    calibration_id: Mapped[int] = mapped_column(BIG, primary_key=True)
    finding_id: Mapped[str] = mapped_column(primary_key=True)
    reviewer: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    comment: Mapped[str]
    at: Mapped[datetime]
