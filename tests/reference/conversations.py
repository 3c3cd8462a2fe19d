"""Threads, sessions, rounds and receptions (section 3), one message after the other."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from .model import HOUR, SECOND, Shop
from .time import Calendar

__all__ = [
    "Message",
    "Reception",
    "Round",
    "Session",
    "agent_key",
    "calendar_of",
    "live_orders",
    "receptions",
    "rounds",
    "sessions",
    "threads",
]

Who = tuple[str | None, str]  # (agent, buyer)


@dataclass(frozen=True)
class Message:
    """A message of a thread; ``role`` is buyer, human, auto or robot."""

    message_id: str
    at: int
    day: date
    role: str
    text: str | None
    session: int


@dataclass(frozen=True)
class Session:
    """A stretch of a thread without a gap of session_gap; ``number`` counts within the thread."""

    agent_id: str | None
    buyer_id: str
    number: int
    start_at: int
    end_at: int
    day: date
    attended: bool
    two_sided: bool
    filter_reason: str | None = None


@dataclass(frozen=True)
class Round:
    """A wait of a buyer; ``late`` when a session cut lies between open and close."""

    agent_id: str | None
    buyer_id: str
    day: date
    open_id: str
    open_at: int
    session: int
    close_id: str | None = None
    close_at: int | None = None
    late: bool = False
    first_in_session: bool = False
    filter_reason: str | None = None

    @property
    def uncut_wait(self) -> int | None:
        """Close - open in microseconds; None when nobody answered."""
        return None if self.close_at is None else self.close_at - self.open_at

    @property
    def answered(self) -> bool:
        """Closed within its session."""
        return self.close_at is not None and not self.late


@dataclass(frozen=True)
class Reception:
    """(agent, buyer, day) with a buyer message; message counts are those of the day."""

    agent_id: str | None
    buyer_id: str
    day: date
    first_at: int
    kind: str
    pending_order: str | None
    window_orders: tuple[str, ...]
    messages: int
    buyer_messages: int
    human_messages: int
    replied: bool
    filter_reason: str | None


def agent_key(agent_id: str | None) -> tuple[bool, str]:
    """Return a sort key that puts the unassigned last."""
    return (agent_id is None, agent_id or "")


def calendar_of(shop: Shop) -> Calendar:
    """Return the calendar of a shop."""
    return Calendar(shop.timezone, shop.setting("business_day_start"))


def live_orders(shop: Shop) -> list[dict[str, Any]]:
    """Return the orders whose flag does not exclude them."""
    flags = shop.setting("excluded_flags")
    return [order for order in shop.rows("orders") if order.get("flag") not in flags]


def _role(shop: Shop, row: dict[str, Any]) -> str:
    """Return buyer, human, auto or robot of a message that is not a system one."""
    if row["sender"] != "agent":
        return str(row["sender"])
    text = row.get("text") or ""
    auto = (
        bool(row.get("is_auto"))
        or text in shop.setting("auto_reply_texts")
        or any(text.startswith(prefix) for prefix in shop.setting("auto_reply_prefixes"))
    )
    return "auto" if auto else "human"


def _in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    def key(row: dict[str, Any]) -> tuple[int, bool, int, str]:
        seq = row.get("seq")
        return (row["sent_at"], seq is None, seq or 0, row["message_id"])

    return sorted(rows, key=key)


def threads(shop: Shop) -> dict[Who, list[Message]]:
    """Return the messages of each (agent, buyer) in order, with the number of their session."""
    calendar = calendar_of(shop)
    gap = shop.setting("session_gap") * SECOND
    found: dict[Who, list[Message]] = {}
    for row in _in_order(shop.rows("messages")):
        if row["sender"] == "system":
            continue
        thread = found.setdefault((row.get("agent_id"), row["buyer_id"]), [])
        number = thread[-1].session if thread else 0
        if thread and row["sent_at"] - thread[-1].at >= gap:
            number += 1
        thread.append(
            Message(
                row["message_id"],
                row["sent_at"],
                calendar.day_of(row["sent_at"]),
                _role(shop, row),
                row.get("text"),
                number,
            )
        )
    return dict(sorted(found.items(), key=lambda item: (item[0][1], agent_key(item[0][0]))))


def _buyer_reason(shop: Shop, buyer_id: str) -> str | None:
    """Return the filter that belongs to the buyer, if any."""
    if any(agent["agent_id"] == buyer_id for agent in shop.rows("agents")):
        return "internal"
    patterns = shop.setting("internal_accounts")
    if any(buyer_id == p or fnmatch.fnmatchcase(buyer_id, p) for p in patterns):
        return "internal"
    return "listed" if buyer_id in shop.setting("excluded_buyers") else None


def _day_reason(shop: Shop, buyer_id: str, thread: list[Message], day: date) -> str | None:
    """Return the filter reason of the reception of a thread on a day; None without a reception."""
    reason = _buyer_reason(shop, buyer_id)
    today = [message for message in thread if message.day == day]
    asked = [message for message in today if message.role == "buyer"]
    if reason or not asked:
        return reason
    phrases = shop.setting("ad_phrases")
    if len(today) < shop.setting("ad_max_messages") and any(
        phrase in (message.text or "") for message in asked for phrase in phrases
    ):
        return "advertisement"
    if (
        shop.setting("one_sentence")
        and len(asked) == 1
        and len(today) < shop.setting("one_sentence_max")
    ):
        return "one_sentence"
    return None


def sessions(shop: Shop) -> list[Session]:
    """Return the sessions of all threads, marked with the reason of the day they start on."""
    found = []
    for (agent_id, buyer_id), thread in threads(shop).items():
        for number in range(thread[-1].session + 1):
            part = [message for message in thread if message.session == number]
            human = any(message.role == "human" for message in part)
            buyer = any(message.role == "buyer" for message in part)
            found.append(
                Session(
                    agent_id,
                    buyer_id,
                    number,
                    part[0].at,
                    part[-1].at,
                    part[0].day,
                    human,
                    human and buyer,
                    _day_reason(shop, buyer_id, thread, part[0].day),
                )
            )
    return found


def _thread_rounds(
    who: Who, thread: list[Message], closes: Callable[[str], bool], counts: Callable[[str], bool]
) -> list[Round]:
    """Open and close the rounds of one thread among the messages whose role counts."""
    found: list[Round] = []
    awaiting_buyer, last_session = True, -1
    for message in thread:
        if not counts(message.role):
            continue
        if message.session != last_session:
            awaiting_buyer, last_session = True, message.session
        if message.role == "buyer" and awaiting_buyer:
            first = all(earlier.session != message.session for earlier in found)
            found.append(
                Round(
                    *who, message.day, message.message_id, message.at, message.session,
                    first_in_session=first,
                )
            )  # fmt: skip
            awaiting_buyer = False
        if closes(message.role):
            awaiting_buyer = True
            found = [_closed(r, message) if r.close_id is None else r for r in found]
    return found


def _closed(opened: Round, message: Message) -> Round:
    return replace(
        opened,
        close_id=message.message_id,
        close_at=message.at,
        late=message.session != opened.session,
    )


def rounds(shop: Shop, *, any_answer: bool = False) -> list[Round]:
    """Return the rounds, marked as their reception is.

    With ``any_answer`` they are formed on all non-system messages, and an agent's, automatic or
    robot message closes one too (avg_response_all_seconds).
    """
    found = []
    for who, thread in threads(shop).items():
        if any_answer:
            made = _thread_rounds(who, thread, lambda role: role != "buyer", lambda _: True)
        else:
            made = _thread_rounds(
                who, thread, lambda role: role == "human", lambda role: role in ("buyer", "human")
            )
        found += [
            replace(one, filter_reason=_day_reason(shop, who[1], thread, one.day)) for one in made
        ]
    return found


def _window_orders(shop: Shop, buyer_id: str, first_at: int, day: date) -> tuple[str, ...]:
    """Return the orders of the buyer created in the inquiry window, smallest id first."""
    calendar = calendar_of(shop)
    last = day + timedelta(days=shop.setting("inquiry_days") - 1)
    return tuple(
        sorted(
            order["order_id"]
            for order in live_orders(shop)
            if order.get("buyer_id") == buyer_id
            and order["created_at"] >= first_at
            and calendar.day_of(order["created_at"]) <= last
        )
    )


def _kind(shop: Shop, buyer_id: str, t: int, window: tuple[str, ...]) -> tuple[str, str | None]:
    """Return the kind of a reception and, for a followup, its pending order."""
    if window:
        return "inquiry", None
    orders = [order for order in live_orders(shop) if order.get("buyer_id") == buyer_id]
    reach = shop.setting("aftersale_days") * 24 * HOUR
    for order in orders:
        paid_at = order.get("paid_at")
        if paid_at is not None and t - reach <= paid_at < t:
            return "aftersale", None
    reach = shop.setting("followup_window") * HOUR
    pending = []
    for order in orders:
        ends = (order.get("paid_at"), order.get("closed_at"))
        settled = any(at is not None and at < t for at in ends)
        if t - reach <= order["created_at"] < t and not settled:
            pending.append((-order["created_at"], order["order_id"]))
    return ("followup", min(pending)[1]) if pending else ("inquiry", None)


def receptions(shop: Shop) -> list[Reception]:
    """Return every (agent, buyer, day) with a buyer message, filtered ones marked."""
    found = []
    for (agent_id, buyer_id), thread in threads(shop).items():
        for day in sorted({message.day for message in thread if message.role == "buyer"}):
            today = [message for message in thread if message.day == day]
            roles = [message.role for message in today]
            first = roles.index("buyer")
            window = _window_orders(shop, buyer_id, today[first].at, day)
            kind, pending = _kind(shop, buyer_id, today[first].at, window)
            found.append(
                Reception(
                    agent_id,
                    buyer_id,
                    day,
                    today[first].at,
                    kind,
                    pending,
                    window,
                    len(today),
                    roles.count("buyer"),
                    roles.count("human"),
                    "human" in roles[first:],
                    _day_reason(shop, buyer_id, thread, day),
                )
            )
    return found
