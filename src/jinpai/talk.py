"""One conversation as it went: messages, rounds that waited, and what the buyer bought meanwhile.

Reads the few files that can hold it, whatever the size of the workspace.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName
from jinpai.line import ShopRun
from jinpai.metrics.query import ShopScope
from jinpai.metrics.texts import json_cells, shown_message
from jinpai.periods import month_key
from jinpai.tables import delta
from jinpai.tables.delta import DataFile
from jinpai.tables.lake import Snapshot

__all__ = ["SORTS", "list_talks", "message_files", "neighbours", "read_talk"]

Row = dict[str, Any]

_THREAD = """
shop_id = $shop_id and buyer_id = $buyer_id and agent_id is not distinct from $agent_id
"""
_SESSIONS = f"""
select session_no, day, started_at, ended_at, messages, buyer_messages, human_messages,
    is_attended, is_two_sided, filter_reason, concurrency
from sessions
where {_THREAD} and day = $day
order by started_at
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
_ROUNDS = f"""
select session_no, opened_at, closed_at, wait_us, is_late, is_first_in_session
from rounds
where {_THREAD} and day >= $day and day <= $next_day
order by opened_at
"""
_ORDERS = """
select
    j.order_id, j.created_at, j.paid_at, j.paid_amount, j.refunded_amount, j.is_excluded,
    j.created_agent_id, j.paid_agent_id
from judged_orders as j
where j.shop_id = $shop_id and j.buyer_id = $buyer_id
    and (j.created_at between $from_at and $to_at or j.paid_at between $from_at and $to_at)
order by j.created_at, j.order_id
"""
_REFUNDS = """
select r.refund_id, r.order_id, r.opened_at, r.closed_at, r.amount, r.reason, r.outcome
from refunds as r
inner join judged_orders as j on j.shop_id = r.shop_id and j.order_id = r.order_id
where r.shop_id = $shop_id and j.buyer_id = $buyer_id and r.opened_at between $from_at and $to_at
order by r.opened_at, r.refund_id
"""
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
_NEAR = """
select agent_id, day, started_at, messages, is_two_sided
from sessions
where shop_id = $shop_id and buyer_id = $buyer_id
order by started_at
"""


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
        engine: holds the run's derived relations, ``refunds`` and ``products``.
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
    key: Row = {"shop_id": scope.shop_id, "buyer_id": buyer, "agent_id": agent}
    near = neighbours(engine, scope.shop_id, buyer)
    sessions = engine.fetch("sessions", _SESSIONS, key | {"day": day}).to_pylist()
    if not sessions:
        known = {str(row["day"]) for row in near if row["agent_id"] == (agent or None)}
        raise UnknownName("conversation", f"{buyer} {day}", known)
    first, last = sessions[0]["started_at"], max(row["ended_at"] for row in sessions)
    messages = _messages(engine, snapshot, files, scope, key, first, last)
    span = key | {"from_at": first - timedelta(hours=1), "to_at": last + timedelta(days=2)}
    place = {name: value for name, value in span.items() if name != "agent_id"}
    rounds = key | {"day": day, "next_day": day + timedelta(days=1)}
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
        "rounds": [
            json_cells(row)
            for row in engine.fetch("rounds", _ROUNDS, rounds).to_pylist()
            if first <= row["opened_at"] <= last
        ],
        "orders": [json_cells(row) for row in engine.fetch("orders", _ORDERS, place).to_pylist()],
        "refunds": [
            json_cells(row) for row in engine.fetch("refunds", _REFUNDS, place).to_pylist()
        ],
        "others": [json_cells(row) for row in near],
    }


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


def neighbours(engine: DuckEngine, shop_id: str, buyer: str) -> list[Row]:
    """Return the buyer's sessions with everybody, oldest first."""
    rows = engine.fetch("sessions of the buyer", _NEAR, {"shop_id": shop_id, "buyer_id": buyer})
    return list(rows.to_pylist())


def _messages(
    engine: DuckEngine,
    snapshot: Snapshot,
    files: Sequence[DataFile],
    scope: ShopScope,
    key: Row,
    first: datetime,
    last: datetime,
) -> list[Row]:
    months = {month_key(one.date()) for one in (first, last)}
    # A file is of a month of UTC; those without one can hold any.
    chosen = [file.path for file in files if file.month is None or file.month in months]
    if not chosen:
        return []
    root = snapshot.lake.folder.resolve() / "messages"
    sql = _MESSAGES.format(source=delta.parquet([str(root / path) for path in chosen]))
    end = min(last, datetime.fromtimestamp(0) + timedelta(microseconds=scope.as_of_us))
    rows = engine.fetch("messages", sql, key | {"first": first, "last": end}).to_pylist()
    return [row for row in rows if row["sender"] != "system"]


def _products(engine: DuckEngine, shop_id: str, messages: Sequence[Row]) -> dict[Any, Row]:
    if all(row["product_id"] is None for row in messages):
        return {}
    rows = engine.fetch("products", _PRODUCTS, {"shop_id": shop_id}).to_pylist()
    return {row["product_id"]: json_cells(row) for row in rows}
