"""A part of the work on a cluster leaves what a full run of the default engine would have left.

A minute or two of processor time, so it has a name that is not collected by itself:
``pytest tests/spark/partial_runs.py``.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from jinpai.engine.spark import SparkEngine
from jinpai.refresh import layout
from jinpai.run import RESULTS, RunReport
from jinpai.spark_run import SparkCluster
from jinpai.tables.contents import contents
from jinpai.tables.lake import Lake
from line.sequences import Setup, delete_rows, digest, load, run
from line.test_incremental import fresh
from spark.cluster import Cluster

pytestmark = pytest.mark.xdist_group("spark")


def different(setup: Setup, folder: Path, **options: str) -> list[str]:
    """Return the derived tables that a full run of the default engine makes otherwise."""
    other = Setup(folder, setup.shops, setup.values)
    shutil.copytree(setup.root, folder)
    assert run(other, full=True, **options).mode == "full"
    partly, wholly = digest(setup), digest(other)
    same = contents(Lake(setup.root).snapshot()) == contents(Lake(folder).snapshot())
    shutil.rmtree(folder)
    return [name for name in RESULTS if partly[name] != wholly[name]] or ([] if same else ["sums"])


def test_parts_of_the_work(
    tmp_path: Path, cluster: Cluster, spark: SparkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "_OWN_WEEKS", 2)
    setup, stories = fresh(tmp_path / "w", Random(9), 4)

    def on_spark(**options: str) -> RunReport:
        place = SparkCluster(cluster.master, cluster.conf, tmp_path)
        report = run(setup, spark=place, **options)
        assert set(report.checks.values()) == {0}
        return report

    def load_all(step: int) -> None:
        load(setup, {story.shop.shop_id: story.rows(step) for story in stories})

    load_all(0)
    run(setup)
    # Rows that come late, twice or corrected, of one shop; the last run was DuckDB's.
    load(setup, {"s1": stories[1].rows(1)})
    report = on_spark()
    assert report.mode == "partial"
    assert report.touched["buyer"] > 0
    assert different(setup, tmp_path / "full") == []
    assert (Lake(setup.root).snapshot().run or {})["engine"] == "spark"
    assert on_spark().mode == "nothing"
    # Rows taken back, another setting, and only one shop of those with new rows.
    load_all(2)
    delete_rows(setup, Random(1))
    setup.values["s2"]["inquiry_days"] = 4
    others = {name: digest(setup, name) for name in ("s0", "s3")}
    report = on_spark(shop_id="s2")
    assert report.mode == "partial"
    assert {name: digest(setup, name) for name in others} == others
    # A later moment of seeing, and the default engine goes on from what Spark left.
    load(setup, {"s3": stories[3].rows(3)})
    assert on_spark(as_of="2027-01-01").mode in ("partial", "full")
    assert run(setup, as_of="2027-01-01").mode == "nothing"
    assert different(setup, tmp_path / "full", as_of="2027-01-01") == []
