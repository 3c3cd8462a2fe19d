"""The workbook: the same numbers as the page, real numbers, texts that stay texts."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from jinpai.reports import Report, write_workbook
from jinpai.reports.words import LANGUAGES, Language, Words, texts
from reports.conftest import AGENTS

CHINESE = re.compile("[\u3400-\u9fff]")


@pytest.fixture(scope="module")
def paths(report: Report, tmp_path_factory: pytest.TempPathFactory) -> dict[Language, Path]:
    folder = tmp_path_factory.mktemp("books")
    made: dict[Language, Path] = {}
    for language in LANGUAGES:
        made[language] = folder / f"{language}.xlsx"
        write_workbook(report, language, made[language])
    return made


@pytest.fixture(scope="module")
def books(paths: dict[Language, Path]) -> dict[Language, Any]:
    return {language: openpyxl.load_workbook(path) for language, path in paths.items()}


def rows_of(book: Any, sheet: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a sheet whose first row is its head."""
    rows = book[sheet].iter_rows(values_only=True)
    heads = next(rows)
    for row in rows:
        if any(value is not None for value in row):
            yield dict(zip(heads, row, strict=True))


def test_every_figure_is_there_exactly(books: dict[Language, Any], report: Report) -> None:
    found = {
        (row["Agent"], row["Code"]): (row["This period"], row["Numerator"], row["Denominator"])
        for row in rows_of(books["en"], "All figures")
    }
    cells = {"The shop": report.shop}
    cells |= {sheet.name: sheet.figures for sheet in report.agents.sheets}
    expected = {
        (name, code): tuple(
            None if part is None else float(part)
            for part in (row.value, row.numerator, row.denominator)
        )
        for name, figures in cells.items()
        for code, row in figures.items()
    }
    assert set(found) == set(expected)
    # Files hold 16 digits.
    for key, parts in expected.items():
        for seen, part in zip(found[key], parts, strict=True):
            assert seen == (None if part is None else pytest.approx(part, rel=1e-14)), key


def test_both_languages_hold_the_same_numbers(books: dict[Language, Any]) -> None:
    zh, en = (
        [
            [cell.value for row in sheet.iter_rows() for cell in row if cell.data_type in "nd"]
            for sheet in books[language].worksheets
        ]
        for language in LANGUAGES
    )
    assert zh == en
    assert len(books["zh"].sheetnames) == len(set(books["zh"].sheetnames)) >= 11


def test_one_language_and_only_that(books: dict[Language, Any]) -> None:
    names = [name for name, *_ in AGENTS.values()]
    texts_of = {
        language: {
            cell.value
            for sheet in books[language].worksheets
            for row in sheet.iter_rows()
            for cell in row
            if isinstance(cell.value, str) and cell.value not in names
        }
        for language in LANGUAGES
    }
    assert not [text for text in texts_of["en"] if CHINESE.search(text)]
    english = {en for zh, en in texts().values() if zh != en and len(en) > 2}
    assert not english & texts_of["zh"]


def test_hostile_names_are_texts(books: dict[Language, Any], paths: dict[Language, Path]) -> None:
    for book in books.values():
        for sheet in book.worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f"
                    assert cell.hyperlink is None
                    if str(cell.value).startswith(("=", "+", "-", "@")) and cell.data_type == "s":
                        assert cell.quotePrefix, cell.value
    with zipfile.ZipFile(paths["en"]) as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name).replace(b"<c:f>", b""), name


def test_hostile_names_are_whole(books: dict[Language, Any]) -> None:
    shown = {row["Agent"] for row in rows_of(books["en"], "Team table")}
    assert {name for name, *_ in AGENTS.values()} <= shown


def test_numbers_have_formats_heads_are_frozen_columns_filtered(books: dict[Language, Any]) -> None:
    book = books["en"]
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes == "B2", sheet.title
        assert sheet.auto_filter.ref, sheet.title
    team = book["Team table"]
    heads = [cell.value for cell in team[1]]
    formats = {head: cell.number_format for head, cell in zip(heads, team[2], strict=True)}
    assert formats["Agent sales"] == "#,##0.00"
    assert formats["Inquiry conversion"] == "0.0%"
    assert formats["Inquiring buyers"] == "#,##0"
    assert formats["Average response"] == "#,##0.0"
    day = book["Day by day"]["A2"]
    assert (day.value, day.number_format) == (datetime(2026, 3, 4), "yyyy-mm-dd")


def test_columns_are_wide_enough_for_chinese(books: dict[Language, Any]) -> None:
    sheet = books["zh"]["谁需要训练什么"]
    longest = max(2 * len(row["建议训练"] or "") for row in rows_of(books["zh"], sheet.title))
    column = next(cell.column_letter for cell in sheet[1] if cell.value == "建议训练")
    assert sheet.column_dimensions[column].width >= min(longest, 60)


def test_charts_are_native(paths: dict[Language, Path]) -> None:
    with zipfile.ZipFile(paths["zh"]) as archive:
        charts = [name for name in archive.namelist() if name.startswith("xl/charts/chart")]
    # sales by agent, waits, three by day, differences, complaints by stage and by cause
    assert len(charts) == 8


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (1234.5, "¥1,234.50", "¥1,234.50"),
        (12345.678, "¥1.23万", "¥12.3k"),
        (123456789, "¥1.23亿", "¥123.5m"),
        (-56789, "−¥5.68万", "−¥56.8k"),
        (None, "–", "–"),
    ],
)
def test_headline_amounts(value: float | None, zh: str, en: str) -> None:
    assert Words("zh", "¥").short(value) == zh
    assert Words("en", "¥").short(value) == en


def test_products_are_told_with_what_they_were_counted_from(
    books: dict[str, Any], report: Report
) -> None:
    (cup, none, pot) = rows_of(books["en"], "Products")
    assert (cup["Product"], cup["Refund rate"], cup["Refund rate Denominator"]) == (
        "<i>Cup</i>", 1, 2,
    )  # fmt: skip
    assert (none["Product"], none["product_id"]) == ("no product", None)
    assert pot["Complaint rate"] == 1 / 3
