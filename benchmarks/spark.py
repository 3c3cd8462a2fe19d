"""Spark against DuckDB: every derived table of a simulated shop, on a cluster of two workers.

    python benchmarks/spark.py --data DIR [--messages 2000000] [--kill]

Simulates a shop, imports it, runs it with DuckDB, runs a copy of the workspace on a standalone
cluster of this machine (one master, two workers, each a process of its own), and compares the
tables row by row. ``--kill`` kills a worker in the middle. Ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread, Timer

import duckdb

from jinpai.line import RESULTS
from jinpai.simulate import simulate
from jinpai.spark_run import SparkCluster
from jinpai.workspace import Workspace, init

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from spark.cluster import Cluster  # noqa: E402

# Measured: messages of one simulated buyer.
PER_BUYER = 12.7
CONF = {
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
    "spark.executor.extraJavaOptions": "-XX:+UseSerialGC",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
}


def loaded(data: Path, messages: int) -> Workspace:
    """Return a workspace with the simulated shop, made once."""
    root = data / f"shop-{messages}"
    if not (root / "jinpai.toml").exists():
        buyers = round(messages / PER_BUYER)
        simulate(data / f"in-{messages}", agents=100, days=30, buyers=buyers, seed=3)
        made = init(root, shop_id="big", name="Big", platform="taobao")
        made.import_files([data / f"in-{messages}"])
    return Workspace(root)


def differences(ours: Workspace, theirs: Workspace) -> int:
    """Print each derived table's rows and how many differ; return how many differ in all."""
    total = 0
    print(f"{'table':<16} {'rows':>12} {'differ':>8}  types")
    for name in RESULTS:
        with duckdb.connect() as con:
            for side, shop in (("a", ours), ("b", theirs)):
                shop.lake.snapshot().register_derived(con, [name])
                con.execute(f"create temp view {side} as from {name}")
                con.execute(f"create temp table {side}_rows as from {side}")
            kinds = [con.execute(f"describe {side}_rows").fetchall() for side in "ab"]
            rows, apart = con.execute(
                "select (select count(*) from a_rows),"
                " (select count(*) from (from a_rows except all from b_rows))"
                " + (select count(*) from (from b_rows except all from a_rows))"
            ).fetchall()[0]
        same = kinds[0] == kinds[1]
        print(f"{name:<16} {rows:>12,} {apart:>8,}  {'same' if same else 'DIFFER'}", flush=True)
        total += apart + (not same)
    return total


@dataclass
class Watched:
    """The largest size that a folder has had so far, and what each process of ours has used."""

    folder: Path
    peak: int = 0
    ticks: dict[int, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return sum(self.ticks.values()) / os.sysconf("SC_CLK_TCK")

    def look(self) -> None:
        """Look again; processes that are gone keep what they had (Linux)."""
        size = 0
        for inner, _, names in os.walk(self.folder):  # what is gone by then is passed over
            for name in names:
                with suppress(OSError):
                    size += os.stat(os.path.join(inner, name)).st_size
        self.peak = max(self.peak, size)
        parents, used = {}, {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                parents[int(stat.parent.name)] = int(fields[1])
                used[int(stat.parent.name)] = int(fields[11]) + int(fields[12])
        family = {os.getpid()}
        while more := {one for one, parent in parents.items() if parent in family} - family:
            family |= more
        self.ticks |= {one: used[one] for one in family}


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Watch a folder, this process and all that it started."""
    done, found = Event(), Watched(folder)

    def watch() -> None:
        while not done.wait(0.5):
            found.look()

    thread = Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=2_000_000)
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--kill", type=float, metavar="SECONDS", help="kill a worker after these")
    asked = parser.parse_args()
    asked.data.mkdir(parents=True, exist_ok=True)
    ours = loaded(asked.data, asked.messages)
    started, before = time.perf_counter(), time.process_time()
    report = ours.run(full=True)
    used = time.process_time() - before
    print(f"DuckDB: {time.perf_counter() - started:.1f} s, processor {used:.1f} s", flush=True)
    copy = asked.data / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ours.root, copy)
    theirs = Workspace(copy)
    folder = asked.data / "cluster"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with Cluster(folder, "1400m", CONF) as cluster:
        if asked.kill:
            Timer(asked.kill, cluster.kill_worker).start()
        started, before = time.perf_counter(), time.process_time()
        place = SparkCluster(cluster.master, cluster.conf)
        with watched(copy / ".spill") as seen:
            again = theirs.run(full=True, spark=place)
        print(f"Spark: {time.perf_counter() - started:.1f} s, {cluster.workers_alive} workers left")
        used, scratch = seen.seconds - before, seen.peak / 1e6
        print(f"processor {used:.0f} s, scratch folder {scratch:.0f} MB at most", flush=True)
        slowest = sorted(again.seconds.items(), key=lambda one: -one[1])[:8]
        print(", ".join(f"{name} {seconds:.1f}" for name, seconds in slowest))
    assert report.rows == again.rows
    return 1 if differences(ours, theirs) else 0


if __name__ == "__main__":
    raise SystemExit(main())
