"""What an import did, or would do, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.table import Table

from jinpai.cli.console import note, plain_table, show
from jinpai.cli.words import say
from jinpai.hints import shell_word
from jinpai.import_report import REASONS_ZH, import_json, preview_value
from jinpai.importing import Imported
from jinpai.metrics.texts import masked
from jinpai.tables.load import Counts
from jinpai.tables.schema import REASONS

__all__ = ["import_json", "show_import"]

_SHOWN = 3  # rejects of each reason that people see
_PREVIEW = 5
_RAW = 60
_COUNTS = ("rows_in", "inserted", "replaced", "unchanged", "rejected")


def show_import(done: Imported, workspace: Path) -> None:
    """Show an import's report."""
    report = done.report
    show(_files(done))
    if report.dry_run:
        for name, rows in report.samples.items():
            show(_sample(name, rows))
    show(_counts(report.tables))
    if report.rejects.num_rows:
        show(_rejects(report.rejects, report.reasons))
    for one in done.notes:
        note(f"{one.source_file}: {say(one.text_en, one.text_zh)}", "dim")
    note(_closing(report.dry_run, workspace, report.seconds), "green")


def _closing(dry_run: bool, workspace: Path, seconds: float) -> str:
    if dry_run:
        return say(
            "Dry run: nothing was changed. Leave out --dry-run to load.",
            "试运行：没有改动任何数据。去掉 --dry-run 即正式导入。",
        )
    return say(
        f"Loaded in {seconds:.1f} s. Next: jinpai run {shell_word(workspace)}",
        f"已导入，用时 {seconds:.1f} 秒。下一步：jinpai run {shell_word(workspace)}",
    )


def _files(done: Imported) -> Table:
    heads = say("File,Reader,What it is,Sure", "文件,读取器,识别为,把握").split(",")
    unknown = say("not recognised, left out", "未识别，已跳过")
    rows = [
        (
            seen.file,
            seen.source or "–",
            say(seen.what, seen.what_zh or seen.what) if seen.source else unknown,
            f"{seen.confidence:.0%}",
        )
        for seen in done.seen
    ]
    shown = rows if len(rows) <= 40 else [*rows[:20], (f"… {len(rows) - 20:,}", "", "", "")]
    return plain_table(heads, shown, right=(3,))


def _counts(tables: dict[str, Counts]) -> Table:
    """One line per table whose counts are seen to add up."""
    heads = say(
        "Table,Rows in,=,Inserted,+,Replaced,+,Unchanged,+,Rejected,,Corrected",
        "表,读入行,=,新增,+,替换,+,未变,+,拒收,,修正",
    ).split(",")
    lines = [*sorted(tables.items())]
    if len(lines) != 1:
        total = Counts()
        for counts in tables.values():
            for name, value in vars(counts).items():
                setattr(total, name, getattr(total, name) + value)
        lines.append((say("total", "合计"), total))
    rows = []
    for name, counts in lines:
        values = [f"{getattr(counts, one):,}" for one in _COUNTS]
        mark = "✓" if counts.identity_holds else "✗"
        signed = [values[0], "=", values[1], "+", values[2], "+", values[3], "+", values[4]]
        rows.append((name, *signed, mark, f"{counts.corrected:,}"))
    return plain_table(heads, rows, right=(1, 3, 5, 7, 9, 11))


def _rejects(rejects: pa.Table, reasons: dict[str, int]) -> Table:
    """The first rejects of each reason, with the reason in words."""
    heads = say("Reason,Rows,File,Row,Column,The row", "原因,行数,文件,行,列,原始内容").split(",")
    first: dict[str, list[dict[str, Any]]] = {}
    for row in rejects.to_pylist():
        kept = first.setdefault(row["reason"], [])
        if len(kept) < _SHOWN:
            kept.append(row)
    lines = []
    for reason, count in reasons.items():
        for place, row in enumerate(first.get(reason, [])):
            raw = masked(" ".join(str(row["raw"] or "").split())) or ""
            words = say(REASONS.get(reason, reason), REASONS_ZH.get(reason, reason))
            lines.append(
                (
                    words if place == 0 else "",
                    f"{count:,}" if place == 0 else "",
                    row["source_file"],
                    row["source_row"],
                    row["column"],
                    raw if len(raw) <= _RAW else raw[: _RAW - 1] + "…",
                )
            )
    return plain_table(heads, lines, right=(1, 3), title=say("Rejected rows", "被拒收的行"))


def _sample(name: str, rows: pa.Table) -> Table:
    """The first rows of a table, columns that hold something."""
    hidden = {"shop_id", "source_file", "source_row"}
    values = rows.slice(0, _PREVIEW).to_pylist()
    heads = [
        column
        for column in rows.column_names
        if column not in hidden and any(row[column] is not None for row in values)
    ]
    lines = [[_short(row[column]) for column in heads] for row in values]
    return plain_table(heads, lines, title=say(f"Preview: {name}", f"预览：{name}"))


def _short(value: Any) -> str:
    text = "" if value is None else " ".join(str(preview_value(value)).split())
    return text if len(text) <= 24 else text[:23] + "…"
