"""Which engine computes: ``pytest --engine spark tests/line tests/test_explain.py``.

One source of tests, a class per engine beside the default. With ``--engine spark`` everything that
tests make through `worlds.run_shops` or `Workspace.run` is computed on a real cluster, and read as
always. A test that cannot pass there says so with ``notimpl`` (the engine cannot), ``notyet`` (we
do not) or ``never`` (it would make no sense), and names the exception:
``@pytest.mark.notyet("spark", raises=UsageError)``. It must then fail in just that way.

A tiny run on a cluster takes half a minute of processor time, most of it planning. With ``--engine
both`` the tests compute with DuckDB, and Spark computes all their cases in one run (`compared`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import jinpai.workspace
import worlds
from compared import OnBoth
from jinpai.conversations.inputs import RunShop, run_relations
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.spark import SparkEngine
from jinpai.line import CHECKED, RESULTS, make
from jinpai.run import run_line
from jinpai.spark_run import SparkCluster
from jinpai.tables.schema import TABLES
from spark.cluster import Cluster

__all__ = ["ENGINES", "OnSpark"]

# Beside the results, what tests ask the books of.
_ASKED = (*CHECKED, "judged_sessions")
Tables = dict[str, pa.Table]


class OnSpark:
    """A cluster of two workers, one connection for the whole session."""

    name = "spark"

    def __init__(self) -> None:
        self._made: dict[str, Tables] = {}

    @contextmanager
    def computing(self, folder: Path) -> Iterator[None]:
        """Compute on the cluster."""
        with (
            Cluster(folder) as cluster,
            SparkEngine(scratch=folder, master=cluster.master, conf=cluster.conf) as spark,
            pytest.MonkeyPatch.context() as patch,
        ):

            def elsewhere(*place: Any, **given: Any) -> Any:
                here = SparkCluster(cluster.master, cluster.conf, folder)
                mine = {name: given[name] for name in given if name not in ("memory", "threads")}
                return run_line(*place, **{**mine, "spark": here})

            def made(duck: DuckEngine, shops: Sequence[RunShop]) -> None:
                tables = {name: duck.fetch(name, f"select * from {name}") for name in TABLES}
                for name, table in self._of(spark, folder, tables, shops).items():
                    duck.put(name, table)
                for name, table in run_relations(shops).items():
                    duck.put(name, table)

            patch.setattr(jinpai.workspace, "run_line", elsewhere)
            patch.setattr(worlds, "make", made)
            yield

    def _of(
        self, spark: SparkEngine, folder: Path, tables: Tables, shops: Sequence[RunShop]
    ) -> Mapping[str, pa.Table]:
        """Return what the steps make of tables; tests that ask for the same share it."""
        key = _key(tables, shops)
        if key not in self._made:
            for name, table in tables.items():
                spark.put(name, table)
            wanted = (*RESULTS, *_ASKED)
            make(spark, shops, keep=wanted)
            self._made[key] = {name: _rows(spark, folder, name) for name in wanted}
        return self._made[key]


def _key(tables: Tables, shops: Sequence[RunShop]) -> str:
    made = hashlib.sha256(repr(shops).encode())
    for name, table in tables.items():
        made.update(f"{name}{table.to_pylist()}".encode())
    return made.hexdigest()


def _rows(spark: SparkEngine, scratch: Path, name: str) -> pa.Table:
    """Return a relation: from the files it is kept in, which costs Spark nothing, or computed."""
    kept = sorted(scratch.glob(f"spark-*/{name}-*"), key=lambda path: int(path.name.split("-")[1]))
    if not kept:
        return spark.fetch(name, f"select * from {name}")
    table = pq.read_table(kept[-1])
    plain = [
        pa.field(f.name, pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type)
        for f in table.schema
    ]
    return table.cast(pa.schema(plain))


ENGINES = {engine.name: engine for engine in (OnSpark(), OnBoth())}
