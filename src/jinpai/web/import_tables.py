"""The report of an import, or of a dry run, as tables: files, counts, first rows, rejects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from jinpai.import_report import REASONS_ZH
from jinpai.jobs.work import folder_of
from jinpai.tables.schema import REASONS, TABLES
from jinpai.web.background import clock
from jinpai.web.contexts import Page
from jinpai.web.masking import hide
from jinpai.web.tables import Cell, Column, Empty, Row, Table

__all__ = ["report_of", "report_tables", "table_name"]

_SHOWN = 200
_COUNTS = ("rows_in", "inserted", "replaced", "unchanged", "rejected", "corrected")
_HIDDEN = ("shop_id", "source_file", "source_row")


def report_of(page: Page, job_id: int) -> dict[str, Any] | None:
    """Return the report a job kept, None where it kept none."""
    path = folder_of(page.reader.root, job_id) / "report.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def report_tables(page: Page, report: Mapping[str, Any], job_id: int) -> list[Table]:
    """Return the tables of a report; those of first rows are named ``rows_TABLE``."""
    tables = [_files(page, report), _counts(page, report)]
    tables += [_first_rows(page, name, rows) for name, rows in report.get("preview", {}).items()]
    return [*tables, _rejects(page, report, folder_of(page.reader.root, job_id))]


def table_name(page: Page, name: str) -> str:
    """Return what a table is called."""
    key = f"table_{name}"
    return page.w(key) if page.w.has(key) else name


def _files(page: Page, report: Mapping[str, Any]) -> Table:
    w = page.w
    columns = [
        Column("file", w("import_file_name"), is_fixed=True),
        Column("what", w("import_what")),
        Column("source", w("import_reader")),
        Column("sure", w("import_sure"), "ratio"),
    ]
    rows: list[Row] = []
    for one in report["files"]:
        is_known = one["source"] is not None
        what = w.pick(one["what_zh"] or one["what"], one["what"])
        rows.append(
            {
                "file": Cell(one["file"]),
                "what": Cell(
                    what if is_known else w("import_unknown"), badge="" if is_known else "orange"
                ),
                "source": Cell(one["source"]),
                "sure": Cell(one["confidence"] if is_known else None),
            }
        )
    notes = [
        {"file": Cell(one["file"]), "what": Cell(w.pick(one["zh"], one["en"]))}
        for one in report["notes"]
    ]
    return Table("files", w("import_files"), columns, [*rows, *notes], Empty(w("import_no_files")))


def _counts(page: Page, report: Mapping[str, Any]) -> Table:
    w = page.w
    columns = [Column("table", w("import_table"), is_fixed=True)]
    columns += [Column(name, w(f"import_{name}"), "count") for name in _COUNTS]
    rows = [_counted(table_name(page, name), one) for name, one in report["tables"].items()]
    foot = [_counted(w("import_total"), report["total"])] if len(rows) > 1 else []
    return Table(
        "counts",
        w("import_counts"),
        columns,
        rows,
        Empty(w("import_no_rows")),
        foot=foot,
        is_plain=True,
    )


def _counted(name: str, counts: Mapping[str, int]) -> Row:
    tones = {"rejected": "worse" if counts["rejected"] else ""}
    made = {one: Cell(counts[one], tone=tones.get(one, "")) for one in _COUNTS}
    return {"table": Cell(name), **made}


def _first_rows(page: Page, name: str, rows: list[dict[str, Any]]) -> Table:
    """The first rows as they would be loaded, columns that hold something; masked as chats are."""
    keys = [
        key for key in rows[0] if key not in _HIDDEN and any(row[key] is not None for row in rows)
    ]
    columns = [Column(key, key, is_sortable=False) for key in keys]
    times = {one.name for one in TABLES[name].columns if one.kind == "time"}
    shown = [{key: _value(page, row[key], key in times) for key in keys} for row in rows[:10]]
    title = page.w("import_first_rows", table=table_name(page, name))
    return Table(f"rows_{name}", title, columns, shown, Empty(page.w("import_no_rows")))


def _value(page: Page, value: Any, is_time: bool) -> Cell:
    if isinstance(value, str):
        return Cell(hide(value), text=clock(page, value, seconds=True) if is_time else None)
    return Cell(value)


def _rejects(page: Page, report: Mapping[str, Any], folder: Path) -> Table:
    w = page.w
    columns = [
        Column("reason", w("import_reason"), is_fixed=True),
        Column("file", w("import_file_name")),
        Column("row", w("import_row"), "count"),
        Column("column", w("import_column")),
        Column("raw", w("import_raw"), is_sortable=False),
    ]
    first = [_reject(page, one) for one in report["rejects"][:_SHOWN]]

    def every() -> Iterator[Row]:
        for batch in pq.ParquetFile(folder / "rejects.parquet").iter_batches():
            for row in batch.to_pylist():
                yield _reject(page, row | {"file": row["source_file"], "row": row["source_row"]})

    total = report["rejects_total"]
    return Table(
        "rejects", w("import_rejects"), columns, first, Empty(w("import_no_rejects")),
        every=every if total else None, total=total or None,
    )  # fmt: skip


def _reject(page: Page, row: Mapping[str, Any]) -> Row:
    reason = row["reason"]
    words = page.w.pick(REASONS_ZH.get(reason, reason), REASONS.get(reason, reason))
    raw = hide(" ".join(str(row["raw"] or "").split()))
    return {
        "reason": Cell(words),
        "file": Cell(row["file"]),
        "row": Cell(row["row"], text="" if row["row"] is None else f"{row['row']}"),
        "column": Cell(row["column"]),
        "raw": Cell(raw, text=(raw or "")[:160]),
    }
