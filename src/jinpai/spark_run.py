"""A run on Spark: the same steps and checks, published into the same lake.

Spark computes all rows every time; what changed since the last run is not looked for. Everything
that reads figures afterwards reads the published tables, whoever made them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from jinpai import attribution
from jinpai.conversations.inputs import RunShop, settings_in_use
from jinpai.engine.base import Engine, OnStep, Published
from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import EngineError
from jinpai.line import RESULTS, check, line_steps, make, shop_run
from jinpai.periods import DAY_US
from jinpai.quality.inspector import Inspector
from jinpai.refresh.layout import bucketed, cutoff_of
from jinpai.refresh.plan import Reason, code_id
from jinpai.refresh.report import RunReport
from jinpai.tables import derived
from jinpai.tables.delta import arrow_schema
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES

if TYPE_CHECKING:
    from jinpai.engine.spark import SparkEngine

__all__ = ["SparkCluster", "canonical_schemas", "run_on", "stored_schemas"]

_WHY = Reason("Spark computes everything every time", "Spark 每次全部重算")


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


def run_on(
    engine: SparkEngine,
    snapshot: Snapshot,
    shops: Sequence[RunShop],
    inspector: Inspector,
    on_step: OnStep | None = None,
) -> RunReport:
    """Make all derived relations of a snapshot that the engine has read, check and publish them.

    Raises:
        BalanceError: the books do not balance; nothing was published.
        EngineError: a step failed.
    """
    _check_counts(engine, snapshot)
    schemas = stored_schemas(shops)
    steps = line_steps(
        settings_in_use(shops), any(shop.settings.duty_hours for shop in shops), inspector
    )
    seconds = make(engine, shops, on_step, steps=steps)
    started = time.perf_counter()
    broken = check(engine, attribution.balance_checks())
    seconds["check"] = time.perf_counter() - started
    report = RunReport(
        shops=tuple(
            replace(shop_run(shop), book=inspector.book_id)
            for shop in sorted(shops, key=lambda shop: shop.shop_id)
        ),
        seconds=seconds,
        checks=broken,
        mode="full",
        why=(_WHY,),
        changed={name: {} for name in RESULTS},
    )
    cutoff = cutoff_of(max(shop.last_us for shop in shops) // DAY_US)
    versions = {name: at for name, at in snapshot.versions.items() if name in TABLES}
    meta = report.to_meta(snapshot.id, versions, code_id())
    meta |= {"longest_session_us": _longest(engine), "cutoff": cutoff, "engine": "spark"}
    meta["overruled"] = inspector.overruled_id

    def write(sql: str, folder: Path, tag: str) -> Published:
        return engine.write(sql, folder, tag, schemas[folder.name])

    started = time.perf_counter()
    relations = {name: bucketed(name, cutoff) for name in RESULTS}
    published = snapshot.lake.write_run(write, relations, meta)
    seconds["publish"] = time.perf_counter() - started
    report.rows.update({name: published.count(name) for name in RESULTS})
    return report


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


def stored_schemas(shops: Sequence[RunShop]) -> dict[str, pa.Schema]:
    """Return the columns and types of the published tables.

    The default engine tells them, by making every relation of nothing: both engines then store the
    same types, whatever width a sum has in either.
    """
    with DuckEngine(threads=1) as engine, TemporaryDirectory(prefix="jinpai-") as folder:
        for name, schema in canonical_schemas().items():
            engine.put(name, _plain(schema).empty_table())
        make(engine, shops)
        return {
            name: derived.write_files(engine.con, name, Path(folder) / name, "types")[0]
            for name in RESULTS
        }


def _longest(engine: Engine) -> int:
    """Return how long the longest session lasts, in microseconds, for the runs that follow."""
    sql = "select max(us(ended_at) - us(started_at)) as longest from sessions"
    return int(engine.fetch("longest session", sql)["longest"][0].as_py() or 0)


def _plain(schema: pa.Schema) -> pa.Schema:
    """Return the schema with times without a zone, as relations have them."""
    return pa.schema(
        [
            pa.field(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type)
            for f in schema
        ]
    )
