"""What help-desk readers share: chat lines in order, the account written to, batches of rows.

A help desk's incoming message names no agent. It belongs to the next human agent to write in that
conversation, else to the last one, else to nobody. Robot messages follow the same rule: the account
they speak for is the one that takes over, so that they stand in the same thread.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from jinpai.sources.base import Batch, Reject, batch_of
from jinpai.sources.files import SourceFile

__all__ = [
    "ChatLine",
    "Instant",
    "Transfer",
    "documents",
    "fill_agents",
    "in_order",
    "instant",
    "kind_of",
    "line_batches",
    "people_batches",
    "product_in",
    "raw_text",
    "transfer_batches",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LINK = re.compile(r"https?://\S+")
_PRODUCT = re.compile(r"https?://\S*item\S*[?&]id=(\d+)")
_MILLISECONDS_FROM = Decimal(10) ** 11  # as seconds this would be the year 5138


@dataclass(frozen=True)
class Instant:
    """A time as read: ``at`` for ordering (None when unreadable), ``text`` for the tables stage."""

    at: datetime | None
    text: str | None


@dataclass
class ChatLine:
    """One message of a help desk, not yet ordered.

    Attributes:
        conversation: key of its source conversation within this import.
        conversation_id: the source's own id (None when the source has none).
        source_row: 1-based place in its list.
        is_event: a system line about the conversation itself (an assignment), not a note.
        seq: 1-based rank among the conversation's messages of the same instant.
    """

    message_id: str | None
    conversation: str
    conversation_id: str | None
    buyer_id: str | None
    agent_id: str | None
    sent: Instant
    sender: str | None
    is_auto: bool
    kind: str
    text: str | None
    source_file: str
    source_row: int
    is_event: bool = False
    seq: int = 1

    @property
    def is_human(self) -> bool:
        """A message typed by a known agent: it decides whom the incoming ones were written to."""
        return self.sender == "agent" and not self.is_auto and self.agent_id is not None


@dataclass(frozen=True)
class Transfer:
    """One hand-over, ready to be a row of ``transfers``."""

    transfer_id: str
    buyer_id: str | None
    from_agent_id: str
    to_agent_id: str
    at: str | None
    source_file: str
    source_row: int


def instant(value: object) -> Instant:
    """Read epoch seconds or milliseconds, or ISO text (UTC when it names no zone).

    0 and empty are no time; what cannot be read keeps its text, for the tables stage to reject.

    >>> instant(1772413387).text, instant("2026-03-02 09:00:00").at.isoformat(), instant(0).text
    ('2026-03-02T01:03:07Z', '2026-03-02T09:00:00+00:00', None)
    """
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    if text in ("", "0", "0.0"):
        return Instant(None, None)
    if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
        return _from_epoch(Decimal(text))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return Instant(None, text)
    return Instant(at if at.tzinfo else at.replace(tzinfo=UTC), text)


def _from_epoch(number: Decimal) -> Instant:
    seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
    at = _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    return Instant(at, at.isoformat().replace("+00:00", "Z"))


def kind_of(text: str | None) -> str:
    """Return ``link`` for a text that is one web address, else ``text``."""
    return "link" if text and _LINK.fullmatch(text.strip()) else "text"


def product_in(text: str | None) -> str | None:
    """Return the product id of the first item link in a text.

    >>> product_in("看这个 https://item.example.com/item.htm?id=700000000001")
    '700000000001'
    """
    match = _PRODUCT.search(text) if text else None
    return match.group(1) if match else None


def raw_text(record: object) -> str:
    """Return a record as the JSON kept with a rejected row."""
    return json.dumps(record, ensure_ascii=False, default=str)


def documents(file: SourceFile) -> Iterator[tuple[int, Any] | Reject]:
    """Yield (1-based row, parsed document): one for JSON, one a line for JSON lines.

    Raises UnreadableFile when a JSON file cannot be parsed; a broken line is a Reject.
    """
    if file.kind != "jsonl":
        yield 1, file.json()
        return
    for number, line in file.lines():
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except ValueError:
            yield Reject("messages", file.name, number, None, "unreadable_row", line)


def in_order(lines: Iterable[ChatLine]) -> dict[str, list[ChatLine]]:
    """Group lines by conversation, sort each by time and number ``seq``.

    Lines of one instant keep the order given; lines without a readable time come last (they are
    rejected later).
    """
    grouped: dict[str, list[ChatLine]] = {}
    for line in lines:
        grouped.setdefault(line.conversation, []).append(line)
    for chat in grouped.values():
        chat.sort(key=lambda line: (line.sent.at is None, line.sent.at or _EPOCH))
        _number(chat)
    return grouped


def _number(chat: Sequence[ChatLine]) -> None:
    previous: datetime | None = None
    rank = 0
    for line in chat:
        rank = rank + 1 if rank and line.sent.at == previous else 1
        line.seq, previous = rank, line.sent.at


def fill_agents(chat: Sequence[ChatLine]) -> None:
    """Give lines without an agent the next human agent of the conversation, else the last one.

    ``chat`` is one conversation in order. System lines stay without an agent. A line whose time is
    unreadable is going to be rejected and decides nothing.
    """
    humans = [line.agent_id for line in chat if line.is_human and line.sent.at]
    following: str | None = humans[-1] if humans else None
    for line in reversed(chat):
        if line.is_human and line.sent.at:
            following = line.agent_id
        elif line.agent_id is None and line.sender != "system":
            line.agent_id = following


def line_batches(lines: Iterable[ChatLine]) -> Iterator[Batch]:
    """Yield batches of messages, one or two a file.

    A line whose agent is unknown goes into a batch without ``agent_id``: a later import of a part
    of a conversation (one web-hook) must not wipe the agent that the whole conversation told.
    """
    grouped: dict[tuple[str, bool], list[dict[str, object]]] = {}
    for line in lines:
        row = _row(line)
        if line.agent_id is None:
            del row["agent_id"]
        grouped.setdefault((line.source_file, line.agent_id is None), []).append(row)
    for (source_file, _), rows in grouped.items():
        yield batch_of("messages", rows, source_file, timezone="UTC")


def _row(line: ChatLine) -> dict[str, object]:
    return {
        "message_id": line.message_id,
        "conversation_id": line.conversation_id,
        "buyer_id": line.buyer_id,
        "agent_id": line.agent_id,
        "sent_at": line.sent.text,
        "seq": line.seq,
        "sender": line.sender,
        "is_auto": line.is_auto,
        "kind": line.kind,
        "text": line.text,
        "product_id": product_in(line.text),
        "source_row": line.source_row,
    }


def transfer_batches(transfers: Iterable[Transfer]) -> Iterator[Batch]:
    """Yield one batch of transfers a file."""
    grouped: dict[str, list[Transfer]] = {}
    for transfer in transfers:
        grouped.setdefault(transfer.source_file, []).append(transfer)
    names = ("transfer_id", "buyer_id", "from_agent_id", "to_agent_id", "at", "source_row")
    for source_file, found in grouped.items():
        rows = [{name: getattr(transfer, name) for name in names} for transfer in found]
        yield batch_of("transfers", rows, source_file, timezone="UTC")


def people_batches(
    table: str, people: Iterable[tuple[str, Mapping[str, object]]]
) -> Iterator[Batch]:
    """Yield batches of agents or buyers from (file, row).

    A batch holds rows that know the same columns, so that an empty cell never wipes a known name.
    """
    grouped: dict[tuple[str, tuple[str, ...]], list[dict[str, object]]] = {}
    for source_file, row in people:
        known = {name: value for name, value in row.items() if value not in (None, "")}
        grouped.setdefault((source_file, tuple(known)), []).append(known)
    for (source_file, _), rows in grouped.items():
        yield batch_of(table, rows, source_file)
