"""Import: files sent up, what was recognised, loading them, the history, taking one back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from jinpai.errors import UsageError
from jinpai.jobs.batches import Batch, TooLarge, batch_of, new_batch, shown_name, waiting
from jinpai.jobs.work import MAPPINGS, mapping_path
from jinpai.store.jobs import Job, jobs_of
from jinpai.tables.undo import ImportState, imports
from jinpai.web.background import clock, job_shown, queue_of
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.errors import WebError
from jinpai.web.import_tables import report_of, report_tables, table_name
from jinpai.web.tables import Cell, Column, Empty, Row, Table
from jinpai.workspace_config import load_config

__all__ = ["router"]

router = APIRouter()
_LIST = 30
Short = Annotated[str, Form(max_length=100)]


@router.get("/import", name="import")
def import_(page: PageOf) -> Response:
    """Show where to drop files, and what was imported before."""
    w = page.w
    asked = page.query.get("undo", "")
    states = imports(page.reader.lake, limit=_LIST)
    chosen = next((one for one in states if str(one.number) == asked and one.may_undo), None)
    data: dict[str, Any] = {
        "upload_mb": load_config(page.reader.root).jobs.upload_mb,
        "chosen": None if chosen is None else _chosen(page, chosen),
        "active": [job_shown(page, job) for job in _jobs(page, states=("queued", "running"))],
        "mappings": _mappings(page),
        "batches": [(one.id, len(one.files())) for one in waiting(page.reader.root)[:_LIST]],
    }
    return page.show(View("import.html.j2", w("import"), [_history(page, states)], data=data))


def _jobs(page: Page, **which: Any) -> list[Job]:
    with page.store.read() as session:
        return jobs_of(session, **which)


def _mappings(page: Page) -> list[str]:
    return sorted(path.stem for path in (page.reader.root / MAPPINGS).glob("*.yaml"))


def _history(page: Page, states: list[ImportState]) -> Table:
    w = page.w
    columns = [
        Column("state", w("import_state"), is_fixed=True),
        Column("at", w("audit_at"), "time"),
        Column("what", w("import_act")),
        Column("by", w("job_by")),
        Column("rows", w("import_rows"), is_sortable=False),
        Column("undo", "", is_sortable=False),
    ]
    done = _jobs(page, kinds=("import", "undo"), states=("done",), limit=500)
    by_state = {(job.result or {}).get("state"): job for job in done}
    rows = [_state(page, one, by_state.get(one.number)) for one in states]
    return Table("imports", w("import_history"), columns, rows, Empty(w("import_none")))


def _state(page: Page, one: ImportState, job: Job | None) -> Row:
    w = page.w
    changed = [f"{table_name(page, name)} {_signed(n)}" for name, n in one.rows.items()]
    kind = "import" if one.what == "import" else "undo"
    href = "" if job is None else page.url("job", job=job.id)
    return {
        "state": Cell(one.number, text=str(one.number), href=href),
        "at": Cell(one.at, text=clock(page, one.at)),
        "what": Cell(
            one.what, text=w(f"job_kind_{kind}"), badge="green" if kind == "import" else "orange"
        ),
        "by": Cell(job.asked_by if job else w("job_by_command_line")),
        "rows": Cell(w.pick("，", ", ").join(changed) or w("import_only_rejects")),
        "undo": Cell(
            None if not one.may_undo else w("import_undo"),
            text=w("import_undo") if one.may_undo else "",
            href=page.url("import", undo=one.number) + "#undo" if one.may_undo else "",
        ),
    }


def _signed(rows: int) -> str:
    return f"{rows:+,}".replace("-", "−")


def _chosen(page: Page, one: ImportState) -> dict[str, Any]:
    rows = [(table_name(page, name), n) for name, n in one.rows.items()]
    return {"number": one.number, "at": clock(page, one.at), "rows": rows}


@router.post("/import/undo", name="import_undo")
def import_undo(page: PageOf, state: Annotated[int, Form()]) -> Response:
    """Ask for an import to be taken back."""
    job_id = queue_of(page).ask("undo", {"state": state}, by=page.user.login)
    return RedirectResponse(page.url("job", job=job_id), 303)


@router.post("/import/batches", name="import_batch")
def import_batch(page: PageOf) -> Response:
    """Make an empty batch to send files to."""
    batch = new_batch(page.reader.root)
    places = {"files": "import_file", "look": "import_look", "page": "import_files"}
    links = {name: page.url(route, batch=batch.id) for name, route in places.items()}
    return JSONResponse({"id": batch.id, **links}, 201)


@router.post("/import/batches/{batch}/files", name="import_file")
async def import_file(page: PageOf, request: Request, batch: str) -> Response:
    """Take one file as the body of the request, written to disk as it comes.

    ``name`` in the query is what its owner calls it; it becomes no path.
    """
    most = load_config(page.reader.root).jobs.upload_mb * 1_000_000
    length, name = request.headers.get("content-length", ""), page.query.get("name", "")
    there = await run_in_threadpool(_idle, page, batch)
    try:
        if length.isdigit() and int(length) > most:
            raise TooLarge(shown_name(name), most)
        made = await there.add(name, request.stream(), most)
    except TooLarge as error:
        raise _Refused(str(error), error.text_zh) from None
    return JSONResponse({"number": made.number, "name": made.name, "size": made.size}, 201)


def _idle(page: Page, batch: str) -> Batch:
    """Return a batch that no job is at work on; raises UsageError, UnknownName."""
    there = batch_of(page.reader.root, batch)
    active = _jobs(page, states=("queued", "running"), limit=1000)
    if any(job.args.get("batch") == batch for job in active):
        raise UsageError(
            "A job is at work on these files; wait for it or cancel it.",
            zh="这些文件正在处理；请等待完成或先取消任务。",
        )
    return there


class _Refused(WebError):
    """A file is larger than one may send."""

    status, code = 413, "too_large"


@router.get("/import/batches/{batch}", name="import_files")
def import_files(page: PageOf, batch: str) -> Response:
    """Show the files of a batch and what they would do."""
    there = batch_of(page.reader.root, batch)
    known = _jobs(page, kinds=("look", "import"), limit=200)
    mine = [job for job in known if job.args.get("batch") == batch]
    latest = mine[0] if mine else None
    report = None if latest is None else report_of(page, latest.id)
    tables = [] if report is None or latest is None else report_tables(page, report, latest.id)
    config = load_config(page.reader.root)
    data: dict[str, Any] = {
        "batch": batch,
        "sent": there.files(),
        "job": None if latest is None else job_shown(page, latest),
        "report": report,
        "mappings": _mappings(page),
        "chosen": {"mapping": "", "shop": ""} | (latest.args if latest is not None else {}),
        "shops": [(one.shop_id, one.name) for one in config.shops.values()],
    }
    return page.show(View("import_batch.html.j2", page.w("import_batch"), tables, data=data))


@router.post("/import/batches/{batch}/look", name="import_look")
def import_look(page: PageOf, batch: str, mapping: Short = "", shop: Short = "") -> Response:
    """Ask for a dry run of the batch."""
    _ask(page, "look", batch, mapping, shop)
    return RedirectResponse(page.url("import_files", batch=batch), 303)


@router.post("/import/batches/{batch}/load", name="import_load")
def import_load(
    page: PageOf, batch: str, mapping: Short = "", shop: Short = "", then_run: Short = ""
) -> Response:
    """Ask for the batch to be imported, and for a run afterwards."""
    job_id = _ask(page, "import", batch, mapping, shop, then_run=bool(then_run))
    return RedirectResponse(page.url("job", job=job_id), 303)


def _ask(page: Page, kind: Any, batch: str, mapping: str, shop: str, **more: Any) -> int:
    there = _idle(page, batch)
    if not there.files():
        raise UsageError("The batch has no files; send some first.", zh="还没有文件；请先上传。")
    if mapping:
        mapping_path(page.reader.root, mapping)
    if shop:
        load_config(page.reader.root).shop(shop)
    args = {"batch": batch, "mapping": mapping or None, "shop": shop or None, **more}
    return queue_of(page).ask(kind, args, by=page.user.login)


@router.post("/import/batches/{batch}/drop", name="import_drop")
def import_drop(page: PageOf, batch: str, number: Annotated[int, Form()] = 0) -> Response:
    """Leave out one file, or delete all of the batch."""
    there = _idle(page, batch)
    if number:
        there.remove(number)
        return RedirectResponse(page.url("import_files", batch=batch), 303)
    there.delete()
    return RedirectResponse(page.url("import"), 303)
