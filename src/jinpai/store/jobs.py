"""Work in the background: what was asked for, by whom, how far it is, what came of it.

The store knows every job for good; the queue that wakes the worker (`jinpai.jobs`) is made anew
from it whenever they differ. The database itself lets one job of a workspace run at a time, and one
dry run or trial beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, Double, Index, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from jinpai.errors import UnknownName, UsageError
from jinpai.store.base import BIG, Base, Key, now
from jinpai.store.events import log_event

__all__ = [
    "ACTIVE",
    "BESIDE",
    "KINDS",
    "Ended",
    "Job",
    "Kind",
    "add_job",
    "cancel_job",
    "claim",
    "finish",
    "interrupt_running",
    "job_of",
    "jobs_of",
    "put_back",
    "queued_ids",
    "retry_job",
    "tell",
]

Kind = Literal["look", "import", "undo", "run", "qc", "report", "trial"]
KINDS: tuple[Kind, ...] = ("look", "import", "undo", "run", "qc", "report", "trial")
BESIDE = ("look", "trial")  # change nothing, and somebody waits for them: a lane of their own
Ended = Literal["done", "failed", "cancelled"]
ACTIVE = ("queued", "running")
_AGAIN = ("failed", "cancelled", "interrupted")
_CHANGING = text("state = 'running' and kind not in ('look', 'trial')")
_LOOKING = text("state = 'running' and kind in ('look', 'trial')")


class Job(Base):
    """One piece of work.

    Attributes:
        kind: look (a dry run of an import), import, undo, run, qc (inspect and run), report,
            trial (what a setting, rules or cases would be; see `jobs.trials`).
        args: what it works on, JSON.
        state: queued, running, done, failed, cancelled; interrupted is one whose worker was killed.
        asked_by: login of the person, or the program (``nightly``, ``watch``, ``command line``).
        seen_at: when the worker last said something of it.
        step: what it does now: a file or the name of a step.
        share: how much is done, 0 to 1; null where nobody can tell.
        wants_cancel: its worker stops it.
        result: what came of it, JSON; large things lie in files.
        error_zh, error_en: why it failed.
        retry_of: the job it repeats.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(
            "kind in ('look', 'import', 'undo', 'run', 'qc', 'report', 'trial')", name="kind"
        ),
        CheckConstraint(
            "state in ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')",
            name="state",
        ),
        Index(None, "state", "id"),
        *(
            Index(name, "state", unique=True, sqlite_where=only, postgresql_where=only)
            for name, only in (("uq_jobs_running", _CHANGING), ("uq_jobs_looking", _LOOKING))
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Key]
    kind: Mapped[str]
    args: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default="queued")
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    step: Mapped[str | None]
    share: Mapped[float | None] = mapped_column(Double)
    wants_cancel: Mapped[bool] = mapped_column(default=False)
    result: Mapped[dict[str, Any] | None]
    error_zh: Mapped[str | None]
    error_en: Mapped[str | None]
    retry_of: Mapped[int | None] = mapped_column(BIG)

    @property
    def is_active(self) -> bool:
        """Whether it waits or is at work."""
        return self.state in ACTIVE

    @property
    def may_retry(self) -> bool:
        """Whether asking again makes sense."""
        return self.state in _AGAIN


def add_job(
    session: Session,
    kind: Kind,
    args: Mapping[str, Any],
    *,
    by: str,
    retry_of: int | None = None,
) -> Job:
    """Put a job into the queue; what it works on is in the event log, what is only tried is not."""
    job = Job(
        kind=kind, args=dict(args), state="queued", asked_by=by, asked_at=now(), retry_of=retry_of
    )
    session.add(job)
    session.flush()
    if kind not in BESIDE:
        facts = {"kind": kind, "retry_of": retry_of}
        log_event(session, actor=by, kind="job.asked", subject=f"job:{job.id}", after=facts)
    return job


def job_of(session: Session, job_id: int) -> Job:
    """Return a job; raises UnknownName."""
    job = session.get(Job, job_id)
    if job is None:
        raise UnknownName("job", str(job_id), ())
    return job


def jobs_of(
    session: Session,
    *,
    kinds: Sequence[str] = (),
    states: Sequence[str] = (),
    before_id: int | None = None,
    limit: int = 100,
) -> list[Job]:
    """Return jobs, the newest first, of some kinds or states, older than one."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if kinds:
        query = query.where(Job.kind.in_(kinds))
    if states:
        query = query.where(Job.state.in_(states))
    if before_id is not None:
        query = query.where(Job.id < before_id)
    return list(session.scalars(query))


def queued_ids(session: Session, *, looks: bool | None = None) -> list[int]:
    """Return the jobs that wait, the oldest first: all, those of `BESIDE`, or all but those."""
    query = select(Job.id).where(Job.state == "queued").order_by(Job.id)
    if looks is not None:
        query = query.where(Job.kind.in_(BESIDE) == looks)
    return list(session.scalars(query))


def claim(session: Session, job_id: int) -> bool:
    """Begin a job that waits; False when it waits no more, or another one is at work.

    Dry runs or trials do not stand in the way of jobs that change something.
    """
    at = now()
    wanted = update(Job).where(Job.id == job_id, Job.state == "queued")
    try:
        with session.begin_nested():
            done = session.execute(wanted.values(state="running", began_at=at, seen_at=at))
    except IntegrityError:
        return False
    return bool(done.rowcount)  # type: ignore[attr-defined]


def tell(session: Session, job_id: int, step: str, share: float | None) -> bool:
    """Note how far a job at work is; returns whether it should go on."""
    job = job_of(session, job_id)
    job.step, job.share, job.seen_at = step[:300], share, now()
    return job.state == "running" and not job.wants_cancel


def finish(
    session: Session,
    job_id: int,
    state: Ended,
    *,
    result: Mapping[str, Any] | None = None,
    error: tuple[str, str] | None = None,
) -> None:
    """End a job; ``error`` is (Chinese, English)."""
    job = job_of(session, job_id)
    job.state, job.ended_at, job.seen_at = state, now(), now()
    job.result = None if result is None else dict(result)
    job.error_zh, job.error_en = error or (None, None)
    if state == "done":
        job.share = 1.0
    if job.kind not in BESIDE:
        log_event(session, actor="worker", kind=f"job.{state}", subject=f"job:{job_id}")


def interrupt_running(session: Session) -> list[int]:
    """Mark what a dead worker left running; returns those jobs. Only who holds its lock may."""
    left = list(session.scalars(select(Job).where(Job.state == "running")))
    for job in left:
        job.state, job.ended_at = "interrupted", now()
        log_event(session, actor="worker", kind="job.interrupted", subject=f"job:{job.id}")
    return [job.id for job in left]


def cancel_job(session: Session, job_id: int, *, by: str) -> Job:
    """End a job that waits at once, one at work soon; raises UsageError when over."""
    job = job_of(session, job_id)
    if not job.is_active:
        raise UsageError(f"Job {job_id} is over already.", zh=f"任务 {job_id} 已经结束。")
    job.wants_cancel = True
    if job.state == "queued":
        job.state, job.ended_at = "cancelled", now()
    log_event(session, actor=by, kind="job.cancel_asked", subject=f"job:{job_id}")
    return job


def retry_job(session: Session, job_id: int, *, by: str) -> Job:
    """Ask for the same once more; raises UsageError unless it failed or was cut short."""
    job = job_of(session, job_id)
    if not job.may_retry:
        raise UsageError(
            f"Job {job_id} is {job.state}; only one that failed, was cancelled or was interrupted"
            " can be repeated.",
            zh=f"只有失败、已取消或被中断的任务才能重试；任务 {job_id} 不是。",
        )
    return add_job(session, job.kind, job.args, by=by, retry_of=job.id)  # type: ignore[arg-type]


def put_back(session: Session, job_id: int) -> None:
    """Let a job that was begun wait again: its worker has to stop."""
    job = job_of(session, job_id)
    job.state, job.began_at, job.step, job.share = "queued", None, None, None
