"""What a reader is, and what it hands to the tables stage.

A reader turns recognised files into batches of rows with canonical column names. It does not cast,
check or deduplicate: the tables stage does that once for all readers, so that every platform's bad
rows are rejected by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from jinpai.sources.files import SourceFile

__all__ = ["Batch", "Context", "Note", "Recognition", "Reject", "Source", "batch_of"]


@dataclass(frozen=True)
class Batch:
    """Rows of one canonical table from one file.

    Attributes:
        table: canonical table name.
        rows: any subset of the table's canonical columns. A column is text (or a dictionary of
            text) or a native Arrow type; empty text and null are null. Times: native timestamps
            with a zone; or text with a zone (``2026-03-02T01:05:02Z``) or without (then
            ``timezone``). Money as decimal text or number. Optional extra columns: ``source_row``
            (int64, 1-based row of the file; default: place in the batch) and ``raw`` (text kept
            with a rejected row; default: the row as JSON).
        source_file: name shown to people: ``folder/file.csv`` or ``archive.zip/file.csv``.
        patch: True when the format cannot carry the missing columns: a known row keeps what it
            has in the columns absent from ``rows``. False: the row replaces the known one whole.
        timezone: IANA zone of times written without one; None means the shop's own zone.
    """

    table: str
    rows: pa.Table
    source_file: str
    patch: bool = False
    timezone: str | None = None


@dataclass(frozen=True)
class Reject:
    """A row a reader could not even turn into canonical columns.

    ``reason`` is one of the codes of ``tables.schema.REASONS``.
    """

    table: str | None
    source_file: str
    source_row: int
    column: str | None
    reason: str
    raw: str


@dataclass(frozen=True)
class Note:
    """Something people should know about a file that is neither a row nor a lost row.

    For example: a column that was not used, or a platform's own summary that is not loaded.
    """

    source_file: str
    text_en: str
    text_zh: str


@dataclass(frozen=True)
class Recognition:
    """A reader's claim on a file.

    Attributes:
        confidence: 0-1; the highest claim wins, ties go to the earlier registered reader.
        what: one line for people, e.g. ``Taobao order report, 54 columns (2018-19)``.
        layout: the reader's own word for the variant, handed back to it in ``SourceFile.layout``.
        what_zh: ``what`` in Chinese.
    """

    confidence: float
    what: str
    layout: str = ""
    what_zh: str = ""


@dataclass(frozen=True)
class Context:
    """What a reader may know about the workspace it reads for.

    Attributes:
        shop_id: the shop that rows without a shop_id belong to.
        timezone: that shop's IANA zone.
        tables: canonical table name -> column names (with ``shop_id`` first).
        agent_ids: chat accounts known so far, helpful to tell agents from buyers in plain text.
        options: reader options given by the user (``--option key=value``).
    """

    shop_id: str
    timezone: str
    tables: Mapping[str, tuple[str, ...]]
    shop_name: str = ""
    agent_ids: frozenset[str] = frozenset()
    options: Mapping[str, str] = field(default_factory=dict)


class Source(Protocol):
    """A reader: recognises files by content and reads all it recognised in one call.

    ``read`` gets every file of one import that this reader won, in the order the user gave them,
    because some platforms split one story over several files.
    """

    name: str
    title_zh: str
    title_en: str

    def recognise(self, file: SourceFile) -> Recognition | None:
        """Return a claim on the file, or None. Must look at content, cheaply (the head)."""

    def read(
        self, files: Sequence[SourceFile], context: Context
    ) -> Iterator[Batch | Reject | Note]:
        """Yield the files' rows; raises InputError for a file that cannot be read at all."""


def batch_of(
    table: str,
    rows: Sequence[Mapping[str, object]],
    source_file: str,
    *,
    columns: Sequence[str] | None = None,
    patch: bool = True,
    timezone: str | None = None,
) -> Batch:
    """Make a batch from row dictionaries; every value becomes text, None stays null.

    ``columns`` lists the columns the format can carry (default: the keys of the first row). Include
    ``source_row`` in the dictionaries where the file has row numbers.

    >>> batch_of("orders", [{"order_id": 7, "source_row": 2}], "a.csv").rows.to_pylist()
    [{'order_id': '7', 'source_row': 2}]
    """
    names = list(columns) if columns is not None else list(rows[0]) if rows else []
    if rows and "source_row" in rows[0] and "source_row" not in names:
        names.append("source_row")
    if rows and "raw" in rows[0] and "raw" not in names:
        names.append("raw")
    arrays = {name: _column(name, [row.get(name) for row in rows]) for name in names}
    return Batch(table, pa.table(arrays), source_file, patch=patch, timezone=timezone)


def _column(name: str, values: list[object]) -> pa.Array[Any]:
    if name == "source_row":
        return pa.array(values, pa.int64())
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
