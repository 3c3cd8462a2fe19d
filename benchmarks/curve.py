"""How the time of a full run grows with the messages, under one memory limit.

    python benchmarks/curve.py --sizes 2000000,20000000 [--memory 2GB] [--log FILE]
    python benchmarks/curve.py --sizes 200000000 --out docs/benchmarks   # one more, and the report
    python benchmarks/curve.py --sizes 200000000 --steps data            # piece by piece

Every size is generated, imported and run in processes of their own; each adds a line to the log.
Data go once they are imported, and the workspace when it is measured: 200 million messages leave
nothing. The folder is watched, so that the most it ever held is told.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from timing import HERE, LOG, generate, keep, kept, script, take

__all__ = ["IMPORT", "RUN"]

IMPORT, RUN = "curve import", "curve run"
STEPS = ("data", "import", "run")


def measure(size: int, steps: Sequence[str], data: Path, memory: str, log: Path) -> None:
    """Take these steps with one size; keep what import and run took."""
    place = data / f"curve-{size}"
    lines, workspace = place / "in", place / "shop"
    number = 1 + sum(one.job == IMPORT and one.messages == size for one in kept(log))
    for step in steps:
        print(f"{size:,} messages: {step} …", file=sys.stderr, flush=True)
        if step == "data":
            shutil.rmtree(place, ignore_errors=True)
            generate(lines, size, "parquet")
        elif step == "import":
            shutil.rmtree(workspace, ignore_errors=True)
            command = script("line.py", "import", workspace, lines)
            keep(log, take(IMPORT, size, number, command, watch=place))
            shutil.rmtree(lines)
        else:
            command = script("line.py", "run", workspace, place / "figures.parquet", memory)
            keep(log, take(f"{RUN} {memory}", size, number, command, watch=place))
            shutil.rmtree(place)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="2000000,20000000,200000000")
    parser.add_argument("--steps", default=",".join(STEPS), help="default all: %(default)s")
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--log", type=Path, default=LOG, help="JSON lines, default %(default)s")
    parser.add_argument("--out", type=Path, help="folder for the report of the whole log")
    options = parser.parse_args()
    steps = options.steps.split(",")
    if unknown := [step for step in steps if step not in STEPS]:
        parser.error(f"no such step: {', '.join(unknown)}; there are {', '.join(STEPS)}")
    for size in sorted(int(size) for size in options.sizes.split(",")):
        measure(size, steps, options.data, options.memory, options.log)
    import report

    if options.out:
        report.write(options.log, options.out)
    else:
        print(report.curve_table(report.curve_of(kept(options.log))))


if __name__ == "__main__":
    main()
