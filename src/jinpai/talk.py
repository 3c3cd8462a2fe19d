"""One conversation as it went: messages, rounds that waited, and what the buyer bought meanwhile.

Reads the few files that can hold it, whatever the size of the workspace.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import EngineError, UnknownName
from jinpai.line import ShopRun
from jinpai.metrics.query import ShopScope
from jinpai.metrics.texts import json_cells, shown_message
from jinpai.periods import month_key
from jinpai.tables import delta
from jinpai.tables.delta import DataFile
from jinpai.tables.lake import Snapshot
from jinpai.tables.zones import quoted

__all__ = [
    "SORTS",
    "list_talks",
    "message_files",
    "put_talk_views",
    "read_talk",
    "sort_talks",
]

Row = dict[str, Any]

_SESSIONS = """
select agent_id, day, session_no, started_at, ended_at, messages, buyer_messages, human_messages,
    is_attended, is_two_sided, filter_reason, concurrency
from talk_sessions
where shop_id = $shop_id and buyer_id = $buyer_id
order by started_at, agent_id
"""
_MESSAGES = """
select
    message_id, make_timestamp(epoch_us(sent_at)) as sent_at, seq, sender, is_auto, kind, text,
    product_id
from {source}
where shop_id = $shop_id and buyer_id = $buyer_id and agent_id is not distinct from $agent_id
    and sent_at >= $first and sent_at <= $last
order by sent_at, seq asc nulls last, message_id
"""
_ROUNDS = """
select session_no, opened_at, closed_at, wait_us, is_late, is_first_in_session
from talk_rounds
where shop_id = $shop_id and buyer_id = $buyer_id and agent_id is not distinct from $agent_id
    and opened_at between $first and $last
order by opened_at
"""
_ORDERS = """
select order_id, created_at, paid_at, paid_amount, refunded_amount, is_excluded, created_agent_id,
    paid_agent_id
from talk_orders
where shop_id = $shop_id and buyer_id = $buyer_id
order by created_at, order_id
"""
_REFUNDS = """
select refund_id, order_id, opened_at, closed_at, amount, reason, outcome
from refunds
where shop_id = $shop_id and list_contains($orders, order_id)
    and opened_at between $from_at and $to_at
order by opened_at, refund_id
"""
# Relation of a run -> the view that conversations are read from.
_SORTED = {"sessions": "talk_sessions", "rounds": "talk_rounds", "judged_orders": "talk_orders"}
_PRODUCTS = "select product_id, title, price from products where shop_id = $shop_id"
_TALKS = """
with asked as (
    select agent_id, buyer_id, day, session_no, started_at, ended_at, messages, buyer_messages,
        human_messages, is_attended, is_two_sided, filter_reason
    from sessions
    where shop_id = $shop_id and day >= $first and day <= $last{narrow}
),

waits as (
    select r.buyer_id, r.agent_id, r.session_no,
        max(case when not r.is_late then r.wait_us end) as longest_us,
        max(case when r.is_first_in_session and not r.is_late then r.wait_us end) as first_us,
        count(case when r.closed_at is null or r.is_late then 1 end) as unanswered
    from rounds as r
    where r.shop_id = $shop_id and r.day >= $first and r.day <= $next{narrow}
    group by r.buyer_id, r.agent_id, r.session_no
)

select a.*, w.longest_us, w.first_us, coalesce(w.unanswered, 0) as unanswered
from asked as a
left join waits as w
    on w.buyer_id = a.buyer_id
    and w.agent_id is not distinct from a.agent_id
    and w.session_no = a.session_no
order by {order}, a.started_at desc, a.buyer_id, a.agent_id
limit {limit} offset {offset}
"""
SORTS = ("started_at", "messages", "first_us", "longest_us", "unanswered")
"""What conversations can be listed by."""


def put_talk_views(engine: DuckEngine, folder: Path, run_key: str) -> None:
    """Let an engine know where conversations are read: the sorted files if there are, else the run.

    Args:
        folder, run_key: as `sort_talks` got them.
    """
    engine.con.execute("set parquet_metadata_cache = true")
    for name, view in _SORTED.items():
        path = _sorted_path(folder, run_key, name)
        source = delta.parquet([str(path)]) if path.exists() else f'"{name}"'
        engine.con.execute(f"create or replace temp view {view} as select * from {source}")


def sort_talks(engine: DuckEngine, folder: Path, run_key: str) -> bool:
    """Write the relations conversations are found in, sorted by buyer; False where they are there.

    A buyer is then found in one piece of a file instead of all of it. Files of other runs go.

    Raises EngineError, OSError where they cannot be written; nothing depends on them.
    """
    paths = {name: _sorted_path(folder, run_key, name) for name in _SORTED}
    if all(path.exists() for path in paths.values()):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in paths.items():
        aside = path.with_suffix(f".{os.getpid()}")
        sql = (
            f'copy (from "{name}" order by shop_id, buyer_id) to {quoted(str(aside))}'
            f" (format parquet, compression zstd, row_group_size {_GROUP})"
        )
        try:
            engine.con.execute(sql)
        except duckdb.Error as error:
            raise EngineError(f"sorted {name}", sql, str(error)) from error
        aside.replace(path)
    for old in folder.glob("talk-*.parquet"):
        if old not in paths.values():
            old.unlink(missing_ok=True)
    return True


_GROUP = 20_000


def _sorted_path(folder: Path, run_key: str, name: str) -> Path:
    return folder / f"talk-{run_key}-{name}.parquet"


def message_files(snapshot: Snapshot, shop: ShopRun) -> list[DataFile]:
    """Return the files with a shop's messages as the run read them."""
    run = snapshot.run or {}
    versions = shop.versions or run.get("versions") or {}
    version = versions.get("messages")
    if version is None:
        return []
    files = delta.data_files(snapshot.lake.folder / "messages", version)
    return [file for file in files if file.may_hold((shop.shop_id,))]


def read_talk(
    engine: DuckEngine,
    snapshot: Snapshot,
    scope: ShopScope,
    files: Sequence[DataFile],
    buyer: str,
    agent: str | None,
    day: date,
    *,
    unmask: bool = False,
) -> dict[str, Any]:
    """Return what a buyer and an account said in the sessions that began on a day, as JSON values.

    Args:
        engine: knows the views of `put_talk_views`, ``refunds`` and ``products``.
        files: of the shop's messages (see `message_files`).
        agent: None is the unassigned.
    Returns:
        ``sessions``; ``messages`` (texts masked unless ``unmask``, ``product`` where one is
        named); ``rounds`` with ``wait_us``; ``orders`` and ``refunds`` of the buyer from an hour
        before the first session to two days after the last; ``others``: the buyer's sessions
        with everybody.
    Raises:
        UnknownName: the buyer has no session with the account that began on that day.
    """
    key: Row = {"shop_id": scope.shop_id, "buyer_id": buyer}
    near = engine.fetch("sessions", _SESSIONS, key).to_pylist()
    sessions = [row for row in near if (row["agent_id"], row["day"]) == (agent, day)]
    if not sessions:
        known = {str(row["day"]) for row in near if row["agent_id"] == agent}
        raise UnknownName("conversation", f"{buyer} {day}", known)
    first, last = sessions[0]["started_at"], max(row["ended_at"] for row in sessions)
    thread = key | {"agent_id": agent, "first": first, "last": last}
    messages = _messages(engine, snapshot, files, scope, thread)
    rounds = engine.fetch("rounds", _ROUNDS, thread).to_pylist()
    orders, refunds = _events(engine, key, first, last)
    products = _products(engine, scope.shop_id, messages)
    return {
        "shop_id": scope.shop_id,
        "buyer_id": buyer,
        "agent_id": agent,
        "day": day.isoformat(),
        "sessions": [json_cells(row) for row in sessions],
        "messages": [
            shown_message(row, scope.settings, unmask)
            | {"product": products.get(row["product_id"])}
            for row in messages
        ],
        "rounds": [json_cells(row) for row in rounds],
        "orders": [json_cells(row) for row in orders],
        "refunds": [json_cells(row) for row in refunds],
        "others": [json_cells(row) for row in near],
    }


def _events(
    engine: DuckEngine, key: Row, first: datetime, last: datetime
) -> tuple[list[Row], list[Row]]:
    """Return the buyer's orders and refunds from an hour before to two days after."""
    begin, end = first - timedelta(hours=1), last + timedelta(days=2)
    orders = engine.fetch("orders", _ORDERS, key).to_pylist()
    if not orders:
        return [], []
    span = {"from_at": begin, "to_at": end, "orders": [row["order_id"] for row in orders]}
    values = {"shop_id": key["shop_id"], **span}
    refunds = engine.fetch("refunds", _REFUNDS, values).to_pylist()
    times = ("created_at", "paid_at")
    near = [row for row in orders if any(row[at] and begin <= row[at] <= end for at in times)]
    return near, refunds


def list_talks(
    engine: DuckEngine,
    scope: ShopScope,
    *,
    agents: Sequence[str] | None = None,
    buyer: str = "",
    sort: str = "-started_at",
    limit: int = 50,
    offset: int = 0,
) -> list[Row]:
    """Return sessions that began in the scope's period, with their waits in microseconds.

    Args:
        agents: only of these accounts; default all.
        buyer: only of buyers whose id contains it.
        sort: one of SORTS, ``-`` before it from the largest; nulls last.
    Raises:
        UnknownName: no such order.
    """
    key = sort.removeprefix("-")
    if key not in SORTS:
        raise UnknownName("order of the list", key, SORTS)
    narrow, values = "", dict[str, Any]()
    if agents is not None:
        narrow += " and list_contains($agents, agent_id)"
        values["agents"] = list(agents)
    if buyer:
        narrow += " and contains(buyer_id, $buyer)"
        values["buyer"] = buyer
    order = f"{key} {'desc' if sort.startswith('-') else 'asc'} nulls last"
    sql = _TALKS.format(narrow=narrow, order=order, limit=limit, offset=offset)
    values |= {
        "shop_id": scope.shop_id,
        "first": scope.first,
        "last": scope.last,
        "next": scope.last + timedelta(days=1),
    }
    return list(engine.fetch("conversations", sql, values).to_pylist())


def _messages(
    engine: DuckEngine,
    snapshot: Snapshot,
    files: Sequence[DataFile],
    scope: ShopScope,
    thread: Row,
) -> list[Row]:
    months = {month_key(thread[name].date()) for name in ("first", "last")}
    # A file is of a month of UTC; those without one can hold any.
    chosen = [file.path for file in files if file.month is None or file.month in months]
    if not chosen:
        return []
    root = snapshot.lake.folder.resolve() / "messages"
    sql = _MESSAGES.format(source=delta.parquet([str(root / path) for path in chosen]))
    rows = engine.fetch("messages", sql, thread).to_pylist()
    return [row for row in rows if row["sender"] != "system"]


def _products(engine: DuckEngine, shop_id: str, messages: Sequence[Row]) -> dict[Any, Row]:
    if all(row["product_id"] is None for row in messages):
        return {}
    rows = engine.fetch("products", _PRODUCTS, {"shop_id": shop_id}).to_pylist()
    return {row["product_id"]: json_cells(row) for row in rows}
