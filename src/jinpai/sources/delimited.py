"""Delimited text as a stream of Arrow tables of text: millions of rows a second, bounded memory.

Row numbers are those a spreadsheet shows (the first row is 1, a quoted cell with line breaks is one
row). A row with the wrong number of cells becomes a Reject; no row is lost.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Literal

import pyarrow as pa
import pyarrow.csv as pacsv

from jinpai.errors import HostileFile, UnreadableFile
from jinpai.sources.base import Reject
from jinpai.sources.columns import CODED, Arrow, pc, row_range
from jinpai.sources.decode import MAX_CELL
from jinpai.sources.files import SourceFile, normalise_header

__all__ = ["HeaderRow", "read_header", "stream_delimited"]

_BLOCK = 16 << 20  # bytes parsed at a time; a row must fit into one
_BIG = 8 << 20  # bytes of a file whose columns are looked at for repeated values
_LOOK = 200  # rows looked at


@dataclass(frozen=True)
class HeaderRow:
    """The header of a delimited text: normalised names and the row it stands in (1-based)."""

    names: tuple[str, ...]
    row: int
    delimiter: str


def read_header(file: SourceFile) -> HeaderRow | None:
    """Return the first filled row of the text as its header (None when there is none)."""
    delimiter = file.delimiter()
    with file.open_text() as text:
        try:
            for number, cells in zip(
                range(1, 20), csv.reader(text, delimiter=delimiter), strict=False
            ):
                if any(cell.strip() for cell in cells):
                    return HeaderRow(tuple(map(normalise_header, cells)), number, delimiter)
        except csv.Error:
            return None
    return None


@dataclass
class _Bad:
    """Rows the parser could not cut into the header's number of cells, and the row count."""

    next_row: int  # file row of the next row not yet counted
    passed: int = 0  # how many of ``numbers`` lie before it
    rows: list[pacsv.InvalidRow] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def __call__(self, row: pacsv.InvalidRow) -> Literal["skip"]:
        self.rows.append(row)
        self.numbers.append(row.number or 0)
        return "skip"

    def drain(self, file: SourceFile, table: str | None) -> Iterator[Reject]:
        """Yield what was collected since the last call."""
        rows, self.rows = self.rows, []
        for row in rows:
            yield Reject(table, file.name, row.number or 0, None, "unreadable_row", row.text or "")

    def row_numbers(self, count: int) -> Arrow:
        """Return the file rows of the next ``count`` good rows."""
        pieces = []
        while count:
            while self.passed < len(self.numbers) and self.numbers[self.passed] == self.next_row:
                self.passed += 1
                self.next_row += 1
            free = count
            if self.passed < len(self.numbers):
                free = min(count, self.numbers[self.passed] - self.next_row)
            pieces.append(row_range(self.next_row, free))
            self.next_row += free
            count -= free
        return pa.concat_arrays(pieces) if pieces else row_range(0, 0)


def stream_delimited(
    file: SourceFile, header: HeaderRow, columns: Mapping[str, int], table: str | None = None
) -> Iterator[pa.Table | Reject]:
    """Yield tables of text columns plus ``source_row``, and the rows that could not be cut.

    In big files columns of few different values come as dictionaries.

    Args:
        columns: wanted name -> place in the header.
        table: named in the rejects.

    Raises:
        HostileFile: a cell above ``MAX_CELL`` bytes.
        UnreadableFile: the text breaks its encoding.
    """
    bad = _Bad(header.row + 1)
    try:
        with _open(file, header, columns, bad) as reader:
            for batch in reader:
                _check_cells(file, batch)
                numbers = bad.row_numbers(batch.num_rows)
                yield from bad.drain(file, table)
                rows = pa.table([*batch.columns, numbers], names=[*columns, "source_row"])
                yield _without_blank_rows(rows)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise _refused(file, error) from error
    yield from bad.drain(file, table)


def _open(
    file: SourceFile, header: HeaderRow, columns: Mapping[str, int], bad: _Bad
) -> pacsv.CSVStreamingReader:
    names = [f"c{place}" for place in range(len(header.names))]
    coded = _coded(file, header)
    return pacsv.open_csv(
        file.path,
        read_options=pacsv.ReadOptions(
            use_threads=False,  # only then are bad rows numbered; it is no slower on two cores
            column_names=names,
            skip_rows_after_names=header.row,
            block_size=_BLOCK,
            encoding=_arrow_encoding(file),
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=header.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=bad,
        ),
        convert_options=pacsv.ConvertOptions(
            column_types={
                name: CODED if place in coded else pa.string() for place, name in enumerate(names)
            },
            include_columns=[f"c{place}" for place in columns.values()],
        ),
    )


def _arrow_encoding(file: SourceFile) -> str:
    encoding = file.text_encoding()
    return "utf8" if encoding in ("utf-8", "utf-8-sig") else encoding


def _coded(file: SourceFile, header: HeaderRow) -> set[int]:
    """Return the places of columns whose values repeat, judged by the first rows of a big file."""
    if file.path.stat().st_size < _BIG:
        return set()
    try:
        with file.open_text() as text:
            rows = list(islice(csv.reader(text, delimiter=header.delimiter), header.row + _LOOK))
    except csv.Error:
        return set()
    return {
        place
        for place, cells in enumerate(zip_longest(*rows[header.row :]))
        if len(set(cells)) * 2 <= len(cells)
    }


def _check_cells(file: SourceFile, batch: pa.RecordBatch) -> None:
    for column in batch.columns:
        values = column.dictionary if pa.types.is_dictionary(column.type) else column
        longest = pc.max(pc.binary_length(values)).as_py() or 0
        if longest > MAX_CELL:
            raise _long_cell(file)


def _without_blank_rows(rows: pa.Table) -> pa.Table:
    """Drop the rows in which every cell is empty (empty lines, trailing commas)."""
    blank = None
    for column in rows.columns[:-1]:
        empty = _is_empty(column)
        blank = empty if blank is None else pc.and_(blank, empty)
        if not pc.any(blank).as_py():
            return rows
    return rows if blank is None else rows.filter(pc.invert(blank))


def _is_empty(column: Arrow) -> Arrow:
    if not pa.types.is_dictionary(column.type):
        return pc.equal(column, "")
    parts = [pc.equal(one.dictionary, "").take(one.indices) for one in column.chunks]
    return pa.chunked_array(parts, pa.bool_())


def _refused(file: SourceFile, error: Exception) -> UnreadableFile | HostileFile:
    if "straddling object" in str(error):
        return _long_cell(file)
    return UnreadableFile(
        f"the text cannot be read as a table ({error}).",
        file=file.name,
        hint="Export it again.",
        zh="无法按表格读取该文本。请重新导出。",
    )


def _long_cell(file: SourceFile) -> HostileFile:
    return HostileFile(
        f"a cell is longer than {MAX_CELL:,} bytes.",
        file=file.name,
        hint="Look for a quotation mark that is never closed.",
        zh=f"有单元格超过 {MAX_CELL:,} 字节。请查找没有闭合的引号。",
    )
