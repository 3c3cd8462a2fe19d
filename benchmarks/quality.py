"""Speed of inspection as ratios to what people write by hand, in one run on one machine.

    python benchmarks/quality.py [--messages 20000000] [--out FILE.md]

Messages come from `talk.py` (60 % of the texts distinct). The contestants:

* acts: every distinct text told its acts;
* inspection: acts, all shipped rules, findings and scores with their evidence, written to a file;
* a Python ``re`` loop over the same patterns: each distinct text once, until an act is decided;
* snownlp: its sentiment of each distinct text.

The two peers are timed on a sample, for they would take hours; they are one process, as such
scripts are, so seconds of the processor are compared besides seconds on the clock.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from run import Timing, machine, script, timed

ROLES: tuple[Literal["agent", "buyer"], ...] = ("agent", "buyer")
SAMPLES = {"re": 100_000, "snownlp": 3_000}


def batches(path: Path, limit: int | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the lines, at most about ``limit``."""
    # Read, not mapped: pages of the file would count as memory of the job.
    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
        for number in range(file.num_record_batches):
            batch = file.get_batch(number).slice(0, limit)
            yield batch
            if limit is not None and (limit := limit - batch.num_rows) <= 0:
                return


def texts(path: Path, role: str, limit: int | None = None) -> Iterator[pa.Array]:
    """Yield the texts of a role, each once a batch."""
    for batch in batches(path, limit):
        said = batch.column("text").filter(pc.equal(batch.column("role"), role))
        yield said.unique()


def acts(path: Path) -> int:
    """Tell the acts of every text."""
    from jinpai.quality.acts.patterns import shipped_acts
    from jinpai.quality.acts.scan import Scanner

    scanner = Scanner(shipped_acts())
    found = 0
    for role in ROLES:
        for said in texts(path, role):
            found += len(scanner.scan(role, said))
    return found


def inspection(path: Path) -> int:
    """Judge every session by all shipped rules."""
    from jinpai.quality.inspector import INSPECTED, Inspector

    rows, packing = 0, {"compression": "lz4"}  # as the engine packs them
    with tempfile.TemporaryFile() as out, pq.ParquetWriter(out, INSPECTED, **packing) as writer:
        for batch in Inspector()(batches(path)):
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def _for_re(pattern: str) -> str:
    """Write classes of Unicode, which ``re`` does not know, as ranges inside a class."""
    return pattern.replace(r"\p{Han}", "\u3400-\u9fff")


def by_re(path: Path) -> int:
    """Tell acts by a loop over compiled patterns, as one would write it."""
    from jinpai.quality.acts.patterns import expand, shipped_acts

    found = 0
    for role in ROLES:
        compiled = [
            tuple(
                [re.compile(_for_re(expand(pattern)), re.IGNORECASE) for pattern in listed]
                for listed in (act.any, act.not_)
            )
            for act in shipped_acts()
            if act.role == role
        ]
        for said in texts(path, role, SAMPLES["re"]):
            for text in said.to_pylist():
                for wanted, unwanted in compiled:
                    has = any(one.search(text) for one in wanted)
                    found += has and not any(one.search(text) for one in unwanted)
    return found


def by_snownlp(path: Path) -> int:
    """Tell the sentiment of texts by snownlp."""
    from snownlp import SnowNLP

    negative = 0
    for role in ROLES:
        for said in texts(path, role, SAMPLES["snownlp"]):
            negative += sum(SnowNLP(text).sentiments < 0.5 for text in said.to_pylist())
    return negative


JOBS = {"acts": acts, "inspection": inspection, "re": by_re, "snownlp": by_snownlp}


def table(found: dict[str, Timing], counts: dict[str, int]) -> str:
    """Return the Markdown table."""
    lines = [
        "| job | messages | seconds | CPU seconds | peak MB | thousand messages/s"
        " | per CPU second | × re loop | × snownlp |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    wall = {name: counts[name] / timing.median for name, timing in found.items()}
    for name, timing in found.items():
        ratios = " | ".join(f"{wall[name] / wall[peer]:.1f}" for peer in SAMPLES)
        lines.append(
            f"| {name} | {counts[name]:,} | {timing.median:.1f} | {timing.cpu[0]:.1f}"
            f" | {timing.peak[0]:.0f} | {wall[name] / 1e3:.1f}"
            f" | {counts[name] / timing.cpu[0] / 1e3:.1f} | {ratios} |"
        )
    return "\n".join(lines)


def compare(folder: Path, messages: int) -> str:
    """Time all contestants; returns the table."""
    path = folder / f"talk-{messages}.arrow"
    if not path.exists():
        timed(Timing(), script("talk.py", path, "--messages", messages))
    rows = sum(batch.num_rows for batch in batches(path))
    found, counts = dict[str, Timing](), dict[str, int]()
    for job in JOBS:
        print(f"{job} …", file=sys.stderr, flush=True)
        timed(found.setdefault(job, Timing()), script("quality.py", "--job", job, "--lines", path))
        counts[job] = SAMPLES.get(job, rows)
    return f"{machine()}\n\n{table(found, counts)}"


def main() -> None:
    """Read the arguments, compare, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=20_000_000)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "jinpai-bench")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--job", choices=JOBS, help="one job alone; used by the comparison")
    parser.add_argument("--lines", type=Path)
    given = parser.parse_args()
    if given.job:
        began = time.perf_counter()
        print(f"{JOBS[given.job](given.lines)} found")
        print(f"seconds {time.perf_counter() - began:.3f}")
        return
    given.data.mkdir(parents=True, exist_ok=True)
    report = compare(given.data, given.messages)
    print(report)
    if given.out:
        given.out.write_text(report + "\n", "utf-8")


if __name__ == "__main__":
    main()
