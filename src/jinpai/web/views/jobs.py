"""Work in the background: the list, one job with its progress, asking, cancelling, repeating."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, RedirectResponse, Response, StreamingResponse

from jinpai.errors import WorkspaceError
from jinpai.jobs.work import folder_of
from jinpai.jobs.worker import is_working
from jinpai.service_terms import set_job_term
from jinpai.store import log_event
from jinpai.store.jobs import Kind, jobs_of
from jinpai.web.background import find_job, job_columns, job_row, job_shown, queue_of
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import NotFound
from jinpai.web.import_tables import report_of, report_tables
from jinpai.web.tables import Empty, Table
from jinpai.workspace_config import load_config

__all__ = ["router", "told_as_it_goes"]

router = APIRouter()
_LIST = 50
_LOOK_EVERY, _KEEP_ALIVE = 0.5, 20  # seconds; looks without news before a comment is sent
Short = Annotated[str, Form(max_length=40)]


@router.get("/jobs", name="jobs")
def jobs(page: PageOf) -> Response:
    """List the jobs, and what is done by itself."""
    return _jobs(page)


def _jobs(page: Page, told: str = "") -> Response:
    w, config = page.w, load_config(page.reader.root)
    terms = config.jobs
    before = page.query.get("before", "")
    with page.store.read() as session:
        found = jobs_of(
            session, before_id=int(before) if before.isdigit() else None, limit=_LIST + 1
        )
    rows = [job_row(page, job) for job in found[:_LIST]]
    empty = Empty(w("jobs_none"), page.url("import"), w("import"))
    table = Table("jobs", w("jobs_list"), job_columns(page), rows, empty)
    shown = {
        "told": told,
        "older": page.here(before=found[_LIST - 1].id) if len(found) > _LIST else "",
        "works": is_working(page.reader.root),
        "nightly": "" if terms.nightly is None else f"{terms.nightly:%H:%M}",
        "watch": terms.watch or "",
        "zone": config.shop().timezone,
        "limits": {"memory": terms.memory, "threads": terms.threads},
        "has_run": page.reader.lake.snapshot().run is not None,
    }
    return page.show(
        View("jobs.html.j2", w("jobs"), [table], data=shown, status=400 if told else 200)
    )


@router.post("/jobs/run", name="job_run")
def job_run(page: PageOf, full: Short = "", kind: Short = "run") -> Response:
    """Ask for a run, or for inspection to begin."""
    wanted: Kind = "qc" if kind == "qc" else "run"
    job_id = queue_of(page).ask(wanted, {"full": bool(full)}, by=page.user.login)
    return RedirectResponse(page.url("job", job=job_id), 303)


@router.post("/jobs/report", name="job_report")
def job_report(page: PageOf, form: Short = "html") -> Response:
    """Ask for the report of what is looked at."""
    filters = page.filters
    args = {
        "first": filters.period.first.isoformat(),
        "last": filters.period.last.isoformat(),
        "shop": filters.shop_id,
        "rule": filters.rule,
        "language": page.language,
        "form": "xlsx" if form == "xlsx" else "html",
    }
    job_id = queue_of(page).ask("report", args, by=page.user.login)
    return RedirectResponse(page.url("job", job=job_id), 303)


@router.post("/jobs/terms", name="job_terms")
def job_terms(page: PageOf, nightly: Short = "") -> Response:
    """Set or end the nightly run."""
    root = page.reader.root
    before = load_config(root).jobs.nightly
    try:
        set_job_term(root, "nightly", nightly.strip() or None)
    except WorkspaceError as error:
        return _jobs(page, page.w.pick(error.text_zh, str(error)))
    with page.store.write() as session:
        log_event(
            session, actor=page.user.login, kind="setting.changed", subject="setting:jobs.nightly",
            before={"value": None if before is None else f"{before:%H:%M}"},
            after={"value": nightly.strip() or None},
        )  # fmt: skip
    return RedirectResponse(page.url("jobs"), 303)


@router.get("/jobs/{job}", name="job")
def job(page: PageOf, job: int) -> Response:
    """Show one job: how far it is, what came of it, and what one may do now."""
    found = find_job(page, job)
    report = report_of(page, job) if found.state == "done" else None
    tables = [] if report is None else report_tables(page, report, job)
    shown = job_shown(page, found)
    batch = found.args.get("batch") if found.kind == "look" else None
    data: dict[str, Any] = {"job": shown, "report": report, "batch": batch, "result": found.result}
    title = page.w("job_title", id=job, kind=shown["kind_text"])
    return page.show(View("job.html.j2", title, tables, data=data))


@router.get("/jobs/{job}/events", name="job_events")
async def job_events(page: PageOf, job: int) -> Response:
    """Send how far a job is whenever that changes, until it is over (server-sent events)."""
    await run_in_threadpool(find_job, page, job)
    return told_as_it_goes(page, job)


def told_as_it_goes(page: Page, job: int) -> Response:
    """Return the answer that tells of a job until it is over."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_news(page, job), media_type="text/event-stream", headers=headers)


async def _news(page: Page, job: int) -> AsyncIterator[str]:
    last, quiet = "", 0
    while not await page.request.is_disconnected():
        shown = await run_in_threadpool(lambda: job_shown(page, find_job(page, job)))
        text = json.dumps(shown, ensure_ascii=False)
        if text != last:
            yield f"data: {text}\n\n"
            last, quiet = text, 0
        elif (quiet := quiet + 1) % _KEEP_ALIVE == 0:
            yield ": still here\n\n"
        if not shown["is_active"]:
            return
        await asyncio.sleep(_LOOK_EVERY)


@router.post("/jobs/{job}/cancel", name="job_cancel")
def job_cancel(page: PageOf, job: int) -> Response:
    """Cancel a job."""
    queue_of(page).cancel(job, by=page.user.login)
    return RedirectResponse(page.url("job", job=job), 303)


@router.post("/jobs/{job}/retry", name="job_retry")
def job_retry(page: PageOf, job: int) -> Response:
    """Ask for the same once more."""
    new = queue_of(page).retry(job, by=page.user.login)
    return RedirectResponse(page.url("job", job=new), 303)


@router.get("/jobs/{job}/file", name="job_file")
def job_file(page: PageOf, job: int) -> Response:
    """Download the report a job made."""
    found = find_job(page, job)
    name = (found.result or {}).get("file", "")
    path = folder_of(page.reader.root, job) / name
    if found.kind != "report" or name not in ("report.html", "report.xlsx") or not path.is_file():
        raise NotFound
    with page.store.write() as session:
        log_event(session, actor=page.user.login, kind="table.exported", subject=f"job:{job}")
    shown = f"{found.args['shop']}-{found.args['first']}_{found.args['last']}{path.suffix}"
    return FileResponse(path, filename=shown)
