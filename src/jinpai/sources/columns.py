"""Make Arrow columns that the tables stage can cast, from whatever a file holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

from jinpai.sources.blanks import is_bare
from jinpai.sources.canonical_tables import is_id, is_prose

__all__ = [
    "CODED",
    "Arrow",
    "clean_text_table",
    "native_column",
    "pc",
    "row_range",
    "text_table",
    "value_text",
]

Arrow = Any  # an Arrow array or chunked array: their stubs lag behind the library
pc: Any = pyarrow.compute
_arrow: Any = pa
CODED = pa.dictionary(pa.int32(), pa.string())
"""Text of few different values, each held once."""
_EXACT = 1e15  # above this a double may already have lost digits


def row_range(first: int, count: int) -> Arrow:
    """Return the int64 array first, first + 1, … of that many numbers."""
    return _arrow.arange(first, first + count)


def value_text(value: object) -> str | None:
    """Return a parsed JSON or YAML value as text.

    >>> value_text(True), value_text(12345678901234567890), value_text({"色": "白"})
    ('true', '12345678901234567890', '{"色": "白"}')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def text_table(
    names: Sequence[str], rows: Iterable[Mapping[str, Any]], numbers: Sequence[int]
) -> pa.Table:
    """Return the rows as text columns plus ``source_row``."""
    held = list(rows)
    arrays = [pa.array([value_text(row.get(name)) for row in held], pa.string()) for name in names]
    return pa.table([*arrays, pa.array(numbers, pa.int64())], names=[*names, "source_row"])


def clean_text_table(rows: pa.Table) -> pa.Table:
    """Undo what spreadsheets do to ids and numbers (``="123"``, tabs); leave people's words."""
    for at, name in enumerate(rows.column_names):
        column = rows.column(at)
        if is_prose(name) or is_bare(column):
            continue
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type):
            rows = rows.set_column(at, name, _clean(column, name))
    return rows


def _clean(column: Arrow, name: str) -> Arrow:
    """Search first: almost no file needs it, and searching is far cheaper than replacing."""
    if _any(pc.starts_with(column, "=")):
        column = pc.replace_substring_regex(column, r'^="+([^"]*)"+$', r"\1")
    if is_id(name) and _any(pc.starts_with(column, "'")):
        column = pc.replace_substring_regex(column, r"^'", "")
    if _any(pc.match_substring(column, "\t")):
        column = pc.utf8_trim_whitespace(column)
    return column


def _any(mask: Arrow) -> bool:
    return bool(pc.any(mask).as_py())


def native_column(column: Arrow, name: str) -> Arrow:
    """Return a Parquet column as text (coded or not) or a plain type: bytes, structs, float ids."""
    kind = column.type
    if kind == CODED:
        return column
    if pa.types.is_dictionary(kind):
        return native_column(column.cast(kind.value_type), name)
    if pa.types.is_nested(kind):
        texts = [value_text(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return column.cast(pa.string())
    if is_id(name) and pa.types.is_floating(kind):
        return _float_ids(column)
    return column


def _float_ids(column: Arrow) -> Arrow:
    """Whole numbers below 1e15 are exact; anything else shows its exponent and is refused later."""
    whole = pc.and_(pc.less(pc.abs(column), _EXACT), pc.equal(column, pc.floor(column)))
    exact = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string())
    return pc.if_else(whole, exact, column.cast(pa.string()))
