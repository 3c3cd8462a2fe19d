"""A workspace run on a real cluster: the same tables in force, also when a worker dies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from threading import Timer

import duckdb
import pytest

from jinpai.engine.spark import SparkEngine
from jinpai.line import RESULTS
from jinpai.simulate import simulate
from jinpai.spark_run import SparkCluster
from jinpai.workspace import Workspace, init
from line.driving import jinpai
from spark.cluster import Cluster

pytestmark = pytest.mark.xdist_group("spark")

# Characters that stand for others in patterns, shells or addresses.
HOSTILE = "店 铺 [1] {a,b} # 'q' ?*$x"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A simulated shop, run with DuckDB."""
    root = tmp_path_factory.mktemp("world") / HOSTILE
    simulate(root / "in", agents=4, days=4, buyers=60, seed=11)
    made = init(root / "shop", shop_id=HOSTILE, name="S", platform="taobao")
    made.config.set("inspect", True)
    made.import_files([root / "in"])
    made.run()
    return made


@pytest.fixture
def copy(loaded: Workspace) -> Iterator[Workspace]:
    """The same workspace once more."""
    root = loaded.root.with_name("copy")
    shutil.copytree(loaded.root, root)
    yield Workspace(root)
    shutil.rmtree(root)


def different(ours: Workspace, theirs: Workspace) -> list[str]:
    """Return the derived tables in force that differ, in rows or in types."""
    found = []
    for name in RESULTS:
        with duckdb.connect() as con:
            for side, shop in (("ours", ours), ("theirs", theirs)):
                shop.lake.snapshot().register_derived(con, [name])
                con.execute(f"create temp table {side} as from {name}")
            types = [con.execute(f"describe {side}").fetchall() for side in ("ours", "theirs")]
            apart = con.execute(
                "(from ours except all from theirs) union all (from theirs except all from ours)"
            ).fetchall()
            rows = con.execute("select count(*) from ours").fetchall()[0][0]
        if apart or types[0] != types[1] or not rows:
            found.append(name)
    return found


def test_the_command_line_runs_on_a_cluster(
    loaded: Workspace, copy: Workspace, cluster: Cluster, spark: SparkEngine
) -> None:
    before = copy.lake.snapshot().id
    place = ("--engine", "spark", "--master", cluster.master)
    answer = jinpai("run", copy.root, "--full", *place, "--format", "json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert told["rows"] == {name: loaded.lake.snapshot().count(name) for name in RESULTS}
    assert set(told["checks"].values()) == {0}
    assert different(loaded, copy) == []
    assert copy.lake.snapshot().id == before + 1
    mine, theirs = (shop.lake.snapshot().run or {} for shop in (loaded, copy))
    assert theirs["engine"] == "spark"
    assert mine.keys() == theirs.keys() - {"engine"}
    for key in ("longest_session_us", "cutoff", "versions", "shops", "code"):
        assert mine[key] == theirs[key], key
    first, second = (shop.metrics(by=["agent", "day"]) for shop in (loaded, copy))
    assert first.num_rows > 500
    assert first.equals(second)
    # Nothing is left of the way there, and DuckDB goes on from here.
    left = [path for path in (copy.root / ".spill").rglob("*") if path.is_file()]
    assert left == []
    assert not list((copy.root / "lake" / "_tmp").iterdir())
    assert copy.run().mode == "nothing"


def test_a_worker_dies_and_the_run_ends_right(
    loaded: Workspace, copy: Workspace, cluster: Cluster, spark: SparkEngine
) -> None:
    killers: list[Timer] = []

    def on_step(name: str, done: int, of: int) -> None:
        if done > of // 3 and not killers:
            # A moment later: a step is at work then.
            killers.append(Timer(0.5, cluster.kill_worker))
            killers[0].start()

    assert cluster.workers_alive == 2
    place = SparkCluster(cluster.master, cluster.conf)
    report = copy.run(full=True, spark=place, on_step=on_step)
    killers[0].join()
    assert set(report.checks.values()) == {0}
    assert different(loaded, copy) == []
    assert len(spark.session.sparkContext._jsc.sc().statusTracker().getExecutorInfos()) >= 1
    cluster.add_worker()
