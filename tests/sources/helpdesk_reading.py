"""Read files with one reader, as an import would, and look at the rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinpai.sources.base import Batch, Context, Note, Reject, Source
from jinpai.sources.files import open_paths
from jinpai.tables.schema import TABLES, table_columns

CONTEXT = Context("shop", "Asia/Shanghai", table_columns())


@dataclass
class Reading:
    """What a reader handed over, rows by table."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def of(self, table: str, *names: str) -> list[tuple[Any, ...]]:
        """Return the named columns of a table's rows, sorted."""
        found = [tuple(row.get(name) for name in names) for row in self.rows.get(table, [])]
        return sorted(found, key=lambda row: tuple(str(value) for value in row))

    def messages(self, *names: str) -> list[tuple[Any, ...]]:
        """Return the named columns of the messages in order of (sent_at, seq)."""
        rows = sorted(self.rows["messages"], key=lambda row: (row["sent_at"], int(row["seq"])))
        return [tuple(row.get(name) for name in names) for row in rows]


def read(source: Source, *paths: Path, options: Mapping[str, str] | None = None) -> Reading:
    """Open, recognise and read; every file must be recognised and every column be canonical."""
    files = []
    for file in open_paths(list(paths)):
        claim = source.recognise(file)
        assert claim is not None, file.name
        file.layout = claim.layout
        files.append(file)
    reading = Reading()
    for item in source.read(files, replace(CONTEXT, options=dict(options or {}))):
        if isinstance(item, Batch):
            _check(item)
            reading.batches.append(item)
            reading.rows.setdefault(item.table, []).extend(item.rows.to_pylist())
        elif isinstance(item, Reject):
            reading.rejects.append(item)
        else:
            reading.notes.append(item)
    return reading


def _check(batch: Batch) -> None:
    known = {column.name for column in TABLES[batch.table].columns} | {"source_row", "raw"}
    assert set(batch.rows.column_names) <= known
    assert batch.patch
    assert batch.timezone in ("UTC", None)


def write_json(path: Path, document: Any) -> Path:
    """Write a document as JSON and return its path."""
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def story(shared: Path) -> dict[str, Any]:
    """Return the invented facts behind every sample file."""
    facts: dict[str, Any] = json.loads((shared / "formats/story.json").read_text("utf-8"))
    return facts


def story_lines(facts: Mapping[str, Any], left_out: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (UTC time, sender, text) of the story's messages, without the kinds left out."""
    lines = []
    for chat in facts["conversations"]:
        for message in chat["messages"]:
            if message["kind"] not in left_out:
                local = datetime.fromisoformat(message["t"]) - timedelta(hours=8)
                lines.append((local.isoformat() + "Z", message["from"], message["text"]))
    return sorted(lines)
