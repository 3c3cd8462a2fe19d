"""The verbs of calibration sessions (models: see `calibrations`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jinpai.errors import Conflict, UsageError
from jinpai.store.base import insert_missing, now
from jinpai.store.calibrations import (
    Calibration,
    CalibrationCase,
    CalibrationMember,
    CalibrationRuling,
)
from jinpai.store.events import log_event
from jinpai.store.reviews import VERDICTS, Case
from jinpai.store.rulings import list_cases
from jinpai.store.wording import known_as, said, same_person

__all__ = [
    "Progress",
    "calibration_of",
    "calibrations",
    "open_calibration",
    "rule_calibration",
    "rulings_shown",
]


@dataclass(frozen=True)
class Progress:
    """How far a session is.

    Attributes:
        findings: ids, in the order in which all members see them.
        ruled: reviewer -> how many of them they have ruled on, every member.
    """

    calibration: Calibration
    findings: tuple[str, ...]
    ruled: Mapping[str, int]

    @property
    def is_revealed(self) -> bool:
        """Everybody has ruled on everything."""
        return self.calibration.state == "revealed"


def open_calibration(
    session: Session,
    findings: Sequence[Mapping[str, Any]],
    reviewers: Iterable[str],
    *,
    name: str,
    by: str,
) -> int:
    """Open a session on findings for at least two reviewers; returns its number.

    Raises UsageError for fewer, for none to rule on, and for a member who is judged by one.
    """
    members = list(dict.fromkeys(known_as(reviewer, "--reviewers") for reviewer in reviewers))
    if len({member.casefold() for member in members}) < max(2, len(members)):
        raise UsageError(
            "A calibration session needs at least two different reviewers.",
            zh="校准至少需要两位不同的复核人。",
        )
    if not findings:
        raise UsageError("There is no finding to calibrate on.", zh="没有可供校准的质检结果。")
    opened_by, title = known_as(by), known_as(name, "--name")
    for facts in findings:
        _no_own(members, facts)
    list_cases(session, findings)
    made = Calibration(
        name=title, opened_by=opened_by, opened_at=now(), state="open", revealed_at=None
    )
    session.add(made)
    session.flush()
    ids = sorted({str(facts["finding_id"]) for facts in findings})
    session.add_all(CalibrationMember(calibration_id=made.id, reviewer=one) for one in members)
    session.add_all(CalibrationCase(calibration_id=made.id, finding_id=one) for one in ids)
    log_event(
        session,
        actor=opened_by,
        kind="calibration.opened",
        subject=f"calibration:{made.id}",
        after={"name": title, "reviewers": members, "findings": ids},
    )
    session.flush()
    return made.id


def _no_own(members: Sequence[str], facts: Mapping[str, Any]) -> None:
    agent = facts["agent_id"]
    for member in members:
        if agent is not None and same_person(str(agent), member):
            raise UsageError(
                f"{member} is the agent of finding {facts['finding_id']}; leave one of them out.",
                zh=f"{member} 是质检结果 {facts['finding_id']} 的当事客服，请去掉其一。",
            )


def calibrations(session: Session) -> list[Progress]:
    """Return all sessions, the newest first."""
    numbers = session.scalars(select(Calibration.id).order_by(Calibration.id.desc()))
    return [calibration_of(session, number) for number in numbers]


def calibration_of(session: Session, number: int) -> Progress:
    """Return one session; raises UsageError where there is none."""
    made = session.get(Calibration, number, populate_existing=True)
    if made is None:
        raise UsageError(
            f"There is no calibration session {number}.", zh=f"没有第 {number} 号校准。"
        )
    findings = session.scalars(
        select(CalibrationCase.finding_id)
        .where(CalibrationCase.calibration_id == number)
        .order_by(CalibrationCase.finding_id)
    )
    counts = (
        select(CalibrationMember.reviewer, func.count(CalibrationRuling.finding_id))
        .outerjoin(
            CalibrationRuling,
            (CalibrationRuling.calibration_id == CalibrationMember.calibration_id)
            & (CalibrationRuling.reviewer == CalibrationMember.reviewer),
        )
        .where(CalibrationMember.calibration_id == number)
        .group_by(CalibrationMember.reviewer)
        .order_by(CalibrationMember.reviewer)
    )
    return Progress(made, tuple(findings), dict(session.execute(counts).all()))


def rule_calibration(
    session: Session,
    number: int,
    finding_id: str,
    verdict: str,
    *,
    reviewer: str,
    comment: str = "",
    at: datetime | None = None,
) -> Progress:
    """Rule on one finding of a session; the last ruling of all reveals it.

    Raises UsageError (no member, not of the session), Conflict (ruled before).
    """
    moment, name = at or now(), known_as(reviewer)
    if verdict not in VERDICTS:
        raise UsageError(
            f"'{verdict}' is no verdict: right, wrong or partly.",
            zh=f"“{verdict}”不是有效的结论：right（正确）、wrong（错误）或 partly（部分正确）。",
        )
    _lock(session, number)
    found = calibration_of(session, number)
    _check_part(found, finding_id, name)
    row = {
        "calibration_id": number,
        "finding_id": finding_id,
        "reviewer": name,
        "verdict": verdict,
        "comment": said(comment, "--comment"),
        "at": moment,
    }
    if not insert_missing(session, CalibrationRuling, [row]):
        raise Conflict(
            f"{name} has ruled on finding {finding_id} in session {number} already.",
            zh=f"{name} 已在第 {number} 号校准中判过质检结果 {finding_id}。",
        )
    log_event(
        session,
        actor=name,
        kind="calibration.ruled",
        subject=f"calibration:{number}",
        after={"finding": finding_id},  # the ruling stays hidden until all have ruled
        at=moment,
    )
    return _revealed(session, number, moment)


def _lock(session: Session, number: int) -> None:
    """Let the members' last rulings come one after the other, so that the very last reveals."""
    session.execute(select(Calibration.id).where(Calibration.id == number).with_for_update())


def _check_part(found: Progress, finding_id: str, name: str) -> None:
    number = found.calibration.id
    if name not in found.ruled:
        raise UsageError(
            f"{name} takes no part in calibration session {number}.",
            zh=f"{name} 没有参加第 {number} 号校准。",
        )
    if finding_id not in found.findings:
        raise UsageError(
            f"Finding '{finding_id}' is not in calibration session {number}.",
            zh=f"第 {number} 号校准中没有质检结果“{finding_id}”。",
        )


def _revealed(session: Session, number: int, at: datetime) -> Progress:
    """Reveal a session in which everybody has ruled on everything; return how far it is."""
    found = calibration_of(session, number)
    if any(count < len(found.findings) for count in found.ruled.values()):
        return found
    session.execute(
        update(Calibration)
        .where(Calibration.id == number, Calibration.state == "open")
        .values(state="revealed", revealed_at=at)
        .execution_options(synchronize_session=False)
    )
    log_event(
        session,
        actor=found.calibration.opened_by,
        kind="calibration.revealed",
        subject=f"calibration:{number}",
        before={"state": "open"},
        after={"state": "revealed"},
        at=at,
    )
    session.flush()
    return calibration_of(session, number)


def rulings_shown(
    session: Session, found: Progress, viewer: str | None
) -> list[tuple[CalibrationRuling, Case]]:
    """Return the rulings of a session a viewer may see: before it is revealed, only their own."""
    query = (
        select(CalibrationRuling, Case)
        .join(Case, Case.finding_id == CalibrationRuling.finding_id)
        .where(CalibrationRuling.calibration_id == found.calibration.id)
        .order_by(CalibrationRuling.finding_id, CalibrationRuling.reviewer)
    )
    rows = session.execute(query)
    if found.is_revealed:
        return list(rows)
    return [row for row in rows if viewer is not None and same_person(row[0].reviewer, viewer)]
