"""Everything the figures of section 4 are made from, worked out once for a shop at an as_of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from .attribution import Assist, Credit, Winner, assists, credits, winners
from .conversations import (
    Reception,
    Round,
    Session,
    agent_key,
    calendar_of,
    live_orders,
    receptions,
    rounds,
    sessions,
)
from .model import Shop, visible
from .time import Calendar

__all__ = ["Facts", "Line", "Paid", "facts", "lines", "online_intervals", "share", "units"]


@dataclass(frozen=True)
class Line:
    """The part of an order that belongs to one item (product null without items)."""

    order_id: str
    product_id: str | None
    units: int
    amount: Decimal


@dataclass(frozen=True)
class Paid:
    """A paid order that is not excluded, on its day of payment, with its agent under the rule."""

    order_id: str
    buyer_id: str | None
    at: int
    day: date
    amount: Decimal
    agent_id: str | None


@dataclass(frozen=True)
class Facts:
    """The facts of a shop at an as_of under a judge rule; filtered ones are kept and marked."""

    shop: Shop
    as_of: int
    rule: str
    calendar: Calendar
    sessions: list[Session]
    rounds: list[Round]
    rounds_all: list[Round]
    receptions: list[Reception]
    winners: dict[tuple[str, str], Winner]
    credits: list[Credit]
    agent_assists: list[Assist]
    team_assists: list[Assist]
    online: dict[str, list[tuple[int, int]]]

    @property
    def sales(self) -> list[Credit]:
        """The credits of the rule in force, silent and excluded ones too."""
        return [credit for credit in self.credits if credit.rule == self.rule]

    @cached_property
    def paid(self) -> list[Paid]:
        """The sales by (paid_at, order_id), each on the day of paid_at whatever the rule."""
        owner = {sale.order_id: sale.agent_id for sale in self.sales}
        found = [
            Paid(
                order["order_id"],
                order.get("buyer_id"),
                order["paid_at"],
                self.calendar.day_of(order["paid_at"]),
                order["paid_amount"],
                owner[order["order_id"]],
            )
            for order in self.live
            if order.get("paid_at") is not None
        ]
        return sorted(found, key=lambda one: (one.at, one.order_id))

    @cached_property
    def purchases(self) -> dict[str, list[Paid]]:
        """Buyer -> its paid orders by (paid_at, order_id); without a buyer they are nobody's."""
        found: dict[str, list[Paid]] = {}
        for paid in self.paid:
            if paid.buyer_id is not None:
                found.setdefault(paid.buyer_id, []).append(paid)
        return found

    @cached_property
    def items(self) -> dict[str, list[dict[str, Any]]]:
        """The items of each order that is not excluded, by sub_order_id."""
        return {order["order_id"]: _items(self.shop, order["order_id"]) for order in self.live}

    @cached_property
    def live(self) -> list[dict[str, Any]]:
        """The orders that are not excluded."""
        return live_orders(self.shop)

    def accounts(self) -> list[str | None]:
        """Return every account: agents rows, those seen in messages, those seen online."""
        found: set[str | None] = {agent["agent_id"] for agent in self.shop.rows("agents")}
        found |= {session.agent_id for session in self.sessions}
        found |= set(self.online)
        return sorted(found, key=agent_key)

    def days(self) -> list[date]:
        """Return the first to the last local day with a message, a created or a paid order."""
        at = [message["sent_at"] for message in self.shop.rows("messages")]
        at += [order["created_at"] for order in self.shop.rows("orders")]
        at += [o["paid_at"] for o in self.shop.rows("orders") if o.get("paid_at") is not None]
        if not at:
            return []
        return span(self.calendar.day_of(min(at)), self.calendar.day_of(max(at)))


def span(first: date, last: date) -> list[date]:
    """Return the dates first..last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def facts(shop: Shop, as_of: int, rule: str) -> Facts:
    """Return the facts of a shop as they were at as_of."""
    seen = visible(shop, as_of)
    all_sessions, all_receptions = sessions(seen), receptions(seen)
    won = winners(seen, all_sessions)
    credited = credits(seen, won)
    return Facts(
        seen,
        as_of,
        rule,
        calendar_of(seen),
        all_sessions,
        rounds(seen),
        rounds(seen, any_answer=True),
        all_receptions,
        won,
        credited,
        assists(seen, all_receptions, credited, rule, by_team=False),
        assists(seen, all_receptions, credited, rule, by_team=True),
        online_intervals(seen, as_of),
    )


def online_intervals(shop: Shop, as_of: int) -> dict[str, list[tuple[int, int]]]:
    """Return account -> [online, offline) as the definitions end them, overlaps not yet merged."""
    found: dict[str, list[tuple[int, int]]] = {}
    rows = shop.rows("online_sessions")
    for row in rows:
        start, end = row["online_at"], row.get("offline_at")
        if end is None:
            later = [
                other["online_at"]
                for other in rows
                if other["agent_id"] == row["agent_id"] and other["online_at"] > start
            ]
            end = min(later, default=as_of)
        found.setdefault(row["agent_id"], []).append((start, min(end, as_of)))
    return {agent_id: sorted(found[agent_id]) for agent_id in sorted(found)}


def _items(shop: Shop, order_id: str) -> list[dict[str, Any]]:
    items = [item for item in shop.rows("order_items") if item["order_id"] == order_id]
    return sorted(items, key=lambda item: str(item["sub_order_id"]))


def units(shop: Shop, order: dict[str, Any]) -> int:
    """Return item_count, else the sum of the items' quantities, else 0."""
    if order.get("item_count") is not None:
        return int(order["item_count"])
    return sum(item.get("quantity") or 0 for item in _items(shop, order["order_id"]))


def share(amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Share an amount in proportion, largest remainder to the cent, ties to the earlier place.

    >>> share(Decimal("1.00"), [Decimal(0)] * 3)
    [Decimal('0.34'), Decimal('0.33'), Decimal('0.33')]
    """
    total = sum(weights)
    if total == 0:
        weights, total = [Decimal(1)] * len(weights), Decimal(len(weights))
    cents = int(amount * 100)
    exact = [Fraction(cents) * Fraction(weight) / Fraction(total) for weight in weights]
    parts = [part.numerator // part.denominator for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda n: (parts[n] - exact[n], n))
    for n in by_remainder[: cents - sum(parts)]:
        parts[n] += 1
    return [Decimal(part) / 100 for part in parts]


def lines(shop: Shop, order: dict[str, Any]) -> list[Line]:
    """Return the order shared over its items; one product-null line when it has none."""
    order_id, amount = order["order_id"], order["paid_amount"]
    items = _items(shop, order_id)
    if not items:
        return [Line(order_id, None, units(shop, order), amount)]
    parts = share(amount, [item.get("amount") or Decimal(0) for item in items])
    return [
        Line(order_id, item.get("product_id"), item.get("quantity") or 0, part)
        for item, part in zip(items, parts, strict=True)
    ]


def merged_length(intervals: Iterable[tuple[int, int]]) -> int:
    """Return the length of the union of intervals."""
    total, done = 0, None
    for start, end in sorted(intervals):
        begin = start if done is None else max(start, done)
        total += max(end - begin, 0)
        done = end if done is None else max(done, end)
    return total
