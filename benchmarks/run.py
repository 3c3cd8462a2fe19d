"""Speed as ratios to hand-written peers on the same work, in one run on one machine.

    make bench                     2 million messages, 5 rounds
    make bench-full                20 million messages, 5 rounds, and the curve to 200 million
    python benchmarks/run.py --messages 20000000 --rounds 1 [--log FILE] [--out docs/benchmarks]
    python benchmarks/run.py --messages 20000000 --jobs polars,run   # some contestants alone

In a round the contestants take turns, each a process of its own; every figure is added to the log,
a line a job. Rounds may be measured on different days: each call goes on from the last number. The
contestants' figures are compared in every round, so a fast wrong answer does not count. ``--out``
writes the report of all that is in the log (`report.py`); otherwise a table is printed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from timing import HERE, LOG, Timing, generate, keep, kept, machine, script, take, timed

__all__ = ["HERE", "JOBS", "Timing", "generate", "machine", "script", "timed"]

# Name -> what it is called in the report; in the order of a round.
JOBS = {
    "import": "import Parquet",
    "floor": "floor: read the columns, sort once",
    "polars": "Polars script",
    "run": "Jinpai: run and figures",
    "duckdb": "DuckDB SQL script",
    "pandas": "pandas script",
    "run 1GB": "Jinpai with --memory 1GB",
    "import csv": "import CSV",
}
FIGURES = ("polars", "run", "duckdb", "pandas", "run 1GB")


class Bench:
    """Data, a workspace and the contestants' figures for one size, in a folder of their own."""

    def __init__(self, data: Path, messages: int) -> None:
        self.messages, self.data = messages, data / f"parquet-{messages}"
        self.csv, self.work = data / f"csv-{messages}", data / f"rounds-{messages}"
        self.work.mkdir(parents=True, exist_ok=True)

    def command(self, job: str) -> list[str]:
        """Return the arguments of a job; makes what it needs."""
        generate(self.data, self.messages, "parquet")
        made: dict[str, Callable[[], list[str]]] = {
            "import": lambda: script("line.py", "import", self._fresh("shop"), self.data),
            "import csv": self._csv,
            "floor": lambda: script("floor.py", self.data),
            "run": lambda: script("line.py", "run", self._imported(), self._figures(job)),
            "run 1GB": lambda: script(
                "line.py", "run", self._imported(), self._figures(job), "1GB"
            ),
        }
        peer = made.get(job, lambda: script(f"peer_{job}.py", self.data, self._figures(job)))
        return peer()

    def _csv(self) -> list[str]:
        generate(self.csv, self.messages, "csv")
        return script("line.py", "import", self._fresh("csv"), self.csv)

    def _fresh(self, name: str) -> Path:
        shutil.rmtree(self.work / name, ignore_errors=True)
        return self.work / name

    def _imported(self) -> Path:
        shop = self.work / "shop"
        if not (shop / "jinpai.toml").exists():
            subprocess.run([sys.executable, *self.command("import")], check=True)
        return shop

    def _figures(self, job: str) -> Path:
        return self.work / f"{job}.parquet"

    def compare(self, jobs: Sequence[str]) -> None:
        """End the program where two of these contestants disagree on a figure both have."""
        made = [job for job in jobs if job in FIGURES]
        for job in made[1:]:
            pair = (self._figures(made[0]), self._figures(job))
            print(f"  {made[0]} and {job}:", end=" ", file=sys.stderr, flush=True)
            command = [sys.executable, *script("compare.py", *pair, "--common")]
            subprocess.run(command, check=True, stdout=sys.stderr)


def measure(bench: Bench, jobs: Sequence[str], rounds: int, log: Path) -> None:
    """Let the contestants take turns and keep what they took."""
    last = max((one.round for one in kept(log) if one.messages == bench.messages), default=0)
    for number in range(last + 1, last + 1 + rounds):
        for job in jobs:
            print(f"round {number}: {job} …", file=sys.stderr, flush=True)
            keep(log, take(job, bench.messages, number, bench.command(job)))
        bench.compare(jobs)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--jobs", default=",".join(JOBS), help="default all: %(default)s")
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--log", type=Path, default=LOG, help="JSON lines, default %(default)s")
    parser.add_argument("--out", type=Path, help="folder for the report of the whole log")
    options = parser.parse_args()
    jobs = [job.strip() for job in options.jobs.split(",")]
    if unknown := [job for job in jobs if job not in JOBS]:
        parser.error(f"no such job: {', '.join(unknown)}; there are {', '.join(JOBS)}")
    measure(Bench(options.data, options.messages), jobs, options.rounds, options.log)
    import report

    if options.out:
        out = options.out.parent if options.out.suffix == ".md" else options.out
        report.write(options.log, out)
    else:
        print(report.ratio_table(kept(options.log), options.messages))


if __name__ == "__main__":
    main()
