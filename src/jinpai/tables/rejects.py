"""Rows that could not be loaded, kept with the reason."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

__all__ = ["REJECTS", "UNKNOWN_TABLE", "empty_rejects"]

UNKNOWN_TABLE = "unknown"
"""Where rows count whose reader could not tell the table."""

_FIELDS: list[pa.Field[Any]] = [
    pa.field("imported_at", pa.timestamp("us", "UTC")),
    pa.field("table", pa.string()),
    pa.field("source_file", pa.string()),
    pa.field("source_row", pa.int64()),
    pa.field("column", pa.string()),
    pa.field("reason", pa.string()),
    pa.field("raw", pa.string()),
]
REJECTS = pa.schema(_FIELDS)
"""A row per rejected row; ``reason`` is a code of `schema.REASONS`, ``raw`` the row as it came."""


def empty_rejects() -> pa.Table:
    """Return a table of no rejects."""
    return REJECTS.empty_table()
