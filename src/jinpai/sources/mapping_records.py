"""Turn any file into the records a mapping works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jinpai.errors import UnreadableFile
from jinpai.sources.base import Reject
from jinpai.sources.files import Grid, SourceFile, find_header, normalise_header, parse_json
from jinpai.sources.grids import delimited_rows
from jinpai.sources.mapping_values import Record

__all__ = ["header_of", "roots", "walk"]

_HEAD = 20
_BATCH = 20_000


def header_of(file: SourceFile, sheet: str | None, wanted: Sequence[str]) -> list[str] | None:
    """Return the column names of a table-like file, its first filled row if none of ``wanted``
    is found; None for JSON and XML."""
    if file.kind in ("json", "jsonl", "xml"):
        return None
    if file.kind == "parquet":
        return list(pq.read_schema(file.path).names)
    for grid in _sheets(file, sheet, _HEAD):
        found = _header(grid, wanted)
        if found is not None:
            return found[1]
    rows = (row for grid in _sheets(file, sheet, _HEAD) for row in grid.rows)
    filled = next((row for row in rows if any(row)), ())
    return [normalise_header(cell) for cell in filled]


def _sheets(file: SourceFile, sheet: str | None, head: int | None) -> list[Grid]:
    return [grid for grid in file.grids(head) if sheet in (None, grid.sheet)]


def _header(grid: Grid, wanted: Sequence[str]) -> tuple[int, list[str]] | None:
    found = find_header(grid, wanted, least=min(2, len(set(wanted))), within=_HEAD)
    return (found.row, found.names) if found else None


def roots(file: SourceFile, sheet: str | None, wanted: Sequence[str]) -> Iterator[Record | Reject]:
    """Yield the file's records: rows, lines, or the elements of a JSON array (or the object).

    Raises:
        UnreadableFile: damaged, or without the header.
    """
    if file.kind == "jsonl":
        yield from _json_lines(file)
    elif file.kind == "json":
        data = file.json()
        listed = data if isinstance(data, list) else [data]
        first = 1 if isinstance(data, list) else 0  # row 0: the rows are counted further down
        for row, item in enumerate(listed, first):
            yield _record(file, row, item, repr(item))
    elif file.kind == "parquet":
        yield from _parquet(file)
    elif file.kind == "text":
        yield from _delimited(file, wanted)
    else:
        for grid in _sheets(file, sheet, None):
            yield from _grid(grid, wanted)


def _record(file: SourceFile, row: int, item: object, raw: str) -> Record | Reject:
    if isinstance(item, dict):
        return Record(item, row)
    return Reject(None, file.name, row, None, "unreadable_row", raw)


def _json_lines(file: SourceFile) -> Iterator[Record | Reject]:
    for number, line in file.lines():
        if line and not line.isspace():
            try:
                item = parse_json(line, file.name, number)
            except UnreadableFile:
                item = None
            yield _record(file, number, item, line)


def _parquet(file: SourceFile) -> Iterator[Record]:
    row = 0
    try:
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(batch_size=_BATCH):
                for item in batch.to_pylist():
                    row += 1
                    yield Record(item, row)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFile(
            f"the Parquet file is damaged ({error}).", file=file.name, zh="Parquet 文件已损坏。"
        ) from error


def _delimited(file: SourceFile, wanted: Sequence[str]) -> Iterator[Record | Reject]:
    header = next((found for grid in file.grids(_HEAD) if (found := _header(grid, wanted))), None)
    if header is None:
        raise UnreadableFile("there is no header row.", file=file.name, zh="没有表头行。")
    at, names = header
    delimiter, places = file.delimiter(), _places(names)
    with file.open_text() as text:
        for row, cells in enumerate(delimited_rows(text, delimiter, file.name), 1):
            if row <= at + 1 or not any(cells):
                continue
            if len(cells) < len(names) or any(cells[len(names) :]):
                raw = delimiter.join(cells)
                yield Reject(None, file.name, row, None, "unreadable_row", raw)
            else:
                yield Record({name: cells[place] for name, place in places.items()}, row)


def _grid(grid: Grid, wanted: Sequence[str]) -> Iterator[Record]:
    header = _header(grid, wanted)
    if header is None:
        return
    at, names = header
    places = _places(names)
    for offset, cells in enumerate(grid.rows[at + 1 :], at + 1):
        if any(cell is not None for cell in cells):
            wide = len(cells)
            data = {name: cells[at] if at < wide else None for name, at in places.items()}
            yield Record(data, grid.first_row + offset)


def _places(names: Sequence[str]) -> dict[str, int]:
    """Of columns with the same name the first one counts."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(name, place)
    return places


def walk(record: Record, path: str) -> Iterator[Record]:
    """Yield the records at the end of a dotted path; every list on the way is gone through."""
    data: Any = record.data
    parts = path.split(".") if path else []
    for at, part in enumerate(parts):
        data = data.get(part) if isinstance(data, dict) else None
        if isinstance(data, list):
            rest = ".".join(parts[at + 1 :])
            for index, item in enumerate(data, 1):
                if isinstance(item, dict):
                    yield from walk(Record(item, record.row or index, index, record), rest)
            return
    if not parts:
        yield record
    elif isinstance(data, dict):
        yield Record(data, record.row, 1, record)
