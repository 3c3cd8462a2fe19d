"""One sheet of a workbook: a table with real numbers, frozen head, filters and fitting columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

__all__ = ["Book", "Column", "Table", "Valued", "day_axis", "width_of"]

_FORMS = {
    "money": "#,##0.00",
    "money_mean": "#,##0.00",
    "ratio": "0.0%",
    "seconds": "#,##0.0",
    "hours": "#,##0.0",
    "days": "#,##0.0",
    "people": "#,##0",
    "count": "#,##0",
    "orders": "#,##0",
    "items": "#,##0",
    "points": "#,##0.##",
    "day": "yyyy-mm-dd",
}
_OTHER = "#,##0.00"
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
_WIDEST, _NARROWEST, _HEAD = 60, 8, 14
_LINE = 17.5
_MARKS = 16


@dataclass(frozen=True)
class Column:
    """A column: its head and the unit of its values (``text`` for words)."""

    head: str
    unit: str = "text"


@dataclass(frozen=True)
class Valued:
    """A value with a unit of its own, or one that is not final yet."""

    value: Any
    unit: str = ""
    is_provisional: bool = False


@dataclass(frozen=True)
class Table:
    """Where a table was written: rows and columns counted from 0, the head apart."""

    sheet: Any
    name: str
    first: int
    last: int
    column: int = 0


class Book:
    """A workbook with the formats the report uses.

    Args:
        book: an `xlsxwriter.Workbook`.
    """

    def __init__(self, book: Any) -> None:
        self.book = book
        self._styles: dict[tuple[str, bool, bool], Any] = {}
        look = {"bold": True, "bg_color": "#EEF1F5", "bottom": 1, "text_wrap": True}
        self._heads = {
            side: book.add_format(look | {"valign": "vcenter", "align": side, "indent": indent})
            for side, indent in (("left", 1), ("right", 0))
        }
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.bold = book.add_format({"bold": True})

    def sheet(self, name: str) -> Any:
        """Add a sheet that prints across one A4 page, landscape."""
        sheet = self.book.add_worksheet(name[:31])
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        return sheet

    def table(
        self,
        sheet: Any,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Any]],
        *,
        top: int = 0,
        filters: bool = True,
    ) -> Table:
        """Write a table; with filters the head is frozen too. Columns become as wide as needed."""
        widths = [min(width_of(column.head), _HEAD) for column in columns]
        for place, column in enumerate(columns):
            side = "left" if column.unit in ("text", "day") else "right"
            sheet.write_string(top, place, column.head, self._heads[side])
        at = top
        for at, row in enumerate(rows, start=top + 1):
            tallest = 1
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                lines = self.write(sheet, at, place, value, column.unit).split("\n")
                tallest = max(tallest, len(lines))
                widths[place] = max(widths[place], *map(width_of, lines))
            if tallest > 1:  # not every program makes the row as tall as its lines
                sheet.set_row(at, _LINE * tallest)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, min(max(width + 2, _NARROWEST), _WIDEST))
        if filters:
            sheet.freeze_panes(top + 1, 1)
            sheet.autofilter(top, 0, max(at, top), len(columns) - 1)
            sheet.repeat_rows(top)
        return Table(sheet, sheet.get_name(), top + 1, at)

    def write(self, sheet: Any, row: int, column: int, value: Any, unit: str) -> str:
        """Write one value by its type and unit; returns about how it will look."""
        is_provisional = False
        if isinstance(value, Valued):
            unit, is_provisional = value.unit or unit, value.is_provisional
            value = value.value
        if value is None or value == "":
            return ""
        if isinstance(value, date):
            sheet.write_datetime(row, column, value, self._style("day", is_provisional))
            return value.isoformat()
        if isinstance(value, int | float | Decimal | Fraction):
            sheet.write_number(row, column, float(value), self._style(unit, is_provisional))
            return f"{float(value):,.2f}"
        text = str(value)
        sheet.write_string(row, column, text, self._style("text", False, _is_risky(text)))
        return text

    def _style(self, unit: str, is_provisional: bool, is_risky: bool = False) -> Any:
        """A format; figures that are not final are in italics, risky texts marked as texts."""
        key = (unit, is_provisional, is_risky)
        if key not in self._styles:
            look: dict[str, Any] = {"valign": "top"}
            if unit == "text":
                look |= {"text_wrap": True, "align": "left", "indent": 1}
            else:
                look["num_format"] = _FORMS.get(unit, _OTHER)
            if unit == "day":
                look |= {"align": "left", "indent": 1}
            if is_provisional:
                look |= {"italic": True, "font_color": "#7A5A00"}
            if is_risky:
                look["quote_prefix"] = True
            self._styles[key] = self.book.add_format(look)
        return self._styles[key]


def day_axis(days: int) -> dict[str, Any]:
    """Return an axis of days on which the labels can be read, however many days there are."""
    return {
        "num_format": "mm-dd",
        "text_axis": True,
        "interval_unit": max(1, -(-days // _MARKS)),
        "num_font": {"rotation": -45},
    }


def _is_risky(text: str) -> bool:
    """Whether a spreadsheet could take a text for a formula when somebody edits the cell."""
    return text.lstrip().startswith(_RISKY)


def width_of(text: str) -> int:
    """Return how many narrow letters wide a text is; Chinese ones are two.

    >>> width_of("客单价 A")
    8
    """
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
