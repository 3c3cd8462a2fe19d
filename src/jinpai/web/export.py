"""A table as a file: every row, streamed, with nothing a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import quote

import xlsxwriter
from starlette.responses import Response, StreamingResponse

from jinpai.metrics.result import json_value
from jinpai.reports.sheet import Book, Column
from jinpai.web.tables import Table, stream

__all__ = ["csv_answer", "json_answer", "safe_text", "xlsx_answer"]

_AT_ONCE = 500
_SHEET_ROWS = 1_000_000
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def safe_text(value: Any) -> Any:
    """Return a value for a CSV cell; a text that could be a formula gets an apostrophe before it.

    >>> safe_text("=1+1"), safe_text(-3)
    ("'=1+1", -3)
    """
    if isinstance(value, str):
        text = value.replace("\0", "")
        return f"'{text}" if text.lstrip().startswith(_RISKY) else text
    return json_value(value)


def _answer(parts: Iterable[bytes], kind: str, name: str) -> Response:
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    where = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return StreamingResponse(parts, media_type=kind, headers={"content-disposition": where})


def csv_answer(table: Table, name: str) -> Response:
    """Return the table as CSV in UTF-8 with a mark, which spreadsheets need to read Chinese."""
    return _answer(_csv(table), "text/csv; charset=utf-8", f"{name}.csv")


def _csv(table: Table) -> Iterator[bytes]:
    made = io.StringIO()
    writer = csv.writer(made)
    made.write("\ufeff")
    writer.writerow([safe_text(head) for head in table.heads()])
    rows = stream(table)
    while True:
        batch = list(islice(rows, _AT_ONCE))
        writer.writerows([safe_text(value) for value in row] for row in batch)
        yield made.getvalue().encode()
        if len(batch) < _AT_ONCE:
            return
        made.seek(0)
        made.truncate()


def json_answer(table: Table, name: str) -> Response:
    """Return the table as one JSON document."""
    return _answer(_json(table), "application/json", f"{name}.json")


def _json(table: Table) -> Iterator[bytes]:
    yield b'{"rows": ['
    rows = iter(table.all_rows())
    between = ""
    while batch := list(islice(rows, _AT_ONCE)):
        made = (json.dumps(table.json_row(row), ensure_ascii=False) for row in batch)
        yield (between + ",\n".join(made)).encode()
        between = ",\n"
    yield b"]}\n"


def xlsx_answer(table: Table, name: str) -> Response:
    """Return the table as a workbook; one sheet per million rows."""
    return _answer(_xlsx(table), _XLSX, f"{name}.xlsx")


def _xlsx(table: Table) -> Iterator[bytes]:
    columns = [Column(one.head, _unit(one.unit)) for one in table.exported()]
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file, options) as workbook:
            book, rows = Book(workbook), stream(table)
            for number in range(1, 1000):
                batch = islice(rows, _SHEET_ROWS)
                first = next(batch, None)
                if first is None and number > 1:
                    break
                given = [] if first is None else map(_for_sheet, _chain(first, batch))
                book.table(book.sheet(str(number)), columns, given)
        file.seek(0)
        while part := file.read(1 << 16):
            yield part


def _chain(first: list[Any], rest: Iterable[list[Any]]) -> Iterator[list[Any]]:
    yield first
    yield from rest


def _for_sheet(row: list[Any]) -> list[Any]:
    """Moments are the text that CSV has: a sheet's own know no time zone."""
    return [json_value(one) if isinstance(one, datetime) else one for one in row]


def _unit(unit: str) -> str:
    return "text" if unit == "time" else unit
