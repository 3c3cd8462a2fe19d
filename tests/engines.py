"""Which engine computes: ``pytest --engine spark tests/line tests/test_explain.py``.

One source of tests, a class per engine beside the default. With ``--engine spark`` everything that
tests make through `worlds.run_shops` or `Workspace.run` is computed on a real cluster, and read as
always. A test that cannot pass there says so with ``notimpl`` (the engine cannot), ``notyet`` (we
do not) or ``never`` (it would make no sense), and names the exception:
``@pytest.mark.notyet("spark", raises=UsageError)``. It must then fail in just that way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import jinpai.workspace
import worlds
from jinpai.conversations.inputs import RunShop, run_relations
from jinpai.engine.duckdb import DuckEngine
from jinpai.engine.spark import SparkEngine
from jinpai.line import CHECKED, RESULTS, make
from jinpai.run import run_line
from jinpai.spark_run import SparkCluster
from jinpai.tables.schema import TABLES
from spark.cluster import Cluster

__all__ = ["ENGINES", "OnSpark"]

# Kept beside the results: what tests ask the books of.
_ASKED = (*CHECKED, "judged_sessions")


class OnSpark:
    """A cluster of two workers, one connection for the whole session."""

    name = "spark"

    @contextmanager
    def computing(self, folder: Path) -> Iterator[None]:
        """Compute on the cluster."""
        with (
            Cluster(folder) as cluster,
            SparkEngine(scratch=folder, master=cluster.master, conf=cluster.conf) as spark,
            pytest.MonkeyPatch.context() as patch,
        ):

            def elsewhere(*place: Any, memory: str = "", threads: int = 0, **given: Any) -> Any:
                here = SparkCluster(cluster.master, cluster.conf, folder)
                return run_line(*place, spark=here, **given)

            def made(duck: DuckEngine, shops: Sequence[RunShop]) -> None:
                for name in TABLES:
                    spark.put(name, duck.fetch(name, f"select * from {name}"))
                make(spark, shops, keep=(*RESULTS, *_ASKED))
                for name in (*RESULTS, *_ASKED):
                    duck.put(name, spark.fetch(name, f"select * from {name}"))
                for name, table in run_relations(shops).items():
                    duck.put(name, table)

            patch.setattr(jinpai.workspace, "run_line", elsewhere)
            patch.setattr(worlds, "make", made)
            yield


ENGINES = {engine.name: engine for engine in (OnSpark(),)}
