"""What a run stands on: an engine, and the files of one pinned state as its relations.

`Ground` is for the default engine, `SparkGround` for a cluster. All else that a run asks is SQL
that both understand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.plan import Step
from jinpai.tables import delta, derived
from jinpai.tables.delta import DataFile, arrow_schema, parquet
from jinpai.tables.derived import BUCKET, Made, Patch
from jinpai.tables.lake import Snapshot
from jinpai.tables.schema import TABLES

if TYPE_CHECKING:
    from jinpai.engine.base import Published
    from jinpai.engine.spark import SparkEngine

__all__ = ["NAMING", "TOUCHED", "AnyGround", "Ground", "Marks", "SparkGround", "view"]

# Unit -> the relation of those that changed, and what tells them apart within a shop.
TOUCHED = {
    "buyer": ("touched_buyers", "buyer_id"),
    "order": ("touched_orders", "order_id"),
    "agent": ("touched_agents", "agent_id"),
}
# Names of few values, and the relations from which the results take them.
NAMING = (("shop_id", "agent_id"), ("threads", "run_shops", "shop_clock"))


class Ground:
    """The default engine, whose files are read where SQL names them."""

    meta: Mapping[str, Any] = {}  # what the manifest says of the engine

    def __init__(self, engine: DuckEngine, snapshot: Snapshot) -> None:
        self.engine, self.snapshot = engine, snapshot
        self.marks = Marks(self)
        self._in_place = set[str]()

    def source(self, table: str, files: Sequence[DataFile]) -> str:
        """Return a relation of the rows of some files of a canonical table."""
        root = self.snapshot.lake.folder / table
        return parquet([str(root / file.path) for file in files])

    def whole(self, table: str) -> str:
        """Return the SELECT of a canonical table, whatever has been put in its place."""
        return self.snapshot.table_sql(table)

    def old(self, name: str, since: int | None = None, only: Collection[int] | None = None) -> str:
        """Return the SELECT of a derived table in force with ``_bucket`` (`derived.bucket_sql`)."""
        folder = self.snapshot.lake.folder / name
        return derived.bucket_sql(
            self.engine.con, folder, self.snapshot.versions[name], since, only
        )

    def columns(self, relation: str) -> list[str]:
        """Return the names of a relation's columns."""
        return [row[0] for row in self.engine.con.execute(f"describe {relation}").fetchall()]

    def put(self, table: str, sql: str) -> None:
        """Put the rows of a SELECT in the place of a canonical table; twice replaces them."""
        self.engine.hold("narrow", sql)
        self.engine.con.execute(f"drop {'table' if table in self._in_place else 'view'} {table}")
        self.engine.con.execute(f"alter table narrow rename to {table}")
        self._in_place.add(table)

    def take_back(self, tables: Iterable[str]) -> None:
        """Make the views again in whose place `put` put something."""
        for table in tables:
            self.engine.drop(table)
        self._in_place.clear()
        self.snapshot.register(self.engine.con)

    def register_derived(self, names: Sequence[str]) -> None:
        """Make derived tables in force known by their names."""
        self.snapshot.register_derived(self.engine.con, names)

    def publish(
        self,
        relations: Mapping[str, str | Patch | Made],
        meta: Mapping[str, Any],
        base: Snapshot | None,
    ) -> Snapshot:
        """Write what was made and put it in force (`Lake.write_run`)."""
        if any(isinstance(one, str) for one in relations.values()):
            self.engine.number_names(*NAMING)
        return self.snapshot.lake.write_run(self.engine.con, relations, meta, base)


class SparkGround:
    """A cluster: views over files, read and written by the executors.

    Args:
        engine: has read the canonical tables of the snapshot.
        schemas: of the derived tables, as the default engine stores them.
    """

    meta: Mapping[str, Any] = {"engine": "spark"}

    def __init__(
        self, engine: SparkEngine, snapshot: Snapshot, schemas: Mapping[str, pa.Schema]
    ) -> None:
        self.engine, self.snapshot = engine, snapshot
        self.marks = Marks(self)
        self._schemas, self._views = schemas, 0

    def source(self, table: str, files: Sequence[DataFile]) -> str:
        """Return a relation of the rows of some files of a canonical table."""
        root = self.snapshot.lake.folder.resolve() / table
        places = [str(delta.here(root / file.path)) for file in files]
        return self._view(table, places, arrow_schema(TABLES[table]))

    def whole(self, table: str) -> str:
        """Return the SELECT of a canonical table, whatever has been put in its place."""
        return f"select * from {self.source(table, self.snapshot.data_files(table))}"

    def old(self, name: str, since: int | None = None, only: Collection[int] | None = None) -> str:
        """Return the SELECT of a derived table in force with ``_bucket``, as `Ground.old` does."""
        files = [
            path
            for path in self.snapshot.files(name)
            if derived.is_wanted(derived.bucket_of(path) or 0, since, only)
        ]
        return f"select * from {self._view(name, files, self._schemas[name], BUCKET)}"

    def columns(self, relation: str) -> list[str]:
        """Return the names of a relation's columns."""
        return self.engine.columns(relation)

    def put(self, table: str, sql: str) -> None:
        """Put the rows of a SELECT in the place of a canonical table; twice replaces them."""
        self.engine.hold(table, sql)

    def take_back(self, tables: Iterable[str]) -> None:
        """Make the views again in whose place `put` put something."""
        schemas = {table: arrow_schema(TABLES[table]) for table in tables}
        for table in schemas:
            self.engine.drop(table)
        self.engine.read(self.snapshot, schemas)

    def register_derived(self, names: Sequence[str]) -> None:
        """Make derived tables in force known by their names."""
        self.engine.read(self.snapshot, {name: self._schemas[name] for name in names})

    def publish(
        self,
        relations: Mapping[str, str | Patch | Made],
        meta: Mapping[str, Any],
        base: Snapshot | None,
    ) -> Snapshot:
        """Write what was made, from the executors, and put it in force (`Lake.write_run`)."""

        def write(one: str | Patch, folder: Path, tag: str) -> Published:
            sql = one.together if isinstance(one, Patch) else one
            return self.engine.write(sql, folder, tag, self._schemas[folder.name])

        return self.snapshot.lake.write_run(write, relations, meta, base)

    def _view(
        self, name: str, files: Sequence[str], schema: pa.Schema, bucket: str | None = None
    ) -> str:
        self._views += 1
        made = f"{name}_files_{self._views}"
        self.engine.read_files(made, files, schema, bucket)
        return made


AnyGround = Ground | SparkGround


class Marks:
    """Whose rows changed, gathered bit by bit: the relations of `TOUCHED` once they are settled."""

    def __init__(self, ground: AnyGround) -> None:
        self._ground = ground
        self._parts: dict[str, list[str]] = {unit: [] for unit in TOUCHED}
        # Whether an order was marked by a relation that does not tell its buyer.
        self.lack_buyers = False

    def add(
        self, unit: str, relation: str, where: str = "true", *, has_buyer: bool = False
    ) -> None:
        """Mark the units of those rows of a relation, called ``r``, that pass a test.

        ``has_buyer``: of orders, the relation's buyers are marked too.
        """
        table, key = TOUCHED[unit]
        self.lack_buyers |= unit == "order" and not has_buyer
        part = f"{table}_{len(self._parts[unit])}"
        self._ground.engine.hold(
            part,
            f"select distinct r.shop_id, r.{key} from {relation} as r"
            f" where r.{key} is not null and ({where})",
        )
        self._parts[unit].append(part)

    def settle(self, unit: str) -> None:
        """Make the relation of all that is marked, each once."""
        table, key = TOUCHED[unit]
        parts = self._parts[unit]
        if parts:
            sql = " union ".join(f"select shop_id, {key} from {part}" for part in parts)
            self._ground.engine.hold(table, sql)
        else:
            none = {name: pa.array([], pa.string()) for name in ("shop_id", key)}
            self._ground.engine.put(table, pa.table(none))


def view(ground: AnyGround, name: str, sql: str) -> None:
    """Give a SELECT a name, by which it is computed wherever it is read."""
    ground.engine.make(Step(name, sql, keep=False))
