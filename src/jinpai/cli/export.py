"""Figures in every form: JSON, CSV, XLSX, Parquet, and the table for people."""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from jinpai.cli.console import note, print_json
from jinpai.cli.runs import as_of_text, shop_json
from jinpai.cli.words import say
from jinpai.errors import UsageError, reason_zh
from jinpai.metrics.definition import registry
from jinpai.metrics.result import json_row, json_value
from jinpai.periods import local_time
from jinpai.workspace import MetricsResult, Workspace

__all__ = ["deliver", "metrics_json", "safe_cell"]

_VALUES = ("value", "numerator", "denominator")
# Columns that only some figures have.
_EXTRAS = ("cumulative", "first", "last")
_FORMATS = {
    "ratio": "0.0%",
    "money": "#,##0.00",
    "money_mean": "#,##0.00",
    "seconds": "#,##0.0",
    "hours": "#,##0.0",
}


def deliver(
    workspace: Workspace,
    result: MetricsResult,
    form: str,
    out: Path | None,
    *,
    chosen: bool,
) -> None:
    """Write figures in the form asked for, to ``out`` or stdout.

    Args:
        chosen: the metrics were named, so their order is the user's.
    Raises:
        UsageError: Parquet or XLSX without a file, or a file that cannot be written.
    """
    if out is None:
        _to_stdout(workspace, result, form, chosen)
        return
    try:
        _to_file(workspace, result, form, out, chosen)
    except OSError as error:
        raise UsageError(
            f"--out {out}: {error.strerror or error}.", zh=f"--out {out}：{reason_zh(error)}。"
        ) from None
    note(
        say(f"{len(result.rows):,} figures in {out}.", f"{out} 中共 {len(result.rows):,} 个数。"),
        "green",
    )


def _to_stdout(workspace: Workspace, result: MetricsResult, form: str, chosen: bool) -> None:
    if form in ("parquet", "xlsx"):
        raise UsageError(
            f"--format {form} needs a file: add --out FILE.{form}.",
            zh=f"--format {form} 须写入文件：请加上 --out 文件名.{form}。",
        )
    if form == "json":
        print_json(metrics_json(result))
    elif form == "csv":
        _write_csv(result, sys.stdout)
    else:
        from jinpai.cli.figures import show_figures

        show_figures(workspace, result, chosen=chosen)


def _to_file(
    workspace: Workspace, result: MetricsResult, form: str, out: Path, chosen: bool
) -> None:
    if form == "xlsx":
        _write_xlsx(result, out)
    elif form == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(result.table, out)
    elif form == "csv":
        with out.open("w", encoding="utf-8", newline="") as file:
            _write_csv(result, file)
    else:
        with out.open("w", encoding="utf-8") as file:
            before, sys.stdout = sys.stdout, file
            try:
                _to_stdout(workspace, result, form, chosen)
            finally:
                sys.stdout = before


def metrics_json(result: MetricsResult) -> dict[str, Any]:
    """Return the figures with what made them.

    ``settings_id`` is the shops' own when they agree, else a hash over all of them; ``as_of`` the
    latest; ``timezone`` null when they differ.
    """
    ids = sorted({shop.settings_id for shop in result.shops})
    zones = {shop.timezone for shop in result.shops}
    latest = max(result.shops, key=lambda shop: shop.as_of_us)
    one_zone = len(zones) == 1
    return {
        "settings_id": ids[0] if len(ids) == 1 else _hash(result),
        "as_of": as_of_text(latest) if one_zone else local_time(latest.as_of_us, "UTC").isoformat(),
        "timezone": latest.timezone if one_zone else None,
        "shops": [shop_json(shop) for shop in result.shops],
        "rows": [json_row(row) for row in result.rows],
    }


def _hash(result: MetricsResult) -> str:
    parts = sorted(f"{shop.shop_id}\0{shop.settings_id}" for shop in result.shops)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _long(result: MetricsResult) -> Iterator[list[Any]]:
    """Yield the heads and then one row per figure; values as they are."""
    keys = list(dict.fromkeys(key for row in result.rows for key in row.grain))
    extras = [
        name for name in _EXTRAS if any(getattr(row, name) is not None for row in result.rows)
    ]
    yield ["shop_id", *keys, "metric", "judge_rule", *_VALUES, "status", *extras]
    for row in result.rows:
        whose = [row.shop_id, *(row.grain.get(key) for key in keys), row.metric, row.judge_rule]
        values = [getattr(row, name) for name in (*_VALUES, "status", *extras)]
        yield [*whose, *values]


def safe_cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula.

    >>> safe_cell("=1+1"), safe_cell("a=b")
    ("'=1+1", 'a=b')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _write_csv(result: MetricsResult, file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    for cells in _long(result):
        writer.writerow(
            ["" if one is None else safe_cell(one) if isinstance(one, str) else json_value(one)
             for one in cells]
        )  # fmt: skip


def _write_xlsx(result: MetricsResult, out: Path) -> None:
    """One sheet: a row per figure, real numbers, the first row frozen, filters."""
    import xlsxwriter

    rows = list(_long(result))
    with xlsxwriter.Workbook(
        str(out),
        {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    ) as book:
        sheet = book.add_worksheet(say("Figures", "指标"))
        styles = {name: book.add_format({"num_format": name}) for name in set(_FORMATS.values())}
        styles |= {name: book.add_format({"num_format": name}) for name in ("yyyy-mm-dd", "#,##0")}
        styles["#,##0.00##"] = book.add_format({"num_format": "#,##0.00##"})
        sheet.write_row(0, 0, [*rows[0], say("name", "指标名称")], book.add_format({"bold": True}))
        for at, cells in enumerate(rows[1:], start=1):
            _write_row(sheet, at, cells, styles, rows[0].index("metric"))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows) - 1, len(rows[0]))
        sheet.set_column(0, len(rows[0]), 18)


def _write_row(
    sheet: Any, at: int, cells: Sequence[Any], styles: dict[str, Any], metric_at: int
) -> None:
    metric = registry().metric(cells[metric_at])
    for place, one in enumerate(cells):
        if one is None:
            continue
        if isinstance(one, date):
            sheet.write_datetime(at, place, one, styles["yyyy-mm-dd"])
        elif isinstance(one, int | float | Decimal):
            own = _FORMATS.get(metric.unit) if place == metric_at + 2 else None
            whole = "#,##0" if isinstance(one, int) else "#,##0.00##"
            money = "#,##0.00" if isinstance(one, Decimal) else None
            sheet.write_number(at, place, float(one), styles[own or money or whole])
        else:
            sheet.write_string(at, place, safe_cell(str(one)))
    sheet.write_string(at, len(cells), say(metric.en, metric.zh))
