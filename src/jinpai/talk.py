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
from jinpai.talk_files import LIST_ORDER, LISTED, TalkRows, files_in_span
from jinpai.talk_pieces import Row
from jinpai.talk_said import in_order

__all__ = ["SORTS", "list_talks", "message_files", "read_talk"]

_MESSAGES = """
select
    message_id, make_timestamp(epoch_us(sent_at)) as sent_at, seq, sender, is_auto, kind, text,
    product_id
from {source}
where shop_id = $shop_id and buyer_id = $buyer_id and agent_id is not distinct from $agent_id
    and sent_at >= $first and sent_at <= $last
"""
_PRODUCTS = """
select product_id, title, price from products
where shop_id = $shop_id and list_contains($products, product_id)
"""
_TALKS = """
select * from {listed}
where shop_id = $shop_id and day >= $first and day <= $last{narrow}
order by {order}
limit {limit} offset {offset}
"""
SORTS = ("started_at", "messages", "first_us", "longest_us", "unanswered")
"""What conversations can be listed by."""


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
    rows: TalkRows,
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
        engine: knows ``products``; messages are read by it, from their files.
        rows: the run's rows of buyers.
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
    shop_id = scope.shop_id
    near = rows.of_buyer("sessions", shop_id, buyer)
    near.sort(key=lambda row: (row["started_at"], row["agent_id"] is None, row["agent_id"] or ""))
    sessions = [row for row in near if (row["agent_id"], row["day"]) == (agent, day)]
    if not sessions:
        known = {str(row["day"]) for row in near if row["agent_id"] == agent}
        raise UnknownName("conversation", f"{buyer} {day}", known)
    first, last = sessions[0]["started_at"], max(row["ended_at"] for row in sessions)
    thread = {"shop_id": shop_id, "buyer_id": buyer, "agent_id": agent, "first": first}
    messages = _messages(engine, rows, snapshot, files, thread | {"last": last})
    rounds = [
        row
        for row in rows.of_buyer("rounds", shop_id, buyer)
        if row["agent_id"] == agent and first <= row["opened_at"] <= last
    ]
    orders, refunds = _events(rows, shop_id, buyer, first, last)
    products = _products(engine, shop_id, messages)
    return {
        "shop_id": shop_id,
        "buyer_id": buyer,
        "agent_id": agent,
        "day": day.isoformat(),
        "sessions": _told(sessions),
        "messages": [
            shown_message(row, scope.settings, unmask)
            | {"product": products.get(row["product_id"])}
            for row in messages
        ],
        "rounds": _told(sorted(rounds, key=lambda row: row["opened_at"]), "agent_id"),
        "orders": orders,
        "refunds": refunds,
        "others": _told(near),
    }


def _told(rows: Sequence[Row], *less: str) -> list[Row]:
    """Return rows as JSON values, without what the conversation says once."""
    left_out = {"shop_id", "buyer_id", *less}
    return [
        json_cells({name: value for name, value in row.items() if name not in left_out})
        for row in rows
    ]


def _events(
    rows: TalkRows, shop_id: str, buyer: str, first: datetime, last: datetime
) -> tuple[list[Row], list[Row]]:
    """Return the buyer's orders and refunds from an hour before to two days after."""
    begin, end = first - timedelta(hours=1), last + timedelta(days=2)
    bought = rows.of_buyer("orders", shop_id, buyer)
    if not bought:
        return [], []
    times = ("created_at", "paid_at")
    orders = [row for row in bought if any(row[at] and begin <= row[at] <= end for at in times)]
    refunds = [
        row
        for row in rows.of_buyer("refunds", shop_id, buyer)
        if row["opened_at"] and begin <= row["opened_at"] <= end
    ]
    orders.sort(key=lambda row: (row["created_at"] or datetime.max, row["order_id"]))
    refunds.sort(key=lambda row: (row["opened_at"], row["refund_id"]))
    return _told(orders), _told(refunds)


def list_talks(
    engine: DuckEngine,
    scope: ShopScope,
    *,
    listed: str = "",
    agents: Sequence[str] | None = None,
    buyer: str = "",
    sort: str = "-started_at",
    limit: int = 50,
    offset: int = 0,
) -> list[Row]:
    """Return sessions that began in the scope's period, with their waits in microseconds.

    Args:
        engine: knows the run, unless ``listed`` is given, as `SortedRows.name` calls it.
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
    # Rows of the file lie in the order that breaks ties.
    order += ", rowid" if listed else f", {LIST_ORDER}"
    source = listed or _from_run(narrow)
    sql = _TALKS.format(listed=source, narrow=narrow, order=order, limit=limit, offset=offset)
    values |= {"shop_id": scope.shop_id, "first": scope.first, "last": scope.last}
    return list(engine.fetch("conversations", sql, values).to_pylist())


def _from_run(narrow: str) -> str:
    mine = " where shop_id = $shop_id and day >= $first"
    made = LISTED.format(of_sessions=f"{mine} and day <= $last{narrow}", of_rounds=mine + narrow)
    return f"({made})"


def _messages(
    engine: DuckEngine,
    rows: TalkRows,
    snapshot: Snapshot,
    files: Sequence[DataFile],
    thread: Row,
) -> list[Row]:
    months = {month_key(thread[name].date()) for name in ("first", "last")}
    # A file is of a month of UTC; those without one can hold any.
    chosen = [file.path for file in files if file.month is None or file.month in months]
    root = str(snapshot.lake.folder.resolve() / "messages")
    paths = files_in_span([f"{root}/{path}" for path in chosen], thread["first"], thread["last"])
    found = list[Row]()
    unread = list[str]()
    for path in paths:
        said = rows.said(path.removeprefix(f"{root}/"), thread["shop_id"], thread["buyer_id"])
        if said is None:
            unread.append(path)
        else:
            found += [_told_of(row) for row in said if _is_in(row, thread)]
    if unread:
        sql = _MESSAGES.format(source=delta.parquet(unread))
        found += engine.fetch("messages", sql, thread).to_pylist()
    return [row for row in in_order(found) if row["sender"] != "system"]


def _told_of(row: Row) -> Row:
    return {name: row[name] for name in row if name not in ("shop_id", "buyer_id", "agent_id")}


def _is_in(row: Row, thread: Row) -> bool:
    is_theirs = row["agent_id"] == thread["agent_id"]
    return is_theirs and bool(thread["first"] <= row["sent_at"] <= thread["last"])


def _products(engine: DuckEngine, shop_id: str, messages: Sequence[Row]) -> dict[Any, Row]:
    named = sorted({row["product_id"] for row in messages if row["product_id"] is not None})
    if not named:
        return {}
    values = {"shop_id": shop_id, "products": named}
    rows = engine.fetch("products", _PRODUCTS, values).to_pylist()
    return {row["product_id"]: json_cells(row) for row in rows}
