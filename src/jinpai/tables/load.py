"""Load what the readers yield: all of it or nothing, with every row accounted for."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from jinpai.engine.stopping import noted
from jinpai.errors import BalanceError, EngineError, UnknownName
from jinpai.periods import zone
from jinpai.sources.base import Batch, Note, Reject
from jinpai.tables.lake import Lake, Snapshot, TableChange
from jinpai.tables.rejects import REJECTS, UNKNOWN_TABLE
from jinpai.tables.schema import TABLES
from jinpai.tables.spool import Spool
from jinpai.tables.stage import Stager
from jinpai.tables.upsert import settle

__all__ = [
    "Counts",
    "ImportReport",
    "Item",
    "Progress",
    "import_batches",
    "preview",
    "working_engine",
]

Item = Batch | Reject | Note
Progress = Callable[[int, str], None]
"""Called with the rows taken so far and the file they came from."""


@dataclass
class Counts:
    """Rows in = inserted + replaced + unchanged + rejected; corrected rows are among them."""

    rows_in: int = 0
    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    rejected: int = 0
    corrected: int = 0

    @property
    def identity_holds(self) -> bool:
        """Whether every row is accounted for."""
        return self.rows_in == self.inserted + self.replaced + self.unchanged + self.rejected


@dataclass
class ImportReport:
    """What an import did, or a preview would do.

    Attributes:
        tables: canonical table -> counts; ``unknown`` counts rows whose table could not be told.
        files: (table, source file) -> counts (corrected is counted by table only).
        reasons: reject reason -> rows.
        notes: what the readers had to say.
        rejects: the rejected rows (columns: `rejects.REJECTS`).
        samples: table -> its first accepted rows, typed, at most 20.
        dry_run: nothing was changed.
        snapshot_id: the state after the import.
        seconds: how long it took.
        strict: rejects count as failure, see `ok`.
    """

    tables: dict[str, Counts] = field(default_factory=dict)
    files: dict[tuple[str, str], Counts] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    rejects: pa.Table = field(default_factory=REJECTS.empty_table)
    samples: dict[str, pa.Table] = field(default_factory=dict)
    dry_run: bool = False
    snapshot_id: int = 0
    seconds: float = 0.0
    strict: bool = False

    @property
    def total(self) -> Counts:
        """Counts of all tables together."""
        every = self.tables.values()
        return Counts(**{name: sum(vars(one)[name] for one in every) for name in vars(Counts())})

    @property
    def identity_holds(self) -> bool:
        """Whether every row of every table and file is accounted for."""
        every = [*self.tables.values(), *self.files.values()]
        return all(counts.identity_holds for counts in every)

    @property
    def ok(self) -> bool:
        """False when rows were rejected and the import is strict."""
        return not (self.strict and self.rejects.num_rows)


def import_batches(
    lake: Lake,
    items: Iterable[Item],
    *,
    shop_id: str,
    timezone: str,
    clock_skew_seconds: int = 5,
    strict: bool = False,
    progress: Progress | None = None,
    memory_limit: str = "3GB",
    threads: int = 2,
) -> ImportReport:
    """Load rows into the lake, atomically: after an error or a kill nothing has changed.

    Waits while another import is at work.

    Args:
        items: what the readers yield; read once, in order (later rows win).
        shop_id, timezone: shop of rows that name none, and the zone of shops that name none.
        clock_skew_seconds: how far an end may lie before its start and still be corrected.
        strict: see `ImportReport.ok`; good rows are loaded all the same.
        memory_limit, threads: for DuckDB; more rows than memory spill to the lake's folder.

    Raises:
        UnknownName: a batch of a table that does not exist, or an unknown time zone.
        BalanceError: a row is unaccounted for.
        EngineError: DuckDB failed, for example for want of disk.
        Whatever iterating ``items`` raises, unchanged.
    """
    started = time.monotonic()
    with lake.importing() as writer, working_engine(writer.folder, memory_limit, threads) as con:
        job = _Job(con, writer.snapshot, writer.folder, writer.tag, clock_skew_seconds)
        report, changes = job.run(items, shop_id, timezone, progress)
        report.strict, report.snapshot_id = strict, writer.snapshot.id
        if changes or report.rejects.num_rows:
            report.snapshot_id = writer.publish(changes, report.rejects).id
    report.seconds = time.monotonic() - started
    return report


def preview(
    lake: Lake,
    items: Iterable[Item],
    *,
    shop_id: str,
    timezone: str,
    clock_skew_seconds: int = 5,
    strict: bool = False,
    progress: Progress | None = None,
    memory_limit: str = "3GB",
    threads: int = 2,
) -> ImportReport:
    """Return the report `import_batches` would give, and change nothing. Raises the same."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jinpai-") as folder:
        place, snapshot = Path(folder), lake.snapshot()
        with working_engine(place, memory_limit, threads) as con:
            job = _Job(con, snapshot, place, "preview", clock_skew_seconds)
            report, _ = job.run(items, shop_id, timezone, progress)
    report.dry_run, report.strict, report.snapshot_id = True, strict, snapshot.id
    report.seconds = time.monotonic() - started
    return report


@contextmanager
def working_engine(folder: Path, memory: str, threads: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open DuckDB for the work of one writer: UTC, spilling into its folder; EngineError."""
    spill = folder / "spill"
    con = duckdb.connect(
        config={"memory_limit": memory, "threads": threads, "temp_directory": str(spill)}
    )
    noted(con)
    usual = pa.default_memory_pool()
    try:
        # Arrow's own pool asks for huge pages, and clearing them costs a third of an import.
        pa.set_memory_pool(pa.system_memory_pool())
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET preserve_insertion_order = false")
        con.execute("SET enable_progress_bar = false")  # it draws on standard output
        yield con
    except duckdb.Error as error:
        raise EngineError("import", "", str(error)) from error
    finally:
        pa.set_memory_pool(usual)
        con.close()


@dataclass
class _Job:
    con: duckdb.DuckDBPyConnection
    snapshot: Snapshot
    folder: Path
    tag: str
    clock_skew: int

    def run(
        self, items: Iterable[Item], shop_id: str, timezone: str, progress: Progress | None
    ) -> tuple[ImportReport, dict[str, TableChange]]:
        zone(timezone)
        report, refused = ImportReport(), list[Reject]()
        stager = Stager(
            self.con,
            self.folder,
            self.tag,
            shop_id,
            timezone,
            self.snapshot.zones(),
            self.clock_skew,
            known=self.snapshot.versions,
        )
        with closing(stager):
            self._stage(stager, items, report, refused, progress)
            changes = self._settled(stager, report)
        _finish(report, stager, refused)
        return report, changes

    def _stage(
        self,
        stager: Stager,
        items: Iterable[Item],
        report: ImportReport,
        refused: list[Reject],
        progress: Progress | None,
    ) -> None:
        spool, taken = Spool(self.folder / "spool", stager.shop_id), 0
        for item in items:
            if isinstance(item, Note):
                report.notes.append(item)
            elif isinstance(item, Reject):
                refused.append(item)
            else:
                if item.table not in TABLES:
                    raise UnknownName("table", item.table, TABLES)
                _arrived(report, item.table, item.source_file, item.rows.num_rows)
                if not spool.keeps(item, stager.told):
                    stager.add(item)
                taken += item.rows.num_rows
                if progress:
                    progress(taken, item.source_file)
        for batch in spool.batches():
            stager.add(batch)
        stager.finish()

    def _settled(self, stager: Stager, report: ImportReport) -> dict[str, TableChange]:
        changes = {}
        for name, staged in stager.tables.items():
            done = settle(
                self.con,
                staged,
                stager.sources,
                self.snapshot,
                self.folder,
                self.tag,
                self.clock_skew,
            )
            for (table, file), rows in stager.clean.items():
                if table == name:
                    _add(report, name, file, "inserted", rows - done.taken[file])
            for (file, outcome), rows in done.outcomes.items():
                if outcome != "rejected":
                    _add(report, name, file, outcome, rows)
            stager.corrected[name] += done.corrected
            stager.rejects += done.rejects
            if done.change:
                changes[name] = done.change
        return changes


def _counts(report: ImportReport, table: str, file: str) -> tuple[Counts, Counts]:
    by_table = report.tables.setdefault(table, Counts())
    return by_table, report.files.setdefault((table, file), Counts())


def _arrived(report: ImportReport, table: str, file: str, rows: int) -> None:
    _add(report, table, file, "rows_in", rows)


def _add(report: ImportReport, table: str, file: str, what: str, rows: int) -> None:
    for counts in _counts(report, table, file):
        setattr(counts, what, getattr(counts, what) + rows)


def _finish(report: ImportReport, stager: Stager, refused: list[Reject]) -> None:
    """Bring in the rejects and check that every row is accounted for."""
    for one in refused:
        _arrived(report, one.table or UNKNOWN_TABLE, one.source_file, 1)
    report.rejects = _rejects([*stager.rejects, _refused(refused)])
    names = zip(
        report.rejects["table"].to_pylist(), report.rejects["source_file"].to_pylist(), strict=True
    )
    for (table, file), rows in Counter(names).items():
        _add(report, str(table), str(file), "rejected", rows)
    for table, rows in stager.corrected.items():
        if table in report.tables:
            report.tables[table].corrected += rows
    reasons = Counter(map(str, report.rejects["reason"].to_pylist()))
    report.reasons = dict(reasons.most_common())
    report.samples = {name: rows for name, rows in stager.samples.items() if rows.num_rows}
    wrong = {name: vars(one) for name, one in report.tables.items() if not one.identity_holds}
    if wrong or not report.identity_holds:
        raise BalanceError(
            f"Rows are unaccounted for, nothing was loaded: {wrong or report.files}."
            " Please report this with the files."
        )


def _refused(refused: list[Reject]) -> pa.Table:
    rows = [
        {**vars(one), "table": one.table or UNKNOWN_TABLE, "imported_at": None} for one in refused
    ]
    return pa.Table.from_pylist(rows, REJECTS)


def _rejects(parts: list[pa.Table]) -> pa.Table:
    every = pa.concat_tables(parts)
    now = pa.array([datetime.now(UTC)] * every.num_rows, REJECTS.field("imported_at").type)
    return every.set_column(0, REJECTS.field("imported_at"), now)
