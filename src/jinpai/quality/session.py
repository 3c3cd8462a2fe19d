"""Sessions to inspect: messages with their acts, cut where a conversation rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import cast

from jinpai.quality.acts.patterns import Role
from jinpai.quality.acts.scan import Scanner

__all__ = [
    "ORDER_WINDOW", "Message", "Order", "Product", "Session", "cut", "give_orders", "instant",
    "with_acts",
]  # fmt: skip

ORDER_WINDOW = 48 * 3600.0  # seconds after its end in which an order may come of a session


@dataclass(frozen=True)
class Product:
    """A product that a message shows.

    Attributes:
        attributes: names with their values.
    """

    product_id: str
    category: str | None = None
    attributes: frozenset[tuple[str, str]] = frozenset()

    def is_unlike(self, other: Product) -> bool:
        """Whether they are known to share neither category nor attribute."""
        comparable = (self.category and other.category) or (self.attributes and other.attributes)
        same = self.product_id == other.product_id or (
            self.category is not None and self.category == other.category
        )
        return bool(comparable) and not same and self.attributes.isdisjoint(other.attributes)


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        role: buyer, agent (a human), robot or system.
        at: seconds since 1970 UTC, or None where the source has no times.
        acts: names such as ``agent.greeting``.
        product: that it shows, such as by a link.
    """

    message_id: str
    role: str
    text: str
    at: float | None = None
    agent_id: str | None = None
    kind: str = "text"
    acts: frozenset[str] = frozenset()
    product: Product | None = None


@dataclass(frozen=True)
class Order:
    """An order of the session's buyer; times as in Message.

    Attributes:
        reminded_at: when any agent who had the buyer's session reminded them to pay.
    """

    order_id: str
    created_at: float
    paid_at: float | None = None
    closed_at: float | None = None
    reminded_at: tuple[float, ...] = ()


@dataclass(frozen=True)
class Session:
    """Messages of one buyer and one agent (system left out), with the buyer's orders near it.

    Attributes:
        as_of: the latest instant known; what would have come later has not.
        transfers: when the agent handed the buyer over to another.
    """

    session_id: str
    messages: tuple[Message, ...]
    agent_id: str | None = None
    agent_role: str | None = None
    orders: tuple[Order, ...] = ()
    as_of: float | None = None
    transfers: tuple[float, ...] = ()

    @cached_property
    def human(self) -> tuple[Message, ...]:
        """The agent's own messages."""
        return self.of("agent")

    @cached_property
    def buyer(self) -> tuple[Message, ...]:
        """The buyer's messages."""
        return self.of("buyer")

    @cached_property
    def is_wordless(self) -> bool:
        """Whether buyer and agent wrote texts, and none of them is known: such as a forgotten
        buyer's, or of an export without texts."""
        written = [one for one in (*self.human, *self.buyer) if one.kind == "text"]
        return bool(written) and not any(one.text for one in written)

    def of(self, role: str) -> tuple[Message, ...]:
        """Return the messages of a role."""
        return tuple(message for message in self.messages if message.role == role)

    @cached_property
    def is_timed(self) -> bool:
        """Every message has a time."""
        return all(message.at is not None for message in self.messages)

    @cached_property
    def rounds(self) -> tuple[tuple[Message, Message | None], ...]:
        """Rounds: the message that opens one, and the human message that closes it, if any."""
        found, opened = list[tuple[Message, Message | None]](), None
        for message in self.messages:
            if message.role == "buyer" and opened is None:
                opened = message
            elif message.role == "agent" and opened is not None:
                found.append((opened, message))
                opened = None
        return (*found, (opened, None)) if opened is not None else tuple(found)


def instant(text: str) -> float:
    """Return an ISO time as seconds since 1970 UTC, UTC where it has no offset.

    Raises ValueError.
    """
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def cut(messages: Sequence[Message], gap: float) -> list[tuple[Message, ...]]:
    """Return messages in order cut where two are at least ``gap`` seconds apart.

    Without times, there is one session.
    """
    kept = [message for message in messages if message.role != "system"]
    parts, current = list[tuple[Message, ...]](), list[Message]()
    for message in kept:
        last = current[-1] if current else None
        rests = (
            last is not None
            and last.at is not None
            and message.at is not None
            and message.at - last.at >= gap
        )
        if rests:
            parts.append(tuple(current))
            current = []
        current.append(message)
    return [*parts, tuple(current)] if current else parts


def give_orders(
    sessions: Sequence[Session], orders: Sequence[Order], window: float = ORDER_WINDOW
) -> list[Session]:
    """Return one buyer's sessions with the orders: each to the session it most likely came of.

    That is the latest attended one that had begun by then and ended at most ``window`` seconds
    before; an order without such a session is nobody's silence.
    """
    reminders = tuple(
        message.at
        for session in sessions
        for message in session.human
        if message.at is not None and "agent.dunning" in message.acts
    )
    given = dict[int, list[Order]]()
    for order in orders:
        near = [place for place, one in enumerate(sessions) if _near(one, order, window)]
        if near:
            latest = max(near, key=lambda place: (sessions[place].messages[0].at or 0.0, place))
            given.setdefault(latest, []).append(replace(order, reminded_at=reminders))
    return [replace(one, orders=tuple(given.get(at, ()))) for at, one in enumerate(sessions)]


def _near(session: Session, order: Order, window: float) -> bool:
    start, end = session.messages[0].at, session.messages[-1].at
    if start is None or end is None or not session.human:
        return False
    return start <= order.created_at <= end + window


def with_acts(messages: Sequence[Message], scanner: Scanner) -> list[Message]:
    """Return the messages with their acts; each distinct text is scanned once."""
    known = dict[tuple[str, str], frozenset[str]]()
    found = []
    for message in messages:
        key = (message.role, message.text)
        if key not in known:
            known[key] = _acts(scanner, *key)
        found.append(replace(message, acts=known[key]))
    return found


def _acts(scanner: Scanner, role: str, text: str) -> frozenset[str]:
    if role not in ("agent", "buyer"):
        return frozenset()
    return frozenset(f"{role}.{code}" for code in scanner.codes(cast(Role, role), text))
