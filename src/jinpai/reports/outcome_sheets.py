"""The workbook's sheets of after-sales, complaints, loyalty, scores and grades."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from jinpai.metrics.definition import registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.model import Report
from jinpai.reports.outcomes import class_name, shown_codes
from jinpai.reports.sheet import Book, Column, Valued, day_axis
from jinpai.reports.tables import AFTER_CODES, LOYALTY_CODES, PRODUCT_CODES
from jinpai.reports.verdicts import names_of
from jinpai.reports.words import Words
from jinpai.scoring.grade import Graded
from jinpai.scoring.score import Line, Scored

__all__ = ["write_outcomes"]


def write_outcomes(book: Book, report: Report, words: Words) -> None:
    """Write the sheets for which there is anything to write."""
    _metrics(book, report, words, "aftersales", AFTER_CODES)
    _products(book, report, words)
    _trailing(book, report, words)
    _disputes(book, report, words)
    _metrics(book, report, words, "loyalty", LOYALTY_CODES)
    _cohorts(book, report, words)
    _scores(book, report, words)
    _grades(book, report, words)


def _metrics(book: Book, report: Report, words: Words, name: str, codes: Sequence[str]) -> None:
    """Agents by metrics, each with the two numbers it was counted from."""
    codes = shown_codes(report, codes)
    if not codes:
        return
    columns = [Column(words("agent")), Column(words("team")), *_columns(codes, words)]
    rows = [
        [one.name, one.team, *_parts(one.figures.get(code) for code in codes)]
        for one in report.agents.sheets
    ]
    rows.append([words("everyone"), None, *_parts(report.shop.get(code) for code in codes)])
    book.table(book.sheet(words(name)), columns, rows)


def _columns(codes: Sequence[str], words: Words) -> list[Column]:
    columns = []
    for code in codes:
        title = words.name(code)
        columns += [
            Column(title, registry().metric(code).unit),
            Column(f"{title} {words('numerator')}", "mean"),
            Column(f"{title} {words('denominator')}", "count"),
        ]
    return columns


def _products(book: Book, report: Report, words: Words) -> None:
    """Every product by metrics, most refunds and complaints first."""
    codes = shown_codes(report, PRODUCT_CODES)
    if not codes or not report.products:
        return
    columns = [Column(words("product")), Column("product_id"), *_columns(codes, words)]
    rows = [
        [
            one.title or words("no_product"),
            one.product_id,
            *_parts(one.figures.get(code) for code in codes),
        ]
        for one in report.products
    ]
    book.table(book.sheet(words("products")), columns, rows)


def _parts(rows: Any) -> list[Any]:
    parts: list[Any] = []
    for row in rows:
        parts += [None] * 3 if row is None else _part(row)
    return parts


def _part(row: MetricRow) -> list[Any]:
    unit = registry().metric(row.metric).unit
    value = Valued(row.value, unit, row.status == "provisional")
    whole = Valued(row.numerator, "count" if unit == "ratio" else unit)
    return [value, whole, row.denominator]


def _trailing(book: Book, report: Report, words: Words) -> None:
    if not report.trailing:
        return
    codes = list(report.trailing)
    columns = [Column(words("day"), "day")]
    columns += [Column(words.name(code), registry().metric(code).unit) for code in codes]
    rows = [
        [day, *(report.trailing[code][place] for code in codes)]
        for place, day in enumerate(report.days)
    ]
    table = book.table(book.sheet(words("trend_28")), columns, rows)
    chart = book.book.add_chart({"type": "line"})
    for place in range(1, len(columns)):
        chart.add_series(
            {
                "name": [table.name, 0, place],
                "categories": [table.name, table.first, 0, table.last, 0],
                "values": [table.name, table.first, place, table.last, place],
            }
        )
    chart.set_title({"name": words("trend_trailing"), "name_font": {"size": 12}})
    chart.set_x_axis(day_axis(len(report.days)))
    chart.set_y_axis({"num_format": "0%"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 900, "height": 300})
    table.sheet.insert_chart(table.last + 2, 0, chart)


def _disputes(book: Book, report: Report, words: Words) -> None:
    """One table, by stage and then by cause, with a Pareto chart for each."""
    if not report.disputes:
        return
    columns = [Column(words("class_kind")), Column(words("class"))]
    columns += [Column(words("complaints"), "count")]
    columns += [Column(words(key), "ratio") for key in ("share", "cumulative")]
    rows = [
        [
            words(f"disputes_{kind}"),
            class_name(words, kind, row.grain[kind]),
            row.numerator,
            row.value,
            row.cumulative,
        ]
        for kind, found in report.disputes.items()
        for row in found
    ]
    table = book.table(book.sheet(words("disputes")), columns, rows)
    top = table.first
    for place, (kind, found) in enumerate(report.disputes.items()):
        chart = _pareto(book, words, table.name, top, top + len(found) - 1)
        chart.set_title({"name": words(f"disputes_{kind}"), "name_font": {"size": 12}})
        table.sheet.insert_chart(table.last + 2 + 16 * place, 0, chart)
        top += len(found)


def _pareto(book: Book, words: Words, name: str, first: int, last: int) -> Any:
    chart = book.book.add_chart({"type": "column"})
    categories = [name, first, 1, last, 1]
    chart.add_series(
        {
            "name": words("complaints"),
            "categories": categories,
            "values": [name, first, 2, last, 2],
            "fill": {"color": "#2F6FB7"},
            "gap": 60,
        }
    )
    line = book.book.add_chart({"type": "line"})
    line.add_series(
        {
            "name": words("cumulative"),
            "categories": categories,
            "values": [name, first, 4, last, 4],
            "y2_axis": True,
            "line": {"color": "#C9A24A"},
        }
    )
    chart.combine(line)
    line.set_y2_axis({"min": 0, "max": 1, "num_format": "0%"})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 640, "height": 300})
    return chart


def _cohorts(book: Book, report: Report, words: Words) -> None:
    """A row per cohort and month since: buyers who came back, as a share, and what they paid."""
    rows = [
        [one.month, one.buyers, month.months_since, month.month, month.buyers,
         Valued(month.share, "ratio", month.status == "provisional"), month.amount]
        for one in report.cohorts
        for month in one.months
    ]  # fmt: skip
    if not rows:
        return
    heads = [
        ("cohort", "text"), ("cohort_buyers", "count"), ("months_since", "count"),
        ("month", "text"), ("came_back", "count"), ("share", "ratio"), ("amount", "money"),
    ]  # fmt: skip
    columns = [Column(words(key), unit) for key, unit in heads]
    book.table(book.sheet(words("cohorts_head")), columns, rows)


def _scores(book: Book, report: Report, words: Words) -> None:
    """A row per agent and indicator; the agent's totals stand in every row, to filter by."""
    sheet, names = report.scores, names_of(report)
    if sheet is None:
        return
    heads = [
        ("agent", "text"), ("rank", "count"), ("sheet_metric", "text"), ("sheet_value", "mean"),
        ("sheet_n", "count"), ("band", "text"), ("score", "points"), ("weight", "points"),
        ("points", "points"), ("flags", "text"), ("total", "points"),
        ("total_normalised", "points"), ("pay", "money"),
    ]  # fmt: skip
    columns = [Column(words(key), unit) for key, unit in heads]
    rows = [_score_row(one, line, names, words) for one in sheet.agents for line in one.lines]
    book.table(book.sheet(words("scores")), columns, rows)


def _score_row(one: Scored, line: Line, names: dict[str, str], words: Words) -> list[Any]:
    unit = registry().metric(line.metric).unit
    return [
        names.get(one.subject, one.subject),
        one.rank,
        words.name(line.metric),
        Valued(line.value.exact, unit, line.value.status == "provisional"),
        line.value.n,
        line.band,
        line.score,
        line.weight,
        line.points,
        words("comma").join(words(f"flag_{flag}") for flag in line.flags),
        one.total,
        one.total_normalised,
        None if one.pay is None else Fraction(one.pay.total, 100),
    ]


def _grades(book: Book, report: Report, words: Words) -> None:
    if report.grades is None:
        return
    columns = [Column(words(key)) for key in ("agent", "grade", "status", "reasons")]
    names = names_of(report)
    rows = [_grade_row(one, names, words) for one in report.grades.graded]
    book.table(book.sheet(words("grades")), columns, rows)


def _grade_row(one: Graded, names: dict[str, str], words: Words) -> list[Any]:
    reasons = one.reasons_zh if words.language == "zh" else one.reasons_en
    return [
        names.get(one.subject, one.subject),
        words(f"grade_{one.grade or 'none'}"),
        words(f"status_{one.status}"),
        "\n".join(reasons),
    ]
