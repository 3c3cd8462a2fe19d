"""Jobs as pages show them: states in words, times on the shop's clock, and who may do what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinpai.jobs import Queue
from jinpai.jobs.worker import is_working
from jinpai.store.jobs import Job, job_of
from jinpai.web.contexts import Page
from jinpai.web.tables import Cell, Column, Row
from jinpai.web.words import NONE

__all__ = ["BADGES", "clock", "find_job", "job_columns", "job_row", "job_shown", "queue_of"]

BADGES = {
    "queued": "azure",
    "running": "blue",
    "done": "green",
    "failed": "red",
    "cancelled": "secondary",
    "interrupted": "orange",
}


def queue_of(page: Page) -> Queue:
    """Return the queue of the workspace."""
    queue: Queue = page.request.app.state.queue
    return queue


def find_job(page: Page, job_id: int) -> Job:
    """Return a job; raises UnknownName."""
    with page.store.read() as session:
        return job_of(session, job_id)


def clock(page: Page, at: str | datetime | None, *, seconds: bool = False) -> str:
    """Return a moment on the clock of the workspace's shop; there need not have been a run."""
    if at is None:
        return NONE
    known = datetime.fromisoformat(at) if isinstance(at, str) else at
    known = known if known.tzinfo else known.replace(tzinfo=UTC)
    zone = ZoneInfo(page.reader.config.shop().timezone)
    return page.w.instant(known, zone, seconds=seconds)


def job_columns(page: Page) -> list[Column]:
    """Return the columns of a list of jobs."""
    w = page.w
    return [
        Column("id", w("job_id"), is_fixed=True),
        Column("kind", w("job_kind"), is_fixed=True),
        Column("state", w("job_state")),
        Column("by", w("job_by")),
        Column("asked", w("job_asked"), "time"),
        Column("took", w("job_took"), "seconds"),
        Column("about", w("job_about"), is_sortable=False),
    ]


def job_row(page: Page, job: Job) -> Row:
    """Return a job as a row of that list."""
    w = page.w
    return {
        "id": Cell(job.id, text=str(job.id), href=page.url("job", job=job.id)),
        "kind": Cell(job.kind, text=w(f"job_kind_{job.kind}"), href=page.url("job", job=job.id)),
        "state": Cell(job.state, text=w(f"job_state_{job.state}"), badge=BADGES[job.state]),
        "by": Cell(job.asked_by, text=_by(page, job.asked_by)),
        "asked": Cell(job.asked_at, text=clock(page, job.asked_at)),
        "took": Cell(_seconds(job)),
        "about": Cell(about(page, job)),
    }


def _by(page: Page, who: str) -> str:
    key = f"job_by_{who.replace(' ', '_')}"
    return page.w(key) if page.w.has(key) else who


def _seconds(job: Job) -> float | None:
    if job.began_at is None or job.ended_at is None:
        return None
    return (job.ended_at - job.began_at).total_seconds()


def about(page: Page, job: Job) -> str:
    """Return what a job does now, did, or why it could not."""
    w, result = page.w, job.result or {}
    if job.state == "failed":
        return w.pick(job.error_zh or "", job.error_en or "")
    if job.state == "interrupted":
        return w("job_was_interrupted")
    if job.state == "queued" and not is_working(page.reader.root):
        return w("jobs_no_worker")
    if job.is_active:
        if job.wants_cancel:
            return w("job_stopping")
        return w("trial_step", n=job.step) if job.kind == "trial" and job.step else job.step or ""
    if job.state != "done":
        return ""
    if job.kind in ("look", "import"):
        names = ("files", "rows_in", "inserted", "replaced", "rejected")
        return w("job_did_import", **{name: f"{result.get(name, 0):,}" for name in names})
    if job.kind in ("run", "qc"):
        return w(f"job_did_{result['mode']}", checks=result["checks"])
    if job.kind == "undo":
        return w("job_did_undo", state=result["number"])
    if job.kind == "trial":
        return w("job_did_trial")
    return w("job_did_report")


def job_shown(page: Page, job: Job) -> dict[str, Any]:
    """Return what the page of a job says, and its progress tells: plain values."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "kind_text": page.w(f"job_kind_{job.kind}"),
        "state_text": page.w(f"job_state_{job.state}"),
        "badge": BADGES[job.state],
        "by": _by(page, job.asked_by),
        "asked": clock(page, job.asked_at, seconds=True),
        "began": clock(page, job.began_at, seconds=True),
        "ended": clock(page, job.ended_at, seconds=True),
        "about": about(page, job),
        "share": job.share,
        "is_active": job.is_active,
        "may_retry": job.may_retry,
        "wants_cancel": job.wants_cancel,
        "retry_of": job.retry_of,
    }
