"""The simulated shop: the same bytes twice, the same story in both sources, truth that shows."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from statistics import correlation, median
from typing import Any

import pytest

from jinpai.errors import UnknownName, UsageError
from jinpai.simulate import Simulated, simulate
from jinpai.sources.base import Batch, Context
from jinpai.sources.files import open_paths
from jinpai.sources.registry import recognise
from jinpai.tables.schema import TABLES, table_columns

Row = dict[str, Any]
SHANGHAI = timezone(timedelta(hours=8))
SMALL = {"agents": 4, "days": 12, "buyers": 250, "seed": 5}
SAME = {"agents", "messages", "transfers", "orders", "refunds", "reviews", "complaints"}
SAME |= {"online_sessions"}
# What the Taobao exports cannot say, per table.
UNSAID = {
    "orders": {"shipped_at", "closed_at", "flag", "note"},
    "reviews": {"service_score", "edited_at", "replied_at"},
    "messages": {"message_id", "conversation_id", "seq", "is_auto"},
    "products": {"category", "attributes"},
    "buyers": {"name", "birthday", "registered_at", "marketing_opt_out"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simulated")


@pytest.fixture(scope="module")
def canonical(folder: Path) -> Simulated:
    return simulate(folder / "canonical", truth=folder / "truth.json", **SMALL)


@pytest.fixture(scope="module")
def taobao(folder: Path) -> Simulated:
    return simulate(folder / "taobao", source="taobao", **SMALL)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Simulated]:
    """The shop of the demo: the defaults."""
    out = tmp_path_factory.mktemp("demo")
    return out, simulate(out)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows_of(folder: Path, table: str) -> list[Row]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("source", ["canonical", "taobao"])
def test_same_seed_same_bytes(tmp_path: Path, source: str) -> None:
    for name in ("one", "two"):
        simulate(tmp_path / name, agents=3, days=4, buyers=40, seed=9, source=source)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_another_shop(tmp_path: Path) -> None:
    for seed in (1, 2):
        simulate(tmp_path / str(seed), agents=2, days=3, buyers=20, seed=seed)
    assert digests(tmp_path / "1")["messages.csv"] != digests(tmp_path / "2")["messages.csv"]


def read(folder: Path) -> dict[str, list[Row]]:
    """What the readers make of a folder, per table; nothing may be refused or left."""
    recognised = recognise(open_paths([folder]))
    assert not recognised.unrecognised
    context = Context("demo", "Asia/Shanghai", table_columns())
    found: dict[str, list[Row]] = {}
    for claim in recognised.claims:
        for item in claim.source.read(claim.files, context):
            assert isinstance(item, Batch), item
            found.setdefault(item.table, []).extend(item.rows.to_pylist())
    return found


def comparable(table: str, row: Row) -> tuple[Any, ...]:
    """A row as comparable values: instants, decimals, and no text where a picture was sent."""
    names = [c.name for c in TABLES[table].columns if c.name not in UNSAID.get(table, set())]
    if row.get("kind") == "image":
        names.remove("text")
    return tuple(value_of(table, name, row.get(name)) for name in names)


def value_of(table: str, name: str, value: str | None) -> object:
    if value in (None, ""):
        return None
    kinds: dict[str, Callable[[str], object]] = {"time": instant, "money": Decimal}
    return kinds.get(TABLES[table].column(name).kind, str)(str(value))


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def both(
    folder: Path, canonical: Simulated, taobao: Simulated
) -> tuple[dict[str, list[Row]], dict[str, list[Row]]]:
    assert canonical.rows == taobao.rows
    return read(folder / "canonical"), read(folder / "taobao")


@pytest.mark.parametrize(
    "table",
    [
        "agents",
        "messages",
        "transfers",
        "orders",
        "refunds",
        "reviews",
        "complaints",
        "online_sessions",
    ],
)
def test_both_sources_tell_the_same(
    both: tuple[dict[str, list[Row]], dict[str, list[Row]]], table: str
) -> None:
    one, other = (Counter(comparable(table, row) for row in side[table]) for side in both)
    assert one == other
    assert sum(one.values()) > 0


def test_items_of_paid_orders_are_the_same(
    both: tuple[dict[str, list[Row]], dict[str, list[Row]]],
) -> None:
    """The line report shows 0 for a line that was not paid, so only paid ones can agree."""
    paid = {row["order_id"] for row in both[0]["orders"] if row["paid_at"]}
    one, other = (
        {comparable("order_items", r) for r in side["order_items"] if r["order_id"] in paid}
        for side in both
    )
    assert one == other


def test_goods_and_buyers_seen_in_orders_are_the_same(
    both: tuple[dict[str, list[Row]], dict[str, list[Row]]],
) -> None:
    for table in ("products", "buyers"):
        known = {comparable(table, row) for row in both[0][table]}
        seen = {comparable(table, row) for row in both[1][table]}
        assert seen <= known
        assert seen


def test_row_counts_of_the_demo(demo: tuple[Path, Simulated]) -> None:
    rows = demo[1].rows
    assert rows["agents"] == 10
    assert rows["buyers"] == 1800
    assert 1000 < rows["orders"] < 2200  # 1,800 buyers, some twice, most of those who ask buy
    assert 8 < rows["messages"] / rows["orders"] < 30
    assert rows["order_items"] >= rows["orders"]
    assert 0.02 < rows["refunds"] / rows["orders"] < 0.12
    assert 0 < rows["complaints"] < rows["refunds"]
    assert min(rows["reviews"], rows["transfers"], rows["online_sessions"]) > 50


def test_every_row_of_the_demo_keeps_the_schema(demo: tuple[Path, Simulated]) -> None:
    """Keys are unique and present, enums known, spans in order, paid and amount together."""
    for name, table in TABLES.items():
        rows = rows_of(demo[0], name)
        assert list(rows[0]) == [column.name for column in table.columns]
        keys = [tuple(row[key] for key in table.key) for row in rows]
        assert len(set(keys)) == len(keys)
        for column in table.columns:
            values = {row[column.name] for row in rows}
            assert not (column.required and "" in values)
            assert not column.values or values <= {*column.values, ""}
        for start, end in table.spans:
            assert all(row[start] <= row[end] for row in rows if row[end])
    assert all(bool(o["paid_at"]) == bool(o["paid_amount"]) for o in rows_of(demo[0], "orders"))


def test_order_amounts_are_their_lines_and_postage(demo: tuple[Path, Simulated]) -> None:
    lines: dict[str, Decimal] = {}
    for row in rows_of(demo[0], "order_items"):
        lines[row["order_id"]] = lines.get(row["order_id"], Decimal(0)) + Decimal(row["amount"])
    postage = {
        Decimal(o["payable_amount"]) - lines[o["order_id"]] for o in rows_of(demo[0], "orders")
    }
    assert postage == {Decimal("0.00"), Decimal("6.00")}


def test_nothing_happens_after_the_last_evening(demo: tuple[Path, Simulated]) -> None:
    last = max(
        row[column.name]
        for name, table in TABLES.items()
        for row in rows_of(demo[0], name)
        for column in table.columns
        if column.kind == "time"
    )
    assert last < "2026-03-30T16:00:00Z"  # midnight after 30 March in Shanghai


def test_campaign_days_and_evenings_are_busy(demo: tuple[Path, Simulated]) -> None:
    local = [instant(m["sent_at"]).astimezone(SHANGHAI) for m in rows_of(demo[0], "messages")]
    by_day, by_hour = Counter(str(at.date()) for at in local), Counter(at.hour for at in local)
    for day in demo[1].truth["campaigns"]:
        assert by_day[day] > 1.3 * median(by_day.values())
    assert by_hour[21] > 10 * by_hour[3] > 0


def test_truth_names_who_sold_every_order(folder: Path, canonical: Simulated) -> None:
    truth = json.loads((folder / "truth.json").read_text("utf-8"))
    assert truth == canonical.truth
    agents = {row["agent_id"] for row in rows_of(folder / "canonical", "agents")}
    assert {a["agent_id"] for a in truth["agents"]} == agents
    sold = {order["order_id"]: order for order in truth["orders"]}
    assert set(sold) == {row["order_id"] for row in rows_of(folder / "canonical", "orders")}
    for order in sold.values():
        assert (order["sold_by"] is None) == (order["how"] == "silent")
        assert order["sold_by"] in agents | {None}


def test_skill_shows_in_the_figures(tmp_path: Path) -> None:
    """True speed orders the answer times, true talent the share of buyers who bought."""
    made = simulate(tmp_path, agents=12, days=20, buyers=4000, seed=3)
    agents = [a for a in made.truth["agents"] if a["role"] == "presale"]
    waits = answer_times(rows_of(tmp_path, "messages"))
    sold = Counter(order["sold_by"] for order in made.truth["orders"])
    asked = Counter(
        agent
        for agent, _ in {(m["agent_id"], m["buyer_id"]) for m in rows_of(tmp_path, "messages")}
    )
    speed = [median(waits[a["agent_id"]]) for a in agents]
    share = [sold[a["agent_id"]] / asked[a["agent_id"]] for a in agents]
    assert correlation([a["speed"] for a in agents], speed) > 0.9
    assert correlation([a["talent"] for a in agents], share) > 0.7


def answer_times(messages: list[Row]) -> dict[str, list[float]]:
    """Seconds between a buyer's line and the human line right after it, per agent."""
    found: dict[str, list[float]] = {}
    last: dict[str, Row] = {}
    for row in messages:
        before = last.get(row["conversation_id"])
        last[row["conversation_id"]] = row
        by_hand = row["sender"] == "agent" and row["is_auto"] == "false"
        if by_hand and before and before["sender"] == "buyer":
            wait = instant(row["sent_at"]) - instant(before["sent_at"])
            found.setdefault(row["agent_id"], []).append(wait.total_seconds())
    return found


def test_suggested_settings_fit_the_texts(folder: Path, canonical: Simulated) -> None:
    settings = canonical.truth["settings"]
    messages = rows_of(folder / "canonical", "messages")
    prefix = tuple(settings["auto_reply_prefixes"])
    assert all((m["is_auto"] == "true") == m["text"].startswith(prefix) for m in messages)
    kinds = {b["buyer_id"]: b["kind"] for b in canonical.truth["buyers"]}
    ads = {m["buyer_id"] for m in messages if any(p in m["text"] for p in settings["ad_phrases"])}
    assert ads
    assert {kinds[buyer] for buyer in ads} == {"ad"}
    inside = settings["internal_accounts"][0].removesuffix("*")
    colleagues = {b for b in kinds if b.startswith(inside)}
    assert {kinds[b] for b in colleagues} == {"internal"}
    assert colleagues & {m["buyer_id"] for m in messages}


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 30), (2, 3, 30), (30, 2, 10)])
def test_small_and_odd_sizes(tmp_path: Path, size: tuple[int, int, int]) -> None:
    agents, days, buyers = size
    for source in ("canonical", "taobao"):
        out = tmp_path / source
        made = simulate(
            out, agents=agents, days=days, buyers=buyers, source=source, start=date(2026, 11, 1)
        )
        assert made.rows["agents"] == agents
        assert {path for path in out.rglob("*") if path.is_file()} == set(made.files)
        assert made.truth["from"] == "2026-11-01"


def test_order_report_looks_like_the_real_one(folder: Path, taobao: Simulated) -> None:
    """GBK, CRLF, 54 columns, the id raw as ="…" and every other cell in quotes."""
    (path,) = (folder / "taobao").glob("ExportOrderList*.csv")
    lines = path.read_bytes().decode("gbk").split("\r\n")
    assert lines.pop() == ""
    assert all("\n" not in line for line in lines)
    header, first = lines[0].split(","), lines[1]
    assert (len(header), header[18]) == (54, "订单付款时间 ")
    assert first.startswith('="45')
    assert first.split(",")[0].count('"') == 2
    assert len(next(csv.reader([first]))) == 54


def test_wrong_wishes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="canonical"):
        simulate(tmp_path, source="canonicl")
    with pytest.raises(UsageError, match="--days must be at least 1"):
        simulate(tmp_path, days=0)
    with pytest.raises(UsageError, match="2026-03-01"):
        simulate(tmp_path, start="first of March")
    assert not any(tmp_path.iterdir())
