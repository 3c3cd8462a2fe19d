"""Write a big canonical shop as Parquet or CSV, the same bytes of data for the same seed.

    python benchmarks/generate.py OUT --messages 20000000 [--format parquet|csv] [--seed 7]

Every value is a hash of (seed, row number, purpose), so the data need no state and no sort: DuckDB
makes them in slices of about a million messages, which keeps memory flat. One shop, 200 agents in
10 teams, 60 days of Asia/Shanghai, one order per 30 messages. It is a load, not a model: the shop
with known skills is ``jinpai simulate``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

SHOP = "bench"
DAYS = 60
AGENTS = 200
TEAMS = 10
SLICE = 100_000  # visits made at once
LENGTHS = (5, 14)  # messages of a visit: 5 + hash % 14, mean 11.5

# How many of 48 visits start in each hour of a day: night is thin, evening is peak.
RHYTHM = [1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 2, 2, 3, 3, 3, 2, 2, 3, 5, 5, 4, 3]

OPENINGS = [
    "亲，在的",
    "您好呀",
    "请问一下",
    "麻烦看看",
    "你好，想问",
    "嗯嗯明白",
    "稍等哦",
    "好的呢",
]
MIDDLES = [
    "这款台灯有暖光和白光两种可以调",
    "拍下以后大概什么时候能发货呢",
    "现在下单满两百可以减二十元",
    "尺寸建议按照桌面宽度来挑选",
    "身高一米七体重一百三穿什么码",
    "这个颜色和图片上会不会有色差",
    "我们用的是加厚纸箱不怕磕碰",
    "能不能帮我改一下收货地址",
    "洗过几次以后也不会起球变形",
    "仓库下午四点前的单当天都能走",
    "可以开电子发票，发货后三天寄到邮箱",
    "想送给长辈用，操作会不会太复杂",
]
ENDINGS = [
    "，有不清楚的随时叫我",
    "，谢谢啦",
    "，麻烦尽快回复我一下",
    "，您看这样可以吗",
    "，优惠今晚十二点就结束了哦",
    "，我再考虑考虑吧",
    "，这边马上帮您登记",
    "，收到货有问题七天内都能退换",
]

PRELUDE = """
CREATE MACRO h(n, salt) AS hash(n * 1000 + salt + {seed} * 1000003::UBIGINT);
CREATE MACRO pick(n, salt, span) AS (h(n, salt) % span)::BIGINT;
CREATE TABLE rhythm AS SELECT {hours} AS hours;
-- A visit that goes on from another one takes that one's buyer: tomorrow (12 %), or later the same
-- day and mostly with someone else (8 %).
CREATE TABLE visits AS
WITH numbered AS (
  SELECT v, {low} + pick(v, 1, {spread}) AS want,
         CASE WHEN pick(v, 2, 100) < 12 AND v >= {per_day} THEN v - {per_day}
              WHEN pick(v, 2, 100) < 20 AND v > 0 THEN v - 1 ELSE v END AS root
  FROM range({visits}) AS t(v)
), placed AS (
  SELECT v, want, root, sum(want) OVER (ORDER BY v) - want AS before,
         '{shop}:客服' || lpad((1 + pick(v, 3, {agents}))::VARCHAR, 3, '0') AS agent_id,
         'b' || lpad(pick(root, 4, {buyers})::VARCHAR, 9, '0') AS buyer_id,
         CASE WHEN root = v - 1 THEN root ELSE v END AS clock
  FROM numbered
)
SELECT v, before, least(want, {messages} - before)::BIGINT AS length, agent_id, buyer_id,
       -- Opening second, from the first midnight (local) on.
       ((clock // {per_day}) * 86400
        + hours[1 + pick(clock, 5, len(hours))] * 3600 + pick(clock, 6, 3600)
        + CASE WHEN clock = v THEN 0 ELSE 1800 + pick(v, 7, 9000) END)::BIGINT AS opens
FROM placed, rhythm WHERE before < {messages};
"""

MESSAGES = """
WITH turns AS (
  SELECT v, before, agent_id, buyer_id, opens, i, v * 32 + i AS m,
         pick(v, 8, 100) AS mood  -- 0-14 auto greeting, 15-20 nobody answers, 21-23 robot first
  FROM visits, unnest(range(length)) AS t(i) WHERE v >= $first AND v < $last
), cast_ AS (
  SELECT *,
         CASE WHEN i = 0 AND mood < 96 THEN 'buyer'
              WHEN i = 1 AND mood BETWEEN 21 AND 23 THEN 'robot'
              WHEN mood BETWEEN 15 AND 20 THEN 'buyer'
              WHEN i = 1 AND mood < 15 THEN 'agent'
              WHEN pick(m, 9, 100) < 48 THEN 'buyer' ELSE 'agent' END AS sender,
         (i = 1 AND mood < 15) AS is_auto,
         CASE WHEN i = 0 THEN 0
              WHEN i = 1 AND mood < 15 THEN 1
              WHEN pick(m, 10, 1000) < 4 THEN 60000 + pick(m, 11, 30000)
              WHEN pick(m, 10, 1000) < 40 THEN 600 + pick(m, 11, 5000)
              WHEN pick(m, 10, 1000) < 160 THEN 60 + pick(m, 11, 400)
              ELSE 2 + pick(m, 11, 50) END AS gap
  FROM turns
)
SELECT '{shop}' AS shop_id,
       'm' || lpad((before + i + 1)::VARCHAR, 12, '0') AS message_id,
       'c' || v AS conversation_id, buyer_id, agent_id,
       {midnight} + to_seconds(opens + sum(gap) OVER (PARTITION BY v ORDER BY i)) AS sent_at,
       i + 1 AS seq, sender, is_auto,
       CASE pick(m, 12, 20) WHEN 0 THEN 'image' WHEN 1 THEN 'link' ELSE 'text' END AS kind,
       CASE WHEN is_auto THEN '您好，欢迎光临，客服正在赶来，请先说说您想了解的宝贝哦'
            ELSE {openings}[1 + pick(m, 13, {n_openings})]
              || {middles}[1 + pick(m, 14, {n_middles})]
              || CASE WHEN pick(m, 15, 3) = 0 THEN pick(m, 16, 10000)::VARCHAR ELSE '' END
              || {endings}[1 + pick(m, 17, {n_endings})] END AS text,
       CASE WHEN i = 0 THEN 'p' || pick(m, 18, 500) END AS product_id
FROM cast_ ORDER BY v, i
"""

ORDERS = """
WITH numbered AS (
  -- 9 in 10 orders follow a visit, the others have a buyer who never wrote, or none.
  SELECT o, CASE WHEN pick(o, 20, 100) < 90 THEN pick(o, 21, {visits_made}) END AS v
  FROM range({orders}) AS t(o)
), timed AS (
  SELECT o, v.buyer_id,
         coalesce(v.opens + CASE WHEN pick(o, 22, 100) < 60 THEN pick(o, 23, 900)
                                 ELSE pick(o, 23, 160000) END,
                  pick(o, 24, {seconds})) AS placed,
         CASE WHEN pick(o, 25, 100) < 80 THEN 5 + pick(o, 26, 600)
              WHEN pick(o, 25, 100) < 88 THEN 60000 + pick(o, 26, 250000) END AS thinking,
         (990 + pick(o, 27, 49000)) / 100 AS yuan, 1 + pick(o, 28, 3) AS pieces
  FROM numbered LEFT JOIN visits AS v USING (v)
)
SELECT '{shop}' AS shop_id, '47' || lpad(o::VARCHAR, 17, '0') AS order_id,
       CASE WHEN buyer_id IS NOT NULL THEN buyer_id
            WHEN pick(o, 29, 10) > 0 THEN 's' || lpad(o::VARCHAR, 9, '0') END AS buyer_id,
       {midnight} + to_seconds(placed) AS created_at,
       {midnight} + to_seconds(placed + thinking) AS paid_at,
       {midnight} + to_seconds(placed + thinking + 90000) AS shipped_at,
       NULL::TIMESTAMPTZ AS finished_at,
       CASE WHEN thinking IS NULL THEN {midnight} + to_seconds(placed + 259200) END AS closed_at,
       yuan::DECIMAL(18, 2) AS payable_amount,
       CASE WHEN thinking IS NULL THEN NULL ELSE yuan END::DECIMAL(18, 2) AS paid_amount,
       pieces AS item_count,
       CASE WHEN thinking IS NULL THEN '交易关闭' ELSE '卖家已发货' END AS status,
       NULL::VARCHAR AS flag, NULL::VARCHAR AS note
FROM timed ORDER BY o
"""

AGENTS_SQL = """
SELECT '{shop}' AS shop_id, '{shop}:客服' || lpad(a::VARCHAR, 3, '0') AS agent_id,
       '客服' || lpad(a::VARCHAR, 3, '0') AS name, 'w' || a AS person_id,
       '第' || (1 + a % {teams}) || '组' AS team, 'both' AS role, false AS is_main,
       DATE '2026-01-01' AS active_from, NULL::DATE AS active_to
FROM range(1, {agents} + 1) AS t(a) ORDER BY a
"""

SHOPS_SQL = """
SELECT '{shop}' AS shop_id, '基准店' AS name, 'other' AS platform,
       'Asia/Shanghai' AS timezone, 'CNY' AS currency
"""


def parameters(messages: int, seed: int, days: int = DAYS) -> dict[str, object]:
    """Return every number the SQL needs; all counts grow with ``messages``."""
    mean = LENGTHS[0] + (LENGTHS[1] - 1) / 2
    visits = int(messages / mean * 1.02) + 100  # a little too many; the list is cut at ``messages``
    hours = [hour for hour, weight in enumerate(RHYTHM) for _ in range(weight)]
    return {
        "seed": seed,
        "shop": SHOP,
        "hours": hours,
        "low": LENGTHS[0],
        "spread": LENGTHS[1],
        "visits": visits,
        "per_day": max(1, -(-visits // days)),
        "agents": AGENTS,
        "teams": TEAMS,
        "buyers": max(1, visits // 2),
        "messages": messages,
        "orders": messages // 30,
        "seconds": days * 86400,
        "midnight": "TIMESTAMPTZ '2025-12-31 16:00:00+00'",
        "openings": OPENINGS,
        "n_openings": len(OPENINGS),
        "middles": MIDDLES,
        "n_middles": len(MIDDLES),
        "endings": ENDINGS,
        "n_endings": len(ENDINGS),
    }


def utc(table: pa.Table) -> pa.Table:
    """Return the table with its times as timestamp[us, UTC]."""
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            times = table.column(index).cast(pa.timestamp("us", tz="UTC"))
            table = table.set_column(index, column.name, times)
    return table


def write(
    con: duckdb.DuckDBPyConnection, path: Path, slices: list[tuple[str, dict[str, int]]]
) -> int:
    """Write the slices (query, bound values) to one Parquet file; return its rows."""
    writer, rows = None, 0
    for sql, bound in slices:
        table = utc(con.sql(sql, params=bound).to_arrow_table())
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=500_000)
        rows += table.num_rows
    if writer:
        writer.close()
    return rows


def generate(
    out: Path, messages: int, seed: int = 7, memory: str = "3GB", days: int = DAYS
) -> dict[str, int]:
    """Write messages, orders, agents and shops as Parquet into ``out``; return rows per table."""
    out.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(config={"memory_limit": memory})
    con.execute("SET TimeZone = 'UTC'")
    known = parameters(messages, seed, days)
    con.execute(PRELUDE.format(**known))
    known["visits_made"] = con.sql("SELECT count(*) FROM visits").fetchall()[0][0]
    turns = MESSAGES.format(**known)
    slices = [
        (turns, {"first": first, "last": first + SLICE})
        for first in range(0, int(str(known["visits_made"])), SLICE)
    ]
    jobs: dict[str, list[tuple[str, dict[str, int]]]] = {
        "messages": slices,
        "orders": [(ORDERS.format(**known), {})],
        "agents": [(AGENTS_SQL.format(**known), {})],
        "shops": [(SHOPS_SQL.format(**known), {})],
    }
    return {name: write(con, out / f"{name}.parquet", job) for name, job in jobs.items()}


def to_csv(out: Path) -> None:
    """Turn the Parquet files of ``out`` into CSV files beside them and drop the former."""
    con = duckdb.connect(config={"memory_limit": "2GB"})
    con.execute("SET TimeZone = 'UTC'")
    for path in sorted(out.glob("*.parquet")):
        types = con.execute(f"DESCRIBE FROM '{path}'").fetchall()
        times = [name for name, kind, *_ in types if kind == "TIMESTAMP WITH TIME ZONE"]
        clause = ", ".join(f"strftime({n}, '%Y-%m-%dT%H:%M:%SZ') AS {n}" for n in times)
        columns = f"* REPLACE ({clause})" if times else "*"
        con.execute(f"COPY (SELECT {columns} FROM '{path}') TO '{path.with_suffix('.csv')}'")
        path.unlink()


def main() -> None:
    """Read the command line and write the shop."""
    parser = argparse.ArgumentParser(description="Generate a big canonical shop.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--messages", type=int, default=20_000_000)
    parser.add_argument("--format", choices=["parquet", "csv"], default="parquet")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    begin = time.perf_counter()
    rows = generate(given.out, given.messages, given.seed)
    if given.format == "csv":
        to_csv(given.out)
    print(f"{given.out}: {rows} in {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
