"""Workbooks and delimited text as grids of text cells, and how to find the header in them."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import python_calamine

from jinpai.errors import HostileFile, UnreadableFile
from jinpai.sources.decode import MAX_CELL

__all__ = [
    "Grid",
    "Header",
    "cell_text",
    "clean_cell",
    "delimited_rows",
    "find_header",
    "normalise_header",
    "read_delimited",
    "read_workbook",
    "records",
    "sniff_delimiter",
    "unguard",
]

DELIMITERS = (",", "\t", ";", "|")
MAX_ROWS_HELD = 5_000_000
_COLUMNS = 16_384  # as many as a workbook can have; a wider row is text full of commas
_NAME = 500  # characters of a cell that are looked at when it may be a column name
_EMPTY = frozenset({"", "-", "--", "null"})
_BRACKETS = str.maketrans("（）", "()")
_LEADING_GUARD = re.compile(r"^'(?=.)", re.DOTALL)
_FORMULA_TEXT = re.compile(r'^="(?:"([^"]*)"|([^"]*))"+$', re.DOTALL)
csv.field_size_limit(MAX_CELL)


@dataclass
class Grid:
    """One sheet or delimited text as text cells.

    Numbers are in shortest exact form, dates ISO, blanks None. Numbers that a spreadsheet can no
    longer hold exactly (1e15 and above) stay in scientific notation, so that ids are refused later.

    Attributes:
        first_row: file row number of ``rows[0]``; a quoted cell with line breaks is one row.
    """

    sheet: str
    rows: list[tuple[str | None, ...]]
    first_row: int = 1


@dataclass
class Header:
    """Where a header was found.

    Attributes:
        row: index into ``Grid.rows``.
        names: normalised column names, '' for a column without one.
    """

    row: int
    names: list[str]


def normalise_header(text: str | None) -> str:
    """Trim, drop byte order mark, line breaks and full-width blanks, unify （） to ().

    >>> normalise_header("\\ufeff 收货地址　（省） ")
    '收货地址(省)'
    """
    if text is None:
        return ""
    kept = (c for c in text[:_NAME] if unicodedata.category(c) != "Cf" and c not in "\r\n\t\u3000")
    return unquote("".join(kept).strip()).strip().translate(_BRACKETS)


def unquote(text: str) -> str:
    """Strip the ``="…"`` that keeps a spreadsheet from eating digits.

    >>> unquote('="1930001"'), unquote('=""1930001""')
    ('1930001', '1930001')
    """
    found = _FORMULA_TEXT.match(text) if text.startswith("=") else None
    return (found[1] if found[1] is not None else found[2]) if found else text


def unguard(text: str) -> str:
    """Strip outer blanks, ``="…"`` and the apostrophe that guards a formula or a number."""
    return _LEADING_GUARD.sub("", unquote(text.strip())).strip()


def clean_cell(text: str | None) -> str | None:
    """Return the cell without ``="…"``, formula guard and outer blanks; None when it is empty.

    >>> clean_cell('="123"\\t'), clean_cell("'186"), clean_cell("--")
    ('123', '186', None)
    """
    if text is None:
        return None
    text = unguard(text)
    return None if text.lower() in _EMPTY else text


def find_header(
    grid: Grid, wanted: Iterable[str], *, least: int = 2, within: int = 10
) -> Header | None:
    """Return the first of the first ``within`` rows holding ``least`` of the wanted names."""
    names = {normalise_header(name) for name in wanted} - {""}
    for index, row in enumerate(grid.rows[:within]):
        if len(row) > _COLUMNS:
            continue
        cells = [normalise_header(cell) for cell in row]
        if len(names.intersection(cells)) >= least:
            return Header(index, cells)
    return None


def records(grid: Grid, header: Header) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield (file row number, normalised name -> cleaned cell) of every row below the header.

    Wholly empty rows are left out. Of columns with the same name the first one counts.
    """
    places: dict[str, int] = {}
    for index, name in enumerate(header.names):
        if name:
            places.setdefault(name, index)
    for offset, row in enumerate(grid.rows[header.row + 1 :], header.row + 1):
        cells = [clean_cell(cell) for cell in row]
        if any(cell is not None for cell in cells):
            wide = len(cells)
            yield (
                grid.first_row + offset,
                {name: cells[at] if at < wide else None for name, at in places.items()},
            )


# -- delimited text ------------------------------------------------------------------------------


def sniff_delimiter(text: str) -> str:
    """Return the delimiter that cuts the first rows most evenly; ',' when nothing is cut.

    >>> sniff_delimiter("a;b;c\\n1,5;2;3\\n")
    ';'
    """
    lines = text.splitlines(keepends=True)[:30]
    best, best_score = ",", 0
    for delimiter in DELIMITERS:
        try:
            widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            continue
        score = max(
            (count * min(width, 50) for width, count in widths.items() if width > 1), default=0
        )
        if score > best_score:
            best, best_score = delimiter, score
    return best


def delimited_rows(file: TextIO, delimiter: str, name: str) -> Iterator[list[str]]:
    """Yield the rows of a delimited text as they are.

    Raises:
        HostileFile: a cell above ``MAX_CELL`` characters.
    """
    done = 0
    try:
        for row in csv.reader(file, delimiter=delimiter):
            yield row
            done += 1
    except csv.Error as error:
        raise HostileFile(
            f"a cell is longer than {MAX_CELL:,} characters ({error}).",
            file=name,
            row=done + 1,
            hint="Look for a quotation mark that is never closed.",
            zh=f"有单元格超过 {MAX_CELL:,} 个字符。请查找没有闭合的引号。",
        ) from error


def read_delimited(file: TextIO, delimiter: str, name: str, head: int | None = None) -> Grid:
    """Return the text as one grid (``head``: only its first rows).

    Raises:
        HostileFile: an endless cell, or too many rows to hold.
    """
    reader = delimited_rows(file, delimiter, name)
    limit = MAX_ROWS_HELD if head is None else head
    rows = [tuple(cell or None for cell in row) for row in itertools.islice(reader, limit)]
    if head is None and next(reader, None) is not None:
        raise HostileFile(
            f"more than {limit:,} rows.",
            file=name,
            hint="Split it into smaller files.",
            zh=f"超过 {limit:,} 行。请拆成较小的文件。",
        )
    return Grid("", rows)


# -- workbooks -----------------------------------------------------------------------------------


def read_workbook(path: Path, name: str, head: int | None = None) -> list[Grid]:
    """Return every sheet of the workbook (xlsx, xls) as a grid.

    The sheet's own ``dimension`` is not believed; cells are counted as they come.

    Raises:
        UnreadableFile: damaged or encrypted.
    """
    try:
        with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
            return [
                _sheet(book, sheet, head) for sheet in book.sheet_names if _is_table(book, sheet)
            ]
    except python_calamine.PasswordError as error:
        raise UnreadableFile(
            "the workbook is encrypted.",
            file=name,
            hint="Save it without a password.",
            zh="工作簿已加密。请去掉密码后另存。",
        ) from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise UnreadableFile(
            f"the workbook cannot be read ({error}).",
            file=name,
            hint="It is damaged or cut off; export it again.",
            zh="工作簿无法读取：文件损坏或不完整，请重新导出。",
        ) from error


def _is_table(book: python_calamine.CalamineWorkbook, sheet: str) -> bool:
    kinds = {item.name: item.typ for item in book.sheets_metadata}
    return bool(kinds[sheet] == python_calamine.SheetTypeEnum.WorkSheet)


def _sheet(book: python_calamine.CalamineWorkbook, sheet: str, head: int | None) -> Grid:
    raw = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False, nrows=head)
    timed = _timed_columns(raw)
    rows = [tuple(cell_text(cell, at in timed) for at, cell in enumerate(row)) for row in raw]
    return Grid(sheet, rows)


def _timed_columns(rows: Sequence[Sequence[object]]) -> set[int]:
    """Return the columns with a time of day: there, a bare date is a midnight."""
    return {at for row in rows for at, cell in enumerate(row) if isinstance(cell, dt.datetime)}


def cell_text(cell: object, timed: bool = False) -> str | None:
    """Return a workbook cell as text.

    >>> cell_text(12.0), cell_text(0.1 + 0.2), cell_text(1.93e18), cell_text("")
    ('12', '0.3', '1.93E+18', None)
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, dt.datetime):
        return _moment(cell)
    if isinstance(cell, dt.date) and timed:
        return f"{cell.isoformat()} 00:00:00"
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)


def _number(value: float) -> str:
    if abs(value) >= 1e15:
        mantissa, exponent = f"{value:.14E}".split("E")
        return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"
    if value == int(value):
        return str(int(value))
    text = f"{value:.15g}"  # what the spreadsheet itself shows at most
    return text if "e" not in text else f"{value:.20f}".rstrip("0")


def _moment(value: dt.datetime) -> str:
    """ISO text; serial numbers miss whole seconds by microseconds, so go to the millisecond."""
    value += dt.timedelta(microseconds=500)
    value = value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond else "seconds")
