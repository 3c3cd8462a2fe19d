"""Why one order is whose, and why one reception counts as it does: from the relations of a run.

All functions return JSON values: times as ISO text in UTC, days as ISO text, money as text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.explain_words import (
    credit_reason,
    filter_words,
    kind_words,
    lost_words,
    moment_words,
)
from jinpai.metrics.compile import fact_sql
from jinpai.metrics.query import JUDGE_RULES, ShopScope
from jinpai.metrics.texts import json_cells, masked, messages_of_rounds, shown_message
from jinpai.periods import day_end, day_start

__all__ = ["explain_order", "explain_reception"]

Row = dict[str, Any]

_ORDER = """
select
    j.shop_id, j.order_id, j.buyer_id, j.created_at, j.paid_at, j.created_day, j.paid_day,
    j.created_agent_id, j.paid_agent_id, j.paid_amount, j.units, j.refunded_amount, j.is_excluded,
    j.is_paid_in_time, o.closed_at, o.shipped_at, o.finished_at, o.payable_amount,
    o.status as source_status, o.flag, o.note,
    us(o.closed_at) as closed_us, us(o.shipped_at) as shipped_us, us(o.finished_at) as finished_us
from judged_orders as j
inner join orders as o on o.shop_id = j.shop_id and o.order_id = j.order_id
where j.shop_id = $shop_id and j.order_id = $order_id
"""
_SIMILAR = """
select order_id from judged_orders where shop_id = $shop_id
order by jaro_winkler_similarity(order_id, $order_id) desc, order_id limit 20
"""
_CANDIDATES = """
select
    moment, place, agent_id, session_started_at, session_ended_at, is_covering, lost_reason
from candidates
where shop_id = $shop_id and order_id = $order_id
order by moment, place nulls last, session_ended_at desc, session_started_at desc, agent_id
"""
_CREDITS = """
select judge_rule, agent_id, day, status from credits
where shop_id = $shop_id and order_id = $order_id
"""
_LINES = """
select
    l.sub_order_id, l.product_id, i.title, i.quantity, i.amount as item_amount, l.units,
    l.amount as shared_amount
from sale_lines as l
left join order_items as i
    on i.shop_id = l.shop_id
    and i.order_id = l.order_id
    and i.sub_order_id = l.sub_order_id
where l.shop_id = $shop_id and l.order_id = $order_id
order by l.sub_order_id
"""
_ITEMS = """
select
    sub_order_id, product_id, title, quantity, amount as item_amount, quantity as units,
    cast(null as decimal(18, 2)) as shared_amount
from order_items
where shop_id = $shop_id and order_id = $order_id
order by sub_order_id
"""
_THREAD = """
shop_id = $shop_id and buyer_id = $buyer_id and agent_id is not distinct from $agent_id
"""
_MESSAGES = f"""
select message_id, sent_at, seq, sender, is_auto, kind, text, product_id
from messages
where {_THREAD} and sender <> 'system' and us(sent_at) >= $from_us and us(sent_at) < $to_us
order by sent_at, seq asc nulls last, message_id
"""
_BUYER_ORDERS = """
select j.order_id, j.created_at, j.paid_at, j.created_day, o.closed_at, j.paid_amount
from judged_orders as j
inner join orders as o on o.shop_id = j.shop_id and o.order_id = j.order_id
where j.shop_id = $shop_id and j.buyer_id = $buyer_id and not j.is_excluded
order by j.created_at, j.order_id
"""
_LINKS = f"""
select order_id, created_at, paid_amount, is_paid_in_time, created_agent_id, order_agent_id,
    order_first_agent_id, payment_agent_id
from reception_links
where {_THREAD} and day = $day
order by created_at, order_id
"""


def explain_order(
    engine: DuckEngine, scope: ShopScope, order_id: str, *, unmask: bool = False
) -> dict[str, Any]:
    """Return one order: who was near it, who won and why, and who is credited under each rule.

    Args:
        engine: holds the run's derived relations; ``orders``, ``order_items`` as the run read them.
    Returns:
        ``order`` (its facts), ``moments`` (``created``, ``paid``: ``at``, ``winner``, ``ranked``
        candidates, ``others`` that were none), ``rules`` (per judge rule: agent, day, status,
        reason), ``items`` (each with its share of the paid amount).
    Raises:
        UnknownName: the run saw no such order.
    """
    key = {"shop_id": scope.shop_id, "order_id": order_id}
    found = engine.fetch("order", _ORDER, key).to_pylist()
    if not found:
        similar = engine.fetch("orders like it", _SIMILAR, key)["order_id"].to_pylist()
        raise UnknownName("order", order_id, [name for name in similar if name is not None])
    order = _order_facts(found[0], scope, unmask)
    near = engine.fetch("candidates", _CANDIDATES, key).to_pylist()
    credits = engine.fetch("credits", _CREDITS, key).to_pylist()
    lines = _LINES if found[0]["paid_at"] is not None and not order["is_excluded"] else _ITEMS
    rows = engine.fetch("lines", lines, key).to_pylist()
    return {
        "shop_id": scope.shop_id,
        "order": order,
        "moments": [_moment(name, found[0], near) for name in ("created", "paid")],
        "rules": [_rule(rule, found[0], credits, scope) for rule in JUDGE_RULES],
        "items": [json_cells(row) for row in rows],
    }


def _order_facts(row: Row, scope: ShopScope, unmask: bool) -> Row:
    """Return the order's columns; what happened after as_of is null."""
    made = {name: value for name, value in row.items() if not name.endswith("_us")}
    for name in ("closed", "shipped", "finished"):
        at_us = row[f"{name}_us"]
        if at_us is not None and at_us > scope.as_of_us:
            made[f"{name}_at"] = None
    return json_cells(made) | {"note": masked(row["note"], unmask)}


def _moment(name: str, order: Row, near: list[Row]) -> Row:
    mine = [row for row in near if row["moment"] == name]
    ranked = [_near(row) for row in mine if row["place"] is not None]
    zh, en = moment_words(name)
    return {
        "moment": name,
        "zh": zh,
        "en": en,
        "at": json_cells(order)[f"{name}_at"],
        "winner": ranked[0]["agent_id"] if ranked else None,
        "ranked": ranked,
        "others": [_near(row) for row in mine if row["place"] is None],
    }


def _near(row: Row) -> Row:
    zh, en = lost_words(row["lost_reason"], row["place"])
    shown = json_cells({name: value for name, value in row.items() if name != "moment"})
    return shown | {"reason_zh": zh, "reason_en": en}


def _rule(rule: str, order: Row, credits: list[Row], scope: ShopScope) -> Row:
    found = next((row for row in credits if row["judge_rule"] == rule), None)
    credit = found or {"agent_id": None, "day": None, "status": "unpaid"}
    zh, en = credit_reason(rule, credit["status"], credit["agent_id"], order)
    return json_cells({name: credit[name] for name in ("agent_id", "day", "status")}) | {
        "judge_rule": rule,
        "is_default": rule == scope.settings.judge_rule,
        "reason_zh": zh,
        "reason_en": en,
    }


def explain_reception(
    engine: DuckEngine,
    scope: ShopScope,
    agent: str | None,
    buyer: str,
    day: date,
    *,
    unmask: bool = False,
) -> dict[str, Any]:
    """Return one reception: its kind and filter with the reasons, talk, rounds, orders, assists.

    Args:
        engine: holds the run's derived relations, and ``messages`` and ``orders`` as it read them.
        agent: an account; None is the unassigned.
        day: a local day of the shop.
    Returns:
        ``reception`` (its columns, ``kind_*`` and ``filter_*`` reasons, ``because``: the orders
        that made the kind), ``messages`` of the day, ``rounds`` opened on it with their messages,
        ``orders`` linked to it, ``rules`` (per judge rule: is_assist, helped orders).
    Raises:
        UnknownName: no reception of such an agent or buyer.
        UsageError: they had none on that day; the message names the days they had.
    """
    key: dict[str, Any] = {"shop_id": scope.shop_id, "buyer_id": buyer, "agent_id": agent}
    reception = _reception(engine, key, day)
    place = (scope.timezone, scope.settings.business_day_start)
    times = {"from_us": day_start(day, *place), "to_us": day_end(day, *place) + 1}
    times["to_us"] = min(times["to_us"], scope.as_of_us + 1)
    messages = engine.fetch("messages", _MESSAGES, key | times).to_pylist()
    sql = f"select * from rounds where {_THREAD} and day = $day order by opened_position"
    rounds = engine.fetch("rounds", sql, key | {"day": day}).to_pylist()
    talks = messages_of_rounds(
        engine, scope.shop_id, scope.as_of_us, scope.settings, rounds, unmask
    )
    links = engine.fetch("links", _LINKS, key | {"day": day}).to_pylist()
    return {
        "shop_id": scope.shop_id,
        "reception": _reception_facts(engine, scope, reception, key),
        "messages": [shown_message(row, scope.settings, unmask) for row in messages],
        "rounds": [
            json_cells(row) | {"messages": talk} for row, talk in zip(rounds, talks, strict=True)
        ],
        "orders": [json_cells(row) for row in links],
        "rules": [_assist(engine, rule, key, day) for rule in JUDGE_RULES],
    }


def _reception(engine: DuckEngine, key: Mapping[str, Any], day: date) -> Row:
    sql = f"select * from receptions where {_THREAD} order by day"
    found: list[Row] = engine.fetch("reception", sql, key).to_pylist()
    for row in found:
        if row["day"] == day:
            return row
    if found:
        days = ", ".join(row["day"].isoformat() for row in found[-12:])
        raise UsageError(
            f"Agent '{key['agent_id'] or ''}' had no message of buyer '{key['buyer_id']}' "
            f"on {day}; days on which there was one: {days}.",
            zh=f"客服“{key['agent_id'] or ''}”在 {day} 没有买家“{key['buyer_id']}”的消息；"
            f"有消息的日期：{days}。",
        )
    for kind, value in (("agent", key["agent_id"]), ("buyer", key["buyer_id"])):
        sql = f"select distinct {kind}_id from receptions where shop_id = $shop_id"
        names = engine.fetch(kind, sql, {"shop_id": key["shop_id"]}).columns[0].to_pylist()
        if value not in names:
            raise UnknownName(kind, value or "", [name for name in names if name is not None])
    raise UsageError(
        f"Agent '{key['agent_id'] or ''}' never received buyer '{key['buyer_id']}'.",
        zh=f"客服“{key['agent_id'] or ''}”从未接待买家“{key['buyer_id']}”。",
    )


def _reception_facts(engine: DuckEngine, scope: ShopScope, row: Row, key: Mapping[str, Any]) -> Row:
    values = {"shop_id": key["shop_id"], "buyer_id": key["buyer_id"]}
    orders = engine.fetch("orders of the buyer", _BUYER_ORDERS, values).to_pylist()
    because, kind_zh, kind_en = kind_words(row, orders, scope.settings)
    filter_zh, filter_en = filter_words(row["filter_reason"], scope.settings)
    return json_cells(row) | {
        "kind_zh": kind_zh,
        "kind_en": kind_en,
        "because": because,
        "filter_zh": filter_zh,
        "filter_en": filter_en,
    }


def _assist(engine: DuckEngine, rule: str, key: Mapping[str, Any], day: date) -> Row:
    sql = (
        f"{fact_sql('assists')}\n"
        "select order_id, paid_amount, credited_agent_id, kind from fact\n"
        f"where {_THREAD} and day = $day order by order_id"
    )
    values = {**key, "day": day, "judge_rule": rule, "level": "agent"}
    helped = engine.fetch("assists", sql, values).to_pylist()
    return {
        "judge_rule": rule,
        "is_assist": bool(helped),
        "helped": [json_cells(row) for row in helped],
    }
