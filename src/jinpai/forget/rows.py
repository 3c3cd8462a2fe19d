"""What of a row is personal, and what is left of it: all that sums, times and links need.

Amounts, times, products, accounts of the shop and order numbers stay. What somebody wrote goes,
but for those words of it that the shop's own settings count by (automatic replies, advertising).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinpai.forget.known import Known
from jinpai.settings import Settings

__all__ = ["BY_BUYER", "BY_ORDER", "DROPPED", "Shown", "hashed_ids", "row_without"]

BY_BUYER = ("buyers", "messages", "transfers", "orders", "reviews")
BY_ORDER = ("refunds", "reviews")
"""Tables whose rows are somebody's because the order is."""
DROPPED = {
    "buyers": ("name", "phone", "birthday", "registered_at"),
    "orders": ("note",),
    "refunds": ("reason",),
    "reviews": ("text",),
}
_NAMED_AFTER = ("message_id", "transfer_id")
_LONG = 4  # a shorter account name is found in numbers that have nothing to do with it
_SEPARATOR = "\x1f"
_OCCURRENCES = 64


@dataclass(frozen=True)
class Shown:
    """The words the shop's settings look for in messages."""

    replies: Sequence[str]
    prefixes: Sequence[str]
    advertising: Sequence[str]

    @classmethod
    def of(cls, settings: Settings) -> Shown:
        """Return those of a shop."""
        return cls(settings.auto_reply_texts, settings.auto_reply_prefixes, settings.ad_phrases)

    def left_of(self, text: str | None) -> str | None:
        """Return what is left of a message's text: nothing that the shop did not write itself."""
        if not text:
            return None
        if text in self.replies:
            return text
        found = [one for one in self.prefixes if text.startswith(one)][:1]
        found += [one for one in self.advertising if one in text]
        return " ".join(dict.fromkeys(found)) or None


def row_without(table: str, row: Mapping[str, Any], known: Known, shown: Shown) -> dict[str, Any]:
    """Return a forgotten buyer's row without what is personal; columns it lacks stay out."""
    made = dict(row)
    buyer = row.get("buyer_id")
    if buyer is not None and (name := known.holds(str(buyer))):
        made["buyer_id"] = name
        for column in _NAMED_AFTER:
            if isinstance(found := row.get(column), str) and len(str(buyer)) >= _LONG:
                made[column] = found.replace(str(buyer), name)
    if row.get("source_file") is not None:
        made["source_file"] = known.file_without(str(row["source_file"]))
    for column in DROPPED.get(table, ()):
        if column in made:
            made[column] = None
    if table == "messages":
        if row.get("text") is not None:
            made["text"] = shown.left_of(str(row["text"]))
        if row.get("conversation_id") is not None:
            made["conversation_id"] = known.mark("conversation", str(row["conversation_id"]))[:24]
    return made


def hashed_ids(before: Sequence[Mapping[str, Any]], after: list[dict[str, Any]]) -> None:
    """Give messages whose id was made of their words the id that an import makes of what is left.

    So the same file, imported again, finds them. Ids of a platform stay (`tables.message_ids`).
    """
    counts: dict[str, int] = {}
    for old, new in zip(before, after, strict=True):
        if not _is_ours(old):
            continue
        base = _base(new)
        counts[base] = counts.get(base, 0) + 1
        new["message_id"] = _md5(base, str(counts[base]))


def _is_ours(row: Mapping[str, Any]) -> bool:
    base = _base(row)
    return any(row["message_id"] == _md5(base, str(n)) for n in range(1, _OCCURRENCES))


def _base(row: Mapping[str, Any]) -> str:
    at: datetime = row["sent_at"]
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    moved = at - datetime.fromtimestamp(0, UTC)
    micros = (moved.days * 86_400 + moved.seconds) * 1_000_000 + moved.microseconds
    return _md5(
        row["shop_id"],
        row["buyer_id"] or "",
        row["agent_id"] or "",
        str(micros),
        row["sender"],
        row["text"] or "",
    )


def _md5(*parts: str) -> str:
    return hashlib.md5(_SEPARATOR.join(parts).encode(), usedforsecurity=False).hexdigest()
