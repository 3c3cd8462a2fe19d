"""A shop's session lines as sessions: what the run streams, buyer by buyer.

Rows are those of ``session_lines``, sorted by `ORDER`: a buyer's orders first, then their sessions
with messages and transfers in order of time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa

from jinpai.quality.acts.scan import Scanner
from jinpai.quality.finding import session_id
from jinpai.quality.session import Message, Order, Product, Session, give_orders, with_acts

__all__ = ["ORDER", "PARTS", "Place", "sessions_in"]

PARTS = ("shop_id", "buyer_id")
ORDER = ("buyer_no", *PARTS, "start_us", "agent_key", "at_us", "place", "line_id")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a session stands: the columns that name it (see `finding`)."""

    shop_id: str
    agent_key: str
    buyer_id: str
    day: Any
    session_no: int
    start_us: int
    end_us: int
    product_ids: tuple[str, ...]


def sessions_in(
    batches: Iterable[pa.RecordBatch], scanner: Scanner
) -> Iterator[list[tuple[Place, Session]]]:
    """Yield each buyer's sessions, in order of their starts, with the buyer's orders given."""
    rows = (row for batch in batches for row in batch.to_pylist())
    for _, of_buyer in groupby(rows, key=lambda row: (row["shop_id"], row["buyer_id"])):
        orders, sessions = list[Order](), list[tuple[Place, Session]]()
        for (start, _), lines in groupby(of_buyer, key=lambda r: (r["start_us"], r["agent_key"])):
            listed = list(lines)
            if start < 0:
                orders = [_order(row) for row in listed]
            else:
                sessions.append(_session(listed, scanner))
        with_orders = give_orders([session for _, session in sessions], orders)
        yield [(place, one) for (place, _), one in zip(sessions, with_orders, strict=True)]


def _order(row: Row) -> Order:
    return Order(
        row["line_id"], row["at_us"] / 1e6, _seconds(row["paid_us"]), _seconds(row["closed_us"])
    )


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / 1e6


def _session(rows: Sequence[Row], scanner: Scanner) -> tuple[Place, Session]:
    first = rows[0]
    agent = first["agent_key"] or None
    messages = [_message(row, agent) for row in rows if row["role"] != "transfer"]
    name = session_id(first["shop_id"], agent, first["buyer_id"], first["start_us"])
    shown = {row["product_id"] for row in rows if row["product_id"] is not None}
    place = Place(
        shop_id=first["shop_id"],
        agent_key=first["agent_key"],
        buyer_id=first["buyer_id"],
        day=first["day"],
        session_no=first["session_no"],
        start_us=first["start_us"],
        end_us=first["end_us"],
        product_ids=tuple(sorted(shown)),
    )
    return place, Session(
        session_id=name,
        messages=tuple(with_acts(messages, scanner)),
        agent_id=agent,
        agent_role=first["agent_role"],
        as_of=first["as_of_us"] / 1e6,
        transfers=tuple(row["at_us"] / 1e6 for row in rows if row["role"] == "transfer"),
    )


def _message(row: Row, agent: str | None) -> Message:
    return Message(
        message_id=row["line_id"],
        role=row["role"],
        text=row["text"] or "",
        at=row["at_us"] / 1e6,
        agent_id=agent,
        kind=row["kind"] or "text",
        product=product_of(row["product_id"], row["category"], row["attributes"]),
    )


def product_of(product_id: str | None, category: str | None, attributes: str | None) -> Any:
    """Return a product of the canonical table, None for none; ``attributes`` is a JSON object."""
    if product_id is None:
        return None
    try:
        listed = json.loads(attributes) if attributes else {}
    except ValueError:
        listed = {}
    pairs = listed.items() if isinstance(listed, dict) else ()
    return Product(product_id, category or None, frozenset((str(k), str(v)) for k, v in pairs))
