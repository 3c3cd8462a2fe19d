"""Winners, credits under the three judge rules, and assists (section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from .conversations import Reception, Session, calendar_of, live_orders
from .model import HOUR, RULES, Shop

__all__ = [
    "Assist",
    "Candidate",
    "Credit",
    "Winner",
    "assists",
    "credits",
    "paid_in_time",
    "winner",
    "winners",
]

Order = dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """A session that could win an order; ``lost`` is None for the one that does."""

    session: Session
    covers: bool
    lost: str | None


@dataclass(frozen=True)
class Winner:
    """Who wins an order at one of its moments (``created_at`` or ``paid_at``)."""

    order_id: str
    moment: str
    at: int
    agent_id: str | None
    ranked: tuple[Candidate, ...]
    others: tuple[tuple[Session, str], ...]


@dataclass(frozen=True)
class Credit:
    """A paid order under a rule; ``agent_id`` None is silent, ``excluded`` is for nobody."""

    order_id: str
    rule: str
    agent_id: str | None
    day: date
    buyer_id: str | None
    amount: Decimal
    excluded: bool


@dataclass(frozen=True)
class Assist:
    """A reception that helped sales credited elsewhere: (order_id, amount) of each."""

    reception: Reception
    helped: tuple[tuple[str, Decimal], ...]


def _no_candidate(shop: Shop, session: Session, at: int) -> str | None:
    """Return why a session of the buyer is no candidate; None when it is one."""
    if session.filter_reason is not None:
        return "filtered"
    if not session.attended:
        return "unattended"
    if shop.setting("two_sided") and not session.two_sided:
        return "one_sided"
    earliest_end = at - shop.setting("order_window") * HOUR
    if session.start_at > at or session.end_at < earliest_end:
        return "out_of_window"
    return None


def _covers(session: Session, at: int) -> bool:
    return session.start_at <= at <= session.end_at


def _why_lost(best: Session, other: Session, at: int) -> str:
    if _covers(best, at) != _covers(other, at):
        return "not_covering"
    if best.end_at != other.end_at:
        return "earlier_end"
    if best.start_at != other.start_at:
        return "earlier_start"
    return "larger_agent_id"


def winner(shop: Shop, sessions: list[Session], order: Order, moment: str) -> Winner:
    """Return the winner of an order at a moment that has come, with all candidates."""
    at = order[moment]
    chosen, others = [], []
    for session in sessions:
        if session.buyer_id != order.get("buyer_id") or session.agent_id is None:
            continue
        reason = _no_candidate(shop, session, at)
        if reason is None:
            chosen.append(session)
        else:
            others.append((session, reason))
    chosen.sort(key=lambda s: (not _covers(s, at), -s.end_at, -s.start_at, s.agent_id))
    ranked = tuple(
        Candidate(s, _covers(s, at), None if s is chosen[0] else _why_lost(chosen[0], s, at))
        for s in chosen
    )
    agent_id = chosen[0].agent_id if chosen else None
    return Winner(order["order_id"], moment, at, agent_id, ranked, tuple(others))


def winners(shop: Shop, sessions: list[Session]) -> dict[tuple[str, str], Winner]:
    """Return (order_id, moment) -> winner of every order that exists, at paid_at if paid."""
    found = {}
    for order in live_orders(shop):
        for moment in ("created_at", "paid_at"):
            if order.get(moment) is not None:
                one = winner(shop, sessions, order, moment)
                found[one.order_id, moment] = one
    return found


def _credited(won: dict[tuple[str, str], Winner], order_id: str, rule: str) -> str | None:
    created, paid = won[order_id, "created_at"].agent_id, won[order_id, "paid_at"].agent_id
    if rule == "order":
        return created
    if rule == "payment":
        return paid
    return paid if created is None else created


def credits(shop: Shop, won: dict[tuple[str, str], Winner]) -> list[Credit]:
    """Return every paid order under every rule, the excluded ones too."""
    calendar = calendar_of(shop)
    live = {order["order_id"] for order in live_orders(shop)}
    found = []
    for order in shop.rows("orders"):
        if order.get("paid_at") is None:
            continue
        order_id, excluded = order["order_id"], order["order_id"] not in live
        for rule in RULES:
            found.append(
                Credit(
                    order_id,
                    rule,
                    None if excluded else _credited(won, order_id, rule),
                    calendar.day_of(order["created_at" if rule == "order" else "paid_at"]),
                    order.get("buyer_id"),
                    order["paid_amount"],
                    excluded,
                )
            )
    return found


def paid_in_time(shop: Shop, order: Order) -> bool:
    """Tell whether an order was paid within payment_days (closed) of its creation."""
    limit = shop.setting("payment_days") * 24 * HOUR
    paid_at = order.get("paid_at")
    return paid_at is not None and paid_at - order["created_at"] <= limit


def assists(
    shop: Shop, receptions: list[Reception], credited: list[Credit], rule: str, *, by_team: bool
) -> list[Assist]:
    """Return the assists under a rule; with ``by_team`` the text reads "team" for "agent"."""
    owner = {c.order_id: c.agent_id for c in credited if c.rule == rule and not c.excluded}
    orders = {order["order_id"]: order for order in live_orders(shop)}
    found = []
    for reception in receptions:
        if reception.filter_reason is not None or reception.human_messages == 0:
            continue
        asked = {
            "inquiry": reception.window_orders,
            "followup": (reception.pending_order,),
            "aftersale": (),
        }[reception.kind]
        sales = [i for i in asked if i is not None and paid_in_time(shop, orders[i])]
        helped, own = [], False
        for order_id in sales:
            agent_id = owner[order_id]
            if agent_id is None:
                continue
            if by_team:
                same = shop.team_of(agent_id) == shop.team_of(reception.agent_id)
            else:
                same = agent_id == reception.agent_id
            own = own or same
            if not same:
                helped.append((order_id, orders[order_id]["paid_amount"]))
        if helped and not own:
            found.append(Assist(reception, tuple(helped)))
    return found
