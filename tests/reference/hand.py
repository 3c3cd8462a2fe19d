"""Shops written by hand: short times, chats in lines, orders in a line, figures of one cell."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from .metrics import FAMILIES, evaluate
from .model import Row, Shop

__all__ = ["at", "chat", "figures", "of", "order", "shop", "sold"]

ZONE_HOURS = 8  # Asia/Shanghai has had one offset since 1991


def at(text: str) -> int:
    """Return the instant of 'D HH:MM:SS' in Shanghai, day D of March 2026; 'M-D …' of month M."""
    day, clock = text.split(" ")
    month, _, day = day.rpartition("-")
    hours, minutes, seconds = (int(part) for part in f"{clock}:0".split(":")[:3])
    naive = datetime(2026, int(month or 3), int(day), hours, minutes, seconds, tzinfo=UTC)
    return (int(naive.timestamp()) - ZONE_HOURS * 3600) * 1_000_000


def chat(*lines: str, agent: str = "X", buyer: str = "b") -> list[dict[str, object]]:
    """Return messages from 'D HH:MM:SS B' lines; B buyer, X human, a automatic."""
    made = []
    for number, line in enumerate(lines):
        when, who = line.rsplit(" ", 1)
        made.append(
            {
                "message_id": f"{agent}-{buyer}-{when}-{number}",
                "buyer_id": buyer,
                "agent_id": agent,
                "sent_at": at(when),
                "seq": number,
                "sender": "buyer" if who == "B" else "agent",
                "is_auto": who == "a",
                "text": "text",
            }
        )
    return made


def order(
    order_id: str,
    buyer: str | None,
    created: str,
    paid: str | None = None,
    amount: str = "100",
    **more: object,
) -> dict[str, Any]:
    """Return an order, created and paid at times as ``at`` reads them."""
    return {
        "order_id": order_id,
        "buyer_id": buyer,
        "created_at": at(created),
        "paid_at": None if paid is None else at(paid),
        "paid_amount": Decimal(amount),
        **more,
    }


def sold(
    order_id: str, buyer: str, when: str, agent: str | None = None, amount: str = "100"
) -> tuple[list[dict[str, object]], dict[str, Any]]:
    """Return the chat with an agent that wins an order, and the order, paid at 'M-D HH' o'clock."""
    lines = (f"{when}:00 B", f"{when}:01 X", f"{when}:05 B")
    talk = chat(*lines, agent=agent, buyer=buyer) if agent else []
    return talk, order(order_id, buyer, f"{when}:02", f"{when}:03", amount)


def shop(messages: list[dict[str, object]], **settings: object) -> Shop:
    """Return a shop of some messages."""
    return Shop("s", "Asia/Shanghai", dict(settings), {"messages": messages})


def figures(rows: list[Row], **grain: str | None) -> dict[str, Row]:
    """Return metric -> row of one cell."""
    return {row.metric: row for row in rows if row.grain == grain}


def of(
    made: Shop,
    grain: tuple[str, ...] = (),
    rule: str = "order_first",
    as_of: str = "31 23:59:59",
    **key: str | None,
) -> dict[str, Row]:
    """Return the figures of one cell of a shop, as of the end of March unless said otherwise."""
    rows = evaluate(made, as_of=at(as_of), grains=[grain], judge_rule=rule, families=FAMILIES[:3])
    return figures(rows, **key)
