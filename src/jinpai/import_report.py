"""An import's report as JSON: what programs, the web app and jobs keep of it."""

from __future__ import annotations

from typing import Any

from jinpai.importing import Imported
from jinpai.metrics.texts import json_cell, masked

__all__ = ["MAX_JSON_REJECTS", "REASONS_ZH", "import_json", "preview_value"]

MAX_JSON_REJECTS = 1000
REASONS_ZH = {
    "missing_key": "主键列为空",
    "missing_required": "必填列为空",
    "unreadable_time": "时间无法识别",
    "impossible_time": "时间不存在或不在 1970–2100 年之间",
    "unreadable_number": "数字无法识别",
    "unknown_value": "不是该列允许的取值",
    "negative": "金额、数量或计数为负",
    "paid_without_amount": "有付款时间而无实付金额",
    "amount_without_paid": "有实付金额而无付款时间",
    "end_before_start": "结束时间早于开始时间，超出时钟误差",
    "lost_digits": "编号在表格软件里丢了位数",
    "unreadable_json": "不是 JSON 对象",
    "unreadable_row": "整行无法读取",
}


def import_json(done: Imported) -> dict[str, Any]:
    """Return all of an import's report; at most 1000 rejects, `rejects_total` counts them all."""
    report = done.report
    rejects = report.rejects.slice(0, MAX_JSON_REJECTS).to_pylist()
    found: dict[str, Any] = {
        "dry_run": report.dry_run,
        "files": [vars(seen) for seen in done.seen],
        "tables": {name: vars(counts) for name, counts in report.tables.items()},
        "total": vars(report.total),
        "reasons": report.reasons,
        "rejects": [
            {
                "table": row["table"],
                "file": row["source_file"],
                "row": row["source_row"],
                "column": row["column"],
                "reason": row["reason"],
                "raw": row["raw"],
            }
            for row in rejects
        ],
        "rejects_total": report.rejects.num_rows,
        "notes": [
            {"file": one.source_file, "en": one.text_en, "zh": one.text_zh} for one in done.notes
        ],
        "snapshot_id": report.snapshot_id,
        "seconds": round(report.seconds, 3),
    }
    if report.dry_run:
        found["preview"] = {
            name: [
                {key: preview_value(value) for key, value in row.items()}
                for row in rows.to_pylist()
            ]
            for name, rows in report.samples.items()
        }
    return found


def preview_value(value: Any) -> Any:
    """Return a value of a preview: personal data masked."""
    return masked(value) if isinstance(value, str) else json_cell(value)
