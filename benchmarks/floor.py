"""The physical floor: read the columns the figures need and sort them once by buyer and time.

    python benchmarks/floor.py DATA

Whatever computes conversations has to do at least this. Nothing is written.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

SORT = """
create temp table sorted as
select buyer_id, agent_id, sent_at, seq, sender, is_auto
from read_parquet('{folder}/messages.parquet')
order by buyer_id, agent_id, sent_at, seq
"""
ORDERS = """
create temp table orders as
select order_id, buyer_id, created_at, paid_at, closed_at, paid_amount, item_count
from read_parquet('{folder}/orders.parquet')
order by buyer_id, created_at
"""


def main() -> None:
    """Read, sort, and say how long it took."""
    begin = time.perf_counter()
    folder = str(Path(sys.argv[1])).replace("'", "''")
    with duckdb.connect(config={"threads": 2}) as con:
        for part in (SORT, ORDERS):
            con.execute(part.replace("{folder}", folder))
    print(f"floor: {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
