"""What a run asks of an engine; DuckDB and Spark both do it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any, Protocol

import pyarrow as pa

from jinpai.engine.plan import Step, last_uses

__all__ = ["Engine", "OnStep", "Published", "TableSource", "run_steps"]

OnStep = Callable[[str, int, int], None]
# Schema as stored, and (file name, rows) of every file that is not empty.
Published = tuple[pa.Schema, list[tuple[str, int]]]


class TableSource(Protocol):
    """A pinned state of the canonical tables (`tables.lake.Snapshot`)."""

    def files(self, table: str) -> list[str]:
        """Return the places of a table's Parquet files."""
        ...

    def register(self, con: Any, names: Sequence[str] | None = None) -> None:
        """Make a view per table in a DuckDB connection."""
        ...


class Engine(Protocol):
    """Holds relations by name and makes new ones of them. Times are UTC without a zone."""

    def read(self, source: TableSource, schemas: Mapping[str, pa.Schema]) -> None:
        """Make the canonical tables known, by name: only files the source names are read."""
        ...

    def put(self, name: str, table: pa.Table) -> None:
        """Store an Arrow table as a relation; for what is small."""
        ...

    def make(self, step: Step) -> None:
        """Make one step's relation; raises EngineError."""
        ...

    def drop(self, name: str) -> None:
        """Forget a kept relation."""
        ...

    def run(
        self, steps: Sequence[Step], *, keep: Iterable[str] = (), on_step: OnStep | None = None
    ) -> dict[str, float]:
        """Make the steps in order, forget what no later step needs; return seconds per step."""
        ...

    def fetch(self, name: str, sql: str, values: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the result of one SELECT; for what is small."""
        ...

    def hold(self, name: str, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Store the result of one SELECT as a relation; values are bound by name."""
        ...

    def close(self) -> None:
        """Give back what the engine holds."""
        ...


def run_steps(
    engine: Engine, steps: Sequence[Step], wanted: Set[str], on_step: OnStep | None
) -> dict[str, float]:
    """Make the steps in order, forget each kept one after its last use; return seconds per step.

    Args:
        wanted: names that must outlive the run.
        on_step: called with (name, steps done, steps in all) before each step.
    """
    uses = last_uses(steps, wanted)
    seconds: dict[str, float] = {}
    for place, step in enumerate(steps):
        if on_step is not None:
            on_step(step.name, place, len(steps))
        started = time.perf_counter()
        engine.make(step)
        seconds[step.name] = time.perf_counter() - started
        for done in steps[: place + 1]:
            if done.keep and done.name not in wanted and uses[done.name] == place:
                engine.drop(done.name)
    return seconds
