"""What waits for whom, and what each may see of it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from jinpai.store.reviews import WAITING, Appeal, Case, Ruling, SampleCase
from jinpai.store.rulings import rulings_on
from jinpai.store.wording import known_as, same_person

__all__ = ["appeal_of", "appeal_queue", "count_states", "review_queue", "rulings_seen_by"]


def review_queue(
    session: Session,
    reviewer: str | None = None,
    *,
    shop_id: str | None = None,
    sample_id: int | None = None,
    limit: int = 50,
) -> list[Case]:
    """Return cases that wait for a ruling, the longest waiting first, of one moment in no order.

    Args:
        reviewer: only what this person may rule on: not about them, not ruled on by them.
        sample_id: only of this sample.
    """
    query = select(Case).where(Case.state.in_(WAITING), *_limits(reviewer, shop_id))
    if sample_id is not None:
        drawn = select(SampleCase.finding_id).where(SampleCase.sample_id == sample_id)
        query = query.where(Case.finding_id.in_(drawn))
    return list(session.scalars(query.order_by(Case.opened_at, Case.finding_id).limit(limit)))


def appeal_queue(
    session: Session,
    reviewer: str | None = None,
    *,
    shop_id: str | None = None,
    limit: int = 50,
) -> list[tuple[Appeal, Case]]:
    """Return appeals that wait for a decision, the soonest due first.

    Args:
        reviewer: only what this person may decide: not about them, not ruled on by them.
    """
    query = (
        select(Appeal, Case)
        .join(Case, Case.finding_id == Appeal.finding_id)
        .where(Appeal.outcome.is_(None), *_limits(reviewer, shop_id))
        .order_by(Appeal.due_at, Appeal.id)
        .limit(limit)
    )
    return list(session.execute(query))


def _limits(reviewer: str | None, shop_id: str | None) -> list[ColumnElement[bool]]:
    """Return what a case must be: of the shop, and nothing the reviewer may not judge."""
    limits: list[ColumnElement[bool]] = []
    if shop_id is not None:
        limits.append(Case.shop_id == shop_id)
    if reviewer is not None:
        name = known_as(reviewer).lower()
        limits.append(or_(Case.agent_id.is_(None), func.lower(Case.agent_id) != name))
        mine = (Ruling.finding_id == Case.finding_id) & (func.lower(Ruling.reviewer) == name)
        limits.append(~exists().where(mine))
    return limits


def rulings_seen_by(session: Session, case: Case, viewer: str | None) -> list[Ruling]:
    """Return the rulings a viewer may see: while more are wanted, only their own."""
    found = rulings_on(session, case.finding_id)
    if case.state not in WAITING:
        return found
    return [one for one in found if viewer is not None and same_person(one.reviewer, viewer)]


def appeal_of(session: Session, finding_id: str) -> Appeal | None:
    """Return the appeal against a finding, if there is one."""
    return session.scalar(select(Appeal).where(Appeal.finding_id == finding_id))


def count_states(session: Session, *, shop_id: str | None = None) -> dict[str, int]:
    """Return how many cases are in each state that has any."""
    query = select(Case.state, func.count()).group_by(Case.state).order_by(Case.state)
    if shop_id is not None:
        query = query.where(Case.shop_id == shop_id)
    return dict(session.execute(query).all())
