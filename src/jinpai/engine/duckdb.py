"""The default engine: DuckDB in this process, with a memory limit and a place to spill."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
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
from jinpai.errors import EngineError, UsageError

__all__ = ["DuckEngine"]

_T = TypeVar("_T")
_OPTIMIZER_FAULT = "BindBuiltinScalarFunction"
_BATCH_ROWS = 1 << 18  # of what a step's Python takes at once
# DuckDB's grouping needs memory in proportion to its groups. A step that lacks it is made in this
# many parts, then as many times more, up to the last. Powers of two.
_MORE_PARTS, _MOST_PARTS = 4, 64
_HOLDING = """
select c.table_name, case when v.view_name is null then 'table' else 'view' end as kind
from duckdb_columns() as c
left join duckdb_views() as v
    on v.database_name = c.database_name and v.view_name = c.table_name
where c.database_name = 'temp' and c.column_name = ? and c.table_name <> ?
"""


class DuckEngine:
    """One DuckDB connection that knows the verbs and executes steps.

    Args:
        memory_limit: such as ``4GB``; beyond it DuckDB spills to ``spill``.
        threads: worker threads; None leaves the choice to DuckDB.
        spill: folder for temporary files; default a folder that is removed on close.
    """

    _parts = 1  # into how many the rows go, where they can

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
        self._views: dict[str, str] = {}
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
        if not step.keep:
            self._execute(step.name, f'create or replace temp view "{step.name}" as\n{step.sql}')
            self._views[step.name] = step.part_by
        elif step.part_by:
            fill = partial(self._fill, step)
            act = partial(self.in_parts, step.part_by, fill, step.name)
            self.careful(step.name, step.sql, act)
        else:
            self._execute(step.name, _stored(step.name, step.sql))

    def _fill(self, step: Step, part: int) -> None:
        stored = _stored(step.name, step.sql)
        self.con.execute(f'insert into "{step.name}"\n{step.sql}' if part else stored)

    def part_by(self, view: str) -> str:
        """Return the column by whose parts a view may be read (`Step.part_by`); "" without one."""
        return self._views.get(view, "")

    @property
    def is_short(self) -> bool:
        """Whether memory has not been enough for something as a whole."""
        return self._parts > 1

    def in_parts(self, by: str, act: Callable[[int], None], but: str = "") -> None:
        """Do something with a part of the rows at a time, in as few parts as memory allows.

        Args:
            by: meanwhile each relation with this column, but for ``but``, holds one part alone.
            act: called with each part's number; with 0 again to begin anew with smaller parts. Who
                lacked memory once is given that many parts from the beginning.
        """
        while True:
            try:
                with self._parted(by, but) as parts:
                    for part in parts:
                        act(part)
                return
            except duckdb.OutOfMemoryException:
                if self._parts >= _MOST_PARTS:
                    raise
                self._parts *= _MORE_PARTS

    @contextmanager
    def _parted(self, by: str, but: str) -> Iterator[Iterator[int]]:
        """Give the numbers of the parts; relations hold the part whose number was given last."""
        if self._parts == 1:
            yield iter((0,))
            return
        kinds = dict(self.con.execute(_HOLDING, [by, but]).fetchall())

        def parts() -> Iterator[int]:
            for part in range(self._parts):
                for name in kinds:
                    self.con.execute(
                        f'create or replace temp view "{name}" as select * from "{name}_whole"'
                        f' where "{by}" & {self._parts - 1} = {part}'
                    )
                yield part

        for name, kind in kinds.items():
            self.con.execute(f'alter {kind} "{name}" rename to "{name}_whole"')
        try:
            yield parts()
        finally:
            for name, kind in kinds.items():
                self.con.execute(f'drop view if exists "{name}"')
                self.con.execute(f'alter {kind} "{name}_whole" rename to "{name}"')

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
        bound = dict(values or {})
        self.careful(name, sql, lambda: self.con.execute(_stored(name, sql), bound))

    def _execute(self, name: str, sql: str) -> None:
        self.careful(name, sql, lambda: self.con.execute(sql))

    def careful(self, name: str, sql: str, act: Callable[[], _T]) -> _T:
        """Do something, once more under other settings where that helps; raises EngineError."""
        try:
            return act()
        except duckdb.Error as error:
            remedy = self._remedy(error)
            if remedy is None:
                raise EngineError(name, sql, str(error)) from error
        setting, now, usual = remedy
        self.con.execute(f"set {setting} = {now}")
        try:
            return act()
        except duckdb.Error as error:
            raise EngineError(name, sql, str(error)) from error
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


def _stored(name: str, sql: str) -> str:
    return f'create or replace temp table "{name}" as\n{sql}'
