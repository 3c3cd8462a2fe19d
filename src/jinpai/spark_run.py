"""A run on Spark: the same steps and checks, published into the same lake.

Spark computes all rows of all shops, or of the one shop asked for; whose rows changed since the
last run is not looked for, only whether anything did. Everything that reads figures afterwards
reads the published tables, whoever made them.
"""

from __future__ import annotations

import re
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
from jinpai.line import RESULTS, ShopRun, check, line_steps, make, shop_run, shop_runs
from jinpai.periods import DAY_US
from jinpai.quality.inspector import Inspector
from jinpai.refresh.layout import bucketed, cutoff_of
from jinpai.refresh.narrow import is_laid_out
from jinpai.refresh.plan import Reason, code_id
from jinpai.refresh.report import RunReport
from jinpai.tables import derived
from jinpai.tables.delta import arrow_schema
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES

if TYPE_CHECKING:
    from jinpai.engine.spark import SparkEngine

__all__ = ["SparkCluster", "canonical_schemas", "run_on", "stored_schemas"]

_ALL = Reason("Spark computes everything every time", "Spark 每次全部重算")
_SAME = Reason("nothing has changed since the last run", "上次计算之后没有变化")
_OLD = "old_"


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
    *,
    only: str | None = None,
    full: bool = False,
    on_step: OnStep | None = None,
) -> RunReport:
    """Make the derived relations of a snapshot that the engine has read, check and publish them.

    Args:
        only: compute this shop; the others stay as the last run left them, if they can.
        full: compute everything though nothing has changed.
    Raises:
        BalanceError: the books do not balance; nothing was published.
        EngineError: a step failed.
    """
    _check_counts(engine, snapshot)
    can_stay = not full and _can_stay(snapshot)
    if not can_stay and snapshot.run is not None:
        only = None  # what other shops have cannot stay
    run = _Run(engine, snapshot, shops, inspector, only, has_old=can_stay and only is not None)
    if can_stay and run.is_current():
        return run.nothing()
    return run.compute(on_step)


def _can_stay(snapshot: Snapshot) -> bool:
    """Whether what the last run left is still what this version would make."""
    run = snapshot.run
    return run is not None and run.get("code") == code_id() and is_laid_out(snapshot, RESULTS)


@dataclass
class _Run:
    """One run; with ``has_old`` the rows of other shops come from the last one."""

    engine: SparkEngine
    snapshot: Snapshot
    shops: Sequence[RunShop]
    inspector: Inspector
    only: str | None
    has_old: bool

    @property
    def mine(self) -> list[RunShop]:
        return [shop for shop in self.shops if self.only in (None, shop.shop_id)]

    @property
    def versions(self) -> dict[str, int]:
        return {name: at for name, at in self.snapshot.versions.items() if name in TABLES}

    def is_current(self) -> bool:
        """Whether the last run read the same rows under the same settings and rules."""
        run = self.snapshot.run or {}
        then = {shop.shop_id: shop for shop in shop_runs(run)}
        if self.only is None and then.keys() != {shop.shop_id for shop in self.shops}:
            return False
        return run.get("overruled", "") == self.inspector.overruled_id and all(
            shop.shop_id in then
            and replace(then[shop.shop_id], versions=None) == self._told(shop)
            and (then[shop.shop_id].versions or run["versions"]) == self.versions
            for shop in self.mine
        )

    def nothing(self) -> RunReport:
        run = self.snapshot.run or {}
        report = RunReport(
            shops=tuple(shop_runs(run)), checks=dict(run["checks"]), mode="nothing", why=(_SAME,)
        )
        report.rows.update({name: self.snapshot.count(name) for name in RESULTS})
        return report

    def compute(self, on_step: OnStep | None) -> RunReport:
        """Make the steps, prove the books, publish."""
        engine, mine = self.engine, self.mine
        schemas = stored_schemas(mine)
        if self.only is not None:
            engine.read(self.snapshot, canonical_schemas(), only=self.only)
        if self.has_old:
            engine.read(self.snapshot, schemas, but=self.only, prefix=_OLD)
        has_duty_hours = any(shop.settings.duty_hours for shop in mine)
        steps = line_steps(settings_in_use(mine), has_duty_hours, self.inspector)
        seconds = make(engine, mine, on_step, steps=steps)
        started = time.perf_counter()
        broken = check(engine, attribution.balance_checks())
        seconds["check"] = time.perf_counter() - started
        return self._publish(self._report(seconds, broken), schemas)

    def _told(self, shop: RunShop) -> ShopRun:
        return replace(shop_run(shop), book=self.inspector.book_id)

    def _report(self, seconds: dict[str, float], broken: dict[str, int]) -> RunReport:
        made = {shop.shop_id: self._told(shop) for shop in self.mine}
        run = self.snapshot.run if self.has_old else None
        for shop in shop_runs(run) if run else ():
            versions = shop.versions or (run or {})["versions"]
            made.setdefault(shop.shop_id, replace(shop, versions=versions))
        why = Reason(f"only shop {self.only} was asked for", f"只要求计算店铺 {self.only}")
        return RunReport(
            shops=tuple(made[name] for name in sorted(made)),
            seconds=seconds,
            checks=broken,
            mode="partial" if self.has_old else "full",
            why=(why if self.has_old else _ALL,),
            changed={name: {} for name in RESULTS},
        )

    def _publish(self, report: RunReport, schemas: Mapping[str, pa.Schema]) -> RunReport:
        cutoff = cutoff_of(max(shop.last_us for shop in self.shops) // DAY_US)
        longest = int((self.snapshot.run or {}).get("longest_session_us", 0) * self.has_old)
        meta = report.to_meta(self.snapshot.id, self.versions, code_id()) | {
            "longest_session_us": max(longest, _longest(self.engine)),
            "cutoff": cutoff,
            "engine": "spark",
            "overruled": self.inspector.overruled_id,
        }

        def write(sql: str, folder: Path, tag: str) -> Published:
            return self.engine.write(sql, folder, tag, schemas[folder.name])

        started = time.perf_counter()
        relations = {name: self._rows(name, cutoff) for name in RESULTS}
        base = self.snapshot if self.has_old else None
        published = self.snapshot.lake.write_run(write, relations, meta, base)
        report.seconds["publish"] = time.perf_counter() - started
        report.rows.update({name: published.count(name) for name in RESULTS})
        return report

    def _rows(self, name: str, cutoff: int) -> str:
        """Return the SELECT of a published relation, other shops' rows beside the new ones."""
        made = bucketed(name, cutoff)
        if not self.has_old:
            return made
        left = re.sub(rf"(?<!\.)\b({'|'.join(RESULTS)})\b", rf"{_OLD}\1", made)
        return f"{made} union all {left}"


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
