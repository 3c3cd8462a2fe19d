"""The canonical format: one file (or sheet) for each table, columns named as in the definitions.

CSV, TSV, JSONL, JSON, Parquet and workbooks. The file or sheet name says which table it is
(``messages.csv``, ``messages-2026-03.csv.gz``, ``orders_1.parquet``); one with another name is
taken when its header fits one table only. Rows replace known rows whole (``patch=False``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.errors import UnreadableFile, nearest
from jinpai.sources.ahead import ahead
from jinpai.sources.base import Batch, Context, Note, Recognition, Reject
from jinpai.sources.canonical_tables import COLUMNS, REQUIRED, table_of_name
from jinpai.sources.columns import clean_text_table, native_column, row_range, text_table
from jinpai.sources.delimited import HeaderRow, read_header, stream_delimited
from jinpai.sources.files import Grid, Header, SourceFile, find_header, normalise_header, parse_json

__all__ = ["SOURCE", "Canonical"]

_ROWS = 1 << 20  # rows handed on together
_BIG = 250_000  # rows of a Parquet file whose columns are looked at for repeated values
_CODED_BYTES = 6  # of a value and its place in the dictionary, on average
_RECORDS = 50_000  # records of a JSON batch
_TRACE = frozenset({"source_file", "source_row"})
_EVERY = tuple(sorted({name for names in COLUMNS.values() for name in names}))
Record = Mapping[str, Any]
Row = Batch | Reject | Note


class Canonical:
    """Reader of the canonical format."""

    name = "canonical"
    title_zh = "标准表"
    title_en = "Canonical tables"

    def recognise(self, file: SourceFile) -> Recognition | None:
        """Claim a file whose name and columns, or columns alone, fit a canonical table."""
        found = [(table, fit) for table, fit in map(_table_of, _heads(file)) if table]
        if not found:
            return None
        tables = ", ".join(dict.fromkeys(table for table, _ in found if table))
        fit = max(fit for _, fit in found)
        zh = f"标准表 {tables}（{file.kind}）"
        return Recognition(fit, f"Canonical {tables} ({file.kind})", what_zh=zh)

    def read(self, files: Sequence[SourceFile], context: Context) -> Iterator[Row]:
        """Yield the rows of every file.

        Raises:
            UnreadableFile: a required column is missing, or the file is damaged.
        """
        for file in files:
            yield from _read(file)


SOURCE = Canonical()


# -- which table ---------------------------------------------------------------------------------


def _heads(file: SourceFile) -> list[tuple[str, list[str]]]:
    """Return (name, column names) of each table-like part of the file."""
    if file.kind == "parquet":
        return [(file.stem, list(pq.read_schema(file.path).names))]
    if file.kind == "text":
        header = read_header(file)
        return [(file.stem, list(header.names))] if header else []
    if file.kind in ("xlsx", "xls"):
        return [
            (_part_name(file, grid), list(found.names))
            for grid in file.grids(20)
            if (found := _header(grid)) is not None
        ]
    if file.kind == "jsonl":
        return [(file.stem, list(_first_record(file)))]
    if file.kind == "json":
        return [(name, list(rows[0])) for name, rows in _json_parts(file) if rows]
    return []


def _header(grid: Grid) -> Header | None:
    """Return the first row with two known columns, else the first filled row."""
    found = find_header(grid, _EVERY)
    if found is None:
        filled = (at for at, row in enumerate(grid.rows) if any(row))
        at = next(filled, None)
        found = (
            Header(at, [normalise_header(cell) for cell in grid.rows[at]])
            if at is not None
            else None
        )
    return found


def _first_record(file: SourceFile) -> Record:
    for _, line in file.lines():
        if line and not line.isspace():
            record = parse_json(line, file.name, 1)
            return record if isinstance(record, dict) else {}
    return {}


def _part_name(file: SourceFile, grid: Grid) -> str:
    """A sheet is called by its own name when that is a table, else by the file's."""
    return grid.sheet if table_of_name(grid.sheet) else file.stem


def _json_parts(file: SourceFile) -> list[tuple[str, list[Record]]]:
    """Return (name, records) of a JSON array, of {table: [records]}, or of one record."""
    data = file.json()
    if isinstance(data, list):
        return [(file.stem, data)] if data and all(isinstance(row, dict) for row in data) else []
    if not isinstance(data, dict):
        return []
    parts: list[tuple[str, list[Record]]] = [
        (name, rows) for name, rows in data.items() if name in COLUMNS and _is_rows(rows)
    ]
    return parts or [(file.stem, [data])]


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _table_of(head: tuple[str, list[str]]) -> tuple[str | None, float]:
    """Return (table, confidence) for a name and its columns; (None, 0) when nothing fits."""
    name, columns = head[0], {normalise_header(column).lower() for column in head[1]}
    named = table_of_name(name)
    if named and _fits(named, columns):
        return named, 0.95
    fitting = sorted(
        ((_known(table, columns), table) for table in COLUMNS if _fits(table, columns, 2)),
        reverse=True,
    )
    unique = len(fitting) == 1 or (len(fitting) > 1 and fitting[0][0] > fitting[1][0])
    if unique and fitting[0][0] * 2 >= len(columns - _TRACE):
        return fitting[0][1], 0.8
    if named and _known(named, columns) * 2 >= max(len(columns - _TRACE), 4):
        return named, 0.6  # a column is missing or misspelt; reading will say which
    return None, 0.0


def _known(table: str, columns: set[str]) -> int:
    return len(columns.intersection(COLUMNS[table]) - {"shop_id"})


def _fits(table: str, columns: set[str], least: int = 1) -> bool:
    return columns.issuperset(REQUIRED[table]) and _known(table, columns) >= least


# -- reading -------------------------------------------------------------------------------------


def _read(file: SourceFile) -> Iterator[Row]:
    if file.kind == "parquet":
        yield from _parquet(file)
    elif file.kind == "text":
        yield from _delimited(file)
    elif file.kind == "jsonl":
        yield from _json_lines(file)
    elif file.kind == "json":
        for name, rows in _json_parts(file):
            table = _named(file, (name, list(rows[0]) if rows else []))
            yield from _records(file, table, iter(enumerate(rows, 1)))
    else:
        for grid in file.grids():
            yield from _sheet(file, grid)


def _named(file: SourceFile, head: tuple[str, list[str]]) -> str:
    table, _ = _table_of(head)
    table = table or table_of_name(head[0])
    if table is None:
        raise UnreadableFile(
            "it is not clear which table this is.",
            file=file.name,
            hint=f"Name the file after its table: {', '.join(COLUMNS)}.",
            zh=f"看不出这是哪张表。请以表名命名文件：{'、'.join(COLUMNS)}。",
        )
    return table


def _columns(
    file: SourceFile, table: str, names: Sequence[str]
) -> tuple[dict[str, int], list[Note]]:
    """Return canonical column -> place, and notes on the columns that are not used.

    Raises:
        UnreadableFile: a required column is missing.
    """
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(normalise_header(name).lower(), place)
    spare = [name for name in places if name and name not in (*COLUMNS[table], *_TRACE)]
    for wanted in REQUIRED[table]:
        if wanted not in places:
            raise _missing(file, table, wanted, spare)
    used = {name: places[name] for name in COLUMNS[table] if name in places}
    free = [name for name in COLUMNS[table] if name not in used]
    return used, [_unused(file, table, name, free) for name in spare]


def _missing(file: SourceFile, table: str, wanted: str, spare: Sequence[str]) -> UnreadableFile:
    near = nearest(wanted, spare)
    hint = f"Is '{near}' meant? Rename it to '{wanted}'." if near else f"Add '{wanted}'."
    cure = f"是不是“{near}”？请改名为“{wanted}”。" if near else f"请补上“{wanted}”。"
    return UnreadableFile(
        f"the table '{table}' needs the column '{wanted}'.",
        file=file.name,
        column=wanted,
        hint=hint,
        zh=f"表 {table} 缺少必需的列“{wanted}”。{cure}",
    )


def _unused(file: SourceFile, table: str, name: str, free: Sequence[str]) -> Note:
    near = nearest(name, free)
    return Note(
        file.name,
        f"column '{name}' is not part of '{table}', not used"
        + (f"; is '{near}' meant?" if near else ""),
        f"列“{name}”不属于表 {table}，未使用" + (f"；是否应为“{near}”？" if near else ""),
    )


def _parquet(file: SourceFile) -> Iterator[Row]:
    with _undamaged(file):
        coded = _coded_columns(file)
        with pq.ParquetFile(file.path, read_dictionary=coded, pre_buffer=False) as parquet:
            names = parquet.schema_arrow.names
            table = _named(file, (file.stem, names))
            places, notes = _columns(file, table, names)
            yield from notes
            wanted = [names[place] for place in places.values()]
            batches = parquet.iter_batches(batch_size=_ROWS, columns=wanted)
            for rows in ahead(_held(_native_tables(batches, places, names))):
                yield Batch(table, rows, file.name)


def _coded_columns(file: SourceFile) -> list[str]:
    """Return the text columns of a big file that hold few different values each."""
    metadata = pq.read_metadata(file.path)
    if metadata.num_rows < _BIG:
        return []
    group = metadata.row_group(0)
    chunks = [group.column(at) for at in range(group.num_columns)]
    texts = {field.name for field in metadata.schema.to_arrow_schema() if field.type == pa.string()}
    return [
        chunk.path_in_schema
        for chunk in chunks
        if chunk.path_in_schema in texts
        and chunk.has_dictionary_page
        and chunk.total_uncompressed_size <= _CODED_BYTES * chunk.num_values
    ]


def _native_tables(
    batches: Iterator[pa.RecordBatch], places: Mapping[str, int], names: Sequence[str]
) -> Iterator[pa.Table]:
    row = 1
    for batch in batches:
        arrays = {name: native_column(batch[names[place]], name) for name, place in places.items()}
        arrays["source_row"] = row_range(row, batch.num_rows)
        row += batch.num_rows
        yield pa.table(list(arrays.values()), names=list(arrays))


def _held(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables put together to about ``_ROWS`` rows, cleaned."""
    held: list[pa.Table] = []
    for part in parts:
        held.append(part)
        if sum(rows.num_rows for rows in held) >= _ROWS:
            yield clean_text_table(pa.concat_tables(held))
            held = []
    if any(rows.num_rows for rows in held):
        yield clean_text_table(pa.concat_tables(held))


@contextmanager
def _undamaged(file: SourceFile) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile(
            f"the Parquet file is damaged ({error}).",
            file=file.name,
            hint="Export it again.",
            zh="Parquet 文件已损坏。请重新导出。",
        ) from error


def _delimited(file: SourceFile) -> Iterator[Row]:
    header = read_header(file)
    if header is None:
        raise UnreadableFile("there is no header row.", file=file.name, zh="没有表头行。")
    table = _named(file, (file.stem, list(header.names)))
    places, notes = _columns(file, table, header.names)
    yield from notes
    yield from ahead(_delimited_rows(file, header, places, table))


def _delimited_rows(
    file: SourceFile, header: HeaderRow, places: Mapping[str, int], table: str
) -> Iterator[Batch | Reject]:
    refused: list[Reject] = []

    def good() -> Iterator[pa.Table]:
        for item in stream_delimited(file, header, places, table):
            if isinstance(item, Reject):
                refused.append(item)
            else:
                yield item

    for rows in _held(good()):
        yield from refused
        refused.clear()
        yield Batch(table, rows, file.name)
    yield from refused


def _json_lines(file: SourceFile) -> Iterator[Row]:
    table = _named(file, (file.stem, list(_first_record(file))))
    bad: list[Reject] = []

    def good() -> Iterator[tuple[int, Record]]:
        for number, line in file.lines():
            if line and not line.isspace():
                record = _record(line)
                if record is None:
                    bad.append(Reject(table, file.name, number, None, "unreadable_row", line))
                else:
                    yield number, record

    yield from _records(file, table, good())
    yield from bad


def _record(line: str) -> Record | None:
    try:
        value = parse_json(line, "")
    except UnreadableFile:
        return None
    return value if isinstance(value, dict) else None


def _records(
    file: SourceFile, table: str, rows: Iterator[tuple[int, Record]]
) -> Iterator[Batch | Note]:
    """Yield batches of JSON records, each with the columns seen so far."""
    used: dict[str, int] | None = None
    noted: set[str] = set()
    while part := list(itertools.islice(rows, _RECORDS)):
        names = list(dict.fromkeys(itertools.chain.from_iterable(row for _, row in part)))
        seen, notes = _columns(file, table, names if used is None else [*names, *used])
        used = {**(used or {}), **seen}
        yield from (note for note in notes if note.text_en not in noted)
        noted.update(note.text_en for note in notes)
        yield Batch(table, _record_table(list(used), names, part), file.name)


def _record_table(
    used: Sequence[str], names: Sequence[str], part: Sequence[tuple[int, Record]]
) -> pa.Table:
    spelt = {normalise_header(name).lower(): name for name in reversed(names)}
    rows: Iterable[Record] = (
        {name: row.get(spelt.get(name, name)) for name in used} for _, row in part
    )
    return clean_text_table(text_table(used, rows, [number for number, _ in part]))


def _sheet(file: SourceFile, grid: Grid) -> Iterator[Row]:
    header = _header(grid)
    name = _part_name(file, grid)
    table = _table_of((name, header.names))[0] if header else None
    if header is None or table is None:
        if any(any(row) for row in grid.rows):
            yield Note(
                file.name,
                f"sheet '{grid.sheet}' is no canonical table, not read",
                f"工作表“{grid.sheet}”不是标准表，未读取",
            )
        return
    places, notes = _columns(file, table, header.names)
    yield from notes
    start = header.row + 1
    rows = [(grid.first_row + at, row) for at, row in enumerate(grid.rows[start:], start)]
    filled = [(number, row) for number, row in rows if any(cell is not None for cell in row)]
    records = (
        {name: row[at] if at < len(row) else None for name, at in places.items()}
        for _, row in filled
    )
    numbers = [number for number, _ in filled]
    if numbers:
        table_rows = clean_text_table(text_table(list(places), records, numbers))
        yield Batch(table, table_rows, file.name)
