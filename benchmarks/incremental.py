"""One new day on top of a year: what a run costs against a full one, and that both are equal.

    python benchmarks/incremental.py --messages 2400000 [--days 365] [--out FILE.md]

A year is loaded but for its last day, and run; then the last day: its messages, and every order
with a moment on it, old orders that were paid or shipped that day among them. The run after it may
cost 3 % of a full run and 2 seconds. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import generate
import pyarrow as pa
from run import HERE, machine

import jinpai
from jinpai.tables.contents import contents

SHARE, EXTRA = 0.03, 2.0
# What an export of the evening before says of an order.
BEFORE = """
SELECT * REPLACE (
    CASE WHEN paid_at < $cut THEN paid_at END AS paid_at,
    CASE WHEN paid_at < $cut THEN paid_amount END AS paid_amount,
    CASE WHEN shipped_at < $cut THEN shipped_at END AS shipped_at,
    CASE WHEN closed_at < $cut THEN closed_at END AS closed_at)
FROM '{source}/orders.parquet' WHERE created_at < $cut
"""
ON_THE_DAY = """
SELECT * FROM '{source}/orders.parquet'
WHERE greatest(created_at, paid_at, shipped_at, closed_at) >= $cut AND created_at < {end}
"""


def make(out: Path, messages: int, days: int) -> None:
    """Write ``base/`` and ``night/``."""
    if (out / "night").exists():
        return
    source = out / "whole"
    generate.generate(source, messages, days=days)
    con = duckdb.connect(config={"memory_limit": "3GB"})
    con.execute("SET TimeZone = 'UTC'")
    cut = last_day(con, f"{source}/messages.parquet")
    for folder in ("base", "night.tmp"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    talk = f"SELECT * FROM '{source}/messages.parquet' WHERE sent_at"
    day_after = "$cut + INTERVAL 1 DAY"
    for path, sql in {
        "base/messages": f"{talk} < $cut",
        "night.tmp/messages": f"{talk} >= $cut AND sent_at < {day_after}",
        "base/orders": BEFORE.format(source=source),
        "night.tmp/orders": ON_THE_DAY.format(source=source, end=day_after),
    }.items():
        con.execute(f"COPY ({sql}) TO '{out / path}.parquet'", {"cut": cut})
    for name in ("agents", "shops"):
        (source / f"{name}.parquet").rename(out / "base" / f"{name}.parquet")
    shutil.rmtree(source)
    (out / "night.tmp").rename(out / "night")


TITLES = {
    "import": "import a year but for its last day",
    "run": "first run",
    "import night": "import the last day",
    "run night": "run after it",
    "run again": "full run of the same",
}


@dataclass(frozen=True)
class Done:
    """What one job took, in seconds, and what a run of it left (table -> contents)."""

    wall: float
    cpu: float
    said: str
    left: dict[str, str] | None


def last_day(con: duckdb.DuckDBPyConnection, messages: str) -> datetime:
    """Return when the last day begins that has as many messages as days have."""
    sql = (
        f"WITH days AS (SELECT epoch_us(sent_at) // 86_400_000_000 AS day, count(*) AS talk"
        f" FROM '{messages}' GROUP BY 1)"
        " SELECT max(day) FROM days WHERE talk > (SELECT median(talk) FROM days) * 0.9"
    )
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=con.execute(sql).fetchall()[0][0])


def job(name: str, workspace: Path, data: Path) -> None:
    """Do one thing to a workspace; prints what came of it, and the seconds, as JSON."""
    if name == "import":
        shop = jinpai.init(workspace, shop_id="bench", name="bench", platform="taobao")
    else:
        shop = jinpai.open(workspace)
    pa.array([0])  # PyArrow loads pandas here, if there is one: not counted, Jinpai needs none
    wall, cpu = time.perf_counter(), time.process_time()
    if name.startswith("import"):
        total = shop.import_files([data / ("base" if name == "import" else "night")]).report.total
        said = f"{total.rows_in:,} rows in, {total.inserted:,} new, {total.replaced:,} replaced"
    else:
        report = shop.run(full=name != "run night", memory="3GB", threads=2)
        slowest = sorted(report.seconds.items(), key=lambda item: -item[1])[:8]
        said = f"{report.mode} {report.touched}; " + ", ".join(f"{n} {s:.2f}" for n, s in slowest)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    left = contents(shop.lake.snapshot()) if name.startswith("run") else None
    print(json.dumps({"wall": wall, "cpu": cpu, "said": said, "left": left}))


def measure(data: Path, work: Path) -> dict[str, Done]:
    """Do every job once, each in a process of its own."""
    found = {}
    for name in TITLES:
        command = [
            sys.executable,
            str(HERE / "incremental.py"),
            "--job",
            name,
            str(work),
            str(data),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        output, _ = process.communicate()
        if process.returncode:
            raise SystemExit(f"{name} failed")
        found[name] = Done(**json.loads(output.splitlines()[-1]))
        print(f"{TITLES[name]}: {found[name].said}", file=sys.stderr, flush=True)
    return found


def page(found: dict[str, Done], messages: int, days: int) -> str:
    """Return the Markdown."""
    lines = ["| job | seconds | CPU s |", "|---|---|---|"]
    lines += [f"| {TITLES[name]} | {one.wall:.2f} | {one.cpu:.2f} |" for name, one in found.items()]
    part, full = found["run night"], found["run again"]
    allowed = SHARE * full.wall + EXTRA
    same = "the same rows in every table" if part.left == full.left else "OTHER ROWS"
    return (
        f"{messages:,} messages in {days} days, one shop.\n{machine()}\n\n"
        + "\n".join(lines)
        + f"\n\nThe run after the last day took {part.wall:.2f} s; {SHARE:.0%} of a full run"
        f" and {EXTRA:.0f} s are {allowed:.2f}. Both left {same}.\n"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=2_400_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--out", type=Path, help="write the page here as well")
    parser.add_argument("--job", nargs=3, metavar=("JOB", "WORKSPACE", "DATA"))
    options = parser.parse_args()
    if options.job:
        job(options.job[0], Path(options.job[1]), Path(options.job[2]))
        return
    data = options.data / f"year-{options.messages}-{options.days}"
    make(data, options.messages, options.days)
    with tempfile.TemporaryDirectory(dir=options.data) as work:
        found = measure(data, Path(work) / "workspace")
    text = page(found, options.messages, options.days)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    if found["run night"].left != found["run again"].left:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
