"""Speed as ratios to hand-written peers on the same work, in one run on one machine.

    make bench                                       5 million messages, 1 round
    python benchmarks/run.py --messages 20000000 --rounds 3

Prints a Markdown table; figures are medians over the rounds, in which the contestants take turns.
Every contestant's figures are compared, so a fast wrong answer does not count.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass
class Timing:
    """One contestant's seconds, processor seconds and peak memory (MB), a figure a round."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median seconds."""
        return statistics.median(self.seconds)


def timed(timing: Timing, arguments: list[str]) -> None:
    """Run one job as a process of its own; its own 'seconds' line counts where it prints one."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{output}")
    own = [line.split()[1] for line in output.splitlines() if line.startswith("seconds ")]
    timing.seconds.append(float(own[-1]) if own else wall)
    timing.cpu.append(used.ru_utime + used.ru_stime)
    timing.peak.append(used.ru_maxrss / 1024)
    print("  " + output.strip().replace("\n", "\n  "), file=sys.stderr, flush=True)


def script(name: str, *arguments: object) -> list[str]:
    """Return the arguments that run one of the scripts beside this one."""
    return [str(HERE / name), *map(str, arguments)]


def measure(
    folder: Path, messages: int, rounds: int, work: Path, pandas: bool
) -> dict[str, Timing]:
    """Let the contestants take turns; returns their timings by name."""
    found: dict[str, Timing] = {}

    def job(name: str, arguments: list[str]) -> None:
        print(f"{name} …", file=sys.stderr, flush=True)
        timed(found.setdefault(name, Timing()), arguments)

    workspace = work / "parquet"
    for turn in range(rounds):
        shutil.rmtree(workspace, ignore_errors=True)
        job("import Parquet", script("line.py", "import", workspace, folder))
        job("Polars script", script("peer_polars.py", folder, work / "polars.parquet"))
        job("Jinpai run + figures", script("line.py", "run", workspace, work / "jinpai.parquet"))
        if pandas and turn == 0:
            job("pandas script", script("peer_pandas.py", folder, work / "pandas.parquet"))
    same(work / "jinpai.parquet", work / "polars.parquet")
    if pandas:
        same(work / "pandas.parquet", work / "polars.parquet")
    job(
        "Jinpai run, --memory 1GB",
        script("line.py", "run", workspace, work / "small.parquet", "1GB"),
    )
    same(work / "small.parquet", work / "polars.parquet")
    lines = folder.parent / f"csv-{messages}"
    generate(lines, messages, "csv")
    job("import CSV", script("line.py", "import", work / "csv", lines))
    return found


def same(one: Path, other: Path) -> None:
    """Stop when two contestants disagree on a figure both have."""
    import compare
    import polars as pl

    left, right = pl.read_parquet(one), pl.read_parquet(other)
    both = [name for name in left.columns if name in right.columns]
    wrong = compare.differences(left.select(both), right.select(both))
    if wrong:
        raise SystemExit(f"{one.name} and {other.name} differ: {wrong}")
    print(f"  {one.name} = {other.name}: {len(both) - 2} figures", file=sys.stderr, flush=True)


def generate(folder: Path, messages: int, kind: str) -> None:
    """Make the data once."""
    if not (folder / f"orders.{kind}").exists():
        command = [sys.executable, *script("generate.py", folder, "--messages", messages)]
        subprocess.run([*command, "--format", kind], check=True)


def table(found: dict[str, Timing], messages: int) -> str:
    """Return the Markdown table."""
    polars = found["Polars script"].median
    rows = messages + messages // 30
    lines = ["| job | seconds | CPU seconds | peak MB | against Polars | million rows/s |"]
    lines.append("|---|---|---|---|---|---|")
    for name, timing in found.items():
        speed = f"{rows / timing.median / 1e6:.2f}" if name.startswith("import") else ""
        ratio = "" if name.startswith("import") else f"{timing.median / polars:.2f}"
        cpu, peak = statistics.median(timing.cpu), max(timing.peak)
        lines.append(
            f"| {name} | {timing.median:.1f} | {cpu:.1f} | {peak:.0f} | {ratio} | {speed} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--no-pandas", action="store_true")
    options = parser.parse_args()
    folder = options.data / f"parquet-{options.messages}"
    generate(folder, options.messages, "parquet")
    with tempfile.TemporaryDirectory(dir=options.data) as work:
        found = measure(folder, options.messages, options.rounds, Path(work), not options.no_pandas)
    print(
        f"{options.messages:,} messages, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print(table(found, options.messages))


if __name__ == "__main__":
    main()
