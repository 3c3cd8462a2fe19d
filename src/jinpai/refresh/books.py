"""The book of the whole workspace, balanced though only a part of it was computed again.

The line's own checks prove the rows made again. This one adds up all paid orders of every shop, and
on the other side what will be in force: the credits of the last run, less the replaced, plus the
new. (That no other row is lost on the way is told by the number of rows, `derived.Patch`.)
"""

from __future__ import annotations

import duckdb

from jinpai.tables import derived
from jinpai.tables.lake import Snapshot

__all__ = ["sales_check"]


def sales_check(
    con: duckdb.DuckDBPyConnection, snapshot: Snapshot, *, is_patched: bool
) -> dict[str, str]:
    """Return check name -> query that may return no row.

    Args:
        is_patched: there are ``fresh_credits`` and ``stale_credits``. The shops to look at and
            their as_of (null for one that has no rows left) are in ``booked_shops``.
    """
    columns = "shop_id, judge_rule, paid_amount"
    version = snapshot.versions["credits"]
    old = derived.view_sql(con, snapshot.lake.folder / "credits", version)
    con.execute(f"create or replace temp view all_orders as {snapshot.table_sql('orders')}")
    con.execute(f"create or replace temp view all_credits as {old}")
    parts = [f"select {columns}, 1 as _sign from all_credits"]
    if is_patched:
        parts.append(f"select {columns}, -1 as _sign from stale_credits")
        parts.append(f"select {columns}, 1 as _sign from fresh_credits")
    return {"all_sales_credited": _SALES.format(derived=" union all ".join(parts))}


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
