"""Inspection of a shop's sessions, as the last run made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from jinpai.engine.duckdb import DuckEngine
from jinpai.quality.acts.scan import Scanner
from jinpai.quality.inspect import Inspected
from jinpai.quality.judge import Judge
from jinpai.quality.session import Message, Order, Session, give_orders, with_acts

__all__ = ["inspect_shop"]

# One row per message of an unfiltered session, buyer by buyer, session by session.
_MESSAGES = """
select
    s.buyer_id, s.agent_id, a.role as agent_role, us(s.started_at) as started_us,
    m.message_id, us(m.sent_at) as sent_us, m.sender, coalesce(m.is_auto, false) as is_auto,
    coalesce(m.kind, 'text') as kind, coalesce(m.text, '') as text
from sessions as s
inner join messages as m
    on m.shop_id = s.shop_id and m.buyer_id = s.buyer_id
    and m.agent_id is not distinct from s.agent_id
    and m.sent_at >= s.started_at and m.sent_at <= s.ended_at
left join roster as a on a.shop_id = s.shop_id and a.agent_id = s.agent_id
where s.shop_id = '{shop}' and s.filter_reason is null and m.sender <> 'system'
order by s.buyer_id, s.started_at, s.agent_id, m.sent_at, m.seq nulls last, m.message_id
"""
_ORDERS = """
select buyer_id, order_id, us(created_at) as created_us, us(paid_at) as paid_us,
    us(closed_at) as closed_us, flag
from orders
where shop_id = '{shop}' and buyer_id is not null and created_at is not null
    and us(created_at) <= {as_of}
order by buyer_id, created_at, order_id
"""


def inspect_shop(
    engine: DuckEngine,
    shop_id: str,
    as_of_us: int,
    settings: Mapping[str, Any],
    judge: Judge,
    scanner: Scanner,
) -> Iterator[Inspected]:
    """Yield the unfiltered sessions of a shop, judged, buyer by buyer in order of time.

    ``engine`` holds the run's relations and the canonical messages and orders it read. A session's
    ``dialogue_id`` is its buyer, its number counts the buyer's sessions.
    """
    shop = shop_id.replace("'", "''")
    orders = _orders(engine, shop, as_of_us, frozenset(settings["excluded_flags"]))
    rows = engine.fetch("session messages", _MESSAGES.format(shop=shop)).to_pylist()
    autos = (tuple(settings["auto_reply_texts"]), tuple(settings["auto_reply_prefixes"]))
    for buyer, of_buyer in groupby(rows, key=lambda row: row["buyer_id"]):
        keys = groupby(of_buyer, key=lambda row: (row["started_us"], row["agent_id"]))
        sessions = [
            _session(shop_id, list(part), autos, scanner, as_of_us / 1e6) for _, part in keys
        ]
        for number, session in enumerate(give_orders(sessions, orders.get(buyer, ())), 1):
            yield Inspected(str(buyer), number, session, tuple(judge.findings(session)))


def _session(
    shop_id: str,
    rows: list[dict[str, Any]],
    autos: tuple[tuple[str, ...], tuple[str, ...]],
    scanner: Scanner,
    as_of: float,
) -> Session:
    first = rows[0]
    messages = [
        Message(
            message_id=row["message_id"],
            role=_role(row, *autos),
            text=row["text"],
            at=row["sent_us"] / 1e6,
            agent_id=row["agent_id"],
            kind=row["kind"],
        )
        for row in rows
    ]
    name = f"{shop_id}/{first['agent_id'] or ''}/{first['buyer_id']}/{first['started_us']}"
    return Session(
        name,
        tuple(with_acts(messages, scanner)),
        first["agent_id"],
        first["agent_role"],
        as_of=as_of,
    )


def _role(row: Mapping[str, Any], texts: tuple[str, ...], prefixes: tuple[str, ...]) -> str:
    """Return who wrote: an automatic reply of an agent is a robot's."""
    if row["sender"] != "agent":
        return str(row["sender"])
    is_auto = row["is_auto"] or row["text"] in texts or row["text"].startswith(prefixes)
    return "robot" if is_auto else "agent"


def _orders(
    engine: DuckEngine, shop: str, as_of_us: int, excluded: frozenset[str]
) -> dict[str, list[Order]]:
    """Return the orders by buyer, excluded ones left out; what happens after as_of has not."""
    found = dict[str, list[Order]]()
    sql = _ORDERS.format(shop=shop, as_of=as_of_us)
    for row in engine.fetch("orders", sql).to_pylist():
        if row["flag"] in excluded:
            continue
        paid, closed = (
            None if row[name] is None or row[name] > as_of_us else row[name] / 1e6
            for name in ("paid_us", "closed_us")
        )
        order = Order(row["order_id"], row["created_us"] / 1e6, paid, closed)
        found.setdefault(row["buyer_id"], []).append(order)
    return found
