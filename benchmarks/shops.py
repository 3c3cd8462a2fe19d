"""What many shops cost in one workspace: import, run, one shop's night, figures.

    python benchmarks/shops.py --shops 2000 --messages 1000000 [--few 20] [--out FILE.md]

The same rows are measured twice, in the hands of ``--few`` shops and of ``--shops``: the difference
is what a shop costs by itself. Four shops are huge and share two fifths of the rows, the others are
small. Prints Markdown; seconds are processor seconds, which a busy machine hardly changes.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import duckdb
import generate
from run import HERE, Timing, machine, timed

import jinpai
from jinpai.tables.schema import TABLES

HUGE = 4
LAST_DAYS = "TIMESTAMPTZ '2026-02-20 16:00:00+00'"  # what is loaded last
NIGHTS = ("night", "other")  # what is loaded last is one small shop's, and then another one's
BUSY = """
SELECT shop_id FROM messages WHERE sent_at >= {last} AND shop_id >= 's' || lpad('{huge}', 5, '0')
GROUP BY shop_id ORDER BY count(*) DESC, shop_id LIMIT 2
"""

# A buyer belongs to one shop with all there is of that buyer.
MACROS = """
CREATE MACRO shop_of(name) AS CASE
    WHEN hash(name) % 5 < 2 THEN 's' || lpad((hash(name) // 5 % {huge})::VARCHAR, 5, '0')
    ELSE 's' || lpad(({huge} + hash(name) // 5 % {small})::VARCHAR, 5, '0') END;
CREATE MACRO agent_of(shop, name) AS shop || ':客服' || (
    hash(name) % CASE WHEN shop < 's' || lpad('{huge}', 5, '0') THEN 50 ELSE 2 END + 1);
"""

TABLES_SQL = {
    "messages": "SELECT * REPLACE (agent_of(shop_id, agent_id) AS agent_id) FROM (SELECT *"
    " REPLACE (shop_of(buyer_id) AS shop_id) FROM '{source}/messages.parquet')",
    "orders": "SELECT * REPLACE (shop_of(coalesce(buyer_id, order_id)) AS shop_id)"
    " FROM '{source}/orders.parquet'",
    "order_items": "SELECT shop_id, order_id, order_id || '-1' AS sub_order_id,"
    " 'p' || hash(order_id) % 500 AS product_id, item_count AS quantity, payable_amount AS amount"
    " FROM orders",
    "refunds": "SELECT shop_id, 'r' || order_id AS refund_id, order_id,"
    " paid_at + INTERVAL 3 DAY AS opened_at, paid_amount AS amount, 'seller' AS closed_by,"
    " 'refunded' AS outcome, paid_at + INTERVAL 5 DAY AS closed_at"
    " FROM orders WHERE paid_at IS NOT NULL AND hash(order_id) % 20 = 0",
    "reviews": "SELECT shop_id, 'v' || order_id AS review_id, order_id, buyer_id,"
    " paid_at + INTERVAL 9 DAY AS posted_at, 'good' AS rating"
    " FROM orders WHERE paid_at IS NOT NULL AND hash(order_id) % 4 = 0",
    "agents": "SELECT DISTINCT shop_id, agent_id, agent_id AS name FROM messages"
    " WHERE agent_id IS NOT NULL",
    "online_sessions": "SELECT shop_id, agent_id, min(sent_at) AS online_at, max(sent_at)"
    " AS offline_at FROM messages WHERE sender = 'agent' GROUP BY shop_id, agent_id, sent_at::DATE",
    "shops": "SELECT DISTINCT shop_id, 'Asia/Shanghai' AS timezone FROM messages",
}


def make(out: Path, shops: int, messages: int) -> None:
    """Write ``base/`` (all but the last days), and the last days of two small shops."""
    if (out / "night").exists():
        return
    shutil.rmtree(out, ignore_errors=True)  # of an attempt that was ended
    source = out / "one-shop"
    generate.generate(source, messages)
    con = duckdb.connect(config={"memory_limit": "3GB"})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(MACROS.format(huge=HUGE, small=shops - HUGE))
    tests = {"base": "NOT ({late})"}
    for name, sql in TABLES_SQL.items():
        con.execute(f"CREATE TABLE {name} AS {sql.format(source=source)}")
    busy = con.execute(BUSY.format(last=LAST_DAYS, huge=HUGE)).fetchall()
    for night, (shop,) in zip(NIGHTS, busy, strict=True):
        tests[f"{night}.tmp"] = f"{{late}} AND shop_id = '{shop}'"
    for folder in tests:
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name in TABLES_SQL:
        own = TABLES[name].own_time
        late = f"{own} >= {LAST_DAYS}" if own else "false"
        for folder, test in tests.items():
            rows = f"FROM {name} WHERE {test.format(late=late)} ORDER BY ALL"
            con.execute(f"COPY ({rows}) TO '{out / folder / name}.parquet'")
    shutil.rmtree(source)
    for night in reversed(NIGHTS):
        (out / f"{night}.tmp").rename(out / night)


def shop_of(night: Path) -> str:
    """Return the shop whose last days lie in a folder."""
    with duckdb.connect() as con:
        rows = con.execute(f"SELECT shop_id FROM '{night}/messages.parquet' LIMIT 1").fetchall()
    return str(rows[0][0])


def job(name: str, workspace: Path, data: Path) -> None:
    """Do one thing to a workspace; prints what it found."""
    if name == "import":
        shop = jinpai.init(workspace, shop_id="s00000", name="s00000", platform="taobao")
    else:
        shop = jinpai.open(workspace)
    started, said = time.perf_counter(), ""
    if name.startswith("import"):
        folder = name.removeprefix("import").strip() or "base"
        total = shop.import_files([data / folder]).report.total
        said = f"{total.rows_in} rows in, {total.rejected} rejected"
    elif name.startswith("run"):
        only = shop_of(data / "other") if name.startswith("run shop") else None
        report = shop.run(full=name == "run", shop_id=only)
        seconds = sorted(report.seconds.items(), key=lambda item: -item[1])[:6]
        said = f"{report.mode} {report.touched} {seconds}"
    else:
        by = ["agent"] if "agent" in name else []
        one = shop_of(data / "night") if "shop" in name else None
        said = f"{len(shop.ask(by=by, shop_id=one).rows)} figures"
    print(f"{said}\nseconds {time.perf_counter() - started:.3f}")


TITLES = {
    "import": "import",
    "run": "full run",
    "ask": "all figures of the period",
    "ask agent": "all figures by agent",
    "import night": "import one small shop's last days",
    "run night": "run after it: a part",
    "import other": "import another small shop's last days",
    "run shop": "`run --shop` after it: a part",
    "run shop again": "`run --shop` once more: nothing new",
    "ask shop": "all figures, `--shop`",
}


def measure(data: Path, work: Path) -> dict[str, Timing]:
    """Do every job once, each in a process of its own."""
    found: dict[str, Timing] = {}
    for name in TITLES:
        print(f"{name} …", file=sys.stderr, flush=True)
        arguments = [str(HERE / "shops.py"), "--job", name, str(work), str(data)]
        timed(found.setdefault(name, Timing()), arguments)
    return found


def layout(workspace: Path) -> dict[str, tuple[int, int]]:
    """Return table -> files in force and their bytes."""
    snapshot = jinpai.open(workspace).lake.snapshot()
    sizes = {
        name: [Path(path).stat().st_size for path in snapshot.files(name)]
        for name in snapshot.versions
    }
    return {name: (len(each), sum(each)) for name, each in sizes.items()}


def table(few: dict[str, Timing], many: dict[str, Timing], shops: tuple[int, int]) -> str:
    """Return the Markdown table."""
    lines = [
        f"| job | {shops[0]} shops, CPU s | {shops[1]} shops, CPU s | peak MB | ms a shop |",
        "|---|---|---|---|---|",
    ]
    for name in TITLES:
        before, after = few[name].cpu[0], many[name].cpu[0]
        each = 1000 * (after - before) / (shops[1] - shops[0])
        peak = many[name].peak[0]
        lines.append(f"| {TITLES[name]} | {before:.1f} | {after:.1f} | {peak:.0f} | {each:.2f} |")
    return "\n".join(lines)


def files_table(few: dict[str, tuple[int, int]], many: dict[str, tuple[int, int]]) -> str:
    """Return a Markdown table of the files in force."""
    lines = ["| table | files, few shops | files, many shops | MB |", "|---|---|---|---|"]
    for name, (count, size) in sorted(many.items()):
        lines.append(f"| {name} | {few.get(name, (0, 0))[0]} | {count} | {size / 2**20:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shops", type=int, default=2000)
    parser.add_argument("--few", type=int, default=20)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=HERE / ".data")
    parser.add_argument("--out", type=Path, help="write the page here as well")
    parser.add_argument("--job", nargs=3, metavar=("JOB", "WORKSPACE", "DATA"))
    options = parser.parse_args()
    if options.job:
        job(options.job[0], Path(options.job[1]), Path(options.job[2]))
        return
    found, lying = [], []
    for shops in (options.few, options.shops):
        data = options.data / f"shops-{shops}-{options.messages}"
        with ProcessPoolExecutor(1) as pool:  # its memory is not to be counted below
            pool.submit(make, data, shops, options.messages).result()
        with tempfile.TemporaryDirectory(dir=options.data) as work:
            found.append(measure(data, Path(work) / "workspace"))
            lying.append(layout(Path(work) / "workspace"))
    page = (
        f"# Many shops in one workspace\n\nWritten by `benchmarks/shops.py --shops {options.shops}"
        f" --messages {options.messages}`: the same {options.messages:,} messages in the hands of"
        f" {options.few} shops and of {options.shops:,}; what a shop costs by itself is the"
        " difference. Parts of the work are of one small shop.\n\n"
        f"{machine()}\n\n"
        f"{table(found[0], found[1], (options.few, options.shops))}\n\n{files_table(*lying)}\n"
    )
    print(page)
    if options.out:
        options.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
