"""Copies of the lake's files of messages in which a buyer's are found at once.

A file of messages holds up to a million, in pieces of a quarter million: what one buyer said costs
as much to find as to look through a piece of each. A copy is sorted by buyer, in small pieces. A
file of the lake never changes, so its copy is made once; after a night only new files are copied.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from jinpai.engine.duckdb import DuckEngine
from jinpai.tables import delta
from jinpai.talk_pieces import Pieces, Row, in_order_given, write_pieces

__all__ = ["Said", "in_order"]

_COLUMNS = """
    shop_id, buyer_id, agent_id, message_id, make_timestamp(epoch_us(sent_at)) as sent_at, seq,
    sender, is_auto, kind, text, product_id
"""
_GROUP = 4096
_PACKING = "compression zstd, compression_level 1"


class Said:
    """The copies of a lake's files of messages.

    Args:
        messages: folder of the lake's table. folder: where the copies lie.
    """

    def __init__(self, messages: Path, folder: Path) -> None:
        self._messages, self._folder = messages, folder
        self._lock = threading.Lock()
        self._open: dict[str, Pieces | None] = {}

    def rows(self, path: str, shop_id: str, buyer: str) -> list[Row] | None:
        """Return a buyer's messages of one file, in no order; None where it has no copy."""
        with self._lock:
            if path not in self._open:
                self._open[path] = self._opened(path)
            pieces = self._open[path]
        return None if pieces is None else pieces.rows(shop_id, buyer)

    def open(self, paths: Sequence[str]) -> None:
        """Open the copies of files, so that nobody waits for it later."""
        for path in paths:
            self.rows(path, "", "")

    def missing(self, paths: Sequence[str]) -> list[str]:
        """Return the files that have no copy yet."""
        return [path for path in paths if not (self._folder / _name(path)).exists()]

    def write(self, engine: DuckEngine, paths: Sequence[str]) -> None:
        """Copy files.

        Raises EngineError, OSError where they cannot be written; nothing depends on them.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            sql = f"select {_COLUMNS} from {delta.parquet([str(self._messages / path)])}"
            copy = self._folder / _name(path)
            with in_order_given(engine, "sorted messages"):
                write_pieces(engine, copy, sql, rows=_GROUP, packing=_PACKING)

    def sweep(self, paths: Collection[str]) -> None:
        """Delete the copies of all other files."""
        kept = {_name(path) for path in paths}
        for old in self._folder.glob("said-*"):
            if old.name not in kept:
                old.unlink(missing_ok=True)

    def _opened(self, path: str) -> Pieces | None:
        try:
            return Pieces(self._folder / _name(path))
        except (OSError, pa.ArrowException):
            return None


def _name(path: str) -> str:
    """What the copy of a file is called; names of the lake's files are never used again."""
    return "said-" + path.replace("/", "-")


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Return messages in the order of the line: time, place in the export, id."""

    def key(row: Row) -> tuple[Any, ...]:
        return row["sent_at"], row["seq"] is None, row["seq"] or 0, row["message_id"]

    return sorted(rows, key=key)
