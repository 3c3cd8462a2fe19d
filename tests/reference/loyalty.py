"""The formulae of section 4.3, each over one cell, and the cohorts of first purchases."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from .conversations import Reception
from .facts import Facts, Paid
from .figures import Cell, Figure, inquiry_figures, ratio

__all__ = ["LOYALTY", "Cohort", "cohorts", "history_from", "loyalty_figures"]

LOYALTY = (
    "returning_share", "old_buyer_churn", "purchase_cycle_days", "new_buyer_conversion_rate",
    "new_buyer_repurchase_rate", "new_buyer_retention_rate",
)  # fmt: skip


@dataclass(frozen=True)
class Cohort:
    """Buyers of a month of first purchase who bought ``months`` later, and what they paid then."""

    month: str
    months: int
    buyers: int
    amount: Decimal


def _between(orders: list[Paid], first: date, last: date) -> list[Paid]:
    return [paid for paid in orders if first <= paid.day <= last]


def _is_of(cell: Cell, order: Paid) -> bool:
    """Tell whether a buyer belongs to the cell through the order that says whose they are."""
    return cell.level == "shop" or cell.credited_to(order.agent_id)


def _days(orders: list[Paid]) -> list[date]:
    """Return the days of the purchases."""
    return sorted({paid.day for paid in orders})


def _returning(cell: Cell) -> Figure:
    paying = returning = 0
    for orders in cell.facts.purchases.values():
        inside = _between(orders, cell.days[0], cell.days[-1])
        if inside and _is_of(cell, inside[-1]):
            paying += 1
            returning += orders[0].day < cell.days[0]
    return ratio(returning, paying)


def _churn(cell: Cell) -> Figure:
    before = cell.days[0] - timedelta(days=len(cell.days))
    old = lost = 0
    for orders in cell.facts.purchases.values():
        earlier = _between(orders, before, cell.days[0] - timedelta(days=1))
        if earlier and _is_of(cell, earlier[-1]):
            old += 1
            lost += not _between(orders, cell.days[0], cell.days[-1])
    return ratio(lost, old)


def _cycle(cell: Cell) -> Figure:
    gaps = []
    for orders in cell.facts.purchases.values():
        inside = _between(orders, cell.days[0], cell.days[-1])
        if not inside or not _is_of(cell, inside[-1]):
            continue
        days = _days(orders)
        for earlier, later in itertools.pairwise(days):
            if cell.days[0] <= later <= cell.days[-1]:
                gaps.append((later - earlier).days)
    return ratio(sum(gaps), len(gaps))


def _again(cell: Cell, low: int, high: int) -> Figure:
    """Return the share of the cell's first-time buyers who buy again low..high days later."""
    first_time = again = 0
    for orders in cell.facts.purchases.values():
        first = orders[0]
        if not cell.days[0] <= first.day <= cell.days[-1] or not _is_of(cell, first):
            continue
        first_time += 1
        again += any(low <= (paid.day - first.day).days <= high for paid in orders)
    return ratio(again, first_time)


def loyalty_figures(cell: Cell) -> dict[str, Figure]:
    """Return the metrics of section 4.3; P is the number of days of the cell."""
    known = cell.facts.purchases
    reach = int(cell.facts.shop.setting("repurchase_days"))

    def is_new(reception: Reception) -> bool:
        return all(paid.at >= reception.first_at for paid in known.get(reception.buyer_id, []))

    return {
        "returning_share": _returning(cell),
        "old_buyer_churn": _churn(cell),
        "purchase_cycle_days": _cycle(cell),
        "new_buyer_conversion_rate": inquiry_figures(cell, is_new)["inquiry_conversion_rate"],
        "new_buyer_repurchase_rate": _again(cell, 1, reach),
        "new_buyer_retention_rate": _again(cell, reach + 1, 2 * reach),
    }


def history_from(facts: Facts) -> date | None:
    """Return the day of the first loaded order (an excluded one is loaded too)."""
    created = [order["created_at"] for order in facts.shop.rows("orders")]
    return facts.calendar.day_of(min(created)) if created else None


def cohorts(facts: Facts, agent_id: str | None = None) -> list[Cohort]:
    """Return month of first purchase × months since: buyers and amounts, where there are any.

    With an agent only buyers whose first order is credited to it.
    """
    found: dict[tuple[str, int], tuple[set[str], Decimal]] = {}
    for buyer_id, orders in facts.purchases.items():
        start = orders[0].day
        if agent_id is not None and orders[0].agent_id != agent_id:
            continue
        for paid in orders:
            months = (paid.day.year - start.year) * 12 + paid.day.month - start.month
            buyers, amount = found.get((f"{start:%Y-%m}", months), (set(), Decimal("0.00")))
            found[f"{start:%Y-%m}", months] = (buyers | {buyer_id}, amount + paid.amount)
    return [
        Cohort(month, months, len(buyers), amount)
        for (month, months), (buyers, amount) in sorted(found.items())
    ]
