"""What a run needs of the reviews, and what the reviews note of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from jinpai.quality.rulings import RULINGS, UPHELD
from jinpai.review.agreement import final_verdict
from jinpai.review.candidates import shown_days
from jinpai.store.database import open_store
from jinpai.store.reviews import Case
from jinpai.store.rulings import show_days
from jinpai.workspace_config import Config

if TYPE_CHECKING:
    from jinpai.workspace import Workspace

__all__ = ["decisions", "note_run", "rulings_for_run"]


def rulings_for_run(config: Config) -> pa.Table:
    """Return what was decided about findings (`quality.rulings.RULINGS`)."""
    with open_store(config) as store, store.read() as session:
        return decisions(session)


def decisions(session: Session) -> pa.Table:
    """Return one row per decided finding.

    ``upheld`` takes a finding out of the score: its appeal was upheld, or reviewers settled it as
    wrong, which needs no appeal. The others keep their verdict or ``rejected``.
    """
    query = (
        select(Case.finding_id, Case.state, Case.verdict)
        .where(Case.state.in_(("settled", "upheld", "rejected")))
        .order_by(Case.finding_id)
    )
    rows = session.execute(query).all()
    columns = [[row.finding_id for row in rows], [_verdict(row) for row in rows]]
    return pa.table(columns, schema=RULINGS)


def _verdict(row: Row[str, str, str | None]) -> str:
    if final_verdict(row.state, row.verdict) == "wrong":
        return UPHELD
    return row.state if row.state == "rejected" else str(row.verdict)


def note_run(workspace: Workspace) -> None:
    """Note which days' findings can be seen since the last run: their time to be appealed begins.

    Called where there is a store; without one the time begins when somebody first looks.
    """
    days = shown_days(workspace)
    with open_store(workspace.config) as store, store.write() as session:
        show_days(session, days)
