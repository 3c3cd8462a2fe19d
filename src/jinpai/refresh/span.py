"""How far back a change can be seen: the windows of the definitions.

What happens at some time t can change, of the buyer's rows,

- the session that t falls into, which began at most *session_gap* and its own length before, and on
  the days of that session the marks of receptions, rounds and sessions;
- winners of orders created or paid up to *order_window* before that session, or after it, and with
  them the order's rows wherever its creation lies;
- the kind of receptions up to *inquiry_days* before such an order;
- a round that waited for its answer, however long, and slow_rounds of its reception: what is
  unanswered lies in a bucket of its own (`layout`).
"""

from __future__ import annotations

from collections.abc import Sequence

from jinpai.conversations.inputs import RunShop
from jinpai.engine.base import Engine
from jinpai.periods import DAY_US
from jinpai.refresh.layout import week_of

__all__ = ["first_week", "longest_session", "order_bound"]

# Local days begin up to a day from UTC days, and a business day later still.
_SLACK_DAYS = 3


def longest_session(engine: Engine) -> int:
    """Return the length of the longest session, microseconds; 0 without any."""
    sql = "select max(end_us - start_us) as longest from judged_sessions"
    return int(engine.fetch("longest session", sql)["longest"][0].as_py() or 0)


def order_bound(since_us: int, longest_us: int, shops: Sequence[RunShop]) -> int:
    """Return the time from which on a moment of an order may have another winner."""
    gap = max(shop.settings.us("session_gap") for shop in shops)
    window = max(shop.settings.us("order_window") for shop in shops)
    return since_us - gap - 2 * longest_us - window - _SLACK_DAYS * DAY_US


def first_week(engine: Engine, bound_us: int, shops: Sequence[RunShop]) -> int:
    """Return the first week in which rows may change; reads ``orders`` and ``changed_orders``."""
    sql = (
        "select min(us(o.created_at)) as created from orders as o where us(o.created_at) >= $bound"
        " or us(o.paid_at) >= $bound or exists (select 1 from changed_orders as c"
        " where c.shop_id = o.shop_id and c.order_id = o.order_id)"
    )
    created = engine.fetch("first order", sql, {"bound": bound_us})["created"][0].as_py()
    days = max(shop.settings.inquiry_days for shop in shops) + _SLACK_DAYS
    earliest = min(bound_us, bound_us if created is None else created)
    return max(week_of(earliest // DAY_US - days), 1)
