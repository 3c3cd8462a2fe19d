"""How a workspace is doing: its lake, its store, its jobs, its disk, and what should be done.

Everything is looked up when asked for and cheap: logs of the tables, sizes of files, a few rows of
the store. What is wrong, and what to do about it, is said by `health_advice`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
from sqlalchemy import func, select, text

from jinpai import __version__
from jinpai.errors import JinpaiError
from jinpai.jobs.worker import is_working
from jinpai.line import shop_runs
from jinpai.store import Store
from jinpai.store.events import Event
from jinpai.store.jobs import ACTIVE, Job
from jinpai.store.upgrade import version_of
from jinpai.tables.mounts import mounted
from jinpai.tables.undo import imports

if TYPE_CHECKING:
    from jinpai.health_advice import Advice
    from jinpai.tables.lake import Lake, Snapshot
    from jinpai.workspace import Workspace

__all__ = [
    "BACKED_UP",
    "DiskHealth",
    "Health",
    "ImportHealth",
    "JobsHealth",
    "KindHealth",
    "LakeHealth",
    "ShopHealth",
    "StoreHealth",
    "TableHealth",
    "as_json",
    "look",
]

BACKED_UP = "store.backed_up"
_IMPORTS, _RECENT = 10, timedelta(days=7)


@dataclass(frozen=True)
class ShopHealth:
    """A shop of the last run: until when its data go, whether they or its settings changed since.

    Attributes:
        as_of: the instant its figures are as of, ISO text in UTC.
    """

    shop_id: str
    as_of: str
    settings_id: str
    is_stale: bool


@dataclass(frozen=True)
class TableHealth:
    """A table in force: its version, rows, Parquet files and their bytes on this machine."""

    name: str
    version: int
    rows: int
    files: int
    bytes: int
    is_derived: bool


@dataclass(frozen=True)
class LakeHealth:
    """The lake.

    Attributes:
        fault: why it cannot be read, (Chinese, English); the rest is empty then.
        state, state_at: the state in force, and when it was published (ISO, UTC).
        ran_at: when the last run was published, None before the first.
        bytes, files: all there is under its folder, old files too.
        needed_bytes: of the state in force.
        is_remote: it lies in an object store; sizes are those of the copies here.
    """

    fault: tuple[str, str] | None = None
    state: int = 0
    state_at: str = ""
    ran_at: str | None = None
    shops: list[ShopHealth] = field(default_factory=list)
    tables: list[TableHealth] = field(default_factory=list)
    bytes: int = 0
    files: int = 0
    needed_bytes: int = 0
    is_remote: bool = False


@dataclass(frozen=True)
class ImportHealth:
    """One of the last imports.

    Attributes:
        rows: rows the tables have more than before.
        rejected: rows that could not be loaded; None where their file is not on this machine.
        job: number of the job that did it, None on the command line.
    """

    state: int
    at: str
    what: str
    rows: int
    rejected: int | None
    job: int | None


@dataclass(frozen=True)
class KindHealth:
    """Jobs of a kind: how many wait and run, how many failed in a week, how the last one ended."""

    kind: str
    queued: int
    running: int
    failed: int
    last: int
    last_state: str
    last_at: datetime


@dataclass(frozen=True)
class JobsHealth:
    """The worker and its jobs.

    Attributes:
        worker: whether one lives.
        nightly: when the nightly run is, None where there is none.
        nightly_asked: when it was last asked for.
        running, running_seen: the job at work, and when its worker last said something of it.
        oldest_wait: when the job that waits longest was asked for.
    """

    worker: bool
    nightly: str | None
    nightly_asked: datetime | None
    running: int | None
    running_seen: datetime | None
    oldest_wait: datetime | None
    kinds: list[KindHealth]


@dataclass(frozen=True)
class StoreHealth:
    """The store: ``sqlite`` or ``postgresql``, its migration, bytes, accounts and events.

    Attributes:
        backed_up: when `jinpai store backup` last ran here, None where it never did.
    """

    kind: str
    migration: str
    bytes: int
    events: int
    backed_up: datetime | None


@dataclass(frozen=True)
class DiskHealth:
    """The disk of the workspace: bytes, and those of the folders that grow."""

    total: int
    free: int
    folders: dict[str, int]


@dataclass(frozen=True)
class Health:
    """How a workspace is doing at a moment.

    Attributes:
        versions: of Jinpai, Python, DuckDB, SQLite.
        advice: what should be done, the most urgent first.
    """

    at: datetime
    versions: dict[str, str]
    lake: LakeHealth
    imports: list[ImportHealth]
    jobs: JobsHealth
    store: StoreHealth
    disk: DiskHealth
    advice: list[Advice] = field(default_factory=list)


def look(workspace: Workspace, store: Store, at: datetime | None = None) -> Health:
    """Return how a workspace is doing.

    Args:
        at: the present moment, default now.
    Raises:
        WorkspaceError: the store cannot be used; a lake that cannot be read is told instead.
    """
    from jinpai.health_advice import advice_of

    lake = _lake(workspace)
    found = Health(
        at or datetime.now(UTC),
        _versions(),
        lake,
        [] if lake.fault else _imports(workspace, store),
        _jobs(workspace, store, at or datetime.now(UTC)),
        _store(store),
        _disk(workspace.root),
    )
    found.advice.extend(advice_of(found))
    return found


def as_json(found: Health) -> dict[str, Any]:
    """Return it as plain JSON values; times are ISO texts in UTC."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat()
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, list | tuple) else value

    made: dict[str, Any] = plain(asdict(found))
    return made


def _versions() -> dict[str, str]:
    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "jinpai": __version__,
        "python": python,
        "duckdb": duckdb.__version__,
        "sqlite": sqlite3.sqlite_version,
    }


# -- lake ----------------------------------------------------------------------------------------


def _lake(workspace: Workspace) -> LakeHealth:
    lake = workspace.lake
    try:
        snapshot = lake.snapshot()
        tables = [_table(snapshot, name) for name in sorted(snapshot.versions)]
        ran = lake.at(snapshot.manifest.ran).manifest.at if snapshot.run is not None else None
        shops = _shops(workspace, snapshot)
    except (JinpaiError, OSError) as error:
        zh = error.text_zh if isinstance(error, JinpaiError) else str(error)
        return LakeHealth(fault=(zh, str(error)))
    sizes = [_size(path) for path in (lake.folder, workspace.root / "rejects")]
    return LakeHealth(
        None,
        snapshot.id,
        snapshot.manifest.at,
        ran,
        shops,
        tables,
        sum(size for size, _ in sizes),
        sum(files for _, files in sizes),
        sum(one.bytes for one in tables),
        mounted(lake.folder) is not None,
    )


def _table(snapshot: Snapshot, name: str) -> TableHealth:
    paths = snapshot.files(name)
    held = 0
    for path in paths:
        with suppress(OSError):  # not fetched from the object store
            held += os.stat(path).st_size
    rows, version = snapshot.count(name), snapshot.versions[name]
    return TableHealth(name, version, rows, len(paths), held, name in snapshot.derived)


def _shops(workspace: Workspace, snapshot: Snapshot) -> list[ShopHealth]:
    return [
        ShopHealth(
            shop.shop_id,
            datetime.fromtimestamp(shop.as_of_us / 1e6, UTC).isoformat(),
            shop.settings_id,
            workspace.is_behind(snapshot, shop),
        )
        for shop in shop_runs(snapshot.run or {"shops": []})
    ]


def _imports(workspace: Workspace, store: Store) -> list[ImportHealth]:
    query = select(Job).where(Job.kind.in_(("import", "undo")), Job.state == "done")
    with store.read() as session:
        done = list(session.scalars(query.order_by(Job.id.desc()).limit(500)))
    by_state = {(job.result or {}).get("state"): job.id for job in done}
    return [
        ImportHealth(
            one.number,
            one.at,
            one.what,
            sum(one.rows.values()),
            _rejected(workspace.lake, one.rejects),
            by_state.get(one.number),
        )
        for one in imports(workspace.lake, limit=_IMPORTS)
    ]


def _rejected(lake: Lake, names: tuple[str, ...]) -> int | None:
    rows = 0
    for name in names:
        path = lake.rejects_folder / name
        if not path.is_file():
            return None
        rows += pq.read_metadata(path).num_rows
    return rows


# -- jobs, store, disk ---------------------------------------------------------------------------


def _jobs(workspace: Workspace, store: Store, at: datetime) -> JobsHealth:
    nightly = workspace.config.jobs.nightly
    asked = select(func.max(Job.asked_at)).where(Job.asked_by == "nightly")
    with store.read() as session:
        at_work = session.scalar(select(Job).where(Job.state == "running"))
        oldest = session.scalar(select(func.min(Job.asked_at)).where(Job.state == "queued"))
        asked_at = session.scalar(asked)
        latest = select(func.max(Job.id)).group_by(Job.kind)
        last = list(session.scalars(select(Job).where(Job.id.in_(latest)).order_by(Job.kind)))
        counted = select(Job.kind, Job.state, func.count()).where(
            Job.state.in_(ACTIVE)
            | (Job.state.in_(("failed", "interrupted")) & (Job.asked_at >= at - _RECENT))
        )
        found = session.execute(counted.group_by(Job.kind, Job.state)).all()
    count = {(kind, state): number for kind, state, number in found}
    return JobsHealth(
        is_working(workspace.root),
        None if nightly is None else f"{nightly:%H:%M}",
        asked_at,
        None if at_work is None else at_work.id,
        None if at_work is None else at_work.seen_at,
        oldest,
        [_kind(job, count) for job in last],
    )


def _kind(job: Job, count: dict[tuple[str, str], int]) -> KindHealth:
    queued, running, failed, cut = (
        count.get((job.kind, state), 0) for state in ("queued", "running", "failed", "interrupted")
    )
    ended = job.ended_at or job.asked_at
    return KindHealth(job.kind, queued, running, failed + cut, job.id, job.state, ended)


def _store(store: Store) -> StoreHealth:
    backed = select(func.max(Event.at)).where(Event.kind == BACKED_UP)
    pages = (
        "select page_count * page_size from pragma_page_count(), pragma_page_size()"
        if store.is_sqlite
        else "select pg_database_size(current_database())"
    )
    with store.read() as session:
        return StoreHealth(
            store.url.get_backend_name(),
            version_of(session.connection()) or "",
            int(session.scalar(text(pages)) or 0),
            session.scalar(select(func.count()).select_from(Event)) or 0,
            session.scalar(backed),
        )


def _disk(root: Path) -> DiskHealth:
    total, _, free = shutil.disk_usage(root)
    names = ("lake", "rejects", "cache", "uploads", "jobs", "locks")
    return DiskHealth(total, free, {name: _size(root / name)[0] for name in names})


def _size(folder: Path) -> tuple[int, int]:
    """Return bytes and number of the files under a folder."""
    sizes = list(_sizes(folder))
    return sum(sizes), len(sizes)


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # swept meanwhile
                yield os.lstat(os.path.join(place, name)).st_size
