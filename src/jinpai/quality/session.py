"""Sessions to inspect: messages with their acts, cut where a conversation rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, cast

from jinpai.quality.acts.patterns import Role
from jinpai.quality.acts.scan import Scanner

__all__ = ["Message", "Order", "Session", "cut", "with_acts"]


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        role: buyer, agent (a human), robot or system.
        at: seconds since 1970 UTC, or None where the source has no times.
        acts: names such as ``agent.greeting``.
    """

    message_id: str
    role: str
    text: str
    at: float | None = None
    agent_id: str | None = None
    kind: str = "text"
    acts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Order:
    """An order of the session's buyer; times as in Message."""

    order_id: str
    created_at: float
    paid_at: float | None = None
    closed_at: float | None = None


@dataclass(frozen=True)
class Session:
    """Messages of one buyer and one agent (system left out), with the buyer's orders near it.

    Attributes:
        as_of: the latest instant known; what would have come later has not.
    """

    session_id: str
    messages: tuple[Message, ...]
    agent_id: str | None = None
    agent_role: str | None = None
    orders: tuple[Order, ...] = ()
    as_of: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def human(self) -> tuple[Message, ...]:
        """The agent's own messages."""
        return self.of("agent")

    @cached_property
    def buyer(self) -> tuple[Message, ...]:
        """The buyer's messages."""
        return self.of("buyer")

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


def with_acts(messages: Sequence[Message], scanner: Scanner) -> list[Message]:
    """Return the messages with their acts; each distinct text is scanned once."""
    known = dict[tuple[str, str], frozenset[str]]()
    found = []
    for message in messages:
        key = (message.role, message.text)
        if key not in known:
            known[key] = _acts(scanner, *key)
        found.append(
            Message(
                message.message_id,
                message.role,
                message.text,
                message.at,
                message.agent_id,
                message.kind,
                known[key],
            )
        )
    return found


def _acts(scanner: Scanner, role: str, text: str) -> frozenset[str]:
    if role not in ("agent", "buyer"):
        return frozenset()
    return frozenset(f"{role}.{code}" for code in scanner.codes(cast(Role, role), text))
