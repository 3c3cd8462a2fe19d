"""What moves a case: sampling, rulings, appeals, decisions (states: see `reviews`).

Every verb changes the state by a conditional update – only from the state it was seen in – and
writes its event in the same transaction. Who comes second gets a Conflict and has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jinpai.errors import Conflict, UsageError
from jinpai.store.base import insert_missing, now
from jinpai.store.events import log_event
from jinpai.store.reviews import (
    VERDICTS,
    WAITING,
    Appeal,
    Case,
    Ruling,
    Sample,
    SampleCase,
    ShownDay,
)
from jinpai.store.wording import known_as, said, same_person

__all__ = [
    "appeal",
    "appeal_until",
    "case_of",
    "cases_of",
    "decide",
    "list_cases",
    "open_sample",
    "rule",
    "rulings_on",
    "show_days",
]


def case_of(session: Session, finding_id: str) -> Case:
    """Return the case of a finding; raises UsageError where there is none."""
    case = session.get(Case, finding_id)
    if case is None:
        raise UsageError(
            f"There is no finding '{finding_id}' under review.",
            zh=f"没有质检结果“{finding_id}”。",
        )
    return case


def rulings_on(session: Session, finding_id: str) -> list[Ruling]:
    """Return the rulings on a case, the earliest first."""
    query = select(Ruling).where(Ruling.finding_id == finding_id).order_by(Ruling.id)
    return list(session.scalars(query))


def list_cases(session: Session, findings: Iterable[Mapping[str, Any]], *, wanted: int = 1) -> None:
    """Keep findings that are no cases yet, as `listed`; their facts are columns of `Case`."""
    moment = now()
    known = {"state": "listed", "wanted": wanted, "opened_at": moment}
    rows = [{**facts, **known} for facts in findings]
    insert_missing(session, Case, rows)


def open_sample(
    session: Session,
    findings: Sequence[Mapping[str, Any]],
    how: dict[str, Any],
    *,
    by: str,
    wanted: int = 1,
) -> tuple[int, list[str]]:
    """Put a sample into the queue; returns its number and the ids that were not in a queue before.

    Args:
        how: what draws the same sample again.
        wanted: rulings wanted before a case is settled, 1 or 2; cases already opened keep theirs.
    """
    drawn_by = known_as(by)
    if wanted not in (1, 2):
        raise UsageError(f"A case wants 1 or 2 rulings, not {wanted}.", zh="复核人数应为 1 或 2。")
    list_cases(session, findings)
    names, moment = [str(facts["finding_id"]) for facts in findings], now()
    opened = _open(session, names, wanted, moment)
    sample = Sample(at=moment, drawn_by=drawn_by, how=how)
    session.add(sample)
    session.flush()
    session.add_all(SampleCase(sample_id=sample.id, finding_id=name) for name in names)
    told = how | {"wanted": wanted, "cases": len(names), "opened": len(opened)}
    log_event(
        session, actor=drawn_by, kind="sample.drawn", subject=f"sample:{sample.id}", after=told
    )
    return sample.id, opened


def _open(session: Session, names: Sequence[str], wanted: int, at: datetime) -> list[str]:
    """Open those that are merely listed; return them."""
    opened = set[str]()
    for part in _parts(names):
        statement = (
            update(Case)
            .where(Case.finding_id.in_(part), Case.state == "listed")
            .values(state="open", wanted=wanted, opened_at=at)
            .returning(Case.finding_id)
            .execution_options(synchronize_session=False)
        )
        opened |= set(session.scalars(statement))
    return [name for name in names if name in opened]


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield names in parts that fit into one statement."""
    for start in range(0, len(names), 500):
        yield names[start : start + 500]


def cases_of(session: Session, names: Sequence[str]) -> list[Case]:
    """Return the cases of findings, in their order; those that are none are left out."""
    found = dict[str, Case]()
    for part in _parts(names):
        query = select(Case).where(Case.finding_id.in_(part))
        found |= {case.finding_id: case for case in session.scalars(query)}
    return [found[name] for name in names if name in found]


def rule(
    session: Session,
    finding_id: str,
    verdict: str,
    *,
    reviewer: str,
    comment: str = "",
    at: datetime | None = None,
) -> Case:
    """Rule on a case that waits for it, or that is merely listed; returns the case after it.

    1. The reviewer is not the agent, and has not ruled on it before.
    2. The state moves on only from the one it was read in.
    3. If it moved meanwhile, someone else was first: Conflict, and nothing is changed.

    Raises UsageError, Conflict.
    """
    moment, name = at or now(), known_as(reviewer)
    if verdict not in VERDICTS:
        raise UsageError(
            f"'{verdict}' is no verdict: right, wrong or partly.",
            zh=f"“{verdict}”不是有效的结论：right（正确）、wrong（错误）或 partly（部分正确）。",
        )
    kept = said(comment, "--comment")
    case = case_of(session, finding_id)
    before = rulings_on(session, finding_id)
    _may_judge(case, name, before)
    if case.state not in (*WAITING, "listed"):
        raise _too_late(case)
    state, final = _after(case, verdict, before)
    values = {"state": state, "verdict": final, "settled_at": moment if final else None}
    _move(session, case, **values)
    session.add(
        Ruling(finding_id=finding_id, reviewer=name, verdict=verdict, comment=kept, at=moment)
    )
    log_event(
        session,
        actor=name,
        kind="case.ruled",
        subject=f"case:{finding_id}",
        before={"state": case.state},
        after={"state": state, "verdict": final},  # the ruling stays hidden until then
        at=moment,
    )
    session.flush()
    session.refresh(case)
    return case


def _after(case: Case, verdict: str, before: Sequence[Ruling]) -> tuple[str, str | None]:
    """Return the state and verdict of a case after one more ruling."""
    if len(before) + 1 < case.wanted:
        return "second", None
    if before and len(before) < 2 and before[0].verdict != verdict:
        return "third", None
    return "settled", verdict


def appeal(
    session: Session,
    finding_id: str,
    *,
    agent: str,
    reason: str,
    appeal_days: int,
    decide_days: int,
    at: datetime | None = None,
) -> Appeal:
    """Let the agent of a finding appeal against it, once and in time.

    Args:
        appeal_days: how long after the verdict, or after the finding could first be seen.
        decide_days: how long a second reviewer has.
    Raises UsageError (not the agent's, costs nothing, too late), Conflict (already appealed, or
    moved meanwhile).
    """
    moment = at or now()
    kept = said(reason, "--reason", needed=True)
    case = case_of(session, finding_id)
    # An account's name is what the export says, fit to be a person's name or not.
    name = agent if agent == case.agent_id else known_as(agent)
    if case.agent_id is None or not same_person(case.agent_id, name):
        raise UsageError(
            f"Finding {finding_id} is not about {name}; only the agent it is about can appeal.",
            zh=f"质检结果 {finding_id} 与 {name} 无关；只有当事客服可以申诉。",
        )
    if case.is_merit or case.is_shadow or case.verdict == "wrong":
        raise UsageError(
            f"Finding {finding_id} costs no points; there is nothing to appeal against.",
            zh=f"质检结果 {finding_id} 不扣分，无需申诉。",
        )
    if case.state in ("appealed", "upheld", "rejected"):
        raise _too_late(case)
    until = appeal_until(session, case, appeal_days)
    if until is not None and moment > until:
        raise UsageError(
            f"The time to appeal against {finding_id} ended on {until:%Y-%m-%d %H:%M} UTC "
            f"({appeal_days} days).",
            zh=f"质检结果 {finding_id} 的申诉期已于 {until:%Y-%m-%d %H:%M}（UTC）结束"
            f"（共 {appeal_days} 天）。",
        )
    _move(session, case, state="appealed")
    made = Appeal(
        finding_id=finding_id,
        agent=name,
        reason=kept,
        at=moment,
        due_at=moment + timedelta(days=decide_days),
    )
    session.add(made)
    _log(session, case, name, "case.appealed", {"state": "appealed"}, moment)
    session.flush()
    session.refresh(case)
    return made


def appeal_until(session: Session, case: Case, appeal_days: int) -> datetime | None:
    """Return until when a case can be appealed; None where its time has not begun."""
    start = case.settled_at
    if start is None:
        shown = session.get(ShownDay, (case.shop_id, case.day))
        start = None if shown is None else shown.at
    return None if start is None else start + timedelta(days=appeal_days)


def decide(
    session: Session,
    finding_id: str,
    outcome: str,
    *,
    reviewer: str,
    comment: str = "",
    at: datetime | None = None,
) -> Appeal:
    """Decide an appeal: ``upheld`` (the finding falls) or ``rejected``, which needs a comment.

    The reviewer has not ruled on the case and is not its agent. Raises UsageError, Conflict.
    """
    moment, name = at or now(), known_as(reviewer)
    if outcome not in ("upheld", "rejected"):
        raise UsageError(
            f"'{outcome}' is no decision: upheld or rejected.",
            zh=f"“{outcome}”不是有效的决定：upheld（成立）或 rejected（驳回）。",
        )
    kept = said(comment, "--comment", needed=outcome == "rejected")
    case = case_of(session, finding_id)
    _may_judge(case, name, rulings_on(session, finding_id))
    if case.state != "appealed":
        raise _too_late(case) if case.state in ("upheld", "rejected") else _no_appeal(case)
    _move(session, case, state=outcome)
    made = session.scalars(select(Appeal).where(Appeal.finding_id == finding_id)).one()
    made.outcome, made.decided_by, made.comment, made.decided_at = outcome, name, kept, moment
    _log(session, case, name, f"case.{outcome}", {"state": outcome}, moment)
    session.flush()
    session.refresh(case)
    return made


def show_days(
    session: Session, days: Iterable[tuple[str, date]], at: datetime | None = None
) -> int:
    """Note that the findings of these (shop, day) can be seen; returns how many are new."""
    moment = at or now()
    rows = [{"shop_id": shop, "day": day, "at": moment} for shop, day in sorted(set(days))]
    return insert_missing(session, ShownDay, rows)


def _may_judge(case: Case, name: str, before: Sequence[Ruling]) -> None:
    if case.agent_id is not None and same_person(case.agent_id, name):
        raise UsageError(
            f"{name} is the agent of finding {case.finding_id}; another person must judge it.",
            zh=f"{name} 是质检结果 {case.finding_id} 的当事客服，须由他人判断。",
        )
    if any(same_person(ruling.reviewer, name) for ruling in before):
        raise UsageError(
            f"{name} has ruled on finding {case.finding_id} already; another person must be next.",
            zh=f"{name} 已复核过质检结果 {case.finding_id}，须由他人继续。",
        )


def _move(session: Session, case: Case, **values: Any) -> None:
    """Move a case on from the state it was read in; raises Conflict when it is there no more."""
    statement = (
        update(Case)
        .where(Case.finding_id == case.finding_id, Case.state == case.state)
        .values(**values)
        .returning(Case.finding_id)
        .execution_options(synchronize_session=False)
    )
    if session.scalar(statement) is None:
        raise Conflict(
            f"Someone else has just acted on finding {case.finding_id}; nothing was changed. Look"
            " at it again.",
            zh=f"刚刚有人处理了质检结果 {case.finding_id}，本次没有改动。请重新查看。",
        )


def _log(
    session: Session, case: Case, actor: str, kind: str, after: dict[str, Any], at: datetime
) -> None:
    subject, before = f"case:{case.finding_id}", {"state": case.state}
    log_event(session, actor=actor, kind=kind, subject=subject, before=before, after=after, at=at)


def _too_late(case: Case) -> Conflict:
    states_zh = {
        "settled": "已有结论",
        "appealed": "正在申诉",
        "upheld": "申诉已成立",
        "rejected": "申诉已驳回",
    }
    told = f"settled ({case.verdict})" if case.state == "settled" else case.state
    return Conflict(
        f"Finding {case.finding_id} is {told} already; nothing was changed.",
        zh=f"质检结果 {case.finding_id} {states_zh.get(case.state, case.state)}，本次没有改动。",
    )


def _no_appeal(case: Case) -> UsageError:
    return UsageError(
        f"Nobody has appealed against finding {case.finding_id}.",
        zh=f"质检结果 {case.finding_id} 没有人申诉。",
    )
