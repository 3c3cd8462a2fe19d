"""The formulae of section 4.1, and of 4.5 for sales, each over one cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from .attribution import Assist, Credit, paid_in_time
from .conversations import Reception, Round, Session
from .facts import Facts, lines, merged_length, units
from .model import HOUR, SECOND, Value
from .time import clock_us, duty_us, on_duty

__all__ = [
    "Cell",
    "Figure",
    "count",
    "inquiry_figures",
    "product_figures",
    "ratio",
    "shop_figures",
    "who_figures",
]

NOTHING = Decimal("0.00")


@dataclass(frozen=True)
class Figure:
    """A value with what it was made from."""

    value: Value
    numerator: Value
    denominator: Value = None


@dataclass(frozen=True)
class Cell:
    """Days (contiguous, in order) and, at level agent or team, whose."""

    facts: Facts
    days: tuple[date, ...]
    level: str  # shop, team or agent
    who: str | None = None

    def holds(self, agent_id: str | None) -> bool:
        """Tell whether an account (None: the unassigned) belongs to the cell."""
        if self.level == "agent":
            return agent_id == self.who
        return self.level == "shop" or self.facts.shop.team_of(agent_id) == self.who

    def credited_to(self, agent_id: str | None) -> bool:
        """Tell whether what a known agent won belongs to the cell; nobody's does not."""
        return agent_id is not None and self.holds(agent_id)

    def receptions(self) -> list[Reception]:
        """Return the receptions of the cell, filtered ones too."""
        return [r for r in self.facts.receptions if r.day in self.days and self.holds(r.agent_id)]

    def unfiltered(self) -> list[Reception]:
        """Return the unfiltered receptions of the cell."""
        return [reception for reception in self.receptions() if reception.filter_reason is None]

    def rounds(self, rounds: list[Round]) -> list[Round]:
        """Return the unfiltered rounds among those given that open in the cell."""
        return [
            r
            for r in rounds
            if r.day in self.days and self.holds(r.agent_id) and r.filter_reason is None
        ]

    def sales(self) -> list[Credit]:
        """Return the sales credited in the cell."""
        return [s for s in self.facts.sales if s.day in self.days and self.credited_to(s.agent_id)]


def count(number: int) -> Figure:
    """Return a count."""
    return Figure(number, number)


def money(amounts: Iterable[Decimal]) -> Figure:
    """Return a sum of money."""
    total = sum(amounts, NOTHING)
    return Figure(total, total)


def ratio(numerator: Value, denominator: Value) -> Figure:
    """Return a quotient of exact sums; null over 0 or null."""
    if numerator is None or not denominator:
        return Figure(None, numerator, denominator)
    return Figure(Fraction(numerator) / Fraction(denominator), numerator, denominator)


def mean_seconds(waits: list[int]) -> Figure:
    """Return the mean of microseconds in seconds, with n."""
    return ratio(Fraction(sum(waits), SECOND), len(waits))


def _people(cell: Cell) -> dict[str, Figure]:
    consulted = {reception.buyer_id for reception in cell.receptions()}
    received = {reception.buyer_id for reception in cell.unfiltered()}
    found = {
        "consulted_buyers": count(len(consulted)),
        "received_buyers": count(len(received)),
        "filtered_buyers": count(len(consulted - received)),
    }
    for kind in ("aftersale", "followup"):
        buyers = {r.buyer_id for r in cell.unfiltered() if r.kind == kind}
        found[f"{kind}_buyers"] = count(len(buyers))
    return found


def _is_assist(cell: Cell, reception: Reception) -> bool:
    """Tell whether a reception is an assist at the grain of the cell (never at shop grain)."""
    facts = cell.facts
    found = {"agent": facts.agent_assists, "team": facts.team_assists}.get(cell.level, [])
    return any(assist.reception is reception for assist in found)


def inquiry_figures(
    cell: Cell, wanted: Callable[[Reception], bool] = lambda _: True
) -> dict[str, Figure]:
    """Return the inquiry metrics over the wanted receptions."""
    facts = cell.facts
    orders = {order["order_id"]: order for order in facts.shop.rows("orders")}
    owner = {sale.order_id: sale.agent_id for sale in facts.sales}
    shop_wide = cell.level == "shop"
    asked, ordered, paid, sold = set(), set(), set(), {}
    for reception in cell.unfiltered():
        if reception.kind != "inquiry" or _is_assist(cell, reception) or not wanted(reception):
            continue
        asked.add(reception.buyer_id)
        for order_id in reception.window_orders:
            order = orders[order_id]
            if shop_wide or cell.credited_to(facts.winners[order_id, "created_at"].agent_id):
                ordered.add(reception.buyer_id)
            if paid_in_time(facts.shop, order) and (shop_wide or cell.credited_to(owner[order_id])):
                paid.add(reception.buyer_id)
                sold[order_id] = order["paid_amount"]
    return {
        "inquiry_buyers": count(len(asked)),
        "inquiry_order_buyers": count(len(ordered)),
        "inquiry_paid_buyers": count(len(paid)),
        "inquiry_sales_amount": money(sold.values()),
        "inquiry_conversion_rate": ratio(len(paid), len(asked)),
        "inquiry_order_rate": ratio(len(ordered), len(asked)),
    }


def _assists(cell: Cell) -> dict[str, Figure]:
    facts = cell.facts
    at_level = facts.team_assists if cell.level == "team" else facts.agent_assists
    mine: list[Assist] = [
        assist
        for assist in at_level
        if assist.reception.day in cell.days and cell.holds(assist.reception.agent_id)
    ]
    helped = {order_id: amount for assist in mine for order_id, amount in assist.helped}
    return {"assist_receptions": count(len(mine)), "assist_amount": money(helped.values())}


def _sums(cell: Cell, sales: list[Credit]) -> tuple[Decimal, int, int, int]:
    """Return amount, orders, buyers and units of sales."""
    ids = {sale.order_id for sale in sales}
    sold = sum(
        units(cell.facts.shop, o) for o in cell.facts.shop.rows("orders") if o["order_id"] in ids
    )
    buyers = {sale.buyer_id for sale in sales if sale.buyer_id is not None}
    return sum((sale.amount for sale in sales), NOTHING), len(ids), len(buyers), sold


def _sales(cell: Cell) -> dict[str, Figure]:
    sales = cell.sales()
    amount, orders, buyers, sold = _sums(cell, sales)
    ids = {sale.order_id for sale in sales}
    refunded = sum(
        (
            refund.get("amount") or NOTHING
            for refund in cell.facts.shop.rows("refunds")
            if refund["order_id"] in ids
            and refund.get("outcome") == "refunded"
            and refund.get("closed_at") is not None
        ),
        NOTHING,
    )
    everyone = [s for s in cell.facts.sales if s.day in cell.days and not s.excluded]
    all_amount, _, all_buyers, _ = _sums(cell, everyone)
    per_buyer = ratio(amount, buyers)
    return {
        "sales_amount": Figure(amount, amount),
        "sales_orders": count(orders),
        "sales_buyers": count(buyers),
        "sales_items": count(sold),
        "net_sales_amount": Figure(amount - refunded, amount - refunded),
        "amount_per_buyer": per_buyer,
        "amount_per_item": ratio(amount, sold),
        "items_per_buyer": ratio(sold, buyers),
        "amount_per_buyer_ratio": ratio(per_buyer.value, ratio(all_amount, all_buyers).value),
    }


def _orders(cell: Cell) -> dict[str, Figure]:
    facts = cell.facts
    created = paid = 0
    for (order_id, moment), won in facts.winners.items():
        if moment != "created_at" or facts.calendar.day_of(won.at) not in cell.days:
            continue
        if cell.level == "shop" or cell.credited_to(won.agent_id):
            created += 1
            paid += (order_id, "paid_at") in facts.winners
    return {
        "created_orders": count(created),
        "paid_orders": count(paid),
        "payment_rate": ratio(paid, created),
    }


def _meets(online: int, offline: int, start: int, end: int) -> bool:
    """Tell whether [online, offline) overlaps [start, end); an empty one at its instant."""
    return (online < end and offline > start) or (online == offline and start <= online < end)


def _online(cell: Cell) -> dict[str, Figure]:
    facts = cell.facts
    if not facts.shop.rows("online_sessions"):
        return {"online_hours": Figure(None, None, None)}
    start = facts.calendar.day_start(cell.days[0])
    end = facts.calendar.day_start(cell.days[-1] + timedelta(days=1))
    accounts = set()
    for agent in facts.shop.rows("agents"):
        first, last = agent.get("active_from"), agent.get("active_to")
        begun = first is None or first <= cell.days[-1]
        if begun and (last is None or last >= cell.days[0]) and cell.holds(agent["agent_id"]):
            accounts.add(agent["agent_id"])
    total = 0
    for agent_id, intervals in facts.online.items():
        if not cell.holds(agent_id):
            continue
        if any(_meets(a, b, start, end) for a, b in intervals):
            accounts.add(agent_id)
        total += merged_length(
            (max(a, start), min(b, end)) for a, b in intervals if a < end and b > start
        )
    return {"online_hours": ratio(Fraction(total, HOUR), len(accounts))}


def _waits(cell: Cell) -> dict[str, Figure]:
    made = cell.rounds(cell.facts.rounds)
    uncut = [r.uncut_wait for r in made if r.uncut_wait is not None]
    in_session = [r for r in made if r.answered]
    any_answer = [r.uncut_wait for r in cell.rounds(cell.facts.rounds_all)]
    return {
        "first_response_seconds": mean_seconds(
            [r.uncut_wait or 0 for r in in_session if r.first_in_session]
        ),
        "avg_response_seconds": mean_seconds([r.uncut_wait or 0 for r in in_session]),
        "avg_response_uncut_seconds": mean_seconds(uncut),
        "avg_response_all_seconds": mean_seconds([w for w in any_answer if w is not None]),
        "first_response_duty_seconds": mean_seconds(
            _duty_waits(cell, [r for r in made if r.first_in_session])
        ),
        "avg_response_duty_seconds": mean_seconds(_duty_waits(cell, made)),
        "rounds": count(len(made)),
        "unanswered_rounds": count(len(made) - len(in_session)),
    }


def _duty_waits(cell: Cell, made: list[Round]) -> list[int]:
    """Return the waits inside duty hours of closed rounds; those wholly outside are left out."""
    calendar, hours = cell.facts.calendar, cell.facts.shop.setting("duty_hours")
    found = []
    for one in made:
        if one.close_at is None:
            continue
        inside = duty_us(calendar, hours, one.open_at, one.close_at)
        instant = one.open_at == one.close_at and on_duty(calendar, hours, one.open_at)
        if inside > 0 or instant:
            found.append(inside)
    return found


def _platform(cell: Cell) -> dict[str, Figure]:
    shop, calendar = cell.facts.shop, cell.facts.calendar
    low, high = clock_us(shop.setting("platform_from")), clock_us(shop.setting("platform_to"))
    made = [r for r in cell.rounds(cell.facts.rounds) if low <= calendar.clock(r.open_at) < high]
    limit = 600 * SECOND
    capped = [min(r.uncut_wait or 0, limit) if r.answered else limit for r in made]
    soon = [r for r in made if r.uncut_wait is not None and r.uncut_wait <= 180 * SECOND]
    return {
        "avg_response_capped_seconds": mean_seconds(capped),
        "within_180s_rate": ratio(len(soon), len(made)),
    }


def _service(cell: Cell) -> dict[str, Figure]:
    mine, shop = cell.unfiltered(), cell.facts.shop
    # One reception per (agent, buyer, day): at agent grain the pairs are the receptions.
    pairs = {(r.buyer_id, r.day) for r in mine}
    replied = {(r.buyer_id, r.day) for r in mine if r.replied}
    patience = shop.setting("slow_seconds") * SECOND
    slow = 0
    for reception in mine:
        waits = [
            r.uncut_wait
            for r in cell.facts.rounds
            if (r.agent_id, r.buyer_id, r.day)
            == (reception.agent_id, reception.buyer_id, reception.day)
        ]
        slow += sum(w is not None and w > patience for w in waits) >= shop.setting("slow_times")
    return {
        "reply_rate": ratio(len(replied), len(pairs)),
        "answer_question_ratio": ratio(
            sum(r.human_messages for r in mine), sum(r.buyer_messages for r in mine)
        ),
        "slow_receptions": count(slow),
    }


def _concurrency(cell: Cell) -> dict[str, Figure]:
    most = 0
    live = [s for s in cell.facts.sessions if s.filter_reason is None and cell.holds(s.agent_id)]
    for sample in (session for session in live if session.day in cell.days):
        most = max(most, sum(_open_at(other, sample) for other in live))
    return {"max_concurrency": count(most)}


def _open_at(other: Session, sample: Session) -> bool:
    return other.agent_id == sample.agent_id and other.start_at <= sample.start_at <= other.end_at


def who_figures(cell: Cell) -> dict[str, Figure]:
    """Return every metric that exists at shop, team and agent grain."""
    found: dict[str, Figure] = {}
    for part in (
        _people, inquiry_figures, _assists, _sales, _orders, _online, _waits, _platform, _service,
        _concurrency,
    ):  # fmt: skip
        found.update(part(cell))
    return found


def shop_figures(cell: Cell) -> dict[str, Figure]:
    """Return the metrics of the whole shop only: all, silent and excluded sales."""
    today = [sale for sale in cell.facts.sales if sale.day in cell.days]
    parts = {
        "shop_sales": today,
        "silent": [s for s in today if s.agent_id is None and not s.excluded],
        "excluded": [s for s in today if s.excluded],
    }
    found = {}
    for name, sales in parts.items():
        found[f"{name}_amount"] = money(sale.amount for sale in sales)
        found[f"{name}_orders"] = count(len(sales))
    return found


def product_figures(cell: Cell) -> dict[str | None, dict[str, Figure]]:
    """Return product -> the sales metrics of the products sold in the cell."""
    sales = {sale.order_id: sale for sale in cell.sales()}
    shop = cell.facts.shop
    sold = [
        line
        for order in shop.rows("orders")
        if order["order_id"] in sales
        for line in lines(shop, order)
    ]
    found: dict[str | None, dict[str, Figure]] = {}
    for product_id in {line.product_id for line in sold}:
        mine = [line for line in sold if line.product_id == product_id]
        ids = {line.order_id for line in mine}
        buyers = {sales[order_id].buyer_id for order_id in ids} - {None}
        found[product_id] = {
            "sales_amount": money(line.amount for line in mine),
            "sales_orders": count(len(ids)),
            "sales_buyers": count(len(buyers)),
            "sales_items": count(sum(line.units for line in mine)),
        }
    return found
