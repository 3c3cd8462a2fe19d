"""Turn a reader's columns into the canonical types, vectorised, with a reason for each bad row.

Everything here builds SQL for DuckDB; `stage` runs it. A chunk of rows is the relation `chunk` with
columns ``c_<name>`` (as the reader gave them), ``_n`` (place in the chunk) and ``_row``. The result
has every canonical column of the table typed, ``_bad`` (``column<TAB>reason`` of the first check a
row fails, else NULL) and ``_fix`` (an end was set equal to its start, within clock_skew).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from zoneinfo import available_timezones

import pyarrow as pa

from jinpai.tables.schema import Column, Table
from jinpai.tables.zones import ident, quoted

__all__ = [
    "DEFAULTS",
    "LOST",
    "TAB",
    "TYPES",
    "checks",
    "columns_of",
    "conformed",
    "first_fault",
    "fixed",
    "hashed",
    "is_text",
    "moved",
]

TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "time": "TIMESTAMP",
    "date": "DATE",
    "money": "DECIMAL(18,2)",
    "int": "BIGINT",
    "bool": "BOOLEAN",
    "enum": "VARCHAR",
    "json": "VARCHAR",
}
DEFAULTS = {("messages", "is_auto"): "false", ("messages", "kind"): "'text'"}
ToUtc = Callable[[str], str]
TAB = "\t"
Test = tuple[str, str, str]  # SQL, column, reason

_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288)"
_DAY = r"\d{4}([-/])\d{1,2}[-/]\d{1,2}"
_CLOCK = r"([01]?\d|2[0-3]):\d{2}(:\d{2}([.]\d{1,9})?)?"
_MARK = r"(Z|z|UTC|[+-](0\d|1[0-5])(:?[0-5]\d)?)"
_AMOUNT = r"([¥￥] ?)?[+-]?(\d{1,3}(,\d{3})+|\d{1,16})([.]\d{0,2}0*)?( ?元)?"
# A spreadsheet writes 4.70E+18, a float 4.7e18. Hex ids such as 12e4 have neither point nor plus.
LOST = r"[+-]?\d+([.]\d+)?[eE][+]\d+|[+-]?\d+[.]\d+[eE]\d+"
_LOOSE = r"\d{4}\D\d{1,2}\D\d{1,2}\D+\d{1,2}:\d{2}.*"
_YES, _NO = "('true','1','yes','t','y','是')", "('false','0','no','f','n','否')"


def columns_of(table: Table) -> tuple[str, ...]:
    """Return shop_id and the table's own columns, in schema order."""
    return ("shop_id", *(column.name for column in table.columns))


def hashed(table: Table, alias: str = "") -> str:
    """Return SQL of the 64-bit hash of the row's key: equal keys have equal hashes."""
    return f"hash({', '.join(f'{alias}{name}' for name in ('shop_id', *table.key))})"


def conformed(
    table: Table,
    given: Mapping[str, pa.DataType],
    to_utc: ToUtc,
    *,
    shop_id: str,
    patch: bool,
    clock_skew: int,
    plain: Collection[str] = (),
    tidy: Collection[str] = (),
) -> str:
    """Return the SELECT that conforms ``chunk``: _n, canonical columns, _bad, _fix.

    Args:
        given: the canonical columns the chunk carries and their Arrow types.
        to_utc: makes SQL for UTC from SQL for a local time; the rows' shop is ``shop_id``.
        shop_id: shop of rows that name none.
        patch: columns that are not given are not judged.
        clock_skew: seconds an end may lie before its start.
        plain: text columns without an empty value and without blanks around one.
        tidy: text columns without blanks around a value.
    """
    # Four layers, so that nothing is worked out twice: r_ cleaned, l_ local times, typed, judged.
    clean, local, typed = ["_n", "_row", _shop(given, shop_id, "shop_id" in plain)], ["*"], ["*"]
    tests: list[Test] = []
    for column in table.columns:
        name, kind = column.name, given.get(column.name)
        if kind is None:
            typed.append(f"{_absent(table, column, patch)} AS {name}")
            continue
        clean.append(f"{_clean(column, kind, name in plain, name in tidy)} AS r_{name}")
        if column.kind == "time":
            local.append(f"{_local(f'r_{name}', kind)} AS l_{name}")
        value, faults = _typed(column, kind, to_utc)
        default = DEFAULTS.get((table.name, name))
        if default:  # an unreadable value stays NULL and is refused
            value = f"CASE WHEN r_{name} IS NULL THEN {default} ELSE {value} END"
        typed.append(f"{value} AS {name}")
        tests += [(test, name, why) for why, test in faults]
        if (table.name, name) == ("shops", "timezone"):
            tests.append((f"{name} NOT IN ({_zone_names()})", name, "unknown_value"))
    carried = {*given, *table.key} if patch else set(columns_of(table))
    layers = f"SELECT {', '.join(clean)} FROM chunk"
    for layer in (local, typed):
        layers = f"SELECT {', '.join(layer)} FROM ({layers})"
    tests += checks(table, carried, clock_skew, skip=("message_id",))
    outer = ", ".join(fixed(table, carried))
    return (
        f"SELECT _n, _row, {outer}, {first_fault(tests)} AS _bad, {moved(table, carried)} AS _fix"
        f" FROM ({layers})"
    )


def checks(
    table: Table, carried: Collection[str], clock_skew: int, skip: Collection[str] = ()
) -> list[Test]:
    """Return the rules a typed row must not break, as (SQL test, column, reason).

    Only rules whose columns are all in ``carried`` are judged.
    """
    tests = []
    for column in table.columns:
        if column.required and column.name in carried and column.name not in skip:
            why = "missing_key" if column.name in table.key else "missing_required"
            tests.append((f"{ident(column.name)} IS NULL", column.name, why))
    if {"paid_at", "paid_amount"} <= set(carried) & set(columns_of(table)):
        tests += [
            ("paid_at IS NOT NULL AND paid_amount IS NULL", "paid_amount", "paid_without_amount"),
            ("paid_at IS NULL AND paid_amount > 0", "paid_at", "amount_without_paid"),
        ]
    for start, end in table.spans:
        if {start, end} <= set(carried):
            skew = f"epoch_us({start}) - epoch_us({end}) > {clock_skew * 1_000_000}"
            tests.append((skew, end, "end_before_start"))
    return tests


def first_fault(tests: list[Test]) -> str:
    """Return SQL of the first broken rule as ``column<TAB>reason``, NULL when none is."""
    whens = " ".join(f"WHEN {test} THEN {quoted(name + TAB + why)}" for test, name, why in tests)
    return f"CASE {whens} END" if whens else "NULL::VARCHAR"


def fixed(table: Table, carried: Collection[str]) -> list[str]:
    """Return the select list of the canonical columns, ends no earlier than their starts."""
    ends = {end: start for start, end in table.spans if {start, end} <= set(carried)}
    return [
        f"CASE WHEN {name} < {ends[name]} THEN {ends[name]} ELSE {name} END AS {name}"
        if name in ends
        else ident(name)
        for name in columns_of(table)
    ]


def moved(table: Table, carried: Collection[str]) -> str:
    """Return SQL that is true where `fixed` moves an end."""
    spans = [(start, end) for start, end in table.spans if {start, end} <= set(carried)]
    return " OR ".join(f"coalesce({end} < {start}, false)" for start, end in spans) or "false"


def _shop(given: Mapping[str, pa.DataType], shop_id: str, plain: bool) -> str:
    if "shop_id" not in given:
        return f"{quoted(shop_id)} AS shop_id"
    if plain:
        return f"coalesce(c_shop_id, {quoted(shop_id)}) AS shop_id"
    return f"coalesce(nullif(trim(CAST(c_shop_id AS VARCHAR)), ''), {quoted(shop_id)}) AS shop_id"


def _absent(table: Table, column: Column, patch: bool) -> str:
    default = None if patch else DEFAULTS.get((table.name, column.name))
    return f"CAST({default or 'NULL'} AS {TYPES[column.kind]})"


@cache
def _zone_names() -> str:
    return ", ".join(map(quoted, sorted(available_timezones())))


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds text."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _clean(column: Column, kind: pa.DataType, plain: bool, tidy: bool) -> str:
    name = f"c_{column.name}"
    if plain or not is_text(kind):
        return name
    return f"nullif({name if tidy or column.kind == 'text' else f'trim({name}, {_BLANKS})'}, '')"


Faults = list[tuple[str, str]]


def _typed(column: Column, kind: pa.DataType, to_utc: ToUtc) -> tuple[str, Faults]:
    """Return SQL of the typed value (from ``r_`` and ``l_``) and the faults it may show.

    A fault is (reason, SQL test on ``r_<name>`` and on the typed ``<name>``).
    """
    name = column.name
    if pa.types.is_null(kind):
        return f"CAST(NULL AS {TYPES[column.kind]})", []
    lost = f"r_{name} IS NOT NULL AND {ident(name)} IS NULL"
    if column.kind == "id":
        return _id(name, kind, lost)
    if column.kind == "text":
        return f"CAST(r_{name} AS VARCHAR)", []
    if column.kind == "time":
        return _time(name, kind, to_utc), _time_faults(name, kind, lost)
    if column.kind == "date":
        return _date(name, kind), _date_faults(name, kind, lost)
    if column.kind == "json":
        return _json(name, kind), [("unreadable_json", lost)]
    if column.kind == "enum":
        text = f"lower(CAST(r_{name} AS VARCHAR))"
        known = ", ".join(map(quoted, column.values))
        return f"CASE WHEN {text} IN ({known}) THEN {text} END", [("unknown_value", lost)]
    if column.kind == "bool":
        return _bool(name, kind), [("unknown_value", lost)]
    value = _money(name, kind) if column.kind == "money" else _int(name, kind)
    return value, [("unreadable_number", lost), *_bounds(column)]


def _bounds(column: Column) -> Faults:
    found = []
    if column.low is not None:
        why = "negative" if column.low == 0 else "unknown_value"
        found.append((why, f"{column.name} < {column.low}"))
    if column.high is not None:
        found.append(("unknown_value", f"{column.name} > {column.high}"))
    return found


def _id(name: str, kind: pa.DataType, lost: str) -> tuple[str, Faults]:
    if pa.types.is_floating(kind):  # a float holds 15 digits
        whole = f"r_{name} = floor(r_{name}) AND abs(r_{name}) < 1e15"
        value = f"CASE WHEN {whole} THEN CAST(CAST(r_{name} AS BIGINT) AS VARCHAR) END"
        return value, [("lost_digits", lost)]
    if not is_text(kind):
        return f"CAST(r_{name} AS VARCHAR)", []
    digits = f"r_{name} < ':' AND (contains(r_{name}, 'e') OR contains(r_{name}, 'E'))"
    return f"r_{name}", [("lost_digits", f"{digits} AND regexp_full_match(r_{name}, '{LOST}')")]


def _local(value: str, kind: pa.DataType) -> str:
    """Return SQL of the local time of a value written without a zone, else NULL."""
    if pa.types.is_timestamp(kind) and not kind.tz:
        return f"CAST({value} AS TIMESTAMP)"
    if is_text(kind):
        shape = f"regexp_full_match({value}, '{_DAY}[ T]{_CLOCK}')"
        local = f"CASE WHEN {shape} THEN try_cast({value} AS TIMESTAMP) END"
        return f"CASE WHEN NOT suffix({value}, 'Z') THEN {local} END"  # spares most the regex
    return "CAST(NULL AS TIMESTAMP)"


def _time(name: str, kind: pa.DataType, to_utc: ToUtc) -> str:
    if pa.types.is_timestamp(kind):
        return f"CAST(r_{name} AS TIMESTAMP)" if kind.tz else to_utc(f"l_{name}")
    if not is_text(kind):
        return "CAST(NULL AS TIMESTAMP)"
    text = f"r_{name}"
    mark = f"regexp_extract({text}, '{_CLOCK} ?{_MARK}$', 4)"
    bare = f"try_cast(rtrim(left({text}, length({text}) - length({mark}))) AS TIMESTAMP)"
    digits = f"replace({mark}, ':', '')"
    minutes = (
        f"(try_cast(substr({digits}, 2, 2) AS BIGINT) * 60"
        f" + try_cast(coalesce(nullif(substr({digits}, 4, 2), ''), '0') AS BIGINT))"
    )
    sign = f"CASE WHEN {mark}[1] = '-' THEN 60000000 ELSE -60000000 END"
    return (
        f"CASE WHEN l_{name} IS NOT NULL THEN {to_utc(f'l_{name}')}"
        f" WHEN regexp_full_match({text}, '{_DAY}[ T]{_CLOCK} ?(Z|z|UTC)')"
        f" THEN try_cast(CASE WHEN suffix({text}, 'Z') THEN left({text}, length({text}) - 1)"
        f" ELSE rtrim({text}, ' zUTC') END AS TIMESTAMP)"
        f" WHEN regexp_full_match({text}, '{_DAY}[ T]{_CLOCK} ?{_MARK}')"
        f" THEN make_timestamp(epoch_us({bare}) + {minutes} * {sign}) END"
    )


def _time_faults(name: str, kind: pa.DataType, lost: str) -> Faults:
    outside = f"{ident(name)} < TIMESTAMP '1970-01-01' OR {ident(name)} >= TIMESTAMP '2101-01-01'"
    if pa.types.is_timestamp(kind):
        return [("impossible_time", lost), ("impossible_time", outside)]
    loose = rf"regexp_full_match(CAST(r_{name} AS VARCHAR), '{_LOOSE}')"
    return [
        ("impossible_time", f"{lost} AND {loose}"),
        ("unreadable_time", lost),
        ("impossible_time", outside),
    ]


def _date(name: str, kind: pa.DataType) -> str:
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and not kind.tz):
        return f"CAST(r_{name} AS DATE)"
    if not is_text(kind):
        return "CAST(NULL AS DATE)"
    shape = f"regexp_full_match(r_{name}, '{_DAY}([ T]{_CLOCK})?')"
    day = f"try_cast(regexp_extract(r_{name}, '^[0-9/-]+') AS DATE)"
    return f"CASE WHEN {shape} THEN {day} END"


def _date_faults(name: str, kind: pa.DataType, lost: str) -> Faults:
    # A birthday may lie before 1970.
    outside = f"{name} < DATE '1900-01-01' OR {name} >= DATE '2101-01-01'"
    shape = f"regexp_full_match(CAST(r_{name} AS VARCHAR), '{_DAY}.*')"
    return [
        ("impossible_time", f"{lost} AND {shape}"),
        ("unreadable_time", lost),
        ("impossible_time", outside),
    ]


def _money(name: str, kind: pa.DataType) -> str:
    value = f"r_{name}"
    cents = f"try_cast({value} AS DECIMAL(18,2))"
    if pa.types.is_integer(kind):
        return cents
    if pa.types.is_decimal(kind):
        return f"CASE WHEN {cents} = {value} THEN {cents} END"
    text = f"CAST({value} AS VARCHAR)"  # a float's shortest text is what was meant
    bare = f"regexp_replace({text}, '[¥￥元, ]', '', 'g')"
    shape = f"regexp_full_match({text}, '{_AMOUNT}')"
    return f"CASE WHEN {shape} THEN try_cast({bare} AS DECIMAL(18,2)) END"


def _int(name: str, kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return f"try_cast(r_{name} AS BIGINT)"
    text = f"CAST(r_{name} AS VARCHAR)"
    shape = f"regexp_full_match({text}, '[+-]?[0-9]{{1,18}}([.]0*)?')"
    whole = f"regexp_extract({text}, '^[+-]?[0-9]+')"
    return f"CASE WHEN {shape} THEN try_cast({whole} AS BIGINT) END"


def _bool(name: str, kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return f"r_{name}"
    text = f"lower(CAST(r_{name} AS VARCHAR))"
    return f"CASE WHEN {text} IN {_YES} THEN true WHEN {text} IN {_NO} THEN false END"


def _json(name: str, kind: pa.DataType) -> str:
    if not is_text(kind):
        return f"CAST(to_json(r_{name}) AS VARCHAR)"
    kind_of = f"json_type(try_cast(r_{name} AS JSON))"
    return f"CASE WHEN json_valid(r_{name}) AND {kind_of} = 'OBJECT' THEN r_{name} END"
