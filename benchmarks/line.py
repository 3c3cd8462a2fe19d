"""What the benchmark times of Jinpai: one job a process, so that its peak memory is its own.

    python benchmarks/line.py import WORKSPACE FOLDER
    python benchmarks/line.py run WORKSPACE OUT.parquet [MEMORY]

``run`` makes conversations, attribution and the peers' agent x day figures, and writes those in the
peers' form (``compare.py`` checks them), which is not part of the time.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import jinpai

FIGURES = [
    "received_buyers",
    "inquiry_buyers",
    "inquiry_order_buyers",
    "inquiry_paid_buyers",
    "inquiry_sales_amount",
    "inquiry_conversion_rate",
    "aftersale_buyers",
    "followup_buyers",
    "assist_receptions",
    "assist_amount",
    "sales_amount",
    "sales_orders",
    "sales_buyers",
    "first_response_seconds",
    "avg_response_seconds",
    "avg_response_uncut_seconds",
    "avg_response_capped_seconds",
    "within_180s_rate",
    "rounds",
    "unanswered_rounds",
    "reply_rate",
    "answer_question_ratio",
    "slow_receptions",
    "created_orders",
    "paid_orders",
]
SHOP = ["shop_sales_amount", "shop_sales_orders", "silent_amount", "silent_orders"]


def load(workspace: Path, folder: Path) -> float:
    """Import everything in the folder into a new workspace; seconds."""
    shop = jinpai.init(workspace, shop_id="bench", name="bench", platform="taobao")
    shop.config.set("inspect", "false")  # no peer reads the texts; quality.py measures that
    shop = jinpai.open(workspace)
    started = time.perf_counter()
    report = shop.import_files([folder]).report
    seconds = time.perf_counter() - started
    print(f"{report.total.rows_in} rows in, {report.total.rejected} rejected")
    return seconds


def run(workspace: Path, out: Path, memory: str) -> float:
    """Run the line and ask the figures; seconds of both."""
    shop = jinpai.open(workspace)
    started = time.perf_counter()
    report = shop.run(full=True, memory=memory, threads=2)
    made, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    agents = shop.ask(FIGURES, by=["agent", "day"])
    whole = shop.ask(SHOP, by=["day"])
    done = time.perf_counter()
    print(f"run {made - started:.1f} s, {peak} MB at most, figures {done - made:.1f} s")
    slowest = sorted(report.seconds.items(), key=lambda item: -item[1])[:8]
    print("  " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in slowest))
    cells: dict[tuple[object, object], dict[str, float | None]] = {}
    for row in [*agents.rows, *whole.rows]:
        value = None if row.value is None else float(row.value)
        cells.setdefault((row.grain.get("agent_id"), row.grain["day"]), {})[row.metric] = value
    rows = [{"agent_id": at[0], "day": at[1], **values} for at, values in cells.items()]
    names = ["agent_id", "day", *FIGURES, *SHOP]
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), out)
    return done - started


def main() -> None:
    """Do the job named and print its seconds last."""
    job, workspace, other = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if job == "import":
        seconds = load(workspace, other)
    else:
        seconds = run(workspace, other, sys.argv[4] if len(sys.argv) > 4 else "3GB")
    print(f"seconds {seconds:.3f}")


if __name__ == "__main__":
    main()
