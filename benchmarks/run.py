"""Speed as ratios to hand-written peers on the same work, in one run on one machine.

    make bench                     2 million messages, 5 rounds
    make bench-full                20 million messages, 5 rounds, and the curve to 200 million
    python benchmarks/run.py --messages 20000000 --rounds 3 [--out FILE.md]

Prints a Markdown table; figures are medians over the rounds, in which the contestants take turns.
Ratios are medians of the rounds' own ratios. Every contestant's figures are compared, so a fast
wrong answer does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
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


POLARS, FLOOR, RUN = "Polars script", "floor: read and sort once", "Jinpai run + figures"


def script(name: str, *arguments: object) -> list[str]:
    """Return the arguments that run one of the scripts beside this one."""
    return [str(HERE / name), *map(str, arguments)]


def measure(folder: Path, messages: int, rounds: int, work: Path, peers: bool) -> dict[str, Timing]:
    """Let the contestants take turns; returns their timings by name."""
    found: dict[str, Timing] = {}

    def job(name: str, arguments: list[str]) -> None:
        print(f"{name} …", file=sys.stderr, flush=True)
        timed(found.setdefault(name, Timing()), arguments)

    workspace = work / "parquet"
    for _ in range(rounds):
        shutil.rmtree(workspace, ignore_errors=True)
        job("import Parquet", script("line.py", "import", workspace, folder))
        job(FLOOR, script("floor.py", folder))
        job(POLARS, script("peer_polars.py", folder, work / "polars.parquet"))
        job(RUN, script("line.py", "run", workspace, work / "jinpai.parquet"))
        if peers:
            job("DuckDB SQL script", script("peer_duckdb.py", folder, work / "duckdb.parquet"))
            job("pandas script", script("peer_pandas.py", folder, work / "pandas.parquet"))
    same(work / "jinpai.parquet", work / "polars.parquet")
    if peers:
        same(work / "duckdb.parquet", work / "polars.parquet")
        same(work / "pandas.parquet", work / "polars.parquet")
    job(f"{RUN}, --memory 1GB", script("line.py", "run", workspace, work / "small.parquet", "1GB"))
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
    rows = messages + messages // 30
    lines = ["| job | seconds | CPU seconds | peak MB | × Polars | × floor | million rows/s |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, timing in found.items():
        is_import = name.startswith("import")
        speed = f"{rows / timing.median / 1e6:.2f}" if is_import else ""
        ratios = ["" if is_import else ratio(timing, found[to]) for to in (POLARS, FLOOR)]
        cpu, peak = statistics.median(timing.cpu), max(timing.peak)
        lines.append(
            f"| {name} | {timing.median:.1f} | {cpu:.1f} | {peak:.0f} | {ratios[0]} | {ratios[1]}"
            f" | {speed} |"
        )
    return "\n".join(lines)


def ratio(timing: Timing, to: Timing) -> str:
    """Median of the rounds' ratios; of the medians where the rounds differ in number."""
    if len(timing.seconds) != len(to.seconds):
        return f"{timing.median / to.median:.2f}"
    pairs = zip(timing.seconds, to.seconds, strict=True)
    return f"{statistics.median(own / other for own, other in pairs):.2f}"


def machine() -> str:
    """Name the processor, its cores, memory and the versions measured."""
    named = "unknown processor"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                named = line.partition(":")[2].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("jinpai", "duckdb", "polars", "pandas", "deltalake")
    )
    return (
        f"{named}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()}, "
        f"Python {platform.python_version()}, {versions}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--no-peers", action="store_true", help="without DuckDB SQL and pandas")
    parser.add_argument("--out", type=Path, help="write the page here as well")
    options = parser.parse_args()
    folder = options.data / f"parquet-{options.messages}"
    generate(folder, options.messages, "parquet")
    with tempfile.TemporaryDirectory(dir=options.data) as work:
        found = measure(folder, options.messages, options.rounds, Path(work), not options.no_peers)
    page = (
        f"{options.messages:,} messages, {options.messages // 30:,} orders, medians of "
        f"{options.rounds} round(s).\n{machine()}\n\n{table(found, options.messages)}\n"
    )
    print(page)
    if options.out:
        options.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
