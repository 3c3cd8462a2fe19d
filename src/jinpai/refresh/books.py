"""The book of the whole workspace, balanced though only a part of it was computed again.

The line's own checks prove the rows made again. This one adds up all paid orders of every shop, and
on the other side what will be in force: the judged orders of the last run, less the replaced, plus
the new. (That no other row is lost on the way is told by the number of rows, `derived.Patch`.)
"""

from __future__ import annotations

from jinpai.refresh.ground import AnyGround, view

__all__ = ["sales_check"]


def sales_check(ground: AnyGround, *, is_patched: bool) -> dict[str, str]:
    """Return check name -> query that may return no row.

    Args:
        is_patched: there are ``fresh_judged_orders`` and ``stale_judged_orders``. The shops to look
            at and their as_of (null for one that has no rows left) are in ``booked_shops``.
    """
    view(ground, "all_orders", ground.whole("orders"))
    view(ground, "all_judged", ground.old("judged_orders"))
    signs = {"all_judged": 1}
    if is_patched:
        signs |= {"stale_judged_orders": -1, "fresh_judged_orders": 1}
    parts = [
        f"select shop_id, paid_amount, {sign} as _sign from {name} where paid_at is not null"
        for name, sign in signs.items()
    ]
    return {"all_sales_judged": _SALES.format(derived=" union all ".join(parts))}


_SALES = """
with here as (
    select o.shop_id, count(*) as orders, sum(coalesce(o.paid_amount, 0)) as amount
    from all_orders as o
    inner join booked_shops as s on s.shop_id = o.shop_id
    where us(o.created_at) <= s.as_of_us and us(o.paid_at) <= s.as_of_us
    group by o.shop_id
),

there as (
    select shop_id, sum(_sign) as orders, sum(_sign * paid_amount) as amount
    from ({derived})
    where shop_id in (select shop_id from booked_shops)
    group by shop_id
    having sum(_sign) <> 0
)

select *
from here
full outer join there on there.shop_id = here.shop_id
where
    here.orders is distinct from there.orders
    or coalesce(here.amount, 0) is distinct from coalesce(there.amount, 0)
"""
