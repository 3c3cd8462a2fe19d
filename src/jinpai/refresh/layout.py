"""How a run's relations lie in their files, and whose rows are whose.

Every derived row belongs to one *unit*: what is said and bought by one buyer decides all rows of
that buyer, so a run that knows which buyers changed leaves the others alone. Files hold the rows of
one *bucket*, a month, so that a new day writes few of them anew.

A round lies in the month of its answer, an unanswered one in bucket 0: an answer that comes months
later then moves a row out of bucket 0 and leaves the old months untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jinpai.tables.derived import BUCKET

__all__ = ["LAYOUTS", "Layout", "bucketed"]

Unit = Literal["buyer", "order", "agent", "shop"]


@dataclass(frozen=True)
class Layout:
    """Of one derived relation.

    Attributes:
        unit: whose row it is: by the columns shop_id and buyer_id, order_id or agent_id; ``shop``
            for a small table that is always made anew.
        bucket: SQL of the bucket over the relation, called ``r``.
        joined: a join that brings what the bucket needs, if the row itself does not say.
    """

    unit: Unit
    bucket: str
    joined: str = ""


def _month(day: str) -> str:
    return f"cast(coalesce(year({day}) * 100 + month({day}), 0) as integer)"


LAYOUTS: dict[str, Layout] = {
    "roster": Layout("shop", "0"),
    "sessions": Layout("buyer", _month("r.day")),
    "rounds": Layout("buyer", _month("r.closed_at")),
    "receptions": Layout("buyer", _month("r.day")),
    "online_days": Layout("agent", _month("r.day")),
    "candidates": Layout("order", _month("r.judged_at")),
    "judged_orders": Layout("order", _month("r.created_day")),
    "credits": Layout("order", _month("r.day")),
    "reception_links": Layout("buyer", _month("r.day")),
    "sale_lines": Layout(
        "order",
        _month("o.created_day"),
        "inner join judged_orders as o on o.shop_id = r.shop_id and o.order_id = r.order_id",
    ),
}


def bucketed(name: str) -> str:
    """Return the SELECT of a relation with its bucket; of one without a layout, the relation."""
    layout = LAYOUTS.get(name)
    if layout is None:
        return f"select * from {name}"
    return f"select r.*, {layout.bucket} as {BUCKET} from {name} as r {layout.joined}".rstrip()
