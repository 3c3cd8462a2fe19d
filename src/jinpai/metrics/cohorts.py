"""Cohorts: the buyers of a month of first purchase, how many came back later, and paid what.

A buyer belongs to the month of the local day of its first paid order; a month later counts a buyer
once however often it bought. Excluded orders and orders without a buyer do not exist.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from jinpai.engine.duckdb import DuckEngine
from jinpai.errors import UnknownName, UsageError
from jinpai.metrics.cells import ShopScope
from jinpai.metrics.compile import fact_sql
from jinpai.metrics.evidence import check_names
from jinpai.metrics.query import JUDGE_RULES
from jinpai.metrics.recipes import quotient
from jinpai.periods import day_end, days

__all__ = [
    "Cohort", "CohortMonth", "cohort_buyers", "cohort_json", "cohorts", "cohorts_table",
]  # fmt: skip

_SQL = """
select
    shop_id, first_month_no, month_no, count(*) as buyers,
    cast(sum(paid_amount) as decimal(38, 2)) as amount
from fact
where {}
group by shop_id, first_month_no, month_no
order by shop_id, first_month_no, month_no
"""
_BUYERS = """
select buyer_id, agent_id, first_day, orders, cast(paid_amount as decimal(38, 2)) as paid_amount
from fact
where shop_id = $shop_id and first_month_no = $first_month_no and month_no = $month_no
order by paid_amount desc, buyer_id
"""
_DAYS = "select min(paid_day) as first_day, max(paid_day) as last_day from judged_orders"


@dataclass(frozen=True)
class CohortMonth:
    """What became of a cohort in one month.

    Attributes:
        months_since: 0 is the month of first purchase.
        buyers: of the cohort, those who paid in the month.
        share: of the cohort's buyers, exact division last.
        amount: what they paid in it, gross of refunds.
        status: ``final`` once as_of has reached the end of the month, else ``provisional``.
    """

    months_since: int
    month: str
    buyers: int
    share: float
    amount: Decimal
    status: str


@dataclass(frozen=True)
class Cohort:
    """The buyers of one month of first purchase; ``months`` are that one to that of as_of."""

    shop_id: str
    month: str
    buyers: int
    months: tuple[CohortMonth, ...]


def cohorts(
    engine: DuckEngine,
    scopes: Sequence[ShopScope],
    *,
    agent: str | None = None,
    judge_rule: str = "order_first",
) -> list[Cohort]:
    """Return the cohorts of each shop, oldest first; months without a first purchase have none.

    Args:
        scopes: with ``is_default`` all first purchases, else those on the scope's days.
        agent: only buyers whose first order is credited to this account under ``judge_rule``;
            empty text is nobody.
    Raises:
        UnknownName: no such agent or judge rule.
    """
    if judge_rule not in JUDGE_RULES:
        raise UnknownName("judge rule", judge_rule, JUDGE_RULES)
    if not _put_months(engine):
        return []
    return [cohort for scope in scopes for cohort in _of_shop(engine, scope, agent, judge_rule)]


def cohort_buyers(
    engine: DuckEngine, scope: ShopScope, month: str, months_since: int, *, judge_rule: str
) -> list[dict[str, Any]]:
    """Return the buyers behind one `CohortMonth` of all first purchases, who paid most first.

    Each has ``buyer_id``, ``agent_id`` (of its first order, None is nobody), ``first_day``,
    ``orders`` and ``paid_amount`` of the month.
    Raises UsageError for a month that is none.
    """
    parts = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", month)
    if parts is None:
        raise UsageError(
            f"'{month}' is no month; write it as 2026-03.",
            zh=f"“{month}”不是月份；请写成 2026-03。",
        )
    if not _put_months(engine):
        return []
    first = int(parts[1]) * 12 + int(parts[2]) - 1
    values: dict[str, Any] = {"shop_id": scope.shop_id, "judge_rule": judge_rule}
    values |= {"first_month_no": first, "month_no": first + months_since}
    sql = f"{fact_sql('cohort_purchases')}\n{_BUYERS}"
    found: list[dict[str, Any]] = engine.fetch("cohort buyers", sql, values).to_pylist()
    return found


def _put_months(engine: DuckEngine) -> bool:
    """Make the days known by month; False where nothing was paid."""
    (bounds,) = engine.fetch("days paid", _DAYS).to_pylist()
    if bounds["first_day"] is None:
        return False
    engine.put("month_days", _month_days(bounds["first_day"], bounds["last_day"]))
    return True


def _of_shop(
    engine: DuckEngine, scope: ShopScope, agent: str | None, judge_rule: str
) -> list[Cohort]:
    values: dict[str, Any] = {"shop_id": scope.shop_id, "judge_rule": judge_rule}
    conditions = ["shop_id = $shop_id"]
    if agent == "":
        conditions.append("agent_id is null")
    elif agent is not None:
        check_names(engine, scope.shop_id, {"agent": agent})
        conditions.append("agent_id = $agent_id")
        values["agent_id"] = agent
    if not scope.is_default:
        conditions.append("first_day between $first_day and $last_day")
        values |= {"first_day": scope.first, "last_day": scope.last}
    sql = f"{fact_sql('cohort_purchases')}\n{_SQL.format(' and '.join(conditions))}"
    found = dict[int, dict[int, tuple[int, Decimal]]]()
    for row in engine.fetch("cohorts", sql, values).to_pylist():
        months = found.setdefault(row["first_month_no"], {})
        months[row["month_no"]] = (row["buyers"], row["amount"])
    return [_cohort(scope, first, months) for first, months in found.items()]


def _cohort(scope: ShopScope, first: int, months: dict[int, tuple[int, Decimal]]) -> Cohort:
    size = months[first][0]
    made = []
    for number in range(first, _month_no(scope.as_of_day) + 1):
        buyers, amount = months.get(number, (0, Decimal("0.00")))
        share = quotient(buyers, size)
        since = number - first
        made.append(
            CohortMonth(since, _name(number), buyers, share, amount, _status(scope, number))
        )
    return Cohort(scope.shop_id, _name(first), size, tuple(made))


def _status(scope: ShopScope, number: int) -> str:
    year, month = divmod(number, 12)
    last = date(year, month + 1, calendar.monthrange(year, month + 1)[1])
    ended = day_end(last, scope.timezone, scope.settings.business_day_start)
    return "final" if scope.as_of_us >= ended else "provisional"


def _month_no(day: date) -> int:
    return day.year * 12 + day.month - 1


def _name(number: int) -> str:
    return f"{number // 12:04}-{number % 12 + 1:02}"


def _month_days(first: date, last: date) -> pa.Table:
    every = list(days(first, last))
    return pa.table(
        {
            "day": pa.array(every, pa.date32()),
            "month_no": pa.array([_month_no(day) for day in every], pa.int32()),
        }
    )


def cohort_json(cohort: Cohort) -> dict[str, Any]:
    """Return a cohort as JSON values; amounts are text with two decimals."""
    return {
        "shop_id": cohort.shop_id,
        "month": cohort.month,
        "buyers": cohort.buyers,
        "months": [vars(month) | {"amount": f"{month.amount:.2f}"} for month in cohort.months],
    }


def cohorts_table(found: Sequence[Cohort]) -> pa.Table:
    """Return one row per (cohort, month).

    Columns: shop_id, cohort (YYYY-MM), cohort_buyers, months_since, month, buyers, share,
    amount (DECIMAL(18,2)), status.
    """
    rows = [(cohort, month) for cohort in found for month in cohort.months]
    months = [month for _, month in rows]
    return pa.table(
        {
            "shop_id": pa.array([cohort.shop_id for cohort, _ in rows], pa.string()),
            "cohort": pa.array([cohort.month for cohort, _ in rows], pa.string()),
            "cohort_buyers": pa.array([cohort.buyers for cohort, _ in rows], pa.int64()),
            "months_since": pa.array([month.months_since for month in months], pa.int64()),
            "month": pa.array([month.month for month in months], pa.string()),
            "buyers": pa.array([month.buyers for month in months], pa.int64()),
            "share": pa.array([month.share for month in months], pa.float64()),
            "amount": pa.array([month.amount for month in months], pa.decimal128(18, 2)),
            "status": pa.array([month.status for month in months], pa.string()),
        }
    )
