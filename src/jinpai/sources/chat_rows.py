"""From what people said in a chat text to rows of the messages and transfers tables.

Every chat text leaves the same things open: whom an agent was writing to when one text holds
several buyers, which agent a buyer's line was meant for, and how lines of one second are ordered.
They are settled here once for all chat readers.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

__all__ = [
    "MESSAGE_COLUMNS",
    "TRANSFER_COLUMNS",
    "Event",
    "content_kind",
    "fill_agents",
    "fill_buyers",
    "item_id",
    "message_rows",
    "moment",
    "transfer_rows",
]

Side = Literal["buyer", "agent", "robot", "system"]

MESSAGE_COLUMNS = (
    "buyer_id",
    "agent_id",
    "sent_at",
    "seq",
    "sender",
    "kind",
    "text",
    "product_id",
    "source_row",
)
TRANSFER_COLUMNS = ("transfer_id", "buyer_id", "from_agent_id", "to_agent_id", "at", "source_row")

# A silence after which the next agent line in a text of several buyers may be for somebody else. It
# must bridge a night (asked at 23:58, answered at 08:31).
_SILENCE = timedelta(hours=12)
# An agent who writes first is answered, if at all, within a session.
_ANSWERED = timedelta(minutes=10)

_WHOLE = {
    "image": "图片 照片 截图 image",
    "emoji": "表情 动画表情 动态表情 贴图 emoji sticker",
    "link": "链接 网页链接",
    "card": "商品 商品卡片 宝贝 订单 订单卡片 卡片 优惠券 card",
    "other": "语音 视频 文件 音频 通话 位置 红包 转账 file video",
}
_PLACEHOLDERS = {f"[{word}]": kind for kind, words in _WHOLE.items() for word in words.split()}
_URL = re.compile(r"https?://[^\s<>\"'`，。！？]+", re.IGNORECASE)
_ITEM = re.compile(r"[?&](?:id|itemId|item_id|num_iid)=(\d{5,20})(?!\d)")
_EMOJI = re.compile(
    r"(?:\[[\u4e00-\u9fffA-Za-z]{1,4}\]|/:[^\s/]{1,4}|[\U0001F000-\U0001FAFF\u2600-\u27BF\uFE0F\u200D]|\s)+"
)


@dataclass(slots=True)
class Event:
    """One line of a chat.

    Attributes:
        row: 1-based row of the file.
        at: local time ``YYYY-MM-DD HH:MM:SS``.
        side: who wrote; ``system`` for notices of the platform.
        account: the writer's account; None for notices.
        buyer, agent: the two ends, where the source says so; the rest is filled in.
        to_agent: the account that takes over; set for a hand-over, with ``agent`` who hands over.
        opens: True where the source shows that another conversation begins here.
    """

    row: int
    at: str
    side: Side
    account: str | None = None
    text: str | None = None
    kind: str = "text"
    buyer: str | None = None
    agent: str | None = None
    product_id: str | None = None
    is_auto: bool | None = None
    to_agent: str | None = None
    opens: bool = False


def content_kind(text: str) -> str:
    """Return the message kind of a text: placeholders, bare links and bare emoticons are no text.

    >>> [content_kind(text) for text in ("在吗", "[图片]", "https://a.example/?id=1", "[微笑]")]
    ['text', 'image', 'link', 'emoji']
    """
    bare = text.strip()
    if bare in _PLACEHOLDERS:
        return _PLACEHOLDERS[bare]
    if _URL.fullmatch(bare):
        return "link"
    return "emoji" if bare and _EMOJI.fullmatch(bare) else "text"


def item_id(text: str) -> str | None:
    """Return the product id of the first item link in a text.

    >>> item_id("看看 https://item.example.com/item.htm?spm=a&id=700000000001")
    '700000000001'
    """
    for url in _URL.findall(text):
        host_and_path = url.split("?")[0].lower()
        found = _ITEM.search(url)
        if found and ("item" in host_and_path or "detail" in host_and_path):
            return found[1]
    return None


def fill_buyers(events: Sequence[Event]) -> None:
    """Give every line its buyer: the only one of the text, else the one being talked to.

    In a text of several buyers an agent's line belongs to the buyer of the line before it, unless
    the text went back in time, a new conversation was announced, or twelve hours passed; then to
    the buyer who writes within ten minutes after it. Otherwise the buyer stays unknown: better a
    rejected row than a sale on the wrong account.
    """
    for event in events:
        if event.side == "buyer" and event.buyer is None:
            event.buyer = event.account
    buyers = {event.buyer for event in events if event.buyer}
    only = buyers.pop() if len(buyers) == 1 else None
    for place, event in enumerate(events):
        if event.buyer is None:
            event.buyer = only or _buyer_before(events, place) or _buyer_after(events, place)


def _buyer_before(events: Sequence[Event], place: int) -> str | None:
    if place == 0 or events[place].opens:
        return None
    before = events[place - 1]
    return before.buyer if _follows(before, events[place], _SILENCE) else None


def _buyer_after(events: Sequence[Event], place: int) -> str | None:
    for before, after in zip(events[place:], events[place + 1 :], strict=False):
        if not _follows(before, after, _ANSWERED):
            return None
        if after.buyer:
            return after.buyer
    return None


def _follows(before: Event, after: Event, within: timedelta) -> bool:
    first, second = moment(before.at), moment(after.at)
    if first is None or second is None:  # an impossible time: the tables stage rejects that row
        return True
    return timedelta(0) <= second - first <= within


def moment(at: str) -> datetime | None:
    """Return the wall time, or None for a date that does not exist."""
    try:
        return datetime.fromisoformat(at)
    except ValueError:
        return None


def fill_agents(events: Sequence[Event]) -> None:
    """Give every buyer's line (and notice) the agent it was written to.

    The next human agent in the conversation, else the last one; a conversation ends with a silence
    of twelve hours. If nobody wrote in it, the same over all lines with this buyer; else nobody.
    """
    by_buyer: dict[str | None, list[Event]] = defaultdict(list)
    for event in events:
        by_buyer[event.buyer].append(event)
    for buyer, own in by_buyer.items():
        if buyer is not None:
            for conversation in _cut(own):
                _fill_one(conversation)
            _fill_one(own)


def _cut(events: Sequence[Event]) -> Iterator[list[Event]]:
    part: list[Event] = []
    for event in events:
        if part and not _follows(part[-1], event, _SILENCE):
            yield part
            part = []
        part.append(event)
    if part:
        yield part


def _fill_one(events: Sequence[Event]) -> None:
    passes: tuple[Iterable[Event], Iterable[Event]] = (reversed(events), events)
    for order in passes:  # first the next agent, then the last one
        agent: str | None = None
        for event in order:
            if event.side == "agent" and not event.is_auto:
                agent = event.agent
            elif event.agent is None:
                event.agent = agent


def message_rows(events: Sequence[Event]) -> list[dict[str, object]]:
    """Return rows for the messages table, one per event.

    ``seq`` is the rank among the lines of the same buyer and time, so that two exports that overlap
    agree on it. Notices get none.
    """
    seen: dict[tuple[str | None, str], int] = defaultdict(int)
    rows: list[dict[str, object]] = []
    for event in events:
        if event.side != "system":
            seen[event.buyer, event.at] += 1
        rows.append(
            {
                "buyer_id": event.buyer,
                "agent_id": event.to_agent or event.agent,
                "sent_at": event.at,
                "seq": None if event.side == "system" else seen[event.buyer, event.at],
                "sender": event.side,
                "kind": event.kind,
                "text": event.text or None,
                "product_id": event.product_id,
                "is_auto": event.is_auto,
                "source_row": event.row,
            }
        )
    return rows


def transfer_rows(events: Sequence[Event]) -> list[dict[str, object]]:
    """Return rows for the transfers table, one per hand-over among the events."""
    rows: list[dict[str, object]] = []
    for event in events:
        if event.to_agent:
            parts = (event.buyer, event.agent, event.to_agent, event.at)
            key = hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()
            rows.append(
                {
                    "transfer_id": key[:32],
                    "buyer_id": event.buyer,
                    "from_agent_id": event.agent,
                    "to_agent_id": event.to_agent,
                    "at": event.at,
                    "source_row": event.row,
                }
            )
    return rows
