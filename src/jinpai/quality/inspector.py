"""From session lines to findings and scores: what a run does with every session.

Works on a stream of Arrow batches, so that neither a shop nor a month has to fit the memory, and
that an engine with several workers can give each its own buyers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from jinpai.quality.book import Book, book_id, load_book
from jinpai.quality.finding import EVIDENCE, finding_id
from jinpai.quality.judge import Finding, score
from jinpai.quality.lines import Place, sessions_in
from jinpai.quality.session import Session

__all__ = ["INSPECTED", "Inspector"]

# One row per session (rule and product_id null), one per product it shows, one per finding of it.
INSPECTED = pa.schema(
    [
        ("shop_id", pa.string()),
        ("agent_key", pa.string()),
        ("buyer_id", pa.string()),
        ("day", pa.date32()),
        ("session_no", pa.int64()),
        ("session_id", pa.string()),
        ("start_us", pa.int64()),
        ("end_us", pa.int64()),
        ("is_judged", pa.bool_()),
        ("score", pa.float64()),
        ("faults", pa.int64()),
        ("merits", pa.int64()),
        ("is_fatal", pa.bool_()),
        ("product_id", pa.string()),
        ("finding_id", pa.string()),
        ("rule", pa.string()),
        ("rule_version", pa.string()),
        ("rule_group", pa.string()),
        ("severity", pa.string()),
        ("points", pa.float64()),
        ("is_merit", pa.bool_()),
        ("is_shadow", pa.bool_()),
        ("is_overruled", pa.bool_()),
        ("order_id", pa.string()),
        ("reason_zh", pa.string()),
        ("reason_en", pa.string()),
        ("evidence", pa.list_(EVIDENCE)),
    ]
)
_ROWS = 20_000


@dataclass(frozen=True)
class Inspector:
    """Judges session lines by a workspace's book.

    Attributes:
        root: the workspace whose files count; None is the shipped book.
        overruled: ids of findings that cost nothing, since an appeal was upheld.
    """

    root: Path | None = None
    overruled: frozenset[str] = field(default=frozenset(), repr=False)

    @cached_property
    def book(self) -> Book:
        """The rules and acts, read when first needed; raises UsageError."""
        return load_book(self.root)

    @cached_property
    def book_id(self) -> str:
        """A hash of the rules and acts."""
        return book_id(self.root)

    @cached_property
    def overruled_id(self) -> str:
        """A hash of what is overruled, empty where nothing is."""
        text = "\n".join(sorted(self.overruled))
        return hashlib.sha256(text.encode()).hexdigest()[:16] if text else ""

    @property
    def watch_us(self) -> int:
        """Return how long after it was made an order can show a finding, in microseconds."""
        watched = [rule.settings["seconds"] for rule in self.book.rules if rule.watches]
        return round(max(watched, default=0.0) * 1e6)

    def __getstate__(self) -> dict[str, object]:
        """Carry the book along: another machine may not see the workspace."""
        return {"root": self.root, "overruled": self.overruled, "book": self.book}

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield `INSPECTED` rows of sorted session lines."""
        rows = list[dict[str, Any]]()
        for sessions in sessions_in(batches, self.book.scanner):
            for place, session in sessions:
                rows += self._rows(place, session)
            if len(rows) >= _ROWS:
                yield pa.RecordBatch.from_pylist(rows, INSPECTED)
                rows = []
        if rows:
            yield pa.RecordBatch.from_pylist(rows, INSPECTED)

    def _rows(self, place: Place, session: Session) -> list[dict[str, Any]]:
        found = self.book.judge.findings(session)
        named = {name: getattr(place, name) for name in _NAMES} | {"session_id": session.session_id}
        listed = [named | self._finding_row(place, one) for one in found]
        counted = [
            one
            for one, row in zip(found, listed, strict=True)
            if not (row["is_shadow"] or row["is_overruled"])
        ]
        products = [named | {"product_id": product} for product in place.product_ids]
        of_session = _session_row(session, counted)
        judged = {"is_judged": of_session["is_judged"]}
        return [named | of_session, *(row | judged for row in (*products, *listed))]

    def _finding_row(self, place: Place, found: Finding) -> dict[str, Any]:
        rule = self.book.judge.rule(found.rule)
        messages = [one.message_id for one in found.evidence]
        name = finding_id(
            place.shop_id, found.session_id, found.rule, found.version, messages, found.order_id
        )
        return {
            "finding_id": name,
            "rule": found.rule,
            "rule_version": found.version,
            "rule_group": rule.group,
            "severity": rule.severity,
            "points": found.points,
            "is_merit": rule.is_merit,
            "is_fatal": found.fatal,
            "is_shadow": False,
            "is_overruled": name in self.overruled,
            "order_id": found.order_id,
            "reason_zh": found.reason_zh,
            "reason_en": found.reason_en,
            "evidence": [
                {
                    "message_id": one.message_id,
                    "start": one.start,
                    "end": one.end,
                    "at_us": None if one.at is None else round(one.at * 1e6),
                }
                for one in found.evidence
            ],
        }


_NAMES = ("shop_id", "agent_key", "buyer_id", "day", "session_no", "start_us", "end_us")


def _session_row(session: Session, counted: Sequence[Finding]) -> dict[str, Any]:
    return {
        "is_judged": bool(session.human) and bool(session.buyer),
        "score": score(counted),
        "faults": sum(one.points < 0 or one.fatal for one in counted),
        "merits": sum(one.points > 0 for one in counted),
        "is_fatal": any(one.fatal for one in counted),
    }
