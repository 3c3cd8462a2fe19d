"""Books of the whole workspace, balanced though only a part of it was computed again.

The line's own checks prove the rows made again. These add up all canonical rows of every shop, and
on the other side what will be in force: the rows of the last run, less the replaced, plus the new.
"""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from jinpai.tables.lake import Snapshot

__all__ = ["WHOLE_BOOKS", "whole_checks"]

# Check -> the derived table it adds up.
WHOLE_BOOKS = {"all_messages_in_sessions": "sessions", "all_sales_credited": "credits"}


def whole_checks(
    con: duckdb.DuckDBPyConnection, snapshot: Snapshot, patched: Collection[str]
) -> dict[str, str]:
    """Return check name -> query that may return no row.

    Args:
        patched: derived tables that have ``fresh_<name>`` and ``stale_<name>``; both tables
            looked at need ``old_<name>``. The shops to look at and their as_of (null for one that
            has no rows left) are in ``booked_shops``.
    """
    con.execute(f"create or replace temp view all_messages as {snapshot.table_sql('messages')}")
    con.execute(f"create or replace temp view all_orders as {snapshot.table_sql('orders')}")
    sessions = _signed("sessions", "shop_id, messages", patched)
    credits_ = _signed("credits", "shop_id, judge_rule, paid_amount", patched)
    return {
        "all_messages_in_sessions": _MESSAGES.format(derived=sessions),
        "all_sales_credited": _SALES.format(derived=credits_),
    }


def _signed(name: str, columns: str, patched: Collection[str]) -> str:
    parts = [f"select {columns}, 1 as _sign from old_{name}"]
    if name in patched:
        parts.append(f"select {columns}, -1 as _sign from stale_{name}")
        parts.append(f"select {columns}, 1 as _sign from fresh_{name}")
    return " union all ".join(parts)


_MESSAGES = """
with here as (
    select m.shop_id, count(*) as messages
    from all_messages as m
    inner join booked_shops as s on s.shop_id = m.shop_id
    where m.sender <> 'system' and epoch_us(m.sent_at) <= s.as_of_us
    group by 1
),

there as (
    select shop_id, sum(_sign * messages) as messages
    from ({derived})
    where shop_id in (select shop_id from booked_shops)
    group by 1
    having sum(_sign * messages) <> 0
)

select *
from here
full outer join there on there.shop_id = here.shop_id
where here.messages is distinct from there.messages
"""

_SALES = """
with here as (
    select o.shop_id, r.judge_rule, count(*) as orders, sum(o.paid_amount) as amount
    from all_orders as o
    inner join booked_shops as s on s.shop_id = o.shop_id
    cross join (values ('order'), ('order_first'), ('payment')) as r (judge_rule)
    where epoch_us(o.created_at) <= s.as_of_us and epoch_us(o.paid_at) <= s.as_of_us
    group by 1, 2
),

there as (
    select
        shop_id, judge_rule, sum(_sign) as orders,
        sum(_sign * paid_amount) as amount
    from ({derived})
    where shop_id in (select shop_id from booked_shops)
    group by 1, 2
    having sum(_sign) <> 0
)

select *
from here
full outer join there on there.shop_id = here.shop_id and there.judge_rule = here.judge_rule
where
    here.orders is distinct from there.orders
    or coalesce(here.amount, 0) is distinct from coalesce(there.amount, 0)
"""
