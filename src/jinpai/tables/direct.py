"""Big chunks whose values may be taken as they are: typed column by column in Arrow.

`conform` judges every row and says what is wrong with it. Most big files have nothing wrong, and
to prove that takes a fraction of the work: ids, enums and the like hold few different values, of
which each is looked at once. Whatever is not proven here goes to `conform`, so that there is one
place where rows are cleaned, refused and corrected; nothing here changes a value's meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from jinpai.sources.blanks import content_of, is_plain
from jinpai.tables.conform import DEFAULTS, LOST, columns_of
from jinpai.tables.schema import Column, Table

__all__ = ["taken"]

pc: Any = pyarrow.compute
Values = Any  # an Arrow chunked array: the stubs lag behind the library
_US = pa.timestamp("us")
_DECIMAL = pa.decimal128(18, 2)
_ZULU = len("2026-03-02T01:05:02Z")
_DIGITS = 16  # characters of a number that is surely in range
_TIMES = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 12, 31, tzinfo=UTC)
_DATES = date(1900, 1, 1), date(2100, 12, 31)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def taken(table: Table, rows: pa.Table, shop_id: str) -> pa.Table | None:
    """Return a chunk's rows (columns of the table, typed as in the lake), None when not proven.

    Times are UTC without a zone; text may be dictionaries. The rows keep their order.

    Args:
        shop_id: shop of rows that name none.
    """
    if table.name == "shops":  # names of zones are judged by `conform` alone
        return None
    made: dict[str, Values] = {"shop_id": _shop(rows, shop_id)}
    for column in table.columns:
        made[column.name] = _column(table, column, rows)
        if made[column.name] is None:
            return None
    if made["shop_id"] is None or not _whole(table, made):
        return None
    return pa.table(list(made.values()), names=list(columns_of(table)))


def _whole(table: Table, made: dict[str, Values]) -> bool:
    """Whether every row has what it must have and its columns agree."""
    must = {*table.key, *(column.name for column in table.columns if column.required)}
    if any(made[name].null_count for name in must):
        return False
    if "paid_at" in made:
        amount = made["paid_amount"]
        free = pc.equal(pc.fill_null(amount, Decimal("0.00")), Decimal("0.00"))
        if not pc.all(pc.if_else(pc.is_valid(made["paid_at"]), pc.is_valid(amount), free)).as_py():
            return False
    return not any(pc.any(pc.less(made[end], made[start])).as_py() for start, end in table.spans)


def _shop(rows: pa.Table, shop_id: str) -> Values | None:
    if "shop_id" not in rows.column_names:
        return _constant(shop_id, rows.num_rows)
    shops = _text(_given(rows, "shop_id"), trimmed=True)
    return shops if shops is None or not shops.null_count else _filled(shops, shop_id)


def _column(table: Table, column: Column, rows: pa.Table) -> Values | None:
    default = _default(table, column)
    absent = column.name not in rows.column_names
    if absent or rows[column.name].null_count == rows.num_rows:
        if default is not None:
            return _constant(default, rows.num_rows)
        return pa.chunked_array([pa.nulls(rows.num_rows, _TYPES[column.kind])])
    try:
        values = _BY_KIND[column.kind](_given(rows, column.name), column)
    except pa.ArrowInvalid:  # a text that does not say what it should
        return None
    if values is None or default is None or not values.null_count:
        return values
    return _filled(values, default)


def _given(rows: pa.Table, name: str) -> Values:
    """Return a column; a dictionary in one piece."""
    values: Values = rows[name]
    if pa.types.is_dictionary(values.type):
        return pa.chunked_array([values.unify_dictionaries().combine_chunks()])
    return values


def _default(table: Table, column: Column) -> Any:
    sql = DEFAULTS.get((table.name, column.name))
    return False if sql == "false" else sql and sql.strip("'")


def _constant(value: Any, count: int) -> Values:
    if isinstance(value, str):
        places = pa.array(np.zeros(count, np.int32))
        return pa.chunked_array([pa.DictionaryArray.from_arrays(places, pa.array([value]))])
    return pa.chunked_array([pa.array(np.full(count, value))])


def _filled(values: Values, default: Any) -> Values:
    if pa.types.is_dictionary(values.type):
        return pc.fill_null(values.cast(pa.string()), default).dictionary_encode()
    return pc.fill_null(values, default)


# -- by kind -------------------------------------------------------------------------------------


def _text(values: Values, column: Column | None = None, *, trimmed: bool = False) -> Values | None:
    """Return text with empty values as null; None for what needs trimming or is no text."""
    if not _is_text(values.type) or not is_plain(values, blanks=trimmed, empties=False):
        return None
    if is_plain(values, blanks=False):
        return values
    if not pa.types.is_dictionary(values.type):
        return _nulled(values)
    (coded,) = values.chunks
    places = _nulled(coded.indices, pc.index(coded.dictionary, "").as_py())
    return pa.chunked_array([pa.DictionaryArray.from_arrays(places, coded.dictionary)])


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return kind in (pa.string(), pa.large_string())


def _nulled(values: Values, empty: Any = "") -> Values:
    return pc.if_else(pc.equal(values, empty), None, values)


def _id(values: Values, column: Column) -> Values | None:
    found = _text(values, trimmed=True)
    return None if found is None or _may_be_lost(found) else found


def _may_be_lost(values: Values) -> bool:
    """Whether any id looks as if it lost digits; one in scientific notation holds an e."""
    texts = [
        one.dictionary if isinstance(one, pa.DictionaryArray) else one for one in values.chunks
    ]
    for text in texts:
        ends, content = content_of(text)
        inside = content[ends[0] : ends[-1]]
        firsts = content[ends[:-1][ends[1:] > ends[:-1]]]
        numeric = (firsts < ord(":")).any() and ((inside | 32) == ord("e")).any()
        if numeric and pc.any(pc.match_substring_regex(text, f"^({LOST})$")).as_py():
            return True
    return False


def _enum(values: Values, column: Column) -> Values | None:
    found = _text(values)
    if found is None:
        return None
    found = found if pa.types.is_dictionary(found.type) else found.dictionary_encode()
    named = {name for one in found.chunks for name in one.dictionary.to_pylist()}
    return found if named <= {*column.values, ""} else None


def _each(values: Values, parse: Callable[[Values], Values | None]) -> Values | None:
    """Parse texts, of a dictionary each one once; empty ones are null."""
    if not pa.types.is_dictionary(values.type):
        return parse(_nulled(values))
    (coded,) = values.chunks
    parsed = parse(pa.chunked_array([_nulled(coded.dictionary)]))
    return None if parsed is None else parsed.take(coded.indices)


def _time(values: Values, column: Column) -> Values | None:
    found = _each(values, _parsed_times) if _is_text(values.type) else values
    if found is None or not pa.types.is_timestamp(found.type):
        return None
    if not found.type.tz or found.type.unit != "us" or not _within(found, *_TIMES):
        return None
    return found.cast(_US)


def _parsed_times(texts: Values) -> Values | None:
    """Parse texts of the form 2026-03-02T01:05:02Z."""
    for text in texts.chunks:
        ends, content = content_of(text)
        sizes = np.diff(ends)
        if ((sizes != _ZULU) & (sizes != 0)).any() or (
            content[ends[1:][sizes > 0] - 1] != 90
        ).any():
            return None
    return texts.cast(pa.timestamp("us", "UTC"))


def _date(values: Values, column: Column) -> Values | None:
    return values if pa.types.is_date32(values.type) and _within(values, *_DATES) else None


def _within(values: Values, low: Any, high: Any) -> bool:
    ends = pc.min_max(values).as_py()
    if ends["min"] is None:
        return True
    return (low is None or ends["min"] >= low) and (high is None or ends["max"] <= high)


def _int(values: Values, column: Column) -> Values | None:
    found = None
    if _is_text(values.type):
        found = _each(values, lambda texts: _parsed_numbers(texts, pa.int64(), b"0123456789"))
    elif pa.types.is_signed_integer(values.type):
        found = values.cast(pa.int64())
    return found if found is not None and _within(found, column.low, column.high) else None


def _money(values: Values, column: Column) -> Values | None:
    found = None
    if _is_text(values.type):
        found = _each(values, lambda texts: _parsed_numbers(texts, _DECIMAL, b"0123456789."))
    elif pa.types.is_decimal128(values.type) and values.type.scale == 2:
        found = values.cast(_DECIMAL)
    return found if found is not None and _within(found, 0, None) else None


def _parsed_numbers(texts: Values, kind: pa.DataType, alphabet: bytes) -> Values | None:
    """Parse short texts of digits, and perhaps a point after the first."""
    allowed = np.zeros(256, bool)
    allowed[list(alphabet)] = True
    for text in texts.chunks:
        ends, content = content_of(text)
        sizes = np.diff(ends)
        firsts = content[ends[:-1][sizes > 0]]
        if (sizes > _DIGITS).any() or (firsts == ord(".")).any():
            return None
        if not allowed[content[ends[0] : ends[-1]]].all():
            return None
    return texts.cast(kind)


def _bool(values: Values, column: Column) -> Values | None:
    if pa.types.is_boolean(values.type):
        return values
    return _each(values, _parsed_flags) if _is_text(values.type) else None


def _parsed_flags(texts: Values) -> Values | None:
    places = pc.index_in(texts, pa.array(list(_FLAGS)))
    if places.null_count > texts.null_count:
        return None
    return pa.chunked_array([pa.array(list(_FLAGS.values()))]).take(places)


_BY_KIND: dict[str, Callable[[Values, Column], Values | None]] = {
    "id": _id,
    "text": _text,
    "time": _time,
    "date": _date,
    "money": _money,
    "int": _int,
    "bool": _bool,
    "enum": _enum,
    "json": lambda values, column: None,
}
_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("id", "text", "enum", "json"), pa.string()),
    "time": _US,
    "date": pa.date32(),
    "money": _DECIMAL,
    "int": pa.int64(),
    "bool": pa.bool_(),
}
