"""Where a run on Spark takes place: the cluster, and what it needs to know of the lake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import EngineError
from jinpai.line import RESULTS, make
from jinpai.refresh.ground import SparkGround
from jinpai.tables import derived
from jinpai.tables.delta import arrow_schema
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES

if TYPE_CHECKING:
    from jinpai.engine.spark import SparkEngine

__all__ = ["SparkCluster", "canonical_schemas", "spark_ground", "stored_schemas"]


@dataclass(frozen=True)
class SparkCluster:
    """Where Spark runs.

    Attributes:
        master: its URL; default what Spark's own settings say, else this machine.
        conf: settings of Spark.
        scratch: a folder that driver and executors see under one path; default in the workspace.
    """

    master: str | None = None
    conf: Mapping[str, str] = field(default_factory=dict)
    scratch: Path | None = None

    def engine(self, scratch: Path) -> SparkEngine:
        """Join the cluster; raises UsageError."""
        from jinpai.engine.spark import SparkEngine

        place = self.scratch or scratch
        return SparkEngine(scratch=place, master=self.master, conf=self.conf)


def spark_ground(engine: SparkEngine, snapshot: Snapshot) -> SparkGround:
    """Return a snapshot on a cluster, its canonical tables read.

    Raises:
        EngineError: driver and executors do not see the same files.
    """
    engine.read(snapshot, canonical_schemas())
    _check_counts(engine, snapshot)
    return SparkGround(engine, snapshot, stored_schemas())


def _check_counts(engine: SparkEngine, snapshot: Snapshot) -> None:
    """Compare what Spark reads with what the lake says it holds.

    A file read twice or left out would pass every balance, since both sides of it would be wrong.
    """
    sql = " union all ".join(
        f"select '{name}' as name, count(*) as found from {name}" for name in TABLES
    )
    held = {name: sum(file.rows for file in snapshot.data_files(name)) for name in TABLES}
    for row in engine.fetch("rows read", sql).to_pylist():
        if row["found"] != held[row["name"]]:
            raise EngineError(
                "rows read",
                sql,
                f"Spark reads {row['found']:,} rows of {row['name']}, the lake holds "
                f"{held[row['name']]:,}; are driver and executors looking at the same files?",
            )


def canonical_schemas() -> dict[str, pa.Schema]:
    """Return the canonical tables' columns as their files have them."""
    return {name: arrow_schema(table) for name, table in TABLES.items()}


def stored_schemas() -> dict[str, pa.Schema]:
    """Return the columns and types of the published tables.

    The default engine tells them, by making every relation of nothing: both engines then store the
    same types, whatever width a sum has in either.
    """
    with DuckEngine(threads=1) as engine, TemporaryDirectory(prefix="jinpai-") as folder:
        for name, schema in canonical_schemas().items():
            engine.put(name, _plain(schema).empty_table())
        make(engine, ())
        return {
            name: derived.write_files(engine.con, name, Path(folder) / name, "types")[0]
            for name in RESULTS
        }


def _plain(schema: pa.Schema) -> pa.Schema:
    """Return the schema with times without a zone, as relations have them."""
    return pa.schema(
        [
            pa.field(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type)
            for f in schema
        ]
    )
