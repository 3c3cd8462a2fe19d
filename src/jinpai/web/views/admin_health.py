"""How the workspace is doing: lake, imports, jobs, store, disk, and what should be done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from jinpai.health import Health, as_json, look
from jinpai.health_advice import Advice
from jinpai.web.background import BADGES, clock
from jinpai.web.contexts import Page, PageOf, View
from jinpai.web.import_tables import table_name
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["router"]

router = APIRouter()
_LOOKS = {"bad": "danger", "warn": "warning", "note": "info"}


@router.get("/health", name="health")
def health(page: PageOf) -> Response:
    """Show how the workspace is doing and what should be done."""
    w, found = page.w, look(page.reader, page.store)
    data: dict[str, Any] = {
        "advice": [_advice(page, one) for one in found.advice],
        "tiles": _tiles(page, found),
        "facts": _facts(page, found),
        "at": clock(page, found.at, seconds=True),
    }
    tables = [_shops(page, found), _imports(page, found), _jobs(page, found), _lake(page, found)]
    return page.show(View("health.html.j2", w("health"), tables, data=data, json=as_json(found)))


def _advice(page: Page, one: Advice) -> dict[str, str]:
    values = {"job": one.value} if one.page == "job" else {}
    return {
        "look": _LOOKS[one.level],
        "level": page.w(f"health_{one.level}"),
        "what": page.w.pick(one.zh, one.en),
        "do": page.w.pick(one.zh_do, one.en_do),
        "href": page.url(one.page, **values) if one.page else "",
        "link": page.w(f"health_to_{one.page}") if one.page else "",
        "command": one.command.replace("WORKSPACE", page.reader.root.name),
    }


def _size(size: int) -> str:
    for unit, of in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= of:
            return f"{size / of:,.1f} {unit}"
    return f"{size / 1e3:,.0f} KB"


def _ago(page: Page, found: Health, at: str | datetime | None) -> str:
    """Return how long ago a moment was, in the largest unit that fits."""
    if at is None:
        return page.w("health_never")
    then = datetime.fromisoformat(at) if isinstance(at, str) else at
    minutes = max(int((found.at - then).total_seconds()) // 60, 0)
    for word, of in (("health_days_ago", 1440), ("health_hours_ago", 60)):
        if minutes >= 2 * of:
            return page.w(word, n=minutes // of)
    return page.w("health_minutes_ago", n=minutes)


def _tiles(page: Page, found: Health) -> list[dict[str, str]]:
    w, lake, disk = page.w, found.lake, found.disk
    waits = sum(one.queued for one in found.jobs.kinds)
    free = w("health_free_of", share=f"{disk.free / disk.total:.0%}", total=_size(disk.total))
    return [
        {
            "name": w("health_last_run"),
            "value": _ago(page, found, lake.ran_at),
            "more": clock(page, lake.ran_at) if lake.ran_at else "",
            "tone": "" if lake.ran_at else "worse",
        },
        {
            "name": w("health_worker"),
            "value": w("health_worker_up") if found.jobs.worker else w("health_worker_down"),
            "more": w("health_waiting", n=waits),
            "tone": "" if found.jobs.worker else "worse",
        },
        {
            "name": w("health_lake_size"),
            "value": _size(lake.bytes),
            "more": w("health_needed", size=_size(lake.needed_bytes), files=f"{lake.files:,}"),
            "tone": "",
        },
        {"name": w("health_disk_free"), "value": _size(disk.free), "more": free, "tone": ""},
        {
            "name": w("health_backup"),
            "value": _ago(page, found, found.store.backed_up),
            "more": w("health_backup_note"),
            "tone": "",
        },
    ]


def _facts(page: Page, found: Health) -> list[tuple[str, str]]:
    w, store, lake = page.w, found.store, found.lake
    kind = "SQLite" if store.kind == "sqlite" else "PostgreSQL"
    folders = [
        w("health_folder", name=name, size=_size(size)) for name, size in found.disk.folders.items()
    ]
    state = w("health_state_is", id=lake.state, at=clock(page, lake.state_at or None))
    names = {"jinpai": "Jinpai", "python": "Python", "duckdb": "DuckDB", "sqlite": "SQLite"}
    return [
        (w("health_store"), f"{kind} · {_size(store.bytes)}"),
        (w("health_migration"), store.migration),
        (w("health_events"), f"{store.events:,}"),
        (w("health_state"), state),
        (w("health_folders"), w("comma").join(folders)),
        (w("health_nightly"), found.jobs.nightly or w("health_off")),
        (w("health_versions"), " · ".join(f"{names[k]} {v}" for k, v in found.versions.items())),
    ]


def _shops(page: Page, found: Health) -> Table:
    w = page.w
    columns = [
        Column("shop", w("shop"), is_fixed=True),
        Column("as_of", w("health_as_of"), "time"),
        Column("fresh", w("health_fresh")),
        Column("settings", w("health_settings")),
    ]
    rows: list[Row] = [
        {
            "shop": Cell(one.shop_id, text=page.reader.shop_name(one.shop_id)),
            "as_of": Cell(one.as_of, text=clock(page, one.as_of)),
            "fresh": Cell(
                one.is_stale,
                text=w("health_behind") if one.is_stale else w("health_current"),
                badge="yellow" if one.is_stale else "green",
            ),
            "settings": Cell(one.settings_id),
        }
        for one in found.lake.shops
    ]
    empty = Empty(w("health_not_run"), page.url("jobs"), w("jobs"))
    return Table("shops", w("health_shops"), columns, rows, empty)


def _imports(page: Page, found: Health) -> Table:
    w = page.w
    columns = [
        Column("state", w("import_state"), is_fixed=True),
        Column("at", w("audit_at"), "time"),
        Column("what", w("import_act")),
        Column("rows", w("import_rows"), "count"),
        Column("rejected", w("import_rejected"), "count"),
    ]
    rows: list[Row] = [
        {
            "state": Cell(
                one.state, text=str(one.state), href=page.url("job", job=one.job) if one.job else ""
            ),
            "at": Cell(one.at, text=clock(page, one.at)),
            "what": Cell(one.what, text=w(f"job_kind_{one.what}")),
            "rows": Cell(one.rows),
            "rejected": Cell(one.rejected, tone="worse" if one.rejected else ""),
        }
        for one in found.imports
    ]
    empty = Empty(w("import_none"), page.url("import"), w("import"))
    return Table("imports", w("health_imports"), columns, rows, empty)


def _jobs(page: Page, found: Health) -> Table:
    w = page.w
    columns = [
        Column("kind", w("job_kind"), is_fixed=True),
        Column("state", w("health_last_state")),
        Column("at", w("health_last_at"), "time"),
        Column("queued", w("job_state_queued"), "count"),
        Column("running", w("job_state_running"), "count"),
        Column("failed", w("health_failed"), "count"),
    ]
    rows: list[Row] = [
        {
            "kind": Cell(one.kind, text=w(f"job_kind_{one.kind}")),
            "state": Cell(
                one.last_state,
                text=w(f"job_state_{one.last_state}"),
                badge=BADGES[one.last_state],
                href=page.url("job", job=one.last),
            ),
            "at": Cell(one.last_at, text=clock(page, one.last_at)),
            "queued": Cell(one.queued),
            "running": Cell(one.running),
            "failed": Cell(one.failed, tone="worse" if one.failed else ""),
        }
        for one in found.jobs.kinds
    ]
    empty = Empty(w("jobs_none"), page.url("jobs"), w("jobs"))
    return Table("jobs", w("health_jobs"), columns, rows, empty)


def _lake(page: Page, found: Health) -> Table:
    w = page.w
    columns = [
        Column("table", w("import_table"), is_fixed=True),
        Column("kind", w("health_kind")),
        Column("version", w("health_version"), "count"),
        Column("rows", w("health_rows"), "count"),
        Column("files", w("health_files"), "count"),
        Column("bytes", w("health_bytes"), "count"),
    ]
    ordered = sorted(found.lake.tables, key=lambda one: (one.is_derived, one.name))
    rows: list[Row] = [
        {
            "table": Cell(one.name, text=table_name(page, one.name)),
            "kind": Cell(w("health_derived") if one.is_derived else w("health_loaded")),
            "version": Cell(one.version),
            "rows": Cell(one.rows),
            "files": Cell(one.files),
            "bytes": Cell(one.bytes, text=_size(one.bytes)),
        }
        for one in ordered
    ]
    empty = Empty(w("health_no_tables"), page.url("import"), w("import"))
    return Table("lake", w("health_tables"), columns, rows, empty)
