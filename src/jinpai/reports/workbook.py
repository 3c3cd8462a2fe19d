"""The report as one workbook: a sheet per topic, real numbers, native charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from jinpai.metrics.decompose import FACTORS
from jinpai.metrics.definition import registry
from jinpai.metrics.query import MetricRow
from jinpai.reports.charts import histogram_labels
from jinpai.reports.model import AgentSheet, Report
from jinpai.reports.outcome_sheets import write_outcomes
from jinpai.reports.overview import Overview
from jinpai.reports.sheet import Book, Column, Table, Valued, day_axis
from jinpai.reports.tables import DAY_CODES, SHEET_CODES
from jinpai.reports.waits import THRESHOLDS, Waits
from jinpai.reports.words import Language, Words

__all__ = ["write_workbook"]

_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_BLUE, _GOLD, _GREY = "#2F6FB7", "#C9A24A", "#9AA5B4"
_FACTOR_UNITS = ("count", "ratio", "money")


def write_workbook(report: Report, language: Language, path: Path) -> None:
    """Write the report as XLSX; raises OSError where the file cannot be written."""
    try:
        with xlsxwriter.Workbook(str(path), _OPTIONS) as made:
            _Writer(report, Words(language, report.money), Book(made)).write()
    except xlsxwriter.exceptions.FileCreateError as error:
        cause = error.__context__ or error.args[0]
        raise cause if isinstance(cause, OSError) else OSError(str(error)) from error


class _Writer:
    """Writes the sheets of one report."""

    def __init__(self, report: Report, words: Words, book: Book) -> None:
        self._r, self._w, self._book = report, words, book
        self._headline = Overview(report, words)

    def write(self) -> None:
        """Write every sheet, in the order of the page."""
        self._overview()
        self._training()
        self._team()
        self._response()
        self._daily()
        self._splits()
        write_outcomes(self._book, self._r, self._w)
        self._figures()
        self._notes()
        self._definitions()

    # overview

    def _overview(self) -> None:
        w, r = self._w, self._r
        sheet = self._book.sheet(w("overview"))
        sheet.write_string(0, 0, f"{r.shop_name} {w('title')}", self._book.title)
        facts = [
            (w("period"), f"{r.period.first} – {r.period.last}"),
            (w("before"), self._before_text()),
            (w("as_of"), r.as_of.replace("T", " ")),
            (w("zone"), r.timezone),
            (w("rule"), w(f"rule_{r.judge_rule}")),
            (w("settings_id"), r.settings_id),
        ]
        for at, (name, text) in enumerate(facts, start=2):
            sheet.write_string(at, 0, name, self._book.bold)
            sheet.write_string(at, 1, text)
        top = len(facts) + 3
        units = ["money", "money", *_FACTOR_UNITS, "money"]
        lines = self._headline.tree_numbers()
        columns = [Column(w("identity_head")), Column(w("sheet_value"), "money")]
        if r.split:
            columns += [Column(w("before"), "money"), Column(w("made"), "money")]
        rows = [
            [title, *(Valued(value, unit) for value in values[: 2 if r.split else 1]), *values[2:]]
            if r.split
            else [title, Valued(values[0], unit)]
            for (title, *values), unit in zip(lines, units, strict=True)
        ]
        self._book.table(sheet, columns, rows, top=top, filters=False)
        sheet.write_string(top + len(rows) + 2, 0, self._headline.books())
        sheet.write_string(top + len(rows) + 3, 0, w("italic_note"))
        sheet.set_column(0, 0, 26)
        sheet.set_column(1, 3, 30)

    def _before_text(self) -> str:
        before = self._r.previous_period
        return "–" if before is None else f"{before.first} – {before.last}"

    # training

    def _training(self) -> None:
        w = self._w
        heads = ["agent", "team", "verdict", "sheet_metric"]
        columns = [
            *(Column(w(head)) for head in heads),
            Column(w("sheet_value"), "count"),
            Column(w("sheet_others"), "count"),
            Column(w("sheet_n"), "count"),
            Column(w("others_n"), "count"),
            Column(w("train")),
            Column(w("learn_from")),
        ]
        self._book.table(self._book.sheet(w("training")), columns, self._findings())

    def _findings(self) -> Iterator[list[Any]]:
        w = self._w
        for sheet in self._r.agents.sheets:
            who = [sheet.name, sheet.team]
            if not sheet.findings:
                said = w("none_weak" if sheet.is_judged else "not_judged")
                yield [*who, said, *([None] * 7)]
            for one in sheet.findings:
                unit = registry().metric(one.code).unit
                yield [
                    *who,
                    w("weak" if one.is_weak else "strong"),
                    w.name(one.code),
                    Valued(one.own, unit),
                    Valued(one.others, unit),
                    one.n,
                    one.others_n,
                    w(f"topic_{one.topic}") if one.is_weak else None,
                    one.coach[0] if one.coach else None,
                ]

    # team

    def _team(self) -> None:
        w = self._w
        codes = [code for code in SHEET_CODES if code in self._r.shop]
        columns = [Column(w("agent")), Column(w("team")), Column(w("place"), "count")]
        columns += [Column(w.name(code), registry().metric(code).unit) for code in codes]
        rows = [
            [
                sheet.name,
                sheet.team,
                sheet.standings["sales_amount"].place,
                *(_valued(sheet.figures[code]) for code in codes),
            ]
            for sheet in self._r.agents.sheets
        ]
        agents = len(rows)
        unassigned = self._r.agents.unassigned
        if unassigned:
            row = [_valued(unassigned.get(code)) for code in codes]
            rows.append([w("unassigned"), None, None, *row])
        rows.append([w("everyone"), None, None, *(_valued(self._r.shop[code]) for code in codes)])
        table = self._book.table(self._book.sheet(w("team_table")), columns, rows)
        column = 3 + codes.index("sales_amount")
        chart = self._chart("bar", w("sales_chart"), table)
        chart.add_series(
            {
                "name": w.name("sales_amount"),
                "categories": [table.name, table.first, 0, table.first + agents - 1, 0],
                "values": [table.name, table.first, column, table.first + agents - 1, column],
                "fill": {"color": _BLUE},
                "data_labels": {"value": True, "num_format": "#,##0"},
                "gap": 60,
            }
        )
        chart.set_y_axis({"reverse": True})
        chart.set_legend({"none": True})
        table.sheet.insert_chart(table.last + 2, 0, chart)

    # response

    def _response(self) -> None:
        w, r = self._w, self._r
        labels = histogram_labels(w)
        columns = [Column(w("rounds_of")), Column(w("agent"))]
        columns += [Column(w(key), "count") for key in ("rounds", "answered")]
        columns += [Column(f"{w(key)} (s)", "seconds") for key in ("mean", "median", "p90")]
        columns += [Column(w("within", seconds=seconds), "ratio") for seconds in THRESHOLDS]
        columns += [Column(f"{label} {w('count_of')}", "count") for label in labels]
        rows = []
        for key, whole, which in (
            ("first_rounds", r.first_waits, "first_waits"),
            ("all_rounds", r.waits, "waits"),
        ):
            for sheet in r.agents.sheets:
                rows.append([w(key), sheet.name, *_waits_row(getattr(sheet, which))])
            rows.append([w(key), w("everyone"), *_waits_row(whole)])
        table = self._book.table(self._book.sheet(w("response")), columns, rows)
        start = len(columns) - len(labels)
        chart = self._chart("column", w("hist_chart"), table)
        chart.add_series(
            {
                "name": w("everyone"),
                "categories": [table.name, 0, start, 0, len(columns) - 1],
                "values": [table.name, table.last, start, table.last, len(columns) - 1],
                "fill": {"color": _BLUE},
                "gap": 40,
            }
        )
        chart.set_legend({"none": True})
        table.sheet.insert_chart(table.last + 2, 0, chart)

    # day by day

    def _daily(self) -> None:
        w, r = self._w, self._r
        codes = ("shop_sales_amount", "sales_amount", "silent_amount", *DAY_CODES[1:])
        columns = [Column(w("day"), "day")]
        columns += [Column(w.name(code), registry().metric(code).unit) for code in codes]
        rows = [
            [day, *(r.shop_days[code][place] if code in r.shop_days else None for code in codes)]
            for place, day in enumerate(r.days)
        ]
        table = self._book.table(self._book.sheet(w("trend")), columns, rows)
        self._daily_chart(table, w("trend_sales"), "column", (2, 3), 0, "#,##0")
        conversion = 1 + codes.index("inquiry_conversion_rate")
        self._daily_chart(table, w("trend_conversion"), "line", (conversion,), 1, "0%")
        answers = tuple(1 + codes.index(code) for code in DAY_CODES if code.endswith("seconds"))
        self._daily_chart(table, w("trend_first"), "line", answers, 2, "0")
        heads = [Column(w("agent")), Column(w("team")), Column(w("day"), "day")]
        heads += [Column(w.name(code), registry().metric(code).unit) for code in DAY_CODES]
        self._book.table(self._book.sheet(w("agent_days")), heads, self._agent_days())

    def _agent_days(self) -> Iterator[list[Any]]:
        for sheet in self._r.agents.sheets:
            for place, day in enumerate(self._r.days):
                values = [
                    sheet.days[code][place] if code in sheet.days else None for code in DAY_CODES
                ]
                if any(value is not None for value in values):
                    yield [sheet.name, sheet.team, day, *values]

    def _daily_chart(
        self, table: Table, title: str, kind: str, columns: Sequence[int], place: int, form: str
    ) -> None:
        chart = self._chart(kind, title, table, subtype="stacked" if kind == "column" else None)
        for column, colour in zip(columns, (_BLUE, _GOLD), strict=False):
            style = {"fill": {"color": colour}} if kind == "column" else {"line": {"color": colour}}
            chart.add_series(
                {
                    "name": [table.name, 0, column],
                    "categories": [table.name, table.first, 0, table.last, 0],
                    "values": [table.name, table.first, column, table.last, column],
                    **style,
                }
            )
        chart.set_x_axis(day_axis(len(self._r.days)))
        chart.set_y_axis({"num_format": form})
        chart.set_legend({"position": "bottom"} if len(columns) > 1 else {"none": True})
        table.sheet.insert_chart(table.last + 2 + place * 16, 0, chart)

    # differences

    def _splits(self) -> None:
        w = self._w
        split = [sheet for sheet in self._r.agents.sheets if sheet.split is not None]
        if not split:
            return
        names = [w(factor) for factor in FACTORS]
        columns = [Column(w("agent")), Column(w("team")), Column(w("members"), "count")]
        columns += [Column(w(key), "money") for key in ("split_own", "split_mean", "difference")]
        columns += [Column(f"{w('made')}: {name}", "money") for name in (*names, w("residual"))]
        for name, unit in zip(names, _FACTOR_UNITS, strict=True):
            columns += [Column(f"{name} ({w(side)})", unit) for side in ("split_own", "split_mean")]
        rows = [_split_row(sheet) for sheet in split]
        table = self._book.table(self._book.sheet(w("splits")), columns, rows)
        chart = self._chart("column", w("split_head"), table, subtype="stacked")
        for place, colour in enumerate((_BLUE, "#4FA08B", _GOLD, _GREY)):
            chart.add_series(
                {
                    "name": [table.name, 0, 6 + place],
                    "categories": [table.name, table.first, 0, table.last, 0],
                    "values": [table.name, table.first, 6 + place, table.last, 6 + place],
                    "fill": {"color": colour},
                }
            )
        chart.set_x_axis({"label_position": "low"})
        chart.set_legend({"position": "bottom"})
        table.sheet.insert_chart(table.last + 2, 0, chart)

    # every figure

    def _figures(self) -> None:
        w = self._w
        heads = ["agent", "team", "sheet_metric", "code"]
        columns = [
            *(Column(w(head)) for head in heads),
            Column(w("sheet_value"), "mean"),
            Column(w("numerator"), "mean"),
            Column(w("denominator"), "mean"),
            Column(w("sheet_others"), "mean"),
            Column(w("sheet_place"), "count"),
            Column(w("place_among"), "count"),
            Column(w("sheet_before"), "mean"),
            Column(w("status")),
        ]
        self._book.table(self._book.sheet(w("figures")), columns, self._figure_rows())

    def _figure_rows(self) -> Iterator[list[Any]]:
        w, r = self._w, self._r
        for code, row in r.shop.items():
            yield self._figure_row([w("everyone"), None], row, r.previous.get(code))
        for sheet in r.agents.sheets:
            for code, row in sheet.figures.items():
                yield self._figure_row([sheet.name, sheet.team], row, sheet.previous.get(code),
                                       sheet, code)  # fmt: skip

    def _figure_row(
        self,
        who: list[Any],
        row: MetricRow,
        before: MetricRow | None,
        sheet: AgentSheet | None = None,
        code: str = "",
    ) -> list[Any]:
        metric = registry().metric(row.metric)
        standing = sheet.standings[code] if sheet else None
        return [
            *who,
            self._w.name(row.metric),
            row.metric,
            _valued(row),
            row.numerator,
            row.denominator,
            Valued(standing.others if standing else None, metric.unit),
            standing.place if standing else None,
            standing.of if standing else None,
            Valued(before.value if before else None, metric.unit),
            self._w(f"status_{row.status}"),
        ]

    # notes

    def _notes(self) -> None:
        w, notes = self._w, self._r.notes
        columns = [Column(w("about")), Column(w("what")), Column(w("from_whom"))]
        columns += [Column(w("rows"), "count")]
        rows: list[list[Any]] = [
            [w("notes_filters"), w(f"filter_{reason}"), agent or w("unassigned"), receptions]
            for reason, agent, receptions, _ in notes.filters
        ]
        rows += [
            [w("notes_rejects"), f"{t}: {why}", None, count] for t, why, count in notes.rejects
        ]
        rows += [
            [w("notes_immature"), w.name(code), f"{w('final_after')} {day}", None]
            for code, day in notes.immature.items()
        ]
        if notes.is_stale:
            rows.append([w("settings_id"), w("stale"), None, None])
        self._book.table(self._book.sheet(w("notes")), columns, rows)

    def _definitions(self) -> None:
        w = self._w
        columns = [Column(w("sheet_metric")), Column(w("code")), Column(w("definition"))]
        rows = [[w.name(code), code, w.meaning(code)] for code in self._r.shop]
        self._book.table(self._book.sheet(w("notes_definitions")), columns, rows)

    def _chart(self, kind: str, title: str, table: Table, subtype: str | None = None) -> Any:
        chart = self._book.book.add_chart(
            {"type": kind, "subtype": subtype} if subtype else {"type": kind}
        )
        chart.set_title({"name": title, "name_font": {"size": 12}})
        height = 60 + 26 * (table.last - table.first + 1) if kind == "bar" else 300
        chart.set_size({"width": 900, "height": height})
        return chart


def _valued(row: MetricRow | None) -> Valued | None:
    if row is None:
        return None
    unit = registry().metric(row.metric).unit
    return Valued(row.value, unit, row.status == "provisional")


def _waits_row(waits: Waits) -> list[Any]:
    shares = [waits.share_within(seconds) for seconds in THRESHOLDS]
    parts = [waits.rounds, waits.answered, waits.mean, waits.median, waits.p90]
    return [*parts, *shares, *waits.bars()]


def _split_row(sheet: AgentSheet) -> list[Any]:
    split = sheet.split
    assert split is not None  # noqa: S101 - callers choose
    own, other = split.own, split.other
    sides = zip(own.factors, other.factors, strict=True)
    return [
        sheet.name,
        sheet.team,
        split.members,
        own.sales_amount,
        other.sales_amount,
        own.sales_amount - other.sales_amount,
        *split.parts.factors,
        split.parts.residual,
        *(value for side in sides for value in side),
    ]
