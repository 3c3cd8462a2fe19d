"""From session lines to findings and scores: what a run does with every session.

Works on a stream of Arrow batches, so that neither a shop nor a month has to fit the memory, and
that an engine with several workers can give each its own buyers.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jinpai.engine.memory import kept_memory
from jinpai.quality.book import Book, book_id, load_book
from jinpai.quality.columns.judging import judged
from jinpai.quality.columns.rows import rows_of
from jinpai.quality.columns.sheet import Sheet
from jinpai.quality.finding import EVIDENCE
from jinpai.quality.lines import PARTS

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

# Lines judged at once: patterns are compiled anew, and rules begun, for each such table. The first
# are small, so that all processors have some soon; all that are judged at a time are bounded.
_FEWEST, _MOST, _IN_ALL = 1 << 17, 1 << 19, 1 << 20


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
        """Yield `INSPECTED` rows of sorted session lines; all processors have their own lines."""
        # One more than processors: a third of the time one of them waits for the interpreter.
        threads = (os.cpu_count() or 1) + 1
        with kept_memory():
            yield from in_order(self._inspected, _whole_buyers(batches, threads), threads)

    def _inspected(self, lines: pa.Table) -> pa.RecordBatch:
        sheet = Sheet(lines, self.book.scanner)
        listed = judged(sheet, self.book.judge)
        made = rows_of(sheet, listed, self.book.judge, self.overruled, INSPECTED)
        return made.combine_chunks().to_batches()[0]


def in_order(
    make: Callable[[pa.Table], pa.RecordBatch], tables: Iterable[pa.Table], threads: int
) -> Iterator[pa.RecordBatch]:
    """Yield what is made of tables in their order, made by threads; few are in memory at once."""
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque[Future[pa.RecordBatch]]()
        for table in tables:
            waiting.append(pool.submit(make, table))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _whole_buyers(batches: Iterable[pa.RecordBatch], threads: int = 1) -> Iterator[pa.Table]:
    """Yield the lines in tables of growing size that no buyer is cut by."""
    waiting, count, wanted = list[pa.RecordBatch](), 0, _FEWEST
    for batch in filter(len, batches):
        count += len(batch)
        before = waiting[-1] if waiting else None
        cut = _last_buyer(batch, before) if count >= wanted else None
        if cut is None:
            waiting.append(batch)
            continue
        done = [*waiting, batch.slice(0, cut)]
        waiting, count = [batch.slice(cut)], len(batch) - cut
        wanted = min(2 * wanted, _MOST, max(_IN_ALL // threads, _FEWEST))
        if sum(map(len, done)):
            yield pa.Table.from_batches(done)
    if waiting:
        yield pa.Table.from_batches(waiting)


def _last_buyer(batch: pa.RecordBatch, before: pa.RecordBatch | None) -> int | None:
    """Return where the last buyer of a batch begins, None where it began in the one before."""
    starts = np.zeros(len(batch), bool)
    for name in PARTS:
        column = batch.column(name)
        changes = pc.not_equal(column.slice(1), column.slice(0, len(column) - 1))
        starts[1:] |= changes.to_numpy(zero_copy_only=False)
        starts[0] |= before is None or before.column(name)[-1] != column[0]
    places = np.flatnonzero(starts)
    return int(places[-1]) if len(places) else None
