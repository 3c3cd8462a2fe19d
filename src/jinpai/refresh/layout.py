"""How a run's relations lie in their files, and whose rows are whose.

Every derived row belongs to one *unit*: what is said and bought by one buyer decides all rows of
that buyer, so a run that knows which buyers changed leaves the others alone. Files hold the rows of
one *bucket*, a week, so that a new day writes few of them anew. Weeks that lie far back when a
full run is made are one bucket together: they hardly change, and sorting rows out costs as much as
writing them. The first week of its own, the ``cutoff``, stays until the next full run.

A round or reception lies in the week of its answer, an unanswered one in bucket 0: an answer that
comes months later then moves a row out of bucket 0 and leaves the old weeks untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jinpai.tables.derived import BUCKET, BULK

__all__ = ["LAYOUTS", "Layout", "bucketed", "cutoff_of", "first_day_of", "week_of"]

# Payments, refunds and late answers of these weeks are common.
_OWN_WEEKS = 9
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


def week_of(day_number: int) -> int:
    """Return the bucket of a day, given as days since 1970: never 0 after January 1970.

    >>> week_of(20_514)
    2930
    """
    return day_number // 7


def first_day_of(week: int) -> int:
    """Return the first day of a bucket, as days since 1970."""
    return week * 7


def _week(day_number: str) -> str:
    return f"quotient(coalesce({day_number}, 0), 7)"


LAYOUTS: dict[str, Layout] = {
    "roster": Layout("shop", "0"),
    "sessions": Layout("buyer", _week("date_day(r.day)")),
    "rounds": Layout("buyer", _week("day_number(us(r.closed_at))")),
    "receptions": Layout("buyer", _week("day_number(us(r.answered_at))")),
    "online_days": Layout("agent", _week("date_day(r.day)")),
    "judged_orders": Layout("order", _week("date_day(r.created_day)")),
    "reception_links": Layout("buyer", _week("date_day(r.day)")),
    "sale_lines": Layout(
        "order",
        _week("date_day(o.created_day)"),
        "inner join judged_orders as o on o.shop_id = r.shop_id and o.order_id = r.order_id",
    ),
    "findings": Layout("buyer", _week("date_day(r.day)")),
    "session_scores": Layout("buyer", _week("date_day(r.day)")),
    "session_products": Layout("buyer", _week("date_day(r.day)")),
}


def cutoff_of(last_day: int) -> int:
    """Return the cutoff of a full run whose last day is so many days after 1970-01-01."""
    return max(week_of(last_day) - _OWN_WEEKS, BULK + 1)


def bucketed(name: str, cutoff: int) -> str:
    """Return the SELECT of a relation with its bucket; of one without a layout, the relation."""
    layout = LAYOUTS.get(name)
    if layout is None:
        return f"select * from {name}"
    bucket = layout.bucket
    if layout.unit != "shop":
        bucket = f"case when {bucket} > 0 and {bucket} < {cutoff} then {BULK} else {bucket} end"
    return f"select r.*, {bucket} as {BUCKET} from {name} as r {layout.joined}".rstrip()
