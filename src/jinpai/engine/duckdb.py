"""The default engine: DuckDB in this process, with a memory limit and a place to spill."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.engine.base import OnStep, TableSource, run_steps
from jinpai.engine.dialect import DUCKDB, VERBS
from jinpai.engine.plan import Apply, Step
from jinpai.engine.stopping import noted
from jinpai.errors import EngineError, LacksMemory, UsageError

__all__ = ["DuckEngine"]

_T = TypeVar("_T")
_OPTIMIZER_FAULT = "BindBuiltinScalarFunction"
_BATCH_ROWS = 1 << 18  # of what a step's Python takes at once
_PORTION_ROWS = 100_000
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

_STORING = """
select c.table_name
from duckdb_columns() as c
semi join duckdb_tables() as t
    on t.table_oid = c.table_oid and t.database_name = c.database_name
where c.database_name = 'temp' and c.column_name = ?
"""


class DuckEngine:
    """One DuckDB connection that knows the verbs and executes steps.

    Args:
        memory_limit: such as ``4GB``; beyond it DuckDB spills to ``spill``.
        threads: worker threads; None leaves the choice to DuckDB.
        spill: folder for temporary files; default a folder that is removed on close.
    """

    def __init__(
        self,
        *,
        memory_limit: str | None = None,
        threads: int | None = None,
        spill: Path | None = None,
    ) -> None:
        self._spill = tempfile.TemporaryDirectory(
            prefix="jinpai-", dir=spill, ignore_cleanup_errors=True
        )
        config: dict[str, Any] = {
            "temp_directory": self._spill.name,
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if threads is not None:
            config["threads"] = threads
        try:
            # Kept relations are temporary tables: they leave the memory for the spill folder.
            self.con = noted(duckdb.connect(config=config))
            if memory_limit is not None:
                self.con.execute("set memory_limit = ?", [memory_limit])
        except duckdb.Error as error:
            self._spill.cleanup()
            raise UsageError(
                f"DuckDB refused its settings: {error}",
                zh=f"计算引擎不接受给它的内存或核数设置（{error}）。",
            ) from error
        self._applied: dict[str, Path] = {}
        self.con.execute("set TimeZone = 'UTC'")
        # DuckDB draws on standard output, where JSON goes, whenever a statement takes two seconds.
        self.con.execute("set enable_progress_bar = false")
        for verb, parameters in VERBS.items():
            body = DUCKDB.bodies[verb]
            self.con.execute(f"create temp macro {verb}({', '.join(parameters)}) as {body}")

    def __enter__(self) -> DuckEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and remove what it spilled."""
        self.con.close()
        self._spill.cleanup()

    @property
    def scratch(self) -> Path:
        """The folder of temporary files, gone on close."""
        return Path(self._spill.name)

    @property
    def memory_bytes(self) -> int:
        """The memory limit, whoever set it."""
        ((limit,),) = self.con.execute("select current_setting('memory_limit')").fetchall()
        size, unit = str(limit).split()
        return int(float(size) * _UNITS[unit])

    @contextmanager
    def limited_to(self, share: float) -> Iterator[None]:
        """Leave the rest of the memory to what the limit does not count, such as files at work."""
        before = self.memory_bytes
        self.con.execute("set memory_limit = ?", [f"{int(before * share)}B"])
        try:
            yield
        finally:
            self.con.execute("set memory_limit = ?", [f"{before}B"])

    def read(self, source: TableSource, schemas: Mapping[str, pa.Schema]) -> None:
        """Make a view per canonical table; its files say their own types."""
        source.register(self.con, tuple(schemas))

    def put(self, name: str, table: pa.Table) -> None:
        """Store an Arrow table as a relation."""
        self.con.register("_incoming", table)
        self.con.execute(f'create or replace temp table "{name}" as select * from _incoming')
        self.con.unregister("_incoming")

    def make(self, step: Step) -> None:
        """Make one step's relation.

        Raises:
            EngineError: carrying the step's meaning, its SQL and the engine's words.
        """
        apply = step.apply
        if apply is not None:
            self.careful(step.name, step.sql, lambda: self._apply(step, apply))
            return
        kind = "temp table" if step.keep else "temp view"
        self._execute(step.name, f'create or replace {kind} "{step.name}" as\n{step.sql}')

    def _apply(self, step: Step, apply: Apply) -> None:
        """Stream sorted rows through Python into a file, which becomes the relation."""
        self.drop(step.name)
        path = Path(self._spill.name) / f"{step.name}.parquet"
        reader = self.stream(f"select * from ({step.sql}) order by {', '.join(apply.order)}")
        with pq.ParquetWriter(path, apply.schema, compression="lz4") as writer:
            for batch in apply.function(reader):
                writer.write_batch(batch)
        place = str(path).replace("'", "''")
        self.con.execute(
            f"create or replace temp view \"{step.name}\" as select * from read_parquet('{place}')"
        )
        self._applied[step.name] = path

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Return the rows of a SELECT bit by bit; ask nothing else before the last is read."""
        return iter(self.con.sql(sql).to_arrow_reader(_BATCH_ROWS))

    def drop(self, name: str) -> None:
        """Forget a kept relation that no later step needs."""
        path = self._applied.pop(name, None)
        if path is None:
            self.con.execute(f'drop table if exists "{name}"')
        else:
            self.con.execute(f'drop view "{name}"')
            path.unlink()

    def number_names(self, columns: Sequence[str], tables: Sequence[str]) -> None:
        """Store texts of few values as numbers, in those columns of those tables that there are.

        They read, compare and are written as the texts they are; joining and writing them takes
        half the time.
        """
        for column in columns:
            found = self.con.execute(_STORING, [column]).fetchall()
            held = [name for (name,) in found if name in tables]
            values = " union ".join(
                f'select "{column}"::varchar as v from "{name}"' for name in held
            )
            known = f"select v from ({values}) where v is not null order by v"
            if held and self.con.execute(f"{known} limit 1").fetchall():
                self.con.execute(f'create or replace temp type "{column}" as enum ({known})')
                for name in held:
                    self.con.execute(f'alter table "{name}" alter "{column}" type "{column}"')

    def clear(self, names: Collection[str]) -> None:
        """Drop those of the names that are stored."""
        stored = self.con.execute("select table_name from duckdb_tables() where temporary")
        held = {name for (name,) in stored.fetchall()} | set(self._applied)
        for name in held & set(names):
            self.drop(name)

    def sort_out(self, name: str, copy: str) -> None:
        """Do a COPY that sorts rows into folders; in small portions, which takes half the time."""
        setting = "partitioned_write_flush_threshold"
        self.con.execute(f"set {setting} = {_PORTION_ROWS}")
        try:
            self.careful(name, copy, lambda: self.con.execute(copy))
        finally:
            self.con.execute(f"reset {setting}")

    def run(
        self,
        steps: Sequence[Step],
        *,
        keep: Iterable[str] = (),
        on_step: OnStep | None = None,
    ) -> dict[str, float]:
        """Make the steps in order; forget each kept relation after its last use.

        Args:
            keep: names that must outlive the run.
            on_step: called with (name, steps done, steps in all) before each step.
        Returns:
            Seconds spent in each step.
        """
        return run_steps(self, steps, set(keep), on_step)

    def fetch(self, name: str, sql: str, values: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the result of one SELECT as an Arrow table; values are bound by name."""

        def ask() -> pa.Table:
            return self.con.sql(sql, params=dict(values or {})).to_arrow_table()

        return self.careful(name, sql, ask)

    def hold(self, name: str, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Store the result of one SELECT as a relation; values are bound by name."""
        stored = f'create or replace temp table "{name}" as\n{sql}'
        self.careful(name, sql, lambda: self.con.execute(stored, dict(values or {})))

    def _execute(self, name: str, sql: str) -> None:
        self.careful(name, sql, lambda: self.con.execute(sql))

    def careful(self, name: str, sql: str, act: Callable[[], _T]) -> _T:
        """Do something, once more under other settings where that helps; raises EngineError."""
        try:
            return act()
        except duckdb.Error as error:
            remedy = self._remedy(error)
            if remedy is None:
                raise _fault(name, sql, error) from error
        setting, now, usual = remedy
        self.con.execute(f"set {setting} = {now}")
        try:
            return act()
        except duckdb.Error as error:
            raise _fault(name, sql, error) from error
        finally:
            self.con.execute(f"set {setting} = {usual}")

    def _remedy(self, error: duckdb.Error) -> tuple[str, str, str] | None:
        """Return a setting that may help, what to set it to, and what it is else."""
        # DuckDB 2.0 fails to fold some comparisons of columns with few values; it can do without.
        if _OPTIMIZER_FAULT in str(error):
            return "disabled_optimizers", "'statistics_propagation'", "''"
        # What every thread needs at least cannot be spilled: one alone gets by with half of it.
        if isinstance(error, duckdb.OutOfMemoryException):
            ((threads,),) = self.con.execute("select current_setting('threads')").fetchall()
            return ("threads", "1", str(threads)) if threads > 1 else None
        return None


def _fault(name: str, sql: str, error: duckdb.Error) -> EngineError:
    kind = LacksMemory if isinstance(error, duckdb.OutOfMemoryException) else EngineError
    return kind(name, sql, str(error))
